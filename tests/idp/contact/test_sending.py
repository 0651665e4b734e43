"""Whether a code goes out at all is the worker's secret: closed ways, shared phones, ranges that earn."""

import pytest
from sqlalchemy import func, select

from idp import enrolment, provisional, subjects
from idp.abuse import failures, prefixes
from idp.contact import codes, sending
from idp.contact.challenge import Challenge
from idp.fetcher import GuardedFetcher
from idp.keys import KeyRings
from idp.national_id import SyntheticOnly
from idp.outbox import Letter
from idp.ports import Ports
from idp.proofing import phone_claims
from idp.proofing.sources.fake import SandboxRegistry
from idp.worker import Worker, run_once
from tests.fakes import HOUR, MINUTE, NOW, SECOND, Clock, FakeSms

SOMCHAI, SAME_NAME = "3999000010035", "3999000010043"
MARK = "m" * 43


@pytest.fixture
def people():
    """The sandbox's registry."""
    return SandboxRegistry()


@pytest.fixture
def made(sessions, kek, settings, people):
    """A worker with that registry."""
    ports = Ports(people, FakeSms(), GuardedFetcher(), SyntheticOnly())
    return Worker(settings, sessions, KeyRings(sessions, kek), ports, Clock())


@pytest.fixture
def begin(sessions, ring):
    def begin(national_id=SOMCHAI, *, now=NOW, flow="f", **more):
        facts = {"browser": "b", "interaction_id": flow, "locale": "th", "now": now}
        with sessions.writing() as session:
            return codes.begin(session, ring, national_id=national_id, **facts, **more).id

    return begin


def guess(sessions, ring, challenge_id, code, *, now=NOW):
    with sessions.writing() as session:
        return codes.guess(session, ring, challenge_id, code, browser="b", now=now)


def close(sessions, ring, *, device=failures.STRANGER):
    with sessions.writing() as session:
        for _ in range(failures.MOST):
            failures.pay(session, ring.fingerprint(SOMCHAI), device=device, now=NOW)


def test_a_closed_way_looks_like_a_number_of_nobody(sessions, ring, made, begin):
    """RELIABILITY 3, O38: nothing goes out, no code can be right, and the challenge is as any other."""
    close(sessions, ring)
    challenge_id = begin()

    run_once(made)

    assert made.ports.sms.sent == []
    with sessions.reading() as session:
        challenge = session.get_one(Challenge, challenge_id)
    assert (challenge.code_hash, challenge.state, challenge.quiet_until) == (None, "resolved", None)
    assert guess(sessions, ring, challenge_id, "000000").outcome == "wrong"


def test_a_known_device_goes_on_when_strangers_closed_the_way(sessions, ring, made, begin):
    """ASVS 6.1.1: the path is locked, never the person."""
    close(sessions, ring)
    challenge_id = begin(device=MARK)

    run_once(made)

    [(_, text, _)] = made.ports.sms.sent
    assert guess(sessions, ring, challenge_id, text[:6]).outcome == "right"


def test_strangers_who_use_up_the_messages_silence_no_known_device(sessions, ring, made, begin):
    """RELIABILITY 3: eight requests a day, which need the number alone, keep its person from no device of their own."""
    for n in range(8):
        begin(flow=f"stranger{n}", now=NOW + n * HOUR)
        made.clock.now = NOW + n * HOUR
        run_once(made)
    sent = len(made.ports.sms.sent)
    made.clock.now = NOW + 8 * HOUR
    begin(flow="stranger8", now=made.clock.now)
    run_once(made)
    sent = len(made.ports.sms.sent)
    later = made.clock.now = NOW + 8 * HOUR + MINUTE

    stranger, own = begin(flow="s", now=later), begin(flow="own", device=MARK, now=later)
    run_once(made)

    with sessions.reading() as session:
        assert session.get_one(Challenge, stranger).quiet_until is not None
        assert session.get_one(Challenge, own).quiet_until is None
    assert len(made.ports.sms.sent) == sent + 1
    assert guess(sessions, ring, own, made.ports.sms.sent[-1][1][:6], now=later).outcome == "right"


def test_a_device_has_no_more_messages_for_being_known(begin, sessions):
    """The same windows as everybody's."""
    for n in range(8):
        begin(device=MARK, now=NOW + n * HOUR)

    with sessions.reading() as session:
        quiet = session.get_one(Challenge, begin(device=MARK, now=NOW + 8 * HOUR)).quiet_until
    assert quiet is None  # the ninth waited its minute
    with sessions.reading() as session:
        quiet = session.get_one(Challenge, begin(device=MARK, now=NOW + 8 * HOUR + MINUTE)).quiet_until
    assert quiet == NOW + 8 * HOUR + 2 * MINUTE


def test_a_way_that_guesses_closed_is_not_open_to_who_types_the_phone_as_well(sessions, ring, made, begin, people):
    """RELIABILITY 3: twenty in a row, by whichever page."""
    with sessions.writing() as session:
        subjects.create(session, ring, SOMCHAI, people.people[SOMCHAI], now=NOW)
    phone = subjects.e164(people.people[SOMCHAI].phone)
    close(sessions, ring)
    challenge_id = begin(counted_as=provisional.claim_of(ring, SOMCHAI, phone))
    with sessions.writing() as session:
        phone_claims.keep(session, ring, challenge_id, phone, expires_at=NOW + HOUR)

    run_once(made)

    assert made.ports.sms.sent == []


def test_phones_that_were_typed_spend_no_more_than_their_share(sessions, ring, begin, monkeypatch):
    """RELIABILITY 3, toll fraud: any phone may be typed, so all of them are one range as well."""
    monkeypatch.setattr(prefixes, "MOST_OF_TYPED_PHONES", 5)
    challenge_id = begin()
    with sessions.writing() as session:
        challenge = session.get_one(Challenge, challenge_id)

        def leave(n, *, typed):
            phone = f"+6681{n:03}0000"
            return sending.leave(session, ring, challenge, phone, most_unanswered=50, now=NOW, typed=typed)

        may = [leave(n, typed=True) for n in range(8)]
        assert [one is not None for one in may] == [True] * 5 + [False] * 3
        assert leave(100, typed=False) is not None
        prefixes.note_typed(session, may[0].route, now=NOW)
        assert [leave(n, typed=True) is not None for n in (201, 202)] == [True, False]


def test_a_code_that_was_on_its_way_when_the_way_closed_opens_nothing(sessions, ring, made, begin):
    """Twenty are looked at, whatever was sent before."""
    challenge_id = begin()
    run_once(made)
    close(sessions, ring)

    assert guess(sessions, ring, challenge_id, made.ports.sms.sent[0][1][:6]).outcome == "wrong"


def test_another_proof_opens_the_way_again(sessions, ring, made, begin, people):
    """RELIABILITY 3: until passkey, in person, or another proven factor."""
    with sessions.writing() as session:
        somchai = subjects.create(session, ring, SOMCHAI, people.people[SOMCHAI], now=NOW)
    close(sessions, ring)
    with sessions.writing() as session:
        failures.reopen(session, somchai.id)
    begin()

    run_once(made)

    assert len(made.ports.sms.sent) == 1


def test_where_another_proof_is_asked_for_nothing_is_sent_and_nothing_counted(sessions, ring, made, begin):
    """A hurdle is before the code: the number's own windows stay as they were."""
    challenge_id = begin(hurdle="alarm")

    run_once(made)
    assert made.ports.sms.sent == []
    begin(flow="g")
    run_once(made)

    assert len(made.ports.sms.sent) == 1
    with sessions.writing() as session:
        assert codes.resend(session, ring, challenge_id, browser="b", now=NOW + MINUTE) is None


def test_one_phone_of_two_people_gets_no_more_messages_than_one_person(made, begin, people):
    """RELIABILITY 3: 1 in 30 s and 3 in 15 min for each phone, whoever's numbers it serves."""
    people.people[SAME_NAME] = people.people[SOMCHAI]
    sent = []
    for n, number in enumerate((SOMCHAI, SAME_NAME, SOMCHAI, SAME_NAME)):
        made.clock.now = NOW + n * MINUTE
        begin(number, now=made.clock.now, flow=str(n))
        run_once(made)
        sent.append(len(made.ports.sms.sent))

    assert sent == [1, 2, 3, 3]


def test_a_second_message_to_one_phone_waits_for_its_half_minute(sessions, made, begin, people):
    """Two of a family sign in at the same table."""
    people.people[SAME_NAME] = people.people[SOMCHAI]
    begin()
    begin(SAME_NAME, flow="g")
    run_once(made)

    with sessions.reading() as session:
        due = session.scalars(select(Letter.next_at).where(Letter.state == "queued")).all()
    assert due == [NOW + 30 * SECOND]


def test_a_range_of_phones_that_types_nothing_is_not_written_to(sessions, ring, begin):
    """RELIABILITY 3: thirty unanswered codes to one range stop the next; another range is not touched."""
    challenge_id = begin()
    with sessions.writing() as session:
        challenge = session.get_one(Challenge, challenge_id)

        def may(phone, most=50):
            return sending.leave(session, ring, challenge, phone, most_unanswered=most, now=NOW) is not None

        assert [may(f"+6610000{n:04}") for n in range(32)] == [True] * 30 + [False] * 2
        assert may("+66100010000")
        assert may("+66100009999", most=None)


def test_a_typed_code_counts_for_its_range(sessions, ring, made, begin):
    """The rate of a range is known from right guesses."""
    challenge_id = begin()
    with sessions.reading() as session:
        assert session.scalar(select(func.count()).select_from(Challenge)) == 1
    run_once(made)
    guess(sessions, ring, challenge_id, made.ports.sms.sent[0][1][:6])

    with sessions.reading() as session:
        route = session.get_one(Challenge, challenge_id).route
        assert enrolment.alarms.tallies.one(session, f"typed:{route}", each=enrolment.alarms.tallies.HOUR, now=NOW) == 1
