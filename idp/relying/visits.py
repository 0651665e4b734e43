"""PURE: what a token opens of one visit (`th_health_visit`, RFC 9396): a token for one visit reads nothing else.

A scope that carries a visit's tag covers no plain one (`scopes.covers`), so who does not look here refuses it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

TYPE = "th_health_visit"
LETTERS = {"read": "rs", "create": "c", "update": "u"}


def details_of(claims: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """The details of a token or of a live answer that are of our type."""
    found = claims.get("authorization_details")
    listed = found if isinstance(found, list) else []
    return tuple(one for one in listed if isinstance(one, dict) and one.get("type") == TYPE)


def opens(details: Iterable[Mapping[str, Any]], kind: str, letters: str, *, system: str, number: str) -> bool:
    """Whether one of the details is for this visit and lets this kind of record be used by all of these letters."""
    return any(_is_for(one, system, number) and _lets(one, kind, letters) for one in details)


def _is_for(detail: Mapping[str, Any], system: str, number: str) -> bool:
    named = detail.get("encounter")
    return isinstance(named, dict) and (named.get("system"), named.get("value")) == (system, number)


def _lets(detail: Mapping[str, Any], kind: str, letters: str) -> bool:
    kinds, actions = detail.get("datatypes"), detail.get("actions")
    if not isinstance(kinds, list) or not isinstance(actions, list) or kind not in kinds:
        return False
    held = {letter for action in actions if isinstance(action, str) for letter in LETTERS.get(action, "")}
    return bool(letters) and set(letters) <= held
