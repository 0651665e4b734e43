"""PURE: `th_health_visit`, the one type of authorization details: a purpose narrowed to one visit (RFC 9396).

    {"type": "th_health_visit", "purpose": "EHR-SHARE", "actions": ["read"], "datatypes": ["AllergyIntolerance"],
     "encounter": {"system": "https://terms.sil-th.org/hcode/5/99001/VN", "value": "6911-000123"},
     "valid": {"not_after": "2026-12-01T00:00:00+07:00", "max_uses": 3}}

A detail becomes scopes that carry its tag (`patient/AllergyIntolerance.rs?_tag=visit|…`). What is narrower by grammar
is narrower everywhere: a consent for it covers nothing else, and a data holder that knows no details reads nothing.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from consent import scopes as grammar

TYPE = "th_health_visit"
LETTERS = {"read": "rs", "create": "c", "update": "u"}
TAG = "_tag"
SYSTEM = re.compile(r"https://terms\.sil-th\.org/hcode/5/(\d{5})/VN")
VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9./-]{0,39}")
RESOURCE = re.compile(r"[A-Z][A-Za-z]{1,40}")
DEPARTMENT = re.compile(r"[^\x00-\x1f\x7f<>]{1,60}")
MOST, MOST_USES, MOST_LISTED = 8, 100, 20
OF_A_PERSON = re.compile(r"\d{13}|\d[ -]\d{4}[ -]\d{5}[ -]\d{2}[ -]\d")  # as it is read, and as it is printed on a card


class DetailRefused(Exception):  # noqa: N818 -- an answer, not a fault
    """RFC 9396 section 5: not one of ours, or not whole; the text is a fixed sentence."""


@dataclass(frozen=True)
class Detail:
    """One detail that was read, with the tag that its scopes carry."""

    content: Mapping[str, Any]
    tag: str

    @property
    def purpose(self) -> str:
        """The purpose that it narrows."""
        return str(self.content["purpose"])

    @property
    def hcode(self) -> str:
        """The facility of the visit."""
        found = SYSTEM.fullmatch(self.content["encounter"]["system"])
        return found[1] if found else ""

    @property
    def number(self) -> str:
        """The visit's number at that facility."""
        return str(self.content["encounter"]["value"])

    @property
    def locations(self) -> tuple[str, ...]:
        """The data holders that it is for; none named: any."""
        return tuple(self.content.get("locations", ()))

    @property
    def not_after(self) -> datetime | None:
        """When it ends by itself."""
        text = self.content.get("valid", {}).get("not_after")
        return None if text is None else instant(text)

    @property
    def max_uses(self) -> int | None:
        """How often it may be used."""
        found = self.content.get("valid", {}).get("max_uses")
        return None if found is None else int(found)

    def runs_at(self, now: datetime) -> bool:
        """Whether it is in time."""
        return self.not_after is None or now < self.not_after

    def owns(self, scope: str) -> bool:
        """Whether a scope is one of this detail."""
        return tag_of(scope) == self.tag


def parsed(text: str) -> list[Mapping[str, Any]]:
    """The objects of an `authorization_details` parameter, each checked by itself. Raises: DetailRefused."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DetailRefused("authorization_details must be JSON") from error
    if not isinstance(found, list) or not 0 < len(found) <= MOST:
        raise DetailRefused("authorization_details must be an array of one to eight objects")
    return [checked(one) for one in found]


def checked(found: object) -> Mapping[str, Any]:
    """The object, if each of its members is one that we know and of its form (section 5). Raises: DetailRefused."""
    if not isinstance(found, dict) or found.get("type") != TYPE:
        raise DetailRefused(f"the type of a detail must be {TYPE}")
    for name, value in found.items():
        if name not in FORMS or not FORMS[name](value):
            raise DetailRefused(f"{name} is malformed" if name in FORMS else "a detail has an unknown member")
    if not found.keys() >= NEEDED:
        raise DetailRefused("a detail needs purpose, actions, datatypes and encounter")
    hcode = SYSTEM.fullmatch(found["encounter"]["system"])
    asker = found.get("requesting_entity")
    if asker is not None and (hcode is None or asker["hcode"] != hcode[1]):
        raise DetailRefused("the visit is at the facility that asks")
    return found


def canonical(content: Mapping[str, Any]) -> str:
    """One text for one detail, however it was written."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"))


def tag_of(scope: str) -> str | None:
    """The tag that a scope carries."""
    found = grammar.parse(scope)
    values = dict(found.params).get(TAG, frozenset()) if found else frozenset()
    named = [value.partition("|")[2] for value in values if value.startswith("visit|")]
    return named[0] if len(named) == 1 else None


def tag_from(mac: bytes) -> str:
    """A tag in letters alone: no scope may look as if it held somebody's number."""
    return "".join(chr(ord("a") + int(digit, 16)) for digit in mac.hex()[:20])


def narrowed(detail: Detail, held: Sequence[str]) -> tuple[str, ...]:
    """The scopes that this detail makes of those `held` under its purpose.

    Raises: DetailRefused when a kind of record or an action goes beyond them.
    """
    made: list[str] = []
    wanted = {letter for action in detail.content["actions"] for letter in LETTERS[action]}
    for resource in detail.content["datatypes"]:
        given: set[str] = set()
        for scope in held:
            known = grammar.parse(scope)
            letters = wanted & known.letters if known and known.resource == resource else set()
            if letters:
                made.append(_tagged(scope, letters, detail.tag))
                given |= letters
        if given < wanted:
            raise DetailRefused("a detail goes beyond its purpose")
    return tuple(dict.fromkeys(made))


def _tagged(scope: str, letters: Iterable[str], tag: str) -> str:
    stem, _, query = scope.partition("?")
    ordered = "".join(letter for letter in "cruds" if letter in set(letters))
    params = "&".join(filter(None, [query, f"{TAG}=visit|{tag}"]))
    return f"{stem.rpartition('.')[0]}.{ordered}?{params}"


def instant(text: object) -> datetime | None:
    """RFC 3339 with an offset, as UTC; None for anything else."""
    try:
        found = datetime.fromisoformat(str(text))
        return None if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):  # in UTC it may lie outside the calendar
        return None


def _words(known: Callable[[str], object]) -> Callable[[object], bool]:
    def fits(value: object) -> bool:
        if not isinstance(value, list) or not 0 < len(value) <= MOST_LISTED:
            return False
        fine = all(isinstance(one, str) and bool(known(one)) for one in value)
        return fine and len(set(value)) == len(value)

    return fits


def _members(**forms: Callable[[Any], object]) -> Callable[[object], bool]:
    def fits(value: object) -> bool:
        known = isinstance(value, dict) and value.keys() <= forms.keys()
        return known and isinstance(value, dict) and all(forms[name](of) for name, of in value.items())

    return fits


def _encounter(value: object) -> bool:
    if not isinstance(value, dict) or value.keys() != {"system", "value"}:
        return False
    system, number = value["system"], value["value"]
    if not isinstance(system, str) or not isinstance(number, str) or OF_A_PERSON.search(number):
        return False
    return bool(SYSTEM.fullmatch(system) and VALUE.fullmatch(number))


def _matches(pattern: re.Pattern[str]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _asker(value: object) -> bool:
    fine = _members(hcode=_matches(re.compile(r"\d{5}")), department=_matches(DEPARTMENT))(value)
    return fine and isinstance(value, dict) and "hcode" in value and not OF_A_PERSON.search(value.get("department", ""))


def _uses(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MOST_USES


FORMS: Mapping[str, Callable[[object], bool]] = {
    "type": lambda value: value == TYPE,
    "purpose": _matches(re.compile(r"[A-Z][A-Z0-9-]{1,30}")),
    "actions": _words(LETTERS.__contains__),
    "datatypes": _words(RESOURCE.fullmatch),
    "locations": _words(lambda one: one.isascii() and "#" not in one),
    "patient_identifier": lambda value: value == {"ref": "sub"},  # nobody's number ever stands in a request
    "encounter": _encounter,
    "requesting_entity": _asker,
    "valid": _members(not_after=lambda text: instant(text) is not None, max_uses=_uses),
}
NEEDED = frozenset({"type", "purpose", "actions", "datatypes", "encounter"})
