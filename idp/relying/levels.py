"""PURE: how strongly, and how long ago, somebody signed in; and what to ask for when that is not enough (RFC 9470)."""

from collections.abc import Mapping
from typing import Any

LEEWAY_S = 10.0
# The issuer's values in the order of their strength (its `acr_values_supported`): a stronger one is enough.
ORDER = ("urn:yinyom:aal:1", "urn:yinyom:aal:2.1", "urn:yinyom:aal:2.2", "urn:yinyom:aal:3")


def reaches(acr: object, wanted: str) -> bool:
    """Whether this `acr` is enough. A value that is not in the list satisfies itself alone."""
    if acr == wanted:
        return True
    return acr in ORDER and wanted in ORDER and ORDER.index(str(acr)) >= ORDER.index(wanted)


def fault(claims: Mapping[str, Any], *, acr: str | None, max_age_s: int | None, now: float) -> str | None:
    """What is wrong with the sign-in behind these claims, as a sentence, or None (RFC 9470 sections 3 and 6).

    A token without `acr` or `auth_time` was made in no sign-in that could be measured.
    """
    if acr is not None and not reaches(claims.get("acr"), acr):
        return "a stronger sign-in is needed"
    if max_age_s is None:
        return None
    signed_in = claims.get("auth_time")
    if isinstance(signed_in, bool) or not isinstance(signed_in, int | float):
        return "a newer sign-in is needed"
    return None if now <= signed_in + max_age_s + LEEWAY_S else "a newer sign-in is needed"
