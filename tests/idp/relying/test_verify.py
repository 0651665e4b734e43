"""RFC 9068 section 4, RFC 8725; attack rows O30 and O36 of the standards' matrix."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwk, jwt

from idp.relying import IssuerUnavailable, Keys, TokenRefused, Verifier
from tests.idp.relying.issuer import HERE, ISSUER, FakeIssuer


def refusal(verifier: Verifier, token: str, *scopes: str) -> TokenRefused:
    with pytest.raises(TokenRefused) as caught:
        verifier.verify(token, *scopes)
    return caught.value


def test_a_good_token_says_who_what_and_for_whom(issuer: FakeIssuer, verifier: Verifier) -> None:
    """RFC 9068 section 2.2."""
    token = verifier.verify(issuer.token(purposes=["EHR-SHARE"]), "patient/Observation.r")

    assert token.sub == "c0ffee"
    assert token.client_id == "portal"
    assert token.purpose == ("EHR-SHARE",)
    assert "patient/Observation.rs" in token.scopes
    assert token.checked == "offline"


def test_alg_none_is_refused(issuer: FakeIssuer, verifier: Verifier) -> None:
    """O36; RFC 8725 section 3.1."""
    assert refusal(verifier, issuer.unsigned()).error == "invalid_token"


def test_hs256_under_the_public_key_is_refused(issuer: FakeIssuer, verifier: Verifier) -> None:
    """O36: key confusion; RFC 8725 section 2.1."""
    public = json.dumps(issuer.published[0]).encode()
    token = jwt.encode(
        {"alg": "HS256", "kid": "at-1", "typ": "at+jwt"}, issuer.claims(), jwk.OctKey.import_key(public), ["HS256"]
    )

    assert refusal(verifier, token).error == "invalid_token"


def test_the_issuers_own_rs256_key_signs_no_access_token(issuer: FakeIssuer, verifier: Verifier) -> None:
    """O36: one algorithm, one use."""
    assert refusal(verifier, issuer.token({"alg": "RS256", "kid": "event-1"}, issuer.rsa)).status == 401


def test_a_header_nested_without_end_is_refused(verifier: Verifier) -> None:
    """O36: deeper than the reader of JSON can go."""
    assert refusal(verifier, base64.urlsafe_b64encode(b"[" * 9000).decode() + ".e30.x").error == "invalid_token"


@pytest.mark.parametrize("typ", ["JWT", "secevent+jwt", "at+jwt ", None, 7])
def test_another_type_is_refused(issuer: FakeIssuer, verifier: Verifier, typ: Any) -> None:
    """O36; RFC 9068 section 4: `at+jwt` or `application/at+jwt` only."""
    token = _with_header(issuer, issuer.token(), typ=typ)

    assert "type" in refusal(verifier, token).description


def test_the_long_form_of_the_type_is_accepted(issuer: FakeIssuer, verifier: Verifier) -> None:
    """RFC 9068 section 4."""
    assert verifier.verify(issuer.token({"typ": "application/at+jwt"})).sub == "c0ffee"


def test_an_id_token_is_no_access_token(issuer: FakeIssuer, verifier: Verifier) -> None:
    """O36: an ID token has typ JWT and no scope."""
    token = issuer.token({"typ": "JWT"}, scope=None, nonce="n")

    assert refusal(verifier, token).error == "invalid_token"


@pytest.mark.parametrize(
    "header", [{"jku": "https://evil.test/jwks"}, {"x5u": "https://evil.test/x"}, {"crit": ["b64"]}]
)
def test_a_token_brings_no_keys_or_rules_of_its_own(issuer: FakeIssuer, verifier: Verifier, header: Any) -> None:
    """O36; RFC 8725 section 3.10."""
    token = _with_header(issuer, issuer.token(), **header)

    assert "header" in refusal(verifier, token).description
    assert issuer.fetched == []


def test_a_token_signed_with_the_key_it_carries_is_refused(issuer: FakeIssuer, verifier: Verifier) -> None:
    """O36: embedded jwk."""
    own = jwk.ECKey.generate_key("P-256")
    token = issuer.token({"jwk": own.as_dict(private=False)}, own)

    assert refusal(verifier, token).error == "invalid_token"


def test_another_issuers_key_under_our_key_id_is_refused(issuer: FakeIssuer, verifier: Verifier) -> None:
    """O36: wrong signature."""
    assert "signature" in refusal(verifier, issuer.token(None, jwk.ECKey.generate_key("P-256"))).description


@pytest.mark.parametrize("aud", ["https://other.test", [], ["https://other.test"], HERE + "/", None])
def test_a_token_for_another_audience_is_refused(issuer: FakeIssuer, verifier: Verifier, aud: Any) -> None:
    """O30: token for A at B."""
    assert refusal(verifier, issuer.token(aud=aud)).status == 401


def test_one_of_several_audiences_is_enough(issuer: FakeIssuer, verifier: Verifier) -> None:
    """RFC 7519 section 4.1.3."""
    assert verifier.verify(issuer.token(aud=[ISSUER, HERE])).sub == "c0ffee"


def test_a_token_of_another_issuer_is_refused(issuer: FakeIssuer, verifier: Verifier) -> None:
    """O36: compared exactly."""
    assert "issuer" in refusal(verifier, issuer.token(iss=ISSUER + "/")).description


def test_expiry_has_ten_seconds_of_leeway_and_no_more(issuer: FakeIssuer, verifier: Verifier) -> None:
    """O36, O13."""
    token = issuer.token()
    issuer.now += 69
    assert verifier.verify(token).sub == "c0ffee"

    issuer.now += 1

    assert "expired" in refusal(verifier, token).description


@pytest.mark.parametrize("changes", [{"iat": 11}, {"nbf": 11}])
def test_a_token_from_the_future_is_refused(issuer: FakeIssuer, verifier: Verifier, changes: dict[str, int]) -> None:
    """RFC 7519 sections 4.1.5, 4.1.6."""
    later = {name: int(issuer.now) + ahead for name, ahead in changes.items()}

    assert refusal(verifier, issuer.token(**later)).error == "invalid_token"


@pytest.mark.parametrize("name", ["exp", "iat", "sub", "client_id", "jti", "iss"])
def test_what_rfc_9068_requires_is_required(issuer: FakeIssuer, verifier: Verifier, name: str) -> None:
    """RFC 9068 section 2.2."""
    assert refusal(verifier, issuer.token(**{name: None})).error == "invalid_token"


@pytest.mark.parametrize("exp", [True, "9999999999", 1e300, [1]])
def test_an_expiry_that_is_no_number_is_refused(issuer: FakeIssuer, verifier: Verifier, exp: Any) -> None:
    """RFC 7519 section 2: NumericDate."""
    assert refusal(verifier, issuer.token(exp=exp)).error == "invalid_token"


def test_an_oversized_token_is_refused_before_it_is_read(issuer: FakeIssuer, verifier: Verifier) -> None:
    """O36: oversized."""
    assert "long" in refusal(verifier, issuer.token(padding="x" * 20_000)).description


@given(st.text(max_size=200))
def test_no_text_whatever_breaks_the_verifier(text: str) -> None:
    """Bad input: a clear refusal, never a stack trace."""
    with pytest.raises(TokenRefused):
        Verifier(ISSUER, HERE, keys=_nobody()).verify(text)


def test_a_scope_that_is_not_covered_is_named(issuer: FakeIssuer, verifier: Verifier) -> None:
    """RFC 6750 section 3.1: insufficient_scope."""
    refused = refusal(verifier, issuer.token(), "patient/Observation.r", "patient/Condition.r")

    assert (refused.error, refused.status) == ("insufficient_scope", 403)
    assert refused.scope == "patient/Observation.r patient/Condition.r"


def test_without_any_key_nothing_is_decided(issuer: FakeIssuer, verifier: Verifier) -> None:
    """The token is not called bad when it is the issuer that is silent."""
    issuer.down = True

    assert refusal(verifier, issuer.token()).status == 503


def _with_header(issuer: FakeIssuer, token: str, **changes: Any) -> str:
    """The same token under another header; the signature no longer holds, and must not be what refuses it."""
    header = {"alg": "ES256", "kid": "at-1", "typ": "at+jwt", **changes}
    raw = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    assert issuer.key is not None
    return f"{raw}.{token.split('.', 1)[1]}"


def _nobody() -> Keys:
    def nothing(url: str) -> dict[str, Any]:
        raise ValueError(url)

    return Keys(ISSUER, fetch=nothing)


def test_the_silence_of_an_issuer_has_a_name() -> None:
    """Keys raise it; the verifier turns it into 503."""
    with pytest.raises(IssuerUnavailable):
        _nobody().find("at-1", "ES256")
    with pytest.raises(IssuerUnavailable):
        _nobody().endpoints()
