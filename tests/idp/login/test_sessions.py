"""Sessions: random, rotated, limited, ended everywhere at once (ASVS 7; THAI.md 3)."""

from dataclasses import replace

import pytest
from sqlalchemy import event, select

from consent.errors import Conflict, NotFound
from idp.assurance import Aal
from idp.login import sessions as sign_ins
from tests.fakes import DAY, HOUR, MINUTE, NOW, SECOND


@pytest.fixture
def signed_in(session, somchai, settings):
    """Sign Somchai in; gives the token."""

    def start(now=NOW, kind="citizen", factors=("sms",), subject_id=somchai, device="Firefox"):
        return sign_ins.start(
            session, subject_id=subject_id, kind=kind, factors=factors, device=device, settings=settings, now=now
        )

    return start


@pytest.fixture
def find(session, settings):
    """Whose token it is."""

    def look(token, now=NOW, **kind):
        return sign_ins.find(session, token, settings=settings, now=now, **kind)

    return look


def test_a_session_says_who_and_what_was_proved(signed_in, find, somchai, session, told):
    """OIDC Core 2: auth_time; DECISIONS 3: the level belongs to the sign-in."""
    found = find(signed_in(factors=("pin", "sms")))

    assert (found.subject_id, found.kind, found.auth_time) == (somchai, "citizen", NOW)
    assert (found.factors, found.aal) == ({"sms", "pin"}, Aal.AAL2_1)
    assert found.expires_at == NOW + 12 * HOUR
    assert told(session) == ["signin.done"]


def test_a_token_has_256_bits_and_only_its_hash_is_kept(signed_in, session):
    """ASVS 7.2.3 asks for 128."""
    tokens = {signed_in() for _ in range(20)}

    assert len(tokens) == 20
    assert {len(token) for token in tokens} == {43}
    kept = set(session.scalars(select(sign_ins.SignInSession.id_hash)))
    assert kept == {sign_ins.hash_of(token) for token in tokens}


@pytest.mark.parametrize("nonsense", ["", "x", "A" * 43, "ก" * 43, "\ud800" * 43, "A" * 100_000])
def test_nonsense_is_nobody(signed_in, find, nonsense):
    """ASVS 7.2.1: verified at the backend."""
    signed_in()

    assert find(nonsense) is None


def test_the_kept_hash_opens_nothing(signed_in, find):
    """Somebody who reads the table has no session."""
    assert find(sign_ins.hash_of(signed_in())[:43]) is None


@pytest.mark.parametrize("factors", [("sms",), ("sms", "pin"), ("passkey",)])
@pytest.mark.parametrize("limit", [("citizen", 12, 30), ("staff", 8, 15)])
def test_a_session_ends_at_its_absolute_limit_however_busy(signed_in, find, session, limit, factors):
    """THAI.md 3, O45; the same at every level."""
    kind, hours, idle = limit
    token, now = signed_in(kind=kind, factors=factors), NOW
    while now < NOW + hours * HOUR - SECOND:
        assert find(token, now, kind=kind) is not None
        sign_ins.touch(session, sign_ins.hash_of(token), now=now)
        now = min(now + (idle - 1) * MINUTE, NOW + hours * HOUR - SECOND)

    assert find(token, now, kind=kind) is not None
    assert find(token, now + SECOND, kind=kind) is None


@pytest.mark.parametrize(("kind", "idle"), [("citizen", 30), ("staff", 15)])
def test_a_session_ends_when_nobody_is_there(signed_in, find, session, kind, idle):
    """THAI.md 3, O45."""
    token = signed_in(kind=kind)

    assert find(token, NOW + idle * MINUTE - SECOND, kind=kind) is not None
    assert find(token, NOW + idle * MINUTE, kind=kind) is None
    sign_ins.touch(session, sign_ins.hash_of(token), now=NOW + 10 * MINUTE)
    assert find(token, NOW + (10 + idle) * MINUTE - SECOND, kind=kind) is not None


def test_a_tightened_idle_limit_holds_for_sessions_that_exist(signed_in, session, settings):
    """An operator's decision is not put off by twelve hours."""
    token = signed_in()
    tight = settings.model_copy(update={"session_idle": 5 * MINUTE})

    assert sign_ins.find(session, token, settings=tight, now=NOW + 5 * MINUTE) is None


def test_touching_writes_at_most_once_a_minute(signed_in, session):
    """The hot path reads."""
    id_hash = sign_ins.hash_of(signed_in())
    seen = select(sign_ins.SignInSession.last_seen_at)

    sign_ins.touch(session, id_hash, now=NOW + 59 * SECOND)
    assert session.scalar(seen) == NOW
    sign_ins.touch(session, id_hash, now=NOW + 60 * SECOND)
    assert session.scalar(seen) == NOW + 60 * SECOND


def test_staff_and_citizen_sessions_never_stand_for_one_another(signed_in, find):
    """DECISIONS 4: a nurse who is also a patient has two sessions."""
    citizen, staff = signed_in(kind="citizen"), signed_in(kind="staff", factors=("passkey",))

    assert find(citizen, kind="staff") is None
    assert find(staff) is None
    assert find(staff, kind="staff").kind == "staff"


def test_a_session_without_a_proved_factor_cannot_begin(signed_in, session):
    """There is no level nothing."""
    with pytest.raises(ValueError, match="at least one"):
        signed_in(factors=())

    assert session.scalars(select(sign_ins.SignInSession)).all() == []


def test_stepping_up_changes_the_token_and_keeps_the_absolute_limit(signed_in, find, session, settings, told):
    """ASVS 7.2.4: a token seen before never gains strength."""
    old = signed_in()
    now = NOW + 20 * MINUTE

    new = sign_ins.strengthen(session, find(old, now), factor="pin", settings=settings, now=now)

    assert find(old, now) is None
    found = find(new, now)
    assert (found.factors, found.aal, found.auth_time) == ({"sms", "pin"}, Aal.AAL2_1, now)
    assert found.expires_at == NOW + 12 * HOUR
    assert told(session) == ["signin.done", "stepup.done"]


def test_a_session_that_ended_meanwhile_cannot_be_strengthened(signed_in, find, session, settings, somchai):
    """ASVS 7.4.1: signing out elsewhere wins."""
    found = find(signed_in())
    sign_ins.end_all(session, somchai, now=NOW)

    with pytest.raises(Conflict):
        sign_ins.strengthen(session, found, factor="pin", settings=settings, now=NOW)
    with pytest.raises(Conflict):
        sign_ins.reauthenticated(session, found, factors=("sms",), settings=settings, now=NOW)
    assert sign_ins.live(session, somchai, now=NOW) == []


def test_a_session_past_its_limit_cannot_be_strengthened(signed_in, find, session, settings):
    """O45."""
    found = find(signed_in())

    with pytest.raises(Conflict):
        sign_ins.strengthen(session, found, factor="pin", settings=settings, now=NOW + 12 * HOUR)


def test_signing_in_afresh_counts_only_what_was_proved_now(signed_in, find, session, settings):
    """OIDC Core 3.1.2.1: prompt=login, max_age."""
    old, now = signed_in(factors=("sms", "pin")), NOW + 10 * MINUTE

    new = sign_ins.reauthenticated(session, find(old, now), factors=("sms",), settings=settings, now=now)

    assert find(old, now) is None
    found = find(new, now)
    assert (found.aal, found.auth_time, found.expires_at) == (Aal.AAL1, now, now + 12 * HOUR)
    assert session.get(sign_ins.SignInSession, found.id_hash).device == "Firefox"


def test_an_ended_session_is_dead_at_once_and_ends_once(signed_in, find, session, told):
    """O46; ASVS 7.4.1."""
    token = signed_in()

    sign_ins.end(session, sign_ins.hash_of(token), now=NOW)
    sign_ins.end(session, sign_ins.hash_of(token), now=NOW)
    sign_ins.touch(session, sign_ins.hash_of(token), now=NOW + MINUTE)

    assert find(token) is None
    assert told(session) == ["session.ended", "signin.done"]


def test_nobody_ends_another_persons_session(signed_in, find, session, manee, somchai):
    """Somebody else's is not found, never forbidden."""
    token = signed_in()

    for ref in (sign_ins.hash_of(token), "0" * 64):
        with pytest.raises(NotFound):
            sign_ins.end(session, ref, now=NOW, subject_id=manee)
    assert find(token) is not None
    sign_ins.end(session, sign_ins.hash_of(token), now=NOW, subject_id=somchai)
    assert find(token) is None


def test_all_others_can_be_ended(signed_in, find, session, somchai, manee):
    """O46; ASVS 7.4.3, 7.5.2."""
    here, there, staff = signed_in(), signed_in(), signed_in(kind="staff")
    other = signed_in(subject_id=manee)

    assert sign_ins.end_all(session, somchai, now=NOW, except_id=sign_ins.hash_of(here)) == 2

    assert find(here) is not None
    assert find(there) is None
    assert find(staff, kind="staff") is None
    assert find(other) is not None
    assert sign_ins.end_all(session, somchai, now=NOW) == 1


def test_a_person_sees_the_sessions_that_work(signed_in, session, somchai, manee):
    """O46; ASVS 7.5.2."""
    signed_in(now=NOW - DAY)
    signed_in(now=NOW - HOUR)
    sign_ins.end(session, sign_ins.hash_of(signed_in()), now=NOW)
    signed_in(subject_id=manee)
    older, newer = signed_in(now=NOW - 5 * MINUTE, device="Chrome"), signed_in(factors=("passkey",))

    rows = sign_ins.live(session, somchai, now=NOW)

    assert [row.id_hash for row in rows] == [sign_ins.hash_of(newer), sign_ins.hash_of(older)]
    assert [(row.device, row.aal) for row in rows] == [("Firefox", Aal.AAL2_2), ("Chrome", Aal.AAL1)]


def test_finding_is_one_read(signed_in, find, session):
    """ARCHITECTURE: hot paths are few reads."""
    token, statements = signed_in(), []
    listener = lambda *facts: statements.append(facts[2])  # noqa: E731
    event.listen(session.get_bind(), "before_cursor_execute", listener)

    found = find(token)

    event.remove(session.get_bind(), "before_cursor_execute", listener)
    assert found is not None
    assert len(statements) == 1


def test_old_sessions_are_forgotten_and_living_ones_are_not(signed_in, find, session):
    """Data minimisation (PDPA s.37(3))."""
    signed_in(now=NOW - 3 * DAY)
    token = signed_in()

    sign_ins.purge(session, now=NOW)

    assert session.scalars(select(sign_ins.SignInSession.id_hash)).all() == [sign_ins.hash_of(token)]
    assert find(token) is not None


def test_of_many_step_ups_at_once_one_wins(sessions, somchai, settings, at_once):
    """RELIABILITY rule 1: the old row is taken by one conditional update."""
    with sessions.writing() as session:
        token = sign_ins.start(
            session, subject_id=somchai, kind="citizen", factors=("sms",), device="", settings=settings, now=NOW
        )
        found = sign_ins.find(session, token, settings=settings, now=NOW)

    def step_up(session):
        try:
            return sign_ins.strengthen(session, replace(found), factor="pin", settings=settings, now=NOW)
        except Conflict:
            return None

    answers = at_once(8, step_up)

    assert sum(answer is not None for answer in answers) == 1
    with sessions.reading() as session:
        assert len(sign_ins.live(session, somchai, now=NOW)) == 1


@pytest.mark.parametrize("status", ["closed", "deceased"])
def test_an_account_that_was_shut_has_no_live_session(session, account, find, signed_in, status):
    """ASVS 7.4.2: a disabled account has no live session, on any node."""
    token = signed_in(subject_id=account.id)
    assert find(token).subject_id == account.id

    account.status = status
    session.flush()

    assert find(token) is None
