"""A letter to try out a service's event endpoint: signed as any other, sent by the outbox, told as it went."""

import json

import pytest
from joserfc import jws

from consent.errors import NotAllowed, NotFound
from idp import outbox, trial
from idp.directory.models import LegalEntity
from idp.fetcher import GuardedFetcher
from idp.keys import KeyRings
from idp.national_id import SyntheticOnly
from idp.oauth import clients
from idp.ports import Ports
from idp.proofing.sources.registry import NoRegistry
from tests.fakes import NOW, FakeSms
from tests.idp.servers import serving


def register(session, name, **more):
    """A client with an event endpoint or without."""
    entity = LegalEntity(
        name_th=name, name_en=name, kind="insurer", controller_contact="x", dpo_contact="x", own_app=False
    )
    session.add(entity)
    session.flush()
    facts = {"name_th": name, "name_en": name, "legal_entity_id": entity.id, "kind": "web", "purposes": {}}
    clients.register(session, client_id=name, redirect_uris=["https://a.example.test/cb"], now=NOW, **facts, **more)


@pytest.fixture
def attempt(sessions, ring, settings, kek):
    """One trial to an endpoint; the letter afterwards."""
    return lambda url: sent(sessions, ring, settings, kek, url=url)


def sent(sessions, ring, settings, kek, *, url):
    with sessions.writing() as session:
        register(session, "tried", event_endpoint=url)
        trial.send(session, ring, settings, "tried", now=NOW)
        (letter,) = trial.letters(session, "tried")
        letter_id = letter.id
    ports = Ports(NoRegistry(), FakeSms(), GuardedFetcher(allow_loopback=True, timeout_s=5), SyntheticOnly())
    assert outbox.attempt(sessions, KeyRings(sessions, kek), ports, letter_id, now=NOW)
    assert not outbox.attempt(sessions, KeyRings(sessions, kek), ports, letter_id, now=NOW)
    with sessions.reading() as session:
        (letter,) = trial.letters(session, "tried")
    return letter


@pytest.mark.parametrize(
    ("status", "state", "error"), [(202, "sent", None), (400, "dead", "status_400"), (503, "queued", "status_503")]
)
def test_what_became_of_it_is_what_the_endpoint_answered(attempt, status, state, error):
    """RFC 8935 section 2: acknowledged, refused, or to be tried again."""
    with serving(default=status) as server:
        letter = attempt(server.url)

    assert (letter.state, letter.last_error) == (state, error)
    assert (letter.acknowledged_at == NOW) is (status == 202)
    assert letter.subject_id is None


def test_the_event_is_of_the_type_and_form_that_ssf_says(session, ring, settings):
    """SSF 1.0 section 8.1.4, RFC 8417: an opaque subject, a state, no `sub` and no `exp`."""
    register(session, "tried", event_endpoint="https://a.example.test/events")
    trial.send(session, ring, settings, "tried", now=NOW)
    (letter,) = trial.letters(session, "tried")

    token = jws.extract_compact(ring.open(letter.body_sealed, place=f"letter:{letter.id}:body").encode())
    claims = json.loads(token.payload)

    assert token.headers()["typ"] == "secevent+jwt"
    assert list(claims["events"]) == ["https://schemas.openid.net/secevent/ssf/event-type/verification"]
    assert claims["events"][trial.EVENT]["state"]
    assert claims["sub_id"]["format"] == "opaque"
    assert claims["aud"] == "tried"
    assert not {"sub", "exp"} & set(claims)


def test_nobody_and_whoever_takes_no_events_is_refused(session, ring, settings):
    """The sentence names the next step."""
    register(session, "deaf")

    with pytest.raises(NotFound, match="idp client list"):
        trial.send(session, ring, settings, "nobody", now=NOW)
    with pytest.raises(NotAllowed, match="--events"):
        trial.send(session, ring, settings, "deaf", now=NOW)
    assert trial.letters(session, "deaf") == []
