"""Ten codes on paper: shown once, each good once, hashed slowly, guessed at as seldom as a PIN (ASVS 6.5.1, 6.5.2)."""

from collections import Counter

import pytest
from sqlalchemy import select

from idp.login import recovery_codes
from idp.login.recovery_codes import RecoveryCode, RecoverySet
from tests.fakes import MINUTE, NOW, SECOND


@pytest.fixture
def sheet(session, ring, somchai):
    """Somchai's ten."""
    prepared = recovery_codes.prepare(ring, somchai)
    recovery_codes.replace(session, somchai, prepared, now=NOW)
    return prepared.shown


@pytest.fixture
def outcome(session, ring, somchai):
    """What a code comes to."""

    def run(code, now=NOW, person=somchai):
        return recovery_codes.check(session, ring, person, code, now=now).outcome

    return run


def test_a_sheet_has_ten_codes_of_fifty_bits(ring, somchai):
    """ASVS 6.5.4: at least 20 bits; 32 signs that nobody takes for one another, used evenly."""
    sheets = [recovery_codes.prepare(ring, somchai).shown for _ in range(5)]
    codes = [code.replace("-", "") for sheet in sheets for code in sheet]

    assert [len(sheet) for sheet in sheets] == [10] * 5
    assert len(set(codes)) == 50
    assert {len(code) for code in codes} == {10}
    assert len(set(recovery_codes.ALPHABET)) == 32
    assert set("".join(codes)) <= set(recovery_codes.ALPHABET)
    assert not set("ILOU") & set(recovery_codes.ALPHABET)


def test_each_code_opens_once(session, sheet, outcome, told):
    """RELIABILITY rule 1."""
    assert [outcome(code) for code in sheet] == ["right"] * 10
    assert outcome(sheet[0]) == "wrong"
    assert told(session) == [
        "recovery_codes.failed wrong",
        "recovery_codes.made",
        *["recovery_codes.used"] * 10,
    ]


@pytest.mark.usefixtures("sheet")
def test_what_is_kept_opens_nothing(session, ring, somchai, outcome):
    """ASVS 6.5.2: a copied table gives no code away, and a hash typed in is none."""
    kept = session.scalars(select(RecoveryCode.code_hash)).all()

    assert len(kept) == 10
    assert outcome(kept[0]) == "wrong"
    salts = {recovery_codes.prepare(ring, somchai).salt for _ in range(3)}
    assert len(salts | {session.scalar(select(RecoverySet.salt))}) == 4


def test_the_same_code_of_another_person_is_none(session, ring, sheet, manee, outcome):
    """A hash is bound to its owner."""
    recovery_codes.replace(session, manee, recovery_codes.prepare(ring, manee), now=NOW)

    assert outcome(sheet[0], person=manee) == "wrong"
    assert outcome(sheet[0]) == "right"


def test_a_new_sheet_ends_the_old_one(session, ring, somchai, sheet, outcome):
    """What was lost or seen is made worthless by making another."""
    new = recovery_codes.prepare(ring, somchai)
    recovery_codes.replace(session, somchai, new, now=NOW)

    assert recovery_codes.left(session, somchai) == 10
    assert outcome(sheet[0]) == "wrong"
    assert outcome(new.shown[0]) == "right"
    assert recovery_codes.left(session, somchai) == 9


def test_a_person_without_a_sheet_has_none(session, ring, somchai):
    """Nothing to compare with."""
    assert recovery_codes.check(session, ring, somchai, "AAAAAAAAAA", now=NOW).outcome == "none"


def test_five_wrong_codes_lock_for_a_quarter_of_an_hour(sheet, outcome):
    """RELIABILITY rule 1: guesses are counted before they are compared; a locked sheet takes no right code either."""
    assert [outcome("0000000000") for _ in range(5)] == ["wrong"] * 4 + ["locked"]
    assert outcome(sheet[0]) == "locked"
    assert outcome(sheet[0], now=NOW + 15 * MINUTE - SECOND) == "locked"
    assert outcome(sheet[0], now=NOW + 15 * MINUTE) == "right"


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("abcde-fgh12", "ABCDEFGH12"),
        (" ABCDE  FGH12 ", "ABCDEFGH12"),
        ("o0Oil1Iu", "0001111V"),
        ("๑๒๓๔๕", "12345"),
        ("-" * 100 + "A", ""),
        ("A\x00B\u200bC", "ABC"),
    ],
)
def test_what_is_copied_from_paper_is_read_kindly(typed, read):
    """Any case, any separator, Thai digits, and signs that look alike."""
    assert recovery_codes.tidy(typed) == read


def test_of_many_who_type_one_code_at_once_one_enters(sessions, ring, somchai, at_once):
    """RELIABILITY rule 1: one conditional statement uses it up."""
    prepared = recovery_codes.prepare(ring, somchai)
    with sessions.writing() as session:
        recovery_codes.replace(session, somchai, prepared, now=NOW)
    one = prepared.hashes[0]

    answers = at_once(8, lambda session: recovery_codes.use(session, somchai, one, now=NOW))

    assert Counter(answers) == {True: 1, False: 7}
