"""What became of events: in their order, overdue, given up, queued again (DECISIONS 15; RFC 8935)."""

from contextlib import closing
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from idp import deliveries, outbox
from idp.deliveries import OVERDUE_AFTER
from idp.outbox import GIVE_UP_AFTER, LONGEST_EVENT_PAUSE, Letter
from tests.fakes import HOUR, MINUTE, NOW, SECOND
from tests.idp.servers import serving
from tests.idp.test_outbox import Post

PERSON = uuid4()
STEP = timedelta(seconds=20)


@pytest.fixture
def post(sessions, ring, kek):
    made = Post(sessions, ring, kek)
    with closing(made.fetcher):
        yield made


def queue(post, url, key, *, client_id="portal", now=NOW, consent_id=None):
    about = {"client_id": client_id, "consent_id": consent_id or uuid4(), "subject_id": PERSON}
    post.queue(url, f"e30.{key}.sig", kind="set", key=key, now=now, **about)


def said(service):
    """The tokens that the service took, in the order in which they came."""
    return [one.body.decode().split(".")[1] for one in service.received]


def work(post, *, since, until):
    """The worker through a stretch of time."""
    moment = since
    while moment <= until:
        while post.deliver(moment):
            pass
        moment += STEP
    return moment


def one_of(post, consent_id):
    with post.sessions.reading() as session:
        return deliveries.deliveries(session, consent_id)[0]


def test_a_service_that_was_down_for_an_hour_hears_everything_in_order(post):
    """Nothing is lost or overtaken; it is up to date minutes after it is back, not at the end of a long pause."""
    first = uuid4()
    with serving() as service:
        service.default = 503
        queue(post, service.url, "one", consent_id=first)
        queue(post, service.url, "two", now=NOW + 10 * MINUTE)
        queue(post, service.url, "three", now=NOW + 20 * MINUTE)
        work(post, since=NOW, until=NOW + HOUR)
        assert set(said(service)) == {"one"}
        assert one_of(post, first).word(NOW + HOUR) == "overdue"
        service.default, tried = 202, len(service.received)

        work(post, since=NOW + HOUR, until=NOW + HOUR + LONGEST_EVENT_PAUSE + STEP)

        assert said(service)[tried:] == ["one", "two", "three"]
    assert one_of(post, first).word(NOW + 2 * HOUR) == "acknowledged"


def test_a_service_that_is_down_holds_up_nobody_else(post):
    """The order is each service's own."""
    with serving() as down, serving() as up:
        down.default = 503
        queue(post, down.url, "one")
        queue(post, up.url, "two", client_id="other")
        post.deliver()
        assert said(up) == ["two"]


def test_a_trial_of_an_endpoint_waits_for_no_letter(post):
    """A developer who mends an endpoint learns at once whether it works."""
    with serving() as service:
        service.default = 503
        queue(post, service.url, "one")
        post.deliver()
        post.queue(service.url, "e30.trial.sig", kind="set", key="trial:1", client_id="portal")
        post.deliver(NOW + SECOND)
        assert said(service) == ["one", "trial"]


def test_two_workers_do_not_overtake_each_other(post):
    """The order is part of the one conditional statement that takes a letter, not of the list that came before it."""
    with serving() as service:
        queue(post, service.url, "one")
        queue(post, service.url, "two")
        with post.sessions.reading() as session:
            second = session.scalars(select(Letter.id).where(Letter.key == "two")).one()
        assert not outbox.attempt(post.sessions, post.rings, post.ports, second, now=NOW)
        assert said(service) == []


def test_what_was_given_up_shows_who_did_not_listen_and_can_be_sent_again_in_order(post):
    """Dead letters flag the service; whoever runs the server queues them again once it is mended."""
    with serving() as service:
        service.default = 400  # not worth another try: given up at once
        queue(post, service.url, "one")
        queue(post, service.url, "two")
        post.deliver()
        post.deliver(NOW + SECOND)
        with post.sessions.reading() as session:
            backlog = deliveries.backlogs(session)[0]
        assert (backlog.client_id, backlog.dead, backlog.waiting) == ("portal", 2, 0)

        service.default, tried = 202, len(service.received)
        with post.sessions.writing() as session:
            assert deliveries.redeliver(session, "portal", now=NOW + HOUR) == 2
        work(post, since=NOW + HOUR, until=NOW + HOUR + MINUTE)

        assert said(service)[tried:] == ["one", "two"]
        with post.sessions.reading() as session:
            assert deliveries.backlogs(session) == []


def test_after_three_days_the_next_event_gets_its_turn(post):
    """72 h, then the head of the line is given up and logged; nothing behind it is stuck for ever."""
    with serving() as service:
        service.default = 503
        queue(post, service.url, "one")
        queue(post, service.url, "two", now=NOW + HOUR)
        post.deliver(NOW + GIVE_UP_AFTER + SECOND)
        service.default = 202
        post.deliver(NOW + GIVE_UP_AFTER + 2 * SECOND)
        assert said(service) == ["two"]


@pytest.mark.parametrize(
    ("state", "age", "word"),
    [
        ("queued", OVERDUE_AFTER, "queued"),
        ("queued", OVERDUE_AFTER + SECOND, "overdue"),
        ("sent", HOUR, "sent"),
        ("dead", HOUR, "dead"),
    ],
)
def test_a_person_reads_how_it_stands(state, age, word):
    """PDPA s.19: told, acknowledged, overdue, or given up."""
    assert deliveries.Delivery("portal", NOW, None, None, state).word(NOW + age) == word
