"""What a guardian asks for about their ward's data (PDPA s.20 with s.30 to 36): a copy at once, a request with a clock.

A copy and an erasure need two factors used just now, as one's own do; a ward with a say asks for those alone.
"""

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, redirect, request

from consent.errors import NotAllowed
from consent.family.rules import Deed
from consent.rights.asked import NOTHING, About
from consent.rights.clocks import LIMITS, Kind
from idp import erasure, rights, ward_acts, wards
from idp.wards import Ward
from idp.web import freshness, gate, shapes, ward
from idp.web.citizen import STRONG_AAL
from idp.web.gate import Refused, Tx, Who, as_response, route
from idp.web.rights import BY_PAGE, JSON, NEEDS_WORDS, ZIP, as_json, download
from idp.web.rights import drawn as as_drawn
from idp.web.shapes import uuid_or_none

bp = Blueprint("ward_rights", __name__, url_prefix="/me/family/<uuid:link_id>/rights")


@route(bp, "", tx=Tx.READ, who=Who.CITIZEN, aal=STRONG_AAL)
def home(link_id: UUID) -> Response:
    """What may be asked for, what was asked for, and by whom."""
    whom = ward.of(link_id, Deed.ask)
    found = rights.seen(wards.requests_of(g.session, whom), now=g.now)
    kinds = [kind.value for kind in BY_PAGE if whom.may(rights.deed_of(kind))]
    return ward.page("ward_rights.html", whom, cases=[drawn(whom, one) for one in found], kinds=kinds)


@route(bp, "/copy", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN, aal=STRONG_AAL)
def copy(link_id: UUID) -> Response:
    """Everything that we hold about the ward, now (s.30)."""
    whom = ward.of(link_id, Deed.open)
    freshness.strong(back=path(whom))
    document = ward_acts.copy(g.session, g.ring, whom, now=g.now)
    return download(as_json(document), JSON, "ward-data.json")


@route(bp, "/new/<kind>", tx=Tx.READ, who=Who.CITIZEN, aal=STRONG_AAL)
def ask(link_id: UUID, kind: str) -> Response:
    """The form of one kind of request; an erasure says first what goes, what stays, and what stands against it."""
    whom, what = known(link_id, kind)
    return form(whom, what, about(whom, request.args), words="")


@route(bp, "/new/<kind>", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN, aal=STRONG_AAL)
def send(link_id: UUID, kind: str) -> Response:
    """The request is made in the ward's name, and its clock runs."""
    whom, what = known(link_id, kind)
    whereof = about(whom, request.form)
    words = request.form.get("words", "").replace("\r\n", "\n").strip()
    if what in NEEDS_WORDS and not words:
        return form(whom, what, whereof, words=words, errors={"words": "required"})
    if what is Kind.erasure and request.form.get("sure") != "yes":
        return form(whom, what, whereof, words=words, errors={"sure": "required"})
    if what in rights.STRONG:
        freshness.strong(back=f"{path(whom)}/new/{what.value}")
    try:
        case = ward_acts.ask(g.session, g.ring, whom, what, words=words, about=whereof, now=g.now)
    except NotAllowed as refusal:
        field = "words" if refusal.code == "too_long" else "form"
        return form(whom, what, whereof, words=words, errors={field: refusal.code})
    return as_response(redirect(f"{at(whom)}/{case.id}", 303))


@route(bp, "/<uuid:case_id>", tx=Tx.READ, who=Who.CITIZEN, aal=STRONG_AAL)
def case(link_id: UUID, case_id: UUID) -> Response:
    """One request: until when, what was written, what was answered and why."""
    whom = ward.of(link_id, Deed.ask)
    seen = wards.request(g.session, g.ring, whom, case_id, now=g.now)
    holding = seen.case.kind == Kind.erasure.value and seen.case.state == "open"
    holds = erasure.holds(g.session, whom.id, now=g.now, but=case_id) if holding else []
    return ward.page("ward_case.html", whom, case=drawn(whom, seen), holds=holds)


@route(bp, "/<uuid:case_id>/take-back", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN, aal=STRONG_AAL)
def take_back(link_id: UUID, case_id: UUID) -> Response:
    """No answer is needed any more. A double tap takes it back once."""
    whom = ward.of(link_id, Deed.ask)
    ward_acts.take_back(g.session, whom, case_id, now=g.now)
    return as_response(redirect(f"{at(whom)}/{case_id}", 303))


@route(bp, "/<uuid:case_id>/papers", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN, aal=STRONG_AAL)
def papers(link_id: UUID, case_id: UUID) -> Response:
    """The complaint filled in, and what proves it (s.73)."""
    whom = ward.of(link_id, Deed.open)
    freshness.strong(back=f"{path(whom)}/{case_id}")
    content = ward_acts.papers(g.session, g.ring, gate.house().settings, whom, case_id, now=g.now)
    return download(content, ZIP, f"complaint-{rights.number(case_id)}.zip")


def known(link_id: UUID, kind: str) -> tuple[Ward, Kind]:
    """For whom, and what: a kind that the ward alone asks for is a 404, like one that nobody knows."""
    whom = ward.of(link_id)
    if kind not in {one.value for one in BY_PAGE}:
        raise Refused("not_found", 404)
    wards.need(whom, rights.deed_of(Kind(kind)))
    return whom, Kind(kind)


def about(whom: Ward, values: Any) -> About:
    """What the request is about: a line or a consent that this guardian sees. Anything else is a 404."""
    entry, record = uuid_or_none(values.get("entry")), uuid_or_none(values.get("record"))
    if entry is not None:
        wards.line(g.session, whom, entry)
    if record is not None:
        wards.consent(g.session, whom, record, now=g.now)
    return About(entry=entry, record=record) if entry or record else NOTHING


def form(whom: Ward, kind: Kind, whereof: About, *, words: str, errors: dict[str, str] | None = None) -> Response:
    """The form, with what was typed and what is wrong."""
    erases = kind is Kind.erasure
    if erases:
        freshness.strong(back=f"{path(whom)}/new/{kind.value}")
    entry = None if whereof.entry is None else shapes.entry(wards.line(g.session, whom, whereof.entry))
    return ward.page(
        "ward_ask.html",
        whom,
        status=400 if errors else None,
        kind=kind.value,
        days=LIMITS[kind].days,
        words=words,
        longest=rights.LONGEST_WORDS,
        needed=kind in NEEDS_WORDS,
        entry=entry,
        record=str(whereof.record) if whereof.record else None,
        holds=erasure.holds(g.session, whom.id, now=g.now) if erases else [],
        rest_days=erasure.REST.days,
        errors=errors or {},
    )


def drawn(whom: Ward, seen: rights.Seen) -> dict[str, Any]:
    """A case for the page: who asked, and whether this guardian stops it."""
    by = ward.hand(whom, seen.case.actor_id)
    return {**as_drawn(seen), "asked_by": by, "may_stop": wards.may_stop(whom, seen.case)}


def at(whom: Ward) -> str:
    """The list of requests."""
    return f"{ward.home(whom.link.id)}/rights"


def path(whom: Ward) -> str:
    """The same inside this server, to come back to after a stronger sign-in."""
    return f"/me/family/{whom.link.id}/rights"
