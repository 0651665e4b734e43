"""An ID card of a made-up person, as its chip answers over T=0 (THAI.md 2.4), and a slot that holds it: vpcd's client.

Fields lie at their offsets in the applet A000000054480001; READ (80 B0 offset 02 00 length) answers 61 xx, then GET
RESPONSE gives the bytes, with P2 01 on cards whose ATR begins 3B 67 (another P2 is 6B 00 there). Production data
(80 CA 9F 7F 00) answer 6C 2D first, before any applet is chosen too. No data without the applet: 69 82.

A slot speaks vpcd's protocol: two bytes of length, then the payload; one byte is a command (0 off, 1 on, 2 reset,
4 ATR), anything longer an APDU. Hanging up is taking the card out.
"""

import socket
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass, field

ATR = bytes.fromhex("3B6800000073C84013009000")
OLD_ATR = bytes.fromhex("3B6700000073C84013009000")
APPLET = bytes.fromhex("A000000054480001")
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 16 + b"\xff\xd9"
SIZE = 0x1800
PHOTO_SIZE = 20 * 255
VPCD = ("127.0.0.1", 35963)


def field_of(value: str, length: int) -> bytes:
    """Text as a card pads it."""
    return value.encode("tis_620").ljust(length)


def memory_of(
    *,
    national_id: str,
    name_th: str,
    name_en: str,
    born: str,
    sex: str = "1",
    request: str = "",
    issued: str = "25650101",
    expires: str = "25720412",
    photo: bytes = JPEG,
) -> bytearray:
    """The applet's bytes: names with #, dates of the Buddhist era."""
    memory = bytearray(b"\xff" * SIZE)
    for offset, data in (
        (0x0004, field_of(national_id, 13)),
        (0x0011, field_of(name_th, 100)),
        (0x0075, field_of(name_en, 100)),
        (0x00D9, field_of(born, 8)),
        (0x00E1, field_of(sex, 1)),
        (0x00E2, field_of(request, 20)),
        (0x00F6, field_of("ท้องถิ่นเทศบาลสมมติ", 100)),
        (0x0167, field_of(issued, 8)),
        (0x016F, field_of(expires, 8)),
        (0x0177, b"99"),
        (0x017B, photo.ljust(PHOTO_SIZE)),
        (0x1579, field_of("999/1#หมู่ที่ 99####ตำบลสมมติ#อำเภอสมมติ#จังหวัดสมมติ", 100)),
    ):
        memory[offset : offset + len(data)] = data
    return memory


@dataclass
class IdCard:
    """One card. `asked` is every command that it was sent. `is_id_card` False is a card of something else."""

    memory: bytearray
    serial: str = "9990000000010030"
    atr: bytes = ATR
    is_id_card: bool = True
    asked: list[bytes] = field(default_factory=list)
    chosen: bool = False
    waiting: bytes = b""

    def power(self) -> None:
        """Off, on or reset: nothing is chosen, nothing waits."""
        self.chosen, self.waiting = False, b""

    def transmit(self, command: bytes) -> tuple[bytes, int]:
        """What it answers: data and the status word."""
        self.asked.append(bytes(command))
        kind = bytes(command[:2])
        if kind == b"\x00\xa4":
            self.chosen = self.is_id_card and command[5 : 5 + command[4]] == APPLET
            return (b"", 0x610A) if self.chosen and self._wait(b"\x6f\x08\x84\x06yinyom") else (b"", 0x6A82)
        if kind == b"\x00\xc0":
            return self._response(command)
        if kind == b"\x80\xca":
            return self._production_data(command)
        if kind == b"\x80\xb0" and len(command) == 7:
            return self._read(command)
        return b"", 0x6D00

    def _wait(self, data: bytes) -> bool:
        self.waiting = data
        return True

    def _response(self, command: bytes) -> tuple[bytes, int]:
        if command[3] != (0x01 if self.atr.startswith(b"\x3b\x67") else 0x00):
            return b"", 0x6B00
        data, self.waiting = self.waiting[: command[4]], b""
        return data, 0x9000

    def _read(self, command: bytes) -> tuple[bytes, int]:
        if not self.chosen:
            return b"", 0x6982
        offset, length = command[2] << 8 | command[3], command[6]
        if offset + length > len(self.memory):
            return b"", 0x6B00
        self._wait(bytes(self.memory[offset : offset + length]))
        return b"", 0x6100 | length

    def _production_data(self, command: bytes) -> tuple[bytes, int]:
        data = b"\x9f\x7f\x2a" + bytes(10) + bytes.fromhex(self.serial) + bytes(24)
        return (data, 0x9000) if command[4] == len(data) else (b"", 0x6C00 | len(data))


class Slot:
    """Puts a card into pcscd's virtual reader, from a thread; `take_out` takes it out."""

    def __init__(self, card: IdCard, *, address: tuple[str, int] = VPCD) -> None:
        self.card = card
        self._line = socket.create_connection(address, timeout=10)
        self._line.settimeout(None)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def take_out(self) -> None:
        """Out of the reader."""
        with suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)
        self._line.close()
        self._thread.join(5)

    def _serve(self) -> None:
        with suppress(OSError, EOFError):
            while True:
                payload = self._take(struct.unpack(">H", self._take(2))[0])
                if len(payload) > 1:
                    data, status = self.card.transmit(payload)
                    self._say(data + struct.pack(">H", status))
                elif payload == b"\x04":
                    self._say(self.card.atr)
                else:
                    self.card.power()

    def _say(self, data: bytes) -> None:
        self._line.sendall(struct.pack(">H", len(data)) + data)

    def _take(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            # pcscd writes length and payload apart: without this each command waits 40 ms for our acknowledgement
            self._line.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            part = self._line.recv(size - len(data))
            if not part:
                raise EOFError
            data += part
        return data
