"""R7 at a counter: both people proved, the paper fits, two officers; the whole rule as a table."""

from datetime import timedelta
from uuid import UUID

import pytest

from consent.family.rules import Term
from idp.assurance import Ial
from idp.guardians import Seen, Ward, refusal
from tests.fakes import NOW

MOTHER, CHILD, OFFICER = UUID(int=1), UUID(int=2), UUID(int=3)
GOOD = {
    "guardian": MOTHER,
    "ward": CHILD,
    "officer": OFFICER,
    "guardian_ial": Ial.IAL2_2,
    "guardian_age": 40,
    "guardian_decides": True,
    "ward_ial": Ial.IAL1_3,
    "ward_age": 8,
    "ward_active": True,
    "seen": Seen("parent", "house_register", "9999-000001-2", None),
    "term": Term(NOW + timedelta(days=365), "year"),
}
ORDER = Seen("guardian", "court_order", "ดำ 1/2569", None)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, None),
        ({"ward": MOTHER}, "same_person"),
        ({"officer": MOTHER}, "own_case"),
        ({"officer": CHILD}, "own_case"),
        ({"seen": Seen("helper", "own_choice", "x", None)}, "kind"),
        ({"seen": Seen("guardian", "house_register", "x", None)}, "paper"),
        ({"seen": Seen("curator", "birth_certificate", "x", None)}, "paper"),
        ({"seen": Seen("parent", "house_register", "  ", None)}, "reference"),
        ({"guardian_ial": Ial.IAL1_2}, "guardian_level"),
        ({"guardian_age": 19}, "guardian_age"),
        ({"guardian_age": None}, "guardian_age"),
        ({"guardian_decides": False}, "guardian_ward"),
        ({"ward_active": False}, "ward_closed"),
        ({"ward_ial": Ial.IAL1_1}, "ward_level"),
        ({"ward_age": None}, "age_unknown"),
        ({"ward_age": 20}, "of_age"),
        ({"term": None}, "order_over"),
        ({"seen": ORDER, "ward_age": 34}, None),
        ({"seen": ORDER, "ward_age": None}, None),
    ],
)
def test_s20_on_which_evidence_somebody_may_act(changes, code):
    """PDPA s.20, THAI.md 3b R7: relation evidence, both proofs, the ward's age; nobody enters their own family."""
    assert refusal(**{**GOOD, **changes}) == code


@pytest.mark.parametrize(
    ("typed", "same"),
    [("ชูใจ ใจสมมติ", True), (" ชูใจ  ใจสมมติ ", True), ("ชูใจ", False), ("", False), ("ปิติ ใจสมมติ", False)],
)
def test_a_number_is_worth_nothing_without_its_name(typed, same):
    """However the name is spaced; a person of one name has no family name."""
    assert Ward("1999000010012", typed).is_called("ชูใจ", "ใจสมมติ") is same
    assert Ward("6999000010102", "หล้า").is_called("หล้า", "")
