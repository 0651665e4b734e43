"""Chromium of the system, and the running system of the stories."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.visitor import AXE, READ, Visitor, settings_of
from tests.stories import world
from tests.stories.browser import NOT_NOW
from tests.stories.live import Live

ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for the run; each test has a context of its own."""
    assert AXE.is_file(), "axe-core is missing: npm ci"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """The running system."""
    with world.running(tmp_path_factory.mktemp("world")) as running:
        made = Live(running)
        yield made
        while made.opened:
            made.opened.pop().close()


@pytest.fixture
def visitor(chromium: Browser, live: Live) -> Iterator[Callable[..., Visitor]]:
    """Makes a person at a screen: kind of screen, language, with or without JavaScript."""
    contexts = []

    def make(kind: str, locale: str, *, javascript: bool = True, offered: bool = False, **likes: Any) -> Visitor:
        context = chromium.new_context(**settings_of(kind, locale, javascript=javascript))
        if not offered:  # a device whose owner wants no offer of a passkey
            context.add_cookies([{"name": NOT_NOW[0], "value": "1", "url": live.issuer}])
        context.set_default_timeout(60_000)
        contexts.append(context)
        label = f"{kind}-{locale}-{'js' if javascript else 'nojs'}"
        facts = {"javascript": javascript, "national_id": live.somebody()} | likes
        return Visitor(live, context.new_page(), label, **facts)

    yield make
    for context in contexts:
        context.close()


PARTS = {"audit_parts", "card_fields", "desk_parts", "login_others", "me_factors", "session_rows", "shared_device"}
PARTS |= {"rights_parts", "breach_parts", "refusal_parts", "refusal_form"}
PARTS |= {"emergency_parts", "family_parts", "helper_parts", "acting_for", "access_lines"}
PARTS |= {"ward_page", "ward_parts"}
PIECES = {"base", "dev_words", "error_texts", "macros"} | PARTS
MOVES_ON = {"continue", "leaving"}  # leave by themselves at once; their markup is the error page's


@pytest.fixture(scope="session", autouse=True)
def every_page_is_read(request: pytest.FixtureRequest) -> Iterator[None]:
    """CONVENTIONS: pages that axe never opened are named; in a whole run the list is empty."""
    yield
    chosen = request.config.option.keyword or any("::" in argument for argument in request.config.args)
    pages = {path.stem for path in (Path(__file__).parents[2] / "templates").glob("*.html")}
    unread = sorted(pages - PIECES - MOVES_ON - READ)
    assert chosen or unread == [], f"axe never read: {unread}"
