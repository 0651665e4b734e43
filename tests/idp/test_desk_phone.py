"""The phone in the hand: Thai mobiles only, five guesses exactly, the newest code alone, the first number in person."""

import re
from uuid import UUID

import pytest
from sqlalchemy import select

from consent.db import new_id
from idp import desk_phone
from idp.contact.limits import Limited
from idp.desk_phone import LIFETIME, TRIES, DeskCode, mobile
from idp.outbox import Letter
from tests.fakes import MINUTE, NOW, SECOND
from tests.idp.ward import set_up

CASE = UUID(int=1)
PHONE = "+66100000088"


@pytest.fixture
def ward(session, ring, settings):
    """A hospital with a clerk and a doctor."""
    return set_up(session, ring, settings)


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("010-000-0088", PHONE),
        ("๐๑๐ ๐๐๐ ๐๐๘๘", PHONE),
        ("+66100000088", PHONE),
        ("0812345678", "+66812345678"),
        ("02-123-4567", None),
        ("+12025550123", None),
        ("+66812345678901", None),
        ("0712345678", None),
        ("", None),
        ("x", None),
    ],
)
def test_codes_go_to_thai_mobiles_only(typed, number):
    """RELIABILITY 3: no other range, which ends toll fraud."""
    assert mobile(typed) == number


def send(ward, *, now=NOW, phone=PHONE, case=CASE, fixed=None):
    told = {"subject_id": ward.stage.citizen, "desk": ward.desk(), "locale": "th", "fixed_code": fixed}
    return desk_phone.send(ward.session, ward.ring, case, phone, **told, now=now)


def code(ward):
    """The code of the newest letter."""
    row = ward.session.scalars(select(Letter).order_by(Letter.id.desc())).first()
    text = ward.ring.open(row.body_sealed, place=f"letter:{row.id}:body")
    assert "/" not in text
    return re.search(r"\d{6}", text)[0]


def guess(ward, typed, *, now=NOW):
    return desk_phone.guess(ward.session, ward.ring, CASE, typed, now=now)


def test_a_right_code_proves_the_number_once(ward):
    """What is typed a second time proves nothing more."""
    sent = send(ward)
    assert (len(sent.ref), sent.ends_with) == (4, "088")

    assert guess(ward, code(ward))[1] == PHONE
    assert desk_phone.proved(ward.session, ward.ring, CASE, now=NOW) == PHONE
    check, number = guess(ward, code(ward))
    assert (check.outcome, number) == ("spent", "")


def test_five_guesses_and_no_sixth(ward):
    """Exactly."""
    send(ward, fixed="123456")
    outcomes = [guess(ward, "000000")[0].outcome for _ in range(TRIES + 1)]

    assert outcomes == ["wrong"] * TRIES + ["spent"]
    assert guess(ward, "123456")[0].outcome == "spent"


def test_the_newest_code_alone_counts_and_for_five_minutes(ward):
    """An older one stops with the next."""
    send(ward, fixed="111111")
    send(ward, fixed="222222", now=NOW + MINUTE)

    assert guess(ward, "111111", now=NOW + MINUTE)[0].outcome == "wrong"
    assert guess(ward, "222222", now=NOW + MINUTE + LIFETIME)[0].outcome == "expired"
    assert desk_phone.proved(ward.session, ward.ring, CASE, now=NOW + MINUTE) is None


def test_sending_is_limited_by_number_whoever_asks(ward):
    """One in 30 s for each phone, over all counters."""
    send(ward)

    assert isinstance(send(ward, now=NOW + SECOND, case=new_id()), Limited)


def test_an_account_that_has_a_number_keeps_it(ward):
    """Another number is a recovery."""
    had = desk_phone.of_record(ward.session, ward.ring, ward.stage.citizen)

    assert not desk_phone.bind_first(ward.session, ward.ring, ward.stage.citizen, PHONE)
    assert desk_phone.of_record(ward.session, ward.ring, ward.stage.citizen) == had != PHONE


def test_a_code_is_stored_as_neither_code_nor_number(ward):
    """A copied database guesses nothing and calls nobody."""
    send(ward, fixed="123456")

    row = ward.session.scalars(select(DeskCode)).one()
    assert "123456" not in row.code_hash
    assert b"100000088" not in row.phone
    assert desk_phone.purge(ward.session, now=NOW + LIFETIME + SECOND) == 1
