"""What the consent page asks now: who asks, about whom, which purposes, and each answer with its notice word for word.

Purposes that may not stand together have screens of their own (catalogue rule 9). What the law allows without asking
is told on the same screen.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import g

from consent import abroad, notices, purposes
from consent.abroad import Journey
from consent.decision import Recipient
from consent.family.rules import Needed
from consent.notices import Notice
from consent.purposes import Purpose
from consent.records import Choice, Key
from idp import authorizing, directory, family, interaction, renewing, subjects, visits
from idp.asking import Asked
from idp.assurance import Aal
from idp.login.sessions import SignedIn
from idp.oauth import clients
from idp.oauth.clients import ClientFacts
from idp.oauth.live import SIGN_IN
from idp.oauth.pipeline import AuthorizeRequest
from idp.prompts import Prompt
from idp.subjects import PersonSealer, Profile, Subject
from idp.web import loop, values, visit_words
from idp.web.gate import Elsewhere
from idp.web.loop import Paused

CHANNEL = "web"
HOLDER = "any"


@dataclass(frozen=True)
class Acting:
    """Whose consent it is, and as what the person who is signed in answers. `more`: further facts of the record."""

    subject_id: UUID
    capacity: str = "self"
    guardianship_id: UUID | None = None
    more: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Screen:
    """What is to be answered now, and for whom."""

    paused: Paused
    asked_by: AuthorizeRequest
    client: ClientFacts
    recipient: Recipient
    signed_in: SignedIn
    acting: Acting
    profile: Profile
    ial: str
    proofed_at: datetime
    found: Mapping[str, Asked]
    needed: Needed
    codes: tuple[str, ...]
    step: int
    steps: int

    @property
    def asked(self) -> list[Purpose]:
        """Purposes that the person decides."""
        return [purpose for purpose in self.purposes if self.is_asked(purpose)]

    @property
    def told(self) -> list[Purpose]:
        """Purposes that the law allows without asking."""
        return [purpose for purpose in self.purposes if not self.is_asked(purpose)]

    @property
    def purposes(self) -> list[Purpose]:
        """All of the screen."""
        return [purposes.get(code).towards(self.recipient.kind) for code in self.codes]

    def is_asked(self, purpose: Purpose) -> bool:
        """Whether the person decides this one."""
        return values.is_question(purpose, self.basis(purpose))

    def whose(self, purpose: Purpose) -> Acting:
        """About whom it is: the sign-in is always one's own."""
        return Acting(self.signed_in.subject_id) if purpose.code == SIGN_IN else self.acting

    def of_whom(self, purpose: Purpose) -> Profile:
        """Whose values are shown."""
        own = self.whose(purpose).subject_id == self.acting.subject_id
        return self.profile if own else subjects.profile(g.session, g.ring, self.signed_in.subject_id)

    def basis(self, purpose: Purpose) -> str:
        """The legal basis in this case (catalogue rule 3)."""
        facility = self.recipient.kind in purposes.LICENSED_KINDS and self.recipient.licence_valid
        return purposes.basis_for(purpose, own_app=self.recipient.own_app, facility=facility)

    def scopes(self, purpose: Purpose) -> tuple[str, ...]:
        """What the service asks for under this purpose."""
        return tuple(self.asked_by.resolution.purposes[purpose.code])

    def categories(self, purpose: Purpose) -> tuple[str, ...]:
        """Which data these scopes can open."""
        return values.categories(purpose, self.scopes(purpose))

    def reaches(self, purpose: Purpose) -> bool:
        """Whether values may be shown: only at the level that the purpose asks for."""
        return purposes.reaches(self.ial, purpose.citizen_ial) and (
            purpose.citizen_aal is None or self.signed_in.aal >= Aal(purpose.citizen_aal)
        )

    def journeys(self, purpose: Purpose) -> list[Journey]:
        """Where the data go beyond Thailand: by the nature of the purpose, and with this service."""
        place = values.country(self.client.xb_country or "")
        return abroad.journeys(purpose.code, self.client.xb_country, self.client.xb_safeguard, place=place)

    def objected(self, purpose: Purpose) -> bool:
        """Whether a standing refusal of this person goes before whatever they answer here."""
        found = self.found.get(purpose.code)
        return found is not None and found.verdict.refusal_id is not None

    @property
    def mark(self) -> str:
        """What its form brings back: this person, and every notice word for word. Another's answer does not fit."""
        words = [notice(self, purpose).sha256 for purpose in self.purposes]
        asked = [purpose.code for purpose in self.asked]
        people = (str(self.signed_in.subject_id), str(self.acting.subject_id))
        mark: str = g.ring.mac("interaction", self.paused.interaction.id, *people, *words, *asked).hex()
        return mark


def screen(interaction_id: str) -> Screen:
    """The screen that is due: purposes that may stand together, in the order asked, and still undecided."""
    paused = loop.due(interaction_id, Prompt.CONSENT)
    asked_by, signed_in = paused.interaction.request, g.signed_in
    client = clients.find(g.session, asked_by.client_id) if asked_by else None
    if asked_by is None or signed_in is None or client is None:
        raise Elsewhere(paused.at)
    acting = acting_for(paused, signed_in)
    subject: Subject = subjects.get(g.session, acting.subject_id)
    screens = purposes.screens(paused.need.purposes)
    step = next(i for i, codes in enumerate(screens) if set(codes) & set(paused.facts.missing))
    context = loop.context_of(g.session)
    ward = interaction.acting(context, paused.interaction, signed_in)
    return Screen(
        paused=paused,
        asked_by=asked_by,
        client=client,
        recipient=directory.recipient_of(g.session, client.legal_entity_id, now=g.now),
        signed_in=signed_in,
        acting=acting,
        profile=subjects.profile(g.session, g.ring, subject.id),
        ial=subjects.level(subject.ial, subject.ial_expires_at, g.now).value,
        proofed_at=subject.ial_at,
        found={one.code: one for one in authorizing.looked_up(context, asked_by, signed_in, acting=ward)},
        needed=family.who(g.session, g.ring, subject.id, now=g.now),
        codes=tuple(code for code in screens[step] if code in paused.facts.missing),
        step=step + 1,
        steps=len(screens),
    )


def acting_for(paused: Paused, signed_in: SignedIn) -> Acting:
    """Whose consent it is: the person's own, or that of the ward they chose to act for in this request."""
    ward = interaction.acting(loop.context_of(g.session), paused.interaction, signed_in)
    return Acting(signed_in.subject_id) if ward is None else Acting(ward.patient_id, ward.kind, ward.guardianship_id)


def visit_of(here: Screen, purpose: Purpose) -> UUID | None:
    """The visit that runs at this receiver now, which an answer "for this visit" is tied to."""
    return visits.running_for(g.session, here.whose(purpose).subject_id, here.recipient.id, now=g.now)


def details_of(here: Screen, purpose: Purpose) -> tuple[str, ...]:
    """What this one request narrows, sentence by sentence, in the language of the page."""
    return visit_words.of_request(here.asked_by, purpose) if here.asked_by.details else ()


def notice(here: Screen, purpose: Purpose) -> Notice:
    """The words of this page, exactly."""
    return notices.current(
        g.session,
        purpose.code,
        locale=g.locale,
        recipient_name=here.recipient.name(g.locale),
        categories=here.categories(purpose),
        details=details_of(here, purpose),
        abroad=[journey.sentence(g.locale) for journey in here.journeys(purpose)],
        asked=here.is_asked(purpose),
    )


def choice(here: Screen, purpose: Purpose, *, lives_for: timedelta | None) -> Choice:
    """One answer, with the notice exactly as this page words it. `lives_for` None: the row's default."""
    this_visit = purpose.per_visit and lives_for in (None, purpose.default_life)
    country, safeguard = abroad.columns(here.journeys(purpose))
    whose = here.whose(purpose)
    facts: dict[str, Any] = {
        "capacity": whose.capacity,
        "guardianship_id": whose.guardianship_id,
        "visit_id": visit_of(here, purpose) if this_visit else None,
        "not_after": visit_words.ends(here.asked_by, purpose),
        "values_mac": values_mac(here, purpose),
        "proofing_at": here.proofed_at,
        "xb_country": country,
        "xb_safeguard": safeguard,
        **dict(whose.more),
    }
    return Choice(
        key=Key(whose.subject_id, here.recipient.id, HOLDER, purpose.code),
        client_id=here.client.id,
        actor_id=here.signed_in.subject_id,
        notice=notice(here, purpose),
        scopes=here.scopes(purpose),
        categories=here.categories(purpose),
        basis=here.basis(purpose),
        explicit=here.is_asked(purpose),
        aal=here.signed_in.aal.value,
        ial=here.ial,
        channel=CHANNEL,
        lives_for=lives_for or purpose.default_life,
        **facts,
    )


def values_mac(here: Screen, purpose: Purpose) -> str | None:
    """What was shown of the person's own values, so that others are asked for again; nothing where none were shown."""
    if not here.reaches(purpose):
        return None
    sealer = PersonSealer(g.ring, g.session)
    whose, shown = here.whose(purpose).subject_id, here.of_whom(purpose)
    return renewing.values_mac(sealer, whose, shown, here.categories(purpose))
