"""What an authorization request asks of a person, what of it stands, and the grant that ends it.

The needs are measured from the moment the request began (`since`), so a fresh sign-in or answer is never asked twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from sqlalchemy import bindparam, select

from consent import purposes, scopes, standings
from consent.audit import log
from consent.db import table_of
from consent.decision import Question, Reason, Standing, Verdict, decide
from consent.models import ConsentRecord
from consent.purposes import Kind
from idp import directory, subjects
from idp.assurance import Aal, Ial, aal_from_acr
from idp.login.sessions import CITIZEN
from idp.oauth import clients, grants
from idp.oauth.clients import ClientFacts
from idp.oauth.features import authorization_code
from idp.oauth.pipeline import AuthorizeRequest, Context
from idp.prompts import Facts, Requirement
from idp.subjects import Subject

FRESH_SIGN_IN = frozenset({"login", "select_account"})


class Person(grants.SignInFacts, Protocol):
    """Who is signed in, as a value of the login room."""

    @property
    def subject_id(self) -> UUID: ...  # noqa: D102
    @property
    def kind(self) -> str: ...  # noqa: D102


@dataclass(frozen=True)
class Asked:
    """One purpose of a request: its scopes, where it stands, and the verdict with levels left out."""

    code: str
    scopes: tuple[str, ...]
    standing: Standing | None
    verdict: Verdict
    held: tuple[str, ...]  # scopes of the record that stands
    again: bool  # an answer from before this request is not enough

    @property
    def covered(self) -> tuple[str, ...]:
        """The scopes that the standing record reaches; a purpose without a record is not limited by one."""
        if self.verdict.record_id is None:
            return self.scopes
        name = scopes.NAME_PREFIX + self.code
        return tuple(s for s in self.scopes if name in self.held or any(scopes.covers(one, s) for one in self.held))

    def waits(self, *, since: datetime) -> bool:
        """Whether an answer is missing: none yet, one for less than is asked now, or one that must be given again."""
        if self.again and self.verdict.reason in RE_ASKED:
            return self.standing is None or self.standing.moved_at < since
        return self.verdict.asks or (self.verdict.permit and set(self.covered) != set(self.scopes))


RE_ASKED = frozenset(
    {
        *(Reason.permitted, Reason.basis_recorded, Reason.no_record, Reason.refused),
        *(Reason.withdrawn, Reason.expired, Reason.uses_spent),
    }
)
_R, _S = table_of(ConsentRecord).c, table_of(Subject).c
_SCOPES = select(_R.id, _R.scopes).where(_R.id.in_(bindparam("records", expanding=True)))
_SUBJECT = select(_S.status, _S.ial, _S.ial_expires_at).where(_S.id == bindparam("subject"))


def requirement(
    context: Context,
    request: AuthorizeRequest,
    person: Person | None,
    *,
    since: datetime,
    found: list[Asked] | None = None,
) -> Requirement:
    """Levels of the purposes that can still be granted, acr_values, prompt and max_age (OIDC Core 3.1.2.1).

    A purpose that was refused and is not asked again raises no level. `found` is what `looked_up` gave a moment ago.
    """
    wanted = list(request.resolution.purposes)
    if person is not None:
        found = found or looked_up(context, request, person)
        wanted = [one.code for one in found if one.verdict.permit or one.waits(since=since)]
    rows = [purposes.get(code) for code in wanted]
    asked_aal, asked_ial = _asked_levels(context, request)
    floors = [Aal(row.citizen_aal) for row in rows if row.citizen_aal]
    fresh = since if request.prompt & FRESH_SIGN_IN else None
    if request.max_age is not None:
        fresh = max(filter(None, (fresh, _earlier(since, request.max_age))))
    return Requirement(
        aal=max([*floors, asked_aal], key=_rank),
        ial=max([*(Ial(row.citizen_ial) for row in rows if row.citizen_ial), asked_ial], key=_rank),
        purposes=tuple(request.resolution.purposes),
        login_after=fresh,
        prompt_consent="consent" in request.prompt,
    )


def _asked_levels(context: Context, request: AuthorizeRequest) -> tuple[Aal, Ial]:
    """What the client is registered for, and what this request asks: of each list, the weakest that is known."""
    aal, ial = _client(context, request).floors
    lists = (request.acr_values, request.acr_essential)
    known = [[level for level in map(aal_from_acr, values) if level is not None] for values in lists]
    least = [min(levels, key=_rank) for levels in known if levels]
    return max([aal, *least], key=_rank), max([ial, Ial(request.ial or ial.value)], key=_rank)


def unmet(request: AuthorizeRequest, level: Facts) -> bool:
    """PURE: whether a level that is essential is out of this person's reach (Unmet Authentication Requirements 1.0)."""
    least = [aal for aal in map(aal_from_acr, request.acr_essential) if aal is not None]
    weak = bool(least) and (level.aal is None or level.aal < min(least, key=_rank))
    return weak or (request.ial is not None and (level.ial is None or level.ial < Ial(request.ial)))


def given_up(context: Context, request: AuthorizeRequest, person: Person | None) -> str:
    """The error of a request that somebody turns back from (RFC 6749 section 4.1.2.1)."""
    here = request.launch is None and unmet(request, facts(context, None, person, since=context.now))
    return "unmet_authentication_requirements" if here else "access_denied"


def facts(
    context: Context,
    request: AuthorizeRequest | None,
    person: Person | None,
    *,
    since: datetime,
    found: list[Asked] | None = None,
) -> Facts:
    """Who is signed in, how, and which purposes wait for an answer. A closed account is nobody; so is staff at work."""
    if person is None or person.kind != CITIZEN:
        return Facts()
    account = context.session.execute(_SUBJECT, {"subject": person.subject_id}).one_or_none()
    if account is None or account.status != "active":
        return Facts()
    missing: tuple[str, ...] = ()
    wrong = False
    if request is not None:
        found = found or looked_up(context, request, person)
        missing = tuple(one.code for one in found if one.waits(since=since))
        silent = "none" in request.prompt
        wrong = is_wrong_person(context, request, person) and (silent or person.auth_time < since)
    return Facts(
        aal=person.aal,
        ial=subjects.level(account.ial, account.ial_expires_at, context.now),
        auth_time=person.auth_time,
        missing=missing,
        wrong_person=wrong,
    )


def is_wrong_person(context: Context, request: AuthorizeRequest, person: Person) -> bool:
    """Whether id_token_hint names somebody else (OIDC Core 3.1.2.1)."""
    client = clients.find(context.session, request.client_id)
    if request.hint_subject is None or client is None:
        return False
    return context.ring.pairwise(person.subject_id, client.sector) != request.hint_subject


def looked_up(context: Context, request: AuthorizeRequest, person: Person) -> list[Asked]:
    """Every purpose of the request with where it stands for this person now; levels are not part of the verdict."""
    client = _client(context, request)
    recipient = directory.recipient_of(context.session, client.legal_entity_id, now=context.now)
    codes_asked = list(request.resolution.purposes)
    found = standings.standings(
        context.session, subject_id=person.subject_id, recipient_id=recipient.id, purposes=codes_asked
    )
    ids = [standing.record_id for standing in found.values() if standing.record_id is not None]
    held = {row.id: tuple(row.scopes.split()) for row in context.session.execute(_SCOPES, {"records": ids})}
    verdicts = {
        code: decide(Question(purposes.get(code), recipient, None, None, context.now), found.get(code))
        for code in codes_asked
    }
    again = set(codes_asked) if "consent" in request.prompt else _confirmed(request, client, verdicts)
    return [
        Asked(
            code,
            of,
            standing := found.get(code),
            verdicts[code],
            held.get(standing.record_id, ()) if standing and standing.record_id else (),
            again=code in again,
        )
        for code, of in request.resolution.purposes.items()
    ]


def _confirmed(request: AuthorizeRequest, client: ClientFacts, verdicts: Mapping[str, Verdict]) -> set[str]:
    """What a person confirms each time before a client that any app on the device could pose as gets a code.

    A public client is known by its https redirect alone (RFC 8252 section 8.6). One tap is enough: what is told is told
    again; consents are asked again only where nothing is told.
    """
    if not client.public or request.redirect_uri.startswith("https://"):
        return set()
    told = {code for code, verdict in verdicts.items() if verdict.reason is Reason.basis_recorded}
    return told or {code for code, verdict in verdicts.items() if verdict.permit}


def grant(
    context: Context, request: AuthorizeRequest, person: Person, *, found: list[Asked] | None = None
) -> tuple[str | None, str]:
    """Begin the grant on what stands at this person's level and issue its code: (code, "granted").

    Nothing left to grant: (None, reason), with nothing written.
    """
    client, level = _client(context, request), facts(context, None, person, since=context.now)
    asked = found or looked_up(context, request, person)
    reached = {one.code: one for one in asked if one.verdict.permit and one.covered and _reaches(one.code, level)}
    if not reached:
        return None, next((one.verdict.reason.value for one in asked if not one.verdict.permit), "level")
    offline = request.resolution.offline_access and client.check_grant_type("refresh_token")
    code = authorization_code.issue(
        context,
        request,
        client=client,
        subject_id=person.subject_id,
        scopes={code: one.covered for code, one in reached.items()},
        records={code: one.verdict.record_id for code, one in reached.items() if one.verdict.record_id is not None},
        signed_in=person,
        offline_access=offline and any(purposes.get(code).refresh for code in reached),
    )
    _note(context, client, person, reached)
    return code, "granted"


def _note(context: Context, client: ClientFacts, person: Person, reached: Mapping[str, Asked]) -> None:
    log.append(
        context.session,
        "authz.granted",
        now=context.now,
        actor=log.Actor.citizen(person.subject_id),
        subject_id=person.subject_id,
        client_id=client.id,
        recipient_id=client.legal_entity_id,
        codes=list(reached),
        acr=person.aal.acr,
    )


def _client(context: Context, request: AuthorizeRequest) -> ClientFacts:
    client = clients.find(context.session, request.client_id)
    if client is None:
        raise LookupError("the client of a paused request is gone")
    return client


def _reaches(code: str, level: Facts) -> bool:
    purpose = purposes.get(code)
    if purpose.kind in (Kind.STAFF, Kind.SYSTEM, Kind.PUBLIC) or level.aal is None or level.ial is None:
        return False
    return purposes.reaches(level.aal.value, purpose.citizen_aal) and purposes.reaches(
        level.ial.value, purpose.citizen_ial
    )


def _rank(level: Aal | Ial) -> int:
    return level.rank


def _earlier(moment: datetime, seconds: int) -> datetime:
    return moment - timedelta(seconds=min(seconds, 10**9))
