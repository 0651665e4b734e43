"""The person's own pages: what they agreed to, who did what, and taking it back in two taps.

At AAL1 no names of places are shown and the access log stays shut (catalogue rule 4); withdrawing always works.
"""

from dataclasses import dataclass
from urllib.parse import quote
from uuid import UUID

from flask import Blueprint, Response, g, redirect, render_template, request

from consent import purposes, records
from consent.audit import log
from consent.audit.entry import Entry
from consent.purposes import Purpose
from consent.records import ConsentView
from idp import outbox, subjects, withdrawal
from idp.assurance import Aal, Ial
from idp.web import gate, shapes
from idp.web.gate import Refused, Tx, Who, as_response, route
from idp.web.shapes import uuid_or_none

bp = Blueprint("citizen", __name__, url_prefix="/me")
STRONG_AAL, STRONG_IAL = Aal.AAL2_1, Ial.IAL1_3
LATEST = 3
PAGE = 50
LONGEST_REASON = 300


@dataclass(frozen=True)
class Sight:
    """How much this sign-in may see."""

    strong: bool
    step_up_url: str | None


def sight() -> Sight:
    """MYDATA needs AAL2.1 and IAL1.3, as both stand now; what is missing is asked for on the way back here."""
    proved = subjects.level_now(g.session, g.signed_in.subject_id, now=g.now) >= STRONG_IAL
    strong = g.signed_in.aal >= STRONG_AAL and proved
    back = quote(request.path, safe="")
    url = f"{request.script_root}/sign-in?next={back}&aal={STRONG_AAL.value}&ial={STRONG_IAL.value}"
    return Sight(strong=strong, step_up_url=None if strong else url)


def show_names() -> None:
    """Whoever does not see names yet goes where what is missing can be shown, and comes back here."""
    seen = sight()
    if seen.step_up_url is not None:
        raise gate.Elsewhere(seen.step_up_url)


@route(bp, "", tx=Tx.READ, who=Who.CITIZEN)
def me() -> Response:
    """The three latest accesses and the live consents."""
    seen = sight()
    views = [view for view in own_consents() if view.state in ("active", "noticed")]
    entries = log.of_subject(g.session, g.signed_in.subject_id, limit=PAGE) if seen.strong else []
    name = subjects.profile(g.session, g.ring, g.signed_in.subject_id).name(g.locale) if seen.strong else None
    return as_response(
        render_template(
            "me.html",
            name=name,
            masked_id=None,
            strong=seen.strong,
            step_up_url=seen.step_up_url,
            consents=[shapes.consent_item(view, strong=seen.strong) for view in views],
            accesses=shapes.acts([entry for entry in entries if is_access(entry)])[:LATEST],
        )
    )


def is_access(entry: Entry) -> bool:
    """What a service did, or a member of staff about this person: not what the person did at work themselves."""
    return entry.actor_kind == "client" or (entry.actor_kind == "staff" and bool(entry.purpose))


@route(bp, "/consents", tx=Tx.READ, who=Who.CITIZEN)
def consents() -> Response:
    """Every consent: active, ended, refused, withdrawn."""
    seen = sight()
    items = [shapes.consent_item(view, strong=seen.strong) for view in own_consents()]
    page = render_template("me_consents.html", consents=items, strong=seen.strong, step_up_url=seen.step_up_url)
    return as_response(page)


@route(bp, "/consents/<uuid:record_id>", tx=Tx.READ, who=Who.CITIZEN)
def consent(record_id: UUID) -> Response:
    """One consent: the text as it was shown, what was shared, and who was told of its end."""
    view, seen = own(record_id), sight()
    record = records.get(g.session, record_id, subject_id=g.signed_in.subject_id)
    purpose = purposes.get(view.purpose)
    history = log.of_subject(g.session, g.signed_in.subject_id, limit=PAGE) if seen.strong else []
    return as_response(
        render_template(
            "me_consent.html",
            consent=shapes.consent_item(view, strong=seen.strong),
            categories=[purposes.category(code).name.in_(g.locale) for code in record.categories.split()],
            basis=record.basis,
            aal=record.aal,
            ial=record.ial,
            notice=shapes.notice_of(record, strong=seen.strong),
            deliveries=deliveries(record_id, strong=seen.strong),
            history=[shapes.entry(entry) for entry in history if entry.consent_id == record_id],
            offline_s=purpose.offline_s or 0,
            strong=seen.strong,
            step_up_url=seen.step_up_url,
        )
    )


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
    """It is over; when each service was told and acknowledged."""
    view, seen = own(record_id), sight()
    if view.withdrawn_at is None:
        raise gate.Elsewhere(f"{request.script_root}/me/consents/{record_id}")
    return as_response(
        render_template(
            "withdrawn.html",
            consent=shapes.consent_item(view, strong=seen.strong),
            deliveries=deliveries(record_id, strong=seen.strong),
            offline_s=purposes.get(view.purpose).offline_s or 0,
        )
    )


@route(bp, "/access", tx=Tx.READ, who=Who.CITIZEN, aal=STRONG_AAL)
def access() -> Response:
    """Who did what, newest first."""
    show_names()
    before = uuid_or_none(request.args.get("before"))
    entries = log.of_subject(g.session, g.signed_in.subject_id, limit=PAGE, before=before)
    older = str(entries[-1].id) if len(entries) == PAGE else None
    return as_response(render_template("me_access.html", entries=shapes.acts(entries), older=older))


def own_consents() -> list[ConsentView]:
    """All of this person's, newest first."""
    return records.for_subject(g.session, g.signed_in.subject_id, now=g.now)


def own(record_id: UUID) -> ConsentView:
    """This person's consent, or the same 404 as for one that does not exist; a replaced one leads to what stands."""
    views = {view.record_id: view for view in own_consents()}
    if record_id in views:
        return views[record_id]
    record = records.get(g.session, record_id, subject_id=g.signed_in.subject_id)
    newer = [one.id for one in records.of_key(g.session, records.key_of(record)) if one.id in views]
    if not newer:
        raise Refused("not_found", 404)
    raise gate.Elsewhere(f"{request.script_root}/me/consents/{newer[-1]}")


def withdrawable(view: ConsentView) -> Purpose:
    """The purpose of a consent that can still be taken back."""
    if view.state == "withdrawn":
        raise gate.Elsewhere(f"{request.script_root}/me/consents/{view.record_id}/withdrawn")
    if not shapes.can_withdraw(view):
        raise Refused("not_withdrawable", 403)
    return purposes.get(view.purpose)


def deliveries(record_id: UUID, *, strong: bool) -> list[dict[str, object]]:
    """When each service was told; their names only at the level for names."""
    return [shapes.delivery(letter, strong=strong) for letter in outbox.deliveries(g.session, record_id)]
