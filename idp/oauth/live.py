"""What is true at this moment: a grant with its person and client, and in whose place they act (DECISIONS 11).

Asked at every issue, refresh, introspection and UserInfo; never remembered.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select

from consent.db import table_of
from idp import emergency_access, proxies, visits
from idp.assurance import Aal, Ial, amr_of
from idp.oauth import details, slots
from idp.oauth.clients import Client
from idp.oauth.grants import Grant
from idp.oauth.pipeline import Context
from idp.oauth.visit_detail import Detail
from idp.proxies import Proxy
from idp.subjects import Subject
from idp.treatments import Treatment

# Why a grant ended, as far as its client hears of it: by our signed event, or because it did it itself.
TOLD_TO_CLIENTS = frozenset(
    {"withdrawn", "narrowed", "revoked_by_client", "code_replayed", "refresh_replayed", "visit_over", "emergency_over"}
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
    status_list: int | None = None
    status_idx: int | None = None
    managed: bool | None = None
    ended_over: UUID | None = None
    suspended_at: datetime | None = None
    details: tuple[Detail, ...] = ()  # RFC 9396: what of it is for one visit only
    treatment: Treatment | None = None  # a clinician's grant: the visit it hangs on, and their part in it
    proxy: Proxy | None = None  # the grant of somebody who acts for another

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
        if self.proxy is not None:
            return self.proxy.stopped_at(now)
        return None if self.treatment is None else self.treatment.stopped_at(now)

    @property
    def data_subject_id(self) -> UUID:
        """Whose data it opens: the person's who granted it, the ward's, or the patient's whom the clinician treats."""
        other = self.proxy or self.treatment
        return self.subject_id if other is None else other.patient_id

    @property
    def opens_own(self) -> bool:
        """Whether UserInfo, which tells of who signed in, may be opened by its tokens (OIDC Core 5.3.2)."""
        return self.openid and self.treatment is None and self.proxy is None

    @property
    def place(self) -> slots.Place | None:
        """Its place in the status lists."""
        if self.status_list is None or self.status_idx is None:
            return None
        return self.status_list, self.status_idx

    @property
    def told_id(self) -> str | None:
        """Its id for a client that manages it (Grant Management 5.5)."""
        return str(self.id) if self.managed else None

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
        _G.ended_over,
        _G.suspended_at,
        _G.visit_id,
        _G.emergency_id,
        _G.guardianship_id,
        _G.status_list,
        _G.status_idx,
        _G.managed,
        _G.details,
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
    """The grant as it is now, running or not; one read more when it hangs on a visit or an emergency."""
    row = context.session.execute(_GRANT, {"grant": grant_id}).mappings().one_or_none()
    if row is None:
        return None
    facts = dict(row)
    visit_id, emergency_id, guardianship_id = (facts.pop(f"{one}_id") for one in ("visit", "emergency", "guardianship"))
    treatment = find_treatment(context, visit_id, emergency_id, clinician_id=facts["subject_id"])
    if treatment is None and (visit_id or emergency_id) is not None:  # never fall back to the clinician's own data
        return None
    proxy = None
    if guardianship_id is not None:
        proxy = proxies.find(context.session, guardianship_id, guardian_id=facts["subject_id"], now=context.now)
        if proxy is None:  # nor to the guardian's own
            return None
    held = details.unsealed(context.ring, grant_id, facts["details"])
    scopes = {code: tuple(of) for code, of in json.loads(facts["scopes"]).items()}
    return GrantFacts(
        **{
            **facts,
            **_known_as(facts, now=context.now),
            "scopes": details.standing(context, grant_id, scopes, held) if held else scopes,
            "details": held,
            "resource": tuple(json.loads(facts["resource"])),
            "aal": Aal(facts["aal"]),
            "acr": facts["acr"] or Aal(facts["aal"]).acr,
            "factors": frozenset(facts["factors"].split()),
            "treatment": treatment,
            "proxy": proxy,
        }
    )


def find_treatment(
    context: Context, visit_id: UUID | None, emergency_id: UUID | None, *, clinician_id: UUID
) -> Treatment | None:
    """What a clinician's launch or grant hangs on, as it is now; None for neither, and for what is not theirs."""
    session, now = context.session, context.now
    if visit_id is not None:
        return visits.treatment(session, visit_id, clinician_id=clinician_id, now=now)
    if emergency_id is not None:
        return emergency_access.treatment(session, emergency_id, clinician_id=clinician_id, now=now)
    return None


LAPSED = "lapsed"
SIGN_IN = "SIGNIN"  # says who, not what: of a clinician, it is no access to anybody's data


def _known_as(row: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
    """The account's level as it is now: what ran out is self-asserted again, from the moment it ran out."""
    until = row["ial_expires_at"]
    if until is None or until > now:
        return {"ial": Ial(row["ial"])}
    return {"ial": Ial.IAL1_1, "ial_method": LAPSED, "ial_at": until, "ial_expires_at": None}
