from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from consent.audit.models import AuditEntry
from idp import deliveries, outbox
from idp.fetcher import GuardedFetcher
from idp.keys import KeyRings
from idp.national_id import SyntheticOnly
from idp.outbox import LEASE, Letter
from idp.ports import Ports, Reply, SmsFailed
from idp.proofing.sources.registry import NoRegistry
from tests.fakes import HOUR, MINUTE, NOW, SECOND, FakeSms
from tests.idp.servers import serving

CONSENT, RECIPIENT = uuid4(), uuid4()
TOKEN = "eyJ0eXAiOiJzZWNldmVudCtqd3QifQ.e30.c2ln"


class Post:
    """An outbox with its worker."""

    def __init__(self, sessions, ring, kek):
        self.sessions, self.ring, self.rings = sessions, ring, KeyRings(sessions, kek)
        self.sms = FakeSms()
        self.fetcher = GuardedFetcher(allow_loopback=True, timeout_s=2)
        self.ports = Ports(NoRegistry(), self.sms, self.fetcher, SyntheticOnly())

    def queue(self, to="+66100000035", body="123456", *, kind="sms", key="key-1", now=NOW, **more):
        """Queue a letter, a message by default."""
        with self.sessions.writing() as session:
            outbox.enqueue(session, self.ring, kind=kind, to=to, body=body, key=key, now=now, **more)

    def queue_set(self, url, *, key="jti-1", client_id="portal", **more):
        """Queue a signed event about the consent."""
        about = {"client_id": client_id, "consent_id": CONSENT, "recipient_id": RECIPIENT}
        self.queue(url, TOKEN, kind="set", key=key, **about, **more)

    def deliver(self, now=NOW):
        """One round of the worker."""
        return outbox.deliver(self.sessions, self.rings, self.ports, now=now)

    def letter(self):
        """The only letter."""
        with self.sessions.reading() as session:
            return session.scalars(select(Letter)).one()

    def events(self):
        """What the log says, oldest first."""
        with self.sessions.reading() as session:
            return session.scalars(select(AuditEntry.event).order_by(AuditEntry.id)).all()


@pytest.fixture
def post(sessions, ring, kek):
    made = Post(sessions, ring, kek)
    with closing(made.fetcher):
        yield made


def test_a_message_is_sent_once_and_then_forgotten(post):
    """DECISIONS 5: number and text are sealed while they wait, and gone when they are sent."""
    post.queue()
    waiting = post.letter()
    assert b"100000035" not in waiting.to_sealed
    assert b"123456" not in waiting.body_sealed

    assert [post.deliver(), post.deliver()] == [1, 0]

    sent = post.letter()
    assert post.sms.sent == [("+66100000035", "123456", "key-1")]
    assert (sent.state, sent.sent_at, sent.to_sealed, sent.body_sealed) == ("sent", NOW, None, None)


def test_queuing_the_same_key_twice_is_one_letter(post):
    """RELIABILITY 3: writes carry idempotency keys."""
    post.queue()
    post.queue(body="654321")

    assert post.deliver() == 1
    assert post.sms.sent == [("+66100000035", "123456", "key-1")]


def test_a_letter_of_an_undone_transaction_is_never_sent(post):
    """ARCHITECTURE: raising undoes, the letter with it."""
    with post.sessions.write() as session, session.begin() as transaction:
        outbox.enqueue(session, post.ring, kind="sms", to="+66100000035", body="x", key="k", now=NOW)
        transaction.rollback()

    assert post.deliver() == 0


def test_workers_side_by_side_send_each_letter_once(post):
    """RELIABILITY rule 1: a letter is taken by one conditional statement."""
    for n in range(6):
        post.queue(key=f"key-{n}")

    with ThreadPoolExecutor(6) as pool:
        tried = sum(pool.map(lambda _: post.deliver(), range(12)))

    assert (tried, len(post.sms.sent)) == (6, 6)


@pytest.mark.parametrize("kept", [False, True])
def test_a_failing_gateway_is_tried_again_under_the_same_key(post, kept):
    """RELIABILITY X15: failed and not kept, failed but kept: one message either way."""
    post.queue()
    post.sms.fail(SmsFailed("timeout"), kept=kept)

    assert post.deliver() == 1
    assert (post.letter().state, post.letter().last_error) == ("queued", "timeout")
    assert post.deliver(NOW + SECOND) == 0
    assert post.deliver(NOW + 2 * SECOND) == 1

    assert (post.letter().state, len(post.sms.sent)) == ("sent", 1)


def test_a_refused_message_is_not_tried_again(post):
    """A number that the gateway does not know stays unknown."""
    post.queue()
    post.sms.fail(SmsFailed("status_400", temporary=False))

    post.deliver()

    assert (post.letter().state, post.letter().to_sealed) == ("dead", None)
    assert (post.deliver(NOW + HOUR), post.events()) == (0, ["letter.failed"])


def test_a_port_that_breaks_its_promise_stops_nobody_elses_letter(post):
    """RELIABILITY X15: wrong answers are failures too."""
    post.queue(key="key-1")
    post.queue(key="key-2")
    post.sms.fail(ZeroDivisionError("with personal data in it"))

    assert post.deliver() == 2

    with post.sessions.reading() as session:
        states = dict(session.execute(select(Letter.state, Letter.last_error)).all())
    assert states == {"queued": "fault_ZeroDivisionError", "sent": None}


def test_a_late_code_is_not_sent_at_all(post):
    """RELIABILITY X15: a code that comes after nine minutes only confuses."""
    post.queue(until=NOW + 5 * MINUTE)

    assert post.deliver(NOW + 5 * MINUTE) == 1

    assert (post.letter().state, post.letter().last_error, post.sms.sent) == ("dead", "too_late", [])


def test_a_worker_that_dies_between_sending_and_recording_sends_again(post):
    """RELIABILITY X1: at least once, and the key tells the gateway."""
    post.queue()
    with post.sessions.writing() as session:
        outbox.claim_letter(session, post.letter().id, now=NOW)

    assert post.deliver(NOW + LEASE - SECOND) == 0
    assert post.deliver(NOW + LEASE) == 1


@pytest.mark.parametrize("status", [200, 202])
def test_a_signed_event_is_pushed_and_acknowledged(post, status):
    """RFC 8935 2.1, 2.2: POST application/secevent+jwt, answered 202."""
    with serving(default=status) as receiver:
        post.queue_set(receiver.url)
        assert post.deliver() == 1

    (request,) = receiver.received
    assert (request.method, request.body.decode()) == ("POST", TOKEN)
    assert request.headers["Content-Type"] == "application/secevent+jwt"
    assert request.headers["Accept"] == "application/json"
    assert post.events() == ["letter.delivered"]
    with post.sessions.reading() as session:
        (delivery,) = deliveries.deliveries(session, CONSENT)
    assert (delivery.client_id, delivery.state) == ("portal", "sent")
    assert (delivery.queued_at, delivery.sent_at, delivery.acknowledged_at) == (NOW, NOW, NOW)


@pytest.mark.parametrize(
    ("status", "state", "error"),
    [
        (500, "queued", "status_500"),
        (503, "queued", "status_503"),
        (429, "queued", "status_429"),
        (0, "queued", "timeout"),
        (400, "dead", "status_400"),
        (404, "dead", "status_404"),
        (302, "dead", "status_302"),
        (204, "dead", "status_204"),
    ],
)
def test_a_receiver_that_does_not_acknowledge(post, status, state, error):
    """RFC 8935 2.3, 4: slow and failing receivers are tried again; a refusal is final."""
    with serving(default=status) as receiver:
        post.queue_set(receiver.url)
        post.deliver()

    assert (post.letter().state, post.letter().last_error, post.letter().acknowledged_at) == (state, error, None)
    assert post.events() == (["letter.failed"] if state == "dead" else [])


def test_a_receiver_that_comes_back_gets_its_event(post):
    """A withdrawal is not lost by a service that is down for a while."""
    with serving(answers=[500, 0, 503]) as receiver:
        post.queue_set(receiver.url)
        now = NOW
        for _ in range(4):
            assert post.deliver(now) == 1
            now = post.letter().next_at

    assert (len(receiver.received), post.letter().state, post.letter().attempts) == (4, "sent", 4)


def test_after_72_hours_a_letter_is_dead(post):
    """PLAN of the outbox: an event is tried for three days."""
    with serving(default=500) as receiver:
        post.queue_set(receiver.url)
        post.deliver(NOW + 71 * HOUR)
        post.deliver(NOW + 72 * HOUR)

    assert (post.letter().state, post.letter().last_error) == ("dead", "too_late")
    assert (len(receiver.received), post.events()) == (1, ["letter.failed"])


def test_an_endpoint_inside_our_network_is_never_called(post):
    """The guarded fetcher stands between clients' addresses and us."""
    post.queue_set("https://169.254.169.254/")

    post.deliver()

    assert (post.letter().state, post.letter().last_error) == ("dead", "private_address")


def test_no_transaction_is_open_while_the_outside_world_answers(post):
    """DECISIONS 23."""

    class Slow:
        def post(self, *_, **__):
            post.queue(key="meanwhile")
            return Reply(202, b"", {})

    post.ports = Ports(NoRegistry(), post.sms, Slow(), SyntheticOnly())
    post.queue_set("https://portal.example.test/events")

    assert post.deliver() == 1
    with post.sessions.reading() as session:
        assert session.scalar(select(func.count()).select_from(Letter)) == 2
