"""From the counter to the person's own phone (RFC 10027): one browser, two digits, one use, five minutes."""

from uuid import UUID

import pytest

from consent.errors import NotFound
from idp import handover
from idp.handover import LIFETIME
from tests.fakes import NOW, SECOND
from tests.idp.ward import set_up

CASE, PHONE, STRANGER = UUID(int=1), "p" * 43, "s" * 43


@pytest.fixture
def ward(session, ring, settings):
    """A hospital with a clerk and a doctor."""
    return set_up(session, ring, settings)


def begun(ward, now=NOW):
    told = {"subject_id": ward.stage.citizen, "desk": ward.desk()}
    return handover.begin(ward.session, CASE, **told, now=now)


def look(ward, token, *, browser=PHONE, now=NOW):
    return handover.look(ward.session, token, browser=browser, now=now)


def taken(ward):
    token = begun(ward)
    assert handover.take(ward.session, token, browser=PHONE, now=NOW)
    return token


def test_a_code_is_taken_by_one_browser(ward):
    """Looking takes nothing; the first press does, and then nobody else sees anything."""
    token = begun(ward)
    assert {look(ward, token, browser=one).state for one in (PHONE, STRANGER)} == {"new"}

    assert handover.take(ward.session, token, browser=PHONE, now=NOW)
    assert not handover.take(ward.session, token, browser=STRANGER, now=NOW)

    assert look(ward, token).state == "taken"
    with pytest.raises(NotFound):
        look(ward, token, browser=STRANGER)


def test_the_digits_of_the_phone_confirm_it(ward):
    """The desk never gets them from us."""
    token = taken(ward)
    digits = look(ward, token).digits
    assert handover.of_case(ward.session, CASE, now=NOW).digits == ""

    assert handover.confirm(ward.session, CASE, digits, now=NOW)
    assert look(ward, token).state == "confirmed"


def test_one_wrong_pair_ends_it(ward):
    """A hundred pairs, one guess."""
    token = taken(ward)
    digits = look(ward, token).digits
    wrong = f"{(int(digits) + 1) % 100:02}"

    assert not handover.confirm(ward.session, CASE, wrong, now=NOW)
    assert not handover.confirm(ward.session, CASE, digits, now=NOW)
    assert look(ward, token).state == "over"


def test_digits_before_a_phone_took_it_confirm_nothing(ward):
    """There is no phone yet."""
    token = begun(ward)

    assert not handover.confirm(ward.session, CASE, look(ward, token).digits, now=NOW)


def test_it_is_used_once_by_the_phone_that_took_it_after_the_digits(ward):
    """In this order, by this browser, once."""
    token = taken(ward)
    assert not handover.use(ward.session, token, browser=PHONE, now=NOW)
    handover.confirm(ward.session, CASE, look(ward, token).digits, now=NOW)

    assert not handover.use(ward.session, token, browser=STRANGER, now=NOW)
    assert handover.use(ward.session, token, browser=PHONE, now=NOW)
    assert not handover.use(ward.session, token, browser=PHONE, now=NOW)
    assert look(ward, token).state == "used"


def test_everything_ends_after_five_minutes(ward):
    """Each step looks at the clock."""
    token, late = begun(ward), NOW + LIFETIME
    assert not handover.take(ward.session, token, browser=PHONE, now=late)
    handover.take(ward.session, token, browser=PHONE, now=late - SECOND)
    digits = look(ward, token).digits
    handover.confirm(ward.session, CASE, digits, now=late - SECOND)

    assert not handover.use(ward.session, token, browser=PHONE, now=late)
    assert look(ward, token, now=late).state == "over"
    assert handover.purge(ward.session, now=late + SECOND) == 1


def test_a_new_code_ends_the_older_one(ward):
    """Newest only."""
    first = begun(ward)
    second = begun(ward, now=NOW + SECOND)

    assert look(ward, first, now=NOW + SECOND).state == "over"
    assert look(ward, second, now=NOW + SECOND).state == "new"
    assert handover.of_case(ward.session, CASE, now=NOW + SECOND).state == "new"


def test_a_code_has_256_bits_and_is_stored_as_a_hash(ward):
    """A copied database hands nothing over."""
    token = begun(ward)

    stored = ward.session.query(handover.Handover.token_hash).scalar()
    assert len(token) == 43
    assert token not in stored


def test_the_qr_code_is_drawn_dark_on_light():
    """Every colour scheme, every camera."""
    svg = handover.qr_svg("https://id.example.test/hand-over/" + "x" * 43)

    assert svg.startswith("<svg")
    assert "#fff" in svg
