"""RFC 7523, OIDC Core 9, FAPI 2.0 section 5.3.2.1: a client proves itself by its own key. Each refusal is a test."""

from threading import Barrier, Thread

import pytest
from sqlalchemy import func, select

from consent.errors import NotAllowed
from idp.oauth import clients, provider
from idp.oauth.features import private_key_jwt
from idp.oauth.features.private_key_jwt import ClientAssertion
from tests.fakes import HOUR, MINUTE, NOW, SECOND
from tests.idp.oauth.assertions import assertion, coded, form, jwks, key_for, public
from tests.idp.oauth.stage import CALLBACK, HOLDER, REGISTERED, SECRET, SYSTEM_SCOPE

EPOCH = int(NOW.timestamp())
ISSUER = "http://localhost:8000"
TOKEN_ENDPOINT = f"{ISSUER}/oauth/token"
ALL_KEYS = jwks(public("ES256"), public("PS256"), public("Ed25519"))


def registered(stage, client_id="keyed", **changes):
    facts = {
        "client_id": client_id,
        "name_th": "บริการตัวอย่าง",
        "name_en": "Example service",
        "legal_entity_id": stage.hospital,
        "kind": "web",
        "auth_method": "private_key_jwt",
        "jwks": ALL_KEYS,
        "purposes": REGISTERED,
        "redirect_uris": [CALLBACK],
        "default_resource": HOLDER,
        "now": NOW,
        **changes,
    }
    return clients.register(stage.context.session, **facts)


@pytest.fixture
def keyed(stage):
    """The stage with a client of its own key, and one for old libraries."""
    registered(stage)
    registered(stage, client_id="keyed-compat", profile="compat")
    return stage


def ask(stage, token, **more):
    """A token request that would be `invalid_grant` if the client were let in."""
    sent = {"grant_type": "refresh_token", "refresh_token": "nothing", **form(token), **more}
    return stage.send(provider.token, headers={}, form={k: v for k, v in sent.items() if v is not None})


def let_in(answer):
    """Whether the client was authenticated; a refusal is exactly invalid_client."""
    assert (answer.status, answer.body["error"]) in ((400, "invalid_grant"), (401, "invalid_client")), answer
    return answer.body["error"] == "invalid_grant"


def uses(stage):
    return stage.context.session.scalar(select(func.count()).select_from(ClientAssertion))


def test_a_client_with_its_own_key_walks_the_whole_path(keyed):
    """RFC 7523 section 2.2: code and refresh with an assertion, each used once."""
    code = keyed.code(client_id="keyed", scope="openid offline_access")

    answer = keyed.redeem(code, basic=None, **form(assertion("keyed")))
    assert answer.status == 200, answer.body

    again = keyed.post(
        basic=None,
        grant_type="refresh_token",
        refresh_token=answer.body["refresh_token"],
        **form(assertion("keyed", jti="two")),
    )
    assert again.status == 200, again.body


def test_a_system_and_a_data_holder_may_use_keys_too(keyed):
    """RFC 6749 4.4, RFC 7662, RFC 7009: every endpoint that authenticates clients."""
    registered(
        keyed,
        client_id="keyed-robot",
        kind="system",
        redirect_uris=[],
        grant_types=["client_credentials"],
        purposes={"PUBREPORT": [SYSTEM_SCOPE]},
    )
    answer = keyed.post(basic=None, grant_type="client_credentials", **form(assertion("keyed-robot")))
    assert answer.status == 200, answer.body

    told = keyed.post(provider.introspect, basic=None, token="x", **form(assertion("keyed", jti="i")))
    assert (told.status, told.body) == (200, {"active": False})
    assert keyed.post(provider.revoke, basic=None, token="x", **form(assertion("keyed", jti="r"))).status == 200


@pytest.mark.parametrize("alg", ["PS256", "ES256", "EdDSA", "Ed25519"])
def test_the_four_algorithms_of_fapi_are_accepted(keyed, alg):
    """LIBRARIES 1.3 (9): Authlib alone would take only RS256, ES256, HS256."""
    assert let_in(ask(keyed, assertion("keyed", alg=alg)))


def test_rs256_is_for_compat_clients_only(keyed):
    """FAPI 2.0 section 5.4: RSASSA-PKCS1-v1_5 is not allowed."""
    assert not let_in(ask(keyed, assertion("keyed", alg="RS256")))
    assert let_in(ask(keyed, assertion("keyed-compat", alg="RS256")))


@pytest.mark.parametrize("alg", ["none", "HS256", "ES384", "", None, 5, ["ES256"]])
def test_any_other_algorithm_is_refused(keyed, alg):
    """RFC 8725 section 3.1: the list is ours; a header chooses nothing outside it."""
    _, body, signature = assertion("keyed").split(".")
    forged = coded({"kid": "EC-0"} if alg is None else {"kid": "EC-0", "alg": alg})
    assert not let_in(ask(keyed, f"{forged}.{body}.{signature}"))
    assert not let_in(ask(keyed, f"{forged}.{body}."))


def test_an_assertion_works_once_even_when_the_request_failed_otherwise(keyed):
    """RFC 7523 section 3 point 7: jti."""
    token = assertion("keyed")

    assert let_in(ask(keyed, token))
    assert not let_in(ask(keyed, token))
    assert let_in(ask(keyed, assertion("keyed", jti="two")))
    assert let_in(ask(keyed, assertion("keyed-compat")))  # another client's jti is its own


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": None},
        {"exp": EPOCH},
        {"exp": EPOCH - 1},
        {"exp": EPOCH + 311},
        {"exp": EPOCH + 3 * 365 * 86400},
        {"exp": 1e300},
        {"exp": "soon"},
        {"exp": True},
        {"nbf": EPOCH + 11},
        {"iat": EPOCH + 11},
        {"iat": "now"},
        {"iat": [EPOCH]},
    ],
)
def test_times_outside_the_window_are_refused(keyed, changes):
    """LIBRARIES 1.3 (10): expired, too long (5 min), from the future, or no number; X13: 10 s of skew pass."""
    assert not let_in(ask(keyed, assertion("keyed", **changes)))
    assert uses(keyed) == 0


@pytest.mark.parametrize("changes", [{"exp": EPOCH + 300}, {"nbf": EPOCH + 9}, {"iat": EPOCH + 9}, {"iat": None}])
def test_times_inside_the_window_are_accepted(keyed, changes):
    """FAPI 2.0 section 5.3.2.1 point 13: a client whose clock is 10 s ahead is served."""
    assert let_in(ask(keyed, assertion("keyed", **changes)))


def test_a_compat_client_may_say_an_hour_but_no_more(keyed):
    """Libraries of the field sign for an hour when nobody tells them otherwise."""
    assert let_in(ask(keyed, assertion("keyed-compat", exp=EPOCH + 3600)))
    assert not let_in(ask(keyed, assertion("keyed-compat", jti="two", exp=EPOCH + 3611)))


@pytest.mark.parametrize(
    "audience",
    [None, "", "https://other.example.test", TOKEN_ENDPOINT, f"{ISSUER}/", [ISSUER], [ISSUER, "x"], 5, {"x": ISSUER}],
)
def test_any_audience_but_the_issuer_as_a_string_is_refused(keyed, audience):
    """FAPI 2.0 section 5.3.2.1 point 12: the issuer, a single string (audience injection)."""
    assert not let_in(ask(keyed, assertion("keyed", aud=audience)))


@pytest.mark.parametrize("audience", [ISSUER, TOKEN_ENDPOINT, [ISSUER], [TOKEN_ENDPOINT]])
def test_a_compat_client_may_name_the_token_endpoint(keyed, audience):
    """OIDC Core 9: the audience SHOULD be the token endpoint's URL."""
    assert let_in(ask(keyed, assertion("keyed-compat", aud=audience)))


@pytest.mark.parametrize("audience", [[TOKEN_ENDPOINT, ISSUER], "https://other.example.test", f"{ISSUER}/oauth/revoke"])
def test_a_compat_clients_audience_is_still_checked(keyed, audience):
    """One audience, and it is us."""
    assert not let_in(ask(keyed, assertion("keyed-compat", aud=audience)))


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": None},
        {"iss": "portal"},
        {"sub": "keyed-compat"},
        {"sub": "nobody"},
        {"sub": None},
        {"sub": ["keyed"]},
        {"jti": None},
        {"jti": ""},
        {"jti": 5},
        {"jti": "x" * 257},
    ],
)
def test_claims_that_do_not_name_this_client_once_are_refused(keyed, changes):
    """RFC 7523 section 3 points 1, 2, 7; OIDC Core 9: jti is required."""
    assert not let_in(ask(keyed, assertion("keyed", **changes)))


def test_a_client_id_beside_it_must_be_the_same(keyed):
    """RFC 7521 section 4.2."""
    assert not let_in(ask(keyed, assertion("keyed"), client_id="portal"))
    assert let_in(ask(keyed, assertion("keyed"), client_id="keyed"))


@pytest.mark.parametrize("header", [{"kid": "nobody"}, {"kid": "RSA-0"}, {"kid": 5}, {"crit": ["x"], "x": 1}])
def test_a_header_that_means_no_key_of_this_client_is_refused(keyed, header):
    """RFC 7515 sections 4.1.4 and 4.1.11."""
    assert not let_in(ask(keyed, assertion("keyed", header=header)))


def test_without_kid_the_only_fitting_key_is_meant(keyed):
    """Many libraries send none."""
    assert let_in(ask(keyed, assertion("keyed", header={"kid": None, "typ": "JWT", "foo": "bar"})))


def test_a_signature_by_another_key_is_refused_and_uses_nothing_up(keyed):
    """A forged assertion cannot burn the jti of the real one."""
    forged = assertion("keyed", key=key_for("ES256", 1))
    own_key_in_header = assertion("keyed", key=key_for("ES256", 1), header={"jwk": public(number=1)})

    assert not let_in(ask(keyed, forged))
    assert not let_in(ask(keyed, own_key_in_header))
    assert let_in(ask(keyed, assertion("keyed")))


@pytest.mark.parametrize(
    "token",
    ["", "x", "x.y", "x.y.z", "..", "e30.e30.", "W10.W10.x", "é.é.é", "e30.e30.x.y.z", "MQ.MQ.MQ", "bnVsbA.e30.x"],
)
def test_what_cannot_be_read_is_an_invalid_client(keyed, token):
    """No input makes a server error."""
    answer = ask(keyed, token)
    assert (answer.status, answer.body["error"]) == (401, "invalid_client")
    assert answer.body["error_description"].isascii()


@pytest.mark.parametrize("kind", [None, "", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"])
def test_the_assertion_type_must_be_said(keyed, kind):
    """RFC 7521 section 4.2."""
    assert not let_in(ask(keyed, assertion("keyed"), client_assertion_type=kind))


def test_each_client_has_one_way_in(keyed):
    """A client of secrets cannot use keys, a client of keys no secret and not nothing."""
    assert not let_in(ask(keyed, assertion("portal")))
    assert not let_in(ask(keyed, assertion("app"), client_id="app"))
    for headers_and_form in ({"basic": ("keyed", SECRET)}, {"basic": None, "client_id": "keyed"}):
        answer = keyed.post(grant_type="refresh_token", refresh_token="x", **headers_and_form)
        assert answer.body["error"] == "invalid_client"


def test_a_suspended_client_is_no_client(keyed):
    """Its key is still good; it is not."""
    clients.suspend(keyed.context.session, "keyed", now=NOW)
    assert not let_in(ask(keyed, assertion("keyed")))


def test_of_many_at_once_one_wins(sessions):
    """X17, X21: one conditional INSERT decides."""
    barrier, won = Barrier(8), []

    def consume():
        barrier.wait()
        with sessions.writing() as session:
            row = {"client_id": "keyed", "jti_hash": "0" * 64, "expires_at": NOW}
            won.append(private_key_jwt._use_once(session, row))

    threads = [Thread(target=consume) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(won) == [False] * 7 + [True]


def test_used_assertions_are_forgotten_only_after_they_expire(keyed):
    """The row outlives the assertion, so a replay always meets it."""
    assert let_in(ask(keyed, assertion("keyed")))
    session = keyed.context.session

    assert private_key_jwt.purge(session, now=NOW + MINUTE) == 0
    assert private_key_jwt.purge(session, now=NOW + MINUTE + SECOND) == 1
    assert not let_in(ask(keyed.later(HOUR), assertion("keyed")))


@pytest.mark.parametrize("changes", [{"jwks": None}, {"auth_method": "client_secret_basic"}, {"auth_method": "none"}])
def test_keys_and_the_method_belong_together(stage, changes):
    """RFC 7591 section 2: a JWKS for private_key_jwt, and for nothing else."""
    with pytest.raises(NotAllowed) as refused:
        registered(stage, **changes)
    assert refused.value.code == "invalid_client_metadata"


def test_discovery_names_the_method_and_its_algorithms(settings):
    """RFC 8414 section 2: the algorithms must be named when the method is."""
    told = provider.discovery(settings)
    for endpoint in ("token", "introspection", "revocation"):
        assert "private_key_jwt" in told[f"{endpoint}_endpoint_auth_methods_supported"]
        assert "none" not in told[f"{endpoint}_endpoint_auth_signing_alg_values_supported"]
        assert "ES256" in told[f"{endpoint}_endpoint_auth_signing_alg_values_supported"]
