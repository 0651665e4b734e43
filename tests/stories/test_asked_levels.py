"""Levels that somebody asks for: a data holder (RFC 9470), a request (OIDC Core 5.5), an operator for one service."""

import json
import re

from click.testing import CliRunner
from flask import Flask, g

from idp.cli import main
from idp.demo import seed
from idp.relying import Verifier, require
from tests.stories import world as running
from tests.stories.relying import claims
from tests.stories.waiting import eventually

STRONGER = "urn:yinyom:aal:2.1"
SIGN_IN = "openid profile"


def essential(acr):
    return json.dumps({"id_token": {"acr": {"essential": True, "value": acr}}})


def particular_holder(live):
    """A record holder of the outside world, with the relying library alone."""
    app, verifier = Flask("particular"), Verifier(live.issuer, seed.HOLDER_IDENTIFIER)

    @app.get("/who")
    @require(verifier, acr=STRONGER, max_age_s=3600)
    def who():
        return {"acr": g.token.claims["acr"]}

    return app.test_client()


def bearer(tokens):
    return {"Authorization": f"Bearer {tokens['access_token']}"}


def test_a_data_holder_that_wants_more_says_so_and_the_service_asks_for_it(live):
    """RFC 9470 sections 3 and 4: the challenge is copied into the next request; only what is missing is asked."""
    citizen, service, holder = live.citizen(), live.service(SIGN_IN), particular_holder(live)
    first = service.ask()
    weak = service.tokens(citizen.walk(citizen.browser.get(first.url)), first)

    refused = holder.get("/who", headers=bearer(weak))
    assert refused.status_code == 401
    challenge = dict(re.findall(r'(\w+)="([^"]*)"', refused.headers["WWW-Authenticate"]))
    assert challenge["error"] == "insufficient_user_authentication"

    citizen.walked.clear()
    again = service.ask(acr_values=challenge["acr_values"], max_age=challenge["max_age"])
    strong = service.tokens(citizen.walk(citizen.browser.get(again.url)), again)
    assert holder.get("/who", headers=bearer(strong)).json == {"acr": STRONGER}
    assert "login" not in citizen.walked


def test_who_turns_back_from_an_essential_level_is_not_a_plain_refusal(live):
    """OpenID Connect Core Error Code unmet_authentication_requirements 1.0: the service hears that it was the level."""
    citizen, service = live.citizen(), live.service(SIGN_IN)
    asked = service.ask(claims=essential(STRONGER))
    page = citizen.walk(citizen.browser.get(asked.url), until="setup_choice")

    back = service.answered(citizen.browser.submit(page, "cancel-form", "cancel"), asked)

    assert back.params["error"] == "unmet_authentication_requirements"
    assert back.params["error_description"] == "cancelled"
    wished = service.ask(acr_values=STRONGER)
    page = citizen.walk(citizen.browser.get(wished.url), until="setup_choice")
    plain = service.answered(citizen.browser.submit(page, "cancel-form", "cancel"), wished)
    assert plain.params["error"] == "access_denied"


def test_an_essential_level_is_answered_with_itself(live):
    """OIDC Core 5.5.1.1: the `acr` is one of the values that were asked for, also where more was proved."""
    citizen, service = live.citizen(), live.service(SIGN_IN)
    strong = service.ask(claims=essential(STRONGER))
    assert claims(service.tokens(citizen.walk(citizen.browser.get(strong.url)), strong)["id_token"])["acr"] == STRONGER

    low = service.ask(claims=essential("urn:yinyom:aal:1"))
    tokens = service.tokens(citizen.walk(citizen.browser.get(low.url)), low)
    assert claims(tokens["id_token"])["acr"] == "urn:yinyom:aal:1"
    assert claims(tokens["access_token"])["acr"] == "urn:yinyom:aal:1"


def test_max_age_zero_asks_once_and_no_more(live):
    """OIDC Core 3.1.2.1: needs are measured from the beginning of the request, so a sign-in within it is new enough."""
    citizen, service = live.citizen(), live.service(SIGN_IN)
    first = service.ask()
    service.tokens(citizen.walk(citizen.browser.get(first.url)), first)
    citizen.walked.clear()

    again = service.ask(max_age="0", claims=essential(STRONGER))
    page = citizen.browser.get(again.url)
    live.wait_for_the_next_code(citizen)
    tokens = service.tokens(citizen.walk(page), again)

    assert citizen.walked.count("login") == 1
    assert claims(tokens["id_token"])["acr"] == STRONGER


def test_a_token_says_how_well_the_person_is_known(live):
    """THAI.md 1c: ial, ial_at, ial_method, in the ID token, at UserInfo and at introspection, as they are now."""
    citizen, service = live.citizen(), live.service()
    asked = service.ask()
    tokens = service.tokens(citizen.walk(citizen.browser.get(asked.url)), asked)

    told = claims(tokens["id_token"])
    assert told["ial"] == "1.3"
    assert told["ial_at"] <= told["iat"]
    assert told["ial_method"]
    names = ("ial", "ial_at", "ial_method")
    assert [service.introspect(tokens["access_token"])[name] for name in names] == [told[name] for name in names]
    assert [service.userinfo(tokens["access_token"]).json()[name] for name in names] == [told[name] for name in names]


def test_an_operator_asks_more_of_whoever_signs_in_to_a_service(live, monkeypatch):
    """Levels per client: `idp client require`; within seconds, and without the service changing anything."""
    for name, value in running.supervisor.environment(live.world.settings).items():
        monkeypatch.setenv(name, value)
    citizen, service = live.citizen(), live.service(SIGN_IN)
    first = service.ask()
    service.tokens(citizen.walk(citizen.browser.get(first.url)), first)

    def asked_for_more():
        asked = service.ask(prompt="none")
        said = service.answered(citizen.browser.get(asked.url), asked).params
        return said.get("error") == "interaction_required"

    def said(*words):
        done = CliRunner().invoke(main, ["client", "require", running.SERVICE, *words])
        assert done.exit_code == 0, done.output

    said("--aal", "2.1")
    try:
        eventually(asked_for_more, "the level is not asked for")
    finally:
        said()
    eventually(lambda: not asked_for_more(), "the level is still asked for")
