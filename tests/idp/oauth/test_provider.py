import re
from pathlib import Path

import pytest
from werkzeug.datastructures import MultiDict

from idp.oauth import provider
from idp.oauth.errors import Answer, RedirectError, ascii_only
from tests.idp.oauth.stage import SECRET, query

NASTY = ['"', "\\", "\x00", "é", "x" * 100_000, "\ufffd", "\r\nSet-Cookie: a=b", "' OR 1=1 --"]
PARAMETERS = [
    *("state", "nonce", "scope", "response_type", "response_mode", "code_challenge", "code_challenge_method"),
    *("prompt", "max_age", "claims", "acr_values", "ui_locales", "login_hint", "id_token_hint", "display"),
    *("resource", "request", "request_uri", "unheard_of"),
]
ENDPOINTS = [provider.token, provider.introspect, provider.revoke]


@pytest.mark.parametrize("name", [name for name in PARAMETERS if name != "resource"])
def test_quirk_6_a_repeated_parameter_is_an_invalid_request(stage, name):
    """LIBRARIES 1.3 (6); RFC 6749 section 3.1; attack O18: any parameter, known or not."""
    with pytest.raises(RedirectError) as refused:
        stage.check(**{name: ["a", "a"]})
    assert refused.value.error == "invalid_request"


def test_a_repeated_state_is_not_echoed(stage):
    """RFC 6749 section 4.1.2.1: which of the two would be right?"""
    with pytest.raises(RedirectError) as refused:
        stage.check(state=["a", "b"])
    assert refused.value.state is None


@pytest.mark.parametrize("value", NASTY)
def test_quirk_1_no_value_makes_the_authorization_endpoint_fail(stage, value):
    """LIBRARIES 1.3 (1): it answers, or redirects with a code and an ASCII description."""
    for name in PARAMETERS:
        try:
            asked = stage.check(**{name: value})
        except RedirectError as error:
            url = provider.error_redirect(stage.context, error, error.error, error.description)
            answer = query(url)
            assert answer["iss"] == stage.context.issuer
            assert answer["error_description"].isascii()
            assert "\n" not in url
        else:
            assert type(asked).from_json(asked.to_json()) == asked


def test_two_thousand_characters_of_state_come_back_whole(stage):
    """Attack O17."""
    assert stage.check(state="s" * 2048).state == "s" * 2048


def test_unknown_parameters_are_ignored(stage):
    """RFC 6749 section 3.1."""
    assert stage.check(unheard_of="1").state == "st"


def test_hundreds_of_parameters_are_refused(stage):
    """A bound on work."""
    params = stage.ask()
    params.update({f"p{n}": "" for n in range(65)})
    with pytest.raises(RedirectError):
        provider.check_authorize(stage.context, params)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("value", NASTY)
def test_no_value_makes_a_post_endpoint_fail(stage, endpoint, value):
    """Issue 2: bad input anywhere is a clear error with a code; LIBRARIES 1.3 (1, 11)."""
    good = {
        "grant_type": "authorization_code",
        "code": "c",
        "token": "t",
        "client_id": "portal",
        "client_secret": SECRET,
    }
    for name in ("grant_type", "code", "token", "scope", "client_id", "token_type_hint", "resource", "x"):
        answer = stage.send(endpoint, headers={}, form={**good, name: value})
        assert isinstance(answer, Answer)
        assert answer.status in (200, 400, 401)
        assert answer.headers["Cache-Control"] == "no-store"
        if answer.status != 200:
            assert answer.body["error"]
            assert answer.body.get("error_description", "").isascii()


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_quirk_15_a_repeated_parameter_is_refused_there_too(stage, endpoint):
    """LIBRARIES 1.3 (15); RFC 6749 section 3.2."""
    assert stage.post(endpoint, token=["a", "a"], grant_type="x").body["error"] == "invalid_request"


def test_quirk_15_a_missing_grant_type_is_an_invalid_request(stage):
    """LIBRARIES 1.3 (15); RFC 6749 section 5.2."""
    assert stage.post(code="x").body["error"] == "invalid_request"


@pytest.mark.parametrize("grant_type", ["password", "implicit", "urn:ietf:params:oauth:grant-type:device_code", 'é"\\'])
def test_other_grant_types_are_unsupported(stage, grant_type):
    """RFC 9700 section 2.4; attack O8."""
    answer = stage.post(grant_type=grant_type)
    assert (answer.status, answer.body["error"]) == (400, "unsupported_grant_type")
    assert answer.body["error_description"].isascii()


def test_the_query_of_the_token_endpoint_is_not_read(stage):
    """LIBRARIES 1.2: Authlib's own wiring would take parameters from the URL."""
    from idp.oauth.pipeline import ProtocolRequest  # noqa: PLC0415

    request = ProtocolRequest(
        method="POST",
        url=stage.context.issuer + "/oauth/token?grant_type=client_credentials",
        form=MultiDict(),
        headers={},
        args=MultiDict([("grant_type", "client_credentials")]),
    )
    assert provider.token(stage.context, request).body["error"] == "invalid_request"
    assert request.args["grant_type"] == "client_credentials"


def test_only_post_is_answered_with_a_token(stage):
    """RFC 6749 section 3.2."""
    answer = stage.post(method="GET", grant_type="authorization_code", code=stage.code())
    assert answer.body["error"] == "unsupported_grant_type"


def test_forbidden_characters_become_question_marks():
    """RFC 6749 section 5.2."""
    assert ascii_only('a"b\\c\x00dé~ ') == "a?b?c?d?~ "


def test_a_posted_request_keeps_every_parameter_that_a_check_reads():
    """OIDC Core 3.1.2.1: POST comes again as a GET with PARAMETERS alone; a forgotten one would be lost on the way."""
    room = Path(provider.__file__).parent
    source = "\n".join(path.read_text(encoding="utf-8") for path in sorted(room.rglob("*.py")))
    read = set(re.findall(r'(?:draft\.get|params\.get|params\.getlist)\("(\w+)"', source))

    assert len(read) > 10
    assert read <= provider.PARAMETERS
