"""What is true at this moment: a grant with its person and client, and the decision on its purposes (DECISIONS 11).

Asked at every issue, refresh, introspection and UserInfo; never remembered.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select

from consent import access
from consent.audit import log
from consent.db import table_of
from consent.decision import Verdict
from idp import directory, visits
from idp.assurance import Aal, Ial, amr_of
from idp.oauth.clients import Client
from idp.oauth.grants import Grant
from idp.oauth.pipeline import Context
from idp.subjects import Subject
from idp.visits import Treatment

# Why a grant ended, as far as its client hears of it: by our signed event, or because it did it itself.
TOLD_TO_CLIENTS = frozenset(
    {"withdrawn", "narrowed", "revoked_by_client", "code_replayed", "refresh_replayed", "visit_over"}
)


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
    acr: str
    factors: frozenset[str]
    auth_time: datetime
    session_expires_at: datetime | None
    ended_at: datetime | None
    end_reason: str | None
    subject_status: str
    ial: Ial
    ial_method: str
    ial_at: datetime
    ial_expires_at: datetime | None
    client_status: str
    treatment: Treatment | None = None  # a clinician's grant: the visit it hangs on, and their part in it

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
        return None if self.treatment is None else self.treatment.stopped_at(now)

    @property
    def data_subject_id(self) -> UUID:
        """Whose data it opens: the person who granted it, or the patient whom the clinician treats."""
        return self.subject_id if self.treatment is None else self.treatment.patient_id

    @property
    def ending(self) -> str:
        """That it has ended, for its own client: with the reason where the client is told of it anyway."""
        known = self.end_reason if self.end_reason in TOLD_TO_CLIENTS else None
        return f"the grant has ended: {known}" if known else "the grant has ended"

    @property
    def openid(self) -> bool:
        """Whether this was an OpenID Connect request."""
        return any("openid" in scopes for scopes in self.scopes.values())

    @property
    def proofing(self) -> dict[str, Any]:
        """How well the person is known: claims of our own (`ial_at`, `ial_expires` in seconds since 1970)."""
        claims = {"ial": self.ial.value, "ial_at": int(self.ial_at.timestamp()), "ial_method": self.ial_method}
        if self.ial_expires_at is not None:
            claims["ial_expires"] = int(self.ial_expires_at.timestamp())
        return claims

    @property
    def amr(self) -> list[str]:
        """How the person proved who they are (RFC 8176)."""
        return amr_of(self.factors)


# Core columns: an ORM statement of columns alone costs twice as much and gives the same rows.
_SUBJECT, _CLIENT = table_of(Subject), table_of(Client)
_G, _S, _C = table_of(Grant).c, _SUBJECT.c, _CLIENT.c
_GRANT = (
    select(
        _G.id,
        _G.subject_id,
        _G.client_id,
        _G.recipient_id,
        _G.scopes,
        _G.resource,
        _G.offline_access,
        _G.aal,
        _G.acr,
        _G.factors,
        _G.auth_time,
        _G.session_expires_at,
        _G.ended_at,
        _G.end_reason,
        _G.visit_id,
        _S.status.label("subject_status"),
        _S.ial,
        _S.ial_method,
        _S.ial_at,
        _S.ial_expires_at,
        _C.status.label("client_status"),
    )
    .join(_SUBJECT, _S.id == _G.subject_id)
    .join(_CLIENT, _C.id == _G.client_id)
    .where(_G.id == bindparam("grant"))
)


def find_grant(context: Context, grant_id: UUID) -> GrantFacts | None:
    """The grant as it is now, running or not; one read more when it hangs on a visit."""
    row = context.session.execute(_GRANT, {"grant": grant_id}).mappings().one_or_none()
    if row is None:
        return None
    facts = dict(row)
    visit_id, clinician = facts.pop("visit_id"), facts["subject_id"]
    treatment = None
    if visit_id is not None:
        treatment = visits.treatment(context.session, visit_id, clinician_id=clinician, now=context.now)
        if treatment is None:  # never fall back to the clinician's own data
            return None
    return GrantFacts(
        **{
            **facts,
            **_known_as(facts, now=context.now),
            "scopes": {code: tuple(of) for code, of in json.loads(facts["scopes"]).items()},
            "resource": tuple(json.loads(facts["resource"])),
            "aal": Aal(facts["aal"]),
            "acr": facts["acr"] or Aal(facts["aal"]).acr,
            "factors": frozenset(facts["factors"].split()),
            "treatment": treatment,
        }
    )


LAPSED = "lapsed"


def _known_as(row: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
    """The account's level as it is now: what ran out is self-asserted again, from the moment it ran out."""
    until = row["ial_expires_at"]
    if until is None or until > now:
        return {"ial": Ial(row["ial"])}
    return {"ial": Ial.IAL1_1, "ial_method": LAPSED, "ial_at": until, "ial_expires_at": None}


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
    if grant.treatment is not None:
        return _decide_treatment(context, grant, grant.treatment, wanted, event=event, asker=asker, write=write)
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


SIGN_IN = "SIGNIN"  # says who, not what: of a clinician, it is no access to anybody's data


def _decide_treatment(
    context: Context,
    grant: GrantFacts,
    treatment: Treatment,
    wanted: Mapping[str, tuple[str, ...]],
    *,
    event: str,
    asker: str,
    write: bool,
) -> dict[str, tuple[str, ...]]:
    """The same about the patient: the notice must stand, and the clinician reach the staff levels of the row (rule 4).

    The entry is about the patient and names facility and role. Without care nothing is left, not even the sign-in.
    """
    care = {code: of for code, of in wanted.items() if code != SIGN_IN}
    marks = (f"hcode:{treatment.hcode}", "role:practitioner")
    actor = log.Actor.staff(grant.subject_id) if asker == grant.client_id else None
    if not all(visits.may_treat(code, grant.aal, grant.ial) for code in care):
        return {}
    verdicts = access.request_access(
        context.session,
        subject_id=treatment.patient_id,
        recipient=directory.recipient_of(context.session, treatment.recipient_id, now=context.now),
        purposes=list(care),
        client_id=asker,
        aal=None,  # the card at the counter stands for the patient's sign-in
        ial=treatment.ial,
        event=event,
        scopes={code: (*of, *marks) for code, of in care.items()},
        acr=grant.aal.acr,
        write=write,
        now=context.now,
        actor=actor,
    ).verdicts
    stands = {code: of for code, of in care.items() if code in verdicts and verdicts[code].permit}
    return {code: of for code, of in wanted.items() if code in stands or (code == SIGN_IN and stands)}
