"""Choosing a helper: what they may do, a code, their yes, and last the person's own consent (catalogue row PROXY).

The code is shown once, on the page; nothing of this goes by message. Nothing begins before the consent, which is
given to somebody whose name is on the page.
"""

import hmac
from typing import Any
from urllib.parse import quote
from uuid import UUID

from flask import Blueprint, Response, g, redirect, render_template, request

from consent import purposes
from consent.family import helping, invitations
from consent.family.invitations import Invitation
from consent.notices import Notice
from idp import representatives
from idp.assurance import Aal
from idp.representatives import Hand
from idp.web import freshness, helping_words
from idp.web.acting import name_of
from idp.web.gate import Elsewhere, Refused, Tx, Who, as_response, route

bp = Blueprint("helper_invitations", __name__, url_prefix="/me/helpers")
HOME = "/me/helpers"
STRONG = Aal.AAL2_1  # names of people are not for a code alone (catalogue rule 4)
LONGEST_TYPED = 64


@route(bp, "/new", tx=Tx.READ, who=Who.CITIZEN, aal=STRONG)
def ask() -> Response:
    """What the helper may do, in what, and for how long."""
    return form(errors={})


@route(bp, "/new", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN, aal=STRONG)
def invite() -> Response:
    """The code, shown this once. It replaces one that is open only if the form said so."""
    sent = request.form
    wanted, errors = helping.read(sent.getlist("may"), sent.getlist("kinds"), sent.get("days", ""))
    if wanted is None:
        return form(errors=errors, status=422)
    me = g.signed_in.subject_id
    if representatives.against(g.session, g.ring, me, now=g.now) is not None:
        return form(errors={}, status=403)
    if sent.get("replaces", "") != open_now():  # a reload of the page of a code sends its form again
        return form(errors={}, status=409)
    code = representatives.invite(g.session, g.ring, wanted, person_id=me, now=g.now)
    until = g.now + invitations.CODE_LIVES
    lines = helping_words.sentences(wanted)
    return as_response(render_template("me_helper_code.html", code=code, until=until, lines=lines))


@route(bp, "/code", tx=Tx.READ, who=Who.CITIZEN, aal=STRONG)
def type_in() -> Response:
    """Where a helper types the code."""
    return code_page()


@route(bp, "/code", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN, aal=STRONG)
def take() -> Response:
    """The code is used; what is asked is shown next."""
    typed = request.form.get("helper_code", "")[:LONGEST_TYPED]
    if not typed.strip():
        return code_page(typed, fault="required")
    found = representatives.take(g.session, g.ring, typed, person_id=g.signed_in.subject_id, now=g.now)
    if found is None:
        return code_page(typed, fault="unknown")
    return to(f"/invitations/{found}")


@route(bp, "/invitations/<uuid:invitation_id>", tx=Tx.READ, who=Who.CITIZEN, aal=STRONG)
def invitation(invitation_id: UUID) -> Response:
    """What the person entrusts, for the helper's yes; then who has said yes, for the person's."""
    me = g.signed_in.subject_id
    asked = invitations.own(g.session, invitation_id, me, now=g.now)
    if asked.ward_id != me:
        return accept_page(asked)
    if asked.accepted_at is None:
        raise Elsewhere(request.script_root + HOME)
    return agree_page(asked)


@route(bp, "/invitations/<uuid:invitation_id>/accept", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN, aal=STRONG)
def accept(invitation_id: UUID) -> Response:
    """The helper's yes or no."""
    me, decision = g.signed_in.subject_id, request.form.get("decision")
    asked = invitations.own(g.session, invitation_id, me, now=g.now)
    if asked.guardian_id != me:
        raise Refused("not_found", 404)
    if decision == "refuse":
        representatives.turn_down(g.session, asked.id, person_id=me, now=g.now)
        return to("?done=declined")
    if decision != "allow":
        raise Refused("bad_request", 400)
    if why_not(asked) is not None:
        return accept_page(asked, status=403)
    representatives.accept(g.session, g.ring, asked.id, person_id=me, now=g.now)
    return to("?done=accepted")


@route(bp, "/invitations/<uuid:invitation_id>/agree", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN, aal=STRONG)
def agree(invitation_id: UUID) -> Response:
    """The person's consent, or their no. Other words than those that were read are shown first."""
    me, decision = g.signed_in.subject_id, request.form.get("decision")
    asked = invitations.own(g.session, invitation_id, me, now=g.now)
    if asked.ward_id != me:
        raise Refused("not_found", 404)
    if decision == "refuse":
        representatives.turn_down(g.session, asked.id, person_id=me, now=g.now)
        return to("?done=refused" if asked.accepted_at else "?done=called_back")
    if decision != "allow":
        raise Refused("bad_request", 400)
    freshness.strong(back=f"{HOME}/invitations/{asked.id}")
    words = notice_of(asked)
    read = hmac.compare_digest(request.form.get("notice", "").encode(), words.sha256.encode())
    if not read or asked.accepted_at is None or why_not(asked) is not None:
        raise Elsewhere(f"{request.script_root}{HOME}/invitations/{asked.id}")
    representatives.agree(
        g.session, g.ring, asked.id, person_id=me, hand=Hand(g.signed_in.aal.value), notice=words, now=g.now
    )
    return to("?done=begun")


def form(*, errors: dict[str, str], status: int = 200) -> Response:
    """The form with what was ticked; or why this person chooses nobody, and what would help."""
    why = representatives.against(g.session, g.ring, g.signed_in.subject_id, now=g.now)
    sent, waiting = request.form, invitations.of_ward(g.session, g.signed_in.subject_id, now=g.now)
    page = render_template(
        "me_helper_new.html",
        **helping_words.offered(),
        ticked={"may": sent.getlist("may"), "kinds": sent.getlist("kinds"), "days": sent.get("days", "")},
        waiting=waiting,
        why=why,
        level_url=level_url(f"{HOME}/new"),
        errors=errors,
    )
    return as_response(page, status)


def open_now() -> str:
    """The id of what this person has made and that waits, or nothing."""
    waiting = invitations.of_ward(g.session, g.signed_in.subject_id, now=g.now)
    return "" if waiting is None else str(waiting.id)


def code_page(typed: str = "", *, fault: str | None = None) -> Response:
    """One field; what was typed stays."""
    errors = {"helper_code": fault} if fault else {}
    return as_response(render_template("me_helper_take.html", typed=typed, errors=errors), 400 if fault else 200)


def accept_page(asked: Invitation, *, status: int = 200) -> Response:
    """For the helper: who asks, and what is asked of them."""
    return as_response(
        render_template(
            "me_helper_accept.html",
            asked=of_invitation(asked, g.signed_in.subject_id),
            lines=helping_words.sentences(asked.wanted),
            why=why_not(asked),
            level_url=level_url(f"{HOME}/invitations/{asked.id}"),
        ),
        status,
    )


def agree_page(asked: Invitation) -> Response:
    """For the person: who has said yes, and the consent word for word."""
    words = notice_of(asked)
    return as_response(
        render_template(
            "me_helper_agree.html",
            asked=of_invitation(asked, g.signed_in.subject_id),
            lines=words.lines,
            sha256=words.sha256,
            until=g.now + asked.wanted.lasts,
            why=why_not(asked),
            level_url=level_url(f"{HOME}/invitations/{asked.id}"),
        )
    )


def why_not(asked: Invitation) -> str | None:
    """Why whoever looks at an invitation cannot say yes to it, as a code, or None."""
    if representatives.acts_already(g.session, asked, now=g.now):
        return "already"
    return representatives.against(g.session, g.ring, g.signed_in.subject_id, now=g.now)


def notice_of(asked: Invitation) -> Notice:
    """The words of the consent."""
    details = helping_words.sentences(asked.wanted)
    return representatives.notice(g.session, locale=g.locale, details=details, now=g.now)


def of_invitation(asked: Invitation, me: UUID) -> dict[str, Any]:
    """One that waits, as either of the two sees it."""
    other = asked.guardian_id if asked.ward_id == me else asked.ward_id
    return {
        "id": str(asked.id),
        "name": None if other is None else name_of(other),
        "accepted": asked.accepted_at is not None,
        "expires_at": asked.expires_at,
    }


def level_url(back: str) -> str:
    """Where the level of the row PROXY is proved; back to the same page."""
    row = purposes.get(helping.PURPOSE)
    here = quote(request.script_root + back, safe="")
    return f"{request.script_root}/sign-in?next={here}&aal={row.citizen_aal}&ial={row.citizen_ial}"


def to(rest: str) -> Response:
    """303 within these pages."""
    return as_response(redirect(f"{request.script_root}{HOME}{rest}", 303))
