"""CONSENT: one decision a purpose, nothing pre-ticked, Allow and Refuse alike (catalogue rule 9, PDPA s.19).

What the law allows without asking is told on the same page and recorded with its basis. A double tap, a reload or an
old page answers nothing twice: the form brings back which screen it was, and only that screen can be answered.
"""

import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, g, request

from consent import notices, purposes, records
from consent.decision import Recipient
from consent.purposes import Kind, Purpose
from consent.records import Choice, Key
from idp import directory, interaction, subjects, withdrawal
from idp.assurance import Aal
from idp.login.sessions import SignedIn
from idp.oauth import clients
from idp.oauth.clients import ClientFacts
from idp.oauth.pipeline import AuthorizeRequest
from idp.prompts import Prompt
from idp.subjects import Profile
from idp.web import gate, loop, values
from idp.web.gate import Elsewhere, Refused, Tx, route
from idp.web.loop import Paused

bp = Blueprint("consent", __name__, url_prefix="/interaction/<interaction_id>/consent")
CHANNEL = "web"
HOLDER = "any"
ALLOW, REFUSE, CONTINUE = "allow", "refuse", "continue"


@dataclass(frozen=True)
class Screen:
    """What is to be answered now, and for whom."""

    paused: Paused
    asked_by: AuthorizeRequest
    client: ClientFacts
    recipient: Recipient
    signed_in: SignedIn
    profile: Profile
    ial: str
    codes: tuple[str, ...]
    step: int
    steps: int

    @property
    def asked(self) -> list[Purpose]:
        """Purposes that the person decides."""
        return [purpose for purpose in self.purposes if values.is_question(purpose, self.basis(purpose))]

    @property
    def told(self) -> list[Purpose]:
        """Purposes that the law allows without asking."""
        return [purpose for purpose in self.purposes if purpose not in self.asked]

    @property
    def purposes(self) -> list[Purpose]:
        """All of the screen."""
        return [purposes.get(code) for code in self.codes]

    def basis(self, purpose: Purpose) -> str:
        """The legal basis in this case (catalogue rule 3)."""
        facility = self.recipient.kind in purposes.LICENSED_KINDS and self.recipient.licence_valid
        return purposes.basis_for(purpose, own_app=self.recipient.own_app, facility=facility)

    def scopes(self, purpose: Purpose) -> tuple[str, ...]:
        """What the service asks for under this purpose."""
        return tuple(self.asked_by.resolution.purposes[purpose.code])

    @property
    def mark(self) -> str:
        """What its form brings back: this person, and every notice word for word. Another's answer does not fit."""
        words = [choice(self, purpose, lives_for=None).notice.sha256 for purpose in self.purposes]
        asked = [purpose.code for purpose in self.asked]
        said = (self.paused.interaction.id, str(self.signed_in.subject_id), *words, *asked)
        mark: str = g.ring.mac("interaction", *said).hex()
        return mark


@route(bp, "", tx=Tx.READ)
def ask(interaction_id: str) -> Response:
    """The page."""
    return consent_page(screen(interaction_id))


@route(bp, "", methods=("POST",), tx=Tx.WRITE)
def decide(interaction_id: str) -> Response:
    """Record every answer of the screen, each by itself, all or none."""
    interaction.hold(g.session, interaction_id)
    here = screen(interaction_id)
    decision, chosen = request.form.get("decision"), frozenset(request.form.getlist("purpose"))
    posted = request.form.get("screen", "")
    if not hmac.compare_digest(posted.encode(), here.mark.encode()):  # not what this person sees now: show that first
        raise Elsewhere(here.paused.at)
    if decision not in (ALLOW, REFUSE, CONTINUE) or (decision == CONTINUE and here.asked):
        raise Refused("bad_request", 400)
    if not chosen <= set(here.codes):
        raise Elsewhere(here.paused.at)
    for purpose in here.told:
        records.note(g.session, choice(here, purpose, lives_for=None), now=g.now)
    for purpose in here.asked:
        if decision == ALLOW and purpose.code in chosen:
            given = records.give(g.session, choice(here, purpose, lives_for=wanted_life(purpose)), now=g.now)
            withdrawal.narrow(g.session, given, now=g.now)
        else:
            refuse(here, purpose)
    return loop.back(here.paused)


def screen(interaction_id: str) -> Screen:
    """The screen that is due: purposes that may stand together, in the order asked, and still undecided."""
    paused = loop.due(interaction_id, Prompt.CONSENT)
    asked_by, signed_in = paused.interaction.request, g.signed_in
    client = clients.find(g.session, asked_by.client_id) if asked_by else None
    if asked_by is None or signed_in is None or client is None:
        raise Elsewhere(paused.at)
    subject = subjects.get(g.session, signed_in.subject_id)
    screens = purposes.screens(paused.need.purposes)
    step = next(i for i, codes in enumerate(screens) if set(codes) & set(paused.facts.missing))
    return Screen(
        paused=paused,
        asked_by=asked_by,
        client=client,
        recipient=directory.recipient_of(g.session, client.legal_entity_id, now=g.now),
        signed_in=signed_in,
        profile=subjects.profile(g.session, g.ring, subject.id),
        ial=subjects.level(subject.ial, subject.ial_expires_at, g.now).value,
        codes=tuple(code for code in screens[step] if code in paused.facts.missing),
        step=step + 1,
        steps=len(screens),
    )


def choice(here: Screen, purpose: Purpose, *, lives_for: timedelta | None) -> Choice:
    """One answer, with the notice exactly as this page words it."""
    categories = values.categories(purpose, here.scopes(purpose))
    notice = notices.current(
        g.session,
        purpose.code,
        locale=g.locale,
        recipient_name=here.recipient.name(g.locale),
        categories=categories,
    )
    return Choice(
        key=Key(here.signed_in.subject_id, here.recipient.id, HOLDER, purpose.code),
        client_id=here.client.id,
        actor_id=here.signed_in.subject_id,
        notice=notice,
        scopes=here.scopes(purpose),
        categories=categories,
        basis=here.basis(purpose),
        explicit=purpose in here.asked,
        aal=here.signed_in.aal.value,
        ial=here.ial,
        channel=CHANNEL,
        lives_for=lives_for,
    )


def refuse(here: Screen, purpose: Purpose) -> None:
    """Remember the no; a consent that still ran under it is withdrawn, with its tokens and letters."""
    refusal = records.refuse(g.session, choice(here, purpose, lives_for=None), now=g.now)
    if refusal.ended_record_id is not None:
        ended = records.get(g.session, refusal.ended_record_id, subject_id=here.signed_in.subject_id)
        withdrawal.tell(g.session, g.ring, gate.house().settings, ended, now=g.now)


def wanted_life(purpose: Purpose) -> timedelta | None:
    """The life that was chosen among those offered; the row's default when none was."""
    offered = {life["value"]: span for life, span in values.lives(purpose, g.now)}
    wanted = request.form.get(f"life-{purpose.code}")
    if wanted is not None and wanted not in offered:
        raise Refused("bad_request", 400, detail="life")
    return offered.get(wanted) if wanted else None


def consent_page(here: Screen) -> Response:
    """Who, what, why, until when, and what happens if not."""
    return loop.page(
        "consent.html",
        here.paused,
        screen=here.mark,
        asked=[asked(here, purpose) for purpose in here.asked],
        notices=[told(here, purpose) for purpose in here.told],
        step=here.step,
        steps=here.steps,
        changed=False,
        person_name=here.profile.name(g.locale),
    )


def shown(here: Screen, purpose: Purpose) -> dict[str, Any]:
    """What both kinds show. Values appear only at the level that the purpose asks for."""
    reached = purposes.reaches(here.ial, purpose.citizen_ial) and (
        purpose.citizen_aal is None or here.signed_in.aal >= Aal(purpose.citizen_aal)
    )
    categories = values.categories(purpose, here.scopes(purpose))
    return {
        "code": purpose.code,
        "name": purpose.name.in_(g.locale),
        "text": purpose.text.in_(g.locale),
        "if_refused": purpose.if_refused.in_(g.locale),
        "values": [values.shown(code, here.profile if reached else None) for code in categories],
    }


def asked(here: Screen, purpose: Purpose) -> dict[str, Any]:
    """One question."""
    lives = [life for life, _ in values.lives(purpose, g.now)]
    return {
        **shown(here, purpose),
        "kind": "right" if purpose.kind is Kind.RIGHT else "consent",
        "until": g.now + purpose.life(None),
        "sensitive": any(purposes.category(code).s26 for code in purpose.data_categories),
        "cross_border": purpose.cross_border,
        "max_uses": purpose.max_uses,
        "lives": lives if len(lives) > 1 else [],
    }


def told(here: Screen, purpose: Purpose) -> dict[str, Any]:
    """One notice."""
    return {**shown(here, purpose), "until": g.now + purpose.life(None)}
