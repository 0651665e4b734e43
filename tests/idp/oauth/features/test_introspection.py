from datetime import timedelta

import pytest

from idp import subjects
from idp.oauth import clients, provider, resources, uses
from idp.oauth.uses import TokenUse
from tests.fakes import MINUTE
from tests.idp.oauth.stage import APPOINTMENT, HOLDER, OTHER_HOLDER, SECRET

INACTIVE = {"active": False}


def test_the_holder_learns_what_the_token_is_good_for(stage):
    """RFC 7662 section 2.2; the subject is in the holder's sector (DECISIONS 7)."""
    told = stage.introspect(stage.tokens()["access_token"])
    assert told["active"]
    assert told["scope"].split() == ["openid", "profile", APPOINTMENT]
    assert told["sub"] == stage.context.ring.pairwise(stage.citizen, "records.example.test")
    assert told["purposes"] == ["SIGNIN", "APPT"]
    assert (told["acr"], told["ial"], told["token_type"]) == ("urn:yinyom:aal:2.1", "1.3", "Bearer")


def test_quirk_21_only_the_holder_that_is_in_aud_may_know(stage):
    """LIBRARIES 1.3 (21); RFC 9700 section 2.3: anybody else hears "inactive", and the log hears of it."""
    token = stage.tokens()["access_token"]
    for other in ("labs", "portal", "second"):
        assert stage.introspect(token, basic=(other, SECRET)) == INACTIVE
    assert [entry.reason for entry in stage.events("introspect.denied")] == ["audience"] * 3


@pytest.mark.parametrize(
    "token", ["x", "a.b.c", "\x7f", "é", "x" * 4096, "eyJhbGciOiJub25lIn0.e30.", ".", "e30.e30.e30"]
)
def test_quirk_21_rubbish_is_inactive_not_an_error(stage, token):
    """LIBRARIES 1.3 (21); RFC 7662 section 2.2."""
    assert stage.introspect(token) == INACTIVE
    assert stage.events("introspect.denied")


def test_any_hint_is_fine(stage):
    """RFC 7662 section 2.1; LIBRARIES 1.1: Authlib refuses an unknown hint."""
    token = stage.tokens()["access_token"]
    assert stage.introspect(token, token_type_hint="nonsense")["active"]


def test_a_token_is_missing(stage):
    """RFC 7662 section 2.1."""
    assert stage.post(provider.introspect, basic=("holder", SECRET)).body["error"] == "invalid_request"


def test_who_asks_must_authenticate(stage):
    """RFC 7662 section 2.1; a public client cannot."""
    token = stage.tokens()["access_token"]
    for basic, form in (
        (None, {}),
        (("holder", "wrong"), {}),
        (None, {"client_id": "app"}),
        (None, {"client_id": "holder"}),
    ):
        answer = stage.post(provider.introspect, basic=basic, token=token, **form)
        assert (answer.status, answer.body["error"]) == (401, "invalid_client")
        assert answer.headers["WWW-Authenticate"].startswith("Basic")


def test_the_first_use_has_an_entry_and_repeats_are_counted(stage):
    """DECISIONS 20: counted in the process, and written once a second."""
    token = stage.tokens()["access_token"]
    for at in (stage, stage, stage.later(timedelta(seconds=1))):
        assert at.introspect(token)["active"]

    assert {entry.purpose for entry in stage.events("introspect")} == {"SIGNIN", "APPT"}
    assert len(stage.events("introspect")) == 2
    assert stage.context.session.query(TokenUse.repeats).filter_by(resource=HOLDER).scalar() == 2


def test_a_holder_is_told_of_and_logged_for_what_it_takes_alone(stage):
    """PDPA s.22: a holder of appointments has no business with a sign-in, and the citizen must not read that it had."""
    stage.context.session.query(resources.ResourceServer).filter_by(identifier=HOLDER).update(
        {"accepts": '["patient/"]'}
    )

    told = stage.introspect(stage.tokens()["access_token"])

    assert (told["purposes"], told["scope"]) == (["APPT"], APPOINTMENT)
    assert [entry.purpose for entry in stage.events("introspect")] == ["APPT"]


def test_each_holder_s_first_use_counts_for_itself(stage):
    """DECISIONS 20: a (token, resource server) pair."""
    assert uses.first(stage.context, "jti", HOLDER)
    assert uses.first(stage.context, "jti", OTHER_HOLDER)
    assert not uses.first(stage.context, "jti", HOLDER)


def test_a_refused_purpose_leaves_the_answer_at_once(stage):
    """DECISIONS 11: live, whatever the token says."""
    token = stage.tokens()["access_token"]
    stage.introspect(token)
    stage.refuse("APPT")
    told = stage.introspect(token)
    assert told["purposes"] == ["SIGNIN"]
    assert APPOINTMENT not in told["scope"].split()


def test_with_no_purpose_left_it_is_inactive_and_each_refusal_has_an_entry(stage):
    """DECISIONS 20."""
    token = stage.tokens("APPT", scope=APPOINTMENT)["access_token"]
    assert stage.introspect(token)["active"]
    stage.refuse("APPT")

    assert stage.introspect(token) == stage.introspect(token) == INACTIVE

    assert len(stage.events("introspect.denied")) == 2


def test_an_expired_token_is_inactive(stage):
    """RFC 7662 section 2.2."""
    body = stage.tokens()
    token = body["access_token"]
    assert stage.later(body["expires_in"] * MINUTE / 60).introspect(token) == INACTIVE


def test_a_closed_account_makes_its_tokens_inactive(stage):
    """DECISIONS 11: the person is read live."""
    token = stage.tokens()["access_token"]
    subjects.get(stage.context.session, stage.citizen).status = "closed"
    stage.context.session.flush()
    assert stage.introspect(token) == INACTIVE


def test_a_suspended_client_s_tokens_are_inactive(stage):
    """A client that is stopped is stopped everywhere."""
    token = stage.offline()["access_token"]
    clients.suspend(stage.context.session, "portal", now=stage.context.now)
    assert stage.introspect(token) == INACTIVE


def test_a_refresh_token_is_nobody_s_to_ask_about(stage):
    """RFC 7662 section 4: it is not meant for a holder."""
    assert stage.introspect(stage.offline()["refresh_token"]) == INACTIVE


def test_an_id_token_is_no_access_token(stage):
    """RFC 9068 section 4: typ at+jwt, and its own key."""
    assert stage.introspect(stage.tokens()["id_token"]) == INACTIVE
