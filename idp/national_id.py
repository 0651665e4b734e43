"""PURE: the 13-digit national ID: reading what people type, masking what pages show, and which numbers we serve.

The first digit is a category and 0 to 8 are all real: refusing 0 locks out stateless people. The last digit is a
checksum. Registration offices 97 to 99 do not exist, so `^[0-8]9990` can belong to nobody.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

LENGTH = 13
CATEGORIES = "012345678"
SYNTHETIC = re.compile(r"[0-8]9990\d{8}")
SAMPLE = "0000000000001"  # the Ministry's own sample number; its checksum is right
SEPARATORS = re.compile(r"[\s\u200b\u200c\u200d\u2060\ufeff\-\u2010-\u2015\u2212./]")
LAST_MONTH, LAST_DAY = 12, 31
BANGKOK = ZoneInfo("Asia/Bangkok")


class NationalIdError(ValueError):
    """What was typed is no national ID. `code`: length, digits, category or checksum; never the number itself."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def parse_national_id(text: str) -> str:
    """The 13 ASCII digits of what a person typed: Thai and full-width digits, spaces and dashes are welcome.

    Raises: NationalIdError with code `digits` (something else than digits), `length`, `category` (first digit 9) or
    `checksum`.
    """
    typed = SEPARATORS.sub("", text)
    digits = ""
    for sign in typed:
        value = unicodedata.decimal(sign, None)
        if value is None:
            raise NationalIdError("digits")
        digits += str(value)
    if len(digits) != LENGTH:
        raise NationalIdError("length")
    if digits[0] not in CATEGORIES:
        raise NationalIdError("category")
    if checksum(digits[:-1]) != digits[-1]:
        raise NationalIdError("checksum")
    return digits


def checksum(first_twelve: str) -> str:
    """The 13th digit: (11 - sum of digit x weight 13..2, mod 11) mod 10."""
    total = sum(int(digit) * weight for digit, weight in zip(first_twelve, range(LENGTH, 1, -1), strict=True))
    return str((11 - total % 11) % 10)


def mask_national_id(national_id: str) -> str:
    """`x-xxxx-xxxxx-01-2`: enough for the owner to know it again, useless to others."""
    return f"x-xxxx-xxxxx-{national_id[10:12]}-{national_id[12]}"


@dataclass(frozen=True)
class SyntheticOnly:
    """The sandbox: made-up people and the Ministry's sample number, nobody else."""

    def allows(self, national_id: str) -> bool:
        """Whether the number can belong to nobody."""
        return national_id == SAMPLE or SYNTHETIC.fullmatch(national_id) is not None


@dataclass(frozen=True)
class RealOnly:
    """Production: a made-up number is refused, so that test people never meet real data."""

    def allows(self, national_id: str) -> bool:
        """Whether the number can belong to somebody."""
        return not SyntheticOnly().allows(national_id)


def age_on(birth_date: str, now: datetime) -> int | None:
    """Completed years on the Bangkok calendar day of `now`; None when no year is known.

    A partial date (`1933`, `1955-03`) counts from the latest birthday it allows, so nobody is taken for older than
    they may be. Somebody born on 29 February completes a common year on 1 March.
    """
    parts = birth_date.split("-")
    if not parts[0].isdigit():
        return None
    year = int(parts[0])
    month = int(parts[1]) if len(parts) > 1 else LAST_MONTH
    day = int(parts[2]) if len(parts) > 2 else LAST_DAY  # noqa: PLR2004 -- year, month, day
    today = now.astimezone(BANGKOK).date()
    return max(0, today.year - year - ((today.month, today.day) < (month, day)))
