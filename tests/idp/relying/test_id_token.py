"""OIDC Core 3.1.3.7."""

from typing import Any

import pytest

from idp.relying import Keys
from idp.relying.id_token import half_hash, verify_id_token
from idp.relying.jws import Refused
from tests.idp.relying.issuer import FakeIssuer


def check(issuer: FakeIssuer, keys: Keys, **changes: Any) -> dict[str, Any]:
    claims = {"aud": "portal", "nonce": "n-1", "at_hash": half_hash("token"), "scope": None, **changes}
    token = issuer.token({"typ": "JWT"}, **claims)
    return verify_id_token(token, keys=keys, client_id="portal", nonce="n-1", access_token="token", clock=issuer.clock)


def test_a_good_id_token_is_believed(issuer: FakeIssuer, keys: Keys) -> None:
    """Rules 2 to 11."""
    assert check(issuer, keys)["sub"] == "c0ffee"


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": "n-2"},
        {"nonce": None},
        {"aud": "another"},
        {"azp": "another"},
        {"at_hash": half_hash("other")},
        {"iss": "https://evil.test"},
        {"exp": 1_700_000_000},
        {"sub": None},
    ],
)
def test_a_wrong_id_token_is_refused(issuer: FakeIssuer, keys: Keys, changes: dict[str, Any]) -> None:
    """Each rule, one at a time."""
    with pytest.raises(Refused):
        check(issuer, keys, **changes)


def test_an_access_token_is_no_id_token(issuer: FakeIssuer, keys: Keys) -> None:
    """RFC 9068 section 5: types are kept apart."""
    with pytest.raises(Refused, match="type"):
        verify_id_token(
            issuer.token(aud="portal", nonce="n-1"),
            keys=keys,
            client_id="portal",
            nonce="n-1",
            access_token="token",
            clock=issuer.clock,
        )
