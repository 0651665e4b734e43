import pytest

from idp.ports import UpstreamUnavailable
from idp.upstream.wire import Said, Wire
from tests.servers.thaid import open_thaid


@pytest.fixture
def server():
    with open_thaid() as made:
        yield made


def test_a_document_is_an_object_or_nothing(server):
    server.moods = ["page"]
    wire = Wire("test", timeout_s=1)

    assert wire.get(server.discovery).document == {}
    assert wire.get(server.discovery).document["issuer"] == server.url


@pytest.mark.parametrize(
    ("mood", "code"), [("refuse", "no_answer"), ("reset", "no_answer"), ("down", "status_500"), ("flood", "too_long")]
)
def test_no_usable_answer_is_unavailable(server, mood, code):
    server.mood = mood

    with pytest.raises(UpstreamUnavailable, match=code):
        Wire("test", timeout_s=1).get(server.discovery)


@pytest.mark.parametrize("mood", ["hang", "drip"])
def test_whoever_keeps_us_waiting_is_cut_off_and_left_alone(server, mood):
    """A byte at a time ends no limit for a single read; the whole has one, too."""
    wire = Wire("test", timeout_s=0.2)
    server.mood = mood

    with pytest.raises(UpstreamUnavailable, match="timeout"):
        wire.get(server.discovery)
    with pytest.raises(UpstreamUnavailable, match="resting"):
        wire.get(server.discovery)

    assert wire.breaker.is_open
    assert len(server.calls) <= 1


def test_a_redirect_is_not_followed(server):
    server.mood = "moved"

    said = Wire("test").post_form(f"{server.base}/token/", {"code": "c"}, basic=("a", "b"))

    assert (said.status, said.good) == (302, False)
    assert len(server.calls) == 1


@pytest.mark.parametrize(
    ("document", "error"),
    [
        ({"error": "invalid_grant"}, "invalid_grant"),
        ({"error": "นาย สมชาย: no"}, "status_400"),
        ({"error": {"a": 1}}, "status_400"),
        ({"error": "x" * 41}, "status_400"),
        ({}, "status_400"),
    ],
)
def test_of_a_refusal_only_a_code_is_kept(document, error):
    """A description may quote a person: it never reaches a log."""
    assert Said(400, document).error == error
