"""The last word of a consent: a dead token that comes again is refused in the name of the person and the consent."""

import pytest

from idp.oauth import grants, provider
from tests.fakes import HOUR
from tests.idp.oauth.stage import APPOINTMENT, SCOPE, SECRET


def ended(stage, *, purpose="APPT"):
    """Every grant that rests on the record of this purpose ends over it, as a withdrawal does; the record's id."""
    session = stage.context.session
    record_id = session.query(grants.GrantConsent.record_id).filter_by(purpose=purpose).distinct().scalar()
    assert grants.end_for_consent(session, record_id, now=stage.context.now)
    return record_id


def told(entries):
    return [(one.purpose, one.consent_id, one.client_id, one.outcome, one.reason) for one in entries]


def records_of(stage):
    session = stage.context.session
    return dict(session.query(grants.GrantConsent.purpose, grants.GrantConsent.record_id).distinct().all())


def test_a_holder_that_asks_about_an_ended_grant_is_told_of_in_the_line_of_each_consent(stage):
    """DECISIONS 20: every refusal has an entry; it names whom and what it was about.

    What was withdrawn says so; what stands still says that the grant has ended, and the client may come back for it.
    """
    token = stage.tokens()["access_token"]
    record_id = ended(stage)

    assert stage.introspect(token) == {"active": False}

    entries, records = stage.events("introspect.denied"), records_of(stage)
    assert records["APPT"] == record_id
    assert told(entries) == [
        ("SIGNIN", records["SIGNIN"], "holder", "denied", "grant_ended"),
        ("APPT", records["APPT"], "holder", "denied", "withdrawn"),
    ]
    assert stage.silent_code(prompt="none"), "nothing was withdrawn here but the grant"
    (granted,) = {one.subject for one in stage.events("token.issued")}
    assert {one.subject for one in entries} == {granted}
    assert entries[-1].codes == (APPOINTMENT,)


def test_the_end_of_a_grant_names_the_record_it_ended_over(stage):
    """`token.revoked` belongs to the line of that consent."""
    stage.tokens()
    record_id = ended(stage)

    (revoked,) = stage.events("token.revoked")

    assert (revoked.consent_id, revoked.reason) == (record_id, "withdrawn")


def test_a_single_revoked_token_is_told_of_too(stage):
    """RFC 7009: the grant runs, this token does not."""
    token = stage.tokens()["access_token"]
    stage.post(provider.revoke, token=token)
    assert stage.introspect(token) == {"active": False}

    assert {one.reason for one in stage.events("introspect.denied")} <= {"token_revoked", "revoked"}
    assert all(one.subject for one in stage.events("introspect.denied"))


@pytest.mark.parametrize("other", ["labs", "portal"])
def test_who_may_not_ask_about_it_learns_and_writes_nothing_about_anybody(stage, other):
    """A refusal of a stranger is an entry without a person."""
    token = stage.tokens()["access_token"]
    ended(stage)

    assert stage.introspect(token, basic=(other, SECRET)) == {"active": False}

    (refused,) = stage.events("introspect.denied")
    assert (refused.subject, refused.consent_id, refused.reason) == ("", None, "dead")


def test_userinfo_refuses_a_dead_token_with_an_entry(stage):
    """OIDC Core 5.3.3; of what UserInfo has a use for."""
    token = stage.tokens(resource=None)["access_token"]
    ended(stage)

    assert stage.userinfo(token).status == 401

    (refused,) = stage.events("userinfo.denied")
    record = records_of(stage)["SIGNIN"]
    assert (refused.purpose, refused.consent_id, refused.reason) == ("SIGNIN", record, "grant_ended")


def test_a_refresh_after_the_end_is_refused_with_an_entry(stage):
    """RFC 6749 section 5.2: invalid_grant to the client, the reason to the log."""
    body = stage.offline()
    record_id = ended(stage)

    answer = stage.refresh(body["refresh_token"])

    assert (answer.status, answer.body["error"]) == (400, "invalid_grant")
    assert (("APPT", record_id, "portal", "denied", "withdrawn")) in told(stage.events("token.denied"))


def test_rubbish_and_foreign_tokens_write_nothing_about_anybody(stage):
    """Only what we signed leads to a person."""
    stage.tokens(scope=SCOPE)
    for token in ("x", "a.b.c"):
        assert stage.userinfo(token).status == 401
        stage.introspect(token)
        stage.refresh(token)

    denied = [one for one in stage.events() if one.outcome == "denied"]
    assert {(one.event, one.subject) for one in denied} == {("introspect.denied", "")}
    assert stage.later(HOUR).events("userinfo.denied") == []
