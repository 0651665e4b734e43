"""What services hear of a changed way in: a CAEP event for each that the person uses, from the notice (CAEP 1.0)."""

import pytest
from sqlalchemy import select

from idp import alerts, signals
from idp.jobs import Job
from idp.oauth import provider
from idp.relying import receive
from tests.fakes import MINUTE, NOW
from tests.idp.afar import Afar
from tests.idp.oauth.stage import set_up


@pytest.fixture
def afar(session, ring, settings):
    """The stage's citizen."""
    return Afar(set_up(session, ring, settings))


@pytest.fixture
def change(afar):
    """Tell of a change, and let the worker's verb run."""

    def changed(kind, *, times=1, now=NOW):
        session, ring, _ = afar.what
        notice = alerts.tell(session, ring, subject_id=afar.person, kind=kind, now=now)
        job = session.scalars(select(Job).where(Job.ref_id == notice.id)).one()
        for _ in range(times):
            signals.spread(*afar.what, job, now=now + MINUTE)
        session.refresh(job)
        assert job.state == "done"
        return notice

    return changed


@pytest.mark.parametrize("kind", sorted(signals.CHANGES))
def test_each_change_of_a_credential_is_told_once(afar, change, kind):
    """CAEP 1.0 section 3.3.1; a job may run twice."""
    afar.granted(afar.sign_in())

    change(kind, times=2)

    ((client, event, body, claims),) = afar.sets()
    assert (client, event) == ("portal", "credential-change")
    assert (body["credential_type"], body["change_type"]) == signals.CHANGES[kind]
    assert body["change_type"] in {"create", "revoke", "update", "delete"}
    assert body["event_timestamp"] == int(NOW.timestamp())
    assert claims["aud"] == "portal"


@pytest.mark.parametrize("kind", ["new_device", "level_changed", "account_superseded", "recovery_started"])
def test_what_is_no_credential_is_not_told_to_services(afar, change, kind):
    """Nobody needs to know on which device a person signed in."""
    afar.granted(afar.sign_in())

    change(kind)

    assert afar.sets() == []


def test_only_services_that_the_person_uses_now_are_told(afar, change):
    """A grant that is over is no reason to say anything."""
    change("pin_set")
    assert afar.sets() == []

    access = afar.granted(afar.sign_in(), offline=True)
    afar.stage.post(provider.revoke, token=access["refresh_token"])
    change("pin_set")
    assert afar.sets() == []


def test_every_kind_of_a_notice_is_known():
    """A change that the list of notices has lost would never be told."""
    assert set(signals.CHANGES) <= set(alerts.KINDS)


def test_the_receiver_of_a_service_understands_both_events(afar, change):
    """idp.relying: what to do is one property."""
    afar.granted(afar.sign_in())
    change("passkey_added")
    signals.sessions_revoked(*afar.what, subject_id=afar.person, client_ids=["portal"], now=NOW)

    found = [receive.Event("j", "s", claims["events"], 0.0, False) for *_, claims in afar.sets()]
    assert [(one.credential_change, one.ends_sessions) for one in found] == [
        (("fido2-platform", "create"), False),
        (None, True),
    ]
