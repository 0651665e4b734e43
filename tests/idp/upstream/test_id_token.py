import pytest

from idp.upstream.id_token import Expected, fault_of
from tests.fakes import MINUTE, NOW

AT = int(NOW.timestamp())
GOOD = {"iss": "https://up.example.test", "aud": "us", "sub": "s", "iat": AT, "exp": AT + 600, "nonce": "n"}
EXPECTED = Expected(issuer="https://up.example.test", audience="us", nonce="n")


def test_a_good_token_has_no_fault():
    assert fault_of(GOOD, EXPECTED, now=NOW) is None


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"iss": "https://up.example.test/"}, "iss"),
        ({"iss": None}, "iss"),
        ({"aud": "them"}, "aud"),
        ({"aud": []}, "aud"),
        ({"aud": ["us", "them"]}, "aud"),
        ({"aud": ["us", "them"], "azp": "them"}, "aud"),
        ({"azp": "them"}, "aud"),
        ({"exp": AT - 60}, "exp"),
        ({"exp": True}, "exp"),
        ({"exp": str(AT + 600)}, "exp"),
        ({"iat": AT + 61}, "iat"),
        ({"iat": None}, "iat"),
        ({"nonce": "m"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"nonce": 1}, "nonce"),
        ({"sub": ""}, "sub"),
        ({"sub": 7}, "sub"),
    ],
)
def test_the_first_wrong_claim_is_named(changed, fault):
    """OIDC Core 3.1.3.7, one row a rule."""
    assert fault_of(GOOD | changed, EXPECTED, now=NOW) == fault


@pytest.mark.parametrize("changed", [{"aud": ["us"]}, {"aud": ["us", "them"], "azp": "us"}, {"exp": AT - 59}])
def test_what_the_specification_allows_is_allowed(changed):
    """Several audiences with us as the authorized party; a minute between two clocks."""
    assert fault_of(GOOD | changed, EXPECTED, now=NOW) is None


def test_a_nonce_that_may_be_left_out_must_still_be_ours():
    lenient = Expected(issuer=EXPECTED.issuer, audience="us", nonce="n", nonce_required=False)

    assert fault_of({**GOOD, "nonce": None}, lenient, now=NOW) is None
    assert fault_of({**GOOD, "nonce": "m"}, lenient, now=NOW) == "nonce"


def test_an_access_token_of_another_answer_is_noticed():
    """OIDC Core 3.1.3.8."""
    with_token = Expected(issuer=EXPECTED.issuer, audience="us", nonce="n", access_token="token")

    assert fault_of({**GOOD, "at_hash": "PEaenWxYddN6Q_NT1PiOYQ"}, with_token, now=NOW) is None
    assert fault_of({**GOOD, "at_hash": "AEaenWxYddN6Q_NT1PiOYQ"}, with_token, now=NOW) == "at_hash"
    assert fault_of({**GOOD, "at_hash": "é"}, with_token, now=NOW) == "at_hash"
    assert fault_of(GOOD, with_token, now=NOW) is None


def test_a_token_that_is_over_is_refused_by_the_clock():
    assert fault_of(GOOD, EXPECTED, now=NOW + 11 * MINUTE) == "exp"
