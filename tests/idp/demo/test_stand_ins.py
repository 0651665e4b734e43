"""The sandbox's ThaID and LINE: real services beside the server, asked by the server's own adapters."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from idp.demo.line import challenge_of, create_line, user_of
from idp.demo.services import TEMPLATES
from idp.demo.stand_in import Client, people
from idp.demo.thaid import create_thaid
from idp.login.line import HttpLineLogin
from idp.ports import UpstreamRefused
from idp.proofing.sources.thaid import HttpThaid
from idp.upstream.wire import Said
from tests.fakes import NOW

BACK = "http://localhost:8000/thaid/callback"
CLIENT = Client("yinyom-sandbox", "s" * 43, BACK)
BASE = "http://127.0.0.1:8004"
SOMCHAI, DEAD = "3999000010035", "1999000010161"
VERIFIER = "v" * 43


class InProcess:
    """The adapters' line to a service in this process."""

    def __init__(self, service):
        self.service = service

    def get(self, url):
        """A document."""
        return self._said(self.service.get(urlsplit(url).path))

    def post_form(self, url, fields, *, basic=None):
        """A form."""
        return self._said(self.service.post(urlsplit(url).path, data=fields, auth=basic))

    def _said(self, answer):
        return Said(answer.status_code, answer.get_json(silent=True) or {})


def clock():
    return NOW.timestamp()


@pytest.fixture
def thaid():
    return create_thaid(CLIENT, people(""), issuer=BASE, templates=str(TEMPLATES), clock=clock).test_client()


@pytest.fixture
def line():
    return create_line(CLIENT, people(""), templates=str(TEMPLATES), clock=clock).test_client()


def thaid_adapter(service):
    return HttpThaid(url=BASE, client_id=CLIENT.client_id, secret=CLIENT.secret, wire=InProcess(service))


def line_adapter(service):
    told = {"channel_id": CLIENT.client_id, "secret": CLIENT.secret, "wire": InProcess(service)}
    return HttpLineLogin(web=BASE, api=BASE, **told)


def line_url(adapter):
    asked = {"state": "s", "nonce": "n", "redirect_uri": BACK, "locale": "th", "befriend": False}
    return adapter.sign_in_url(challenge=challenge_of(VERIFIER), **asked)


def pressed(service, url, **button):
    """Open the page, press a button of its form, and see where the browser goes."""
    where = urlsplit(url)
    page = service.get(f"{where.path}?{where.query}")
    assert page.status_code == 200
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    return service.post(where.path, data=fields | button)


def query(answer):
    assert answer.headers["Location"].startswith(BACK)
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


@pytest.mark.parametrize("button", [{"person": "1"}, {"number": SOMCHAI}], ids=["by place", "by number"])
def test_somebody_chosen_at_the_stand_in_is_proved_by_the_real_adapter(thaid, button):
    adapter = thaid_adapter(thaid)
    url = adapter.sign_in_url(state="s", nonce="n", redirect_uri=BACK)
    told = query(pressed(thaid, url, **button))

    person = adapter.redeem(told["code"], nonce="n", redirect_uri=BACK, now=NOW)

    assert (person.national_id, person.ial, person.birth_date) == (SOMCHAI, "2.3", "1979-04-13")
    assert told["state"] == "s"


def test_pressing_cancel_is_said_in_the_department_s_word(thaid):
    url = thaid_adapter(thaid).sign_in_url(state="s", nonce="n", redirect_uri=BACK)

    assert query(pressed(thaid, url, deny="1")) == {
        "error": "user_denied",
        "error_description": "User denied the request (disapproved)",
        "state": "s",
    }


@pytest.mark.parametrize("number", [DEAD, "1999000019999"])
def test_the_dead_and_the_unknown_have_no_application(thaid, number):
    url = thaid_adapter(thaid).sign_in_url(state="s", nonce="n", redirect_uri=BACK)

    assert pressed(thaid, url, number=number).status_code == 400


def test_a_code_is_good_once(thaid):
    adapter = thaid_adapter(thaid)
    url = adapter.sign_in_url(state="s", nonce="n", redirect_uri=BACK)
    code = query(pressed(thaid, url, person="1"))["code"]
    adapter.redeem(code, nonce="n", redirect_uri=BACK, now=NOW)

    with pytest.raises(UpstreamRefused, match="invalid_request"):
        adapter.redeem(code, nonce="n", redirect_uri=BACK, now=NOW)


def test_nobody_is_sent_anywhere_but_to_our_server(thaid, line):
    """No open redirector, not even in a sandbox."""
    elsewhere = {"client_id": CLIENT.client_id, "redirect_uri": "https://elsewhere.example.test", "state": "s"}

    assert thaid.get("/api/v2/oauth2/auth/", query_string=elsewhere).status_code == 400
    assert thaid.post("/api/v2/oauth2/auth/", data=elsewhere | {"person": "1"}).status_code == 400
    assert line.get("/oauth2/v2.1/authorize", query_string=elsewhere).status_code == 400
    assert line.post("/oauth2/v2.1/authorize", data=elsewhere | {"person": "1"}).status_code == 400


def test_a_stranger_redeems_nothing(thaid, line):
    assert thaid.post("/api/v2/oauth2/token/", data={"code": "c"}, auth=("a", "b")).status_code == 401
    assert line.post("/oauth2/v2.1/token", data={"code": "c", "client_id": "a"}).status_code == 401


def test_somebody_chosen_at_line_is_known_by_an_id_alone(line):
    adapter = line_adapter(line)
    code = query(pressed(line, line_url(adapter), person="1"))["code"]

    user = adapter.redeem(code, nonce="n", verifier=VERIFIER, redirect_uri=BACK, now=NOW)

    assert user == user_of(people("")[0])


def test_line_wants_the_verifier_of_the_browser_that_asked(line):
    adapter = line_adapter(line)
    code = query(pressed(line, line_url(adapter), person="1"))["code"]

    with pytest.raises(UpstreamRefused, match="invalid_grant"):
        adapter.redeem(code, nonce="n", verifier="w" * 43, redirect_uri=BACK, now=NOW)


def test_pressing_cancel_at_line_is_said_in_line_s_word(line):
    assert query(pressed(line, line_url(line_adapter(line)), deny="1"))["error"] == "access_denied"


def test_the_page_holds_no_script_and_loads_nothing_foreign(thaid):
    url = urlsplit(thaid_adapter(thaid).sign_in_url(state="s", nonce="n", redirect_uri=BACK))
    page = thaid.get(f"{url.path}?{url.query}")

    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    with thaid.get("/stand_in.css") as style:
        assert style.status_code == 200
    assert thaid.get("/livez").text == "ok\n"
