"""Signing in without SMS: the same for a number that nobody has, counted before it is compared (O38, O41)."""

from collections import Counter

import pyotp
import pytest
from sqlalchemy import event, select

from consent.db import new_id
from idp import jobs, subjects
from idp.contact import codes
from idp.login import other_way, recovery_codes, totp
from idp.login.other_way import OtherWayLedger
from idp.proofing.sources.fake import SandboxRegistry
from tests.fakes import DAY, HOUR, MINUTE, NOW, SECOND

OWNER, BARE, NOBODY = "3999000010043", "2999000010053", "3999000010019"
BROWSER = "this browser"


@pytest.fixture
def person(session, ring):
    """Somebody with an account."""

    def open_account(number):
        return subjects.create(session, ring, number, SandboxRegistry().people[number], now=NOW).id

    return open_account


@pytest.fixture
def owner(session, ring, person):
    """Somebody with a code app and a sheet: (id, app, codes)."""
    who = person(OWNER)
    sealer = subjects.PersonSealer(ring, session)
    app = pyotp.TOTP(totp.begin(session, ring, sealer, who, now=NOW - HOUR).secret_b32)
    assert totp.confirm(session, sealer, who, app.at(NOW - HOUR), now=NOW - HOUR).outcome == "right"
    prepared = recovery_codes.prepare(ring, who)
    recovery_codes.replace(session, who, prepared, now=NOW - HOUR)
    return who, app, prepared.shown


@pytest.fixture
def ask(session, ring):
    """A challenge for a posted number."""

    def run(number, now=NOW, browser=BROWSER):
        flow = {"browser": browser, "interaction_id": str(new_id()), "locale": "th"}
        return codes.begin(session, ring, national_id=number, now=now, **flow).id

    return run


@pytest.fixture
def guess(session, ring):
    """One guess."""

    def run(challenge_id, typed, now=NOW, browser=BROWSER):
        return other_way.guess(session, ring, challenge_id, typed, browser=browser, now=now)

    return run


def test_a_code_of_the_app_signs_in_once(ask, guess, owner):
    """RFC 6238 section 5.2: each step once, also over two sign-ins."""
    who, app, _ = owner

    told = guess(ask(OWNER), app.at(NOW))
    again = guess(ask(OWNER), app.at(NOW))
    later = guess(ask(OWNER, NOW + MINUTE), app.at(NOW + MINUTE), NOW + MINUTE)

    assert (told.outcome, told.subject_id, told.factor) == ("right", who, "totp")
    assert (again.outcome, again.subject_id) == ("wrong", None)
    assert later.outcome == "right"


def test_a_recovery_code_signs_in_once(ask, guess, owner, session, told):
    """The day the phone is lost; what was used is in the log."""
    who, _, sheet = owner

    first, again = guess(ask(OWNER), sheet[3].lower()), guess(ask(OWNER), sheet[3])

    assert (first.outcome, first.subject_id, first.factor) == ("right", who, "recovery")
    assert again.outcome == "wrong"
    assert recovery_codes.left(session, who) == 9
    assert "recovery_codes.used" in told(session)


def test_a_challenge_that_was_answered_opens_nothing_more(ask, guess, owner):
    """One challenge is one sign-in: neither the app nor the sheet nor an SMS opens it again (O39)."""
    challenge, (_, app, sheet) = ask(OWNER), owner
    assert guess(challenge, app.at(NOW)).outcome == "right"

    assert guess(challenge, sheet[0]).outcome == "spent"


@pytest.mark.parametrize(
    ("browser", "late", "outcome"),
    [("another", 0 * SECOND, "unknown"), (BROWSER, 10 * MINUTE, "expired"), (BROWSER, 0 * SECOND, "right")],
)
def test_a_challenge_belongs_to_its_browser_and_its_minutes(ask, guess, owner, browser, late, outcome):  # noqa: PLR0917 -- fixtures
    """O39, O40: bound and short, as the code by SMS is."""
    _, app, _ = owner
    assert guess(ask(OWNER), app.at(NOW + late), NOW + late, browser).outcome == outcome


@pytest.mark.parametrize("number", [OWNER, BARE, NOBODY])
@pytest.mark.parametrize("typed", ["000000", "AAAAAAAAAA", "1", "๐๐๐๐๐๐"])
def test_a_wrong_guess_is_answered_alike_for_any_number(session, ask, guess, owner, person, number, typed):  # noqa: PLR0917 -- fixtures
    """O38: owner of an app, person without one, nobody: same words, same tries, same job, same statements."""
    assert owner
    person(BARE)
    challenge, said = ask(number), []
    event.listen(session.get_bind(), "before_cursor_execute", lambda *told: said.append(told[2].split()[0]))

    told = guess(challenge, typed)

    kinds = Counter(said)
    assert (told.outcome, told.tries_left, told.subject_id) == ("wrong", 4, None)
    assert (kinds["SELECT"], kinds["UPDATE"]) == ((3, 2) if typed in ("000000", "๐๐๐๐๐๐") else (2, 3))
    waiting = session.scalars(select(jobs.Job.kind).where(jobs.Job.ref_id == challenge)).all()
    assert sorted(waiting) == [codes.NOTE_WRONG, codes.RESOLVE]


@pytest.mark.parametrize("number", [OWNER, NOBODY])
def test_the_way_of_a_number_locks_and_nothing_else_does(ask, guess, owner, number):
    """RELIABILITY 3: the path, never the person; the same lock for a number that nobody has."""
    _, app, sheet = owner
    outcomes = [guess(ask(number), "000000").outcome for _ in range(5)]
    locked = guess(ask(number), app.at(NOW))

    assert outcomes == ["wrong"] * 4 + ["locked"]
    assert (locked.outcome, locked.until) == ("locked", NOW + 15 * MINUTE)
    later = NOW + 15 * MINUTE
    assert guess(ask(number, later), sheet[0], later).outcome == ("right" if number == OWNER else "wrong")


def test_the_lock_doubles_until_a_right_guess(ask, guess, owner):
    """15 minutes, then 30; a right guess forgives."""
    _, app, _ = owner
    now, locks = NOW, []
    for _ in range(2):
        until = [guess(ask(OWNER, now), "000000", now).until for _ in range(5)][-1]
        locks.append(until - now)
        now = until
    assert guess(ask(OWNER, now), app.at(now), now).outcome == "right"
    after = [guess(ask(OWNER, now), "000000", now).until for _ in range(5)][-1]

    assert [*locks, after - now] == [15 * MINUTE, 30 * MINUTE, 15 * MINUTE]


def test_five_guesses_of_one_challenge_are_looked_at_whatever_they_are(ask, guess, owner, session):
    """RELIABILITY 3: app, sheet and SMS share the five tries of a challenge."""
    challenge, (_, app, _) = ask(OWNER), owner
    for _ in range(4):
        guess(challenge, "000000")
    session.query(OtherWayLedger).delete()
    assert guess(challenge, "000000").outcome == "wrong"
    session.query(OtherWayLedger).delete()

    assert guess(challenge, app.at(NOW)).outcome == "spent"


def test_a_closed_account_opens_by_no_way(ask, guess, owner, session):
    """ASVS 6.3.4."""
    who, app, _ = owner
    session.get_one(subjects.Subject, who).status = "closed"
    session.flush()

    assert guess(ask(OWNER), app.at(NOW)).outcome == "wrong"


def test_counts_are_forgotten_when_no_lock_can_rest_on_them(ask, guess, session):
    """A number that was typed once is not kept for ever."""
    guess(ask(NOBODY), "000000")
    other_way.purge(session, now=NOW + DAY)
    kept = session.scalar(select(OtherWayLedger.tries_left))
    other_way.purge(session, now=NOW + 2 * DAY + SECOND)

    assert (kept, session.scalar(select(OtherWayLedger.tries_left))) == (4, None)


def test_of_many_guesses_at_once_five_are_looked_at(sessions, ring, at_once):
    """X20: any number of processes evaluate five and not six."""
    with sessions.writing() as session:
        flow = {"browser": BROWSER, "interaction_id": "i", "locale": "th"}
        challenge = codes.begin(session, ring, national_id=NOBODY, now=NOW, **flow).id

    def one(session):
        return other_way.guess(session, ring, challenge, "000000", browser=BROWSER, now=NOW).outcome

    assert Counter(at_once(12, one)) == {"wrong": 4, "locked": 1, "spent": 7}


@pytest.mark.parametrize("number", [OWNER, NOBODY])
def test_after_typing_another_phone_the_number_counts_and_opens_as_ever(session, ring, ask, guess, owner, number):  # noqa: PLR0917 -- fixtures
    """The code by SMS goes elsewhere then; the app and the sheet are still those of the number's own account."""
    flow = {"browser": BROWSER, "interaction_id": "typed", "locale": "th"}

    def at_typed(n):
        told = {"counted_as": f"claim{n}", "device": f"known{n}", "now": NOW + n * MINUTE}
        return codes.begin(session, ring, national_id=number, **flow, **told).id

    _, app, _ = owner
    right = guess(at_typed(0), app.at(NOW)).outcome
    assert right == ("right" if number == OWNER else "wrong")
    tried = 0 if number == OWNER else 1
    for n in range(1, 6 - tried):  # a phone typed anew each time, on devices that are known by it: no more tries
        last = guess(at_typed(n), "000000", now=NOW + n * MINUTE)
    assert last.outcome == "locked"
    assert guess(ask(number, NOW + 8 * MINUTE), "000000", now=NOW + 8 * MINUTE).outcome == "locked"
