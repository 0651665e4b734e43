"""The ages of the law and whose signature counts, as tables and for any date."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.family import rules
from consent.family.rules import Deed, Kind, Needed, Say, Way, What
from tests.fakes import NOW

MIDNIGHT = datetime(2026, 11, 23, 17, tzinfo=UTC)  # 24 November 2026 begins in Bangkok
SECOND = timedelta(seconds=1)
SPAN = (datetime(2026, 11, 22), datetime(2046, 1, 1))  # noqa: DTZ001 -- hypothesis wants them naive


def test_s20_the_twentieth_birthday_begins_at_midnight_in_bangkok():
    """PDPA s.20, Civil and Commercial Code s.19: not a second earlier, whatever the clock of the server says."""
    assert rules.birthday("2006-11-24", 20) == MIDNIGHT
    assert rules.age("2006-11-24", MIDNIGHT - SECOND) == 19
    assert rules.age("2006-11-24", MIDNIGHT) == 20


@pytest.mark.parametrize(
    ("born", "years", "day"),
    [
        ("2006-11-24", 10, date(2016, 11, 24)),
        ("2008-02-29", 20, date(2028, 2, 29)),
        ("2008-02-29", 10, date(2018, 3, 1)),
        ("2007-05", 20, date(2027, 5, 31)),
        ("2007-12", 20, date(2027, 12, 31)),
        ("2007", 20, date(2027, 12, 31)),
    ],
)
def test_a_birthday_is_the_latest_that_the_date_allows(born, years, day):
    """Nobody is taken for older than they may be."""
    found = rules.birthday(born, years)

    assert found is not None
    assert found.astimezone(rules.BANGKOK).date() == day


def test_without_a_year_nobody_has_an_age():
    """An empty date is no date."""
    assert rules.birthday("", 20) is None
    assert rules.age("", NOW) is None


@pytest.mark.parametrize(
    ("years", "over", "whose"),
    [
        (0, set(), Needed.guardian_alone),
        (9, {"parent"}, Needed.guardian_alone),
        (10, {"parent"}, Needed.both),
        (19, set(), Needed.both),
        (20, set(), Needed.self_alone),
        (20, {"parent"}, Needed.self_alone),
        (35, {"helper"}, Needed.self_alone),
        (35, {"guardian"}, Needed.guardian_alone),
        (15, {"parent", "guardian"}, Needed.guardian_alone),
        (35, {"curator"}, Needed.both),
        (35, {"guardian", "curator"}, Needed.guardian_alone),
        (None, set(), Needed.self_alone),
        (None, {"curator"}, Needed.both),
    ],
)
def test_s20_whose_signature_a_consent_needs(years, over, whose):
    """PDPA s.20: under 10 the guardian, 10 to 19 both, incompetent the guardian, quasi-incompetent with the curator."""
    assert rules.needed(years, frozenset(over)) is whose


@pytest.mark.parametrize(
    ("who", "actor", "ways"),
    [  # consent, right, told
        (Needed.self_alone, "self", (Way.alone, Way.alone, Way.alone)),
        (Needed.guardian_alone, "self", (Way.never, Way.never, Way.never)),
        (Needed.both, "self", (Way.together, Way.alone, Way.alone)),
        (Needed.self_alone, Kind.parent, (Way.never, Way.never, Way.never)),
        (Needed.guardian_alone, Kind.parent, (Way.alone, Way.alone, Way.alone)),
        (Needed.both, Kind.parent, (Way.together, Way.together, Way.alone)),
        (Needed.guardian_alone, Kind.guardian, (Way.alone, Way.alone, Way.alone)),
        (Needed.self_alone, Kind.curator, (Way.never, Way.never, Way.never)),
        (Needed.both, Kind.curator, (Way.together, Way.never, Way.together)),
        (Needed.guardian_alone, Kind.curator, (Way.never, Way.never, Way.never)),
        (Needed.self_alone, Kind.helper, (Way.never, Way.alone, Way.alone)),
        (Needed.both, Kind.helper, (Way.never, Way.never, Way.never)),
        (Needed.guardian_alone, Kind.helper, (Way.never, Way.never, Way.never)),
    ],
)
def test_s20_what_a_yes_is_worth(who, actor, ways):
    """The whole rule as a table; a guardian never reaches more than the law gives."""
    assert tuple(rules.way(who, actor, what) for what in (What.consent, What.right, What.told)) == ways


@given(born=st.dates(date(1940, 1, 1), date(2026, 11, 22)), at=st.datetimes(*SPAN))
def test_a_parent_may_act_only_before_the_birthday_that_ends_it(born, at):
    """For any birth date and instant: never past 20, never from under 10 into the teens, never longer than a year."""
    now = at.replace(tzinfo=UTC)
    found = rules.term("parent", born.isoformat(), order_until=None, now=now)
    years = rules.age(born.isoformat(), now)

    assert years is not None
    if years >= 20:
        assert found is None
    else:
        assert found is not None
        last = rules.age(born.isoformat(), found.ends_at - SECOND)
        assert last is not None
        assert now < found.ends_at <= now + rules.LONGEST
        assert (last < 10) == (years < 10)
        assert last < 20


@pytest.mark.parametrize(
    ("kind", "born", "order_until", "ends_by"),
    [
        ("parent", "2018-03-14", None, "year"),
        ("parent", "2016-12-01", None, "own_say"),
        ("parent", "2006-11-24", None, "of_age"),
        ("parent", "2006-11-24", date(2026, 11, 22), "order"),
        ("guardian", "1992-06-06", date(2027, 1, 31), "order"),
        ("guardian", "1992-06-06", None, "year"),
        ("curator", "", None, "year"),
        ("helper", "1992-06-06", None, "year"),
    ],
)
def test_a_term_ends_by_the_first_of_birthday_order_and_year(kind, born, order_until, ends_by):
    """R7: age 10 and 20, the end of the order, a year at most."""
    found = rules.term(kind, born, order_until=order_until, now=datetime(2026, 11, 22, 3, tzinfo=UTC))

    assert found is not None
    assert found.ends_by == ends_by


def test_what_cannot_begin_has_no_term():
    """A parent of somebody who is of age, or whose age nobody knows; an order whose last day is over."""
    now = datetime(2026, 11, 22, 3, tzinfo=UTC)

    assert rules.term("parent", "2006-11-22", order_until=None, now=now) is None
    assert rules.term("parent", "", order_until=None, now=now) is None
    assert rules.term("guardian", "1992-06-06", order_until=date(2026, 11, 21), now=now) is None
    assert rules.term("guardian", "1992-06-06", order_until=date(2026, 11, 22), now=now) is not None


ALL = (Say.alone,) * 5
NONE = (Say.never,) * 5
BESIDE = (Say.seen, Say.never, Say.never, Say.never, Say.never)


@pytest.mark.parametrize(
    ("who", "kind", "says"),
    [
        (Needed.guardian_alone, Kind.parent, ALL),
        (Needed.guardian_alone, Kind.guardian, ALL),
        (Needed.guardian_alone, Kind.curator, BESIDE),
        (Needed.both, Kind.parent, (Say.seen, Say.seen, Say.seen, Say.never, Say.never)),
        (Needed.both, Kind.guardian, (Say.seen, Say.seen, Say.seen, Say.never, Say.never)),
        (Needed.both, Kind.curator, BESIDE),
        *((Needed.self_alone, kind, NONE) for kind in Kind),
        *((who, Kind.helper, NONE) for who in Needed),
    ],
)
def test_s20_whose_word_a_deed_in_a_wards_name_is(who, kind, says):
    """PDPA s.20: in order: withdraw, refuse, ask, open, erase. No deed of a curator's or helper's is a parent's."""
    assert tuple(rules.say(who, kind, deed) for deed in Deed) == says


@pytest.mark.parametrize("deed", Deed)
@pytest.mark.parametrize("kind", Kind)
def test_s20_who_has_a_say_is_never_decided_for_alone(kind, deed):
    """From 10 on no deed is the guardian's without the young person knowing of it; what opens data is theirs."""
    assert rules.say(Needed.both, kind, deed) is not Say.alone
    assert rules.say(Needed.both, kind, Deed.open) is rules.say(Needed.both, kind, Deed.erase) is Say.never


def test_s20_everything_is_seen_only_where_the_guardian_decides_alone():
    """A curator sees what they signed, whoever else decides; a parent of a young person, too."""
    every = {(who, kind) for who in Needed for kind in Kind if rules.sees_all(who, kind)}

    assert every == {(Needed.guardian_alone, Kind.parent), (Needed.guardian_alone, Kind.guardian)}


MOTHER, FATHER, WARD = (UUID(int=n) for n in (1, 2, 3))


@pytest.mark.parametrize(
    ("made_by", "acting", "alone", "may"),
    [
        (MOTHER, {MOTHER}, False, True),
        (MOTHER, {MOTHER, FATHER}, True, True),
        (FATHER, {MOTHER, FATHER}, True, False),
        (FATHER, {MOTHER}, True, True),
        (FATHER, {MOTHER}, False, False),
        (WARD, {MOTHER}, True, True),
        (WARD, {MOTHER}, False, False),
    ],
)
def test_s20_a_refusal_is_lifted_by_whom(made_by, acting, alone, may):
    """A no of one parent is not undone by the other; a young person's own is theirs."""
    told = {"actor": MOTHER, "ward": WARD, "acting": frozenset(acting), "alone": alone}

    assert rules.may_lift(made_by, **told) is may
