"""A browser without JavaScript, in one process: follows redirects, fills forms, reads the sandbox's phone."""

import json
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from flask.testing import FlaskClient

from idp import worker
from idp.contact import fake
from tests.fakes import SoftAuthenticator
from tests.stories.browser import NOT_NOW
from tests.stories.pages import Page, read

SOMCHAI = "3999000010035"
PIN = "482915"
ISSUER = "http://localhost:8000"


@dataclass
class Visitor:
    """`at` is the page that is open now. Nothing outside the issuer is ever fetched."""

    client: FlaskClient
    work: worker.Worker
    issuer: str = ISSUER
    at: Page = field(default_factory=lambda: Page(""))
    left_for: str | None = None

    def __post_init__(self) -> None:
        """Somebody who said "not now" to a passkey before; whoever tests the offer takes the cookies away."""
        for name in NOT_NOW:
            self.client.set_cookie(name, "1")

    def get(self, address: str, **headers: str) -> Page:
        """Open an address, and follow redirects as a browser does."""
        return self._arrive(self.client.get(self._path(address), headers=headers), address)

    def post(self, address: str, data: dict[str, object] | None = None, **headers: str) -> Page:
        """Post fields as they are."""
        return self._arrive(self.client.post(self._path(address), data=data or {}, headers=headers), address)

    def send(self, form: str, button: str | None = None, **fields: object) -> Page:
        """Fill in a form of the open page and press a button."""
        found = self.at.forms[form]
        data: dict[str, object] = {name: value for name, value in found.fields if name}
        pressed = found.buttons.get(button or "", ("", ""))
        if pressed[0]:
            data[pressed[0]] = pressed[1]
        return self.post(found.action or self.at.url, {**data, **fields})

    def passkey(self, device: SoftAuthenticator, purpose: str, where: str) -> dict[str, object]:
        """What the page's script does: options, the device, verify; the answer."""
        headers = {"X-CSRF-Token": self.at.attributes["passkey"]["data-csrf"]}
        options = self.client.post(self._path(where + "/options"), json={"purpose": purpose}, headers=headers)
        assert options.status_code == 200, options.text
        told = json.loads(options.text)
        credential = device.create(told) if purpose == "register" else device.get(told)
        answer = self.client.post(
            self._path(where + "/verify"), json={"purpose": purpose, "credential": credential}, headers=headers
        )
        return {"status": answer.status_code, **json.loads(answer.text)}

    def newest_code(self) -> str:
        """Let the worker run, and read the newest message."""
        worker.run_once(self.work)
        with self.work.sessions.reading() as session:
            texts = [one.text for one in fake.inbox(session) if one.kind == "sms"]
        found = next(filter(None, (re.search(r"\b(\d{6})\b", text) for text in texts)), None)
        assert found is not None
        return found[1]

    def sign_in(self, national_id: str = SOMCHAI) -> Page:
        """From the login page through the one-time code."""
        self.send("login", national_id=national_id)
        return self.send("code-form", code=self.newest_code())

    def set_pin(self) -> Page:
        """From the set-up choice to the other side of it."""
        self.get(self.at.links["set-pin"])
        return self.send("setup-pin-form", pin=PIN, pin_again=PIN)

    def _path(self, address: str) -> str:
        return address.removeprefix(self.issuer.removesuffix(urlsplit(self.issuer).path))

    def _arrive(self, response, address: str) -> Page:
        for _ in range(10):
            if response.status_code not in (301, 302, 303):
                break
            address = response.headers["Location"]
            if urlsplit(address).netloc not in ("", urlsplit(self.issuer).netloc):
                self.left_for = address
                break
            response = self.client.get(self._path(address))
        self.at = read(address, response.status_code, response.text, dict(response.headers))
        return self.at
