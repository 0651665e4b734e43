"""What an officer at a counter reads by eye, for people without a Thai card (R6): its kinds, its words, its evidence.

A paper alone is IAL1.2. A facility that knows the person from its own file vouches for them, and with the face that
gives IAL2.1. All of it is local: the source is the facility, so that whoever relies on it sees who said so.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Protocol
from unicodedata import decimal
from uuid import UUID

from idp.national_id import BANGKOK, NationalIdError, parse_national_id
from idp.papers import COUNTRY, tidy
from idp.proofing.evidence import Evidence

NOT_THAI = frozenset("0678")  # categories of people without a Thai ID card of their own (THAI.md 2.1)
OLD_CARD_COUNTS = timedelta(days=90)
LONGEST_PAPER = timedelta(days=5 * 365)
GENDERS = frozenset({"male", "female", "other", "unknown"})
YEAR_DIGITS = 4
BUDDHIST_ERA, FIRST_CE, LAST_CE = 543, 1880, 2400


class Paper(Protocol):
    """What was laid down."""

    @property
    def paper(self) -> str:
        """Its kind."""
        ...

    @property
    def expires_on(self) -> date | None:
        """Its last day, if it has one."""
        ...


@dataclass(frozen=True)
class Numbered:
    """A number as it is kept, and who gave it: a country of three letters, a facility, or nobody we name."""

    number: str
    issuer: str = ""


class PaperRefused(ValueError):  # noqa: N818 -- a refusal with codes for the page
    """The fields do not name a paper; `faults` maps a field to what is wrong with it."""

    def __init__(self, faults: dict[str, str]) -> None:
        super().__init__(" ".join(faults))
        self.faults = faults


def numbered(paper: str, typed: str, *, country: str, hcode: str) -> Numbered:
    """PURE: the number of a paper of this kind. Raises: PaperRefused."""
    if paper in ("foreign_card", "hospital_file"):
        return Numbered(_thirteen(typed, foreign=paper == "foreign_card"))
    number = tidy(typed)
    if number is None:
        raise PaperRefused({"number": "format"})
    if paper == "hospital_number":
        return Numbered(number, hcode)
    if paper != "passport":
        raise PaperRefused({"paper": "choice"})
    issuer = country.strip().upper()
    if not COUNTRY.fullmatch(issuer) or issuer == "THA":
        raise PaperRefused({"country": "format"})
    return Numbered(number, issuer)


def typed(said: Mapping[str, str], *, hcode: str, now: datetime) -> dict[str, Any]:
    """PURE: the facts of a paper from what an officer typed, by the names of a form's fields.

    A person may have one name; days and months that are not known stay open; years are BE or CE. Raises: PaperRefused
    with every fault at once: required, format, choice, past (it has run out), or as `numbered`.
    """
    faults: dict[str, str] = {}
    found = Numbered("")
    try:
        found = numbered(said["paper"], said["number"], country=said["country"], hcode=hcode)
    except PaperRefused as refused:
        faults |= refused.faults
    if not said["given_name_th"] and not said["given_name_en"]:
        faults["given_name_th"] = "required"
    birth = birth_date(said["birth_year"], said["birth_month"], said["birth_day"], now=now)
    if birth is None:
        faults["birth_year"] = "format"
    last = last_day(said["expires_on"])
    if last is None and said["expires_on"]:
        faults["expires_on"] = "format"
    if last is not None and last < now.astimezone(BANGKOK).date():
        faults["expires_on"] = "past"
    if faults:
        raise PaperRefused(faults)
    names = {name: said[name] for name in ("given_name_th", "family_name_th", "given_name_en", "family_name_en")}
    if not said["given_name_th"]:  # a passport in Latin letters alone
        names |= {f"{part}_th": said[f"{part}_en"] for part in ("given_name", "family_name")}
    kind = {"paper": said["paper"], "number": found.number, "issuer": found.issuer, "title_th": "", "title_en": ""}
    gender = said["gender"] if said["gender"] in GENDERS else "unknown"
    return {**kind, **names, "birth_date": birth, "gender": gender, "expires_on": last}


def birth_date(year: str, month: str, day: str, *, now: datetime) -> str | None:
    """PURE: YYYY[-MM[-DD]] in CE, from a year of either era and what else is known; None: no date, or a future one."""
    if not all(part.isascii() and part.isdigit() for part in (year, month or "0", day or "0")):
        return None
    ce = int(year) - BUDDHIST_ERA if int(year) > LAST_CE else int(year)
    today = now.astimezone(BANGKOK).date()
    if not int(month or 0):
        return f"{ce:04}" if FIRST_CE <= ce <= today.year and not int(day or 0) else None
    try:
        found = date(ce, int(month), int(day or 0) or 1)
    except ValueError:
        return None
    if not ce >= FIRST_CE or found > today:
        return None
    return found.isoformat() if int(day or 0) else found.isoformat()[:7]


def last_day(typed: str) -> date | None:
    """PURE: the last day of a paper: day, month and year, or the other way round; of either era. None: no such day."""
    parts = [part for part in re.split(r"[^0-9]+", "".join(str(decimal(sign, sign)) for sign in typed)) if part]
    if len(parts) != len(("day", "month", "year")) or max(map(len, parts)) > YEAR_DIGITS:
        return None
    year, month, day = map(int, parts if len(parts[0]) == YEAR_DIGITS else parts[::-1])
    ce = year - BUDDHIST_ERA if year > LAST_CE else year
    try:
        return date(ce, month, day) if ce >= FIRST_CE else None
    except ValueError:
        return None


def evidence(paper: Paper, *, officer: UUID | None, hcode: str, now: datetime) -> Sequence[Evidence]:
    """PURE: the paper that an officer saw, and the facility's word for the person; both end with the paper."""
    ends = None
    if paper.expires_on is not None:
        last = datetime.combine(paper.expires_on + timedelta(days=1), time(), tzinfo=BANGKOK).astimezone(UTC)
        ends = min(last, now + LONGEST_PAPER)
    source = f"hcode:{hcode}"
    return [Evidence(method, source, now, expires_at=ends, checked_by=officer) for method in ("document", "vouch")]


def of_old_card(*, officer: UUID | None, hcode: str, now: datetime) -> Sequence[Evidence]:
    """PURE: a card that has run out, looked at by two: a paper, for 90 days, until the new card is made."""
    return [Evidence("document", f"hcode:{hcode}", now, expires_at=now + OLD_CARD_COUNTS, checked_by=officer)]


def _thirteen(typed: str, *, foreign: bool) -> str:
    try:
        number = parse_national_id(typed)
    except NationalIdError as error:
        raise PaperRefused({"number": "format"}) from error
    if foreign and number[0] not in NOT_THAI:
        raise PaperRefused({"number": "thai_card"})
    return number
