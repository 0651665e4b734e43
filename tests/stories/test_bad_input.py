"""Bad input anywhere: a clean 4xx with a code, no stack trace, nothing lost."""

import itertools

import httpx
import pytest

JUNK = [
    "",
    "\x00",
    "a" * 9000,
    "ก" * 300,
    "<script>alert(1)</script>",
    '"',
    "\\",
    "%",
    "😀",
    "\ud800".encode("utf-8", "replace").decode(),
    "' OR 1=1 --",
]
OAUTH = ["token", "introspect", "revoke", "userinfo"]
PATHS = [
    "/", "/me", "/me/consents", "/me/consents/x", "/me/consents/00000000-0000-0000-0000-000000000000", "/me/access",
    "/me/access?before=x", "/me/security", "/audit", "/staff/sign-in", "/sign-in?next=https://evil.example/",
    "/sign-in?next=//evil.example", "/interaction/x", "/interaction/x/login", "/sandbox/inbox", "/no/such/page",
    "/oauth/authorize", "/oauth/authorize?client_id=x", "/oauth/token", "/oauth/userinfo", "/static/../../etc/passwd",
    "/%00", "/%ff", "/me/consents/%2e%2e/x",
]  # fmt: skip
TRACES = ("Traceback", 'File "/', "sqlalchemy", "psycopg", "werkzeug.exceptions", "sqlite3.")


def clean(answer):
    """No server error, no trace of our insides, and an error page or JSON that has a code."""
    assert answer.status_code < 500, f"{answer.request.url} {answer.status_code}"
    assert not [trace for trace in TRACES if trace in answer.text], answer.text[:500]
    if answer.request.method == "HEAD":
        return
    if answer.status_code == 401 and "error" not in answer.text:
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")  # RFC 6750 section 3.1: nothing was sent
    elif answer.status_code >= 400 and "json" in answer.headers.get("content-type", ""):
        assert answer.json()["error"]
    elif answer.status_code >= 400:
        assert 'id="error-code"' in answer.text or "error" in answer.text.lower()


@pytest.mark.parametrize("path", PATHS)
def test_any_path_by_any_method_answers_cleanly(live, path):
    """GET, POST and odd methods, with odd bodies, without a session."""
    for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"):
        body = None if method in ("GET", "HEAD") else b"\xff=\xfe"
        clean(
            httpx.request(method, live.issuer + path, content=body, timeout=20)
        )  # a connection each: bodies go unread


@pytest.mark.parametrize("endpoint", OAUTH)
def test_junk_at_an_oauth_endpoint_is_refused_in_the_standards_words(live, endpoint):
    """RFC 6749 section 5.2: JSON with an error code; LIBRARIES 1.3 no. 1 and 11."""
    service = live.service()
    names = ("grant_type", "code", "token", "refresh_token", "client_id", "client_secret", "scope", "code_verifier")
    with httpx.Client(timeout=20) as http:
        for name, junk in itertools.product(names, JUNK):
            clean(http.post(f"{live.issuer}/oauth/{endpoint}", data={name: junk}))
            clean(
                http.post(
                    f"{live.issuer}/oauth/{endpoint}", data={name: junk}, auth=(service.client_id, service.secret)
                )
            )
        clean(
            http.post(
                f"{live.issuer}/oauth/{endpoint}",
                content=b"\xff\xfe",
                headers={"Content-Type": "application/x-www-form-urlencoded"},
            )
        )
        clean(http.post(f"{live.issuer}/oauth/{endpoint}", json={"grant_type": "authorization_code"}))
        for header in ("Basic", "Basic !!!", "Basic /w==", "Bearer", "Bearer a b", "Basic " + "A" * 9000):
            clean(http.post(f"{live.issuer}/oauth/{endpoint}", headers={"Authorization": header}))


def test_junk_at_authorize_is_a_page_until_the_way_back_is_proved(live):
    """RFC 6749 section 4.1.2.1: never an open redirect; LIBRARIES 1.3 no. 1 to 7."""
    service = live.service()
    with httpx.Client(timeout=20) as http:
        for name, junk in itertools.product(("client_id", "redirect_uri"), JUNK):
            answer = http.get(service.ask(**{name: junk}).url)
            clean(answer)
            assert answer.status_code == 400
            assert "Location" not in answer.headers


def test_junk_after_the_way_back_is_proved_goes_back_as_an_error(live):
    """RFC 6749 section 4.1.2.1 and RFC 9207: error, state and iss at the redirect URI."""
    service = live.service()
    names = (
        "response_type",
        "scope",
        "prompt",
        "max_age",
        "code_challenge",
        "code_challenge_method",
        "response_mode",
        "resource",
    )
    with httpx.Client(timeout=20) as http:
        for name, junk in itertools.product(names, JUNK):
            answer = http.get(service.ask(**{name: junk}).url)
            clean(answer)
            location = answer.headers.get("Location", "")
            assert location.startswith((service.redirect_uri, live.issuer, "/")), (name, junk, answer.text[:300])
            if location.startswith(service.redirect_uri):
                assert "error=" in location
                assert "iss=" in location
        doubled = http.get(service.ask().url + "&scope=openid")
        assert "error=invalid_request" in doubled.headers["Location"]


def test_a_form_without_its_token_is_refused(live):
    """CSRF: a post from elsewhere changes nothing and says so."""
    citizen, service = live.citizen(), live.service()
    page = citizen.walk(citizen.browser.get(service.ask().url), until="login")

    answer = citizen.browser.http.post(
        str(httpx.URL(page.url).join(page.forms["login"].action)), data={"national_id": citizen.national_id}
    )

    clean(answer)
    assert answer.status_code in (400, 403)


@pytest.mark.parametrize(
    "number", ["", "1", "12345678901234", "1999000010048", "abcdefghijklm", "9999900000000", "๑๙๙๙"]
)
def test_a_number_that_cannot_be_is_told_kindly(live, number):
    """PAGES: the field says which rule failed; the title is prefixed; nothing is looked up."""
    citizen, service = live.citizen(), live.service()
    page = citizen.walk(citizen.browser.get(service.ask().url), until="login")

    again = citizen.browser.submit(page, "login", national_id=number)

    assert again.name == "login"
    assert again.status in (200, 400, 422)
    assert "error-summary" in again.attributes
    assert "national_id-error" in again.attributes


def test_an_interaction_belongs_to_its_browser(live):
    """A stolen link opens nothing in another browser."""
    citizen, thief, service = live.citizen(), live.citizen(), live.service()
    page = citizen.walk(citizen.browser.get(service.ask().url), until="login")

    stolen = thief.browser.get(page.url)

    assert stolen.name == "error"
    assert stolen.status in (400, 403, 404)


def test_security_headers_are_on_every_page(live):
    """PAGES: strict CSP, no framing, no referrer, no store."""
    with httpx.Client(timeout=20) as http:
        for path in ("/", "/sign-in", "/no/such/page", "/sandbox/inbox"):
            headers = http.get(live.issuer + path, follow_redirects=True).headers
            assert "default-src 'none'" in headers["Content-Security-Policy"]
            assert "unsafe-inline" not in headers["Content-Security-Policy"]
            assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
            assert headers["Referrer-Policy"] == "no-referrer"
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert "no-store" in headers["Cache-Control"]


def test_protocol_answers_are_never_cached(live):
    """RFC 6749 section 5.1: Cache-Control: no-store on the token endpoint."""
    answer = live.service().redeem("no-such-code", "x" * 43)

    assert answer.json()["error"] == "invalid_grant"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/oauth/token", "/livez", "/no/such/page"])
def test_a_body_that_nobody_reads_does_not_spoil_the_connection(live, path):
    """RFC 9112 section 9.3: on a kept connection the next, innocent request is answered."""
    with httpx.Client(timeout=20) as http:
        for _ in range(5):
            clean(http.post(live.issuer + path, json={"unread": "x" * 60_000}))
            assert http.get(f"{live.issuer}/livez").status_code == 200
