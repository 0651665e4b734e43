"""THAI law as tests: each section of the PDPA that is a duty of ours has tests named after it, and they exist."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
NAMES = re.compile(r"^def test_s(\d+)(?:_s?(\d\d))?_", re.MULTILINE)
DUTIES = {  # section of the PDPA -> what it asks of this server
    19: "consent: separate, free, as easily withdrawn as given, effects told",
    20: "minors and incompetent persons: who agrees for them, until when",
    21: "use for the purpose that was told",
    22: "no more than is necessary",
    23: "the notice: who, what for, which data, how long, to whom, rights",
    24: "a basis other than consent is recorded, and shown",
    25: "data from another source are told of",
    26: "health data: explicit consent, or a recorded exception; emergencies",
    27: "a disclosure without consent is recorded",
    28: "abroad: country, safeguard, an extra sentence",
    30: "access and a copy",
    31: "portability",
    32: "objection",
    33: "erasure",
    34: "restriction",
    35: "accuracy",
    36: "refusals of rights are recorded",
    37: "security, deletion, and the 72 hours of a breach",
    39: "records of processing",
    40: "processors are named with their agreement",
    41: "the data protection officer",
    73: "complaint to the expert committee",
}

BESIDE = {  # other law of the same table -> what its tests are called
    "national_health_act_s7": "health data are a secret of the person: their wish, or a law on record",
    "telemedicine": "both sides identified; recording by a consent of its own",
    "volunteers": "appointments and measurements of a household, for a day",
    "computer_crime_act": "traffic data are kept for ninety days",
}


def covered():
    """The sections that some test carries in its name; `test_s21_s22_…` counts for both ends and between."""
    found = set()
    for path in TESTS.rglob("test_*.py"):
        for first, last in NAMES.findall(path.read_text(encoding="utf-8")):
            found.update(range(int(first), int(last or first) + 1))
    return found


@pytest.mark.parametrize("section", sorted(DUTIES))
def test_every_duty_has_a_test_named_after_its_section(section):
    """PDPA, THAI law part: a duty without a test is a promise."""
    assert section in covered(), f"s.{section}: {DUTIES[section]}"


@pytest.mark.parametrize("law", sorted(BESIDE))
def test_every_duty_beside_the_pdpa_has_a_test_named_after_it(law):
    """THAI law part, its last rows."""
    texts = (path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py"))
    assert any(f"\ndef test_{law}_" in text for text in texts), BESIDE[law]
