"""A card in a real PC/SC reader, read through the agent by the page of the counter, in Chromium."""

from base64 import b64encode
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace

import httpx
import pytest

from idp import card_agents
from idp.agent.signing import make_key
from idp.demo import supervisor
from idp.demo.children import Children
from idp.demo.folder import free_port
from idp.directory import seed as directory_seed
from tests.browser import pcsc
from tests.browser.test_counter import at_work, invited
from tests.idp.agent.cards import FACTS
from tests.servers.id_card import JPEG
from tests.stories.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
HCODE = "99001"
PORT = free_port()


@contextmanager
def server(live, agent_url):
    """One more web process of the same system, whose counters have readers; its address."""
    port = free_port()
    settings = live.world.settings.model_copy(update={"issuer": f"http://localhost:{port}", "port": port})
    ours = supervisor.environment(settings) | {
        "YINYOM_WORKERS": "1",
        "YINYOM_CARD_AGENT_URL": agent_url,
        "YINYOM_SANDBOX_REGISTRY": str(settings.sandbox_registry),
        "PYTHONPATH": str(pcsc.ROOT),
    }
    with Children() as children:
        children.start("web", ["-m", "idp.cli", "serve"], env=ours, log=live.world.folder.log_file("counter"))
        eventually(lambda: supervisor.is_ready(f"{settings.issuer}/livez") or None, "no server", within_s=60)
        yield settings.issuer


@pytest.fixture(scope="module")
def reader():
    with pcsc.reader() as made:
        yield made


@pytest.fixture(scope="module")
def counter(live, tmp_path_factory, reader):
    """A server that believes this computer's agent, and the agent for its pages."""
    key = tmp_path_factory.mktemp("agent") / "agent.jwk"
    public = make_key(key)
    with live.world.sessions.writing() as session:
        now = datetime.now(UTC)  # noqa: TID251 -- as the server
        card_agents.add(session, hcode=HCODE, label="1", public_jwk=public, now=now)
    with server(live, f"http://127.0.0.1:{PORT}") as issuer, pcsc.agent(issuer, key, PORT) as agent:
        yield SimpleNamespace(issuer=issuer, agent=agent, reader=reader, key=key)


@pytest.fixture
def clerk(live, counter, visitor):
    """At the counter, with the one field in front."""
    person = visitor("desktop", "th")
    at_work(person, counter, invited(live, directory_seed.CLERK))
    person.page.goto(f"{counter.issuer}/desk")
    assert person.name() == "desk"
    return person


def card_is_in(counter):
    """A reader takes a moment to feel a card."""
    eventually(lambda: ask(counter, Origin=counter.issuer).status_code == 200 or None, "the card is not there")


def ask(counter, **headers):
    return httpx.post(f"{counter.agent}/read", json={"nonce": "n" * 43}, headers=headers, timeout=10)


def test_a_card_in_the_reader_is_on_the_page_by_one_key(counter, clerk):
    """PAGES, counter: the card goes in, Enter; who it is stands there, and the number is masked."""
    with counter.reader.holding(FACTS):
        card_is_in(counter)
        with clerk.page.expect_navigation():
            clerk.page.keyboard.press("Enter")

        assert clerk.name() == "desk_card"
        assert "สมชาย ใจสมมติ" in clerk.page.locator("#main").inner_text()
        clerk.look("chip")
        clerk.press("#prove")

    assert clerk.name() == "desk_case"
    assert clerk.page.locator("#photo").get_attribute("src") == f"data:image/jpeg;base64,{b64encode(JPEG).decode()}"
    assert "ผู้ออกบัตรยืนยันว่าบัตรนี้ใช้ได้" in clerk.page.locator("#who").inner_text()
    clerk.look("chip")
    assert clerk.found == {}


def test_without_a_card_the_page_says_what_to_do(counter, clerk):
    clerk.page.keyboard.press("Enter")

    words = clerk.page.locator("#agent-status")
    eventually(lambda: "เครื่อง" in words.inner_text() or None, "the page says nothing")
    assert clerk.name() == "desk"
    assert ask(counter, Origin=counter.issuer).json() == {"error": "no_card"}


def test_another_page_of_the_same_browser_reads_no_card(counter, clerk, live):
    """Neither the answer nor a card that is moved: the browser asks first, and hears no."""
    read = """agent => fetch(agent + "/read", {method: "POST", headers: {"Content-Type": "application/json"},
              body: JSON.stringify({nonce: "n".repeat(43)})}).then(() => "read", () => "refused")"""
    with counter.reader.holding(FACTS):
        card_is_in(counter)
        clerk.page.goto(f"{live.world.portal}/")
        assert clerk.page.evaluate(read, counter.agent) == "refused"
        assert ask(counter, Origin=live.world.portal).status_code == 403


def test_a_card_that_is_taken_out_is_gone(counter):
    with counter.reader.holding(FACTS):
        card_is_in(counter)

    eventually(
        lambda: ask(counter, Origin=counter.issuer).json().get("error") == "no_card" or None, "it is still there"
    )


def test_another_kind_of_card_and_another_reader_are_said(counter):
    with counter.reader.holding(FACTS | {"is_id_card": False}):
        told = eventually(
            lambda: (word := ask(counter, Origin=counter.issuer).json()["error"]) != "no_card" and word, "no card"
        )
    with pcsc.agent(counter.issuer, counter.key, free_port(), "--reader", "nowhere") as elsewhere:
        silent = SimpleNamespace(agent=elsewhere)
        assert ask(silent, Origin=counter.issuer).json() == {"error": "no_reader"}

    assert told == "not_an_id_card"
