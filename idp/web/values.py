"""What the consent page shows of a person and a purpose: values in the page's language, lives to choose from."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from babel import Locale
from flask import g

from consent import purposes, reach
from consent.purposes import Bilingual, Kind, Purpose
from idp.subjects import Profile
from idp.web.locale import BUDDHIST_ERA, MONTHS_TH

GENDERS = {
    "male": ("ชาย", "male"),
    "female": ("หญิง", "female"),
    "other": ("อื่น ๆ", "other"),
    "unknown": ("ไม่ระบุ", "not stated"),
}
MONTHS_EN = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
DAY_S, HOUR_S = 86_400, 3_600
YEAR = timedelta(days=365)
THAI_DIGITS = 9  # after +66


def is_question(purpose: Purpose, basis: str) -> bool:
    """Whether the person answers: a consent on a basis that asks, or the confirmation of a right (rule 3)."""
    return purpose.kind is Kind.RIGHT or (purpose.kind is Kind.CITIZEN_CONSENT and purposes.is_asked(basis))


def categories(purpose: Purpose, scopes: tuple[str, ...]) -> tuple[str, ...]:
    """The data of this request: what its scopes can open, all of the row where they narrow nothing."""
    return reach.of_scopes(purpose, scopes) or purpose.data_categories


def labels(codes: Sequence[str]) -> str:
    """Kinds of data by their names, in one line."""
    return " · ".join(purposes.category(code).name.in_(g.locale) for code in codes)


def country(code: str) -> Bilingual:
    """A country by its two letters (ISO 3166-1), in both languages; unknown letters stand for themselves."""
    th, en = (Locale.parse(language).territories.get(code, code) for language in ("th", "en"))
    return Bilingual(th, en)


def shown(category: str, profile: Profile | None) -> dict[str, str | None]:
    """A kind of data and, if we hold it, its value; health data lie elsewhere and are only named."""
    label = purposes.category(category).name.in_(g.locale)
    return {"label": label, "value": value(category, profile) or None if profile else None}


def value(category: str, profile: Profile) -> str:
    """What would be shared."""
    held = {
        "name": profile.name(g.locale),
        "birthdate": birth_date(profile.birth_date),
        "gender": GENDERS.get(profile.gender, ("", ""))[g.locale == "en"],
        "email": profile.email,
        "phone": phone(profile.phone),
        "address": profile.address,
    }
    return held.get(category, "")


def phone(number: str) -> str:
    """A Thai number as people write it; any other as it is."""
    digits = number.removeprefix("+66")
    thai = number.startswith("+66") and len(digits) == THAI_DIGITS
    return f"0{digits[:2]}-{digits[2:5]}-{digits[5:]}" if thai else number


def birth_date(known: str) -> str:
    """A birth date as far as it is known, in the era of the page's language."""
    parts = known.split("-")
    if not parts[0].isdigit():
        return ""
    english = g.locale == "en"
    year = parts[0] if english else str(int(parts[0]) + BUDDHIST_ERA)
    month = [(MONTHS_EN if english else MONTHS_TH)[int(parts[1]) - 1]] if len(parts) > 1 else []
    day = [str(int(parts[2]))] if len(parts) > 2 else []  # noqa: PLR2004 -- year, month, day
    return " ".join([*day, *month, year])


def lives(purpose: Purpose, now: datetime) -> list[tuple[dict[str, Any], timedelta]]:
    """How long the answer may live: the row's default first, then its most (rule 6)."""
    spans = [span for span in (purpose.default_life, purpose.max_life) if span is not None]
    kinds = ["visit" if purpose.per_visit else "time", "time"]
    offered = [
        ({"value": iso(span), "until": now + span, "kind": kind, "years": span == YEAR}, span)
        for span, kind in zip(spans, kinds, strict=False)
    ]
    return offered if len(set(spans)) > 1 else offered[:1]


def iso(span: timedelta) -> str:
    """A span as ISO 8601 writes it: days, else hours, else seconds."""
    seconds = int(span.total_seconds())
    if seconds % DAY_S == 0:
        return f"P{seconds // DAY_S}D"
    return f"PT{seconds // HOUR_S}H" if seconds % HOUR_S == 0 else f"PT{seconds}S"
