"""A person at a real Chromium: walks whatever page comes, looks at each with axe, and keeps a picture of it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyotp
from playwright.sync_api import CDPSession, Page

from tests.stories.live import Live
from tests.stories.waiting import eventually

AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
PICTURES = Path(__file__).parent / "screenshots"
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
    "resultTypes": ["violations"],  # every rule runs; only what it found wrong is described
}
STEPS = 20
READ: set[str] = set()  # templates that axe has read in this run
PIN = "482915"
AUTHENTICATOR = {
    "protocol": "ctap2",
    "ctap2Version": "ctap2_1",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


NO_OFFER = "PublicKeyCredential.isConditionalMediationAvailable = async () => false;"


@dataclass
class Visitor:
    """One person. `label` names the pictures; `found` holds what axe found, by page.

    axe waits on timers, which never fire where JavaScript is off: there the pictures and the walk alone are taken. The
    server sends the same bytes either way, so the same pages are read by axe in the runs with JavaScript.
    """

    live: Live
    page: Page
    label: str
    javascript: bool = True
    way: str = "pin"
    national_id: str = ""
    walked: list[str] = field(default_factory=list)
    found: dict[str, list[str]] = field(default_factory=dict)
    cdp: CDPSession | None = None
    authenticator: str = ""

    def name(self) -> str:
        """Which template is shown; empty for a page that is not ours."""
        return self.page.locator("body").get_attribute("data-page") or ""

    def look(self, state: str = "") -> None:
        """Take a picture, and let axe read the page. The file's text is evaluated: the CSP lets no script in."""
        title = "-".join(part for part in (self.label, self.name() or "foreign", state) if part)
        PICTURES.mkdir(exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{title}.png", full_page=True)
        if not self.javascript:
            return
        READ.add(self.name())
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        result = self.page.evaluate("rules => axe.run(document, rules)", RULES)
        faults = [f"{v['id']}: {v['nodes'][0]['html'][:160]}" for v in result["violations"]]
        if faults:
            self.found[title] = faults

    def sideways(self) -> int:
        """How many pixels the page is wider than its window; 0 is right (WCAG 1.4.10)."""
        width: int = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return width

    def walk(self, *, until: str | None = None) -> None:
        """Answer pages until `until`, or one that needs no answer."""
        for _ in range(STEPS):
            name = self.name()
            if not name.isidentifier():
                return
            self.look()
            assert self.sideways() <= 0, f"{name} scrolls sideways"
            answer: Callable[[], None] | None = getattr(self, f"_{name}", None)
            if name == until or answer is None:
                return
            self.walked.append(name)
            answer()
            self.page.wait_for_load_state()
        raise AssertionError(f"going round in circles: {self.walked}")

    def plug_in_authenticator(self) -> None:
        """A platform authenticator that verifies its user, by the DevTools protocol."""
        self.cdp = self.page.context.new_cdp_session(self.page)
        self.cdp.send("WebAuthn.enable")
        self.authenticator = self.cdp.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})[
            "authenticatorId"
        ]

    def know_no_offer(self) -> None:
        """A browser without passkeys in the field: a waiting offer would be answered by the same virtual finger."""
        self.page.add_init_script(NO_OFFER)

    def press(self, selector: str) -> None:
        """Click, and wait for the page that follows."""
        with self.page.expect_navigation():
            self.page.locator(selector).click()

    def _login(self) -> None:
        self.page.locator("#national_id").fill(self.national_id)
        self.press("#login #continue")

    def _code(self) -> None:
        found = re.search(r"\b[A-Z]{4}\b", self.page.locator("#main").inner_text())
        assert found, "no reference code on the page"
        helper = self.live.citizen(self.national_id)
        self.page.locator("#code").fill(helper.sms(found.group(0)))
        self.press("#code-form #continue")

    def _setup_choice(self) -> None:
        offered = self.page.locator(f"#set-{self.way}").count()
        self.press(f"#set-{self.way}" if offered else "#set-pin")

    def _step_up(self) -> None:
        offered = self.page.locator(f"#use-{self.way}").count()
        self.press(f"#use-{self.way}" if offered else "#use-pin")

    def _setup_pin(self) -> None:
        self.page.locator("#pin").fill(PIN)
        self.page.locator("#pin_again").fill(PIN)
        self.press("#setup-pin-form #continue")

    def _setup_passkey(self) -> None:
        self.press("#passkey-button")

    def _setup_totp(self) -> None:
        secret = self.page.locator("#secret").inner_text().replace(" ", "")
        self.page.locator("#totp").fill(pyotp.TOTP(secret).now())
        self.press("#setup-totp-form #continue")

    def _pin(self) -> None:
        self.page.locator("#pin").fill(PIN)
        self.press("#pin-form #continue")

    def _consent(self) -> None:
        for box in self.page.locator("input[name=purpose]").all():
            box.check()
        self.look("ticked")
        self.press("#allow")

    def _continue(self) -> None:
        eventually(lambda: self.name() != "continue" or None, "the page never moved on")


def settings_of(kind: str, locale: str, *, javascript: bool) -> dict[str, Any]:
    """A phone of 360 px, the narrowest that is sold, or a desktop."""
    size = {"width": 360, "height": 740} if kind == "phone" else {"width": 1280, "height": 900}
    languages = {"th": "th-TH", "en": "en-GB"}
    return {
        "viewport": size,
        "locale": languages[locale],
        "timezone_id": "Asia/Bangkok",
        "java_script_enabled": javascript,
        "has_touch": kind == "phone",
    }
