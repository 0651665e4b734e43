from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update
from werkzeug.datastructures import MultiDict

from consent import records
from idp import interaction, subjects, withdrawal
from idp.oauth import clients, grants, management, provider, status_list
from idp.oauth.clients import Client
from idp.oauth.errors import RedirectError
from idp.oauth.grants import Grant, GrantConsent
from idp.oauth.pipeline import ProtocolRequest
from tests.fakes import HOUR, NOW
from tests.idp.oauth.features.test_status_list import bit
from tests.idp.oauth.stage import (
    ALLERGY,
    APPOINTMENT,
    CALLBACK,
    HOLDER,
    OTHER_HOLDER,
    REGISTERED,
    SCOPE,
    SECRET,
    claims_of,
    person,
    query,
)

MINUTE = timedelta(minutes=1)
EHR = f"openid {ALLERGY}"
OFFLINE = f"{SCOPE} offline_access"


@pytest.fixture(autouse=True)
def _manager(stage):
    """The portal may get tokens for itself, and a client beside it too."""
    allowed = "authorization_code refresh_token client_credentials"
    stage.context.session.execute(update(Client).where(Client.id.in_(("portal", "second"))).values(grant_types=allowed))
    clients._known(stage.context.session).clear()
    status_list._kept.clear()


def manager_token(stage, *words, client="portal"):
    """A token for our own interface."""
    answer = stage.post(grant_type="client_credentials", scope=" ".join(words), basic=(client, SECRET))
    assert answer.status == 200, answer.body
    return answer.body["access_token"]


def asked(stage, grant_id, token, method="GET"):
    """One call of the endpoint."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    url = f"{stage.context.issuer}/oauth/grants/{grant_id}"
    request = ProtocolRequest(method=method, url=url, form=MultiDict(), headers=headers)
    return provider.manage(stage.context, request, grant_id)


def look(stage, grant_id):
    """What the portal hears of a grant."""
    return asked(stage, grant_id, manager_token(stage, "grant_management_query"))


def created(stage, **changes):
    """The token response for a grant that is managed."""
    return stage.tokens(grant_management_action="create", **changes)


def refused(stage, **changes):
    """The error at the authorization endpoint."""
    with pytest.raises(RedirectError) as error:
        stage.check(**changes)
    return error.value.error


# --- the authorization request


def test_a_grant_that_is_created_is_named_in_the_answer(stage):
    """Section 5.5: `grant_id` in the token response, and nobody else is told one."""
    grant_id = created(stage)["grant_id"]

    assert stage.context.session.get(Grant, management.uuid_or_none(grant_id)).managed
    assert "grant_id" not in stage.tokens()


def test_two_grants_of_one_person_at_one_client_live_side_by_side(stage):
    """Section 3.5: concurrent grants; to end one ends that one."""
    one, two = created(stage), created(stage)
    answer = asked(stage, one["grant_id"], manager_token(stage, "grant_management_revoke"), "DELETE")

    assert answer.status == 204
    assert not stage.introspect(one["access_token"])["active"]
    assert stage.introspect(two["access_token"])["active"]


def test_merge_adds_to_what_there_was_under_the_same_id(stage):
    """Section 5.2: merge."""
    first = created(stage)
    stage.agree("EHR-SHARE")
    second = stage.tokens(scope=EHR, grant_management_action="merge", grant_id=first["grant_id"])

    assert second["grant_id"] == first["grant_id"]
    assert set(second["scope"].split()) == {"openid", "profile", APPOINTMENT, ALLERGY}
    assert stage.introspect(first["access_token"])["active"], "what was granted before goes on"


def test_merge_takes_earlier_refresh_tokens_back(stage):
    """Section 5.2: existing refresh tokens are invalidated; the new one is for all of it."""
    first = created(stage, scope=OFFLINE)
    stage.agree("EHR-SHARE")
    second = stage.tokens(scope=EHR, grant_management_action="merge", grant_id=first["grant_id"])

    assert stage.refresh(first["refresh_token"]).body["error"] == "invalid_grant"
    renewed = stage.refresh(second["refresh_token"])
    assert (renewed.status, renewed.body["grant_id"]) == (200, first["grant_id"])
    assert ALLERGY in renewed.body["scope"] or APPOINTMENT in renewed.body["scope"]


def test_replace_leaves_only_what_was_asked_now(stage):
    """Section 5.2: replace."""
    first = created(stage, scope=OFFLINE)
    stage.agree("EHR-SHARE")
    second = stage.tokens(scope=EHR, grant_management_action="replace", grant_id=first["grant_id"])

    assert second["grant_id"] == first["grant_id"]
    assert second["scope"].split() == ["openid", ALLERGY]
    assert stage.refresh(first["refresh_token"]).body["error"] == "invalid_grant"


def test_replace_ends_the_tokens_of_before_live_and_offline(stage):
    """Section 10: a replaced grant's self-contained tokens are revoked by other means: here, the status list."""
    first = created(stage)
    stage.agree("EHR-SHARE")
    second = stage.tokens(scope=EHR, grant_management_action="replace", grant_id=first["grant_id"])
    later = stage.later(timedelta(seconds=6))

    assert not stage.introspect(first["access_token"])["active"]
    assert stage.introspect(second["access_token"])["active"]
    assert (bit(later, first["access_token"]), bit(later, second["access_token"])) == (1, 0)


def test_what_a_grant_was_before_is_kept_as_it_was(stage, session):
    """The replaced one stays as an ended row with the consents that it rested on; the log says that it ended."""
    first = created(stage)
    old = set(session.scalars(select(GrantConsent.record_id)))
    stage.agree("EHR-SHARE")
    stage.tokens(scope=EHR, grant_management_action="replace", grant_id=first["grant_id"])
    before = session.scalars(select(Grant).where(Grant.end_reason == "replaced")).one()

    assert APPOINTMENT in before.scopes
    assert before.ended_at == NOW
    assert set(session.scalars(select(GrantConsent.record_id).where(GrantConsent.grant_id == before.id))) == old
    assert [entry.reason for entry in stage.events("token.revoked")] == ["replaced"]


def test_merge_asks_along_what_the_grant_holds_under_the_purpose(stage):
    """Section 5.2: there is one answer for a purpose, and one for the new alone would end the grant it belongs to."""
    encounter = "patient/Encounter.rs"
    stage.agree("SIGNIN")
    records.give(stage.context.session, stage.choice("EHR-SHARE", scopes=[ALLERGY]), now=stage.context.now)
    first = stage.redeem(stage.silent_code(scope=EHR, grant_management_action="create")).body
    wished = {"scope": f"openid {encounter}", "grant_management_action": "merge", "grant_id": first["grant_id"]}

    asked_for = stage.check(**wished).resolution.purposes["EHR-SHARE"]
    given = records.give(stage.context.session, stage.choice("EHR-SHARE", scopes=asked_for), now=stage.context.now)
    withdrawal.narrow(stage.context.session, given, now=stage.context.now)
    second = stage.redeem(stage.silent_code(**wished)).body

    assert set(asked_for) == {encounter, ALLERGY}
    assert second["grant_id"] == first["grant_id"]
    assert set(second["scope"].split()) == {"openid", encounter, ALLERGY}


def test_replace_with_less_of_a_purpose_keeps_the_id(stage):
    """Section 5.2: the person's new and narrower answer ends what was there; the request that asked for it goes on."""
    encounter = "patient/Encounter.rs"
    stage.agree("SIGNIN")
    records.give(stage.context.session, stage.choice("EHR-SHARE", scopes=[ALLERGY]), now=stage.context.now)
    first = stage.redeem(stage.silent_code(scope=EHR, grant_management_action="create")).body
    request = stage.check(scope=f"openid {encounter}", grant_management_action="replace", grant_id=first["grant_id"])
    given = records.give(stage.context.session, stage.choice("EHR-SHARE", scopes=[encounter]), now=stage.context.now)
    withdrawal.narrow(stage.context.session, given, now=stage.context.now)
    end = interaction.at_once(stage.context, request, stage.signed_in)
    second = stage.redeem(query(end.location)["code"]).body
    later = stage.later(timedelta(seconds=6))

    assert second["grant_id"] == first["grant_id"]
    assert second["scope"].split() == ["openid", encounter]
    assert (bit(later, first["access_token"]), bit(later, second["access_token"])) == (1, 0)
    assert [entry.reason for entry in stage.events("token.revoked")] == ["narrowed"]


def test_a_grant_that_was_merged_ends_with_each_of_its_consents(stage):
    """DECISIONS 10: a grant rests on N consents, also on those that came later."""
    first = created(stage)
    record = stage.agree("EHR-SHARE")["EHR-SHARE"]
    stage.silent_code(scope=EHR, grant_management_action="merge", grant_id=first["grant_id"])
    context = stage.context
    withdrawal.withdraw(
        context.session, context.ring, context.settings, record.id, subject_id=stage.citizen, now=context.now
    )

    assert not stage.introspect(first["access_token"])["active"]


def test_merged_grants_are_for_the_resources_of_both(stage):
    """RFC 8707 in Grant Management 6.4: where one named none, what that meant is kept."""
    first = created(stage)
    stage.tokens(grant_management_action="merge", grant_id=first["grant_id"], resource=OTHER_HOLDER)

    (entry,) = look(stage, first["grant_id"]).body["scopes"]
    assert entry["resource"] == [OTHER_HOLDER, HOLDER, stage.context.issuer]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grant_management_action": "update"}, "invalid_request"),
        ({"grant_management_action": "create", "grant_id": "x"}, "invalid_request"),
        ({"grant_management_action": "merge"}, "invalid_request"),
        ({"grant_management_action": "replace"}, "invalid_request"),
        ({"grant_id": "x"}, "invalid_request"),
        ({"grant_management_action": "merge", "grant_id": "x"}, "invalid_grant_id"),
        (
            {"grant_management_action": "replace", "grant_id": "01890000-0000-7000-8000-000000000000"},
            "invalid_grant_id",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused(stage, changes, error):
    """Section 5.4."""
    assert refused(stage, **changes) == error


def test_another_client_s_grant_is_unknown(stage):
    """Section 5.2: the client must be authorized to use the grant."""
    grant_id = created(stage)["grant_id"]

    assert refused(stage, client_id="second", grant_management_action="merge", grant_id=grant_id) == "invalid_grant_id"


def test_a_grant_that_has_ended_is_unknown(stage):
    """Section 5.4."""
    grant_id = created(stage)["grant_id"]
    grants.end(stage.context.session, management.uuid_or_none(grant_id), reason="withdrawn", now=NOW)

    assert refused(stage, grant_management_action="merge", grant_id=grant_id) == "invalid_grant_id"


def test_only_confidential_clients_manage_grants(stage):
    """Section 5.1."""
    changes = {"client_id": "app", "redirect_uri": "org.example.app:/cb", "grant_management_action": "create"}

    assert refused(stage, **changes) == "unauthorized_client"


def test_whose_grant_it_is_must_sign_in(stage, ring):
    """Section 5.2: a grant is for a certain resource owner. Somebody else's sign-in changes nothing of it."""
    grant_id = created(stage)["grant_id"]
    other = subjects.create(stage.context.session, ring, "3999000010043", person(), now=NOW)
    stranger = replace(stage, citizen=other.id, signed_in=replace(stage.signed_in, subject_id=other.id))
    stranger.agree("SIGNIN", "APPT")
    request = stage.check(grant_management_action="merge", grant_id=grant_id, prompt="none")
    end = interaction.at_once(stage.context, request, stranger.signed_in)

    assert query(end.location)["error"] == "login_required"
    assert not management.may_amend(stage.context.session, request, other.id)


def test_a_grant_that_ends_while_its_person_answers_is_not_changed(stage):
    """Section 5.4, at the last moment: the error says so, and nothing was written."""
    grant_id = created(stage)["grant_id"]
    request = stage.check(grant_management_action="merge", grant_id=grant_id)
    grants.end(stage.context.session, management.uuid_or_none(grant_id), reason="withdrawn", now=NOW)
    end = interaction.at_once(stage.context, request, stage.signed_in)

    assert query(end.location)["error"] == "invalid_grant_id"
    assert "code" not in query(end.location)


def test_the_parameters_survive_a_pause(stage):
    """A request waits as JSON while somebody signs in."""
    grant_id = created(stage)["grant_id"]
    request = stage.check(grant_management_action="merge", grant_id=grant_id)

    assert type(request).from_json(request.to_json()) == request


# --- the endpoint


def test_a_client_asks_what_stands(stage):
    """Section 6.4: scopes, claims, times; nobody's name, no token."""
    granted = created(stage, scope=OFFLINE)
    body = look(stage, granted["grant_id"]).body

    assert body["scopes"] == [{"scope": f"openid profile {APPOINTMENT} offline_access"}]
    assert {"sub", "name"} <= set(body["claims"])
    assert body["purposes"] == ["SIGNIN", "APPT"]
    assert datetime.fromisoformat(body["created_at"]) == datetime.fromisoformat(body["last_updated_at"]) == NOW
    assert datetime.fromisoformat(body["expires_at"]) > NOW
    assert "token" not in str(body)


def test_the_times_follow_a_change(stage):
    """Section 6.4: `last_updated_at`."""
    granted = created(stage)
    later = stage.later(MINUTE)
    later.tokens(grant_management_action="merge", grant_id=granted["grant_id"])
    body = look(later, granted["grant_id"]).body

    assert datetime.fromisoformat(body["last_updated_at"]) == NOW + MINUTE
    assert datetime.fromisoformat(body["created_at"]) == NOW


def test_without_offline_access_a_grant_is_over_with_the_sign_in(stage):
    """Catalogue rule 8: it runs until then, and is not found afterwards."""
    granted = created(stage)

    assert datetime.fromisoformat(look(stage, granted["grant_id"]).body["expires_at"]) == stage.signed_in.expires_at
    assert look(stage.later(12 * HOUR), granted["grant_id"]).status == 404


def test_what_does_not_stand_any_more_is_not_shown(stage):
    """Section 3.2: the status of the consents as it is, with nothing written down about the look."""
    granted = created(stage, scope=OFFLINE)
    before = len(stage.events())
    later = stage.later(timedelta(days=90, seconds=1))
    body = look(later, granted["grant_id"]).body

    assert body["scopes"] == [{"scope": f"{APPOINTMENT} offline_access"}], "the sign-in lives 90 days"
    assert (body["purposes"], body["claims"]) == (["APPT"], [])
    assert len(stage.events()) == before + 1, "only the client's own token"


def test_to_end_a_grant_ends_all_its_tokens_and_no_consent(stage):
    """Section 6.5: 204 and nothing more; the person's answer stands, so the client may come back."""
    granted = created(stage, scope=OFFLINE)
    answer = asked(stage, granted["grant_id"], manager_token(stage, "grant_management_revoke"), "DELETE")

    assert (answer.status, answer.body) == (204, "")
    assert stage.refresh(granted["refresh_token"]).body["error"] == "invalid_grant"
    assert not stage.introspect(granted["access_token"])["active"]
    assert look(stage, granted["grant_id"]).status == 404
    assert stage.silent_code(prompt="none")


def test_each_scope_opens_its_own_act(stage):
    """Sections 6.1 and 6.6: 403 for the other one, and nothing has ended."""
    granted = created(stage)
    looker, ender = manager_token(stage, "grant_management_query"), manager_token(stage, "grant_management_revoke")

    assert asked(stage, granted["grant_id"], looker, "DELETE").status == 403
    assert asked(stage, granted["grant_id"], ender).status == 403
    assert stage.introspect(granted["access_token"])["active"]


def test_without_a_token_for_it_nothing_opens(stage):
    """Section 6.6: 401 and invalid_token; RFC 6750 section 3.1: no error code when none was sent."""
    granted = created(stage)
    nothing = asked(stage, granted["grant_id"], None)
    user_s = asked(stage, granted["grant_id"], granted["access_token"])
    rubbish = asked(stage, granted["grant_id"], "x.y.z")

    assert (nothing.status, nothing.body) == (401, {})
    assert nothing.headers["WWW-Authenticate"].startswith("Bearer")
    assert [(one.status, one.body["error"]) for one in (user_s, rubbish)] == [(401, "invalid_token")] * 2


@pytest.mark.parametrize("grant_id", ["x", "01890000-0000-7000-8000-000000000000", "\x00", "9" * 500])
def test_an_unknown_grant_is_not_found(stage, grant_id):
    """Section 6.6."""
    for method, word in (("GET", "grant_management_query"), ("DELETE", "grant_management_revoke")):
        assert asked(stage, grant_id, manager_token(stage, word), method).status == 404


def test_another_client_s_grant_is_not_found_either(stage):
    """Section 10: ids leak, and are good for nothing."""
    granted = created(stage)
    for method, word in (("GET", "grant_management_query"), ("DELETE", "grant_management_revoke")):
        assert asked(stage, granted["grant_id"], manager_token(stage, word, client="second"), method).status == 404
    assert stage.introspect(granted["access_token"])["active"]


def test_a_service_gets_nothing_else_for_itself(stage):
    """Section 6.1; RFC 9700 2.3: `client_credentials` of a web client are for its grants alone."""
    for scope in ("openid", APPOINTMENT, "", f"grant_management_query {APPOINTMENT}"):
        answer = stage.post(grant_type="client_credentials", scope=scope)
        assert answer.status in (400, 401), scope


def test_a_public_client_cannot_be_registered_for_it(stage):
    """Section 5.1."""
    with pytest.raises(Exception, match="must authenticate"):
        clients.register(
            stage.context.session,
            client_id="spa",
            name_th="ก",
            name_en="a",
            legal_entity_id=stage.hospital,
            kind="web",
            auth_method="none",
            purposes={"SIGNIN": REGISTERED["SIGNIN"]},
            redirect_uris=[CALLBACK],
            grant_types=("authorization_code", "client_credentials"),
            now=NOW,
        )


def test_the_metadata_says_what_there_is(stage):
    """Section 7.1."""
    told = provider.discovery(stage.context.settings)

    assert told["grant_management_actions_supported"] == ["query", "revoke", "create", "merge", "replace"]
    assert told["grant_management_endpoint"] == f"{stage.context.issuer}/oauth/grants"
    assert told["grant_management_action_required"] is False
    assert {"grant_management_query", "grant_management_revoke"} <= set(told["scopes_supported"])
    assert claims_of(created(stage)["access_token"])["grant_id"]
