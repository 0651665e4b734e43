"""What a holder tells of its reads: kept before it is sent, sent once it can be, never with a name."""

import json

import httpx
import pytest

from idp.fhir import reported
from idp.relying import Keys, Reporter, Verifier
from idp.relying.reporter import DENIED
from tests.fakes import NOW
from tests.idp.relying.issuer import HERE, ISSUER, FakeIssuer

GRANT = "0190a3f0-0000-7000-8000-000000000001"


class Server:
    """The issuer's end: keeps what came, answers as told."""

    def __init__(self):
        self.came, self.answers = [], []

    def __call__(self, request):
        """Answer one post."""
        self.came.append(json.loads(request.content))
        said = self.answers.pop(0) if self.answers else 201
        if said is None:
            raise httpx.ConnectError("away")
        return httpx.Response(said)


@pytest.fixture
def server():
    return Server()


@pytest.fixture
def reporter(server, tmp_path):
    transport = httpx.MockTransport(server)
    return Reporter(ISSUER, HERE, "holder", "s" * 43, folder=tmp_path, clock=NOW.timestamp, transport=transport)


@pytest.fixture
def token():
    """A proven token of one person and one grant."""
    issuer = FakeIssuer()
    verifier = Verifier(ISSUER, HERE, keys=Keys(ISSUER, fetch=issuer.fetch, clock=issuer.clock), clock=issuer.clock)
    return verifier.verify(issuer.token(scope="patient/Condition.rs", grant_id=GRANT))


def test_what_is_told_is_what_the_server_reads(reporter, server, token):
    """Both ends speak the same: the report is one that `idp.fhir.reported` takes."""
    reporter.opened(token, "Condition", unit="ER")

    assert reporter.send()
    read = reported.read(server.came[0], issuer=ISSUER, now=NOW)
    assert (str(read.grant_id), read.sub, read.observer) == (GRANT, token.sub, HERE)
    assert (read.data, read.unit, read.outcome) == ((("diagnoses",),), "ER", "ok")


def test_a_refused_try_is_told_as_such(reporter, server, token):
    """Attempts count."""
    reporter.opened(token, "Condition", outcome=DENIED)
    reporter.send()

    assert reported.read(server.came[0], issuer=ISSUER, now=NOW).outcome == "denied"


def test_nothing_is_lost_while_the_issuer_is_away(reporter, server, token, tmp_path):
    """It waits in the folder, also over a restart, and keeps its id."""
    server.answers = [None, 503]
    reporter.opened(token, "Condition")

    assert not reporter.send()
    assert not reporter.send()
    restarted = Reporter(ISSUER, HERE, "holder", "s" * 43, folder=tmp_path, transport=httpx.MockTransport(server))
    assert restarted.send()

    assert len({event["id"] for event in server.came}) == 1
    assert list(tmp_path.glob("*.json")) == []


def test_a_report_that_is_refused_for_good_stops_nobody(reporter, server, token, tmp_path):
    """It is put aside for whoever looks after the service; the next one goes out."""
    server.answers = [422, 201]
    reporter.opened(token, "Condition")
    reporter.opened(token, "Condition")

    assert reporter.send()
    assert len(server.came) == 2
    assert len(list(tmp_path.glob("*.refused"))) == 1


def test_a_token_of_nobodys_record_has_nothing_to_tell(reporter, server):
    """A system's own token names no grant."""
    issuer = FakeIssuer()
    verifier = Verifier(ISSUER, HERE, keys=Keys(ISSUER, fetch=issuer.fetch, clock=issuer.clock), clock=issuer.clock)
    reporter.opened(verifier.verify(issuer.token(scope="patient/Condition.rs")), "Condition")

    assert reporter.send()
    assert server.came == []
