import re
from dataclasses import replace

import pytest
from sqlalchemy import event, func, select, update

from consent.audit.models import AuditEntry
from idp import enrolment, jobs, subjects
from idp.contact import codes
from idp.contact.challenge import Challenge
from idp.enrolment import Completed
from idp.fetcher import GuardedFetcher
from idp.jobs import Job
from idp.national_id import SyntheticOnly
from idp.outbox import Letter
from idp.ports import Ports, RegistryUnavailable
from idp.proofing.sources.fake import SandboxRegistry
from idp.subjects import Subject
from tests.fakes import MINUTE, NOW, SECOND, FakeRegistry, FakeSms

SOMCHAI, NOBODY, DECEASED, TEENAGER = "3999000010035", "0000000000001", "1999000010161", "1999000010021"
PEOPLE = SandboxRegistry().people
BROWSER = "browser"


class Journey:
    """One challenge from the posted number to the account."""

    def __init__(self, sessions, ring):
        self.sessions, self.ring = sessions, ring
        self.registry = FakeRegistry(dict(PEOPLE))
        self.ports = Ports(self.registry, FakeSms(), GuardedFetcher(), SyntheticOnly())

    def begin(self, national_id=SOMCHAI, *, now=NOW, **more):
        """Post a number."""
        with self.sessions.writing() as session:
            facts = {"browser": BROWSER, "interaction_id": national_id, "locale": "th", **more}
            return codes.begin(session, self.ring, national_id=national_id, now=now, **facts)

    def work(self, *, now=NOW, fixed_code=None, site=""):
        """One round of the worker."""
        with self.sessions.writing() as session:
            taken = jobs.claim_due(session, now=now)
        for job in taken:
            enrolment.resolve(self.sessions, self.ring, self.ports, job, now=now, fixed_code=fixed_code, site=site)

    def letters(self):
        """Address and text of what is queued."""
        with self.sessions.reading() as session:
            found = session.scalars(select(Letter).order_by(Letter.id)).all()
            return [
                (
                    self.ring.open(letter.to_sealed, place=f"letter:{letter.id}:to"),
                    self.ring.open(letter.body_sealed, place=f"letter:{letter.id}:body"),
                )
                for letter in found
            ]

    def enter(self, challenge, code, *, now=NOW):
        """Type a code, and go on when it is right."""
        with self.sessions.writing() as session:
            guessed = codes.guess(session, self.ring, challenge.id, code, browser=BROWSER, now=now)
            if guessed.outcome != "right":
                return guessed.outcome
            return enrolment.complete(session, self.ring, challenge.id, now=now)

    def code(self):
        """The code of the newest letter."""
        return re.search(r"\d{6}", self.letters()[-1][1]).group()

    def account(self, national_id=SOMCHAI, **changed):
        """An account that exists already."""
        with self.sessions.writing() as session:
            person = replace(PEOPLE[national_id], **changed)
            return subjects.create(session, self.ring, national_id, person, now=NOW).id

    def count(self, table):
        """How many rows."""
        with self.sessions.reading() as session:
            return session.scalar(select(func.count()).select_from(table))


@pytest.fixture
def journey(sessions, ring):
    return Journey(sessions, ring)


def test_somebody_new_gets_an_account_with_the_level_that_the_registry_attests(journey):
    """DECISIONS 1: the code goes to the phone of record, never to a typed one."""
    challenge = journey.begin()
    journey.work()
    assert journey.letters()[0][0] == "+66100000035"

    completed = journey.enter(challenge, journey.code())

    with journey.sessions.reading() as session:
        made = subjects.get(session, completed.subject_id)
        assert (made.ial, made.status, completed.too_young) == ("1.3", "active", False)
        assert subjects.find_by_national_id(session, journey.ring, SOMCHAI).id == made.id


def test_somebody_known_is_not_looked_up_again(journey):
    """RELIABILITY X16: people with an account sign in while the registry is down."""
    known = journey.account()
    journey.registry.error = RegistryUnavailable("timeout")

    challenge = journey.begin()
    journey.work()

    assert journey.enter(challenge, journey.code()) == Completed(known, too_young=False)
    assert (journey.registry.asked, journey.count(Subject)) == ([], 1)


@pytest.mark.parametrize("national_id", [NOBODY, DECEASED])
def test_an_unknown_or_deceased_person_gets_nothing_and_nobody_can_tell(journey, national_id):
    """DECISIONS 2: dropped silently; the challenge goes on counting wrong guesses."""
    challenge = journey.begin(national_id)
    journey.work()

    assert journey.letters() == []
    assert journey.enter(challenge, "000000") == "wrong"
    with journey.sessions.reading() as session:
        resolved = session.get_one(Challenge, challenge.id)
    assert (resolved.state, resolved.code_hash, resolved.snapshot) == ("resolved", None, None)


@pytest.mark.parametrize("status", ["closed", "deceased"])
def test_a_closed_account_gets_no_code(journey, status):
    """THAI 6.4: sign-in must fail after death."""
    known = journey.account()
    with journey.sessions.writing() as session:
        session.execute(update(Subject).where(Subject.id == known).values(status=status))

    journey.begin()
    journey.work()

    assert journey.letters() == []


def test_an_account_closed_after_the_code_was_sent_lets_nobody_in(journey):
    """The status is asked again at the end."""
    known = journey.account()
    challenge = journey.begin()
    journey.work()
    with journey.sessions.writing() as session:
        session.execute(update(Subject).where(Subject.id == known).values(status="deceased"))

    assert journey.enter(challenge, journey.code()) == Completed(None, too_young=False)


def test_under_20_is_a_clear_stop_and_nothing_is_created(journey):
    """PDPA s.20: no account without a guardian; told only to who holds the phone."""
    challenge = journey.begin(TEENAGER)
    journey.work()

    assert journey.enter(challenge, journey.code()) == Completed(None, too_young=True)
    assert journey.count(Subject) == 0


@pytest.mark.parametrize(
    ("born", "too_young"), [("2006-11-23", False), ("2006-11-24", True), ("2006", True), ("", True)]
)
def test_the_twentieth_birthday_opens_the_door(journey, born, too_young):
    """Civil and Commercial Code s.19; an unknown age is not taken for majority."""
    journey.registry.people[SOMCHAI] = replace(PEOPLE[SOMCHAI], birth_date=born)
    challenge = journey.begin()
    journey.work()

    assert journey.enter(challenge, journey.code()).too_young is too_young


def test_a_known_person_under_20_is_stopped_too(journey):
    """PDPA s.20: an account from elsewhere does not open the door."""
    journey.account(TEENAGER)
    challenge = journey.begin(TEENAGER)
    journey.work()

    assert journey.enter(challenge, journey.code()) == Completed(None, too_young=True)


def test_a_right_guess_is_turned_into_a_person_once(journey):
    """RELIABILITY rule 1."""
    challenge = journey.begin()
    journey.work()
    assert journey.enter(challenge, journey.code()).subject_id is not None

    with journey.sessions.writing() as session:
        again = enrolment.complete(session, journey.ring, challenge.id, now=NOW)

    assert again == Completed(None, too_young=False)


def test_nobody_completes_without_a_right_guess(journey):
    """The page cannot skip the code."""
    challenge = journey.begin()
    journey.work()

    with journey.sessions.writing() as session:
        assert enrolment.complete(session, journey.ring, challenge.id, now=NOW) == Completed(None, too_young=False)
    assert journey.count(Subject) == 0


def test_the_registry_is_asked_with_no_transaction_open(journey):
    """DECISIONS 23: another writer gets through while the registry thinks."""

    def look_up(national_id):
        with journey.sessions.writing() as session:
            codes.begin(
                session,
                journey.ring,
                national_id=NOBODY,
                browser="b",
                interaction_id="meanwhile",
                locale="th",
                now=NOW + MINUTE,
            )
        return PEOPLE[national_id]

    journey.registry.look_up = look_up
    journey.begin()

    journey.work()

    assert (len(journey.letters()), journey.count(Challenge)) == (1, 2)


def test_a_number_posted_again_while_the_registry_thinks_sends_the_newer_code_only(journey):
    """Newest only, whatever the order in which the worker gets there."""

    def look_up(national_id):
        if len(made) == 1:
            made.append(journey.begin(now=NOW + SECOND))
        return PEOPLE[national_id]

    journey.registry.look_up = look_up
    made = [journey.begin()]

    journey.work()
    assert journey.letters() == []

    journey.work(now=NOW + MINUTE)
    assert f"อ้างอิง {made[1].ref}" in journey.letters()[0][1]


def test_a_registry_that_is_down_leaves_everything_as_it_was(journey):
    """RELIABILITY X16: no "assume verified"; the job is tried again."""
    journey.registry.error = RegistryUnavailable("timeout")
    challenge = journey.begin()

    with pytest.raises(RegistryUnavailable):
        journey.work()

    journey.registry.error = None
    journey.work(now=NOW + MINUTE)
    assert journey.enter(challenge, journey.code(), now=NOW + MINUTE).subject_id is not None


def test_a_job_that_runs_twice_sends_one_code(journey):
    """RELIABILITY X15: a worker that died after its work left the job behind."""
    challenge = journey.begin()
    with journey.sessions.writing() as session:
        (job,) = jobs.claim_due(session, now=NOW)

    for _ in range(2):
        enrolment.resolve(journey.sessions, journey.ring, journey.ports, job, now=NOW)

    assert len(journey.letters()) == 1
    assert journey.enter(challenge, journey.code()).subject_id is not None


def test_a_superseded_or_expired_challenge_sends_nothing(journey):
    """Newest only; no code arrives after its time."""
    journey.begin()
    newer = journey.begin(now=NOW + 10 * SECOND)
    journey.work(now=NOW + 10 * SECOND)
    assert journey.letters() == []

    journey.work(now=newer.expires_at)

    assert journey.letters() == []


def test_known_and_unknown_people_cost_the_worker_the_same_rows_but_the_letter(journey):
    """DECISIONS 2: what the browser can ask about (its challenge) moves alike."""
    journey.account()
    states = []
    for national_id in (SOMCHAI, NOBODY):
        challenge = journey.begin(national_id)
        journey.work()
        with journey.sessions.reading() as session:
            row = session.get_one(Challenge, challenge.id)
            states.append((row.state, row.tries_left, row.expires_at, row.next_send_at, row.quiet_until))
    assert states[0] == states[1]


def test_a_fixed_code_serves_automated_browsers(journey):
    """Settings.sandbox_fixed_code: also when nothing is sent any more."""
    for n in range(3):
        journey.begin(now=NOW + n * MINUTE)
        journey.work(now=NOW + n * MINUTE, fixed_code="111222")
    quiet = journey.begin(now=NOW + 3 * MINUTE)
    journey.work(now=NOW + 3 * MINUTE, fixed_code="111222")
    decoy = journey.begin(NOBODY)
    journey.work(fixed_code="111222")

    assert len(journey.letters()) == 3
    assert journey.enter(quiet, "111222", now=NOW + 3 * MINUTE).subject_id is not None
    assert journey.enter(decoy, "111222") == "wrong"


def test_over_the_limit_no_code_exists_at_all(journey):
    """RELIABILITY 3: what was not sent cannot be guessed."""
    for n in range(4):
        quiet = journey.begin(now=NOW + n * MINUTE)
        journey.work(now=NOW + n * MINUTE)

    with journey.sessions.reading() as session:
        assert session.get_one(Challenge, quiet.id).code_hash is None
    assert len(journey.letters()) == 3


@pytest.mark.parametrize(
    ("locale", "service", "words"),
    [
        ("th", "พอร์ทัลสุขภาพ", ["พอร์ทัลสุขภาพ", "อ้างอิง", "5 นาที"]),
        ("en", "Health portal", ["Health portal", "Ref", "Valid 5 min"]),
        ("th", "", ["ยินยอม"]),
        ("en", "https://evil.example", ["Yinyom"]),
        ("th", "evil.example", ["ยินยอม"]),
    ],
)
def test_the_message_says_which_service_and_holds_no_link(journey, locale, service, words):
    """PAGES: no links in SMS; the reference letters are those of the page."""
    challenge = journey.begin(locale=locale, service=service)
    journey.work()

    ((_, text),) = journey.letters()

    assert all(word in text for word in [*words, challenge.ref])
    assert not re.search(r"://|www\.|\.example", text)
    assert len(text) <= 160
    with journey.sessions.reading() as session:
        kept = session.get_one(Challenge, challenge.id)
        assert kept.code_hash not in text
        assert journey.code() not in repr(vars(kept))


def test_the_last_line_binds_a_code_to_our_site_if_the_operator_wishes(journey):
    """WICG origin-bound one-time codes: a browser fills it in there alone; by default it is not there."""
    journey.begin()
    journey.work(site="id.example.test")
    journey.begin("3999000010043")
    journey.work()

    bound, plain = sorted((text for _, text in journey.letters()), key=len, reverse=True)

    assert re.fullmatch(r"@id\.example\.test #\d{6}", bound.splitlines()[-1])
    assert bound.startswith(bound.rpartition("#")[2])
    assert len(plain.splitlines()) == 1


def test_the_code_of_each_challenge_is_its_own(journey):
    """NIST 800-63B 3.1.3.1: random, by the system's generator."""
    codes_seen = set()
    for n, national_id in enumerate(list(PEOPLE)[:12]):
        journey.begin(national_id, interaction_id=str(n))
        journey.work()
        if journey.letters():
            codes_seen.add(journey.code())
    assert len(codes_seen) > 8


def test_sending_a_code_is_an_entry_of_the_log(journey):
    """THAI 1c: otp.sent."""
    journey.account()
    journey.begin()
    journey.work()

    with journey.sessions.reading() as session:
        assert "otp.sent" in set(session.scalars(select(AuditEntry.event)))
        assert session.scalars(select(Job.state)).all() == ["done"]


def test_resolving_reads_before_it_calls_and_writes_after(journey):
    """DECISIONS 23: a decoy costs the writer the same number of statements before its letter."""
    counts = []
    for national_id in (NOBODY, DECEASED):
        journey.begin(national_id)
        statements: list[str] = []

        def note(_c, _cursor, statement, *_, kept=statements):
            kept.append(statement)

        event.listen(journey.sessions.engine, "before_cursor_execute", note)
        journey.work()
        event.remove(journey.sessions.engine, "before_cursor_execute", note)
        counts.append(statements)
    assert counts[0] == counts[1]
