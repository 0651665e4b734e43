"""What people are told of unasked: first looks, all looks, emergencies alone; and the 90 days (PDPA s.19, s.30)."""

import pytest
from sqlalchemy import func, insert, select, update

from consent.audit import log, seal
from consent.models import ConsentStanding
from idp import alerts, subjects, watching
from idp.watching import Level, Wish
from tests.fakes import DAY, HOUR, MINUTE, NOW
from tests.idp.oauth.stage import person, set_up

FIRST, EACH, REMINDER = "first_access", "accessed", "consent_reminder"


@pytest.fixture
def stage(sessions, ring, settings):
    """One hospital, one citizen who consented to EHR-SHARE at NOW; the log is sealed as the worker does it."""
    with sessions.writing() as session:
        made = set_up(session, ring, settings)
        made.agree("EHR-SHARE", "SIGNIN", "APPT")
    return made


@pytest.fixture
def desk(sessions, ring, stage):
    return Desk(sessions, ring, stage)


class Desk:
    """Writes looks into the log, seals, lets the worker follow."""

    def __init__(self, sessions, ring, stage):
        self.sessions, self.ring, self.stage, self.now = sessions, ring, stage, NOW
        self.follow()

    def look(self, *, event="introspect", purpose="EHR-SHARE", by=None):
        """One look of an organisation at the citizen's data."""
        with self.sessions.writing() as session:
            log.append(
                session,
                event,
                now=self.now,
                actor=log.Actor.client("holder"),
                subject_id=self.stage.citizen,
                client_id="portal",
                recipient_id=by or self.stage.hospital,
                purpose=purpose,
            )

    def follow(self):
        """Seal, then follow to the end, as the worker does."""
        signer = self.ring.signer("log", "Ed25519")
        seal.seal(self.sessions, signer, origin="test/log", now=self.now)
        return watching.keep_up(self)

    @property
    def rings(self):
        """As the worker asks for its keys."""
        return self

    def at(self, _now):
        """The keys."""
        return self.ring

    def clock(self):
        """The worker's clock."""
        return self.now

    def wish(self, level, *, reminders=True):
        """The citizen chooses."""
        with self.sessions.writing() as session:
            watching.choose(session, self.stage.citizen, Wish(level, reminders), now=self.now)

    def remind(self):
        """The worker comes by."""
        with self.sessions.writing() as session:
            return watching.remind(session, self.ring, now=self.now)

    def mark(self):
        """Up to which moves of consents everybody was reminded."""
        with self.sessions.reading() as session:
            return session.scalar(select(watching.WatchCursor.reminded_to))

    def heard(self):
        """Who was reminded last, and when."""
        with self.sessions.reading() as session:
            return dict(
                session.execute(select(watching.WatchReminded.subject_id, watching.WatchReminded.reminded_at)).all()
            )

    def told(self, kind):
        """How many messages of this kind the person was sent."""
        query = select(func.count()).where(alerts.Notice.subject_id == self.stage.citizen, alerts.Notice.kind == kind)
        with self.sessions.reading() as session:
            return session.scalar(query)


def test_the_first_look_of_an_organisation_is_told_once(desk):
    """Unless somebody chose: the first time, and never again."""
    for _ in range(3):
        desk.look()
        desk.follow()

    assert desk.told(FIRST) == 1
    assert desk.told(EACH) == 0


def test_who_wishes_to_hear_of_all_hears_once_an_hour_of_the_same(desk):
    """What lies close together is one message."""
    desk.wish(Level.all)
    for pause in (MINUTE, MINUTE, HOUR, MINUTE):
        desk.look()
        desk.follow()
        desk.now += pause

    assert (desk.told(FIRST), desk.told(EACH)) == (1, 1)


def test_who_wishes_for_emergencies_alone_hears_of_no_look(desk):
    """And is not told later of an organisation that they know by then."""
    desk.wish(Level.emergency)
    desk.look()
    desk.follow()
    desk.wish(Level.first)
    desk.look()
    desk.follow()

    assert desk.told(FIRST) == 0


@pytest.mark.parametrize(
    ("event", "purpose"), [("introspect", "SIGNIN"), ("token.issued", "EHR-SHARE"), ("introspect", "")]
)
def test_signing_in_is_no_look(desk, event, purpose):
    """Who says who they are opens nothing; a token alone neither."""
    desk.look(event=event, purpose=purpose)
    desk.follow()

    assert desk.told(FIRST) == 0


def test_a_name_that_was_just_shared_is_no_news(desk):
    """Who shares an e-mail address by their own hand hears of it only on wish; a look at health data is news."""
    desk.look(event="userinfo.read", purpose="CONTACT")
    desk.follow()
    before = desk.told(FIRST), desk.told(EACH)
    desk.look()
    desk.follow()

    assert before == (0, 0)
    assert desk.told(FIRST) == 1


def test_who_wishes_to_hear_of_all_hears_of_names_too(desk):
    """All is all, but the signing in itself."""
    desk.wish(Level.all)
    desk.look(event="userinfo.read", purpose="CONTACT")
    desk.follow()

    assert (desk.told(FIRST), desk.told(EACH)) == (0, 1)


def test_the_past_is_not_told(sessions, ring, stage):
    """A server that begins to watch tells nobody of years ago."""
    early = Desk.__new__(Desk)
    early.sessions, early.ring, early.stage, early.now = sessions, ring, stage, NOW
    early.look()

    assert early.follow() == 0
    assert early.told(FIRST) == 0


def test_two_workers_tell_once(desk):
    """The place up to which the log was followed moves in the transaction of the messages."""
    desk.look()
    seal.seal(desk.sessions, desk.ring.signer("log", "Ed25519"), origin="test/log", now=desk.now)
    with desk.sessions.writing() as session:
        first = watching.watch(session, desk.ring, now=desk.now)
    with desk.sessions.writing() as session:
        second = watching.watch(session, desk.ring, now=desk.now)

    assert (first, second) == (1, 0)


def test_a_message_names_no_place_and_holds_no_link():
    """PAGES: no links; no names of illnesses or facilities."""
    for kind in (FIRST, EACH, REMINDER):
        for words in alerts.WORDS[kind]:
            assert not any(sign in words for sign in ("http", "www", "/", ".go.th", "โรงพยาบาล"))
        assert kind in alerts.ENDED


def test_s19_live_consents_are_recalled_every_90_days(desk):
    """PDPA s.19: a consent can be taken back at any time, so its person is reminded that it runs; one entry each."""
    steps = []
    for _ in range(5):
        desk.now += 45 * DAY
        steps.append(desk.remind())

    assert steps == [0, 1, 0, 1, 0]
    assert desk.told(REMINDER) == 2


def test_who_does_not_wish_it_is_not_reminded(desk):
    """And is asked again only after the next 90 days."""
    desk.wish(Level.first, reminders=False)
    desk.now += 91 * DAY

    assert desk.remind() == 1
    assert desk.told(REMINDER) == 0


def test_what_was_withdrawn_is_not_recalled(desk):
    """Only what runs."""
    with desk.sessions.writing() as session:
        desk.stage.context = type(desk.stage.context)(
            session=session, ring=desk.ring, settings=desk.stage.context.settings, now=NOW + DAY
        )
        desk.stage.refuse("APPT")
    desk.now += 91 * DAY

    assert desk.remind() == 0


def test_of_two_workers_one_reminds(desk):
    """What both found is marked by one of them: the row is new, or it is old enough still."""
    desk.now += 91 * DAY
    with desk.sessions.writing() as session:
        marked = [watching._mark(session, desk.stage.citizen, now=desk.now) for _ in range(2)]
    desk.now += 91 * DAY
    with desk.sessions.writing() as session:
        marked += [watching._mark(session, desk.stage.citizen, now=desk.now) for _ in range(2)]

    assert marked == [True, False, True, False]
    assert desk.remind() == 0


def test_a_reminder_reads_only_what_fell_due_since_the_last_round(desk, monkeypatch):
    """Whoever heard once is found by when that was; what was old already is not read again, and nobody is left out."""
    monkeypatch.setattr(watching, "REMINDED_AT_ONCE", 1)
    desk.now += 45 * DAY
    with desk.sessions.writing() as session:
        other = moved(session, desk.stage, to=desk.now - DAY)
    desk.now = NOW + 91 * DAY
    assert [desk.remind() for _ in range(2)] == [1, 0]
    assert desk.mark() == desk.now - 90 * DAY

    desk.now = NOW + 140 * DAY
    assert [desk.remind() for _ in range(2)] == [1, 0]
    assert desk.mark() > NOW

    assert desk.heard() == {desk.stage.citizen: NOW + 91 * DAY, other: NOW + 140 * DAY}
    desk.now = NOW + 182 * DAY
    assert [desk.remind() for _ in range(2)] == [1, 0]


def test_whom_nothing_concerns_any_more_is_forgotten_and_found_again(desk):
    """A year later all of it has expired; a new consent that has become old is a reason to write again."""
    desk.now += 91 * DAY
    assert desk.remind() == 1
    desk.now = NOW + 400 * DAY
    assert desk.remind() == 0
    assert desk.heard() == {}

    with desk.sessions.writing() as session:
        session.execute(update(ConsentStanding).values(moved_at=desk.now, expires_at=desk.now + 365 * DAY))
    desk.now += 91 * DAY
    assert desk.remind() == 1


def moved(session, stage, *, to):
    """Somebody else, whose consent began then; their id."""
    other = subjects.create(session, stage.context.ring, "1999000010047", person(), now=NOW).id
    row = session.execute(select(ConsentStanding.__table__).where(ConsentStanding.purpose == "EHR-SHARE")).one()
    session.execute(
        insert(ConsentStanding), [{**row._mapping, "subject_id": other, "moved_at": to, "expires_at": to + 365 * DAY}]
    )
    return other


@pytest.mark.parametrize(
    ("level", "told_at", "kind"),
    [
        (Level.first, None, FIRST),
        (Level.first, NOW - DAY, None),
        (Level.all, None, FIRST),
        (Level.all, NOW - HOUR, EACH),
        (Level.all, NOW - MINUTE, None),
        (Level.emergency, None, None),
    ],
)
def test_which_message_a_look_deserves(stage, level, told_at, kind):
    """PURE: the whole table."""
    from consent.audit.entry import Entry  # noqa: PLC0415
    from consent.db import new_id  # noqa: PLC0415

    entry = Entry(
        id=new_id(),
        at=NOW,
        event="data.opened",
        actor_kind="client",
        actor="holder",
        recipient_id=stage.hospital,
        purpose="EHR-SHARE",
    )
    assert watching.kind_of(Wish(level), entry, told_at=told_at, now=NOW) == kind
