"""What is written when a token is refused because its grant has ended: about whom, and over which consents.

The refusal is the last word of a consent's line of time, so it names the person and the records that the token rested
on (DECISIONS 20). A token that cannot be traced to a grant is refused by the caller's own entry.
"""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select

from consent import purposes
from consent.audit import log
from idp.oauth.grants import GrantConsent
from idp.oauth.live import GrantFacts, find_grant
from idp.oauth.pipeline import Context

REVOKED = "token_revoked"
_RECORDS = select(GrantConsent.purpose, GrantConsent.record_id).where(GrantConsent.grant_id == bindparam("grant"))


def of_token(
    context: Context, claims: Mapping[str, Any], *, event: str, asker: str, takes: Callable[[str], bool]
) -> bool:
    """Write the refusal of an access token that we signed; False when it rests on no grant or is nothing to `takes`."""
    try:
        grant = find_grant(context, UUID(str(claims.get("grant_id"))))
    except ValueError:
        return False
    if grant is None:
        return False
    named, scopes = set(claims["purposes"]), set(str(claims["scope"]).split())
    wanted = {
        code: tuple(one for one in of if one in scopes and takes(one))
        for code, of in grant.scopes.items()
        if code in named
    }
    return of_grant(context, grant, {code: of for code, of in wanted.items() if of}, event=event, asker=asker)


def of_grant(
    context: Context, grant: GrantFacts, wanted: Mapping[str, tuple[str, ...]], *, event: str, asker: str
) -> bool:
    """One entry for each purpose of `wanted`; False when there was none to write.

    A grant that ended over one of its consents was refused for that reason there alone: the others still stand, and
    their line says that the grant has ended.
    """
    rests = context.session.execute(_RECORDS, {"grant": grant.id}).all()
    records = {row.purpose: row.record_id for row in rests}
    over = {row.purpose for row in rests if grant.ended_over in (None, row.record_id)}
    for code, scopes in wanted.items():
        log.append(
            context.session,
            event,
            now=context.now,
            actor=log.Actor.client(asker),
            subject_id=grant.data_subject_id,
            client_id=asker,
            recipient_id=grant.recipient_id,
            purpose=code,
            basis=purposes.get(code).basis,
            consent_id=records.get(code),
            codes=scopes,
            acr=grant.aal.acr,
            outcome="denied",
            reason=(grant.end_reason if code in over else None) or grant.stopped_at(context.now) or REVOKED,
        )
    return bool(wanted)
