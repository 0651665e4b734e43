"""The rules of recoveries, as tables: who may approve, what an account is worth afterwards (THAI.md 3b R8; O43)."""

from uuid import UUID

import pytest

from consent.errors import NotAllowed
from idp import recoveries
from idp.assurance import Ial

PERSON, FIRST, SECOND = UUID(int=1), UUID(int=2), UUID(int=3)


@pytest.mark.parametrize("typed", ["0812345678", "081-234-5678", "๐๘๑ ๒๓๔ ๕๖๗๘", "+66812345678", " 081 2345678"])
def test_a_thai_mobile_number_is_one_number_however_it_is_typed(typed):
    """PAGES: spaces, dashes and Thai digits."""
    assert recoveries.number_of(typed) == "+66812345678"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "021234567",
        "1669",
        "+15551234567",
        "+6621234567",
        "08123456789",
        "081234567",
        "0812345678x",
        "+66" + "9" * 99,
    ],
)
def test_no_code_goes_to_any_other_number(typed):
    """RELIABILITY 3: +66 mobile ranges only, which removes toll fraud."""
    with pytest.raises(NotAllowed) as refused:
        recoveries.number_of(typed)
    assert refused.value.code == "not_mobile"


@pytest.mark.parametrize(
    ("staff", "shown", "account", "refused"),
    [
        ((FIRST, SECOND), "2.2", "2.3", None),
        ((FIRST, SECOND), "2.1", "2.3", None),
        ((FIRST, SECOND), "1.3", "2.3", "too_weak"),
        ((FIRST, SECOND), "1.3", "2.1", "too_weak"),
        ((FIRST, SECOND), "1.3", "1.3", None),
        ((FIRST, SECOND), "1.2", "1.3", "too_weak"),
        ((FIRST, SECOND), "1.2", "1.1", None),
        ((FIRST, FIRST), "2.2", "1.3", "same_person"),
        ((FIRST, PERSON), "2.2", "1.3", "own_account"),
        ((PERSON, FIRST), "2.2", "1.3", "own_account"),
        ((FIRST,), "2.2", "1.3", "same_person"),
    ],
)
def test_two_others_who_saw_enough_may_approve(staff, shown, account, refused):
    """O43: the same proofing as enrolment, as far as a counter can see; four eyes, and never one's own account."""
    assert recoveries.refusal(PERSON, staff, shown=Ial(shown), account=Ial(account)) == refused


@pytest.mark.parametrize(
    ("account", "way", "shown", "anew", "falls_to"),
    [
        ("2.3", "counter", "2.2", False, "2.2"),
        ("2.3", "counter", "2.1", True, "2.1"),
        ("2.2", "counter", "2.2", False, None),
        ("1.3", "counter", "2.2", False, None),
        ("2.3", "factor", None, False, "1.3"),
        ("2.1", "factor", None, False, "1.3"),
        ("2.3", "factor", None, True, None),
        ("1.3", "factor", None, False, None),
        ("1.1", "factor", None, False, None),
    ],
)
def test_an_account_is_worth_no_more_than_its_recovery_showed(account, way, shown, anew, falls_to):
    """THAI.md 3b R8: kept only if R3 or R4 was done again."""
    found = recoveries.level_after(Ial(account), way=way, shown=None if shown is None else Ial(shown), proved_anew=anew)

    assert found == (None if falls_to is None else Ial(falls_to))
