"""Wrong codes in a row: twenty close the way by SMS for devices that the person never used (RELIABILITY 3).

The way is closed, never the person: a device they are known by goes on with twenty of its own, a passkey is not asked,
and any proof other than an SMS opens the way again (ASVS 6.1.1). Counted for the fingerprint, so that a number nobody
has closes like any other. A guess is paid before it is compared, by one conditional statement: of any number of
processes together, twenty are looked at (NIST SP 800-63B section 5.2.2 allows a hundred).
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, CompoundSelect, bindparam, delete, select, union_all, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.db import Base, Plain, UtcDateTime, table_of
from idp.subjects import NationalId

MOST = 20
NO_OTHER_PROOF = frozenset({"sms", "line"})
KEPT = timedelta(days=400)  # below twenty; a closed way is closed until the person opens it
STRANGER = ""  # every device that the person is not known by


class CodeFailures(Base):
    """How many guesses at codes for one number failed since the last right one; on one known device, or elsewhere."""

    __tablename__ = "code_failures"
    __table_args__ = (CheckConstraint("failures BETWEEN 0 AND 20", name="most"),)

    fingerprint: Mapped[Plain] = mapped_column(primary_key=True)
    device_hash: Mapped[Plain] = mapped_column(primary_key=True)
    failures: Mapped[int]
    last_at: Mapped[datetime]


_F = table_of(CodeFailures).c
_WHERE = (_F.fingerprint == bindparam("number"), _F.device_hash == bindparam("device"))


def _pay(engine: Any) -> Any:
    row = engine.insert(CodeFailures).values(
        fingerprint=bindparam("number"),
        device_hash=bindparam("device"),
        failures=1,
        last_at=bindparam("now", type_=UtcDateTime()),
    )
    again = row.on_conflict_do_update(
        index_elements=["fingerprint", "device_hash"],
        set_={"failures": _F.failures + 1, "last_at": bindparam("now", type_=UtcDateTime())},
        where=_F.failures < MOST,
    )
    return again.returning(_F.failures)


_PAY = {"sqlite": _pay(sqlite), "postgresql": _pay(postgresql)}
_FORGIVE = update(CodeFailures).where(*_WHERE).values(failures=0).execution_options(synchronize_session=False)
_CLOSED = select(_F.failures).where(*_WHERE, _F.failures >= MOST)
# A number that was only typed opens nothing: its account is not the one that the code goes to. What such an account is
# found by, number and phone together, is counted apart, and opens with it.
_MINE = NationalId.subject_id == bindparam("person")
_NUMBERS: CompoundSelect[str | None] = union_all(
    select(NationalId.fingerprint).where(_MINE, NationalId.proved),
    select(NationalId.claim).where(_MINE, NationalId.claim.is_not(None)),
)
_REOPEN = (
    delete(CodeFailures).where(CodeFailures.fingerprint.in_(_NUMBERS)).execution_options(synchronize_session=False)
)


def pay(session: Session, fingerprint: str, *, device: str = STRANGER, now: datetime) -> bool:
    """Count a guess as failed before it is compared. False: the way is closed, the guess must not be looked at."""
    paid = session.execute(
        _PAY[session.get_bind().dialect.name], {"number": fingerprint, "device": device, "now": now}
    ).one_or_none()
    return paid is not None


def forgive(session: Session, fingerprint: str, *, device: str = STRANGER) -> None:
    """The guess was right: failures in a row start from nothing."""
    session.execute(_FORGIVE, {"number": fingerprint, "device": device})


def is_closed(session: Session, fingerprint: str, *, device: str = STRANGER) -> bool:
    """Whether no code goes out for this number to such a device."""
    return session.execute(_CLOSED, {"number": fingerprint, "device": device}).first() is not None


def reopen(session: Session, subject_id: UUID) -> None:
    """The person proved themselves by something else than an SMS: the way by SMS is open again everywhere."""
    session.execute(_REOPEN, {"person": subject_id})


def proved(session: Session, subject_id: UUID, factors: frozenset[str]) -> None:
    """A session was written with these factors: anything beside an SMS and LINE opens the way again."""
    if not factors <= NO_OTHER_PROOF:
        reopen(session, subject_id)


def purge(session: Session, *, now: datetime) -> None:
    """Forget counts that never closed anything; a number that nobody has would be kept for ever otherwise."""
    old = (CodeFailures.last_at < now - KEPT, CodeFailures.failures < MOST)
    session.execute(delete(CodeFailures).where(*old).execution_options(synchronize_session=False))
