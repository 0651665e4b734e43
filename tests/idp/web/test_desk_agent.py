"""The counter with a real reader: what its agent signed for this session opens a card's page, and nothing else does."""

import json
from dataclasses import replace

import pytest

from idp import card_agents
from idp.abuse import staff
from idp.agent import apdu, chip
from idp.agent.signing import Signer, make_key
from idp.card_agents import ASKED_FOR
from idp.proofing.sources.card_chip import ChipReader
from tests.fakes import SECOND
from tests.idp.agent.cards import card
from tests.idp.web.conftest import build
from tests.idp.web.stage import person
from tests.idp.web.test_desk import CLERK, employ, enrolled

AGENT = "http://127.0.0.1:9182"
ISSUER = "http://localhost:8000"


@pytest.fixture
def site(settings, sessions, clock, ring):
    """A sandbox whose counters have readers."""
    made = build(settings.model_copy(update={"card_agent_url": AGENT}), sessions, clock, ring)
    house = made.app.extensions["yinyom"]
    cards = ChipReader(sessions, issuer=ISSUER, agent_url=AGENT, clock=clock)
    made.app.extensions["yinyom"] = replace(house, ports=replace(house.ports, cards=cards))
    for number in ("3999000010035", CLERK):
        made.registry.people[number] = person()
    return made


@pytest.fixture
def clerk(site):
    """At the desk of the one facility."""
    return enrolled(site, employ(site, CLERK, ("clerk", "99001"))[1])


@pytest.fixture
def signer(site, tmp_path):
    """The agent of that facility."""
    public = make_key(tmp_path / "agent.jwk")
    with site.work.sessions.writing() as session:
        card_agents.add(session, hcode="99001", label="1", public_jwk=public, now=site.clock())
    return Signer(tmp_path / "agent.jwk")


def ask(visitor, **headers):
    visitor.get("/desk")
    told = visitor.at.attributes["agent"]
    sent = {"X-CSRF-Token": told["data-csrf"], "Accept": "application/json"} | headers
    return visitor.client.post(told["data-nonce-url"], headers=sent)


def signed(signer, nonce, **changes):
    one = card(**changes)
    claims = chip.record(apdu.dump(one.transmit, atr=one.atr)).claims()
    return signer.sign(claims, nonce=nonce, audience=ISSUER)


def put_in(visitor, signer, **changes):
    nonce = json.loads(ask(visitor).text)["nonce"]
    said = signed(signer, nonce, **changes)
    visitor.send("read-form", slot=said)
    return said


def test_the_page_knows_its_agent_and_may_ask_it_and_nobody_else(clerk):
    """The policy of the counter's pages names loopback; every other page's does not."""
    clerk.get("/desk")
    here = clerk.at.headers["Content-Security-Policy"]
    clerk.get("/staff/sign-in")

    assert clerk.get("/desk").attributes["agent"]["data-agent-url"] == AGENT
    assert f"connect-src 'self' {AGENT};" in here
    assert "connect-src 'self';" in clerk.client.get("/login").headers["Content-Security-Policy"]


def test_a_card_that_the_agent_read_is_on_the_page(clerk, signer):
    put_in(clerk, signer)

    assert clerk.at.name == "desk_card"
    assert "สมชาย ใจสมมติ" in clerk.at.text


def test_the_same_answer_opens_nothing_twice(clerk, signer):
    said = put_in(clerk, signer)
    clerk.get("/desk")

    assert clerk.send("read-form", slot=said).status == 400


def test_another_clerks_number_opens_nothing(site, clerk, signer):
    """The number is bound to the session that asked."""
    other = enrolled(site, employ(site, "3999000010191", ("clerk", "99001"))[1])
    said = signed(signer, json.loads(ask(other).text)["nonce"])
    clerk.get("/desk")

    assert clerk.send("read-form", slot=said).status == 400
    other.get("/desk")
    assert other.send("read-form", slot=said).name == "desk_card"


def test_a_number_lives_a_minute(site, clerk, signer):
    nonce = json.loads(ask(clerk).text)["nonce"]
    site.clock.tick(ASKED_FOR + SECOND)
    clerk.get("/desk")

    assert clerk.send("read-form", slot=signed(signer, nonce)).status == 400


def test_a_real_number_opens_nothing_in_the_sandbox(clerk, signer):
    """THAI.md 6.1: only made-up people here."""
    put_in(clerk, signer, national_id="1101700203451")

    assert clerk.at.status == 400


def test_a_number_is_given_to_staff_with_the_pages_own_token(site, clerk):
    assert ask(clerk, **{"X-CSRF-Token": "guessed"}).status_code == 403
    assert site.visitor().client.post("/desk/nonce").status_code in (302, 303, 401, 403)


def test_one_member_of_staff_gets_so_many_numbers_to_sign_an_hour(clerk, monkeypatch):
    """RELIABILITY 3: whatever desk they sit at."""
    monkeypatch.setitem(staff.MOST_AN_HOUR, "nonce", 2)

    assert [ask(clerk).status_code for _ in range(3)] == [200, 200, 429]
