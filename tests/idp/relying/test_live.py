"""RFC 7662: when the issuer answers, it decides; only its silence leaves the decision to the token's own life."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from idp.relying import Keys, Live, TokenRefused, Verifier
from tests.idp.relying.issuer import HERE, ISSUER, FakeIssuer

Answer = Callable[[httpx.Request], httpx.Response]
Build = Callable[..., Verifier]


@pytest.fixture
def verifier_that_asks(issuer: FakeIssuer, keys: Keys) -> Iterator[Build]:
    opened: list[Live] = []

    def build(answer: Answer, **options: Any) -> Verifier:
        live = Live("records", "s3cret", transport=httpx.MockTransport(answer), **options)
        opened.append(live)
        return Verifier(ISSUER, HERE, keys=keys, live=live, clock=issuer.clock)

    yield build
    for live in opened:
        live.close()


def answers(status: int, **body: Any) -> Answer:
    return lambda _request: httpx.Response(status, json=body)


def test_an_active_answer_is_final_and_may_narrow(issuer: FakeIssuer, verifier_that_asks: Build) -> None:
    """The live decision stands above what was minted."""
    verifier = verifier_that_asks(answers(200, active=True, scope="openid"))

    token = verifier.verify(issuer.token())

    assert (token.checked, token.scopes) == ("live", ("openid",))


def test_the_question_is_authenticated_and_names_no_token_in_the_url(
    issuer: FakeIssuer, verifier_that_asks: Build
) -> None:
    """RFC 7662 section 2.1, RFC 6749 section 2.3.1."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"active": True, "scope": ""})

    token = issuer.token()
    verifier_that_asks(answer).verify(token)

    assert asked[0].method == "POST"
    assert asked[0].headers["Authorization"].startswith("Basic ")
    assert token not in str(asked[0].url)
    assert token in asked[0].content.decode()


def test_an_inactive_answer_refuses_a_token_that_is_good_offline(issuer: FakeIssuer, verifier_that_asks: Build) -> None:
    """A withdrawal is seen on the next request."""
    with pytest.raises(TokenRefused) as caught:
        verifier_that_asks(answers(200, active=False)).verify(issuer.token())

    assert (caught.value.error, caught.value.status) == ("invalid_token", 401)


def silence(_request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


@pytest.mark.parametrize("answer", [silence, answers(500), answers(503)])
def test_silence_leaves_it_to_the_tokens_own_life(
    issuer: FakeIssuer, verifier_that_asks: Build, answer: Answer
) -> None:
    """The holder validates while our server is stopped."""
    token = issuer.token()
    verifier = verifier_that_asks(answer)
    assert verifier.verify(token).checked == "offline"

    issuer.now += 71

    with pytest.raises(TokenRefused, match="expired"):
        verifier.verify(token)


def test_a_holder_may_insist_on_an_answer(issuer: FakeIssuer, verifier_that_asks: Build) -> None:
    """Catalogue rule 7: offline_s 0."""
    with pytest.raises(TokenRefused) as caught:
        verifier_that_asks(silence, offline_fallback=False).verify(issuer.token())

    assert caught.value.status == 503


@pytest.mark.parametrize("answer", [answers(401, error="invalid_client"), answers(200), answers(200, active="true")])
def test_an_answer_that_is_no_answer_never_lets_a_token_through(
    issuer: FakeIssuer, verifier_that_asks: Build, answer: Answer
) -> None:
    """Wrong credentials are our fault, not the issuer's silence: fail closed."""
    with pytest.raises(TokenRefused) as caught:
        verifier_that_asks(answer).verify(issuer.token())

    assert caught.value.status == 503


def test_a_forged_token_is_never_asked_about(issuer: FakeIssuer, verifier_that_asks: Build) -> None:
    """The offline checks come first, always."""

    def never(_request: httpx.Request) -> httpx.Response:
        raise AssertionError("asked about a forgery")

    with pytest.raises(TokenRefused):
        verifier_that_asks(never).verify(issuer.unsigned())
