"""RFC 8693 section 4.1: whose data a token opens and who acts; and the ID token's `proxy_for`, a claim of our own.

With a guardian's grant `sub` of the access token is the ward, as the data holder knows them, and `act` says by whose
hand. The ID token tells who signed in, so its `sub` is the guardian, and `proxy_for` says for whom.
"""

from typing import Any
from uuid import UUID

from idp.oauth.live import GrantFacts
from idp.oauth.pipeline import Context


def subject(context: Context, grant: GrantFacts, sector: str) -> dict[str, Any]:
    """`sub` of an access token, and `act` where somebody acts for another."""
    who = {"sub": context.ring.pairwise(grant.subject_id, sector)}
    if grant.proxy is None:
        return who
    return {"sub": context.ring.pairwise(grant.proxy.patient_id, sector), "act": who}


def proxy_for(context: Context, grant: GrantFacts, sector: str) -> dict[str, Any]:
    """For whom they act: `sub` in the client's sector, `relation` (parent, guardian, curator, helper), `expires`.

    `expires` is in seconds since 1970: when the power ends by itself. Nothing for who acts for themselves.
    """
    if grant.proxy is None:
        return {}
    ward, ends = grant.proxy.patient_id, int(grant.proxy.ends_at.timestamp())
    told = {"sub": context.ring.pairwise(ward, sector), "relation": grant.proxy.kind, "expires": ends}
    return {"proxy_for": told}


def about(subject_id: UUID, *others: Any) -> UUID:
    """Whose data a grant opens: the first of a visit, an emergency or a guardianship, else who granted it."""
    return next((other.patient_id for other in others if other is not None), subject_id)
