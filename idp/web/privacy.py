"""Our own privacy notice (PDPA s.23), for everybody: who we are, what is kept, how long, and whom to turn to."""

from datetime import datetime, time
from typing import Any

from flask import Blueprint, Response, g, render_template, request

from consent.rights import retention
from idp import directory
from idp.web import own_notice
from idp.web.gate import Refused, Tx, as_response, route
from idp.web.locale import BANGKOK
from idp.web.own_notice import PUBLISHED, Version

bp = Blueprint("privacy", __name__)
A_YEAR = 365


@route(bp, "/privacy", tx=Tx.READ)
def notice() -> Response:
    """The notice that holds, or with `?version=` an older one."""
    version = asked(request.args.get("version", ""))
    return as_response(
        render_template(
            "privacy.html",
            version=version,
            since=datetime.combine(version.since, time(12), BANGKOK),
            newest=version.number == max(PUBLISHED),
            others=[number for number in PUBLISHED if number != version.number],
            controller=controller(),
            rules=[kept(one) for one in retention.RULES],
        )
    )


def asked(number: str) -> Version:
    """The version of that number; without one the newest."""
    if not number:
        return own_notice.newest()
    known = {str(one): one for one in PUBLISHED}
    if number not in known:
        raise Refused("not_found", 404)
    return own_notice.version(known[number])


def controller() -> dict[str, str] | None:
    """Who operates this server, with the contacts that a notice must name; None before anybody is registered."""
    entity_id = directory.operator(g.session)
    if entity_id is None:
        return None
    who = directory.recipient_of(g.session, entity_id, now=g.now)
    contacts = directory.contacts_of(g.session, entity_id, now=g.now)
    return {"name": who.name(g.locale), "contact": contacts.controller_contact, "dpo": contacts.dpo_contact}


def kept(rule: retention.Rule) -> dict[str, Any]:
    """One retention rule in the page's language."""
    told = {"what": rule.what, "since": rule.since, "why": rule.why}
    days = rule.days or 0
    years = days // A_YEAR if days and days % A_YEAR == 0 else None
    return {
        "code": rule.code,
        "days": rule.days,
        "years": years,
        **{name: text.in_(g.locale) for name, text in told.items()},
    }
