"""Which factors there are, and when another may be added (ASVS 6.4.4, 7.5.1, O47)."""

import pytest

from idp.assurance import Aal
from idp.login import factors, passkeys, pin
from tests.fakes import NOW
from tests.idp.login.authenticator import Authenticator


@pytest.mark.parametrize(
    ("have", "aal", "may"),
    [
        (frozenset(), None, False),
        (frozenset(), Aal.AAL1, True),
        (frozenset(), Aal.AAL2_2, True),
        ({"pin"}, None, False),
        ({"pin"}, Aal.AAL1, False),
        ({"pin"}, Aal.AAL2_1, True),
        ({"passkey"}, Aal.AAL1, False),
        ({"passkey", "pin"}, Aal.AAL2_2, True),
        ({"totp"}, Aal.AAL3, True),
    ],
)
def test_a_further_factor_needs_one_that_was_used(have, aal, may):
    """ASVS 7.5.1: whoever holds the phone may not add a factor beside the person's own."""
    assert factors.may_add(have, aal) is may


def test_available_factors_are_those_that_work_now(session, somchai, manee):
    """A removed passkey is none."""
    pin.set_pin(session, manee, "294710", now=NOW)
    options = passkeys.registration_options(
        session, subject_id=somchai, display_name="somchai", rp_id="localhost", browser="b", now=NOW
    )
    key = passkeys.register(
        session,
        subject_id=somchai,
        credential=Authenticator("http://localhost:8000").create(options),
        name="",
        rp_id="localhost",
        origin="http://localhost:8000",
        browser="b",
        now=NOW,
    )

    assert factors.available(session, somchai) == {"passkey"}
    assert factors.available(session, manee) == {"pin"}
    passkeys.remove(session, key.id, subject_id=somchai, now=NOW)
    pin.set_pin(session, somchai, "294710", now=NOW)
    assert factors.available(session, somchai) == {"pin"}
