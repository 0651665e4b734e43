"""A token for one visit, at a data holder."""

import json

import httpx
import pytest

from idp.relying import Live, TokenRefused, Verifier, visits
from tests.idp.relying.issuer import HERE, ISSUER

SYSTEM, NUMBER = "https://terms.sil-th.org/hcode/5/99001/VN", "6911-000123"
DETAIL = {
    "type": "th_health_visit",
    "purpose": "EHR-SHARE",
    "actions": ["read"],
    "datatypes": ["Observation"],
    "encounter": {"system": SYSTEM, "value": NUMBER},
}
SCOPE = "openid patient/Observation.rs?_tag=visit|abc"
HERE_AND_NOW = {"system": SYSTEM, "number": NUMBER}


def token_of(issuer, *details, scope=SCOPE):
    return issuer.token(scope=scope, authorization_details=list(details))


def test_it_opens_its_own_visit(verifier, issuer):
    """RFC 9396 section 9.1: the details stand in the token."""
    verified = verifier.verify_visit(token_of(issuer, DETAIL), "Observation.rs", **HERE_AND_NOW)

    assert verified.details == (DETAIL,)
    assert verified.patient == "c0ffee"


@pytest.mark.parametrize(
    ("letters", "place"),
    [
        ("Observation.s", {"system": SYSTEM, "number": "6911-000124"}),
        ("Observation.s", {"system": "https://terms.sil-th.org/hcode/5/99002/VN", "number": NUMBER}),
        ("Condition.s", HERE_AND_NOW),
        ("Observation.c", HERE_AND_NOW),
        ("Observation.rsu", HERE_AND_NOW),
        ("Observation.", HERE_AND_NOW),
        ("Observation", HERE_AND_NOW),
    ],
)
def test_it_opens_nothing_else(verifier, issuer, letters, place):
    """Another visit, facility, kind of record or act."""
    with pytest.raises(TokenRefused) as refusal:
        verifier.verify_visit(token_of(issuer, DETAIL), letters, **place)

    assert (refusal.value.error, refusal.value.status) == ("insufficient_scope", 403)


def test_it_is_no_key_to_the_record(verifier, issuer):
    """Who asks for the whole record as ever refuses a token for one visit."""
    for ask in (
        lambda token: verifier.verify(token, "patient/Observation.s"),
        lambda token: verifier.verify_record(token, "Observation.s"),
    ):
        with pytest.raises(TokenRefused, match=r"does not cover|opens no record"):
            ask(token_of(issuer, DETAIL))


@pytest.mark.parametrize(
    "found",
    [None, "x", {}, [1], [{"type": "other"}], [{"type": "th_health_visit"}], [{**DETAIL, "encounter": "x"}]],
)
def test_what_is_no_detail_opens_nothing(verifier, issuer, found):
    """Only what our issuer writes counts, and only whole."""
    with pytest.raises(TokenRefused):
        verifier.verify_visit(issuer.token(scope=SCOPE, authorization_details=found), "Observation.s", **HERE_AND_NOW)


@pytest.mark.parametrize(
    "changes",
    [{"actions": None}, {"actions": [1]}, {"actions": ["delete"]}, {"datatypes": None}, {"datatypes": "Observation"}],
)
def test_a_broken_detail_lets_nothing_through(changes):
    """Fail closed."""
    assert not visits.opens([{**DETAIL, **changes}], "Observation", "r", system=SYSTEM, number=NUMBER)


@pytest.mark.parametrize(("left", "good"), [([DETAIL], True), ([], False), (None, False)])
def test_live_the_issuer_says_what_is_left(issuer, keys, left, good):
    """After the last use the answer carries the detail no more, whatever the token says."""
    said = {"active": True, "scope": SCOPE, "authorization_details": left}
    answer = httpx.MockTransport(lambda _: httpx.Response(200, content=json.dumps(said)))
    verifier = Verifier(ISSUER, HERE, keys=keys, live=Live("h", "s", transport=answer), clock=issuer.clock)

    if good:
        assert verifier.verify_visit(token_of(issuer, DETAIL), "Observation.s", **HERE_AND_NOW).checked == "live"
    else:
        with pytest.raises(TokenRefused):
            verifier.verify_visit(token_of(issuer, DETAIL), "Observation.s", **HERE_AND_NOW)
