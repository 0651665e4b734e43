"""PURE: ages of the law on the calendar of Bangkok, whose signature an act needs, and until when somebody may act.

PDPA s.20 with the Civil and Commercial Code s.19 to 36: under 10 the holder of parental responsibility decides alone;
from 10 to 19 both sign; at 20 nobody decides for a person any more, unless a court has said so.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

BANGKOK = ZoneInfo("Asia/Bangkok")
OWN_SAY, OF_AGE = 10, 20
LONGEST = timedelta(days=365)  # evidence of a relation is looked at again each year
LAST_MONTH, LAST_DAY = 12, 31


class Kind(StrEnum):
    """In which capacity somebody acts for another."""

    parent = "parent"  # holds parental responsibility over somebody under 20
    guardian = "guardian"  # of an incompetent person, by court order
    curator = "curator"  # of a quasi-incompetent person, by court order: beside them, never without them
    helper = "helper"  # chosen by an adult


class Needed(StrEnum):
    """Whose signature a consent of this person needs."""

    self_alone = "self_alone"
    guardian_alone = "guardian_alone"
    both = "both"


class Way(StrEnum):
    """What becomes of somebody's yes."""

    alone = "alone"  # it is the consent
    together = "together"  # it waits for the other one
    never = "never"  # it is not theirs to give


class What(StrEnum):
    """What is done: a consent that is asked, a right of the person's own, or the taking note of a notice."""

    consent = "consent"
    right = "right"
    told = "told"


class Deed(StrEnum):
    """What somebody does in a ward's name, besides saying yes to a service."""

    withdraw = "withdraw"  # end a consent that they signed
    refuse = "refuse"  # a refusal in general, and its end
    ask = "ask"  # a request that opens nothing: correct, object, pause, complain, "this was not right"
    open = "open"  # what shows the data: the list of who did what, a copy, a transfer
    erase = "erase"


class Say(StrEnum):
    """Whose word it is."""

    alone = "alone"  # the guardian's
    seen = "seen"  # the guardian's, at once; the ward is told, and may stop it
    never = "never"  # the ward's own, or nobody's


@dataclass(frozen=True)
class Term:
    """Until when, exclusive, and what ends it: `of_age`, `own_say` (the tenth birthday), `order` or `year`."""

    ends_at: datetime
    ends_by: str


def birthday(birth_date: str, years: int) -> datetime | None:
    """The instant at which this many years are completed: midnight in Bangkok, as UTC. None without a year.

    A partial date counts from the latest day it allows, so nobody is taken for older than they may be. Somebody born
    on 29 February completes a common year on 1 March.
    """
    parts = birth_date.split("-")
    if not parts[0].isdigit():
        return None
    year, month = int(parts[0]) + years, int(parts[1]) if len(parts) > 1 else LAST_MONTH
    try:
        day = date(year, month, int(parts[2])) if len(parts) > 2 else _last_of(year, month)  # noqa: PLR2004 -- y, m, d
    except ValueError:  # 29 February
        day = date(year, month + 1, 1)
    return datetime.combine(day, time(), tzinfo=BANGKOK).astimezone(UTC)


def age(birth_date: str, now: datetime) -> int | None:
    """Completed years now; None without a year of birth."""
    first = birthday(birth_date, 0)
    if first is None:
        return None
    years = now.astimezone(BANGKOK).year - first.astimezone(BANGKOK).year
    turned = birthday(birth_date, years)
    return max(0, years if turned is not None and now >= turned else years - 1)


def needed(years: int | None, wards_of: frozenset[str]) -> Needed:
    """Whose signature: `wards_of` are the kinds of guardianship that run over this person now.

    An unknown age never makes somebody a minor: who has none is let in only after saying that they are of age.
    """
    if Kind.guardian in wards_of or (years is not None and years < OWN_SAY):
        return Needed.guardian_alone
    if Kind.curator in wards_of or (years is not None and years < OF_AGE):
        return Needed.both
    return Needed.self_alone


def way(who: Needed, actor: str, what: What) -> Way:
    """What a yes of `actor` ("self" or a kind) is worth. A no, and taking back, is never asked this: both always count.

    From 10 on, a right of one's own (to see one's own record) is a strictly personal act: no parent uses it without
    the young person, who may use it alone. A curator stands beside, and uses no right. A helper uses rights, and
    gives no consent.
    """
    if actor == "self":
        own = {Needed.self_alone: Way.alone, Needed.guardian_alone: Way.never, Needed.both: Way.together}[who]
        return Way.alone if own is Way.together and what is not What.consent else own
    if actor == Kind.helper:
        return Way.alone if who is Needed.self_alone and what is not What.consent else Way.never
    if actor == Kind.curator:
        return Way.together if who is Needed.both and what is not What.right else Way.never
    if who is Needed.self_alone:
        return Way.never
    if who is Needed.guardian_alone or what is What.told:
        return Way.alone
    return Way.together


def say(who: Needed, kind: str, deed: Deed) -> Say:
    """Whose word a deed of a guardian of this kind is, where the ward's consents need the signatures of `who`.

    s.20 asks of withdrawals, requests and complaints what it asks of consents. Under 10, and under a court's guardian,
    the guardian does them alone. From 10 on, what only protects counts at once, as a no does: it opens nothing, and a
    wait would cost the protection; the young person is told and may stop it. What shows their data or destroys it is
    strictly personal, and theirs alone (`way`: a right). A curator stands beside: they take back what they signed.
    What a helper may do the person has chosen, and does not stand here.
    """
    if kind == Kind.curator:
        return Say.seen if deed is Deed.withdraw and who is not Needed.self_alone else Say.never
    if kind == Kind.helper or who is Needed.self_alone:
        return Say.never
    if who is Needed.guardian_alone:
        return Say.alone
    return Say.never if deed in (Deed.open, Deed.erase) else Say.seen


def sees_all(who: Needed, kind: str) -> bool:
    """Whether a guardian sees everything about the ward; otherwise only what they signed or did themselves."""
    return who is Needed.guardian_alone and kind in (Kind.parent, Kind.guardian)


def may_lift(made_by: UUID, *, actor: UUID, ward: UUID, acting: frozenset[UUID], alone: bool) -> bool:
    """Whether a guardian ends this refusal in general of their ward: their own always.

    Where they decide alone also the ward's, and that of somebody who acts no longer (`acting`: those who do now). A no
    of one parent is not undone by the other, and a young person's own is theirs.
    """
    return made_by == actor or (alone and (made_by == ward or made_by not in acting))


def term(kind: str, birth_date: str, *, order_until: date | None, now: datetime) -> Term | None:
    """Until when somebody of this kind may act: the first of birthday, last day of the order, and one year.

    None when it cannot begin: a parent of somebody who is 20 or of unknown age, or an order whose last day is over.
    """
    ends = [Term(now + LONGEST, "year")]
    if kind == Kind.parent:
        of_age, own_say = birthday(birth_date, OF_AGE), birthday(birth_date, OWN_SAY)
        if of_age is None or own_say is None or now >= of_age:
            return None
        ends.append(Term(of_age, "of_age"))
        ends += [Term(own_say, "own_say")] if now < own_say else []
    if order_until is not None:
        over = datetime.combine(order_until + timedelta(days=1), time(), tzinfo=BANGKOK).astimezone(UTC)
        if over <= now:
            return None
        ends.append(Term(over, "order"))
    return min(ends, key=lambda one: one.ends_at)


def _last_of(year: int, month: int) -> date:
    return date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
