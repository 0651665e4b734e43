"""The JWKS is fetched rarely and outlives its server."""

from typing import Any

import httpx
import pytest
from joserfc import jwk

from idp.relying import Keys
from idp.relying.keys import usable_keys
from tests.idp.relying.issuer import ISSUER, FakeIssuer

JWKS = f"{ISSUER}/jwks.json"


def test_keys_are_kept_for_five_minutes(issuer: FakeIssuer, keys: Keys) -> None:
    """One fetch, whatever the traffic."""
    keys.find("at-1", "ES256")
    issuer.now += 299
    keys.find("at-1", "ES256")
    assert issuer.fetched.count(JWKS) == 1

    issuer.now += 2
    keys.find("at-1", "ES256")

    assert issuer.fetched.count(JWKS) == 2


def test_known_keys_go_on_while_the_issuer_is_down(issuer: FakeIssuer, keys: Keys) -> None:
    """The holder validates while our server is stopped."""
    keys.find("at-1", "ES256")
    issuer.down = True
    issuer.now += 3_600

    assert keys.find("at-1", "ES256") is not None


def test_an_unknown_key_id_causes_one_fresh_look_every_ten_seconds(issuer: FakeIssuer, keys: Keys) -> None:
    """A rotation is seen; a stream of forged ids is no hammer."""
    keys.find("at-1", "ES256")
    issuer.now += 11
    for forged in range(50):
        assert keys.find(f"forged-{forged}", "ES256") is None
    assert issuer.fetched.count(JWKS) == 2

    issuer.published.append({**jwk.ECKey.generate_key("P-256").as_dict(private=False), "kid": "at-2"})
    issuer.now += 10

    assert keys.find("at-2", "ES256") is not None


def test_a_key_that_was_taken_away_is_forgotten(issuer: FakeIssuer, keys: Keys) -> None:
    """A retired key stops after the TTL."""
    keys.find("at-1", "ES256")
    issuer.published.pop(0)
    issuer.now += 301

    assert keys.find("at-1", "ES256") is None


@pytest.mark.parametrize(
    "change",
    [{"kid": None}, {"use": "enc"}, {"alg": "ES384"}, {"crv": "P-384"}, {"d": "AA"}, {"x": "!"}, {"kty": "oct"}],
)
def test_an_unfit_key_is_left_out(issuer: FakeIssuer, change: dict[str, Any]) -> None:
    """A private, foreign, unnamed or broken entry never verifies anything; its neighbours still do."""
    broken = {**issuer.published[0], **change}

    assert list(usable_keys({"keys": [broken, issuer.published[1], "text", None]})) == [("event-1", "RS256")]


def test_metadata_of_another_issuer_is_not_believed() -> None:
    """RFC 8414 section 3.3: the issuer in the document must be the one asked for."""

    def impostor(_url: str) -> dict[str, Any]:
        return {"issuer": "https://evil.test", "jwks_uri": "https://evil.test/jwks"}

    with pytest.raises(Exception, match="cannot be read"):
        Keys(ISSUER, fetch=impostor).find("at-1", "ES256")


def test_a_broken_answer_counts_as_silence(issuer: FakeIssuer) -> None:
    """An HTML error page instead of keys must not empty the cache."""
    answers: list[Any] = [issuer.fetch("/.well-known/openid-configuration"), {"keys": issuer.published}]

    def fetch(_url: str) -> Any:
        if not answers:
            raise httpx.ReadTimeout("slow")
        return answers.pop(0)

    keys = Keys(ISSUER, fetch=fetch, clock=issuer.clock)
    keys.find("at-1", "ES256")
    answers.append({"keys": "what?"})
    issuer.now += 301

    assert keys.find("at-1", "ES256") is not None
