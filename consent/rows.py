"""PURE: one row of the catalogue as a value, and how its cells are read.

`consent/catalogue/README.md` explains the columns. Ask `purposes` for a purpose; this file only says what one is.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import TypeVar

from consent import scopes as grammar
from consent.errors import CatalogueFault, NotAllowed

CONDITIONS = frozenset({"own_app", "same_controller", "facility", "guardian", "ethics"})
LICENSED_KINDS = frozenset(  # condition `facility`: a licensed facility or lab
    ("hospital", "primary_care", "clinic_medical", "clinic_dental", "clinic_medtech", "drugstore", "lab")
)
VOLUNTEER, VOLUNTEERS_HOLD, THEY_READ = "volunteer", timedelta(hours=24), frozenset({"APPT"})  # rule 5
READING = "rs"
_SPAN = re.compile(r"P(?=.)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_SPAN_S = (365 * 86400, 30 * 86400, 86400, 3600, 60, 1)


class Kind(Enum):
    """What a purpose asks of the citizen (catalogue, column `kind`)."""

    CITIZEN_CONSENT = "citizen_consent"
    LAWFUL_NOTICE = "lawful_notice"
    RIGHT = "right"
    STAFF = "staff"
    SYSTEM = "system"
    PUBLIC = "public"


@dataclass(frozen=True)
class Bilingual:
    """One text in Thai and English."""

    th: str
    en: str

    def in_(self, locale: str) -> str:
        """The text in `en`, or in Thai for every other locale."""
        return self.en if locale == "en" else self.th


@dataclass(frozen=True)
class Category:
    """A kind of data that may be shared. `s26`: data of PDPA section 26."""

    code: str
    name: Bilingual
    s26: bool


@dataclass(frozen=True)
class Purpose:
    """One row of the catalogue; lists in the order of the row, None where the row has a dash."""

    code: str
    kind: Kind
    scopes: tuple[str, ...]
    staff_scopes: tuple[str, ...]
    system_scopes: tuple[str, ...]
    name: Bilingual
    text: Bilingual
    if_refused: Bilingual
    data_categories: tuple[str, ...]
    asked_by: tuple[str, ...]
    recipient_kinds: tuple[str, ...]
    basis: str
    basis_when: tuple[tuple[str, str], ...]
    explicit: bool
    max_life: timedelta | None
    default_life: timedelta | None
    max_uses: int | None
    ends_on: str | None
    per_visit: bool
    evidence_kept: timedelta | None
    citizen_ial: str | None
    citizen_aal: str | None
    staff_ial: str | None
    staff_aal: str | None
    witnessed_at_counter: bool
    offline_s: int | None
    refresh: bool
    never_with: frozenset[str]
    cross_border: bool
    status: str

    @property
    def asks(self) -> bool:
        """Whether the citizen answers in person: a consent, or the confirmation of a right (rule 3)."""
        return self.kind in (Kind.CITIZEN_CONSENT, Kind.RIGHT)

    @property
    def all_scopes(self) -> tuple[str, ...]:
        """Every scope of every column, citizens' first."""
        return tuple(dict.fromkeys((*self.scopes, *self.staff_scopes, *self.system_scopes)))

    def towards(self, recipient_kind: str) -> "Purpose":
        """The row as it is for this kind of receiver: a volunteer reads appointments, and holds nothing over a day."""
        if recipient_kind != VOLUNTEER or self.kind is not Kind.CITIZEN_CONSENT:
            return self
        day = self.life(VOLUNTEERS_HOLD)
        short = replace(self, max_life=day, default_life=day)
        if self.code not in THEY_READ:
            return short
        own, staff, system = (tuple(map(_reading, of)) for of in (self.scopes, self.staff_scopes, self.system_scopes))
        return replace(short, scopes=own, staff_scopes=staff, system_scopes=system)

    def ends(self, recipient_kind: str, given_at: datetime, expires_at: datetime) -> datetime:
        """When an answer of `given_at` ends for this kind of receiver, whatever later moment its record says."""
        row = self.towards(recipient_kind)
        return expires_at if row is self or row.max_life is None else min(expires_at, given_at + row.max_life)

    def life(self, wanted: timedelta | None) -> timedelta:
        """How long an answer given now lives: the row's default, or what was wanted up to `max_life` (rule 6).

        Raises: NotAllowed(code="life") when nothing above zero is left, or the purpose has no life to give.
        """
        span = self.default_life if wanted is None else wanted
        if span is None or self.max_life is None or span <= timedelta(0):
            raise NotAllowed("A consent cannot end before it begins.", detail=f"{self.code=}", code="life")
        return min(span, self.max_life)


def _reading(scope: str) -> str:
    """A scope of the row, of which only reading is left (SMART v2: c, r, u, d, s)."""
    resource, _, rest = scope.partition(".")
    letters, mark, query = rest.partition("?")
    return f"{resource}.{''.join(one for one in letters if one in READING)}{mark}{query}"


def reaches(level: str, floor: str | None) -> bool:
    """Whether an assurance level ("2.1") is at least `floor`; no floor is always reached, no level never."""
    return floor is None or (bool(level) and _rank(level) >= _rank(floor))


def _rank(level: str) -> tuple[int, ...]:
    return tuple(int(part) for part in level.split("."))


_T = TypeVar("_T")


def _or_none(cell: str, read: Callable[[str], _T]) -> _T | None:
    return None if cell == "-" else read(cell)


def _words(cell: str) -> tuple[str, ...]:
    return () if cell == "-" else tuple(cell.split(" "))


def _span(cell: str) -> timedelta:
    match = _SPAN.fullmatch(cell)
    if match is None:
        raise ValueError("not a span of time")
    return timedelta(seconds=sum(int(n or 0) * unit for n, unit in zip(match.groups(), _SPAN_S, strict=True)))


def _flag(cell: str) -> bool:
    return {"Y": True, "N": False}[cell]


def _case(word: str) -> tuple[str, str]:
    condition, basis = word.split("=")
    if condition not in CONDITIONS:
        raise ValueError("unknown condition")
    return condition, basis


def _purpose(row: Mapping[str, str]) -> Purpose:
    def both(column: str) -> Bilingual:
        return Bilingual(row[column + "_th"], row[column + "_en"])

    return Purpose(
        code=row["code"],
        kind=Kind(row["kind"]),
        scopes=_words(row["scopes"]),
        staff_scopes=_words(row["staff_scopes"]),
        system_scopes=_words(row["system_scopes"]),
        name=both("name"),
        text=both("text"),
        if_refused=both("if_refused"),
        data_categories=_words(row["data_categories"]),
        asked_by=_words(row["asked_by"]),
        recipient_kinds=_words(row["recipient_kinds"]),
        basis=row["basis"],
        basis_when=tuple(_case(word) for word in _words(row["basis_when"])),
        explicit=_flag(row["explicit"]),
        max_life=_or_none(row["max_life"], _span),
        default_life=_or_none(row["default_life"], _span),
        max_uses=_or_none(row["max_uses"], int),
        ends_on=_or_none(row["ends_on"], str),
        per_visit=_flag(row["per_visit"]),
        evidence_kept=_or_none(row["evidence_kept"], _span),
        citizen_ial=_or_none(row["citizen_ial"], str),
        citizen_aal=_or_none(row["citizen_aal"], str),
        staff_ial=_or_none(row["staff_ial"], str),
        staff_aal=_or_none(row["staff_aal"], str),
        witnessed_at_counter=_flag(row["witnessed_at_counter"]),
        offline_s=_or_none(row["offline_s"], int),
        refresh=_flag(row["refresh"]),
        never_with=frozenset(_words(row["never_with"])),
        cross_border=_flag(row["cross_border"]),
        status=row["status"],
    )


def _table(text: str) -> list[dict[str, str]]:
    head, *lines = [line.split("\t") for line in text.removesuffix("\n").split("\n")]
    return [dict(zip(head, cells, strict=True)) for cells in lines]


def read(purposes_tsv: str, categories_tsv: str) -> tuple[dict[str, Purpose], dict[str, Category]]:
    """Parse both tables. Raises CatalogueFault for a row that cannot be read, a code twice, or a dangling code."""
    try:
        rows = [_purpose(row) for row in _table(purposes_tsv)]
        kinds = [
            Category(row["code"], Bilingual(row["name_th"], row["name_en"]), _flag(row["s26"]))
            for row in _table(categories_tsv)
        ]
    except (KeyError, ValueError, TypeError) as error:
        raise CatalogueFault("The purpose catalogue has a broken row.", detail=type(error).__name__) from error
    purposes, categories = {row.code: row for row in rows}, {kind.code: kind for kind in kinds}
    whole = len(purposes) == len(rows) and len(categories) == len(kinds)
    for row in rows:
        whole &= row.never_with <= purposes.keys() and set(row.data_categories) <= categories.keys()
        whole &= all(grammar.is_plain(s) or s.startswith(grammar.OWN_PREFIX) for s in row.all_scopes)
    if not whole:
        raise CatalogueFault("The purpose catalogue contradicts itself.", detail="codes or scopes")
    return purposes, categories
