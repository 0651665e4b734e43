"""Commands to the card of the Thai national ID, and how its answers come: ISO 7816-4 over T=0 and T=1.

Applet A000000054480001: READ is 80 B0, the offset, 02 00, the length; the answer waits behind a GET RESPONSE (61 xx),
whose P2 is 01 on the cards whose ATR begins 3B 67. The chip's own number stands in its production data (GlobalPlatform,
GET DATA 9F7F), which is read before any applet is chosen.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

APPLET = bytes.fromhex("A000000054480001")
OLD_ATR = bytes.fromhex("3B67")
PRODUCTION_DATA = bytes.fromhex("80CA9F7F00")
GOOD = 0x9000
MORE = 0x61
OTHER_LENGTH = 0x6C
CASE_2 = 5  # a command of five bytes ends with the length that it wants
MOST_ROUNDS = 8
PHOTO_AT, PHOTO_PART, PHOTO_PARTS = 0x017B, 0xFF, 20

Transmit = Callable[[bytes], tuple[bytes, int]]

FIELDS = {  # offset and length; the address (0x1579), the religion (0x0177) and the issuer (0x00F6) are not asked for
    "national_id": (0x0004, 0x0D),
    "name_th": (0x0011, 0x64),
    "name_en": (0x0075, 0x64),
    "birth_date": (0x00D9, 0x08),
    "gender": (0x00E1, 0x01),
    "request_number": (0x00E2, 0x14),
    "issued_on": (0x0167, 0x08),
    "expires_on": (0x016F, 0x08),
}


class CardFault(Exception):  # noqa: N818 -- a state of the card
    """No card of this kind, or not all of it. `code`: no_reader, no_card, not_an_id_card, removed, garbled, busy."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Dump:
    """What stood on the card, uninterpreted."""

    fields: dict[str, bytes] = field(default_factory=dict)
    photo: bytes = b""
    production_data: bytes = b""


def select(applet: bytes) -> bytes:
    """Choose an applet."""
    return bytes((0x00, 0xA4, 0x04, 0x00, len(applet))) + applet


def read(offset: int, length: int) -> bytes:
    """Ask for `length` bytes from `offset` on."""
    return bytes((0x80, 0xB0, offset >> 8, offset & 0xFF, 0x02, 0x00, length))


def get_response(atr: bytes, length: int) -> bytes:
    """Fetch what waits."""
    return bytes((0x00, 0xC0, 0x00, 0x01 if atr.startswith(OLD_ATR) else 0x00, length))


def exchange(transmit: Transmit, command: bytes, *, atr: bytes) -> tuple[bytes, int]:
    """One command and all of its answer, with the last status word; a card that never comes to an end is garbled."""
    data, status = transmit(command)
    for _ in range(MOST_ROUNDS):
        kind, length = status >> 8, status & 0xFF
        if kind == MORE:
            more, status = transmit(get_response(atr, length))
            data += more
        elif kind == OTHER_LENGTH and len(command) == CASE_2:
            data, status = transmit(command[:-1] + bytes((length,)))
        else:
            return data, status
    raise CardFault("garbled")


def dump(transmit: Transmit, *, atr: bytes) -> Dump:
    """Read a card. Raises: CardFault not_an_id_card, garbled."""
    production_data, status = exchange(transmit, PRODUCTION_DATA, atr=atr)
    _, chosen = exchange(transmit, select(APPLET), atr=atr)
    if chosen != GOOD:
        raise CardFault("not_an_id_card")
    parts = (_whole(transmit, PHOTO_AT + n * PHOTO_PART, PHOTO_PART, atr) for n in range(PHOTO_PARTS))
    fields = {name: _whole(transmit, offset, length, atr) for name, (offset, length) in FIELDS.items()}
    return Dump(fields, b"".join(parts), production_data if status == GOOD else b"")


def _whole(transmit: Transmit, offset: int, length: int, atr: bytes) -> bytes:
    data, status = exchange(transmit, read(offset, length), atr=atr)
    if status != GOOD or len(data) != length:
        raise CardFault("garbled")
    return data
