"""A ward's pages for who acts for them: who did what, and taking back what was agreed. For whom it is, is always said.

The session stays the guardian's. What the guardianship does not cover, or no longer, is the same 404 as what does not
exist (PDPA s.20; `wards`).
"""

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, redirect, render_template, request

from consent import purposes, records
from consent.errors import NotAllowed
from consent.family.rules import Deed, Say
from consent.records import ConsentView
from idp import subjects, ward_acts, wards, withdrawal
from idp.oauth import clients
from idp.wards import Ward
from idp.web import access, gate, shapes
from idp.web.acting import of_link
from idp.web.citizen import STRONG_AAL, show_names
from idp.web.gate import Elsewhere, Refused, Tx, Who, as_response, route
from idp.web.withdraw import LONGEST_REASON, TOO_WEAK, stronger, withdrawable

bp = Blueprint("ward", __name__, url_prefix="/me/family/<uuid:link_id>")


@route(bp, "/access", tx=Tx.READ, who=Who.CITIZEN, aal=STRONG_AAL)
def who_did_what(link_id: UUID) -> Response:
    """Who did what about the ward: all of it, or what rests on what this guardian signed with them."""
    ward = of(link_id)
    seen = None if ward.may(Deed.open) else wards.signed(g.session, ward)
    shown = {
        **access.listed(ward.id, records=seen),
        "coverage": access.coverage(ward.id) if seen is None else [],
        "partial": seen is not None,
        "running": {str(view.record_id) for view in running(ward)},
    }
    return page("ward_access.html", ward, **shown)


@route(bp, "/withdraw/<uuid:record_id>", tx=Tx.READ, who=Who.CITIZEN, aal=STRONG_AAL)
def ask(link_id: UUID, record_id: UUID) -> Response:
    """First tap: what it means, and who is told."""
    ward = of(link_id, Deed.withdraw)
    view = wards.consent(g.session, ward, record_id, now=g.now)
    if view.record_id != record_id:
        raise Elsewhere(home(link_id))
    if view.state == "withdrawn":
        raise Elsewhere(over(link_id, record_id))
    purpose, record = withdrawable(view), records.get(g.session, record_id, subject_id=ward.id)
    return page(
        "ward_withdraw.html",
        ward,
        consent=shapes.consent_item(view, strong=True),
        categories=[purposes.category(code).name.in_(g.locale) for code in record.categories.split()],
        notice=shapes.notice_of(record, strong=True),
        agreed_by="both" if record.co_actor_id else hand(ward, record.actor_id),
        told=told(view.recipient_id),
        if_refused=purpose.if_refused.in_(g.locale),
        offline_s=purpose.offline_s or 0,
    )


@route(bp, "/withdraw/<uuid:record_id>", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN, aal=STRONG_AAL)
def withdraw(link_id: UUID, record_id: UUID) -> Response:
    """Second tap: it is over. A double tap withdraws once; the ward can do the same on their own pages."""
    reason = request.form.get("reason", "").strip()[:LONGEST_REASON] or None
    ward = of(link_id, Deed.withdraw)
    ward_acts.withdraw(g.session, g.ring, gate.house().settings, ward, record_id, reason=reason, now=g.now)
    return as_response(redirect(over(link_id, record_id), 303))


@route(bp, "/withdraw/<uuid:record_id>/done", tx=Tx.READ, who=Who.CITIZEN, aal=STRONG_AAL)
def withdrawn(link_id: UUID, record_id: UUID) -> Response:
    """It is over; when each service was told and acknowledged; for a minute, the way back."""
    ward = of(link_id, Deed.withdraw)
    view = wards.consent(g.session, ward, record_id, now=g.now)
    if view.record_id != record_id or view.withdrawn_at is None:
        raise Elsewhere(f"{home(link_id)}/withdraw/{record_id}")
    record = records.get(g.session, record_id, subject_id=ward.id)
    can_undo = ward_acts.why_no_undo(g.session, ward, record, now=g.now) is None
    return page(
        "ward_withdrawn.html",
        ward,
        consent=shapes.consent_item(view, strong=True),
        deliveries=shapes.deliveries(record_id, strong=True),
        offline_s=purposes.get(view.purpose).offline_s or 0,
        undo_until=view.withdrawn_at + withdrawal.UNDO_WITHIN if can_undo else None,
    )


@route(bp, "/withdraw/<uuid:record_id>/undo", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN, aal=STRONG_AAL)
def undo(link_id: UUID, record_id: UUID) -> Response:
    """It was a slip: a new consent in the same words, by the one who withdrew. What two signed, two sign anew."""
    ward, signed_in = of(link_id, Deed.withdraw), g.signed_in
    wards.consent(g.session, ward, record_id, now=g.now)
    ial = subjects.level_now(g.session, signed_in.subject_id, now=g.now).value
    try:
        ward_acts.undo(g.session, ward, record_id, aal=signed_in.aal.value, ial=ial, now=g.now)
    except NotAllowed as refusal:
        if refusal.code in TOO_WEAK:
            record = records.get(g.session, record_id, subject_id=ward.id)
            raise Elsewhere(stronger(record, back=over(link_id, record_id))) from None
        if refusal.code == "replaced":  # a second tap: what stands is shown
            raise Elsewhere(home(link_id)) from None
        raise Refused("undo_too_late", 409, back_url=over(link_id, record_id)) from None
    return as_response(redirect(f"{home(link_id)}?done=undone", 303))


def of(link_id: UUID, deed: Deed | None = None) -> Ward:
    """For whom this is, if they may act and may do this; otherwise a 404. It takes the level for names (rule 4)."""
    show_names()
    ward = wards.find(g.session, g.ring, link_id, guardian_id=g.signed_in.subject_id, now=g.now)
    if deed is not None:
        wards.need(ward, deed)
    return ward


def page(template: str, ward: Ward, *, status: int | None = None, **shown: Any) -> Response:
    """A page about a ward: the frame says for whom, as what, and whether the ward is told."""
    return as_response(render_template(template, ward=drawn(ward), whose=name_of(ward), **shown), status)


def drawn(ward: Ward) -> dict[str, Any]:
    """A ward for a template. `told`: each act is told to them."""
    return {
        **of_link(ward.link, about=ward.id),
        "home": home(ward.link.id),
        "sees_all": ward.sees_all,
        "told": ward.say(Deed.withdraw) is Say.seen,
        "may": [deed.value for deed in Deed if ward.may(deed)],
    }


def name_of(ward: Ward) -> str:
    """What the ward is called."""
    return subjects.profile(g.session, g.ring, ward.id).name(g.locale)


def home(link_id: UUID) -> str:
    """Where a ward's pages begin."""
    return f"{request.script_root}/me/family/{link_id}"


def over(link_id: UUID, record_id: UUID) -> str:
    """The page of a withdrawal that is done."""
    return f"{home(link_id)}/withdraw/{record_id}/done"


def running(ward: Ward) -> list[ConsentView]:
    """The ward's running consents that this guardian sees: what they may take back."""
    return [view for view in wards.consents(g.session, ward, now=g.now) if view.state == "active"]


def over_now(ward: Ward) -> list[ConsentView]:
    """Those that run no longer: ended, refused or withdrawn."""
    return [view for view in wards.consents(g.session, ward, now=g.now) if view.state not in shapes.LIVE]


def hand(ward: Ward, by: UUID | None) -> str:
    """Who did something in the ward's name, seen by this guardian: `me`, `ward` or `other`."""
    return {ward.actor_id: "me", ward.id: "ward", None: "ward"}.get(by, "other")


def told(recipient_id: UUID) -> list[str]:
    """The services that hear of a withdrawal at once."""
    return [one.name_in(g.locale) for one in clients.of_recipient(g.session, recipient_id) if one.event_endpoint]
