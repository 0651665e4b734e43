from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from consent.db import new_id
from idp import provisional, subjects
from idp.proofing import phone_claims
from idp.proofing.models import PhoneClaim
from idp.proofing.sources.fake import SandboxRegistry
from idp.subjects import NationalId
from tests.fakes import DAY, MINUTE, NOW

MANEE = "2999000010053"
TYPED = "010-000-0777"
PEOPLE = SandboxRegistry().people


def test_an_account_knows_its_number_and_phone_and_nothing_else(session, ring):
    found = provisional.start(session, ring, MANEE, TYPED, now=NOW)

    known = subjects.profile(session, ring, found.id)
    assert (known.phone, known.name_th, known.birth_date, known.gender) == ("+66100000777", "", "", "unknown")
    assert (found.ial, found.ial_method, found.ial_expires_at) == ("1.1", "phone", None)


@pytest.mark.parametrize("phone", [TYPED, "0100000777", "+66100000777"])
def test_the_same_phone_however_it_is_written_finds_it(session, ring, phone):
    started = provisional.start(session, ring, MANEE, TYPED, now=NOW)

    assert provisional.find(session, ring, MANEE, phone).id == started.id
    assert provisional.find(session, ring, MANEE, "0100000778") is None
    assert subjects.find_by_national_id(session, ring, MANEE) is None


def test_an_account_of_record_is_not_provisional(session, ring):
    known = subjects.create(session, ring, MANEE, PEOPLE[MANEE], now=NOW)

    assert not provisional.is_provisional(session, known.id)
    assert provisional.is_provisional(session, provisional.start(session, ring, MANEE, TYPED, now=NOW).id)


def test_what_it_is_found_by_gives_neither_the_number_nor_the_phone(session, ring):
    provisional.start(session, ring, MANEE, TYPED, now=NOW)

    claim = session.scalars(select(NationalId.claim)).one()
    assert len(claim) == 64
    assert claim not in (ring.fingerprint(MANEE), ring.mac("fingerprint", "phone", "+66100000777").hex())


def test_opened_by_several_processes_at_once_it_is_one_account(sessions, ring):
    """The unique claim decides."""

    def begin(_):
        with sessions.writing() as session:
            return provisional.start(session, ring, MANEE, TYPED, now=NOW).id

    with ThreadPoolExecutor(4) as pool:
        opened = set(pool.map(begin, range(8)))

    assert len(opened) == 1
    with sessions.reading() as session:
        assert session.scalar(select(func.count()).select_from(NationalId)) == 1


def test_a_typed_phone_follows_to_the_next_code_and_is_forgotten(session, ring):
    old, new, other = new_id(), new_id(), new_id()
    phone_claims.keep(session, ring, old, "+66100000777", expires_at=NOW + MINUTE)

    phone_claims.follow(session, ring, old, new, expires_at=NOW + DAY)
    phone_claims.follow(session, ring, other, new_id(), expires_at=NOW + DAY)

    assert phone_claims.of(session, ring, new) == "+66100000777"
    assert phone_claims.purge(session, now=NOW + MINUTE * 2) == 1
    assert session.scalars(select(PhoneClaim.challenge_id)).all() == [new]
