"""Signing out from afar: sessions, what hangs on them, and the services that relied on them (O46; CAEP 1.0)."""

import pytest

from consent.db import new_id
from consent.errors import NotFound
from idp import signing_out
from idp.assurance import Aal
from idp.login import devices
from idp.login import sessions as sign_ins
from tests.fakes import HOUR, MINUTE, NOW
from tests.idp.afar import Afar
from tests.idp.oauth.stage import set_up


@pytest.fixture
def afar(session, ring, settings):
    """The stage's citizen."""
    return Afar(set_up(session, ring, settings))


def test_one_session_ends_with_the_tokens_that_last_only_with_it(afar):
    """ASVS 7.4.1, 7.5.2."""
    here, there = afar.sign_in(), afar.sign_in()
    access = afar.granted(there)["access_token"]

    signing_out.one(*afar.what, sign_ins.hash_of(there), subject_id=afar.person, now=NOW)

    assert (afar.alive(here), afar.alive(there)) == (True, False)
    assert afar.stage.introspect(access) == {"active": False}


def test_anothers_session_is_not_found(afar):
    """CONVENTIONS: someone else's is not found, never forbidden."""
    token = afar.sign_in()

    with pytest.raises(NotFound):
        signing_out.one(*afar.what, sign_ins.hash_of(token), subject_id=new_id(), now=NOW)
    assert afar.alive(token)


def test_all_others_end_and_the_devices_stay_known(session, ring, afar):
    """ASVS 7.4.5."""
    here, there = afar.sign_in(), afar.sign_in()
    _note(session, ring, afar)

    ended = signing_out.everywhere(
        *afar.what, subject_id=afar.person, now=NOW, kind="citizen", except_id=sign_ins.hash_of(here)
    )

    assert ended == 1
    assert (afar.alive(here), afar.alive(there)) == (True, False)
    assert devices.of(session, afar.person, now=NOW)


def test_everywhere_is_everywhere_and_every_device_is_new_again(session, ring, afar):
    """O46: terminate all. Work is another matter, with a cookie of its own (DECISIONS 4)."""
    tokens, at_work = [afar.sign_in(), afar.sign_in()], afar.sign_in(kind="staff", factors=("passkey",))
    _note(session, ring, afar)

    assert signing_out.everywhere(*afar.what, subject_id=afar.person, now=NOW, kind="citizen") == 2

    assert not any(map(afar.alive, tokens))
    assert afar.alive(at_work, kind="staff")
    assert devices.of(session, afar.person, now=NOW) == []
    assert signing_out.everywhere(*afar.what, subject_id=afar.person, now=NOW) == 1
    assert not afar.alive(at_work, kind="staff")


def test_what_began_since_a_moment_ends_with_all_that_was_granted_in_it(session, ring, afar):
    """It was not the person: offline access goes too, and so does what was strengthened since."""
    before, after = afar.sign_in(now=NOW - HOUR), afar.sign_in()
    _note(session, ring, afar, now=NOW - HOUR)
    _note(session, ring, afar, mark="n" * 43)
    kept = afar.granted(before, offline=True, now=NOW - MINUTE * 40)["refresh_token"]
    refresh = afar.granted(after, offline=True)["refresh_token"]

    assert signing_out.since(*afar.what, subject_id=afar.person, since=NOW, now=NOW + MINUTE) == 1

    assert not afar.alive(after)
    assert afar.stage.refresh(refresh).body["error"] == "invalid_grant"
    assert afar.stage.refresh(kept).status == 200
    assert len(devices.of(session, afar.person, now=NOW)) == 1


def test_services_that_relied_on_a_session_are_told_of_its_end(afar):
    """CAEP 1.0 section 3.1; only those, and none twice."""
    here, there = afar.sign_in(), afar.sign_in()
    afar.granted(there, offline=True)
    afar.granted(here)

    signing_out.one(*afar.what, sign_ins.hash_of(there), subject_id=afar.person, now=NOW)

    ((client, event, body, claims),) = afar.sets()
    assert (client, event) == ("portal", "session-revoked")
    assert body == {"event_timestamp": int(NOW.timestamp()), "initiating_entity": "user"}
    assert claims["sub_id"]["format"] == "iss_sub"
    assert not {"sub", "exp"} & set(claims)  # RFC 8417 section 4.1


def test_a_service_that_relied_on_nothing_is_not_told(afar):
    """Nobody learns of sign-ins that are not theirs."""
    token = afar.sign_in()

    signing_out.one(*afar.what, sign_ins.hash_of(token), subject_id=afar.person, now=NOW)

    assert afar.sets() == []


def _note(session, ring, afar, *, mark="m" * 43, now=NOW):
    devices.note(session, ring, mark, subject_id=afar.person, device="Firefox", aal=Aal.AAL1, now=now)
