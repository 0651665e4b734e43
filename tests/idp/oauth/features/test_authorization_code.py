from datetime import timedelta

import pytest
from sqlalchemy import select, update

from idp.oauth import codes, grants
from idp.oauth.errors import RedirectError
from tests.fakes import DAY, MINUTE, SECOND
from tests.idp.oauth.stage import APPOINTMENT, CALLBACK, HOLDER, SECRET, claims_of, query


def test_a_code_is_exchanged_for_tokens_that_are_not_cached(stage):
    """RFC 6749 sections 4.1.3, 4.1.4 and 5.1."""
    answer = stage.redeem(stage.code())

    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.body["token_type"] == "Bearer"
    assert answer.body["expires_in"] <= 300
    assert answer.body["scope"].split() == ["openid", "profile", APPOINTMENT]
    assert "id_token" in answer.body
    assert "refresh_token" not in answer.body


def test_a_missing_response_type_is_an_invalid_request(stage):
    """LIBRARIES 1.3 (6); RFC 6749 section 4.1.2.1."""
    with pytest.raises(RedirectError) as refused:
        stage.check(response_type=None)
    assert refused.value.error == "invalid_request"


@pytest.mark.parametrize("asked", ["token", "code token", "id_token token", "none", 'co"de', "code id_token"])
def test_only_code_is_a_response_type(stage, asked):
    """RFC 9700 section 2.1.2; LIBRARIES 1.3 (1): a quote in it is no server error."""
    with pytest.raises(RedirectError) as refused:
        stage.check(response_type=asked)
    assert refused.value.error == "unsupported_response_type"


def test_quirk_12_a_used_code_is_refused_and_its_tokens_die(stage):
    """LIBRARIES 1.3 (12); RFC 6749 section 4.1.2: the error is an answer, so the end of the grant is kept."""
    code = stage.code()
    first = stage.redeem(code)

    again = stage.later(SECOND).redeem(code)

    assert (again.status, again.body["error"]) == (400, "invalid_grant")
    assert stage.introspect(first.body["access_token"]) == {"active": False}
    assert [entry.client_id for entry in stage.events("token.replay_detected")] == ["portal"]


def test_the_conditional_update_lets_one_redemption_win(stage):
    """DECISIONS 22, RELIABILITY rule 1: whoever finds the row unused still has to win the UPDATE."""
    hashed = codes.hash_of(stage.code())

    assert codes.consume(stage.context.session, hashed, now=stage.context.now)
    assert not codes.consume(stage.context.session, hashed, now=stage.context.now)


def test_a_redemption_that_loses_the_race_is_a_replay(stage, monkeypatch):
    """RFC 6749 section 4.1.2: between the look and the update somebody else was faster."""
    code = stage.code()
    monkeypatch.setattr(codes, "consume", lambda *_args, **_kw: False)

    answer = stage.redeem(code)

    assert answer.body["error"] == "invalid_grant"
    assert stage.events("token.replay_detected")


def test_a_code_is_dead_at_sixty_seconds(stage):
    """FAPI 2.0 section 5.3.2.1; ASVS 10.4.3."""
    code = stage.code()
    assert stage.later(timedelta(seconds=60)).redeem(code).body["error"] == "invalid_grant"
    assert stage.later(timedelta(seconds=59)).redeem(code).status == 200


def test_an_expired_code_cannot_be_consumed(stage):
    """The limit stands in the conditional UPDATE too."""
    code = stage.code()
    assert not codes.consume(stage.context.session, codes.hash_of(code), now=stage.context.now + MINUTE)


def test_a_code_belongs_to_its_client(stage):
    """FAPI 2.0: client B with its own valid credentials; and the rightful owner is not hurt by it."""
    code = stage.code()
    assert stage.redeem(code, basic=("second", SECRET)).body["error"] == "invalid_grant"
    assert stage.redeem(code).status == 200


@pytest.mark.parametrize("sent", [None, CALLBACK + "/", "https://evil.example.test/"])
def test_the_redirect_uri_of_the_redemption_is_the_code_s(stage, sent):
    """RFC 6749 section 4.1.3."""
    assert stage.redeem(stage.code(), redirect_uri=sent).body["error"] == "invalid_grant"


@pytest.mark.parametrize("code", ["", "x", "\x00", "é" * 9, "x" * 100_000])
def test_a_code_that_is_none_of_ours_is_refused(stage, code):
    """RFC 6749 section 5.2."""
    answer = stage.redeem(code)
    assert answer.status == 400
    assert answer.body["error"] in ("invalid_grant", "invalid_request")


def test_a_missing_code_is_an_invalid_request(stage):
    """RFC 6749 section 5.2."""
    assert stage.redeem(None).body["error"] == "invalid_request"


def test_a_consent_that_was_withdrawn_before_the_redemption_is_not_in_the_token(stage):
    """DECISIONS 11: the decision is asked live, at the redemption."""
    code = stage.code("SIGNIN", "APPT")
    stage.refuse("APPT")

    token = claims_of(stage.redeem(code).body["access_token"])

    assert token["purposes"] == ["SIGNIN"]
    assert APPOINTMENT not in token["scope"]


def test_with_nothing_left_the_code_buys_nothing(stage):
    """DECISIONS 11."""
    code = stage.code("APPT", scope=APPOINTMENT)
    stage.refuse("APPT")
    assert stage.redeem(code).body["error"] == "invalid_grant"


def test_a_grant_that_ended_gives_nothing(stage):
    """DECISIONS 17."""
    code = stage.code()
    grants.end_for_client(stage.context.session, "portal", now=stage.context.now)
    assert stage.redeem(code).body["error"] == "invalid_grant"


def test_without_offline_access_tokens_end_with_the_session(stage):
    """Catalogue rule 8."""
    token = stage.tokens()["access_token"]
    assert stage.introspect(token)["active"]

    grants.end_for_session(stage.context.session, stage.signed_in.id_hash, now=stage.context.now)

    assert stage.introspect(token) == {"active": False}


def test_with_offline_access_tokens_outlive_the_session(stage):
    """Catalogue rule 8."""
    token = stage.offline()["access_token"]
    grants.end_for_session(stage.context.session, stage.signed_in.id_hash, now=stage.context.now)
    assert stage.introspect(token)["active"]


def test_a_session_that_ran_out_takes_its_tokens_along(stage):
    """Catalogue rule 8: the token's own life is cut at the session's limit."""
    stage.signed_in = type(stage.signed_in)(
        **{**vars(stage.signed_in), "expires_at": stage.context.now + timedelta(seconds=30)}
    )
    body = stage.tokens()
    assert body["expires_in"] == 30


def test_a_grant_follows_its_session(stage):
    """A stronger factor gives the session a new id; signing out still ends the grant."""
    token = stage.tokens()["access_token"]
    grants.follow_session(stage.context.session, stage.signed_in.id_hash, "1" * 64)
    grants.end_for_session(stage.context.session, stage.signed_in.id_hash, now=stage.context.now)
    assert stage.introspect(token)["active"]
    grants.end_for_session(stage.context.session, "1" * 64, now=stage.context.now)
    assert stage.introspect(token) == {"active": False}


def test_old_codes_are_purged_but_not_before_a_replay_could_still_speak(stage):
    """Retention: a day."""
    stage.code()
    assert codes.purge(stage.context.session, now=stage.context.now + MINUTE) == 0
    assert codes.purge(stage.context.session, now=stage.context.now + 2 * DAY) == 1


def test_the_success_redirect_carries_code_state_and_iss(stage):
    """RFC 6749 section 4.1.2; RFC 9207 section 2."""
    from idp.oauth import provider  # noqa: PLC0415

    url = provider.success_redirect(stage.context, stage.check(state='a&b="ü\\'), code="c")
    assert query(url) == {"code": "c", "state": 'a&b="ü\\', "iss": stage.context.issuer}
    assert HOLDER not in url


def test_a_nonce_rests_sealed_under_the_code_itself(stage):
    """A client may put anything into it, a number of a person too; who copies the database opens nothing."""
    code = stage.code(nonce="2999000010053")
    kept = stage.context.session.scalar(select(codes.AuthorizationCode.nonce))

    assert kept is not None
    assert "2999000010053" not in kept
    assert codes.find_code(stage.context.session, code).nonce == "2999000010053"
    assert claims_of(stage.redeem(code).body["id_token"])["nonce"] == "2999000010053"


def test_a_nonce_that_was_kept_in_clear_is_not_handed_on(stage):
    """A code of the last minute before an upgrade: its client asks again."""
    code = stage.code()
    stage.context.session.execute(update(codes.AuthorizationCode).values(nonce="n-1"))

    assert codes.find_code(stage.context.session, code).nonce is None
