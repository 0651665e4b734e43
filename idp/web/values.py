"""What the consent page shows of a person and a purpose: values in the page's language, lives to choose from."""

from datetime import datetime, timedelta
from typing import Any

from flask import g

from consent import purposes
from consent.purposes import Kind, Purpose
from idp.subjects import Profile
from idp.web.locale import BUDDHIST_ERA, MONTHS_TH

OF_SCOPE = {"openid": "pairwise_id", "profile": "name", "email": "email", "phone": "phone", "address": "address"}
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


def is_question(purpose: Purpose, basis: str) -> bool:
    """Whether the person answers: a consent on a basis that asks, or the confirmation of a right (rule 3)."""
    return purpose.kind is Kind.RIGHT or (purpose.kind is Kind.CITIZEN_CONSENT and purposes.is_asked(basis))


def categories(purpose: Purpose, scopes: tuple[str, ...]) -> tuple[str, ...]:
    """The data of this request: what OIDC's own scopes narrow is narrowed, all of the row otherwise."""
    named = {OF_SCOPE[scope] for scope in scopes if scope in OF_SCOPE}
    narrowed = tuple(code for code in purpose.data_categories if code in named)
    return narrowed if narrowed and named else purpose.data_categories


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
        "phone": profile.phone,
        "address": profile.address,
    }
    return held.get(category, "")


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
        ({"value": iso(span), "until": now + span, "kind": kind}, span)
        for span, kind in zip(spans, kinds, strict=False)
    ]
    return offered if len(set(spans)) > 1 else offered[:1]


def iso(span: timedelta) -> str:
    """A span as ISO 8601 writes it: days, else hours, else seconds."""
    seconds = int(span.total_seconds())
    if seconds % DAY_S == 0:
        return f"P{seconds // DAY_S}D"
    return f"PT{seconds // HOUR_S}H" if seconds % HOUR_S == 0 else f"PT{seconds}S"
