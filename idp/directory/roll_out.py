"""The roll-out by province: who takes part, since when, and who will (catalogue rule 5).

Provinces join one after another or by health zone. What is written is never changed: a row says from which moment a
province is open or closed, so that anybody can see later why a service was, or was not, let in.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from uuid import UUID

from sqlalchemy import and_, bindparam, func, or_, select
from sqlalchemy.orm import Session

from consent.audit import log
from consent.audit.log import Actor
from consent.db import table_of
from consent.errors import NotFound
from idp.directory.models import Facility, ProvinceRollOut

FILE = Path(__file__).with_name("provinces.tsv")
EVERYWHERE = "all"
ZONE = "zone:"

_F, _R = table_of(Facility).c, table_of(ProvinceRollOut)
_LATER = _R.alias("later")
_NEWER = or_(_LATER.c.starts_at > _R.c.starts_at, and_(_LATER.c.starts_at == _R.c.starts_at, _LATER.c.id > _R.c.id))
_BEGUN = bindparam("now", type_=_R.c.starts_at.type)
# The provinces whose latest row that has begun says closed.
CLOSED = select(_R.c.province).where(
    _R.c.starts_at <= _BEGUN,
    _R.c.is_open.is_(False),
    ~select(_LATER.c.id).where(_LATER.c.province == _R.c.province, _LATER.c.starts_at <= _BEGUN, _NEWER).exists(),
)
_ENTITY = bindparam("entity", type_=_F.legal_entity_id.type)
_CLOSED_HERE = select(_F.hcode).where(_F.legal_entity_id == _ENTITY, _F.province == _R.c.province)
# SQL: whether the legal entity `entity` has a facility in a province that takes no part `now`, or one anywhere else.
# The first begins at the closed provinces: where none is closed nothing is looked at, however large the entity.
SOME_CLOSED = CLOSED.where(_CLOSED_HERE.exists()).exists()
SOME_OPEN = select(_F.hcode).where(_F.legal_entity_id == _ENTITY, _F.province.not_in(CLOSED)).exists()
_PLACE = select(_F.province.in_(CLOSED)).where(_F.hcode == bindparam("hcode"), _F.legal_entity_id == _ENTITY)
_ROWS = select(_R.c.province, _R.c.is_open, _R.c.starts_at).order_by(_R.c.starts_at, _R.c.id)
_PLACES = select(_F.province, func.count().label("places")).group_by(_F.province)


@dataclass(frozen=True)
class Province:
    """One of the 77. `code` is the Interior Ministry's, `zone` the health zone of 13."""

    code: str
    zone: str
    name_th: str
    name_en: str


@dataclass(frozen=True)
class Line:
    """A province with where it stands now, when that changes next, and how many facilities are listed there."""

    province: Province
    is_open: bool
    since: datetime | None
    next_at: datetime | None
    facilities: int


@cache
def provinces() -> tuple[Province, ...]:
    """All of them, by code."""
    with FILE.open(encoding="utf-8", newline="") as file:
        return tuple(Province(**row) for row in csv.DictReader(file, delimiter="\t"))


def named(word: str) -> tuple[Province, ...]:
    """PURE: the provinces of a code, a Thai or English name, `zone:N` or `all`. Raises: NotFound."""
    said = " ".join(word.split()).casefold()
    found = tuple(
        one
        for one in provinces()
        if said in (one.code, one.name_th, one.name_en.casefold(), ZONE + one.zone, EVERYWHERE)
    )
    if not found:
        raise NotFound(f"There is no province or zone {word}; see `idp rollout list`.", detail="province")
    return found


def spelt(word: str) -> str:
    """PURE: a province as a facility keeps it, its Thai name; what is no province of Thailand stays as it is."""
    said = " ".join(word.split())
    names = (one.name_th for one in provinces() if said.casefold() in (one.code, one.name_th, one.name_en.casefold()))
    return next(names, said)


def decide(session: Session, which: Sequence[Province], *, is_open: bool, starts_at: datetime, now: datetime) -> None:
    """From `starts_at` on these provinces take part, or do not. One entry each; nothing that was given is touched."""
    event = "rollout.opened" if is_open else "rollout.closed"
    for one in which:
        session.add(ProvinceRollOut(province=one.name_th, is_open=is_open, starts_at=starts_at, decided_at=now))
        session.flush()
        codes = (f"province:{one.code}", f"from:{starts_at:%Y-%m-%dT%H:%MZ}")
        log.append(session, event, now=now, actor=Actor.system("cli"), codes=codes)


def is_place_open(session: Session, recipient_id: UUID, hcode: str, now: datetime) -> bool:
    """Whether this facility takes part; one that is not this recipient's says nothing against it."""
    closed = session.scalar(_PLACE, {"hcode": hcode, "entity": recipient_id, "now": now})
    return not closed


def standing(session: Session, *, now: datetime) -> list[Line]:
    """Where every province stands."""
    rows = session.execute(_ROWS).all()
    counted: Mapping[str, int] = {row.province: row.places for row in session.execute(_PLACES)}
    lines = []
    for one in provinces():
        own = [row for row in rows if row.province == one.name_th]
        begun = [row for row in own if row.starts_at <= now]
        coming = [row.starts_at for row in own if row.starts_at > now]
        at = begun[-1] if begun else None
        lines.append(
            Line(
                one,
                is_open=at is None or at.is_open,
                since=None if at is None else at.starts_at,
                next_at=min(coming, default=None),
                facilities=counted.get(one.name_th, 0),
            )
        )
    return lines


def unplaced(session: Session) -> list[str]:
    """Facility codes whose province is none of the 77: the roll-out does not reach them."""
    known = [one.name_th for one in provinces()]
    return list(session.scalars(select(_F.hcode).where(_F.province.not_in(known)).order_by(_F.hcode)))
