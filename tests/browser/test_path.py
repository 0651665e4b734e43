"""The whole path as people see it: two languages, two screens, with and without JavaScript, each page read by axe."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.mark.parametrize("javascript", [True, False], ids=["js", "no-js"])
@pytest.mark.parametrize("locale", ["th", "en"])
@pytest.mark.parametrize("kind", ["phone", "desktop"])
def test_from_the_portal_to_the_records_and_back(live, visitor, kind, locale, javascript):
    """PAGES: the whole citizen path works without JavaScript; WCAG 2.2 AA, axe finds nothing on any page."""
    person = visitor(kind, locale, javascript=javascript)

    person.page.goto(f"{live.portal}/sign-in?lang={locale}")
    person.walk()
    assert person.page.url.startswith(live.portal), person.page.url
    assert person.walked[:2] == ["login", "code"]
    assert "consent" in person.walked

    for path in ("/me", "/me/consents", "/me/access", "/me/alerts", "/me/data/visits/withdraw", "/me/security"):
        person.page.goto(live.issuer + path)
        person.look()
        assert person.sideways() <= 0, path
    withdraw(person, live)

    assert person.found == {}


def test_a_passkey_signs_in_without_any_code(live, visitor):
    """WebAuthn Level 3 by a virtual authenticator: register on the way, sign in with it next time."""
    person = visitor("phone", "th", way="passkey")
    person.plug_in_authenticator()
    person.page.goto(f"{live.portal}/sign-in?lang=th")
    person.walk()
    assert person.page.url.startswith(live.portal)
    person.page.context.clear_cookies()
    person.walked.clear()

    person.know_no_offer()
    person.page.goto(f"{live.issuer}/sign-in?next=/me")
    person.press("#passkey-button")
    person.page.wait_for_load_state()

    assert person.name() == "me"
    assert person.walked == []
    assert person.found == {}


def test_an_auditor_enrols_by_passkey_and_reads_with_a_reason(live, visitor):
    """PAGES: the auditor's first screen, a search, one consent as a line, the file; axe on the staff's pages too."""
    citizen = live.citizen()
    citizen.walk(citizen.browser.get(live.service().ask().url))
    while live.opened:
        live.opened.pop().close()
    person = visitor("desktop", "en")
    person.plug_in_authenticator()
    person.page.goto(f"{live.issuer}/staff/enrol")
    person.page.locator("#code").fill(live.world.auditor_link.split("code:")[1].strip())
    with person.page.expect_navigation():
        person.page.locator("#continue").click()
    person.look("passkey")
    with person.page.expect_navigation():
        person.page.locator("#passkey-button").click()
    person.look("empty")
    person.page.locator("#reason").fill("routine review")
    with person.page.expect_navigation():
        person.page.locator("#search").click()
    person.look("found")
    assert person.name() == "audit"
    assert person.page.locator("[id^=entry-], tbody tr").count() > 0

    person.page.locator("#event").select_option("consent.given")
    with person.page.expect_navigation():
        person.page.locator("#search").click()
    with person.page.expect_navigation():
        person.page.locator("button[id^=line-]").first.click()
    person.look("line")
    assert person.page.locator("#line li").count() > 1
    take_the_log_home(person, live)
    person.page.set_viewport_size({"width": 390, "height": 800})
    for path in ("/audit", "/audit/consent", "/audit/export", "/staff/sessions"):
        person.page.goto(live.issuer + path)
        person.look("narrow")
        assert person.sideways() <= 0, path
    assert person.found == {}


def test_the_other_ways_the_receipt_and_the_way_out(live, visitor):
    """PAGES: every factor's page, the receipt, cancelling, signing out and coming back, each read by axe."""
    person = visitor("phone", "en", way="totp")
    person.page.goto(f"{live.portal}/sign-in?lang=en")
    person.walk()
    person.page.goto(f"{live.issuer}/me/consents")
    for link in ("a[id^=open-] >> nth=0", "#receipt"):
        person.press(link)
        person.look()
    person.press("#to-notice")
    person.look()
    person.press("#other-language")
    person.look("other")
    person.page.goto(f"{live.issuer}/me/security")
    person.press("#add-passkey")
    person.look("asked")
    person.press("#cancel")
    person.look()
    person.page.goto(f"{live.issuer}/me/security")
    person.press("#add-totp")
    person.walk(until="me_security")
    person.look("two-factors")
    person.press("#sign-out")
    person.look()
    live.wait_for_the_next_code(live.citizen(person.national_id))
    person.way = "pin"
    person.page.goto(f"{live.issuer}/me/access")
    person.walk(until="step_up")
    assert person.page.locator("#use-totp").count() == 0  # a code by SMS and one of an app are of one kind
    person.walk()
    assert person.name() == "me_access"
    person.page.goto(f"{live.issuer}/verify")
    person.look()

    assert person.found == {}


def test_where_no_card_was_checked_the_page_says_where_to_go(live, visitor):
    """PAGES: what to have in hand, where to go; nothing that a click could change."""
    person = visitor("phone", "th", national_id=live.unproved())
    person.page.goto(live.service().ask(ui_locales="th").url)
    person.walk(until="proofing")

    assert person.name() == "proofing"
    assert person.found == {}


@pytest.mark.parametrize("locale", ["th", "en"])
def test_the_error_states_are_read_by_axe_too(live, visitor, locale):
    """PAGES: the summary takes the focus and links to the field; the title says that something is wrong."""
    person = visitor("phone", locale)
    person.page.goto(live.service("openid profile").ask(ui_locales=locale).url)
    person.page.locator("#national_id").fill("1234")
    with person.page.expect_navigation():
        person.page.locator("#login #continue").click()
    person.look("error")
    assert person.page.locator("#error-summary").is_visible()

    for path in (
        "/",
        "/no/such/page",
        "/staff/sign-in",
        "/staff/enrol",
        "/sandbox/inbox",
        "/sandbox/code",
        "/dev/last",
        "/dev/errors",
        "/oauth/authorize?client_id=x",
    ):
        person.page.goto(live.issuer + path)
        person.page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        person.look(path.strip("/").replace("/", "_")[:20])

    assert person.found == {}


def test_a_wrong_code_and_a_minor_are_told_kindly(live, visitor):
    """PAGES: kind words, and what else to do; axe on these states too."""
    person = visitor("phone", "th", national_id=live.minor)
    person.page.goto(live.service("openid profile").ask().url)
    person.page.locator("#national_id").fill(person.national_id)
    with person.page.expect_navigation():
        person.page.locator("#login #continue").click()
    person.page.locator("#code").fill("000000")
    with person.page.expect_navigation():
        person.page.locator("#code-form #continue").click()
    person.look("wrong")
    person.walk(until="age")
    person.look("minor")

    assert person.name() == "age"
    assert person.found == {}


def test_four_hundred_percent_zoom_loses_nothing(live, visitor):
    """WCAG 1.4.10: 1280 px at 400 % is 320 px; no sideways scrolling."""
    person = visitor("phone", "th")
    person.page.set_viewport_size({"width": 320, "height": 640})
    person.page.goto(f"{live.portal}/sign-in?lang=th")
    person.walk()

    assert person.page.url.startswith(live.portal)


def test_thai_is_drawn_by_our_own_font(live, visitor):
    """No boxes where the machine has no Thai font: the page brings its own."""
    person = visitor("desktop", "th")
    person.page.goto(live.service("openid profile").ask(ui_locales="th").url)
    person.page.evaluate("document.fonts.ready.then(() => 1)")
    cdp = person.page.context.new_cdp_session(person.page)
    cdp.send("DOM.enable")
    cdp.send("CSS.enable")
    root = cdp.send("DOM.getDocument")["root"]["nodeId"]
    heading = cdp.send("DOM.querySelector", {"nodeId": root, "selector": "h1"})["nodeId"]

    fonts = cdp.send("CSS.getPlatformFontsForNode", {"nodeId": heading})["fonts"]

    assert all(font["isCustomFont"] for font in fonts), fonts


def withdraw(person, live):
    """Two taps from the list, and the page that says who was told."""
    person.page.goto(f"{live.issuer}/me/consents")
    name = live.purpose_name("EHR-SHARE", person.label.split("-")[1])
    link = person.page.locator("[id^=consent-]").filter(has_text=name).first.locator("a[id^=open-]")
    with person.page.expect_navigation():
        link.click()
    person.look()
    for press in ("#withdraw", "#confirm"):
        with person.page.expect_navigation():
            person.page.locator(press).click()
        person.look()
    assert person.name() == "withdrawn"


def take_the_log_home(person, live):
    """The newest checkpoint, compared as if it had been kept; then the file."""
    person.page.goto(f"{live.issuer}/audit/export")
    kept = person.page.locator("#note").text_content()
    person.page.locator("#kept").fill(kept or "")
    with person.page.expect_navigation():
        person.page.locator("#compare").click()
    person.look("kept")
    assert person.page.locator("#kept-outcome.notice-good").is_visible()
    person.page.locator("#reason").fill("routine review")
    with person.page.expect_download() as taken:
        person.page.locator("#export").click()
    assert taken.value.suggested_filename.endswith(".jsonl")
