"""A citizen who answers whatever page comes, as the service asks: never knowing what comes next."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

import pyotp

from idp.wiring import wall_clock
from tests.fakes import SoftAuthenticator
from tests.stories.browser import Browser, as_json
from tests.stories.pages import Page
from tests.stories.waiting import eventually

STEPS = 20
CODE = re.compile(r"(?<!\d)(\d{6})(?!\d)")


@dataclass
class Citizen:
    """One person with a device. `way` is the second factor they like: pin, totp or passkey.

    `answers` says yes (True) or no (False) per purpose; what is not named gets `otherwise`.
    """

    issuer: str
    national_id: str
    browser: Browser
    way: str = "pin"
    pin: str = "482915"
    answers: dict[str, bool] = field(default_factory=dict)
    otherwise: bool = True
    decision: str = "allow"
    walked: list[str] = field(default_factory=list)
    totp_secret: str = ""
    passkey: SoftAuthenticator | None = None

    def walk(self, page: Page, *, until: str | None = None) -> Page:
        """Answer pages until one comes that has no answer, or the one named `until`."""
        for _ in range(STEPS):
            if page.status == 0 or page.name == until or page.status >= 400:
                return page
            answer: Callable[[Page], Page] | None = getattr(self, f"_{page.name}", None)
            if answer is None:
                return page
            self.walked.append(page.name)
            page = answer(page)
        raise AssertionError(f"going round in circles: {self.walked}")

    def open(self, path: str, *, until: str | None = None) -> Page:
        """Go to a page of the service's own and answer what it asks on the way."""
        return self.walk(self.browser.get(self.issuer + path), until=until)

    def sms(self, ref: str) -> str:
        """The code that came with this reference, read from the sandbox's inbox."""
        return eventually(lambda: self._message(ref), f"no SMS with reference {ref}")

    def _message(self, ref: str) -> str | None:
        inbox = Browser()
        try:
            page = inbox.get(self.issuer + "/sandbox/inbox")
        finally:
            inbox.close()
        for line in re.split(r"(?=<li)", page.html):
            found = CODE.search(re.sub(r"<time.*?</time>", "", line, flags=re.DOTALL)) if ref in line else None
            if found:
                return found.group(1)
        return None

    def _login(self, page: Page) -> Page:
        return self.browser.submit(page, "login", national_id=self.national_id)

    def _code(self, page: Page) -> Page:
        return self.browser.submit(page, "code-form", code=self.sms(ref_of(page)))

    def _step_up(self, page: Page) -> Page:
        if self.way == "passkey":
            return self._use_passkey(page)
        return self.browser.click(page, "use-" + (self.way if f"use-{self.way}" in page.links else "pin"))

    def _setup_choice(self, page: Page) -> Page:
        return self.browser.click(page, "set-" + (self.way if f"set-{self.way}" in page.links else "pin"))

    def _setup_pin(self, page: Page) -> Page:
        return self.browser.submit(page, "setup-pin-form", pin=self.pin, pin_again=self.pin)

    def _setup_totp(self, page: Page) -> Page:
        self.totp_secret = re.sub(r"[^A-Z2-7]", "", page.texts["secret"].upper())
        return self.browser.submit(page, "setup-totp-form", totp=pyotp.TOTP(self.totp_secret).now())

    def connect_app(self) -> Page:
        """A code app beside the first factor, from the list of ways."""
        page = self.open("/me/security", until="me_security")
        return self.walk(self.browser.submit(page, "add-form", "add-totp"), until="me_security")

    def print_codes(self) -> list[str]:
        """Ten recovery codes, as the page shows them once."""
        page = self.open("/me/security", until="me_security")
        return re.findall(r">([0-9A-Z]{5}-[0-9A-Z]{5})<", self.browser.submit(page, "codes-form").html)

    def without_sms(self, page: Page, code: str) -> Page:
        """From the page of the SMS code to the one that takes an app's code or a recovery code."""
        return self.browser.submit(self.browser.click(page, "without-sms"), "other-way-form", other_code=code)

    def next_code(self) -> str:
        """What the app shows in half a minute: accepted now, and not used yet."""
        return pyotp.TOTP(self.totp_secret).at(wall_clock(), counter_offset=1)

    def _setup_passkey(self, page: Page) -> Page:
        origin = "/".join(self.issuer.split("/")[:3])
        self.passkey = SoftAuthenticator(origin)
        return self.ceremony(page, "register", self.passkey.create)

    def _use_passkey(self, page: Page) -> Page:
        assert self.passkey is not None
        return self.ceremony(page, "sign-in", self.passkey.get)

    def sign_in_by_passkey(self, page: Page) -> Page:
        """The passkey button of the sign-in page."""
        return self._use_passkey(page)

    def ceremony(self, page: Page, purpose: str, act: Callable[[dict[str, Any]], dict[str, Any]]) -> Page:
        """What passkeys.js does: options, the authenticator, verify, and on to where it says."""
        block = page.attributes["passkey"]
        options = as_json(self.browser.post_json(page, block["data-options-url"], {"purpose": purpose}))
        body = {"purpose": purpose, "credential": act(options), "name": "เครื่องทดสอบ"}
        told = as_json(self.browser.post_json(page, block["data-verify-url"], body))
        assert "next" in told, json.dumps(told)
        return self.browser.get(urljoin(page.url, told["next"]))

    def _pin(self, page: Page) -> Page:
        return self.browser.submit(page, "pin-form", pin=self.pin)

    def _totp(self, page: Page) -> Page:
        return self.browser.submit(page, "totp-form", totp=pyotp.TOTP(self.totp_secret).now())

    def _consent(self, page: Page) -> Page:
        form = page.forms["consent-form"]
        asked = {value: tick for tick, (name, value) in form.choices.items() if name == "purpose"}
        ticks = tuple(tick for code, tick in asked.items() if self.answers.get(code, self.otherwise))
        return self.browser.submit(page, "consent-form", self.decision, ticks=ticks)


def ref_of(page: Page) -> str:
    """The four letters that stand on the page and in the SMS."""
    found = re.search(r"\b[A-Z]{4}\b", page.texts.get("ref", page.text))
    assert found, "the page shows no reference code"
    return found.group(0)
