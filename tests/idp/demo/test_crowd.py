"""A crowd of made-up people: numbers that belong to nobody, accounts like all others, and a seeding that goes on."""

from contextlib import suppress

import pytest
from sqlalchemy import func, select

from idp import subjects
from idp.demo import crowd
from idp.national_id import RealOnly, SyntheticOnly, parse_national_id
from idp.proofing.sources.fake import SandboxRegistry
from idp.subjects import NationalId, Subject
from tests.fakes import NOW

SOME = (0, 1, 12_345, crowd.SERIALS - 1, crowd.SERIALS, 28_000_000, crowd.MOST - 1)


class PowerCut(Exception):  # noqa: N818 -- an event
    """The process is gone."""


def how_many(sessions):
    with sessions.reading() as session:
        return session.scalar(select(func.count()).select_from(Subject)), session.scalar(
            select(func.count(NationalId.fingerprint.distinct()))
        )


@pytest.mark.parametrize("n", SOME)
def test_every_number_is_well_formed_and_can_belong_to_nobody(n):
    """THAI.md 6: the sandbox takes only such numbers, and production none of them."""
    number = crowd.number_of(n)

    assert parse_national_id(number) == number
    assert SyntheticOnly().allows(number)
    assert not RealOnly().allows(number)


def test_no_number_is_given_twice_or_is_a_persona_s():
    """Two people of one number would be one account."""
    numbers = {crowd.number_of(n) for n in (*range(3_000), *range(crowd.SERIALS - 5, crowd.SERIALS + 5))}

    assert len(numbers) == 3_010
    assert not numbers & SandboxRegistry().people.keys()


@pytest.mark.parametrize("n", [-1, crowd.MOST])
def test_beyond_the_last_number_there_is_nobody(n):
    """A number of eight digits would be somebody's, or nobody's in a way that production does not refuse."""
    with pytest.raises(ValueError, match="no more"):
        crowd.number_of(n)


def test_more_people_than_numbers_are_refused_before_any_is_made(sessions, ring):
    """One sentence, and an untouched database."""
    with pytest.raises(ValueError, match="no more"):
        list(crowd.people(sessions, ring, crowd.MOST + 1, now=NOW))

    assert how_many(sessions) == (0, 0)


def test_a_person_of_the_crowd_is_found_and_opened_like_anybody(sessions, ring):
    """Sealed under a key of their own, as an account that a person opened."""
    list(crowd.people(sessions, ring, 3, now=NOW))

    with sessions.reading() as session:
        found = subjects.find_by_national_id(session, ring, crowd.number_of(2))
        shown = subjects.profile(session, ring, found.id)
        stored = b"".join(bytes(getattr(found, name)) for name in ("name_th", "phone", "email", "address", "data_key"))
    assert shown.name_th == crowd.person_of(2).given_name_th + " " + crowd.person_of(2).family_name_th
    assert (shown.phone, found.ial, found.status) == ("+66100000002", "1.3", "active")
    assert shown.given_name_th.encode() not in stored
    assert subjects.age_on(shown.birth_date, NOW) >= 20


def test_after_a_kill_the_seeding_goes_on_without_doubles(sessions, ring, monkeypatch):
    """Whole batches are kept; the one that was being written is made again."""
    monkeypatch.setattr(crowd, "BATCH", 10)
    written = crowd._put
    calls = iter(range(100))

    def cut(session, made):
        written(session, made)
        if next(calls) == 5:  # in the third batch, after its numbers
            raise PowerCut

    monkeypatch.setattr(crowd, "_put", cut)
    with suppress(PowerCut):
        list(crowd.people(sessions, ring, 45, now=NOW))
    assert how_many(sessions) == (20, 20)

    monkeypatch.setattr(crowd, "_put", written)
    told = [progress.there for progress in crowd.people(sessions, ring, 45, now=NOW)]

    assert told == [30, 40, 45]
    assert how_many(sessions) == (45, 45)


def test_seeding_again_adds_nobody_and_says_nothing(sessions, ring):
    """Safe at every start; fewer than there are takes nobody away."""
    list(crowd.people(sessions, ring, 7, now=NOW))
    said = []

    for wanted in (7, 5):
        crowd.seed(sessions, ring, wanted, now=NOW, say=said.append)

    assert (said, how_many(sessions)) == ([], (7, 7))


def test_progress_is_told_with_its_speed(sessions, ring, monkeypatch):
    """A million takes minutes; who waits sees how many and how fast."""
    monkeypatch.setattr(crowd, "BATCH", 2)
    said = []

    crowd.seed(sessions, ring, 3, now=NOW, say=said.append)

    assert [line.split(" (")[0] for line in said] == ["2 of 3 made-up people", "3 of 3 made-up people"]
    assert all(line.endswith(" a second)") for line in said)
