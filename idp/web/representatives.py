"""A helper of my own choice, or somebody I help: what was entrusted, what was done, and the end (catalogue row PROXY).

Both see the same facts, and either ends it. The helper sees of the person what was entrusted, and no more.
"""

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, render_template, request

from consent import purposes
from consent.family import helping, invitations, links
from consent.family.links import Link
from consent.family.rules import Kind
from consent.history import ConsentView
from idp import family, representatives
from idp.web import gate, helping_words, shapes
from idp.web.acting import of_link
from idp.web.gate import Elsewhere, Refused, Tx, Who, as_response, route
from idp.web.helper_invitations import HOME, STRONG, of_invitation, to

bp = Blueprint("representatives", __name__, url_prefix="/me/helpers")
DONE = ("accepted", "declined", "begun", "refused", "called_back", "ended", "withdrawn")


@route(bp, "", tx=Tx.READ, who=Who.CITIZEN, aal=STRONG)
def home() -> Response:
    """My helpers, whom I help, and what waits."""
    me, done = g.signed_in.subject_id, request.args.get("done")
    waiting = invitations.of_ward(g.session, me, now=g.now)
    asked = invitations.of_guardian(g.session, me, now=g.now)
    return as_response(
        render_template(
            "me_helpers.html",
            mine=[drawn(one, me) for one in links.of_ward(g.session, me, now=g.now) if one.kind == Kind.helper],
            theirs=[drawn(one, me) for one in links.of_guardian(g.session, me, now=g.now) if one.kind == Kind.helper],
            waiting=None if waiting is None else of_invitation(waiting, me),
            asked=[of_invitation(one, me) for one in asked],
            done=done if done in DONE else None,
        )
    )


@route(bp, "/<uuid:link_id>", tx=Tx.READ, who=Who.CITIZEN, aal=STRONG)
def one(link_id: UUID) -> Response:
    """One helper, for either of the two: what was entrusted, what was done, and the end."""
    me = g.signed_in.subject_id
    link = representatives.own(g.session, link_id, me)
    helps, runs = link.guardian_id == me, link.runs_at(g.now)
    may_list = helps and runs
    return as_response(
        render_template(
            "me_helper.html",
            link=drawn(link, me),
            helps=helps,
            running=runs,
            consents=[of_consent(link, view) for view in consents(link)] if may_list else [],
            seen=shapes.acts(representatives.seen(g.session, link)) if may_list else [],
            sees=helping.SEE in link.may.split(),
            acts=shapes.acts(representatives.acts(g.session, link)),
            done=request.args.get("done") if request.args.get("done") in DONE else None,
        )
    )


@route(bp, "/<uuid:link_id>/end", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN, aal=STRONG)
def end(link_id: UUID) -> Response:
    """Over, at once. A double tap ends it once."""
    me = g.signed_in.subject_id
    link = representatives.own(g.session, link_id, me)
    family.end(g.session, g.ring, gate.house().settings, link.id, person_id=me, now=g.now)
    return to("?done=ended")


@route(bp, "/<uuid:link_id>/withdraw/<uuid:record_id>", tx=Tx.READ, who=Who.CITIZEN, aal=STRONG)
def ask_withdrawal(link_id: UUID, record_id: UUID) -> Response:
    """First tap: what ends, for whom, and who is told."""
    link, view = endable(link_id, record_id)
    return as_response(
        render_template(
            "me_helper_withdraw.html",
            link=drawn(link, g.signed_in.subject_id),
            consent=shapes.consent_item(view, strong=True),
            if_refused=purposes.get(view.purpose).if_refused.in_(g.locale),
            offline_s=purposes.get(view.purpose).offline_s or 0,
        )
    )


@route(bp, "/<uuid:link_id>/withdraw/<uuid:record_id>", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN, aal=STRONG)
def withdraw(link_id: UUID, record_id: UUID) -> Response:
    """Second tap. The person sees by whose hand."""
    link, _ = endable(link_id, record_id)
    representatives.withdraw(g.session, g.ring, gate.house().settings, link, record_id, now=g.now)
    return to(f"/{link.id}?done=withdrawn")


@route(bp, "/<path:_rest>", tx=Tx.NONE)
def elsewhere(_rest: str) -> Response:
    """Reloading is no dead end."""
    raise Elsewhere(request.script_root + HOME)


def endable(link_id: UUID, record_id: UUID) -> tuple[Link, ConsentView]:
    """A running consent of the person that this helper may end, or the 404 of everything else."""
    me = g.signed_in.subject_id
    link = representatives.own(g.session, link_id, me)
    found = next((view for view in consents(link) if view.record_id == record_id), None)
    if link.guardian_id != me or not link.runs_at(g.now) or found is None or not helping.ends(link, found.purpose):
        raise Refused("not_found", 404)
    return link, found


def consents(link: Link) -> list[ConsentView]:
    """What the helper may know of the person's consents."""
    return representatives.consents(g.session, link, now=g.now)


def of_consent(link: Link, view: ConsentView) -> dict[str, Any]:
    """One line, and whether the helper may end it."""
    can_end = helping.ends(link, view.purpose) and shapes.can_withdraw(view)
    return {**shapes.consent_item(view, strong=True), "can_withdraw": can_end}


def drawn(link: Link, me: UUID) -> dict[str, Any]:
    """A link as its pages show it."""
    other = link.ward_id if link.guardian_id == me else link.guardian_id
    names = helping_words.names(link.purposes.split())
    return {**of_link(link, about=other), "powers": helping_words.powers(link.may.split()), "purposes": names}
