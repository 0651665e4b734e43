"""RFC 9470: a resource server asks for a stronger or a newer sign-in."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from idp.assurance import Aal
from idp.relying import Verifier, levels, require, require_record
from tests.idp.relying.issuer import FakeIssuer

AAL = "urn:yinyom:aal:"
AT = 1000.0


def test_the_order_is_the_issuers() -> None:
    """The library stands alone, so it repeats the list; this keeps the two the same."""
    assert tuple(level.acr for level in Aal) == levels.ORDER


@pytest.mark.parametrize(
    ("acr", "wanted", "enough"),
    [
        (AAL + "2.1", AAL + "2.1", True),
        (AAL + "2.2", AAL + "2.1", True),
        (AAL + "3", AAL + "1", True),
        (AAL + "1", AAL + "2.1", False),
        (None, AAL + "1", False),
        ("urn:x", AAL + "1", False),
        (AAL + "3", "urn:x", False),
        ("urn:x", "urn:x", True),
        ([AAL + "3"], AAL + "1", False),
    ],
)
def test_a_stronger_sign_in_is_enough_and_an_unknown_one_only_itself(acr, wanted, enough):
    """Section 4: acr values are opaque to others; ours have an order."""
    assert levels.reaches(acr, wanted) is enough


@pytest.mark.parametrize(
    ("auth_time", "max_age_s", "new_enough"),
    [
        *((AT, 0, True), (AT - 10, 0, True), (AT - 11, 0, False), (AT - 70, 60, True), (AT - 71, 60, False)),
        *((None, 60, False), (True, 60, False), ("1000", 60, False), (None, None, True)),
    ],
)
def test_the_sign_in_is_new_enough_or_was_never_measured(auth_time, max_age_s, new_enough):
    """Section 6.2; ten seconds of leeway between two clocks."""
    found = levels.fault({"auth_time": auth_time}, acr=None, max_age_s=max_age_s, now=AT)
    assert (found is None) is new_enough


@pytest.fixture
def client(verifier: Verifier) -> FlaskClient:
    app = Flask("records")

    @app.get("/sensitive")
    @require(verifier, "patient/Observation.s", acr=AAL + "2.2", max_age_s=300)
    def sensitive() -> dict[str, str]:
        return {}

    @app.get("/record")
    @require_record(verifier, "Observation.s", acr=AAL + "2.2")
    def record() -> dict[str, str]:
        return {}

    return app.test_client()


def test_a_weak_token_is_told_what_to_ask_for(client: FlaskClient, issuer: FakeIssuer) -> None:
    """Section 3: error, acr_values and max_age; 401, whatever scopes it has."""
    token = issuer.token(acr=AAL + "1", auth_time=issuer.clock())
    answer = client.get("/sensitive", headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == 401
    said = answer.headers["WWW-Authenticate"]
    assert 'error="insufficient_user_authentication"' in said
    assert f'acr_values="{AAL}2.2"' in said
    assert 'max_age="300"' in said


def test_an_old_sign_in_is_not_new_by_a_fresh_token(client: FlaskClient, issuer: FakeIssuer) -> None:
    """A refreshed token keeps its auth_time (OIDC Core 12.2)."""
    token = issuer.token(acr=AAL + "2.2", auth_time=issuer.clock() - 311)
    assert client.get("/sensitive", headers={"Authorization": f"Bearer {token}"}).status_code == 401


@pytest.mark.parametrize("path", ["/sensitive", "/record"])
def test_a_strong_and_new_one_reaches_the_view(client: FlaskClient, issuer: FakeIssuer, path: str) -> None:
    """And a token without any acr does not."""
    strong = issuer.token(acr=AAL + "2.2", auth_time=issuer.clock() - 300)
    assert client.get(path, headers={"Authorization": f"Bearer {strong}"}).status_code == 200
    assert client.get(path, headers={"Authorization": f"Bearer {issuer.token(acr=None)}"}).status_code == 401
