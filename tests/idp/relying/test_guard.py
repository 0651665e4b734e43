"""RFC 6750 section 3: what a Flask view answers."""

import pytest
from flask import Flask, g
from flask.testing import FlaskClient

from idp.relying import Verifier, require
from tests.idp.relying.issuer import HERE, FakeIssuer


@pytest.fixture
def client(verifier: Verifier) -> FlaskClient:
    app = Flask("records")

    @app.get("/observations")
    @require(verifier, "patient/Observation.s")
    def observations() -> dict[str, str]:
        return {"of": g.token.sub}

    @app.get("/conditions")
    @require(verifier, "patient/Condition.s")
    def conditions() -> dict[str, str]:
        return {}

    return app.test_client()


def test_a_good_token_reaches_the_view(client: FlaskClient, issuer: FakeIssuer) -> None:
    """Section 2.1; the scheme's case does not matter (RFC 9110 section 11.1)."""
    answer = client.get("/observations", headers={"Authorization": f"bearer {issuer.token()}"})

    assert answer.json == {"of": "c0ffee"}


def test_no_token_gives_a_challenge_without_an_error_code(client: FlaskClient) -> None:
    """Section 3.1: no error information when no authentication was sent."""
    answer = client.get("/observations")

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == f'Bearer realm="{HERE}"'


def test_a_token_in_the_url_is_not_looked_at(client: FlaskClient, issuer: FakeIssuer) -> None:
    """Section 5.3."""
    assert client.get(f"/observations?access_token={issuer.token()}").status_code == 401


@pytest.mark.parametrize("header", ["Bearer", "Bearer a b", "Bearer ก", "Bearer,x", "Bearer a,Bearer b"])
def test_a_malformed_header_is_a_bad_request(client: FlaskClient, header: str) -> None:
    """Section 3.1: invalid_request."""
    answer = client.get("/observations", headers={"Authorization": header})

    assert answer.status_code == 400
    assert 'error="invalid_request"' in answer.headers["WWW-Authenticate"]


def test_another_scheme_is_told_what_to_bring(client: FlaskClient) -> None:
    """RFC 9110 section 11.6.1."""
    answer = client.get("/observations", headers={"Authorization": "Basic eDp5"})

    assert answer.status_code == 401
    assert "error" not in answer.headers["WWW-Authenticate"]


def test_a_bad_token_says_so(client: FlaskClient) -> None:
    """Section 3.1: invalid_token."""
    answer = client.get("/observations", headers={"Authorization": "Bearer x.y.z"})

    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert answer.json is not None
    assert answer.json["error_description"]


def test_a_missing_scope_is_named(client: FlaskClient, issuer: FakeIssuer) -> None:
    """Section 3.1: insufficient_scope with the scope that is needed."""
    answer = client.get("/conditions", headers={"Authorization": f"Bearer {issuer.token()}"})

    assert answer.status_code == 403
    assert 'scope="patient/Condition.s"' in answer.headers["WWW-Authenticate"]


def test_a_silent_issuer_is_not_the_callers_fault(client: FlaskClient, issuer: FakeIssuer) -> None:
    """503, no challenge: another token would not help."""
    issuer.down = True

    answer = client.get("/observations", headers={"Authorization": f"Bearer {issuer.token()}"})

    assert answer.status_code == 503
    assert "WWW-Authenticate" not in answer.headers
