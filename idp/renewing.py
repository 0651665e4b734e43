"""When an answer that still stands is asked for again: other words, countries or values, or a person known better.

PDPA s.19, s.23. A new version of a notice asks again only where a line that was shown to this person has changed; what
was merely told is told again, for new words or countries alone. The answer that stands goes on until there is another.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, select

from consent import abroad, notices
from consent.db import table_of
from consent.models import ConsentNotice, ConsentRecord
from consent.rows import Bilingual
from idp import subjects
from idp.assurance import Ial
from idp.db import Session
from idp.keys import KeyRing
from idp.subjects import PersonSealer, Profile, Subject

MAC_DIGITS = 32
NOWHERE = Bilingual("", "")  # only codes are compared


class Renewal(StrEnum):
    """Why it is asked again."""

    wording = "wording"
    values = "values"
    proofing = "proofing"
    abroad = "abroad"


@dataclass(frozen=True)
class Answer:
    """A record that stands: its scopes, and why it is asked for again, if it is."""

    scopes: tuple[str, ...]
    renewals: tuple[Renewal, ...]


def known_better(at: str, proofed_at: datetime | None, *, now_at: Ial, now_proofed_at: datetime) -> bool:
    """PURE: whether the person was proved anew since, at a higher level than when they answered.

    Somebody else may have answered for them as long as less was proved; a proof renewed at the same level says nothing.
    """
    return proofed_at is not None and now_proofed_at > proofed_at and now_at > Ial(at)


def values_mac(sealer: PersonSealer, subject_id: UUID, profile: Profile, categories: Sequence[str]) -> str | None:
    """A MAC of each value that a page shows of these data, `kind:mac`, under the person's own key; None if none.

    They say later that a value is another one now, never what it was; erased with the person's key.
    """
    held = facts(profile)
    macs = [
        f"{code}:{sealer.mac(subject_id, 'shown', code, held[code])[:MAC_DIGITS]}"
        for code in categories
        if code in held
    ]
    return " ".join(macs) or None


def facts(profile: Profile) -> dict[str, str]:
    """What we hold of a person, by kind of data, in no language in particular."""
    return {
        "name": f"{profile.name_th}\n{profile.name_en}",
        "birthdate": profile.birth_date,
        "gender": profile.gender,
        "email": profile.email,
        "phone": profile.phone,
        "address": profile.address,
    }


_R, _S, _N = table_of(ConsentRecord).c, table_of(Subject).c, table_of(ConsentNotice).c
_NEWEST = select(func.max(_N.version)).where(_N.purpose == _R.purpose, _N.locale == _R.locale).scalar_subquery()
_STANDING = (
    select(
        _R.id,
        _R.kind,
        _R.subject_id,
        _R.purpose,
        _R.scopes,
        _R.categories,
        _R.locale,
        _R.given_at,
        _R.ial,
        _R.values_mac,
        _R.proofing_at,
        _R.xb_country,
        _R.xb_safeguard,
        (_R.notice_version < _NEWEST).label("reworded"),
        _S.ial.label("now_ial"),
        _S.ial_at,
        _S.ial_expires_at,
    )
    .join_from(table_of(ConsentRecord), table_of(Subject), _S.id == _R.subject_id)
    .where(_R.id.in_(bindparam("records", expanding=True)))
)


def answers(
    session: Session,
    ring: KeyRing,
    record_ids: Sequence[UUID],
    *,
    kept_in: tuple[str | None, str | None] = (None, None),
    now: datetime,
) -> dict[UUID | None, Answer]:
    """Each record with why it is asked for again: one read, and more only where something may have changed.

    `kept_in`: country and safeguard of the service that asks, as it is registered now.
    """
    if not record_ids:
        return {}
    rows: Sequence[Any] = session.execute(_STANDING, {"records": record_ids}).all()
    return {row.id: Answer(tuple(row.scopes.split()), _renewals(session, ring, row, kept_in, now=now)) for row in rows}


def _renewals(
    session: Session, ring: KeyRing, row: Any, kept_in: tuple[str | None, str | None], *, now: datetime
) -> tuple[Renewal, ...]:
    answered = row.kind != "notice"
    level = subjects.level(row.now_ial, row.ial_expires_at, now)
    leaves = abroad.columns(abroad.journeys(row.purpose, *kept_in, place=NOWHERE))
    found = {
        Renewal.wording: row.reworded and _reworded(session, row),
        Renewal.abroad: abroad.untold((row.xb_country, row.xb_safeguard), leaves),
        Renewal.values: answered and row.values_mac is not None and _other_values(session, ring, row),
        Renewal.proofing: answered and known_better(row.ial, row.proofing_at, now_at=level, now_proofed_at=row.ial_at),
    }
    return tuple(why for why, true in found.items() if true)


def _reworded(session: Session, row: Any) -> bool:
    categories = row.categories.split()
    changed = notices.difference(session, row.purpose, locale=row.locale, since=row.given_at, categories=categories)
    return bool(changed)


def _other_values(session: Session, ring: KeyRing, row: Any) -> bool:
    """Of the kinds that the record still has: one of them may have been taken back since it was shown."""
    profile, kinds = subjects.profile(session, ring, row.subject_id), row.categories.split()
    now = (values_mac(PersonSealer(ring, session), row.subject_id, profile, kinds) or "").split()
    shown = [mac for mac in row.values_mac.split() if mac.partition(":")[0] in kinds]
    return not set(shown) <= set(now)
