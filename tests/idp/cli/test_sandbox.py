"""`idp crowd`: made-up people on the database of the settings, sandbox only."""

import pytest

from idp.demo import crowd


def test_a_crowd_is_made_once_and_its_numbers_are_told(migrated):
    """On whatever database the settings name, without a server; again it only says that all are there."""
    told = [migrated("crowd", "12").output for _ in range(2)]

    assert all(
        f"12 made-up people are there, from {crowd.number_of(0)} to {crowd.number_of(11)}." in one for one in told
    )
    assert ["12 of 12" in one for one in told] == [True, False]


@pytest.mark.parametrize("people", ["0", "-5", "72000001", "many"])
def test_a_number_of_people_that_cannot_be_is_refused(migrated, people):
    """Before anything is opened."""
    assert migrated("crowd", "--", people).exit_code == 2


def test_production_gets_no_made_up_people(idp, refusal):
    """A database never changes from one to the other, and a production server refuses exactly these numbers."""
    production = {
        "YINYOM_SANDBOX": "false",
        "YINYOM_ISSUER": "https://id.example.go.th",
        "YINYOM_SMS_GATEWAY_URL": "https://sms.example.go.th",
    }
    assert idp("migrate", **production).exit_code == 0

    assert "only for a sandbox" in refusal(idp("crowd", "3", **production))
