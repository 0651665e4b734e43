"""RFC 8693 section 4.1: whose data a token opens and who acts; and the ID token's `proxy_for`, a claim of our own.

With a guardian's grant `sub` of the access token is the ward, as the data holder knows them, and `act` says by whose
hand. The ID token tells who signed in, so its `sub` is the guardian, and `proxy_for` says for whom.
"""

from typing import Any
from uuid import UUID

from idp.oauth.live import GrantFacts
from idp.oauth.pipeline import Context

BIRTHDAYS = frozenset({"of_age", "own_say"})


def subject(context: Context, grant: GrantFacts, sector: str) -> dict[str, Any]:
    """`sub` of an access token, and `act` where somebody acts for another."""
    who = {"sub": context.ring.pairwise(grant.subject_id, sector)}
    if grant.proxy is None:
        return who
    return {"sub": context.ring.pairwise(grant.proxy.patient_id, sector), "act": who}


def proxy_for(context: Context, grant: GrantFacts, sector: str) -> dict[str, Any]:
    """For whom they act: `sub` in the client's sector, `relation` (parent, guardian, curator, helper), `expires`.

    `expires` is in seconds since 1970: when the power ends by itself. An end that is a birthday is not told: the date
    of birth is the ward's, and no part of this request (PDPA s.22). Nothing for who acts for themselves.
    """
    if grant.proxy is None:
        return {}
    ward, link = grant.proxy.patient_id, grant.proxy.link
    told: dict[str, Any] = {"sub": context.ring.pairwise(ward, sector), "relation": link.kind}
    if link.ends_by not in BIRTHDAYS:
        told["expires"] = int(link.ends_at.timestamp())
    return {"proxy_for": told}


def about(subject_id: UUID, *others: Any) -> UUID:
    """Whose data a grant opens: the first of a visit, an emergency or a guardianship, else who granted it."""
    return next((other.patient_id for other in others if other is not None), subject_id)
