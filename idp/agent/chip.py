"""PURE: what the bytes of an ID card mean.

Text is TIS-620, padded with spaces; a name is title#given#middle#family; dates are YYYYMMDD of the Buddhist era, 00
where a day or month is not known; a card for life has no last day, or one in the year 9999; the photo is a JPEG in
twenty parts with padding behind; the chip's number is the eight bytes from the tenth of its production data (tag 9F7F).
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from idp.agent.apdu import CardFault, Dump

BUDDHIST_ERA = 543
FOR_LIFE = 9999
NAME_PARTS = 4
DATE_DIGITS = 8
PRODUCTION_TAG = 0x9F7F
SERIAL = slice(10, 18)
JPEG_BEGINS, JPEG_ENDS = b"\xff\xd8\xff", b"\xff\xd9"
GENDERS = {"1": "male", "2": "female"}
PADDING = " \x00"
MORE_OF_TAG = 0x1F  # the low five bits of a tag whose number follows, seven bits a byte
GOES_ON = 0x80  # of a byte of a tag: another follows; of a length: so many bytes of length follow
MOST_LENGTH_BYTES = 2


@dataclass(frozen=True)
class Name:
    """A name as the card divides it; a person of one name has no `family`."""

    title: str
    given: str
    middle: str
    family: str


@dataclass(frozen=True)
class Record:
    """A card. `birth_date` is CE and maybe partial; `expires_on` None is a card for life; `photo` a JPEG or nothing."""

    national_id: str
    name_th: Name
    name_en: Name
    birth_date: str
    gender: str
    request_number: str
    issued_on: date | None
    expires_on: date | None
    chip_number: str
    photo: bytes

    def claims(self) -> dict[str, str | None]:
        """What is signed: what the server needs, and no more."""
        return {
            "national_id": self.national_id,
            "title_th": self.name_th.title,
            "given_name_th": _joined(self.name_th.given, self.name_th.middle),
            "family_name_th": self.name_th.family,
            "title_en": self.name_en.title,
            "given_name_en": _joined(self.name_en.given, self.name_en.middle),
            "family_name_en": self.name_en.family,
            "birth_date": self.birth_date,
            "gender": self.gender,
            "expires_on": None if self.expires_on is None else self.expires_on.isoformat(),
            "chip_number": self.chip_number,
            "request_number": self.request_number,
            "photo": base64.b64encode(self.photo).decode(),
        }


def record(dumped: Dump) -> Record:
    """The card that these bytes are. Raises: CardFault, garbled."""
    try:
        read = {name: text(data) for name, data in dumped.fields.items()}
        return Record(
            national_id=_digits(read["national_id"]),
            name_th=name(read["name_th"]),
            name_en=name(read["name_en"]),
            birth_date=partial_date(read["birth_date"]),
            gender=GENDERS.get(read["gender"], "unknown"),
            request_number=_digits(read["request_number"]),
            issued_on=whole_date(read["issued_on"]),
            expires_on=whole_date(read["expires_on"]),
            chip_number=chip_number(dumped.production_data),
            photo=photo(dumped.photo),
        )
    except (KeyError, ValueError) as error:
        raise CardFault("garbled") from error


def text(data: bytes) -> str:
    """TIS-620 without its padding. Raises: ValueError for bytes that are no letters."""
    words = data.decode("tis_620").strip(PADDING)
    if not words.isprintable():
        raise ValueError("no text")
    return " ".join(words.split())


def name(words: str) -> Name:
    """Four parts between three #; what is missing at the end is empty. Raises: ValueError for more."""
    parts = [part.strip() for part in words.split("#")]
    if len(parts) > NAME_PARTS:
        raise ValueError("too many parts of a name")
    return Name(*(parts + [""] * (NAME_PARTS - len(parts))))


def partial_date(digits: str) -> str:
    """YYYY[-MM[-DD]] of the Christian era, as far as it is known. Raises: ValueError for what is no date."""
    if not digits.strip("0"):
        return ""
    year, month, day = _date_parts(digits)
    date(year, month or 1, day or 1)
    if month == 0:
        return f"{year:04}"
    return f"{year:04}-{month:02}" + (f"-{day:02}" if day else "")


def whole_date(digits: str) -> date | None:
    """A day of the Christian era, or None where the card names none. Raises: ValueError."""
    if not digits.strip("0") or digits.startswith(str(FOR_LIFE)):
        return None
    return date(*_date_parts(digits))


def _date_parts(digits: str) -> tuple[int, int, int]:
    if len(digits) != DATE_DIGITS:
        raise ValueError("no date")
    year, month, day = (int(_digits(part)) for part in (digits[:4], digits[4:6], digits[6:]))
    return year - BUDDHIST_ERA, month, day


def photo(data: bytes) -> bytes:
    """The picture without its padding; empty when there is none."""
    ends = data.rfind(JPEG_ENDS)
    return data[: ends + len(JPEG_ENDS)] if data.startswith(JPEG_BEGINS) and ends > 0 else b""


def chip_number(production_data: bytes) -> str:
    """Sixteen hexadecimal digits, or empty where the chip does not tell."""
    try:
        serial = next((value[SERIAL] for tag, value in tlv(production_data) if tag == PRODUCTION_TAG), b"")
    except ValueError:
        return ""
    return serial.hex() if len(serial) == SERIAL.stop - SERIAL.start and any(serial) else ""


def tlv(data: bytes) -> Iterator[tuple[int, bytes]]:
    """BER-TLV (ISO 7816-4 annex D): tags of one or more bytes, lengths of up to two. Raises: ValueError when cut."""
    rest = data
    while rest:
        tag, rest = _tag(rest)
        length, rest = _length(rest)
        if len(rest) < length:
            raise ValueError("cut")
        yield tag, rest[:length]
        rest = rest[length:]


def _tag(data: bytes) -> tuple[int, bytes]:
    size = 1
    if data[0] & MORE_OF_TAG == MORE_OF_TAG:
        while size < len(data) and data[size] & GOES_ON:
            size += 1
        size += 1
    if len(data) < size:
        raise ValueError("cut")
    return int.from_bytes(data[:size], "big"), data[size:]


def _length(data: bytes) -> tuple[int, bytes]:
    if not data:
        raise ValueError("cut")
    if data[0] < GOES_ON:
        return data[0], data[1:]
    size = data[0] - GOES_ON
    if not 1 <= size <= MOST_LENGTH_BYTES or len(data) < 1 + size:
        raise ValueError("cut, or longer than a card is")
    return int.from_bytes(data[1 : 1 + size], "big"), data[1 + size :]


def _digits(value: str) -> str:
    if value and not (value.isascii() and value.isdigit()):
        raise ValueError("no digits")
    return value


def _joined(given: str, middle: str) -> str:
    return " ".join(filter(None, (given, middle)))
