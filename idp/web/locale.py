"""Thai or English: whose words a page speaks, พ.ศ. dates, and the message catalogue read once.

Message ids are the English sentences; `th.po` holds the Thai. A sentence without a translation shows in English.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from importlib.resources import files
from io import BytesIO
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from babel.messages.pofile import read_po
from flask import g, request

from idp.web import cookies

LOCALES = ("th", "en")
BANGKOK = ZoneInfo("Asia/Bangkok")
BUDDHIST_ERA = 543
MONTHS_TH = (
    "มกราคม",
    "กุมภาพันธ์",
    "มีนาคม",
    "เมษายน",
    "พฤษภาคม",
    "มิถุนายน",
    "กรกฎาคม",
    "สิงหาคม",
    "กันยายน",
    "ตุลาคม",
    "พฤศจิกายน",
    "ธันวาคม",
)
MONTHS_EN = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def months(locale: str) -> tuple[str, ...]:
    """PURE: the twelve months, in the language of a page."""
    return MONTHS_TH if locale == "th" else MONTHS_EN


def choose() -> str:
    """Language of this request: `?lang=`, the cookie, Accept-Language, then the server's default."""
    asked = request.args.get("lang", "")
    if asked in LOCALES:
        if cookies.read(cookies.LANGUAGE) != asked:
            cookies.put(cookies.LANGUAGE, asked, max_age=cookies.YEAR_S)
        return asked
    kept = cookies.read(cookies.LANGUAGE)
    if kept in LOCALES:
        return kept
    return request.accept_languages.best_match(LOCALES) or cookies.settings().default_locale


def of_ui_locales(ui_locales: Iterable[str]) -> str | None:
    """The first of ours among OIDC `ui_locales` (OIDC Core 3.1.2.1), or None."""
    tags = (tag.split("-")[0].lower() for tag in ui_locales)
    return next((tag for tag in tags if tag in LOCALES), None)


@cache
def _thai() -> dict[str, str]:
    path = files("idp.web").joinpath("locale", "th.po")
    if not path.is_file():
        return {}
    catalogue = read_po(BytesIO(path.read_bytes()), locale="th")
    return {str(m.id): str(m.string) for m in catalogue if m.id and m.string and isinstance(m.id, str)}


def translate(message: str) -> str:
    """The sentence in the page's language; the template fills its `%(name)s` places."""
    return thai(message) if g.get("locale", "th") == "th" else message


def translate_many(one: str, many: str, count: int) -> str:
    """The sentence for a number of things; Thai has one form."""
    return translate(one if count == 1 else many)


def thai(message: str) -> str:
    """The Thai sentence whatever the page's language."""
    return _thai().get(message, message)


def day(moment: datetime | None) -> str:
    """A date in Bangkok: 23 พฤศจิกายน 2569, or 23 November 2026. Babel's `th` would print the Christian year."""
    if moment is None:
        return ""
    local = moment.astimezone(BANGKOK)
    if g.get("locale", "th") == "th":
        return f"{local.day} {MONTHS_TH[local.month - 1]} {local.year + BUDDHIST_ERA}"
    return format_datetime(local, "d MMMM y", locale="en")


def moment(at: datetime | None) -> str:
    """A date with its time of day in Bangkok."""
    if at is None:
        return ""
    time = at.astimezone(BANGKOK).strftime("%H:%M")
    return f"{day(at)} เวลา {time} น." if g.get("locale", "th") == "th" else f"{day(at)}, {time}"
