"""The main job: from a national ID to records that another service gives, and the token's claims by the standards."""

from joserfc import jwk, jwt

from tests.stories.browser import Browser, as_json
from tests.stories.relying import claims, header


def test_a_citizen_signs_in_adds_a_pin_consents_and_the_holder_answers(live):
    """OIDC Core 3.1, RFC 6749, RFC 7636, RFC 9068, RFC 9207, PDPA s.19 and s.26: the whole way at the right level."""
    citizen, service = live.citizen(), live.service()
    asked = service.ask()

    page = citizen.walk(citizen.browser.get(asked.url))
    tokens = service.tokens(page, asked)

    assert citizen.walked[:2] == ["login", "code"]
    assert citizen.walked[-1] == "consent"
    assert live.records(tokens["access_token"]).status_code == 200
    assert service.introspect(tokens["access_token"])["active"] is True
    assert service.userinfo(tokens["access_token"]).status_code == 200
    assert tokens["token_type"].lower() == "bearer"
    assert tokens["expires_in"] <= 300


def test_the_id_token_says_who_how_and_when_by_the_standard(live):
    """OIDC Core 2 and 3.1.3.7; acr and amr of DECISIONS 3; the key is found by its kid in the JWKS."""
    citizen, service = live.citizen(), live.service()
    asked = service.ask()
    tokens = service.tokens(citizen.walk(citizen.browser.get(asked.url)), asked)

    keys = {key["kid"]: key for key in service.http.get(f"{live.issuer}/jwks.json").json()["keys"]}
    key = jwk.import_key(keys[header(tokens["id_token"])["kid"]])
    told = jwt.decode(tokens["id_token"], key, algorithms=["ES256"]).claims

    assert told["iss"] == live.issuer
    assert told["aud"] in (service.client_id, [service.client_id])
    assert told["nonce"] == asked.nonce
    assert told["acr"] == "urn:yinyom:aal:2.1"
    assert {"otp", "sms", "pin", "mfa"} <= set(told["amr"])
    assert told["auth_time"] <= told["iat"] < told["exp"]
    assert citizen.national_id not in str(told)


def test_the_client_and_the_holder_know_the_person_by_different_names(live):
    """OIDC Core 8.1, DECISIONS 7: pairwise per sector, so that two services cannot compare notes."""
    citizen, service = live.citizen(), live.service()
    asked = service.ask()
    tokens = service.tokens(citizen.walk(citizen.browser.get(asked.url)), asked)

    access, id_token = claims(tokens["access_token"]), claims(tokens["id_token"])

    assert access["sub"] != id_token["sub"]
    assert service.introspect(tokens["access_token"])["sub"] == access["sub"]
    assert service.userinfo(tokens["access_token"]).json()["sub"] == id_token["sub"]


def test_a_second_visit_asks_nothing_that_was_answered(live):
    """PAGES: a standing consent and a live session lead straight back."""
    citizen, service = live.citizen(), live.service()
    first = service.ask()
    service.tokens(citizen.walk(citizen.browser.get(first.url)), first)
    citizen.walked.clear()

    again = service.ask()
    tokens = service.tokens(citizen.walk(citizen.browser.get(again.url)), again)
    silent = service.ask(prompt="none")
    quiet = service.answered(citizen.browser.get(silent.url), silent)

    assert citizen.walked == []
    assert tokens["access_token"]
    assert quiet.code


def test_the_portal_shows_the_history_that_the_holder_gave(live):
    """Two services that we only know by the standards: a client and a resource server in processes of their own."""
    citizen = live.citizen(stops=())

    page = citizen.walk(citizen.browser.get(live.portal + "/sign-in"))
    assert page.url.startswith(live.portal), page.text[:300]
    page = citizen.browser.submit(page, form_to(page, "/history"))

    held = [person["copies"] for person in live.portal_state()["people"].values() if person["copies"]]
    assert page.status == 200
    assert any(copies.get("Condition") for copies in held)
    assert live.holder_state()["reads"].get("live")


def test_discovery_tells_the_truth_about_every_endpoint(live):
    """OIDC Discovery 3 and RFC 8414: each endpoint it names answers, and the issuer is the one in the tokens."""
    browser = Browser()
    told = as_json(browser.http.get(f"{live.issuer}/.well-known/openid-configuration"))
    also = as_json(browser.http.get(f"{live.issuer}/.well-known/oauth-authorization-server"))

    assert told["issuer"] == also["issuer"] == live.issuer
    for name in [name for name in told if name.endswith("_endpoint") or name == "jwks_uri"]:
        address = told[name] + ("/none" if name == "grant_management_endpoint" else "")  # draft-03 6: an id follows it
        assert browser.http.get(address).status_code in (200, 400, 401, 405), name
    browser.close()


def test_client_credentials_need_no_citizen(live):
    """RFC 6749 section 4.4: a service that is not registered for it is refused with the standard's word."""
    answer = live.service().post("token", {"grant_type": "client_credentials"})

    assert answer.status_code == 400
    assert answer.json()["error"] == "unauthorized_client"


def form_to(page, action):
    return next(name for name, form in page.forms.items() if form.action.endswith(action))
