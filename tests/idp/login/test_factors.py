"""Which factors there are, and when another may be added (ASVS 6.4.4, 7.5.1, O47)."""

from itertools import combinations

import pytest

from idp.assurance import Aal, aal_of
from idp.login import factors, passkeys, pin, recovery_codes
from tests.fakes import NOW
from tests.idp.login.authenticator import Authenticator


@pytest.mark.parametrize(
    ("have", "proved", "may"),
    [
        (set(), set(), False),
        (set(), {"sms"}, True),
        (set(), {"thaid"}, True),
        (set(), {"line"}, False),
        (set(), {"recovery"}, False),
        ({"pin"}, set(), False),
        ({"pin"}, {"sms"}, False),
        ({"pin"}, {"sms", "pin"}, True),
        ({"pin"}, {"line", "pin"}, False),
        ({"passkey"}, {"sms"}, False),
        ({"passkey", "pin"}, {"passkey"}, True),
        ({"passkey", "pin"}, {"sms", "pin"}, True),
        ({"totp"}, {"sms"}, False),
        ({"totp"}, {"sms", "totp"}, True),
        ({"totp"}, {"totp"}, True),
        ({"totp", "pin"}, {"sms", "totp"}, False),
        ({"totp", "pin"}, {"totp", "pin"}, True),
        ({"totp", "passkey"}, {"sms", "totp"}, False),
        ({"totp", "passkey"}, {"line", "totp"}, False),
        ({"recovery"}, {"recovery"}, False),
        ({"recovery", "totp"}, {"sms", "recovery"}, True),
        ({"recovery", "pin"}, {"recovery", "pin"}, True),
    ],
)
def test_a_further_factor_needs_one_that_was_used(have, proved, may):
    """ASVS 7.5.1: whoever holds the phone may not add a factor beside the person's own."""
    assert factors.may_add(have, proved) is may


@pytest.mark.parametrize(
    ("have", "proved", "need", "asked"),
    [
        (set(), {"sms"}, Aal.AAL2_1, []),
        ({"pin"}, {"sms"}, Aal.AAL2_1, ["pin"]),
        ({"pin", "totp", "passkey"}, {"sms"}, Aal.AAL2_1, ["passkey", "pin"]),
        ({"pin", "totp", "passkey"}, {"sms"}, Aal.AAL2_2, ["passkey"]),
        ({"pin", "totp"}, {"sms"}, Aal.AAL2_2, ["pin"]),
        ({"pin", "totp"}, {"sms", "pin"}, Aal.AAL2_2, []),
        ({"totp"}, {"sms"}, Aal.AAL2_1, ["totp"]),
        ({"totp"}, {"sms", "totp"}, Aal.AAL2_1, []),
        ({"pin", "totp"}, {"totp"}, Aal.AAL2_1, ["pin"]),
        ({"pin", "totp"}, {"line"}, Aal.AAL2_1, ["pin", "totp"]),
        ({"pin", "totp"}, {"line", "pin"}, Aal.AAL2_1, ["totp"]),
        ({"pin"}, {"line"}, Aal.AAL2_1, []),
        ({"pin", "recovery"}, {"recovery"}, Aal.AAL2_1, ["pin"]),
        ({"passkey", "recovery"}, {"sms"}, Aal.AAL2_1, ["passkey"]),
    ],
)
def test_what_is_asked_next_leads_on(have, proved, need, asked):
    """The strongest first; what reaches the level, or leads to where another factor may be added; never a dead end."""
    assert factors.askable(have, proved, need) == asked


EVERY = ("pin", "totp", "passkey", "recovery")
STARTS = ("sms", "totp", "recovery", "passkey", "line", "thaid")


@pytest.mark.parametrize("need", [Aal.AAL2_1, Aal.AAL2_2])
@pytest.mark.parametrize("start", STARTS)
def test_every_walk_ends_at_the_level_or_at_the_set_up_or_at_another_sign_in(start, need):
    """No page of the step-up is asked twice, whatever a person has and however they came."""
    for size in range(len(EVERY) + 1):
        for have in map(frozenset, combinations(EVERY, size)):
            proved = frozenset({start})
            for _ in EVERY:
                asked = factors.askable(have, proved, need)
                if aal_of(proved) >= need or not asked:
                    break
                assert asked[0] not in proved
                proved |= {asked[0]}
            assert aal_of(proved) >= need or not factors.askable(have, proved, need)


def test_available_factors_are_those_that_work_now(session, ring, account, manee):
    """A removed passkey is none, nor is one of staff, nor a sheet whose codes are used."""
    somchai = account.id
    pin.set_pin(session, manee, "294710", now=NOW)
    options = passkeys.registration_options(
        session, subject_id=somchai, display_name="somchai", rp_id="localhost", browser="b", now=NOW
    )
    key = passkeys.register(
        session,
        ring=ring,
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
    session.refresh(key)
    key.removed_at, key.for_staff = None, True
    session.flush()
    assert factors.available(session, somchai) == {"pin"}
    sheet = recovery_codes.prepare(ring, somchai)
    recovery_codes.replace(session, somchai, sheet, now=NOW)
    assert factors.available(session, somchai) == {"pin", "recovery"}
    for code in sheet.shown:
        assert recovery_codes.check(session, ring, somchai, code, now=NOW).outcome == "right"
    assert factors.available(session, somchai) == {"pin"}
