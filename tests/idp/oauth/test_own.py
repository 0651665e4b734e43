"""Our own interfaces: who may have a token for them, and who a `sub` is (RFC 6749 4.4, DECISIONS 7)."""

import base64

import pytest
from werkzeug.datastructures import MultiDict

from idp.oauth import clients, known_as, own
from idp.oauth.pipeline import ProtocolRequest
from tests.idp.oauth.stage import HOLDER, SECRET, claims_of

ROBOT, KEEPER = ("robot", SECRET), ("keeper", SECRET)


@pytest.fixture
def keeper(stage):
    """A record holder that may act for itself."""
    clients.register(
        stage.context.session,
        client_id="keeper",
        name_th="ผู้เก็บ",
        name_en="Keeper",
        legal_entity_id=stage.hospital,
        kind="resource_server",
        purposes={},
        grant_types=["client_credentials"],
        secret=SECRET,
        now=stage.context.now,
    )
    return stage


def ask(stage, who, **form):
    return stage.post(basic=who, grant_type="client_credentials", **form)


def request_with(header):
    headers = {"Authorization": header} if header else {}
    return ProtocolRequest(method="POST", url="https://x.example/", form=MultiDict(), headers=headers)


def by_secret(name, secret=SECRET):
    return request_with("Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode())


def test_a_token_for_ourselves_has_no_purpose_and_no_person(keeper):
    """RFC 9068: the audience is the issuer, so no holder takes it."""
    answer = ask(keeper, KEEPER, scope=own.REPORT)
    claims = claims_of(answer.body["access_token"])

    assert answer.status == 200
    assert claims["aud"] == keeper.context.issuer
    assert (claims["scope"], claims["purposes"], claims["sub"]) == (own.REPORT, [], "keeper")
    assert "grant_id" not in claims
    assert answer.body["expires_in"] <= 300


@pytest.mark.parametrize(
    ("who", "scope"),
    [
        (ROBOT, own.REPORT),  # a system holds no data
        (KEEPER, "grant_management_query"),
        (KEEPER, f"{own.REPORT} openid"),
        (ROBOT, f"{own.CONSENTS} system/Observation.c?category=notifiable"),
    ],
)
def test_another_kind_of_client_or_a_mixture_is_refused(keeper, who, scope):
    """Like introspection, they hang on what a client is; nothing of the catalogue stands beside them."""
    assert ask(keeper, who, scope=scope).body["error"] == "invalid_scope"


def test_it_is_for_us_alone(keeper):
    """RFC 8707: no other resource."""
    assert ask(keeper, KEEPER, scope=own.REPORT, resource=HOLDER).body["error"] == "invalid_scope"
    assert ask(keeper, KEEPER, scope=own.REPORT, resource=keeper.context.issuer).status == 200


def test_a_record_holder_gets_nothing_of_the_catalogue(keeper):
    """Only systems act for purposes."""
    assert ask(keeper, KEEPER).body["error"] == "unauthorized_client"


def test_a_caller_is_known_by_token_or_by_secret(keeper):
    """Both ways lead to the same client."""
    token = ask(keeper, KEEPER, scope=own.REPORT).body["access_token"]

    assert own.caller(keeper.context, request_with(f"Bearer {token}"), own.REPORT).id == "keeper"
    assert own.caller(keeper.context, by_secret("keeper"), own.REPORT).id == "keeper"


@pytest.mark.parametrize("header", ["", "Bearer ", "Bearer x.y.z", "Basic !!!", "Basic a2VlcGVyOng=", "Digest x"])
def test_who_proves_nothing_is_nobody(keeper, header):
    """RFC 6750 section 3.1: invalid_token, 401; unreadable bytes are a refusal, never a fault."""
    with pytest.raises(own.Refused) as refused:
        own.caller(keeper.context, request_with(header), own.REPORT)

    assert (refused.value.status, refused.value.error) == (401, "invalid_token")


def test_another_kind_of_client_may_not_use_an_interface(keeper):
    """An application of people reports no reads and reads no consents, though it can prove who it is."""
    for name, scope in (("portal", own.REPORT), ("portal", own.CONSENTS), ("robot", own.REPORT)):
        with pytest.raises(own.Refused) as refused:
            own.caller(keeper.context, by_secret(name), scope)
        assert (refused.value.status, refused.value.error) == (403, "insufficient_scope")


def test_a_token_for_one_interface_does_not_open_another(keeper):
    """RFC 6750 section 3.1: insufficient_scope."""
    token = ask(keeper, KEEPER, scope=own.REPORT).body["access_token"]

    with pytest.raises(own.Refused) as refused:
        own.caller(keeper.context, request_with(f"Bearer {token}"), own.CONSENTS)

    assert refused.value.status == 403


def test_a_suspended_client_is_out_at_once(keeper):
    """Its token dies with it."""
    token = ask(keeper, KEEPER, scope=own.REPORT).body["access_token"]
    clients.suspend(keeper.context.session, "keeper", now=keeper.context.now)

    for request in (request_with(f"Bearer {token}"), by_secret("keeper")):
        with pytest.raises(own.Refused):
            own.caller(keeper.context, request, own.REPORT)


def test_a_persons_token_is_no_machines(keeper):
    """And a machine's is nobody's."""
    token = keeper.tokens()["access_token"]

    with pytest.raises(own.Refused) as refused:
        own.caller(keeper.context, request_with(f"Bearer {token}"), own.CONSENTS)
    assert refused.value.status == 401
    assert own.person(keeper.context, by_secret("keeper"), own.OWN_CONSENTS) is None


def test_a_sub_leads_back_to_its_person_in_its_own_sector_alone(keeper):
    """DECISIONS 7: two holders cannot compare; a database that was copied holds no `sub`."""
    claims = claims_of(keeper.tokens()["access_token"])
    session = keeper.context.session

    assert known_as.person(session, claims["sub"], sectors=["records.example.test"]) == keeper.citizen
    assert known_as.person(session, claims["sub"], sectors=["labs.example.test"]) is None
    assert known_as.person(session, "0" * 64, sectors=["records.example.test"]) is None
    assert claims["sub"] not in {row.sub_hash for row in session.query(known_as.KnownAs)}


def test_a_machine_knows_people_where_its_organisation_does(keeper):
    """The sectors of its applications and of its own places."""
    machine = clients.find(keeper.context.session, "keeper")

    assert {"portal.example.test", "records.example.test"} <= known_as.sectors_of(keeper.context.session, machine)
