"""For whom is this? Chosen once in a request, seen on every page of it, and never changed silently (PDPA s.20).

Names of wards are shown only at the levels that acting for another needs.
"""

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, request

from consent.family import links
from consent.family.links import Link
from consent.family.rules import Needed
from idp import family, interaction, proxies, subjects
from idp.login.sessions import SignedIn
from idp.web import loop
from idp.web.gate import Elsewhere, Tx, route
from idp.web.loop import Paused
from idp.web.shapes import uuid_or_none

bp = Blueprint("acting", __name__, url_prefix="/interaction/<interaction_id>")
MYSELF = "self"


@route(bp, "/for", tx=Tx.READ)
def ask(interaction_id: str) -> Response:
    """Oneself, or one of those for whom this person may act now."""
    paused, signed_in = strong(interaction_id)
    return page(paused, signed_in)


@route(bp, "/for", methods=("POST",), tx=Tx.WRITE)
def choose(interaction_id: str) -> Response:
    """The choice; whoever may act no longer is not chosen."""
    interaction.hold(g.session, interaction_id)
    paused, signed_in = strong(interaction_id)
    chosen = request.form.get("for", "")
    if chosen == MYSELF:
        interaction.choose(g.session, paused.interaction, None, now=g.now)
        return loop.back(paused)
    link_id = uuid_or_none(chosen)
    found = proxies.running(g.session, link_id, guardian_id=signed_in.subject_id, now=g.now)
    if found is None:
        return page(paused, signed_in, errors={"for": "choice"}, status=400)
    interaction.choose(g.session, paused.interaction, found.guardianship_id, now=g.now)
    return loop.back(paused)


@route(bp, "/waiting", tx=Tx.READ)
def waiting(interaction_id: str) -> Response:
    """One of two has signed: who is waited for, where they find it, and on to the service without it."""
    paused, signed_in = loop.signed_in_here(interaction_id)
    ward = interaction.acting(loop.context_of(g.session), paused.interaction, signed_in)
    mine = family.signed_by(g.session, signed_in.subject_id, now=g.now)
    if not mine:
        raise Elsewhere(paused.at)
    name = None if ward is None else subjects.profile(g.session, g.ring, ward.patient_id).name(g.locale)
    return loop.page("cosign_wait.html", paused, ward_name=name, until=max(one.expires_at for one in mine))


def strong(interaction_id: str) -> tuple[Paused, SignedIn]:
    """The paused request of somebody who is signed in well enough to act for another; otherwise back to the loop."""
    paused, signed_in = loop.signed_in_here(interaction_id)
    if not paused.for_service or signed_in.aal < proxies.floors()[0]:
        raise Elsewhere(paused.at)
    return paused, signed_in


def page(paused: Paused, signed_in: SignedIn, *, errors: dict[str, str] | None = None, status: int = 200) -> Response:
    """Whom to choose from."""
    wards = [
        of_link(link, about=link.ward_id) for link in links.of_guardian(g.session, signed_in.subject_id, now=g.now)
    ]
    if not wards:
        raise Elsewhere(paused.at)
    name = subjects.profile(g.session, g.ring, signed_in.subject_id).name(g.locale)
    shown: dict[str, Any] = {"wards": wards, "own_name": name, "errors": errors or {}}
    return loop.page("for_whom.html", paused, status=status, **shown)


def of_link(link: Link, *, about: UUID) -> dict[str, Any]:
    """A guardianship as a page shows it: who the other person is, as what, and until when."""
    return {
        "id": str(link.id),
        "name": name_of(about),
        "kind": link.kind,
        "needed": link.needed,
        "evidence": link.evidence,
        "starts_at": link.starts_at,
        "ends_at": link.ended_at or link.ends_at,
        "ends_by": link.ends_by,
    }


def name_of(person_id: UUID) -> str:
    """What somebody is called; of who was erased nothing is left to say."""
    try:
        return subjects.profile(g.session, g.ring, person_id).name(g.locale)
    except KeyError:
        return "–"


def shown(paused: Paused, signed_in: SignedIn, *, needed: Needed) -> dict[str, Any]:
    """What the consent page says of for whom it is, and whether it may be somebody else."""
    ward = interaction.acting(loop.context_of(g.session), paused.interaction, signed_in)
    may_change = signed_in.aal >= proxies.floors()[0] and bool(
        links.of_guardian(g.session, signed_in.subject_id, now=g.now)
    )
    return {
        "capacity": MYSELF if ward is None else ward.kind,
        "both_sign": needed is Needed.both,
        "may_change": may_change and paused.for_service,
    }
