import pytest
from joserfc import jwt

from consent import records
from consent.errors import NotAllowed, NotFound
from idp import interaction, withdrawal
from idp.oauth import clients
from idp.outbox import Letter
from tests.fakes import SECOND
from tests.idp.oauth.stage import APPOINTMENT, claims_of, header_of, set_up


@pytest.fixture
def stage(session, ring, settings):
    """The protocol's stage."""
    return set_up(session, ring, settings)


def withdraw(stage, record, *, subject_id=None):
    context = stage.context
    return withdrawal.withdraw(
        context.session,
        context.ring,
        context.settings,
        record.id,
        subject_id=subject_id or stage.citizen,
        now=context.now,
    )


def letters(stage):
    found = {}
    for letter in stage.context.session.query(Letter):
        token = stage.context.ring.open(letter.body_sealed, place=f"letter:{letter.id}:body")
        found[letter.client_id] = token
    return found


def test_withdrawing_ends_every_token_that_rests_on_the_consent_at_once(stage):
    """PDPA s.19; DECISIONS 17."""
    record = stage.agree("APPT")["APPT"]
    stage.agree("SIGNIN")
    body = stage.redeem(stage.silent_code(scope=f"openid {APPOINTMENT} offline_access")).body

    assert withdraw(stage, record).id == record.id

    assert stage.introspect(body["access_token"]) == {"active": False}
    assert stage.userinfo(body["access_token"]).status == 401
    assert stage.refresh(body["refresh_token"]).body["error"] == "invalid_grant"


def test_a_newer_answer_for_less_ends_what_reached_further(stage):
    """PDPA s.22: nothing outlives the consent that it needs, however the consent shrank."""
    context, whole = stage.context, stage.agree("SIGNIN", "EHR-SHARE")["EHR-SHARE"]
    scope = "openid patient/Encounter.rs patient/AllergyIntolerance.rs offline_access"
    refresh = stage.redeem(stage.silent_code(scope=scope)).body["refresh_token"]

    withdrawal.narrow(context.session, whole, now=context.now)
    assert stage.refresh(refresh).status == 200
    less = records.give(
        context.session, stage.choice("EHR-SHARE", scopes=("patient/AllergyIntolerance.r",)), now=context.now
    )
    withdrawal.narrow(context.session, less, now=context.now)
    assert stage.refresh(refresh).body["error"] == "invalid_grant"


def test_what_still_stands_comes_back_silently(stage):
    """DECISIONS 17: by prompt=none."""
    records = stage.agree("SIGNIN", "APPT")
    withdraw(stage, records["APPT"])
    code = stage.silent_code(scope="openid", prompt="none")
    assert stage.redeem(code).status == 200


def test_other_grants_of_the_person_run_on(stage):
    """Only what rests on the consent ends."""
    contact = stage.tokens("SIGNIN", "CONTACT", scope="openid email")["access_token"]
    withdraw(stage, stage.agree("APPT")["APPT"])
    assert stage.introspect(contact)["active"]


def test_every_client_of_the_recipient_gets_a_signed_event(stage):
    """RFC 8417; STANDARDS 6; DECISIONS 15: in each client's own sector."""
    record = stage.agree("APPT")["APPT"]
    code = stage.silent_code(scope=APPOINTMENT)
    grant_id = claims_of(stage.redeem(code).body["access_token"])["grant_id"]

    withdraw(stage, record)

    sent = letters(stage)
    with_endpoint = [c.id for c in clients.of_recipient(stage.context.session, stage.hospital) if c.event_endpoint]
    assert sent.keys() == set(with_endpoint)
    header, claims = header_of(sent["portal"]), claims_of(sent["portal"])
    assert (header["typ"], header["alg"]) == ("secevent+jwt", "RS256")
    jwt.decode(sent["portal"], stage.context.ring.public[header["kid"]], algorithms=["RS256"])
    assert not {"sub", "exp"} & claims.keys()
    assert claims["aud"] == "portal"
    assert claims["sub_id"] == {
        "format": "iss_sub",
        "iss": stage.context.issuer,
        "sub": stage.context.ring.pairwise(stage.citizen, "portal.example.test"),
    }
    event = claims["events"][stage.context.issuer + "/secevent/consent/event-type/withdrawn"]
    assert event["consent_id"] == str(record.id)
    assert event["grant_id"] == grant_id
    assert event["removed"] == [APPOINTMENT]
    assert event["reason_user"].keys() == {"th", "en"}
    assert claims_of(sent["app"])["sub_id"]["sub"] != claims["sub_id"]["sub"]


def test_withdrawing_twice_writes_nothing_the_second_time(stage):
    """As easy as giving; and no second letter."""
    record = stage.agree("APPT")["APPT"]
    withdraw(stage, record)
    before = (len(stage.events()), len(letters(stage)))
    withdraw(stage.later(SECOND), record)
    assert (len(stage.events()), len(letters(stage))) == before


def test_a_renewed_consent_takes_the_grants_on_its_older_records_along(stage):
    """The citizen's no is about the purpose."""
    older = stage.tokens("APPT", scope=APPOINTMENT)["access_token"]
    now = stage.later(SECOND)
    record = now.agree("APPT")["APPT"]
    assert now.introspect(older)["active"]
    withdraw(now, record)
    assert now.introspect(older) == {"active": False}
    assert len(stage.events("token.revoked")) == 1


def test_somebody_else_s_consent_is_not_found(stage):
    """CONVENTIONS: not found, never forbidden."""
    record = stage.agree("APPT")["APPT"]
    with pytest.raises(NotFound):
        withdraw(stage, record, subject_id=stage.hospital)


def test_a_notice_is_not_withdrawn(stage):
    """PDPA s.24: what rests on no consent."""
    record = stage.agree("SIGNIN")["SIGNIN"]
    with pytest.raises(NotAllowed) as refused:
        withdraw(stage, record)
    assert refused.value.code == "not_withdrawable"


def settled(stage):
    """What the stage's verbs take."""
    context = stage.context
    return context.session, context.ring, context.settings


def test_one_organisation_loses_everything_and_its_services_are_signed_out(stage):
    """PDPA s.19; CAEP 1.0 section 3.1: nothing of it is meant to go on."""
    stage.agree("SIGNIN", "EHR-SHARE", "CONTACT")
    tokens = stage.tokens("APPT")["access_token"]
    signed_in = stage.redeem(stage.silent_code(scope="openid")).body["access_token"]

    ended = withdrawal.from_recipient(*settled(stage), stage.hospital, subject_id=stage.citizen, now=stage.context.now)

    assert {one.purpose for one in ended} == {"APPT", "EHR-SHARE", "CONTACT"}
    assert stage.introspect(tokens) == {"active": False}
    assert stage.userinfo(signed_in).status == 401
    keys = [letter.key.split(":")[0] for letter in stage.context.session.query(Letter)]
    assert keys.count("withdrawn") == 3 * keys.count("revoked")
    assert keys.count("revoked") > 0


def test_an_organisation_that_was_allowed_nothing_is_told_nothing(stage):
    """Pressing twice is pressing once."""
    where = {"subject_id": stage.citizen, "now": stage.context.now}
    assert withdrawal.from_recipient(*settled(stage), stage.hospital, **where) == []
    assert letters(stage) == {}


def test_one_kind_of_data_taken_back_ends_grants_and_names_the_scopes_that_are_gone(stage):
    """PDPA s.19, s.22; the service learns which data are gone, and what it may still have comes back silently."""
    context, record = stage.context, stage.agree("SIGNIN", "EHR-SHARE")["EHR-SHARE"]
    scope = "openid patient/Encounter.rs patient/AllergyIntolerance.rs"
    before = stage.redeem(stage.silent_code(scope=scope)).body["access_token"]

    (shrunk,) = withdrawal.of_kind(*settled(stage), "allergies", subject_id=stage.citizen, now=context.now)

    assert shrunk.ended.id == record.id
    assert stage.introspect(before) == {"active": False}
    event = claims_of(letters(stage)["portal"])["events"]
    assert next(iter(event.values()))["removed"] == ["patient/AllergyIntolerance.rs"]
    again = stage.redeem(stage.silent_code(scope=scope, prompt="none")).body
    assert set(again["scope"].split()) == {"openid", "patient/Encounter.rs"}


def test_after_a_withdrawal_the_same_request_is_silently_answered_with_the_rest(stage):
    """DECISIONS 17: prompt=none is not refused over what was taken back; it gets what still stands."""
    stage.agree("SIGNIN", "CONTACT")
    record = stage.agree("APPT")["APPT"]
    withdraw(stage, record)

    body = stage.redeem(stage.silent_code(scope=f"openid email {APPOINTMENT}", prompt="none")).body

    assert set(body["scope"].split()) == {"openid", "email"}


def test_with_nothing_left_a_silent_request_is_told_that_consent_is_needed(stage):
    """OIDC Core 3.1.2.6: consent_required, not a token for nothing."""
    withdraw(stage, stage.agree("APPT")["APPT"])

    end = interaction.at_once(stage.context, stage.check(scope=APPOINTMENT, prompt="none"), stage.signed_in)

    assert "error=consent_required" in end.location
