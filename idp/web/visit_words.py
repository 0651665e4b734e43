"""The sentences of a request for one visit only, as the consent page words them and the receipt keeps them (RFC 9396).

They name the facility, the end of the visit's number, what may be done with which kinds of data, how often, until when.
The number itself is the facility's; its last four signs are enough for the person, and the notice is kept for years.
"""

from collections.abc import Sequence
from datetime import datetime

from flask import g

from consent import purposes, reach
from consent.purposes import Purpose
from idp import directory
from idp.oauth import details
from idp.oauth.pipeline import AuthorizeRequest
from idp.oauth.visit_detail import Detail
from idp.web import locale

LAST_SIGNS = 4
ACTS = {
    "read": {"th": "ดู", "en": "see"},
    "create": {"th": "เพิ่ม", "en": "add"},
    "update": {"th": "แก้ไข", "en": "change"},
}
ONLY = {
    "th": "ขอเฉพาะการมารับบริการครั้งเดียวที่{facility} (เลขที่ลงท้ายด้วย {number}): {acts}{kinds}",
    "en": "Only for one visit to {facility} (its number ends in {number}): {acts} {kinds}.",
}
USES = {"th": "ใช้ได้ไม่เกิน {n} ครั้ง", "en": "Used at most {n} times."}
ONCE = {"th": "ใช้ได้ครั้งเดียว", "en": "Used once."}
BEFORE = {"th": "ใช้ไปแล้ว {n} ครั้ง", "en": "{n} of these are used already."}
UNTIL = {"th": "ใช้ได้ถึง {at}", "en": "Until {at} at the latest."}
AND = {"th": "และ", "en": " and "}


def of_request(request: AuthorizeRequest, purpose: Purpose) -> tuple[str, ...]:
    """What the details of this request narrow the purpose to, sentence by sentence, in the language of the page."""
    found = (detail for detail in details.of_request(g.ring, request) if detail.purpose == purpose.code)
    asked = request.resolution.purposes.get(purpose.code, ())
    return tuple(
        line
        for detail in found
        for line in sentences(
            detail,
            purpose,
            [scope for scope in asked if detail.owns(scope)],
            used=details.used_before(g.session, request, detail),
        )
    )


def ends(request: AuthorizeRequest, purpose: Purpose) -> datetime | None:
    """When the last of the visits that are asked for ends; None for no visit, and for one without an end."""
    found = [detail.not_after for detail in details.of_request(g.ring, request) if detail.purpose == purpose.code]
    return max((end for end in found if end is not None), default=None) if all(found) else None


def sentences(detail: Detail, purpose: Purpose, asked: Sequence[str], *, used: int = 0) -> list[str]:
    """One detail in words, `used` so often already; nothing that its client wrote freely stands among them."""
    language = "en" if g.locale == "en" else "th"
    opened = reach.of_scopes(purpose, asked)
    kinds = [purposes.category(code).name.in_(language) for code in purpose.data_categories if code in opened]
    acts = [ACTS[act][language] for act in ACTS if act in detail.content["actions"]]
    first = ONLY[language].format(
        facility=directory.facility_name(g.session, detail.hcode, locale=language) or detail.hcode,
        number=detail.number[-LAST_SIGNS:],
        acts=AND[language].join(acts),
        kinds=", ".join(kinds),
    )
    uses, until = detail.max_uses, detail.not_after
    limits = [
        *([] if uses is None else [(ONCE if uses == 1 else USES)[language].format(n=uses)]),
        *([BEFORE[language].format(n=used)] if used else []),
        *([] if until is None else [UNTIL[language].format(at=locale.moment(until))]),
    ]
    return [first, *limits]
