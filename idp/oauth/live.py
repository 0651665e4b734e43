"""What is true at this moment: a grant with its person and client, and the decision on its purposes (DECISIONS 11).

Asked at every issue, refresh, introspection and UserInfo; never remembered.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, select

from consent import access
from consent.decision import Verdict
from idp import directory
from idp.assurance import Aal, Ial, amr_of
from idp.oauth.clients import Client
from idp.oauth.grants import Grant
from idp.oauth.pipeline import Context
from idp.subjects import Subject


@dataclass(frozen=True)
class GrantFacts:
    """A grant with the state of its person and client at this moment: one read."""

    id: UUID
    subject_id: UUID
    client_id: str
    recipient_id: UUID
    scopes: Mapping[str, tuple[str, ...]]
    resource: tuple[str, ...]
    offline_access: bool
    aal: Aal
    factors: frozenset[str]
    auth_time: datetime
    session_expires_at: datetime | None
    ended_at: datetime | None
    subject_status: str
    ial: Ial
    client_status: str

    def stopped_at(self, now: datetime) -> str | None:
        """Why nothing works on this grant any more, or None."""
        if self.ended_at is not None:
            return "grant_ended"
        if self.subject_status != "active":
            return "account_closed"
        if self.client_status != "active":
            return "client_suspended"
        if not self.offline_access and self.session_expires_at is not None and now >= self.session_expires_at:
            return "signed_out"
        return None

    @property
    def openid(self) -> bool:
        """Whether this was an OpenID Connect request."""
        return any("openid" in scopes for scopes in self.scopes.values())

    @property
    def amr(self) -> list[str]:
        """How the person proved who they are (RFC 8176)."""
        return amr_of(self.factors)


_GRANT = (
    select(
        Grant.id,
        Grant.subject_id,
        Grant.client_id,
        Grant.recipient_id,
        Grant.scopes,
        Grant.resource,
        Grant.offline_access,
        Grant.aal,
        Grant.factors,
        Grant.auth_time,
        Grant.session_expires_at,
        Grant.ended_at,
        Subject.status.label("subject_status"),
        Subject.ial,
        Subject.ial_expires_at,
        Client.status.label("client_status"),
    )
    .join(Subject, Subject.id == Grant.subject_id)
    .join(Client, Client.id == Grant.client_id)
    .where(Grant.id == bindparam("grant"))
)


def find_grant(context: Context, grant_id: UUID) -> GrantFacts | None:
    """The grant as it is now, running or not."""
    row = context.session.execute(_GRANT, {"grant": grant_id}).mappings().one_or_none()
    if row is None:
        return None
    facts = dict(row)
    lapsed = facts.pop("ial_expires_at")
    ial = Ial.IAL1_1 if lapsed is not None and lapsed <= context.now else Ial(facts["ial"])
    return GrantFacts(
        **{
            **facts,
            "scopes": {code: tuple(of) for code, of in json.loads(facts["scopes"]).items()},
            "resource": tuple(json.loads(facts["resource"])),
            "aal": Aal(facts["aal"]),
            "factors": frozenset(facts["factors"].split()),
            "ial": ial,
        }
    )


def decide(
    context: Context,
    grant: GrantFacts,
    wanted: Mapping[str, tuple[str, ...]],
    *,
    event: str,
    asker: str,
    levels: bool,
    write: bool = True,
) -> dict[str, tuple[str, ...]]:
    """Ask the live decision and log it; what of `wanted` stands at this moment.

    `levels` asks the sign-in's level again (issuing); a token that is already made carries its own. When a part is
    refused, that refusal is logged, and what is left is asked (and logged, and counted) on its own.
    """
    verdicts = _ask(context, grant, wanted, event=event, asker=asker, levels=levels, write=write)
    stands = {code: of for code, of in wanted.items() if verdicts[code].permit}
    if write and stands and len(stands) < len(wanted):
        verdicts = _ask(context, grant, stands, event=event, asker=asker, levels=levels, write=True)
        stands = {code: of for code, of in stands.items() if verdicts[code].permit}
    return stands


def _ask(
    context: Context,
    grant: GrantFacts,
    wanted: Mapping[str, tuple[str, ...]],
    *,
    event: str,
    asker: str,
    levels: bool,
    write: bool,
) -> dict[str, Verdict]:
    return access.request_access(
        context.session,
        subject_id=grant.subject_id,
        recipient=directory.recipient_of(context.session, grant.recipient_id, now=context.now),
        purposes=list(wanted),
        client_id=asker,
        aal=grant.aal.value if levels else None,
        ial=grant.ial.value if levels else None,
        event=event,
        scopes=wanted,
        acr=grant.aal.acr,
        write=write,
        now=context.now,
    ).verdicts
