"""A helper of the person at the counter: the code, the helper's yes, the words read out, a colleague's signature."""

import hmac
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, jsonify, redirect, render_template, request

from consent.family import helping, invitations
from consent.family.invitations import Invitation
from idp import desk_cases, entrusting, four_eyes, representatives
from idp.desk_cases import Case
from idp.login import passkeys
from idp.login.passkeys import PasskeyRefused
from idp.readings import Desk
from idp.web import gate, helping_words
from idp.web.acting import name_of, of_link
from idp.web.ceremony import Ceremony, credential, refusal, words
from idp.web.desk_family import proved
from idp.web.gate import Elsewhere, Tx, Who, as_response, route
from idp.web.helper_invitations import notice_of

bp = Blueprint("desk_helper", __name__, url_prefix="/desk/cases/<uuid:case_id>/helper")


@route(bp, "", tx=Tx.WRITE, who=Who.STAFF)
def form(case_id: UUID) -> Response:
    """What may the helper do; or what waits."""
    here, found = proved(case_id, g.session)
    desk_cases.touch(g.session, case_id, now=g.now)
    return page(found, here)


@route(bp, "", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF)
def invite(case_id: UUID) -> Response:
    """The code, shown this once: for the helper's own phone."""
    here, found = proved(case_id, g.session)
    desk_cases.touch(g.session, case_id, now=g.now, quiet_until=g.now + four_eyes.LIFETIME)
    sent = request.form
    wanted, errors = helping.read(sent.getlist("may"), sent.getlist("kinds"), sent.get("days", ""))
    if wanted is None:
        return page(found, here, errors=errors, status=422)
    code = entrusting.invite(g.session, g.ring, found, wanted, desk=here, now=g.now)
    return page(found, here, code=code)


@route(bp, "/ask", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF)
def ask(case_id: UUID) -> Response:
    """The person has agreed: a colleague is asked to sign that they did."""
    here, _ = proved(case_id, g.session)
    four_eyes.ask(g.session, case_id, entrusting.ACT, desk=here, now=g.now)
    desk_cases.touch(g.session, case_id, now=g.now, quiet_until=g.now + four_eyes.LIFETIME)
    return back(case_id)


@route(bp, "/verify", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF, json=True)
def verify(case_id: UUID) -> Response:
    """The colleague signs what this page shows."""
    here, found = proved(case_id, g.session)
    asked = four_eyes.waiting(g.session, case_id, now=g.now)
    if asked is None or asked.act != entrusting.ACT:
        return refusal("challenge", 409)
    who = passkeys.attempt(g.session, credential=credential(words()), for_staff=True, **Ceremony.here().of_verify)
    if isinstance(who, PasskeyRefused):
        return refusal(who.code)
    told = {"colleague": who, "concerned": found.subject_id, "desk": here, "now": g.now}
    why = four_eyes.attempt(g.session, asked.id, case_id=case_id, **told)
    if why is not None:
        return refusal(why, 403)
    desk_cases.touch(g.session, case_id, now=g.now)
    return jsonify(next=f"{request.script_root}/desk/cases/{case_id}/helper")


@route(bp, "/confirm", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF)
def confirm(case_id: UUID) -> Response:
    """It begins, with the words that this page showed."""
    here, found = proved(case_id, g.session)
    desk_cases.touch(g.session, case_id, now=g.now)
    asked = entrusting.waiting(g.session, found, desk=here, now=g.now)
    if asked is None:
        raise Elsewhere(f"{request.script_root}/desk/cases/{case_id}/helper")
    notice = notice_of(asked)
    if not hmac.compare_digest(request.form.get("notice", "").encode(), notice.sha256.encode()):
        raise Elsewhere(f"{request.script_root}/desk/cases/{case_id}/helper")
    entrusting.agree(g.session, g.ring, found, asked, notice=notice, desk=here, now=g.now)
    return back(case_id, "?done=1")


@route(bp, "/refuse", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF)
def refuse(case_id: UUID) -> Response:
    """The person says no, or begins anew."""
    here, found = proved(case_id, g.session)
    entrusting.turn_down(g.session, found, desk=here, now=g.now)
    return back(case_id)


@route(bp, "/<uuid:link_id>/end", methods=("POST",), tx=Tx.WRITE, who=Who.STAFF)
def end(case_id: UUID, link_id: UUID) -> Response:
    """The person wants this helper no longer."""
    here, found = proved(case_id, g.session)
    desk_cases.touch(g.session, case_id, now=g.now)
    entrusting.end(g.session, g.ring, gate.house().settings, found, link_id, desk=here, now=g.now)
    return back(case_id)


@route(bp, "/<any(ask, confirm, refuse, verify):_what>", tx=Tx.NONE)
def acted(case_id: UUID, _what: str) -> Response:
    """Reloading is no dead end."""
    raise Elsewhere(f"{request.script_root}/desk/cases/{case_id}/helper")


def page(
    found: Case, here: Desk, *, code: str | None = None, errors: dict[str, str] | None = None, status: int = 200
) -> Response:
    """The form, the code, or who has said yes and the words to read out."""
    asked = entrusting.waiting(g.session, found, desk=here, now=g.now)
    sent = request.form
    shown = render_template(
        "desk_helper.html",
        case_id=found.id,
        name=found.shown.name(g.locale),
        place=here.place.name(g.locale),
        why=None
        if found.subject_id is None
        else representatives.against(g.session, g.ring, found.subject_id, now=g.now),
        code=code,
        helpers=[
            of_link(one, about=one.guardian_id) for one in entrusting.helpers(g.session, found, desk=here, now=g.now)
        ],
        done=request.args.get("done") == "1" and asked is None,
        until=g.now + invitations.CODE_LIVES,
        **helping_words.offered(),
        ticked={"may": sent.getlist("may"), "kinds": sent.getlist("kinds"), "days": sent.get("days", "")},
        errors=errors or {},
        **of_waiting(found, asked),
    )
    return as_response(shown, status)


def of_waiting(found: Case, asked: Invitation | None) -> dict[str, Any]:
    """Who typed the code, the words, and whether a colleague has signed."""
    if asked is None:
        return {"asked": None}
    if asked.accepted_at is None or asked.guardian_id is None:
        return {"asked": {"helper": None}}
    notice, wanted = notice_of(asked), four_eyes.waiting(g.session, found.id, now=g.now)
    return {
        "asked": {"helper": name_of(asked.guardian_id), "lines": notice.lines, "sha256": notice.sha256},
        "colleague": wanted is not None and wanted.act == entrusting.ACT,
        "ready": entrusting.ready(g.session, found, asked, now=g.now),
    }


def back(case_id: UUID, rest: str = "") -> Response:
    """303 to the page."""
    return as_response(redirect(f"{request.script_root}/desk/cases/{case_id}/helper{rest}", 303))
