"""oidc-client-ts in Chromium: an application without a server or a secret, on another site than the provider's."""

import pytest

from tests.peers import screen
from tests.peers.world import SCOPE

BEGIN = """told => {
    oidc.Log.setLogger(console); oidc.Log.setLevel(oidc.Log.WARN)
    window.manager = new oidc.UserManager({...told, loadUserInfo: true, automaticSilentRenew: false,
        revokeTokensOnSignout: true, silentRequestTimeoutInSeconds: 5})
}"""
TOLD = """async act => {
    try { return await eval(act) } catch (e) { return {fault: e.error ?? e.name, said: e.message} }
}"""
FORGET_REFRESH = "manager.getUser().then(user => { user.refresh_token = undefined; return manager.storeUser(user) })"


class Application:
    """The application in one browser window, and what it is registered as."""

    def __init__(self, peers, context):
        self.peers, self.page = peers, context.new_page()
        self.home = f"{peers.pages}/callback"
        self.client_id = peers.register("--auth-method", "none", redirect=self.home).client_id
        self.called = set()
        self.page.on("request", self.note)

    def note(self, request):
        """What the browser asks of the provider."""
        if request.url.startswith(self.peers.issuer):
            self.called.add((request.method, request.url.removeprefix(self.peers.issuer)))

    def load(self, path="/"):
        """Open the application, as its address says."""
        self.page.goto(self.peers.pages + path)
        self.begin()

    def begin(self):
        """What its first lines do."""
        facts = {"authority": self.peers.issuer, "client_id": self.client_id, "redirect_uri": self.home}
        self.page.evaluate(BEGIN, {**facts, "scope": SCOPE})

    def act(self, words):
        """What the library answers; a refusal is an answer with `fault`."""
        return self.page.evaluate(TOLD, words)

    def leave(self, words="manager.signinRedirect()"):
        """Off to the provider."""
        with self.page.expect_navigation(url=lambda url: url.startswith(self.peers.issuer)):
            self.page.evaluate(f"() => {{ {words} }}")

    def back(self):
        """Back at the redirect URI: what the library makes of it."""
        self.page.wait_for_url(self.home + "?**")
        self.begin()
        return self.act("manager.signinCallback()")

    def sign_in(self):
        """The whole way, by a new citizen."""
        self.load()
        self.leave()
        person = screen.person(self.peers, self.page)
        person.walk()
        return person, self.back()


@pytest.fixture
def application(peers, chromium):
    """A public client; every test has a browser of its own."""
    context = screen.window(chromium)
    yield Application(peers, context)
    context.close()


def test_a_citizen_signs_in_and_the_application_reads_who_it_is(application):
    """OIDC Core 3.1, RFC 7636, RFC 6749 2.1: code, PKCE, state, nonce, then UserInfo from another origin (CORS)."""
    _, user = application.sign_in()

    assert "fault" not in user, user
    assert (user["profile"]["name"], user["profile"]["email"]) == ("มานี ทดสอบสุข", "manee@example.test")
    assert set(user["scope"].split()) >= set(SCOPE.split())
    assert {("POST", "/oauth/token"), ("GET", "/oauth/userinfo")} <= application.called


def test_the_refresh_token_renews_silently_and_each_time_anew(application):
    """RFC 6749 6, RFC 9700 4.14.2: a public client's refresh token rotates, and the library keeps the successor."""
    _, first = application.sign_in()

    second = application.act("manager.signinSilent()")
    third = application.act("manager.signinSilent()")

    assert second["access_token"] != first["access_token"]
    assert len({user["refresh_token"] for user in (first, second, third)}) == 3
    assert third["profile"]["sub"] == first["profile"]["sub"]


def test_a_hidden_frame_renews_nothing(application):
    """Our cookies are Lax: in a frame of another site nobody is signed in, and pages of ours do not show at all."""
    application.sign_in()
    application.act(FORGET_REFRESH)

    refused = application.act("manager.signinSilent()")

    assert refused["fault"] == "login_required"


def test_after_a_withdrawal_nothing_is_renewed(application):
    """PDPA s.19: the refusal is readable for the script, so the application can say what happened."""
    person, _ = application.sign_in()
    helper = application.peers.citizen()
    for cookie in application.page.context.cookies(application.peers.issuer):
        helper.browser.http.cookies.set(cookie["name"], cookie["value"], domain="localhost.local", path="/")

    application.peers.withdraw(helper, "CONTACT")

    assert person.walked[-1] == "consent"
    assert application.act("manager.signinSilent()")["fault"] == "invalid_grant"


def test_signing_out_of_the_application_gives_its_tokens_back(application):
    """RFC 7009 from a script: the library revokes both tokens, and what it held is dead."""
    _, user = application.sign_in()

    application.act("manager.revokeTokens()")
    application.act("manager.removeUser()")

    assert application.act("manager.getUser()") is None
    asked = {"method": "GET", "headers": {"Authorization": f"Bearer {user['access_token']}"}}
    answer = application.page.evaluate(
        "async told => { const a = await fetch(told.url, told); return [a.status, a.headers.get('www-authenticate')] }",
        {**asked, "url": f"{application.peers.issuer}/oauth/userinfo"},
    )
    assert answer[0] == 401
    assert 'error="invalid_token"' in answer[1]


def test_a_refusal_reaches_the_application_by_its_name(application):
    """RFC 6749 4.1.2.1: the citizen turns back at the first page."""
    application.load()
    application.leave()

    application.page.locator("form[action$='/cancel'] button").click()

    assert application.back()["fault"] == "access_denied"


def test_nobody_signed_in_is_login_required(application):
    """OIDC Core 3.1.2.6, by redirect: the way back needs no page of ours."""
    application.load()
    application.page.evaluate("() => { manager.signinRedirect({prompt: 'none'}) }")

    assert application.back()["fault"] == "login_required"


def test_a_page_on_another_origin_reads_nothing(application):
    """Fetch 3.2: CORS is open to the origins of registered applications only, and never on the authorization page."""
    _, user = application.sign_in()
    application.page.goto("about:blank")
    stranger = application.page.context.new_page()
    stranger.goto(application.peers.issuer.rpartition("/")[0].replace("localhost", "127.0.0.1") + "/livez")
    read = "async told => { try { return (await fetch(told.url, told)).status } catch (e) { return e.name } }"
    bearer = {"headers": {"Authorization": f"Bearer {user['access_token']}"}}
    issuer = application.peers.issuer

    assert stranger.evaluate(read, {"url": f"{issuer}/.well-known/openid-configuration"}) == 200
    assert stranger.evaluate(read, {"url": f"{issuer}/oauth/userinfo", **bearer}) == "TypeError"
    assert stranger.evaluate(read, {"url": f"{issuer}/oauth/token", "method": "POST"}) == "TypeError"
    assert stranger.evaluate(read, {"url": f"{issuer}/oauth/authorize"}) == "TypeError"
