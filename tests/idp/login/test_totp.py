"""Authenticator app: enrolment, one use per step, counting (RFC 6238 section 5.2, ASVS 6.5)."""

import re
from collections import Counter
from urllib.parse import parse_qs, unquote, urlsplit

import pyotp
import pytest
from sqlalchemy import select

from idp import subjects
from idp.login import factors, totp
from idp.ports import RegistryPerson
from tests.fakes import HOUR, MINUTE, NOW, SECOND

SOMCHAI = RegistryPerson(
    title_th="นาย",
    given_name_th="สมชาย",
    family_name_th="ใจสมมติ",
    title_en="Mr",
    given_name_en="Somchai",
    family_name_en="Jaisommut",
    birth_date="1980-04-01",
    gender="male",
    phone="0100000001",
)
STEP = 30 * SECOND


@pytest.fixture
def enrol(ring):
    """Give a fresh Somchai a confirmed app; returns (subject_id, what the app shows at a moment)."""

    def run(session, *, now=NOW - HOUR):
        person = subjects.create(session, ring, "3999000010035", SOMCHAI, now=NOW).id
        sealer = subjects.PersonSealer(ring, session)
        app = pyotp.TOTP(totp.begin(session, ring, sealer, person, now=now).secret_b32)
        assert totp.confirm(session, sealer, person, app.at(now), now=now).outcome == "right"
        return person, app.at

    return run


@pytest.fixture
def check(ring):
    """Check a code in a session."""

    def run(session, person, code, *, now=NOW):
        return totp.check(session, subjects.PersonSealer(ring, session), person, code, now=now)

    return run


def test_an_enrolment_names_nobody_and_has_160_bits(session, ring):
    """RFC 4226 section 4 R6; the label is copied to clouds and lock screens."""
    person = subjects.create(session, ring, "3999000010035", SOMCHAI, now=NOW).id

    shown = totp.begin(session, ring, subjects.PersonSealer(ring, session), person, now=NOW)

    parts = urlsplit(shown.uri)
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert re.fullmatch(r"/Yinyom:[0-9a-f]{8}", unquote(parts.path))
    assert parse_qs(parts.query)["secret"] == [shown.secret_b32]
    assert len(shown.secret_b32) == 32


def test_a_shown_secret_stays_for_a_quarter_of_an_hour(session, ring):
    """A mistyped code costs no new scan; a page left open does not wait for ever."""
    person = subjects.create(session, ring, "3999000010035", SOMCHAI, now=NOW).id
    sealer = subjects.PersonSealer(ring, session)
    first = totp.begin(session, ring, sealer, person, now=NOW)
    code = pyotp.TOTP(first.secret_b32).at(NOW + 15 * MINUTE)

    assert totp.begin(session, ring, sealer, person, now=NOW + 15 * MINUTE - SECOND) == first
    assert totp.confirm(session, sealer, person, code, now=NOW + 15 * MINUTE).outcome == "none"
    assert totp.begin(session, ring, sealer, person, now=NOW + 15 * MINUTE) != first


def test_the_secret_is_sealed_under_the_persons_key(session, ring):
    """DECISIONS 5."""
    person = subjects.create(session, ring, "3999000010035", SOMCHAI, now=NOW).id

    shown = totp.begin(session, ring, subjects.PersonSealer(ring, session), person, now=NOW)

    assert shown.secret_b32.encode() not in session.scalar(select(totp.Totp.pending))


def test_nothing_counts_before_the_first_right_code(session, ring, check, told):
    """An unproved app would lock its owner out."""
    person = subjects.create(session, ring, "3999000010035", SOMCHAI, now=NOW).id
    sealer = subjects.PersonSealer(ring, session)
    app = pyotp.TOTP(totp.begin(session, ring, sealer, person, now=NOW).secret_b32)

    assert check(session, person, app.at(NOW)).outcome == "none"
    assert factors.available(session, person) == frozenset()
    assert totp.confirm(session, sealer, person, "000000", now=NOW) == totp.Check("wrong", tries_left=4)
    assert totp.confirm(session, sealer, person, app.at(NOW), now=NOW).outcome == "right"
    assert factors.available(session, person) == {"totp"}
    assert told(session) == ["totp.added", "totp.failed wrong"]
    assert totp.confirm(session, sealer, person, app.at(NOW + STEP), now=NOW).outcome == "none"


def test_the_code_of_the_enrolment_does_not_also_sign_in(session, enrol, check):
    """RFC 6238 section 5.2: one use."""
    person, code = enrol(session, now=NOW)

    assert check(session, person, code(NOW)).outcome == "wrong"
    assert check(session, person, code(NOW + STEP)).outcome == "right"


def test_a_code_works_once_and_a_step_never_goes_back(session, enrol, check, told):
    """RFC 6238 section 5.2, O39."""
    person, code = enrol(session)

    assert check(session, person, code(NOW)).outcome == "right"
    assert check(session, person, code(NOW)).outcome == "wrong"
    assert check(session, person, code(NOW - STEP)).outcome == "wrong"
    assert told(session) == ["totp.added"] + ["totp.failed replayed"] * 2
    assert check(session, person, code(NOW + STEP)).outcome == "right"


@pytest.mark.parametrize(("steps", "outcome"), [(-2, "wrong"), (-1, "right"), (0, "right"), (1, "right"), (2, "wrong")])
def test_one_step_of_drift_is_forgiven(session, enrol, check, steps, outcome):
    """RFC 6238 section 5.2: at most one step of delay is recommended."""
    person, code = enrol(session)

    assert check(session, person, code(NOW + steps * STEP)).outcome == outcome


def test_digits_may_be_thai_or_grouped(session, enrol, check):
    """Issue 2: input is normalised before it is judged."""
    person, code = enrol(session)
    digits = code(NOW)

    thai = "".join(chr(ord("๐") + int(digit)) for digit in digits)

    assert check(session, person, f"{thai[:3]} {thai[3:]}").outcome == "right"


@pytest.mark.parametrize("typed", ["", "12345", "abcdef", "๑๒๓", "1" * 10_000, "\ud800" * 6])
def test_nonsense_is_a_wrong_code(session, enrol, check, typed):
    """ASVS 2.2: bad input is an answer, not a fault."""
    person, _ = enrol(session)

    assert check(session, person, typed) == totp.Check("wrong", tries_left=4)


def test_five_wrong_codes_lock_the_app_alone(session, enrol, check, told):
    """RELIABILITY 3."""
    person, code = enrol(session)

    answers = [check(session, person, "000000") for _ in range(5)]

    assert [answer.outcome for answer in answers] == ["wrong"] * 4 + ["locked"]
    assert check(session, person, code(NOW)) == totp.Check("locked", until=NOW + 15 * MINUTE)
    later = NOW + 15 * MINUTE
    assert check(session, person, code(later), now=later).outcome == "right"
    assert told(session) == ["totp.added", *["totp.failed wrong"] * 5, "totp.locked tries_spent"]


def test_an_app_keeps_working_until_its_successor_is_proved(session, ring, enrol, check):
    """A phone half moved is not a phone lost."""
    person, old = enrol(session)
    sealer = subjects.PersonSealer(ring, session)
    new = pyotp.TOTP(totp.begin(session, ring, sealer, person, now=NOW).secret_b32)

    assert check(session, person, old(NOW)).outcome == "right"
    assert totp.confirm(session, sealer, person, new.at(NOW), now=NOW).outcome == "right"
    assert check(session, person, old(NOW + STEP)).outcome == "wrong"
    assert check(session, person, new.at(NOW + STEP)).outcome == "right"


def test_a_person_without_an_app_is_told_so(session, somchai, check):
    """Nothing is spent and nothing logged."""
    assert check(session, somchai, "123456") == totp.Check("none")


def test_of_many_hands_with_one_code_one_gets_in(sessions, enrol, check, at_once):
    """RELIABILITY rule 1: a step is consumed by one conditional update."""
    with sessions.writing() as session:
        person, code = enrol(session)
    shown = code(NOW)

    answers = at_once(4, lambda session: check(session, person, shown))

    assert Counter(answer.outcome for answer in answers) == {"right": 1, "wrong": 3}


def test_of_forty_parallel_codes_exactly_five_are_evaluated(sessions, enrol, check, at_once):
    """RELIABILITY rule 1."""
    with sessions.writing() as session:
        person, _ = enrol(session)

    answers = at_once(40, lambda session: check(session, person, "000000"))

    assert Counter(answer.outcome for answer in answers) == {"wrong": 4, "locked": 36}


def test_of_many_confirmations_at_once_one_adopts(sessions, ring, at_once):
    """A double tap adds one app."""
    with sessions.writing() as session:
        person = subjects.create(session, ring, "3999000010035", SOMCHAI, now=NOW).id
        shown = totp.begin(session, ring, subjects.PersonSealer(ring, session), person, now=NOW)
    code = pyotp.TOTP(shown.secret_b32).at(NOW)

    answers = at_once(
        4, lambda session: totp.confirm(session, subjects.PersonSealer(ring, session), person, code, now=NOW)
    )

    assert [answer.outcome for answer in answers].count("right") == 1


def test_only_the_secret_that_was_compared_is_adopted(session, ring):
    """A second page may have shown another one meanwhile."""
    person = subjects.create(session, ring, "3999000010035", SOMCHAI, now=NOW).id
    totp.begin(session, ring, subjects.PersonSealer(ring, session), person, now=NOW)
    shown = session.scalar(select(totp.Totp.pending))

    assert not totp._adopt(session, person, b"another", 1, now=NOW)
    assert totp._adopt(session, person, shown, 1, now=NOW)
    assert not totp._adopt(session, person, shown, 1, now=NOW)


def test_the_picture_is_an_svg_that_a_strict_policy_allows():
    """PAGES: no inline style; the page sets the size."""
    svg = totp.qr_svg("otpauth://totp/Yinyom:0a1b2c3d?secret=" + "A" * 32 + "&issuer=Yinyom")

    assert svg.startswith("<svg")
    assert "viewBox" in svg
    assert not re.search(r"style=|<script|width=\"\d+\"", svg)
