"""Family and carers: for whom I may act, who may act for me, what waits for my yes, and the end of each.

Both see the same page and either may end it. What a parent sees of a young person's consents is what they signed
themselves; a young person's own answers are their own (PDPA s.20).
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, redirect, render_template, request

from consent import purposes, records
from consent.audit import log
from consent.audit.entry import Entry
from consent.family import cosigning, invitations, links
from consent.family.cosigning import Proposal
from consent.family.links import Link
from consent.family.rules import Kind
from consent.rights import cases
from idp import family, subjects, wards
from idp import rights as requests
from idp.assurance import Aal
from idp.family import Signature
from idp.web import gate, shapes, ward
from idp.web.acting import of_link
from idp.web.gate import Elsewhere, Refused, SignInNeeded, Tx, Who, as_response, route
from idp.web.rights import drawn as as_request

bp = Blueprint("family", __name__, url_prefix="/me/family")
STRONG = Aal.AAL2_1  # names of people are not for a code alone (catalogue rule 4)
DONE = ("signed", "refused", "taken", "ended", "outdated")
PAGE, ACTS = 200, ("consent.", "authz.", "token.", "introspect", "guardian.", "refusal.", "export.")
COURTS = (Kind.guardian, Kind.curator)


@route(bp, "", tx=Tx.READ, who=Who.CITIZEN, aal=STRONG)
def home() -> Response:
    """Everything about this person's family here."""
    me, done = g.signed_in.subject_id, request.args.get("done")
    helper = invitations.of_ward(g.session, me, now=g.now)
    return as_response(
        render_template(
            "me_family.html",
            wards=[of_link(link, about=link.ward_id) for link in links.of_guardian(g.session, me, now=g.now)],
            guardians=[of_link(link, about=link.guardian_id) for link in links.of_ward(g.session, me, now=g.now)],
            past=[of_past(link, me) for link in links.past(g.session, me, now=g.now)],
            inbox=[of_proposal(one) for one in family.inbox(g.session, me, now=g.now)],
            signed=[of_proposal(one) for one in family.signed_by(g.session, me, now=g.now)],
            helper_waits=helper is not None and helper.accepted_at is not None,
            done=done if done in DONE else None,
        )
    )


@route(bp, "/<uuid:link_id>", tx=Tx.READ, who=Who.CITIZEN, aal=STRONG)
def one(link_id: UUID) -> Response:
    """One guardianship: its facts, what was agreed and done under it, and its end."""
    me = g.signed_in.subject_id
    link = links.own(g.session, link_id, me)
    if link.kind == Kind.helper:
        raise Elsewhere(f"{request.script_root}/me/helpers/{link.id}")
    guards, runs = link.guardian_id == me, link.runs_at(g.now)
    whom = ward.of(link_id) if guards and runs else None
    return as_response(
        render_template(
            "me_family_link.html",
            link=of_link(link, about=link.ward_id if guards else link.guardian_id),
            role="ward" if guards else "guardian",
            running=runs,
            can_end=runs and (guards or link.kind not in COURTS),
            ward=None if whom is None else ward.drawn(whom),
            consents=[] if whom is None else [of_consent(view) for view in ward.running(whom)],
            past=[] if whom is None else [of_consent(view) for view in ward.over_now(whom)],
            asked=[] if guards else asked_by(link),
            refused=not guards and wards.refused_by(g.session, g.ring, link),
            acts=acts_of(link),
            done=request.args.get("done") == "undone",
        )
    )


@route(bp, "/<uuid:link_id>/end", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN, aal=STRONG)
def end(link_id: UUID) -> Response:
    """Over, at once. A double tap ends it once. Whom it shuts out is told why, and how they come back."""
    me = g.signed_in.subject_id
    family.end(g.session, g.ring, gate.house().settings, link_id, person_id=me, now=g.now)
    if family.is_shut_out(g.session, g.ring, me, now=g.now):
        return as_response(redirect(f"{request.script_root}/me/family/over", 303))
    return home_again("ended")


@route(bp, "/over", tx=Tx.READ)
def over() -> Response:
    """For who has just ended it and is signed out by it: what happened, what is kept, how to come back."""
    return as_response(render_template("family_over.html"))


@route(bp, "/sign/<uuid:proposal_id>", tx=Tx.READ, who=Who.CITIZEN, aal=STRONG)
def read(proposal_id: UUID) -> Response:
    """The words that the other one signed."""
    asked = for_me(proposal_id)
    notice = cosigning.words(g.session, asked)
    if notice is None:
        raise Elsewhere(f"{request.script_root}/me/family?done=outdated")
    purpose = purposes.get(asked.purpose)
    return as_response(
        render_template(
            "me_cosign.html",
            asked=of_proposal(asked),
            first=subjects.profile(g.session, g.ring, asked.signed_by).name(g.locale),
            lines=notice.lines,
            until=until(asked, g.now),
            weak=not purposes.reaches(level(), purpose.citizen_ial),
        )
    )


@route(bp, "/sign/<uuid:proposal_id>", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN, aal=STRONG)
def sign(proposal_id: UUID) -> Response:
    """Yes or no."""
    asked, by = for_me(proposal_id), Signature(g.signed_in.subject_id, g.signed_in.aal)
    if request.form.get("decision") == "refuse":
        family.decline(g.session, g.ring, gate.house().settings, asked.id, by=by, now=g.now)
        return home_again("refused")
    if request.form.get("decision") != "allow":
        raise Refused("bad_request", 400)
    if family.outdated(g.session, asked.id, by=by, now=g.now):
        return home_again("outdated")
    least = purposes.get(asked.purpose).citizen_aal
    if least is not None and by.aal < Aal(least):
        raise SignInNeeded(who=Who.CITIZEN, aal=Aal(least), back=f"/me/family/sign/{asked.id}")
    family.cosign(g.session, g.ring, asked.id, by=by, now=g.now)
    return home_again("signed")


@route(bp, "/sign/<uuid:proposal_id>/take-back", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN, aal=STRONG)
def take_back(proposal_id: UUID) -> Response:
    """Whoever signed first does not want it any more."""
    family.take_back(g.session, proposal_id, person_id=g.signed_in.subject_id, now=g.now)
    return home_again("taken")


@route(bp, "/<path:_rest>", tx=Tx.NONE)
def elsewhere(_rest: str) -> Response:
    """Reloading is no dead end."""
    raise Elsewhere(f"{request.script_root}/me/family")


def for_me(proposal_id: UUID) -> Proposal:
    """What waits for this person, or the same answer as for what does not exist."""
    waiting = family.inbox(g.session, g.signed_in.subject_id, now=g.now)
    found = next((one for one in waiting if one.id == proposal_id), None)
    if found is None:
        raise Elsewhere(f"{request.script_root}/me/family")
    return found


def asked_by(link: Link) -> list[dict[str, Any]]:
    """What this guardian asked for in the ward's name, for the ward."""
    mine = [one for one in cases.of_subject(g.session, link.ward_id) if one.actor_id == link.guardian_id]
    return [as_request(one) for one in requests.seen(mine, now=g.now)]


def acts_of(link: Link) -> list[dict[str, Any]]:
    """What the log says of this power, newest first: answers, grants, and what services opened by them."""
    entries = log.of_subject(g.session, link.ward_id, limit=PAGE)
    return shapes.acts([entry for entry in entries if _is_act(entry, link)])


def _is_act(entry: Entry, link: Link) -> bool:
    """An entry about the ward that somebody else's hand made while this power ran: by its mark, or by its actor.

    What came after its end is nobody's to see who acts no longer.
    """
    if not entry.event.startswith(ACTS) or entry.at > (link.ended_at or link.ends_at):
        return False
    marks = (f"proxy:{link.kind}", f"kind:{link.kind}")
    by_another = entry.actor_kind == "citizen" and entry.actor != entry.subject and entry.at >= link.starts_at
    return by_another or any(mark in entry.codes for mark in marks)


def of_proposal(asked: Proposal) -> dict[str, Any]:
    """One line of what waits."""
    return {
        "id": str(asked.id),
        "purpose": shapes.purpose_name(asked.purpose),
        "recipient": shapes.recipient_name(asked.recipient_id),
        "ward": subjects.profile(g.session, g.ring, asked.ward_id).name(g.locale),
        "expires_at": asked.expires_at,
    }


def of_consent(view: records.ConsentView) -> dict[str, Any]:
    """One consent that a guardian may take back."""
    return shapes.consent_item(view, strong=True)


def of_past(link: Link, me: UUID) -> dict[str, Any]:
    """One that is over, seen by one of the two."""
    guards = link.guardian_id == me
    other, role = (link.ward_id, "ward") if guards else (link.guardian_id, "guardian")
    return {**of_link(link, about=other), "role": role}


def until(asked: Proposal, now: datetime) -> datetime:
    """When the consent would end by itself, or with the power that it rests on."""
    beside = family.stand_beside(g.session, asked.ward_id, now=now)
    two = (asked.signed_by, g.signed_in.subject_id)
    powers = [link.ends_at for link in beside if link.guardian_id in two]
    return min([now + purposes.get(asked.purpose).life(asked.lives_for), *powers])


def level() -> str:
    """How surely this person is known."""
    return subjects.level_now(g.session, g.signed_in.subject_id, now=g.now).value


def home_again(word: str) -> Response:
    """303 to the page, which says what was done."""
    return as_response(redirect(f"{request.script_root}/me/family?done={word}", 303))
