"""A citizen at a real browser: Chromium, which trusts one certificate more than the world does."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.visitor import Visitor
from tests.peers.world import Peers

ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Person(Visitor):
    """Somebody at the screen, on the way to another service: pages are answered, not examined."""

    def look(self, state: str = "") -> None:
        """Nothing: `make browser` looks."""


@contextmanager
def chromium(peers: Peers) -> Iterator[Browser]:
    """The browser; its one addition to the world's certificates is named by its key."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert found, "Chromium is missing: apt-get install chromium"
    pinned = f"--ignore-certificate-errors-spki-list={peers.authority.pin}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=[*ARGUMENTS, pinned])
        yield browser
        browser.close()


def window(browser: Browser) -> BrowserContext:
    """A browser of one person: nothing in it yet."""
    context = browser.new_context(locale="th-TH", timezone_id="Asia/Bangkok")
    context.set_default_timeout(15_000)
    return context


def person(peers: Peers, page: Page) -> Person:
    """Somebody new at this window."""
    likes: dict[str, Any] = {"national_id": next(peers.crowd)}
    return Person(peers, page, "peer", **likes)  # type: ignore[arg-type]  # it asks for a citizen, and gets one
