import pytest
from sqlalchemy import select

from idp import subjects
from idp.contact import line_links
from idp.contact.line_links import LineLink
from tests.fakes import HOUR, NOW
from tests.idp.web.stage import person

USER, OTHER = "U" + "a" * 32, "U" + "b" * 32


@pytest.fixture
def somchai(session, ring):
    return subjects.create(session, ring, "3999000010035", person(), now=NOW).id


@pytest.fixture
def namesake(session, ring):
    return subjects.create(session, ring, "3999000010043", person(), now=NOW).id


def add(session, ring, subject_id, user_id=USER):
    return line_links.add(session, ring, subject_id=subject_id, user_id=user_id, now=NOW)


def test_a_linked_account_is_found_both_ways(session, ring, somchai):
    assert add(session, ring, somchai)

    assert line_links.user_of(session, ring, somchai) == USER
    assert line_links.owner_of(session, ring, USER, now=NOW + HOUR) == somchai
    assert session.scalars(select(LineLink)).one().last_used_at == NOW + HOUR


def test_one_line_account_is_one_persons_and_the_reverse(session, ring, somchai, namesake):
    add(session, ring, somchai)

    assert not add(session, ring, namesake)
    assert not add(session, ring, somchai, OTHER)
    assert line_links.user_of(session, ring, somchai) == USER


def test_what_was_taken_off_opens_nothing_and_may_be_linked_anew(session, ring, somchai, namesake):
    add(session, ring, somchai)

    assert line_links.remove(session, somchai, now=NOW + HOUR)
    assert not line_links.remove(session, somchai, now=NOW + HOUR)
    assert line_links.owner_of(session, ring, USER, now=NOW + HOUR) is None
    assert line_links.user_of(session, ring, somchai) is None
    assert add(session, ring, namesake)


def test_a_link_that_ended_keeps_no_id(session, ring, somchai):
    add(session, ring, somchai)
    line_links.remove(session, somchai, now=NOW)
    session.expire_all()

    assert session.scalars(select(LineLink)).one().user_id is None


def test_the_id_is_not_readable_where_it_is_kept(session, ring, somchai):
    add(session, ring, somchai)

    row = session.scalars(select(LineLink)).one()
    assert USER.encode() not in row.user_id
    assert USER not in row.fingerprint


def test_a_line_account_that_nobody_linked_is_nobodys(session, ring):
    assert line_links.owner_of(session, ring, USER, now=NOW) is None
    assert not line_links.is_linked(session, ring, USER)
