"""The budget of wrong guesses of everybody together, and what happens when it is spent (RELIABILITY 3).

Six digits and five tries a code hold off who guesses at one person, not who guesses at all of them: each guess that is
looked at wins once in a million. So wrong guesses are counted over all processes by the minute, and compared with what
is usual at this hour. Over the budget new codes have eight digits and devices that the person never used need
another proof, until ten calm minutes have passed. The worker counts, with the entry it writes of each wrong guess.

The same for codes that nobody types: so many more than is usual at this hour are not people who sign in.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from sqlalchemy import CheckConstraint, bindparam, case, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.audit import log
from consent.audit.log import Actor
from consent.db import Base, Plain, UtcDateTime, table_of
from idp.abuse import tallies

LONG_CODES, OTHER_PROOF = "long-codes", "other-proof"
DIGITS, LONG_DIGITS = 6, 8
WRONG = "wrong-guess"
MOST_A_MINUTE = 200  # above what is usual: 0.29 people lost a day, if it never stopped
MOST_IN_FIVE = 1000
USUAL_TIMES = 3
LOOK_BACK = tuple(timedelta(days=days) for days in range(1, 8))
HOLD = timedelta(minutes=10)
SENT, TYPED, OTHERS = "codes-sent", "typed:", "typed:typed-phones"
MOST_UNTYPED = 1000  # an hour, on the calmest of days
LOOK_EVERY = 10
GUARD = Actor.system("guard")


class Alarm(Base):
    """One measure that is in force until a moment; each further excess moves it on."""

    __tablename__ = "alarm"
    __table_args__ = (CheckConstraint("until > raised_at", name="order"),)

    name: Mapped[Plain] = mapped_column(primary_key=True)
    raised_at: Mapped[datetime]
    until: Mapped[datetime]


_A = table_of(Alarm).c
_RAISED = select(_A.name).where(_A.until > bindparam("now", type_=UtcDateTime()))


def _raise(engine: Any) -> Any:
    now, until = bindparam("now", type_=UtcDateTime()), bindparam("end", type_=UtcDateTime())
    row = engine.insert(Alarm).values(name=bindparam("measure"), raised_at=now, until=until)
    again = row.on_conflict_do_update(
        index_elements=["name"],
        set_={"raised_at": case((_A.until <= now, now), else_=_A.raised_at), "until": until},
    )
    return again.returning(_A.raised_at)


_RAISE = {"sqlite": _raise(sqlite), "postgresql": _raise(postgresql)}


def measures(minutes: Mapping[datetime, int], usual_an_hour: float, *, now: datetime) -> frozenset[str]:
    """PURE: what the wrong guesses of the last five minutes ask for. `minutes` are counts by the minute's beginning."""
    this = tallies.begun(now, tallies.MINUTE)
    five = sum(minutes.get(this - n * tallies.MINUTE, 0) for n in range(5))
    if minutes.get(this, 0) > MOST_A_MINUTE + usual_an_hour / 60:
        return frozenset({LONG_CODES, OTHER_PROOF})
    if five > max(MOST_IN_FIVE, USUAL_TIMES * usual_an_hour / 12):
        return frozenset({OTHER_PROOF})
    return frozenset()


def note_wrong(session: Session, *, now: datetime) -> frozenset[str]:
    """Count one wrong guess, and raise what it asks for. Appends abuse.alarm once for each measure that begins."""
    minute = tallies.add(session, WRONG, each=tallies.MINUTE, now=now)
    tallies.add(session, f"{WRONG}:hour", each=tallies.HOUR, now=now)
    this = tallies.begun(now, tallies.MINUTE)
    minutes = tallies.counted(session, WRONG, first=this - 4 * tallies.MINUTE, last=this) | {this: minute}
    if not measures(minutes, 0, now=now):
        return frozenset()  # below what would be too much on the calmest of days
    asked = measures(minutes, usual(session, now=now), now=now)
    for measure in sorted(asked):
        _take(session, measure, now=now)
    return asked


def usual(session: Session, *, now: datetime) -> float:
    """Wrong guesses of this hour on a usual day: the median of seven, so that three days of attack teach nothing."""
    hour = tallies.begun(now, tallies.HOUR)
    seen = tallies.counted(session, f"{WRONG}:hour", first=hour - LOOK_BACK[-1], last=hour - LOOK_BACK[0])
    return median(seen.get(hour - back, 0) for back in LOOK_BACK)


def note_sent(session: Session, *, now: datetime) -> bool:
    """Count one code that goes out, and ask for another proof when too many are not typed; whether it did.

    More than 1,000 this hour, and three times what is usual. Appends abuse.alarm when the measure begins.
    """
    if tallies.add(session, SENT, each=tallies.HOUR, now=now) % LOOK_EVERY:
        return False
    hour = tallies.begun(now, tallies.HOUR)
    before = [hour - back for back in LOOK_BACK]
    untyped = _untyped(session, [hour, *before])
    usually = median(untyped[one] for one in before)
    if untyped[hour] <= max(MOST_UNTYPED, USUAL_TIMES * usually):
        return False
    _take(session, OTHER_PROOF, now=now, reason="unanswered_codes")
    return True


def _untyped(session: Session, hours: list[datetime]) -> dict[datetime, int]:
    sent = tallies.counted(session, SENT, first=min(hours), last=max(hours))
    typed = tallies.total(session, TYPED, since=hours)
    twice = tallies.counted(session, OTHERS, first=min(hours), last=max(hours))  # counted twice
    return {hour: sent.get(hour, 0) - typed.get(hour, 0) + twice.get(hour, 0) for hour in hours}


def raised(session: Session, *, now: datetime) -> frozenset[str]:
    """The measures in force. One small read, the same for every number."""
    return frozenset(session.scalars(_RAISED, {"now": now}))


def digits(in_force: frozenset[str]) -> int:
    """PURE: how long a new code is."""
    return LONG_DIGITS if LONG_CODES in in_force else DIGITS


def _take(session: Session, measure: str, *, now: datetime, reason: str = "wrong_guesses") -> None:
    began = session.execute(
        _RAISE[session.get_bind().dialect.name], {"measure": measure, "now": now, "end": now + HOLD}
    ).scalar_one()
    if began == now:
        log.append(session, "abuse.alarm", now=now, actor=GUARD, codes=(f"measure:{measure}",), reason=reason)
