"""The checker itself: each way in which a server can break its word is seen."""

from datetime import timedelta

import pytest

from tests.fakes import NOW, SECOND
from tests.faults.checker import Found, compare
from tests.faults.load import Act, Try

WHO = "somebody"


def act(*ends, parts=("EHR-SHARE",)):
    """An answer that was tried once for each end, a second apart."""
    tries = [Try(NOW + n * SECOND, NOW + n * SECOND + SECOND / 2, end) for n, end in enumerate(ends)]
    return Act("give", "key", parts, tries)


def kept(*places, after=timedelta(0), part="EHR-SHARE"):
    """What stands in the database."""
    return [Found(WHO, "give", part, NOW + after, place) for place in places or ("consent_record", "audit_entry")]


@pytest.mark.parametrize("ends", [("ok",), ("unknown", "ok"), ("unknown",)])
def test_what_was_or_may_have_been_promised_and_is_there_once_holds(ends):
    """RELIABILITY 1: the third verdict, unknown."""
    assert compare([(WHO, [act(*ends)])], kept()).holds


def test_what_nobody_was_promised_may_be_missing():
    """An answer that never came promises nothing; a refusal promises that nothing was kept."""
    assert compare([(WHO, [act("unknown")])], []).holds
    assert compare([(WHO, [act("fail")])], []).holds


@pytest.mark.parametrize("there", [(), ("consent_record",), ("audit_entry",)])
def test_what_was_acknowledged_and_is_missing_anywhere_is_lost(there):
    """A record without its entry is a loss as well."""
    assert compare([(WHO, [act("ok")])], kept(*there) if there else []).lost


def test_an_act_that_is_kept_by_half_is_lost():
    """All or nothing, also when nobody was told."""
    assert compare([(WHO, [act("unknown")])], kept("consent_record")).lost


def test_what_is_there_twice_is_a_duplicate():
    """Tried twice under one key, kept twice."""
    found = kept() + kept(after=SECOND)

    assert compare([(WHO, [act("unknown", "ok")])], found).duplicates


def test_what_was_refused_and_is_there_is_a_ghost():
    """A refusal is a promise, too."""
    assert compare([(WHO, [act("fail")])], kept()).ghosts


def test_what_nobody_asked_for_is_a_ghost():
    """At a moment when nobody was asking, or of another purpose."""
    assert compare([(WHO, [act("ok")])], kept() + kept(after=60 * SECOND)).ghosts
    assert compare([(WHO, [act("ok")])], kept() + kept(part="CONTACT")).ghosts


@pytest.mark.parametrize(("entries", "holds"), [(1, True), (2, True), (3, False)])
def test_a_question_is_logged_once_each_time_that_it_is_asked(entries, holds):
    """RELIABILITY 3 of 1: asked again because the answer was lost, it is two questions, and never three entries."""
    asked = Act("entry", "key", ("holder",), act("unknown", "ok").tries)
    moments = (timedelta(0), SECOND, SECOND)[:entries]
    found = [Found(WHO, "entry", "holder", NOW + after, "audit_entry") for after in moments]

    assert compare([(WHO, [asked])], found).holds is holds
