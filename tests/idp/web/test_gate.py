"""What every answer carries, who is let in, and what happens when something breaks."""

from io import BytesIO

import pytest
from sqlalchemy.exc import OperationalError

from consent import records
from idp.db import Sessions
from idp.oauth import clients
from idp.web import gate, routes
from tests.fakes import HOUR


def test_every_page_carries_the_strict_headers(site):
    """O20, O22; DECISIONS 14: form-action stays strict."""
    for path in ("/", "/sandbox/inbox", "/nowhere", "/staff/sign-in"):
        headers = site.app.test_client().get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "form-action 'self'" in policy
        assert "unsafe" not in policy
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "publickey-credentials-get=(self)" in headers["Permissions-Policy"]


def test_on_a_loopback_sandbox_cookies_have_neither_prefix_nor_secure(site):
    """DECISIONS 26: many clients never send such cookies back over http."""
    answer = site.app.test_client().get("/sign-in")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("yinyom-browser=")
    assert "Secure" not in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Strict-Transport-Security" not in answer.headers


def test_everywhere_else_cookies_have_the_host_prefix_and_secure(secure_site):
    """DECISIONS 26, RFC 6265bis: __Host-, Secure, Path=/, no Domain."""
    answer = secure_site.app.test_client().get("/idp/sign-in")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-yinyom-browser=")
    assert "Secure" in cookie
    assert "Path=/;" in cookie + ";"
    assert "Domain" not in cookie
    assert answer.headers["Strict-Transport-Security"]


def test_the_issuers_path_is_served_and_nothing_outside_it(secure_site):
    """RFC 8414 3.1, OIDC Discovery 4: both forms of the metadata address; links carry the prefix."""
    client = secure_site.app.test_client()
    for path in (
        "/idp/.well-known/openid-configuration",
        "/.well-known/openid-configuration/idp",
        "/.well-known/oauth-authorization-server/idp",
    ):
        assert client.get(path).json["issuer"] == "https://id.example.test/idp"
    assert client.get("/sign-in").status_code == 404
    assert client.get("/livez").status_code == 200
    assert client.get("/idp/sign-in").headers["Location"].startswith("/idp/interaction/")
    assert "/idp/static/site.css?v=" in client.get("/idp/").text


@pytest.mark.parametrize("path", ["/oauth//authorize", "/interaction//x/login", "/me//security"])
def test_doubled_slashes_lead_nowhere(site, path):
    """O21, O37: a 308 would carry a posted number to whatever the Host header names."""
    for method in ("GET", "POST"):
        answer = site.app.test_client().open(path, method=method, headers={"Host": "evil.example.test"})
        assert answer.status_code in (403, 404)
        assert "Location" not in answer.headers


def test_the_host_header_changes_nothing(site):
    """O37: the same issuer under every Host and X-Forwarded-Host value."""
    client = site.app.test_client()
    for headers in ({"Host": "evil.example.test"}, {"X-Forwarded-Host": "evil.example.test"}):
        document = client.get("/.well-known/openid-configuration", headers=headers).json
        assert document["issuer"] == "http://localhost:8000"
        assert "evil" not in str(document)


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example.test"}])
def test_a_form_from_another_site_is_refused(site, visitor, headers):
    """O48: fetch metadata and Origin, before the token is even looked at."""
    visitor.get(site.authorize_url())
    fields = dict(visitor.at.forms["login"].fields) | {"national_id": "3999000010035"}

    page = visitor.post(visitor.at.url, fields, **headers)

    assert (page.status, page.texts["error-code"]) == (403, "csrf")


@pytest.mark.parametrize("token", ["", "0" * 64, "ü"])
def test_a_form_without_this_browsers_token_is_refused(site, visitor, token):
    """ASVS 3.5.1: an HMAC of the browser's cookie."""
    visitor.get(site.authorize_url())
    page = visitor.post(visitor.at.url, {"csrf": token, "national_id": "3999000010035"})
    assert (page.status, page.texts["error-code"]) == (403, "csrf")


def test_every_form_post_is_checked_unless_a_client_speaks_or_authorize_is_posted(site):
    """A new form cannot be forgotten: the rows that check nothing are these, and each is for other sites."""
    unchecked = set()
    for rule in site.app.url_map.iter_rules():
        row = getattr(site.app.view_functions[rule.endpoint], "row", None)
        assert row is not None or rule.endpoint == "health.static", rule
        if row is not None and "POST" in row.methods and (not row.csrf or row.who is gate.Who.CLIENT):
            unchecked.add(rule.rule)
    assert unchecked == {
        "/oauth/authorize",
        "/oauth/token",
        "/oauth/introspect",
        "/oauth/revoke",
        "/oauth/userinfo",
        "/hooks/sms/<any(first, second):gateway>",
        "/consent/v1/decide",
        "/portability/v1/fetch",
        "/audit/v1/AuditEvent",
        "/fhir/R4/Consent/_search",
    }
    assert routes.BLUEPRINTS


@pytest.mark.parametrize("path", ["/me", "/me/consents", "/me/access", "/me/security"])
def test_pages_of_a_person_need_a_sign_in(visitor, path):
    """The gate leads to the sign-in, and back."""
    assert visitor.get(path).name == "login"


def test_the_audit_list_needs_staff(visitor):
    """DECISIONS 4: a citizen's session is no staff session."""
    visitor.get("/me")
    visitor.sign_in()
    assert visitor.get("/audit").name == "staff_sign_in"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("get", "/nowhere", 404, "not_found"),
        ("post", "/me", 405, "method_not_allowed"),
        ("get", "/me/consents/not-an-id", 404, "not_found"),
        ("get", "/?a=%00", 400, "bad_request"),
        ("get", "/oauth/authorize", 400, "invalid_request"),
        ("get", "/oauth/authorize?client_id=nobody&redirect_uri=https://x", 400, "client_unknown"),
        ("get", "/oauth/authorize?client_id=portal&redirect_uri=https://x/%22", 400, "redirect_uri"),
    ],
)
def test_bad_input_gets_a_page_with_a_code_and_a_number_for_help(visitor, method, path, status, code):
    """Issue: a clear error with a code, nothing lost, no stack trace; never a redirect to an unproven address."""
    page = getattr(visitor, method)(path)
    assert (page.status, page.texts.get("error-code")) == (status, code)
    assert page.texts["request-id"]
    assert "Traceback" not in page.html


def test_a_body_that_is_too_large_is_refused(visitor):
    """RELIABILITY: 64 kB."""
    page = visitor.post("/locale", {"next": "x" * 70_000})
    assert (page.status, page.texts["error-code"]) == (413, "too_large")


def test_protocol_endpoints_answer_errors_in_json(site):
    """RFC 6749 5.2: no HTML for machines."""
    client = site.app.test_client()
    assert client.get("/oauth/token").json["error"] == "invalid_request"
    assert client.get("/oauth/token").status_code == 405
    assert client.post("/oauth/token", data={"a": "x" * 70_000}).status_code == 413
    assert client.post("/oauth/token", data={"grant_type": "a\0"}).status_code == 400
    assert client.post("/oauth/token", data={"grant_type": "password"}).json["error"]
    assert "Set-Cookie" not in client.post("/oauth/token").headers


def test_metadata_may_be_read_by_any_page_and_authorize_by_none(site):
    """O23: CORS on discovery and keys; what registered applications may read besides stands in test_protocol."""
    client = site.app.test_client()
    origin = {"Origin": "https://app.example.test"}
    for path in ("/.well-known/openid-configuration", "/jwks.json"):
        assert client.get(path, headers=origin).headers["Access-Control-Allow-Origin"] == "*"
    for path in (site.authorize_url(), "/oauth/token", "/oauth/userinfo"):
        assert "Access-Control-Allow-Origin" not in client.options(path, headers=origin).headers


def test_a_commit_that_fails_is_a_503_and_keeps_nothing(site, visitor, monkeypatch):
    """DECISIONS 22: the wrapper maps a failing commit to its error page; no session cookie goes out."""
    visitor.get(site.authorize_url())
    visitor.sign_in()
    visitor.set_pin()
    page = visitor.at

    def broken(_self):
        raise OperationalError("COMMIT", {}, Exception("disk full"))

    with monkeypatch.context() as patched:
        patched.setattr("sqlalchemy.orm.session.Session.commit", broken)
        patched.setattr("sqlalchemy.orm.session.SessionTransaction.commit", broken)
        visitor.send("consent-form", "allow", purpose="EHR-SHARE")
        assert visitor.at.status == 503
        assert visitor.at.headers["Retry-After"]
        assert visitor.at.texts["error-code"] == "unavailable"

    with site.work.sessions.reading() as session:
        assert records.for_subject(session, site.citizen, now=site.clock()) == []
    visitor.at = page
    visitor.send("consent-form", "allow", purpose="EHR-SHARE")
    assert visitor.at.name == "continue"


def test_an_unreachable_database_is_a_503_page_and_a_503_answer(site, monkeypatch):
    """RELIABILITY 1: fail closed, say when to come back."""

    def broken(_self):
        raise OperationalError("BEGIN", {}, Exception("gone"))

    monkeypatch.setattr(Sessions, "writing", broken_with(broken))
    client = site.app.test_client()
    assert client.get("/sign-in").status_code == 503
    answer = client.post("/oauth/token", data={"grant_type": "authorization_code"})
    assert answer.status_code == 503
    assert answer.json["error"] == "temporarily_unavailable"
    assert answer.headers["Retry-After"]


def broken_with(fault):
    """A `writing` that cannot begin, translated as the real one would."""
    from contextlib import contextmanager  # noqa: PLC0415 -- only here

    from idp.db import translated  # noqa: PLC0415

    @contextmanager
    def writing(self):
        with translated():
            fault(self)
        yield

    return writing


def test_a_fault_of_ours_is_a_500_page_without_its_text(visitor, monkeypatch, capsys):
    """ASVS 16.5.1: a generic message; class and place go to the log under the same number."""

    def faulty(*_arguments, **_named):
        raise RuntimeError("secret of somebody")

    monkeypatch.setattr("idp.web.sandbox.fake.inbox", faulty)
    page = visitor.get("/sandbox/inbox")
    assert (page.status, page.texts["error-code"]) == (500, "server_error")
    assert "secret" not in page.html
    logged = capsys.readouterr().out
    assert "secret" not in logged
    assert "RuntimeError" in logged
    assert page.texts["request-id"].strip() in logged


def test_one_line_a_request_and_no_ids_of_anybody(site, visitor, capsys):
    """ASVS 16: logged once, by route, never by path."""
    visitor.get(site.authorize_url())
    visitor.send("login", national_id="3999000010035")
    lines = [line for line in capsys.readouterr().out.splitlines() if '"request"' in line]
    assert len(lines) == 5
    assert all("3999000010035" not in line and '"route"' in line for line in lines)


def test_a_session_cookie_is_new_after_each_step(site, visitor):
    """ASVS 7.2.4: rotated at sign-in and at step-up; the old one is dead."""
    visitor.get(site.authorize_url())
    visitor.sign_in()
    first = visitor.client.get_cookie("yinyom", path="/").value
    visitor.set_pin()
    assert visitor.client.get_cookie("yinyom", path="/").value != first
    stale = site.app.test_client()
    stale.set_cookie("yinyom", first)
    assert "/sign-in" in stale.get("/me").headers["Location"]


def test_a_session_ends_when_nobody_is_there(site, visitor):
    """ASVS 7.3.1: 30 minutes idle; reading a page keeps it awake."""
    visitor.get("/me")
    visitor.sign_in()
    for _ in range(3):
        site.clock.tick(HOUR / 3)
        assert visitor.get("/me").name == "me"
    site.clock.tick(HOUR / 2)
    assert visitor.get("/me").name == "login"


@pytest.mark.parametrize(
    "address",
    ["https://evil.example.test", "//evil.example.test", "/\\evil.example.test", "javascript:alert(1)", "\n//evil"],
)
def test_going_back_never_leads_elsewhere(visitor, address):
    """An open redirect is a phishing tool: only paths of this server."""
    visitor.get("/")
    csrf = dict(visitor.at.forms["preferences"].fields)["csrf"]
    answer = visitor.client.post("/locale", data={"csrf": csrf, "lang": "en", "next": address})
    assert answer.headers["Location"] == "/"
    visitor.get("/sign-in?" + "next=" + address.strip())
    assert visitor.sign_in().name == "me"


def test_the_language_is_chosen_by_query_cookie_and_header(site, visitor):
    """PAGES: Thai first, English equal; ui_locales is heard (OIDC Core 3.1.2.1)."""
    assert visitor.get("/").lang == "th"
    assert visitor.get("/", **{"Accept-Language": "en-GB"}).lang == "en"
    visitor.send("preferences", "lang-en")
    assert visitor.at.lang == "en"
    assert visitor.get("/").lang == "en"
    other = site.visitor()
    other.get(site.authorize_url(ui_locales="fr en"))
    assert other.at.lang == "en"


def test_static_files_are_cached_by_their_content(site):
    """PAGES: a warm page costs one request."""
    client = site.app.test_client()
    address = client.get("/").text.split('rel="stylesheet" href="')[1].split('"')[0]
    with client.get(address) as hashed, client.get("/static/site.css?v=old") as plain:
        assert "immutable" in hashed.headers["Cache-Control"]
        assert "immutable" not in plain.headers["Cache-Control"]
    assert client.get("/static/../app.py").status_code == 404


def test_a_suspended_client_gets_a_page(site, visitor):
    """Issue: `idp client suspend`; a clear page for the person, no redirect."""
    with site.work.sessions.writing() as session:
        clients.suspend(session, "portal", now=site.clock())
    page = visitor.get(site.authorize_url())
    assert (page.status, page.texts["error-code"]) == (400, "client_suspended")
    assert visitor.left_for is None


def test_a_client_that_is_suspended_meanwhile_is_asked_for_no_more(site, visitor):
    """Issue: `idp client suspend` holds for requests that already wait, too."""
    visitor.get(site.authorize_url())
    waiting = visitor.at.url
    with site.work.sessions.writing() as session:
        clients.suspend(session, "portal", now=site.clock())
    page = visitor.get(waiting)
    assert (page.status, page.texts["error-code"]) == (400, "client_suspended")


@pytest.mark.parametrize("tail", ["cancel", "resend"])
def test_an_address_cannot_put_a_line_into_a_header(site, tail):
    """ASVS 16.4.1, RFC 9110 5.5: a line feed in the id stays a part of the address."""
    answer = site.app.test_client().get(f"/interaction/%0d%0aX-Evil:%201/{tail}")

    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/interaction/%0D%0AX-Evil")
    assert "X-Evil" not in answer.headers


@pytest.mark.parametrize("body", ["[" * 60_000, '{"a":' * 12_000])
def test_json_nested_without_end_is_a_refusal_and_no_fault(visitor, body):
    """Issue: bad input anywhere, a clear error with a code."""
    page = visitor.get("/staff/sign-in")
    token = page.attributes["passkey"]["data-csrf"]

    headers = {"X-CSRF-Token": token, "Content-Type": "application/json"}
    answer = visitor.client.post("/staff/passkey/verify", data=body, headers=headers)

    assert (answer.status_code, answer.json["error"]) == (400, "malformed")


@pytest.mark.parametrize("path", ["//", "/staff", "/me//", "//evil.example.test", "/staff//", "/%2F/evil.example.test"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_slash_too_few_or_too_many_leads_to_the_host_that_was_asked_for(site, path, method):
    """O21, O37: the router's own redirects are made from the Host header, and a 308 takes a form along."""
    raw = {"PATH_INFO": path.replace("%2F", "/")}
    answer = site.app.test_client().open(method=method, environ_overrides=raw, headers={"Host": "evil.example.test"})

    assert answer.status_code != 308
    assert "evil" not in answer.headers.get("Location", "")


def test_every_answer_names_its_request(site):
    """Also where there is no body to hold the number for help."""
    answers = [site.app.test_client().get(path) for path in ("/", "/nowhere", "/oauth/userinfo", "/jwks.json")]

    assert len({answer.headers["X-Request-Id"] for answer in answers}) == len(answers)


@pytest.mark.parametrize("planted", ["2999000010053", "x", "a" * 42, "a" * 44, "a" * 42 + ".", "ก" * 43])
def test_a_browser_value_that_is_not_of_our_making_is_replaced(site, planted):
    """Session fixation: what another page or program planted never becomes what forms and codes are bound to."""
    client = site.app.test_client()

    answer = client.get("/sign-in", headers={"Cookie": f"yinyom-browser={planted}".encode().decode("latin-1")})

    assert answer.headers["Set-Cookie"].startswith("yinyom-browser=")
    assert f"={planted};" not in answer.headers["Set-Cookie"]


def test_what_was_typed_into_a_query_moves_into_no_address_of_ours(site):
    """PRODUCT: the national ID is never in a URL; not by us, even when somebody put it there."""
    client, number = site.app.test_client(), "2999000010053"
    form = {"client_id": "portal", "national_id": number, "login_hint": number, number: "x"}
    answers = [client.get(f"/me?number={number}"), client.post("/oauth/authorize", data=form)]
    answers.append(client.get(f"/sign-in?next=/me?number={number}"))

    assert [answer.status_code for answer in answers] == [303, 303, 303]
    assert [answer.headers["Location"] for answer in answers if number in answer.headers["Location"]] == []
    assert "client_id=portal" in answers[1].headers["Location"]


class Trickle(BytesIO):
    """A body that somebody sends slowly; it asks `look` each time the server waits for more of it."""

    def __init__(self, body, look):
        super().__init__(body)
        self.look = look

    def read(self, size=-1, /):
        """Some of it."""
        self.look()
        return super().read(size)

    def readinto(self, into, /):
        """Some of it."""
        self.look()
        return super().readinto(into)


@pytest.mark.parametrize(
    ("path", "kind", "body"),
    [
        ("/staff/passkey/options", "application/json", b"{}"),
        ("/staff/passkey/verify", "application/json; charset=utf-8", b"{}"),
        ("/oauth/token", "application/x-www-form-urlencoded", b"grant_type=x"),
        ("/oauth/token", "application/json", b"{}"),
    ],
)
def test_no_transaction_is_open_while_a_body_is_waited_for(site, path, kind, body):
    """One stranger who sends a byte a minute would hold the only writer of SQLite, and a connection of PostgreSQL."""
    client, held = site.app.test_client(), []
    sessions = site.work.sessions

    def look() -> None:
        held.append(sessions.engine.pool.checkedout() or bool(sessions.turn and sessions.turn.locked()))

    client.set_cookie("yinyom", "a" * 43)  # looked for in the database before the page begins
    page = client.get("/staff/enrol").text
    token = page.partition('name="csrf" value="')[2].partition('"')[0]

    answer = client.post(
        path,
        input_stream=Trickle(body, look),
        content_length=len(body),
        content_type=kind,
        headers={"X-CSRF-Token": token},
    )

    assert answer.status_code in (200, 400, 401)
    assert held
    assert not any(held)
