"""Linking LINE, signing in by it, taking it off (THAI.md 1a row 13)."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from consent.audit.models import AuditEntry
from idp import subjects
from idp.alerts import Notice
from idp.assurance import Ial
from idp.contact import line_links
from idp.login import line_linking
from idp.outbox import Letter
from idp.subjects import Subject
from tests.fakes import NOW
from tests.idp.web.stage import person

USER, OTHER = "U" + "a" * 32, "U" + "b" * 32


@pytest.fixture
def somchai(session, ring):
    return subjects.create(session, ring, "3999000010035", person(), now=NOW).id


@pytest.fixture
def namesake(session, ring):
    return subjects.create(session, ring, "3999000010043", person(), now=NOW).id


def link(session, ring, subject_id, *, user_id=USER, ial=Ial.IAL1_3):
    return line_linking.link(session, ring, subject_id=subject_id, ial=ial, user_id=user_id, now=NOW)


def events(session):
    return session.scalars(select(AuditEntry.event).order_by(AuditEntry.id)).all()


def addressees(session, ring, kind):
    letters = session.scalars(select(Letter).where(Letter.kind == kind)).all()
    return [ring.open(one.to_sealed, place=f"letter:{one.id}:to") for one in letters]


def test_somebody_who_was_proved_links_their_line(session, ring, somchai):
    assert link(session, ring, somchai) == "linked"

    assert line_links.user_of(session, ring, somchai) == USER
    assert "link.created" in events(session)
    assert [notice.kind for notice in session.scalars(select(Notice))] == ["line_linked"]


def test_the_line_account_that_comes_in_is_not_told_how_to_disown_it(session, ring, somchai):
    """The old channels hear the code of "this was not me"; whoever linked it must not."""
    link(session, ring, somchai)

    assert addressees(session, ring, "line") == []
    assert addressees(session, ring, "sms") == ["+66100000035"]


def test_a_typed_number_alone_links_nothing(session, ring, somchai):
    """Own proofing comes first."""
    assert link(session, ring, somchai, ial=Ial.IAL1_1) == "too_low"
    assert line_links.of(session, somchai) is None


def test_a_line_account_of_somebody_else_is_not_taken_over(session, ring, somchai, namesake):
    link(session, ring, somchai)

    assert link(session, ring, namesake) == "taken"
    assert link(session, ring, somchai, user_id=OTHER) == "taken"
    assert line_links.owner_of(session, ring, USER, now=NOW) == somchai


def test_a_linked_line_account_signs_in_as_its_person(session, ring, somchai):
    link(session, ring, somchai)

    assert line_linking.entered(session, ring, USER, now=NOW) == somchai
    assert line_linking.entered(session, ring, OTHER, now=NOW) == "unlinked"


@pytest.mark.parametrize("status", ["closed", "deceased"])
def test_a_shut_account_is_not_entered(session, ring, somchai, status):
    link(session, ring, somchai)
    session.execute(update(Subject).where(Subject.id == somchai).values(status=status))

    assert line_linking.entered(session, ring, USER, now=NOW) == "closed"


def test_nobody_under_twenty_enters(session, ring):
    young = subjects.create(session, ring, "1999000010021", person(birth_date="2011-05-01"), now=NOW).id
    link(session, ring, young)

    assert line_linking.entered(session, ring, USER, now=NOW) == "closed"


def test_taking_it_off_is_the_last_thing_that_line_hears(session, ring, somchai):
    link(session, ring, somchai)

    assert line_linking.unlink(session, ring, subject_id=somchai, now=NOW + timedelta(hours=1))

    assert addressees(session, ring, "line") == [USER]
    assert line_linking.entered(session, ring, USER, now=NOW) == "unlinked"
    assert "link.removed" in events(session)


def test_taking_it_off_twice_writes_nothing_the_second_time(session, ring, somchai):
    link(session, ring, somchai)
    line_linking.unlink(session, ring, subject_id=somchai, now=NOW)
    before = events(session)

    assert not line_linking.unlink(session, ring, subject_id=somchai, now=NOW)
    assert events(session) == before
