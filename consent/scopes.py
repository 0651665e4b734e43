"""PURE: the grammar of plain scopes (SMART App Launch 2.x, without wildcards) and what covers what."""

import re
from dataclasses import dataclass

OIDC = ("openid", "profile", "email", "phone", "address")
NAME_PREFIX = "purpose:"
OWN_PREFIX = "moph."
MAX_LENGTH = 200

_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
_PERSON = re.compile(r"@|\d{13}")
# Letters in the order c r u d s, at least one; the resource `*` is read, so that it can be refused by name.
_FHIR = re.compile(
    r"(patient|user|system)/([A-Z][A-Za-z]*|\*)\.(?=[cruds])(c?r?u?d?s?)(?:\?([a-z_][^\s=&?]*=[^\s=&]+(?:&[a-z_][^\s=&?]*=[^\s=&]+)*))?"
)
_V1 = re.compile(r"((?:patient|user|system)/(?:[A-Z][A-Za-z]*|\*))\.(read|write|\*)")
_LETTERS_OF_V1 = {"read": "rs", "write": "cud", "*": "cruds"}


@dataclass(frozen=True)
class Fhir:
    """`patient/Observation.rs?category=vital-signs`, taken apart."""

    context: str
    resource: str
    letters: frozenset[str]
    params: frozenset[tuple[str, frozenset[str]]]

    def covers(self, other: "Fhir") -> bool:
        """Whether `other` is the same or narrower: fewer letters, or all of our parameters and perhaps more."""
        same = self.context == other.context and self.resource == other.resource
        return same and self.letters >= other.letters and all(_kept(key, of, other) for key, of in self.params)

    def overlaps(self, other: "Fhir") -> bool:
        """Whether some request could be narrower than both. Different values of one parameter keep them apart."""
        if self.context != other.context or not self.letters & other.letters:
            return False
        if "*" not in (self.resource, other.resource) and self.resource != other.resource:
            return False
        theirs = dict(other.params)
        return all(key not in theirs or of & theirs[key] for key, of in self.params)


def parse(scope: str) -> Fhir | None:
    """The parts of a SMART v2 scope, or None for anything else (letters out of order; v1, which `v2` reads)."""
    match = _FHIR.fullmatch(scope)
    if match is None:
        return None
    context, resource, letters, query = match.groups()
    pairs = (pair.split("=", 1) for pair in query.split("&")) if query else ()
    return Fhir(context, resource, frozenset(letters), frozenset((k, frozenset(v.split(","))) for k, v in pairs))


def v2(scope: str) -> str:
    """A scope of SMART v1 in the letters of v2 (SMART App Launch 2.2, "scopes for requesting clinical data").

    `.read` is `.rs`, `.write` is `.cud`, `.*` is `.cruds`; everything else stays as it is.
    """
    found = _V1.fullmatch(scope)
    return scope if found is None else f"{found[1]}.{_LETTERS_OF_V1[found[2]]}"


def is_fit(scope: str) -> bool:
    """Whether a scope may be kept and logged: RFC 6749 section 3.3 characters, short, naming no person by number."""
    return len(scope) <= MAX_LENGTH and _TOKEN.fullmatch(scope) is not None and _PERSON.search(scope) is None


def is_plain(scope: str) -> bool:
    """A scope that purposes may share and that therefore has to be resolved: OIDC's, or a FHIR scope."""
    return scope in OIDC or parse(scope) is not None


def covers(wide: str, narrow: str) -> bool:
    """Whether holding `wide` includes `narrow`."""
    if wide == narrow:
        return True
    one, two = parse(wide), parse(narrow)
    return one is not None and two is not None and one.covers(two)


def overlap(one: str, two: str) -> bool:
    """Whether one request could fall under both."""
    if one == two:
        return True
    left, right = parse(one), parse(two)
    return left is not None and right is not None and left.overlaps(right)


def _kept(key: str, values: frozenset[str], narrow: Fhir) -> bool:
    return any(key == other and values >= narrower for other, narrower in narrow.params)
