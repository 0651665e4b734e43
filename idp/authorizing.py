"""What an authorization request asks of a person, what of it stands, and the grant that ends it.

The needs are measured from the moment the request began (`since`), so a fresh sign-in or answer is never asked twice.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import bindparam, select

from consent import purposes
from consent.audit import log
from consent.db import table_of
from consent.family import links
from consent.purposes import Kind
from idp import answered, directory, on_behalf, proxies, subjects
from idp.asking import Asked, waiting
from idp.assurance import Aal, Ial, aal_from_acr
from idp.login.sessions import CITIZEN
from idp.oauth import clients, grants, management
from idp.oauth.clients import ClientFacts
from idp.oauth.features import authorization_code
from idp.oauth.live import SIGN_IN
from idp.oauth.pipeline import AuthorizeRequest, Context
from idp.prompts import Facts, Requirement
from idp.proxies import Proxy
from idp.subjects import Subject

FRESH_SIGN_IN = frozenset({"login", "select_account"})


class Person(grants.SignInFacts, Protocol):
    """Who is signed in, as a value of the login room."""

    @property
    def subject_id(self) -> UUID: ...  # noqa: D102
    @property
    def kind(self) -> str: ...  # noqa: D102


_S = table_of(Subject).c
_SUBJECT = select(_S.status, _S.ial, _S.ial_expires_at).where(_S.id == bindparam("subject"))


def requirement(
    context: Context,
    request: AuthorizeRequest,
    person: Person | None,
    *,
    since: datetime,
    found: list[Asked] | None = None,
    acting: Proxy | None = None,
) -> Requirement:
    """Levels of the purposes that can still be granted, acr_values, prompt and max_age (OIDC Core 3.1.2.1).

    A purpose that was refused and is not asked again raises no level. `found` is what `looked_up` gave a moment ago.
    Whoever acts for another, or is asked for whom, needs the levels for that, whatever is asked.
    """
    wanted = list(request.resolution.purposes)
    if person is not None:
        found = found or looked_up(context, request, person, acting=acting)
        open_still = waiting(found, since=since, silent="none" in request.prompt)
        wanted = [one.code for one in found if one.verdict.permit or one in open_still]
    rows = [purposes.get(code) for code in wanted]
    asked_aal, asked_ial = _asked_levels(context, request)
    choosing = request.for_whom and may_act(context, person)
    least_aal, least_ial = proxies.floors() if acting or choosing else (Aal.AAL1, Ial.IAL1_1)
    floors = [least_aal, *(Aal(row.citizen_aal) for row in rows if row.citizen_aal)]
    fresh = since if request.prompt & FRESH_SIGN_IN else None
    if request.max_age is not None:
        fresh = max(filter(None, (fresh, _earlier(since, request.max_age))))
    return Requirement(
        aal=max([*floors, asked_aal], key=_rank),
        ial=max([least_ial, *(Ial(row.citizen_ial) for row in rows if row.citizen_ial), asked_ial], key=_rank),
        purposes=tuple(request.resolution.purposes),
        login_after=fresh,
        prompt_consent="consent" in request.prompt,
        for_whom=choosing,
    )


def may_act(context: Context, person: Person | None) -> bool:
    """Whether this person may act for anybody now."""
    return person is not None and bool(links.of_guardian(context.session, person.subject_id, now=context.now))


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
    acting: Proxy | None = None,
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
        found = found or looked_up(context, request, person, acting=acting)
        silent = "none" in request.prompt
        missing = tuple(one.code for one in waiting(found, since=since, silent=silent))
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


def looked_up(
    context: Context, request: AuthorizeRequest, person: Person, *, acting: Proxy | None = None
) -> list[Asked]:
    """Every purpose of the request with where it stands for this person now; levels are not part of the verdict.

    With `acting` for the ward: all but the sign-in, which stays the guardian's own, and what no ward's token opens.
    """
    client = _client(context, request)
    recipient = directory.recipient_of(context.session, client.legal_entity_id, now=context.now)
    asked = request.resolution.purposes
    who: dict[str, Any] = {"client": client, "recipient": recipient}
    own = asked if acting is None else {code: of for code, of in asked.items() if code == SIGN_IN}
    found = answered.about(context, request, **who, subject_id=person.subject_id, asked=own)
    if acting is not None:
        wards = on_behalf.of_ward(asked)
        found += answered.about(context, request, **who, subject_id=acting.patient_id, asked=wards)
    return on_behalf.settle(
        *(context.session, context.ring, found),
        person_id=person.subject_id,
        recipient=recipient,
        acting=acting,
        now=context.now,
    )


def grant(
    context: Context,
    request: AuthorizeRequest,
    person: Person,
    *,
    found: list[Asked] | None = None,
    acting: Proxy | None = None,
) -> tuple[str | None, str]:
    """Begin the grant on what stands at this person's level and issue its code: (code, "granted").

    Nothing left to grant: (None, reason), with nothing written.
    """
    client, level = _client(context, request), facts(context, None, person, since=context.now)
    asked = found or looked_up(context, request, person, acting=acting)
    stands = [one for one in asked if one.verdict.permit and one.covered]
    reached = {one.code: one for one in stands if _reaches(one.code, level, acting)}
    others = acting is not None and request.grant_id is not None  # no ward's data in a grant of one's own
    if others or not management.may_amend(context.session, request, person.subject_id):
        return None, management.UNKNOWN
    if not reached or (acting is not None and reached.keys() <= {SIGN_IN}):
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
        proxy=acting,
    )
    _note(context, client, person, reached, acting)
    return code, "granted"


def refused_as(reason: str) -> str:
    """PURE: the error that a client is told when nothing was granted for this reason."""
    return reason if reason == management.UNKNOWN else "access_denied"


def _note(
    context: Context, client: ClientFacts, person: Person, reached: Mapping[str, Asked], acting: Proxy | None
) -> None:
    mark = [] if acting is None else [f"proxy:{acting.kind}"]
    log.append(
        context.session,
        "authz.granted",
        now=context.now,
        actor=log.Actor.citizen(person.subject_id),
        subject_id=person.subject_id if acting is None else acting.patient_id,
        client_id=client.id,
        recipient_id=client.legal_entity_id,
        codes=[*reached, *mark],
        acr=person.aal.acr,
    )


def _client(context: Context, request: AuthorizeRequest) -> ClientFacts:
    client = clients.find(context.session, request.client_id)
    if client is None:
        raise LookupError("the client of a paused request is gone")
    return client


def _reaches(code: str, level: Facts, acting: Proxy | None) -> bool:
    """Whether the sign-in reaches the row; a ward must be known as surely as who acts for them, and both well."""
    purpose = purposes.get(code)
    if purpose.kind in (Kind.STAFF, Kind.SYSTEM, Kind.PUBLIC) or level.aal is None or level.ial is None:
        return False
    ial = level.ial
    if acting is not None and code != SIGN_IN:
        aal, least = proxies.floors()
        if level.aal < aal or level.ial < least:
            return False
        ial = proxies.weaker(ial, acting.ial)
    return purposes.reaches(level.aal.value, purpose.citizen_aal) and purposes.reaches(ial.value, purpose.citizen_ial)


def _rank(level: Aal | Ial) -> int:
    return level.rank


def _earlier(moment: datetime, seconds: int) -> datetime:
    return moment - timedelta(seconds=min(seconds, 10**9))
