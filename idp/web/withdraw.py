"""Taking it back: one consent in two taps, one organisation, or one kind of data; and undoing a slip within a minute.

Each works at AAL1 (catalogue rule 4, WITHDRAW). PDPA s.19: as easily as it was given, and told what it means first.
"""

from urllib.parse import quote
from uuid import UUID

from flask import Blueprint, Response, g, redirect, render_template, request

from consent import purposes, reach, records
from consent.errors import NotAllowed
from consent.purposes import Purpose
from consent.records import ConsentRecord, ConsentView
from idp import subjects, withdrawal
from idp.web import gate, shapes
from idp.web.citizen import own, own_consents, sight
from idp.web.gate import Elsewhere, Refused, Tx, Who, as_response, route

bp = Blueprint("withdraw", __name__, url_prefix="/me")
LONGEST_REASON = 300
TOO_WEAK = ("aal_too_low", "ial_too_low")


@route(bp, "/consents/<uuid:record_id>/withdraw", tx=Tx.READ, who=Who.CITIZEN)
def ask(record_id: UUID) -> Response:
    """First tap: what withdrawing means."""
    view, seen = own(record_id), sight()
    purpose = withdrawable(view)
    return as_response(
        render_template(
            "withdraw.html",
            consent=shapes.consent_item(view, strong=seen.strong),
            if_refused=purpose.if_refused.in_(g.locale),
            offline_s=purpose.offline_s or 0,
            errors={},
            values={},
        )
    )


@route(bp, "/consents/<uuid:record_id>/withdraw", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN)
def withdraw(record_id: UUID) -> Response:
    """Second tap: it is over. A double tap withdraws once."""
    settings, subject_id = gate.house().settings, g.signed_in.subject_id
    reason = request.form.get("reason", "").strip()[:LONGEST_REASON] or None
    withdrawal.withdraw(g.session, g.ring, settings, record_id, subject_id=subject_id, now=g.now, reason=reason)
    return as_response(redirect(f"{request.script_root}/me/consents/{record_id}/withdrawn", 303))


@route(bp, "/consents/<uuid:record_id>/withdrawn", tx=Tx.READ, who=Who.CITIZEN)
def withdrawn(record_id: UUID) -> Response:
    """It is over; when each service was told and acknowledged; for a minute, the way back."""
    view, seen = own(record_id), sight()
    if view.withdrawn_at is None:
        raise Elsewhere(f"{request.script_root}/me/consents/{record_id}")
    record = records.get(g.session, record_id, subject_id=g.signed_in.subject_id)
    can_undo = withdrawal.may_undo(g.session, record, now=g.now) is None
    return as_response(
        render_template(
            "withdrawn.html",
            consent=shapes.consent_item(view, strong=seen.strong),
            deliveries=shapes.deliveries(record_id, strong=seen.strong),
            offline_s=purposes.get(view.purpose).offline_s or 0,
            undo_until=view.withdrawn_at + withdrawal.UNDO_WITHIN if can_undo else None,
        )
    )


@route(bp, "/consents/<uuid:record_id>/undo", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN)
def undo(record_id: UUID) -> Response:
    """It was a slip: a new consent in the same words. What needs a stronger sign-in asks for it first."""
    here, signed_in = f"{request.script_root}/me/consents", g.signed_in
    record = records.get(g.session, record_id, subject_id=signed_in.subject_id)
    newest = f"{here}/{records.of_key(g.session, records.key_of(record))[-1].id}"
    ial = subjects.level_now(g.session, signed_in.subject_id, now=g.now).value
    try:
        again = withdrawal.undo(
            g.session, record_id, subject_id=signed_in.subject_id, aal=signed_in.aal.value, ial=ial, now=g.now
        )
    except NotAllowed as refusal:
        if refusal.code in TOO_WEAK:
            raise Elsewhere(stronger(record, back=f"{here}/{record.id}/withdrawn")) from None
        if refusal.code == "replaced":  # a second tap: what stands is shown
            raise Elsewhere(newest) from None
        raise Refused("undo_too_late", 409, back_url=f"{here}/{record.id}") from None
    return as_response(redirect(f"{here}/{again.id}?done=undone" if again else newest, 303))


def stronger(record: ConsentRecord, *, back: str) -> str:
    """Where the level of the record's purpose is proved; back to the page of its withdrawal, where the button is."""
    purpose = purposes.get(record.purpose)
    levels = f"aal={purpose.citizen_aal or ''}&ial={purpose.citizen_ial or ''}"
    return f"{request.script_root}/sign-in?next={quote(back, safe='')}&{levels}"


@route(bp, "/recipients/<uuid:recipient_id>/withdraw", tx=Tx.READ, who=Who.CITIZEN)
def ask_recipient(recipient_id: UUID) -> Response:
    """Everything that one organisation was allowed."""
    views = [view for view in own_consents() if view.recipient_id == recipient_id and shapes.can_withdraw(view)]
    seen = sight()
    name = shapes.recipient_name(recipient_id) if seen.strong else None
    return page_of_many(views, to=f"recipients/{recipient_id}", recipient=name, kind=None, strong=seen.strong)


@route(bp, "/recipients/<uuid:recipient_id>/withdraw", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN)
def withdraw_recipient(recipient_id: UUID) -> Response:
    """It gets nothing more, and its services are signed out."""
    settings, subject_id = gate.house().settings, g.signed_in.subject_id
    withdrawal.from_recipient(g.session, g.ring, settings, recipient_id, subject_id=subject_id, now=g.now)
    return as_response(redirect(f"{request.script_root}/me/consents?done=recipient", 303))


@route(bp, "/data/<kind>/withdraw", tx=Tx.READ, who=Who.CITIZEN)
def ask_kind(kind: str) -> Response:
    """One kind of data, whoever was allowed it."""
    purposes.category(kind)
    views = [view for view in own_consents() if shapes.can_withdraw(view) and kind in kinds_of(view)]
    return page_of_many(views, to=f"data/{kind}", recipient=None, kind=kind, strong=sight().strong)


@route(bp, "/data/<kind>/withdraw", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN)
def withdraw_kind(kind: str) -> Response:
    """Nobody gets this kind any more; what else they were allowed goes on."""
    settings, subject_id = gate.house().settings, g.signed_in.subject_id
    purposes.category(kind)
    withdrawal.of_kind(g.session, g.ring, settings, kind, subject_id=subject_id, now=g.now)
    return as_response(redirect(f"{request.script_root}/me/consents?done=kind", 303))


def page_of_many(
    views: list[ConsentView], *, to: str, recipient: str | None, kind: str | None, strong: bool
) -> Response:
    """What would end, and what would go on, before the second tap. Nothing left: the list says so."""
    if not views:
        raise Elsewhere(f"{request.script_root}/me/consents")
    items = [shapes.consent_item(view, strong=strong) | {"rest": rest_of(view, kind)} for view in views]
    return as_response(
        render_template(
            "withdraw_many.html",
            to=f"{request.script_root}/me/{to}/withdraw",
            consents=items,
            recipient=recipient,
            kind=purposes.category(kind).name.in_(g.locale) if kind else None,
        )
    )


def kinds_of(view: ConsentView) -> list[str]:
    """The kinds of data of a consent that can be taken back one by one."""
    return view.record.categories.split() if view.record else []


def rest_of(view: ConsentView, kind: str | None) -> list[str]:
    """The kinds of data that go on when this one is taken back, in words; none when the whole consent ends."""
    if kind is None or view.record is None:
        return []
    purpose, held = purposes.get(view.purpose), view.record.scopes.split()
    left = reach.of_scopes(purpose, reach.without(purpose, held, kind))
    return [purposes.category(one).name.in_(g.locale) for one in left if one in kinds_of(view) and one != kind]


def withdrawable(view: ConsentView) -> Purpose:
    """The purpose of a consent that can still be taken back."""
    if view.state == "withdrawn":
        raise Elsewhere(f"{request.script_root}/me/consents/{view.record_id}/withdrawn")
    if not shapes.can_withdraw(view):
        raise Refused("not_withdrawable", 403)
    return purposes.get(view.purpose)
