from datetime import timedelta

import pytest

from idp.oauth import codes, grants
from tests.fakes import DAY, HOUR, SECOND
from tests.idp.oauth.stage import APPOINTMENT, OTHER_HOLDER, SECRET, claims_of

GRACE = codes.GRACE


def test_a_confidential_client_keeps_its_token(stage):
    """DECISIONS 12; FAPI 2.0 section 5.3.2.1 restricts rotation."""
    first = stage.offline()["refresh_token"]
    for hours in (1, 2):
        answer = stage.later(hours * HOUR).refresh(first)
        assert (answer.status, answer.body["refresh_token"]) == (200, first)


def test_a_public_client_gets_a_new_token_each_time(stage):
    """RFC 9700 section 4.14.2."""
    first = stage.public_tokens()["refresh_token"]
    second = stage.public_refresh(first).body["refresh_token"]
    third = stage.later(HOUR).public_refresh(second).body["refresh_token"]
    assert len({first, second, third}) == 3


def test_a_retry_within_ten_seconds_gets_the_same_successor(stage):
    """DECISIONS 12: the answer may have been lost on the way."""
    first = stage.public_tokens()["refresh_token"]
    second = stage.public_refresh(first).body["refresh_token"]

    again = stage.later(GRACE).public_refresh(first)

    assert (again.status, again.body["refresh_token"]) == (200, second)
    assert stage.later(GRACE).public_refresh(second).status == 200


def test_a_later_replay_kills_the_family_and_all_its_tokens(stage):
    """RFC 9700 section 4.14.2: the thief and the owner cannot be told apart."""
    first = stage.public_tokens()["refresh_token"]
    body = stage.public_refresh(first).body
    late = stage.later(GRACE + SECOND)

    assert late.public_refresh(first).body["error"] == "invalid_grant"

    assert late.public_refresh(body["refresh_token"]).body["error"] == "invalid_grant"
    assert late.introspect(body["access_token"]) == {"active": False}
    assert len(stage.events("token.replay_detected")) == 1


def test_the_grandparent_is_a_replay_even_at_once(stage):
    """Only the direct predecessor has a grace."""
    first = stage.public_tokens()["refresh_token"]
    second = stage.public_refresh(first).body["refresh_token"]
    stage.public_refresh(second)
    assert stage.public_refresh(first).body["error"] == "invalid_grant"
    assert stage.events("token.replay_detected")


def test_rotation_is_a_compare_and_swap(stage):
    """RELIABILITY rule 1: two who saw the same counter cannot both move it."""
    token = stage.public_tokens()["refresh_token"]
    seen = codes.find_family(stage.context, token)
    assert codes.rotate(stage.context, seen) is not None
    assert codes.rotate(stage.context, seen) is None


def test_a_family_that_was_revoked_between_read_and_rotation_gives_no_successor(stage):
    """RFC 6749 section 10.4: the condition stands in the statement that writes, not in the read before it."""
    family = codes.find_family(stage.context, stage.public_tokens()["refresh_token"])
    codes.revoke_family(stage.context.session, family.id, now=stage.context.now)

    assert codes.rotate(stage.context, family) is None


def test_a_refresh_token_belongs_to_its_client(stage):
    """RFC 6749 section 6; and the owner is not hurt by a stranger's try."""
    token = stage.offline()["refresh_token"]
    assert stage.refresh(token, basic=("second", SECRET)).body["error"] == "invalid_grant"
    assert stage.refresh(token).status == 200


def test_quirk_13_a_refreshed_id_token_keeps_the_sign_in_s_own_time_and_level(stage):
    """LIBRARIES 1.3 (13); OIDC Core 12.2."""
    body = stage.offline()
    before = claims_of(body["id_token"])

    after = claims_of(stage.later(5 * HOUR).refresh(body["refresh_token"]).body["id_token"])

    same = ("iss", "sub", "aud", "azp", "auth_time", "acr", "amr", "ial")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert after["iat"] == before["iat"] + 5 * 3600
    assert "nonce" not in after


def test_scope_may_be_narrower(stage):
    """RFC 6749 section 6."""
    token = stage.offline()["refresh_token"]
    body = stage.refresh(token, scope=APPOINTMENT).body
    assert body["scope"].split() == [APPOINTMENT, "offline_access"]
    assert "id_token" not in body
    assert "openid" in stage.refresh(token).body["scope"].split()
    assert APPOINTMENT in stage.refresh(token, scope="purpose:APPT").body["scope"].split()


@pytest.mark.parametrize("scope", ["email", f"{APPOINTMENT} email", "purpose:CONTACT", "openid é", 'a"b'])
def test_scope_may_not_be_wider(stage, scope):
    """RFC 6749 section 6."""
    assert stage.refresh(stage.offline()["refresh_token"], scope=scope).body["error"] == "invalid_scope"


def test_a_foreign_resource_is_an_invalid_target(stage):
    """RFC 8707 section 2.2."""
    token = stage.offline(resource="https://records.example.test")["refresh_token"]
    assert stage.refresh(token, resource=OTHER_HOLDER).body["error"] == "invalid_target"


def test_a_purpose_that_was_refused_since_is_dropped(stage):
    """DECISIONS 11: the decision is asked live."""
    token = stage.offline()["refresh_token"]
    stage.refuse("APPT")
    body = stage.refresh(token).body
    assert APPOINTMENT not in body["scope"].split()
    assert claims_of(body["access_token"])["purposes"] == ["SIGNIN"]


def test_when_no_purpose_is_left_the_refresh_ends(stage):
    """DECISIONS 11; catalogue rule 8: it dies with the last of them. SIGNIN runs out after 12 h."""
    token = stage.offline()["refresh_token"]
    stage.refuse("APPT")
    assert stage.later(13 * HOUR).refresh(token).body["error"] == "invalid_grant"


def test_purposes_without_refresh_are_not_renewed(stage):
    """Catalogue rule 8: PID is for once."""
    code = stage.code("SIGNIN", "PID", scope="openid moph.pid offline_access")
    body = stage.redeem(code).body
    assert "moph.pid" in body["scope"].split()
    assert "moph.pid" not in stage.refresh(body["refresh_token"]).body["scope"].split()


def test_an_ended_grant_refreshes_nothing(stage):
    """DECISIONS 17."""
    token = stage.offline()["refresh_token"]
    grants.end_for_client(stage.context.session, "portal", now=stage.context.now)
    assert stage.refresh(token).body["error"] == "invalid_grant"


def test_a_family_ends_at_its_absolute_limit(stage):
    """RFC 9700 section 4.14.2; Settings.refresh_absolute."""
    token = stage.offline()["refresh_token"]
    assert stage.later(timedelta(days=90) - SECOND).refresh(token).status == 200
    assert stage.later(90 * DAY).refresh(token).body["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "token",
    ["x", "yr1.", "yr1.x.0.y", "yr1..0.", "\x00", "é", "x" * 100_000, f"yr1.{'0' * 32}.0.{'A' * 43}", "yr1.0.٣.x"],
)
def test_what_we_did_not_make_is_unknown(stage, token):
    """RFC 6749 section 5.2."""
    answer = stage.refresh(token)
    assert answer.status == 400
    assert answer.body["error"] in ("invalid_grant", "invalid_request")


def test_a_forged_counter_does_not_fit_its_seal(stage):
    """The place in the family is public, the seal is not."""
    token = stage.public_tokens()["refresh_token"]
    prefix, family, _, mac = token.split(".")
    assert codes.find_family(stage.context, f"{prefix}.{family}.1.{mac}") is None
    assert codes.find_family(stage.context, token + "A") is None


def test_a_missing_token_is_an_invalid_request(stage):
    """RFC 6749 section 5.2."""
    assert stage.post(grant_type="refresh_token").body["error"] == "invalid_request"
