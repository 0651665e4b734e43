"""The holder needs our keys, not our presence (RFC 9068 section 4; DECISIONS 11)."""

from tests.stories.waiting import eventually


def test_the_holder_validates_while_our_server_is_stopped(live):
    """A plain JWT is proved by the cached JWKS; its own short life decides while we cannot be asked."""
    citizen, service = live.citizen(), live.service()
    asked = service.ask()
    tokens = service.tokens(citizen.walk(citizen.browser.get(asked.url)), asked)
    before = live.records(tokens["access_token"])

    with live.stopped("web"):
        offline = live.records(tokens["access_token"])
        forged = live.records(tokens["access_token"][:-4] + "AAAA")

    assert before.status_code == offline.status_code == 200
    assert offline.headers["X-Checked"] != before.headers["X-Checked"]
    assert forged.status_code == 401
    eventually(lambda: live.records(tokens["access_token"]).status_code == 200 or None, "it never came back")


def test_an_id_token_opens_no_records(live):
    """RFC 9068 section 4: typ at+jwt; an ID token is no access token."""
    citizen, service = live.citizen(), live.service()
    asked = service.ask()
    tokens = service.tokens(citizen.walk(citizen.browser.get(asked.url)), asked)

    assert live.records(tokens["id_token"]).status_code == 401


def test_a_token_without_the_scope_is_told_so(live):
    """RFC 6750 section 3.1: insufficient_scope is 403 and names what is needed."""
    citizen, service = live.citizen(answers={"EHR-SHARE": False}), live.service()
    asked = service.ask()
    tokens = service.tokens(citizen.walk(citizen.browser.get(asked.url)), asked)

    answer = live.records(tokens["access_token"])

    assert answer.status_code in (401, 403)
    assert "Bearer" in answer.headers["WWW-Authenticate"]
