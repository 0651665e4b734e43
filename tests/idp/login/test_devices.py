"""Known devices: by a random mark, kept so that it tells nobody anything, asked about with one read (O42)."""

import pytest
from sqlalchemy import event, select, update

from idp import subjects
from idp.assurance import Aal
from idp.login import devices
from idp.login.devices import KnownDevice
from idp.proofing.sources.fake import SandboxRegistry
from idp.subjects import NationalId
from tests.fakes import DAY, NOW, SECOND

MANEE = "2999000010053"
MARK = "m" * 43


@pytest.fixture
def note(session, ring, account):
    """The account's owner signed in on a device; whether it was a new one."""

    def noted(mark=MARK, *, aal=Aal.AAL1, now=NOW, subject_id=None):
        whose = subject_id or account.id
        return devices.note(session, ring, mark, subject_id=whose, device="Firefox", aal=aal, now=now)

    return noted


def test_a_device_is_new_once_for_each_person(session, ring, account, note):
    """Two people may share a browser."""
    other = subjects.create(session, ring, MANEE, SandboxRegistry().people[MANEE], now=NOW)

    assert [note(), note(), note(subject_id=other.id), note("n" * 43)] == [True, False, True, True]
    assert devices.is_known(session, ring, MARK, account.id, now=NOW)
    assert not devices.is_known(session, ring, "x" * 43, account.id, now=NOW)
    assert not devices.is_known(session, ring, None, account.id, now=NOW)


def test_what_is_kept_shows_neither_the_mark_nor_that_two_people_share_it(session, ring, note):
    """A copied table opens nothing."""
    other = subjects.create(session, ring, MANEE, SandboxRegistry().people[MANEE], now=NOW)
    note()
    note(subject_id=other.id)

    kept = session.scalars(select(KnownDevice.mark)).all()
    assert len(set(kept)) == 2
    assert MARK not in kept


def test_the_level_of_a_device_only_rises(session, account, note):
    """AAL known: the strongest that was proved there."""
    for aal in (Aal.AAL1, Aal.AAL2_2, Aal.AAL1):
        note(aal=aal)

    assert [one.aal for one in devices.of(session, account.id, now=NOW)] == ["2.2"]


def test_one_read_tells_of_any_number(session, ring, note):
    """DECISIONS 2: the request asks for numbers that nobody has as well."""
    note()
    known, unknown = ring.fingerprint("3999000010035"), ring.fingerprint("0000000000001")
    asked = []
    event.listen(session.get_bind(), "before_cursor_execute", lambda *said: asked.append(said[2]))

    assert devices.known_for(session, ring, MARK, fingerprint=known, now=NOW)
    assert not devices.known_for(session, ring, MARK, fingerprint=unknown, now=NOW)
    assert not devices.known_for(session, ring, None, fingerprint=known, now=NOW)
    assert len(asked) == 3
    assert len(set(asked)) == 1


def test_an_account_that_only_claims_a_number_makes_no_device_known_for_it(session, ring, account, note):
    """DECISIONS 1: several provisional accounts may claim one number; the owner's guards are not theirs to open."""
    session.execute(update(NationalId).where(NationalId.subject_id == account.id).values(proved=False))

    note()

    assert devices.is_known(session, ring, MARK, account.id, now=NOW)
    assert not devices.known_for(session, ring, MARK, fingerprint=ring.fingerprint("3999000010035"), now=NOW)


def test_a_device_that_nobody_came_back_with_is_new_again(session, ring, account, note):
    """As long as a cookie lives in today's browsers."""
    note(aal=Aal.AAL2_2)
    later = NOW + devices.FORGOTTEN_AFTER

    assert devices.is_known(session, ring, MARK, account.id, now=later - SECOND)
    assert not devices.is_known(session, ring, MARK, account.id, now=later)
    assert note(now=later)
    assert [one.aal for one in devices.of(session, account.id, now=later)] == ["1"]


def test_devices_are_forgotten_all_or_since(session, ring, account, note):
    """The person signed out everywhere, or said that it was not them."""
    note()
    note("n" * 43, now=NOW + DAY)

    devices.forget_since(session, account.id, since=NOW + DAY)
    assert devices.is_known(session, ring, MARK, account.id, now=NOW)
    assert not devices.is_known(session, ring, "n" * 43, account.id, now=NOW)
    devices.forget_all(session, account.id)
    assert devices.of(session, account.id, now=NOW) == []


def test_marks_have_256_bits():
    """ASVS 7.2.3 asks for 128."""
    assert {len(devices.new_mark()) for _ in range(20)} == {43}
    assert len({devices.new_mark() for _ in range(20)}) == 20


def test_old_devices_are_dropped(session, note):
    """Nothing is kept for nobody."""
    note()

    devices.purge(session, now=NOW + devices.FORGOTTEN_AFTER)

    assert session.scalars(select(KnownDevice.id)).all() == []
