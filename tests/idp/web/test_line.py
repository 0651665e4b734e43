"""Signing in by LINE, linking it, taking it off; in one process, with LINE itself beside it over HTTP."""

from dataclasses import replace
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import select

from idp.contact import line_links
from idp.login.line import HttpLineLogin
from idp.login.sessions import SignInSession
from idp.upstream.wire import Wire
from tests.fakes import HOUR
from tests.servers.line import Channel, open_line

BACK = "http://localhost:8000/line/callback"
CHANNEL = Channel("1650000000", "line-channel-secret-of-32-letters", (BACK,))


@pytest.fixture
def server(clock):
    with open_line(channels=[CHANNEL], clock=clock) as made:
        made.person = made.knows("Somchai")
        yield made


@pytest.fixture
def site(site, server):
    """The site, with a channel at LINE."""
    house = site.app.extensions["yinyom"]
    line = HttpLineLogin(
        web=server.url,
        api=server.url,
        channel_id=CHANNEL.client_id,
        secret=CHANNEL.secret,
        wire=Wire("line", timeout_s=3),
    )
    site.app.extensions["yinyom"] = replace(house, ports=replace(house.ports, line_login=line))
    return site


def gone(visitor, form, button):
    """Press the button; what LINE sends the browser back with."""
    visitor.send(form, button)
    assert visitor.at.name == "leaving"
    return httpx.get(visitor.at.refresh).headers["Location"]


def strong(site, visitor):
    """Signed in with a code and a new PIN, at the page of one's own LINE account."""
    visitor.get(site.authorize_url())
    visitor.sign_in()
    visitor.set_pin()
    visitor.get("/me/line")
    assert visitor.at.name == "me_line"
    return visitor


def linked(site, visitor):
    """Somchai's account with Somchai's LINE."""
    strong(site, visitor)
    visitor.get(gone(visitor, "link-form", "link"))
    assert visitor.at.name == "me_line"
    return visitor


def at_line(site, visitor):
    """A new browser at the page of LINE, with nobody signed in."""
    visitor.get(site.authorize_url())
    visitor.get(f"{urlsplit(visitor.at.url).path.removesuffix('/login')}/line")
    assert visitor.at.name == "line"
    return visitor


def user_of(site):
    ring = site.app.extensions["yinyom"].rings.at(site.clock.now)
    with site.work.sessions.reading() as session:
        return line_links.user_of(session, ring, site.citizen)


def factors(site):
    with site.work.sessions.reading() as session:
        rows = session.scalars(select(SignInSession).where(SignInSession.ended_at.is_(None)))
        return sorted(row.factors for row in rows)


def test_a_linked_line_account_signs_in_at_the_lowest_level(site, visitor, server):
    linked(site, visitor)
    assert "เชื่อมบัญชี LINE ของคุณแล้ว" in visitor.at.texts["done"]
    assert user_of(site) == server.person
    other = at_line(site, site.visitor())

    other.get(gone(other, "line-form", "to-line"))

    assert "line" in factors(site)
    assert other.at.name != "consent"  # AAL1: no health data by LINE alone


def test_line_and_a_pin_open_no_health_data(site, visitor):
    """LINE is no factor of a kind of its own: with a PIN it stays one factor."""
    linked(site, visitor)
    other = at_line(site, site.visitor())
    other.get(gone(other, "line-form", "to-line"))

    assert "use-pin" not in other.at.links
    assert "pin-form" not in other.at.forms


def test_a_line_account_that_nobody_linked_opens_nothing(site, visitor):
    at_line(site, visitor)

    visitor.get(gone(visitor, "line-form", "to-line"))

    assert visitor.at.name == "line"
    assert "ยังไม่ได้เชื่อมไว้" in visitor.at.texts["problem"]
    assert factors(site) == []


def test_linking_needs_a_second_factor(site, visitor):
    """AAL1 by a code alone: whoever holds the phone must not add a way in of their own."""
    visitor.get(site.authorize_url())
    visitor.sign_in()
    visitor.get("/me/line")
    assert "link-form" in visitor.at.forms

    visitor.send("link-form", "link")

    assert visitor.at.name in {"setup_choice", "step_up", "login"}


def test_without_a_sign_in_there_is_no_such_page(site, visitor):  # noqa: ARG001
    assert visitor.get("/me/line").name == "login"


def test_an_answer_of_another_browser_links_nothing(site, visitor):
    """Account linking CSRF: an attacker's LINE answer in the victim's browser."""
    attacker = strong(site, site.visitor())
    answer = gone(attacker, "link-form", "link")
    visitor.get(site.authorize_url())
    visitor.sign_in()

    visitor.get(answer)

    assert visitor.at.status == 400
    assert user_of(site) is None


def test_an_answer_counts_once(site, visitor):
    strong(site, visitor)
    answer = gone(visitor, "link-form", "link")
    visitor.get(answer)

    assert visitor.get(answer).status == 400


def test_signed_out_meanwhile_nothing_is_linked(site, visitor):
    strong(site, visitor)
    answer = gone(visitor, "link-form", "link")
    site.clock.tick(HOUR / 6 - HOUR / 60)
    with site.work.sessions.writing() as session:
        for row in session.scalars(select(SignInSession)):
            row.ended_at = site.clock.now

    visitor.get(answer)

    assert visitor.at.name == "login"
    assert user_of(site) is None


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"denies": True}, "คุณยกเลิกใน LINE"),
        ({"moods_at": {"/oauth2/v2.1/token": "down"}}, "ขณะนี้ LINE ไม่ตอบ"),
        ({"signs": "stranger_hs256"}, "ใช้คำตอบจาก LINE ไม่ได้"),
        ({"claims": {"nonce": "another"}}, "ใช้คำตอบจาก LINE ไม่ได้"),
    ],
)
def test_what_went_wrong_at_line_is_said_and_nothing_is_linked(site, visitor, server, wrong, words):
    strong(site, visitor)
    for name, value in wrong.items():
        setattr(server, name, value)

    visitor.get(gone(visitor, "link-form", "link"))

    assert visitor.at.name == "me_line"
    assert words in visitor.at.texts["problem"]
    assert user_of(site) is None


def test_taken_off_it_opens_nothing_any_more(site, visitor):
    linked(site, visitor)

    visitor.send("unlink-form", "unlink")

    assert "ยกเลิกการเชื่อม" in visitor.at.texts["done"]
    assert user_of(site) is None
    other = at_line(site, site.visitor())
    other.get(gone(other, "line-form", "to-line"))
    assert "ยังไม่ได้เชื่อมไว้" in other.at.texts["problem"]


def test_linking_and_taking_off_stand_in_the_persons_own_log_without_the_id(site, visitor, server):
    linked(site, visitor)
    visitor.send("unlink-form", "unlink")

    visitor.get("/me/access")
    assert "เชื่อมบัญชี LINE" in visitor.at.text
    assert server.person not in visitor.at.html


def test_only_a_press_of_ours_goes_to_line(site, visitor):
    at_line(site, visitor)

    where = urlsplit(visitor.at.url).path
    assert visitor.client.post(where, data={}).status_code == 403


def test_where_line_is_not_set_up_there_is_no_such_page(settings, sessions, clock, ring):
    from tests.idp.web.conftest import build  # noqa: PLC0415 -- without the fixture of this file

    site = build(settings, sessions, clock, ring)
    visitor = site.visitor()
    visitor.get(site.authorize_url())
    assert "use-line" not in visitor.at.links
    visitor.sign_in()

    assert visitor.get("/me/line").status == 404
