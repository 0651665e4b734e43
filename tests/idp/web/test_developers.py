"""The developer's view: a whole flow with its decisions and reasons, nothing secret in it, and none in production."""

import base64
import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from consent.reasons import Reason, outward
from idp import worker
from idp.app import create_app
from idp.exchanges import DeveloperExchange
from idp.outbox import Letter
from tests.house.source import ROOT
from tests.idp.web.conftest import build
from tests.idp.web.stage import CALLBACK, SECRET, VERIFIER
from tests.idp.web.visitor import Visitor

BASIC = {"Authorization": "Basic " + base64.b64encode(f"portal:{SECRET}".encode()).decode()}
HOLDER = {"Authorization": "Basic " + base64.b64encode(f"holder:{SECRET}".encode()).decode()}
SCOPE = "openid profile email patient/Encounter.rs"


def signed_in(site, visitor, **asked) -> dict:
    """Through the whole way, to the tokens."""
    visitor.get(site.authorize_url(scope=SCOPE, **asked))
    visitor.sign_in()
    visitor.set_pin()
    visitor.send("consent-form", "allow", purpose=["EHR-SHARE", "CONTACT"])
    code = parse_qs(urlsplit(visitor.at.refresh).query)["code"][0]
    return redeem(site, code).json


def redeem(site, code, verifier=VERIFIER):
    body = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": verifier}
    return site.app.test_client().post("/oauth/token", data=body, headers=BASIC)


def shown(site, query="?lang=en"):
    return site.visitor().get(f"/dev/last{query}")


def steps(page):
    return [told["data-kind"] for name, told in page.attributes.items() if re.fullmatch(r"step-\d+", name)]


def test_a_whole_flow_stands_on_the_page_with_every_decision_and_its_reason(site, visitor):
    """Issue: requests, decoded tokens, each decision with its reason code; also when another service asks."""
    tokens = signed_in(site, visitor)
    client = site.app.test_client()
    client.get("/oauth/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    client.post("/oauth/introspect", data={"token": tokens["access_token"]}, headers=HOLDER)
    client.post("/oauth/revoke", data={"token": tokens["access_token"]}, headers=BASIC)
    client.post("/oauth/introspect", data={"token": tokens["access_token"]}, headers=HOLDER)

    page = shown(site)

    assert steps(page) == ["authorize", "answer", "token", "userinfo", "introspect", "revoke", "introspect"]
    for words in ("authz.granted", "token.issued", "permitted", "introspect.denied", "revoked_by_client"):
        assert words in page.texts["wire"], words
    for claim in ("sub", "purposes", "grant_id", "at_hash", "nonce", "acr"):
        assert f"<code>{claim}</code>" in page.html, claim
    assert "Use it as the key of your record." in page.texts["step-3"]


def test_nothing_secret_and_nothing_about_a_person_is_shown_or_kept(site, visitor):
    """Masked before it is sealed: whoever holds the key finds no secret either."""
    tokens = signed_in(site, visitor, login_hint="3999000010035")
    client = site.app.test_client()
    client.get("/oauth/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"})

    page = shown(site)
    with site.work.sessions.reading() as session:
        rows = session.scalars(select(DeveloperExchange)).all()
        opened = [site.work.rings.at(site.clock()).open(r.body_sealed, place=f"exchange:{r.id}") for r in rows]
    kept = page.html + "".join(json.dumps(json.loads(one), ensure_ascii=False) for one in opened)

    assert len(rows) == 4
    assert '"name"' in kept
    secret = [SECRET, VERIFIER, tokens["access_token"], tokens["id_token"], tokens["access_token"].split(".")[2]]
    personal = ["สมชาย", "Somchai", "somchai@", "3999000010035", "100000035", "1985-04-13"]
    assert [word for word in (*secret, *personal) if word in kept] == []


def test_a_refused_request_shows_the_error_and_its_reason(site, visitor):
    """A developer looks here first when something does not work."""
    visitor.get(site.authorize_url(scope=SCOPE, code_challenge=None))
    redeem(site, "no-such-code")

    page = shown(site)

    assert steps(page) == ["authorize", "token"]
    assert "code_challenge is required" in page.texts["step-1"]
    assert "invalid_grant" in page.texts["step-2"]
    assert page.texts["step-2"].count("Not allowed")


def test_a_request_of_nobody_we_know_has_a_place_of_its_own(site, visitor):
    """A wrong client_id is a newcomer's first mistake; what was typed is sealed, not a column."""
    visitor.get(site.authorize_url(client_id="not-registered"))

    page = shown(site)
    with site.work.sessions.reading() as session:
        assert session.scalars(select(DeveloperExchange.client_id)).all() == [""]
    assert "client_unknown" in page.texts["step-1"]
    assert "not-registered" in page.texts["step-1"]


def test_strange_input_costs_nobody_an_answer(site):
    """A stranger's token, header and numbers are shown or left out; never a fault."""
    strange = {"exp": 10**30, "iat": True, "aud": {"a": 1}, "name": "Somchai", "given_name#en": "Jaisommut"}
    odd = base64.urlsafe_b64encode(json.dumps(strange).encode()).decode()
    client = site.app.test_client()
    client.post("/oauth/introspect", data={"token": f"{odd}.{odd}.x"}, headers=HOLDER)
    client.get("/oauth/userinfo", headers={"Authorization": f"Bearer {odd}.{odd}.x"})
    client.post("/oauth/token", data={"grant_type": "x" * 5000}, headers={"Authorization": "Basic %%%"})
    client.post("/oauth/token", data=b"\xff\xfe", headers={"Authorization": "Basic /w=="})

    flows = [shown(site, f"?lang=en&flow={one}") for one in flow_ids(site)]

    assert sum(len(steps(page)) for page in flows) == 4
    assert all(page.status == 200 for page in flows)
    assert not any(word in page.html for page in flows for word in ("Somchai", "Jaisommut"))
    assert any("given_name#en" in page.html for page in flows)


def flow_ids(site):
    with site.work.sessions.reading() as session:
        return {str(one) for one in session.scalars(select(DeveloperExchange.flow_id))}


def test_a_recorder_that_fails_costs_nobody_the_answer(site, visitor, monkeypatch):
    """A developer's view is worth less than any answer."""
    monkeypatch.setattr("idp.exchanges.keep", lambda *_a, **_k: 1 / 0)

    assert "access_token" in signed_in(site, visitor)


@pytest.fixture
def production(settings, sessions, clock, ring):
    """The same house outside the sandbox."""
    changed = {"issuer": "https://id.example.test", "sandbox": False, "sms_gateway_url": "https://sms.example.test"}
    return build(settings.model_copy(update=changed), sessions, clock, ring)


def test_production_has_no_such_page_and_records_nothing(production):
    """404, and no hook: the table stays empty."""
    client = production.app.test_client()
    client.post("/oauth/token", data={"grant_type": "authorization_code"}, headers=BASIC)
    visitor = Visitor(client, production.work, issuer="https://id.example.test")
    form = {"csrf": "", "client": "portal"}

    assert [client.get("/dev/last").status_code, client.post("/dev/test-event", data=form).status_code] == [404, 403]
    assert visitor.get("/dev/errors").status == 200
    assert flow_ids(production) == set()


def test_a_sandbox_that_keeps_no_flows_records_nothing(site, settings, clock):
    """`sandbox_flows = 0`: what is measured carries no load of ours."""
    quiet = settings.model_copy(update={"sandbox_flows": 0})
    app = create_app(quiet, sessions=site.work.sessions, clock=clock, ports=site.work.ports)

    app.test_client().post("/oauth/token", data={"grant_type": "authorization_code"}, headers=BASIC)

    assert flow_ids(site) == set()


def test_a_test_event_is_queued_by_the_button(site, visitor):
    """The page queues it; the worker sends it; the page then says what became of it."""
    visitor.get("/dev/last?client=portal&lang=en")

    page = visitor.send("test-event")

    assert "On its way" in page.texts["trials"]
    with site.work.sessions.reading() as session:
        letter = session.scalars(select(Letter)).one()
    assert (letter.kind, letter.client_id, letter.subject_id, letter.consent_id) == ("set", "portal", None, None)
    worker.run_once(site.work)
    assert "fault_TypeError" in visitor.get("/dev/last?client=portal&lang=en").texts["trials"]


def test_a_test_event_to_nobody_is_not_found(visitor):
    """And nothing is queued."""
    visitor.get("/dev/last?client=portal")

    assert visitor.send("test-event", client="nobody").status == 404
    assert visitor.get("/dev/last?client=holder").forms.get("test-event") is None


RAISED = {
    "InvalidRequestError": "invalid_request",
    "InvalidClientError": "invalid_client",
    "InvalidGrantError": "invalid_grant",
    "InvalidScopeError": "invalid_scope",
    "InvalidTargetError": "invalid_target",
    "InvalidDetailsError": "invalid_authorization_details",
    "UnauthorizedClientError": "unauthorized_client",
}


def test_every_error_of_the_protocol_has_its_row_with_cause_and_next_step(site):
    """Issue: errors name cause and next step. What the code can say is read from the code."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "idp/oauth").rglob("*.py"))
    said = {f"authorize-{code}" for code in re.findall(r'AuthorizeError\("(\w+)"', source)}
    said |= {f"page-{code}" for code in re.findall(r'PageError\("(\w+)"', source)}
    said |= {f"token-{RAISED[name]}" for name in re.findall(r"raise (\w+Error)\(", source) if name in RAISED}
    said |= {f"userinfo-{code}" for code in re.findall(r'refused\(\w+, "(\w+)"', source)}
    said |= {f"authorize-{code}" for code in re.findall(r'^UNMET = "(\w+)"', source, re.MULTILINE)}
    asking = (ROOT / "idp/decisions.py").read_text() + (ROOT / "idp/machine_question.py").read_text()
    said |= {f"decide-{code}" for code in re.findall(r'Unclear\(\d+, "(\w+)"', asking)}
    unnamed = set(re.findall(r"raise (Invalid\w+|Un\w+Error)\(", source)) - set(RAISED)

    for lang in ("th", "en"):
        rows = site.visitor().get(f"/dev/errors?lang={lang}")
        assert sorted(said - set(rows.attributes)) == []
        assert all(len(rows.texts[name].strip().splitlines()) >= 1 for name in said)
    assert len(said) > 15
    assert unnamed == set()


@pytest.mark.parametrize(
    ("path", "body", "headers", "anchor"),
    [
        ("/oauth/token", {"grant_type": "authorization_code", "code": "x"}, BASIC, "token-invalid_grant"),
        ("/oauth/token", {}, BASIC, "token-invalid_request"),
        ("/oauth/token", {"grant_type": "password"}, BASIC, "token-unsupported_grant_type"),
        ("/oauth/token", {"grant_type": "refresh_token"}, {}, "token-invalid_client"),
        ("/oauth/introspect", {}, HOLDER, "introspect-invalid_request"),
        ("/oauth/revoke", {"token": "x"}, {}, "revoke-invalid_client"),
        ("/oauth/userinfo", {"access_token": "x"}, {}, "userinfo-invalid_token"),
        ("/consent/v1/decide", {}, {}, "decide-invalid_token"),
        ("/consent/v1/decide", {}, HOLDER, "decide-invalid_request"),
    ],
)
def test_an_error_body_names_cause_next_step_and_correlation_id(site, path, body, headers, anchor):
    """RFC 6749 section 5.2: the anchor that error_uri names exists."""
    said = site.app.test_client().post(path, data=body, headers=headers).json

    assert said["error_uri"].startswith("http://localhost:8000/dev/errors?request=")
    assert urlsplit(said["error_uri"]).fragment == anchor
    assert parse_qs(urlsplit(said["error_uri"]).query)["request"] == [said["request_id"]]
    assert said.get("error_description") or said["error"] in ("invalid_client", "unsupported_grant_type")
    assert anchor in site.visitor().get("/dev/errors").attributes


def test_an_address_that_there_is_not_leads_to_the_top_of_the_list(site):
    """RFC 6749 section 5.2: no anchor is better than one that the page has not."""
    said = site.app.test_client().put("/oauth/token").json

    assert urlsplit(said["error_uri"]).fragment == ""


@pytest.mark.parametrize(
    ("asked", "shown"), [("0123456789abcdef", True), ("Call 02 100 0035 now", False), ("a" * 15, False)]
)
def test_the_list_of_errors_repeats_a_correlation_id_and_nothing_else(site, asked, shown):
    """Also in production: whoever makes a link must not make our page say their words."""
    text = site.app.test_client().get("/dev/errors", query_string={"request": asked}).text

    assert (f'id="asked">{asked}<' in text) is shown
    assert ('id="asked"' in text) is shown


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_that_a_developer_hears_has_its_words(site, reason):
    """CONVENTIONS: one closed list of reasons; none of them is an empty line on the page."""
    with site.app.test_request_context():
        words = site.app.jinja_env.get_template("dev_words.html").make_module({"_": str}).reason(outward(reason))

    assert words.strip()
