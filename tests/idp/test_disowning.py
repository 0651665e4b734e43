"""“This was not me”: what was done since is undone, once, and the code opens nothing (RELIABILITY 3; PAGES)."""

import pytest

from idp import alerts, disowning, recovery, subjects
from idp.assurance import Ial
from idp.login import factors, held, pin
from idp.proofing.sources.fake import SandboxRegistry
from tests.fakes import DAY, HOUR, MINUTE, NOW
from tests.idp.afar import Afar
from tests.idp.oauth.stage import set_up

LATER = NOW + HOUR


@pytest.fixture
def afar(session, ring, settings):
    """The stage's citizen."""
    return Afar(set_up(session, ring, settings))


def test_whoever_came_in_since_is_out_with_all_that_they_granted(afar):
    """The person's own, older session runs on."""
    own = afar.sign_in(now=NOW - MINUTE)
    theirs = afar.sign_in()
    refresh = afar.granted(theirs, offline=True)["refresh_token"]
    code = afar.notice("new_device")

    assert disowning.disown(*afar.what, code, now=LATER).kind == "new_device"

    assert not afar.alive(theirs)
    assert afar.alive(own)
    assert afar.stage.refresh(refresh).body["error"] == "invalid_grant"
    assert ("portal", "session-revoked") in [one[:2] for one in afar.sets()]


def test_no_code_goes_by_sms_for_a_day(session, afar):
    """RELIABILITY 3: freezes SMS for 24 h."""
    disowning.disown(*afar.what, afar.notice("new_device"), now=LATER)

    assert alerts.sms_frozen(session, afar.person, now=LATER + DAY - MINUTE)
    assert not alerts.sms_frozen(session, afar.person, now=LATER + DAY)
    assert alerts.adding_held_since(session, afar.person) is None


def test_a_way_in_that_was_added_is_gone_and_a_code_alone_adds_no_other(session, afar):
    """Whoever reads the person's messages must not be able to put a PIN of their own in the place of the person's."""
    pin.set_pin(session, afar.person, "482915", now=NOW)
    code = afar.notice("pin_set")

    disowning.disown(*afar.what, code, now=LATER)

    assert factors.available(session, afar.person) == frozenset()
    assert alerts.adding_held_since(session, afar.person) == LATER


def test_what_was_there_before_stays(session, afar):
    """Only what was added since."""
    pin.set_pin(session, afar.person, "482915", now=NOW - MINUTE)

    disowning.disown(*afar.what, afar.notice("passkey_added"), now=LATER)

    assert factors.available(session, afar.person) == {"pin"}
    assert alerts.adding_held_since(session, afar.person) is None


def test_a_passkey_of_staff_stays(session, afar):
    """It opens no account; whoever reads somebody's messages must not lock them out of their work."""
    facts = {"credential_id": "c", "public_key": b"k", "sign_count": 0, "device_type": "single_device"}
    facts |= {"backed_up": False, "name": "", "aaguid": "", "transports": "", "created_at": NOW}
    for for_staff in (True, False):
        own = {**facts, "credential_id": f"c{for_staff}", "for_staff": for_staff}
        session.add(held.Passkey(subject_id=afar.person, **own))
    session.flush()

    disowning.disown(*afar.what, afar.notice("passkey_added"), now=LATER)

    assert held.of(session, afar.person) == []
    assert len(held.of(session, afar.person, for_staff=True)) == 1


def test_a_recovery_that_waits_is_stopped(session, ring, settings, afar):
    """R8: cancellable by the code of the notice."""
    staff = (_other(session, ring, "3999000010183"), _other(session, ring, "3999000010191"))
    facts = {"subject_id": afar.person, "new_phone": None, "hcode": "99001", "shown": Ial.IAL2_2, "staff": staff}
    recovery.approve(session, ring, settings, now=NOW, **facts)
    code = next(word for word in afar.messages()[-1][1].split() if alerts.typed(word))

    disowning.disown(*afar.what, code, now=LATER)

    assert recovery.open_case(session, afar.person) is None
    assert [one.reason for one in afar.told("recovery.denied")] == ["disowned"]


def test_a_change_that_adds_no_way_in_takes_none_away(session, afar):
    """A code of an old notice is no weapon against what the person added since."""
    code = afar.notice("level_changed")
    pin.set_pin(session, afar.person, "482915", now=NOW + MINUTE)

    disowning.disown(*afar.what, code, now=LATER)

    assert factors.available(session, afar.person) == {"pin"}


@pytest.mark.parametrize("typed", ["", "x", "ABCD-EFGH-JKLM", "000000"])
def test_a_wrong_code_changes_nothing(session, afar, typed):
    """It says the same whoever asks."""
    token = afar.sign_in()
    afar.notice("new_device")

    assert disowning.disown(*afar.what, typed, now=LATER) is None

    assert afar.alive(token)
    assert not alerts.sms_frozen(session, afar.person, now=LATER)
    assert afar.told("alert.disowned") == []


def test_a_code_disowns_once_and_the_log_says_what(session, afar):
    """A second time finds nothing."""
    pin.set_pin(session, afar.person, "482915", now=NOW)
    code = afar.notice("pin_set")
    disowning.disown(*afar.what, code, now=LATER)
    token = afar.sign_in(now=LATER)

    assert disowning.disown(*afar.what, code, now=LATER) is None

    assert afar.alive(token, now=LATER)
    assert [one.codes for one in afar.told("alert.disowned")] == [("change:pin_set", "removed:pin")]


def _other(session, ring, national_id):
    return subjects.create(session, ring, national_id, SandboxRegistry().people[national_id], now=NOW).id
