"""To ThaID and back, in one process, with ThaID itself beside it over HTTP (THAI.md 3b R4)."""

from dataclasses import replace
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import update

from idp import subjects
from idp.login.sessions import SignInSession
from idp.proofing import cases
from idp.proofing.sources.thaid import HttpThaid
from idp.upstream.wire import Wire
from tests.fakes import MINUTE
from tests.idp.web.stage import person
from tests.servers.thaid import Client, open_thaid

SOMCHAI, NAMESAKE, CHILD = "3999000010035", "3999000010043", "1999000010021"
BACK = "http://localhost:8000/thaid/callback"
CLIENT = Client("yinyom", "secret-of-yinyom", (BACK,))
FACTS = {"given_name": "สมชาย", "family_name": "ใจสมมติ", "birthdate": "1985-04-13", "gender": "male"}


@pytest.fixture
def server(clock):
    with open_thaid(clients=[CLIENT], clock=clock, person=SOMCHAI) as made:
        made.knows(SOMCHAI, **FACTS)
        made.knows(NAMESAKE, **FACTS)
        yield made


@pytest.fixture
def site(site, server):
    """The site, registered at ThaID."""
    house = site.app.extensions["yinyom"]
    thaid = HttpThaid(url=server.url, client_id=CLIENT.client_id, secret=CLIENT.secret, wire=Wire("thaid", timeout_s=3))
    site.app.extensions["yinyom"] = replace(house, ports=replace(house.ports, thaid=thaid))
    return site


def begun(site, visitor):
    """At the page of ThaID, with nobody signed in."""
    visitor.get(site.authorize_url())
    visitor.get(f"{urlsplit(visitor.at.url).path.removesuffix('/login')}/thaid")
    assert visitor.at.name == "thaid"
    return visitor


def gone(visitor):
    """Press the button; what ThaID sends the browser back with."""
    visitor.send("thaid-form", "to-thaid")
    assert visitor.at.name == "leaving"
    assert visitor.at.refresh == visitor.at.links["leave-link"]
    return httpx.get(visitor.at.refresh).headers["Location"]


def returned(visitor):
    """There and back."""
    return visitor.get(gone(visitor))


def level(site, subject_id):
    with site.work.sessions.reading() as session:
        return cases.standing(session, subject_id, now=site.clock.now).ial.value


def person_of(site, number=SOMCHAI):
    house = site.app.extensions["yinyom"]
    with site.work.sessions.reading() as session:
        return subjects.find_by_national_id(session, house.rings.at(site.clock.now), number)


def test_a_person_signs_in_by_thaid_and_their_account_reaches_its_level(site, visitor):
    begun(site, visitor)

    returned(visitor)

    assert visitor.at.name == "setup_choice"  # AAL1: health data needs a factor of our own
    assert level(site, site.citizen) == "2.3"


def test_whoever_has_no_account_gets_one(site, visitor, server):
    server.person = NAMESAKE
    begun(site, visitor)

    returned(visitor)

    assert visitor.at.name == "setup_choice"
    assert level(site, person_of(site, NAMESAKE).id) == "2.3"


def test_whoever_presses_no_is_told_so_and_may_try_again(site, visitor, server):
    """R4's failure: "you cancelled in ThaID"."""
    server.denies = True
    begun(site, visitor)

    returned(visitor)

    assert visitor.at.name == "thaid"
    assert "คุณยกเลิกใน ThaID" in visitor.at.texts["problem"]
    server.denies = False
    assert returned(visitor).name == "setup_choice"


@pytest.mark.parametrize("mood", ["down", "hang", "reset"])
def test_when_thaid_is_away_the_page_says_so_and_nothing_was_assumed(site, visitor, server, mood):
    """X16."""
    server.moods_at = {"/api/v2/oauth2/token/": mood}
    begun(site, visitor)

    returned(visitor)

    assert visitor.at.name == "thaid"
    assert "ขณะนี้ ThaID ไม่ตอบ" in visitor.at.texts["problem"]
    assert visitor.client.get("/me").status_code == 303
    assert level(site, site.citizen) == "1.3"


@pytest.mark.parametrize("wrong", [{"signs": "stranger"}, {"signs": "none"}, {"nonces": "wrong"}])
def test_an_answer_that_cannot_be_believed_signs_nobody_in(site, visitor, server, wrong):
    for name, value in wrong.items():
        setattr(server, name, value)
    begun(site, visitor)

    returned(visitor)

    assert (visitor.at.name, visitor.client.get("/me").status_code) == ("thaid", 303)


def test_an_answer_counts_once(site, visitor):
    """Going back, or somebody who read the address."""
    begun(site, visitor)
    answer = gone(visitor)
    visitor.get(answer)

    assert visitor.client.get(answer.removeprefix("http://localhost:8000")).status_code == 400


def test_an_answer_in_another_browser_signs_nobody_in(site, visitor):
    """Login CSRF (ASVS 7.6.2): an attacker's ThaID answer in the victim's browser."""
    begun(site, visitor)
    answer = gone(visitor)
    victim = site.visitor()

    victim.get(answer)

    assert victim.at.status == 400
    assert victim.client.get("/me").status_code == 303


@pytest.mark.parametrize("query", ["", "?state=x", "?state=x&code=y", "?code=y", "?error=user_denied", "?state=%ff"])
def test_an_answer_that_nobody_asked_for_is_refused(site, visitor, query):  # noqa: ARG001
    visitor.get("/thaid/callback" + query)

    assert visitor.at.status == 400


def test_ten_minutes_later_the_answer_is_too_late(site, visitor):
    begun(site, visitor)
    answer = gone(visitor)
    site.clock.tick(11 * MINUTE)

    assert visitor.get(answer).status == 400


def test_only_a_press_of_ours_goes_to_thaid(site, visitor):
    """ASVS 7.6.2: no session without an act of the person; another page's form has no token."""
    begun(site, visitor)
    where = urlsplit(visitor.at.url).path

    answer = visitor.client.post(where, data={}, headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 403


def test_a_child_is_stopped_and_gets_no_account(site, visitor, server):
    server.knows(CHILD, **{**FACTS, "birthdate": "2011-08-09"})
    server.person = CHILD
    begun(site, visitor)

    returned(visitor)

    assert visitor.at.name == "age"
    assert person_of(site, CHILD) is None


def proving(site, visitor, ring):
    """Signed in at a level that a service does not take: the way to ThaID stands open."""
    with site.work.sessions.writing() as session:
        subjects.create(session, ring, NAMESAKE, person(attested_ial="1.1", phone="010-000-0043"), now=site.clock.now)
    visitor.get(site.authorize_url())
    visitor.sign_in(NAMESAKE)
    visitor.set_pin()
    base = "/".join(urlsplit(visitor.at.url).path.split("/")[:3])
    visitor.get(f"{base}/thaid")
    assert visitor.at.name == "thaid"
    return visitor


def test_somebody_signed_in_proves_their_own_account_and_goes_on(site, visitor, ring, server):
    server.person = NAMESAKE
    proving(site, visitor, ring)

    returned(visitor)

    assert visitor.at.name == "consent"
    assert level(site, person_of(site, NAMESAKE).id) == "2.3"


def test_somebody_elses_thaid_proves_nothing(site, visitor, ring):
    """R4: PID equals account."""
    proving(site, visitor, ring)

    returned(visitor)

    assert visitor.at.name == "thaid"
    assert "ThaID นี้เป็นของผู้อื่น" in visitor.at.texts["problem"]
    assert level(site, person_of(site, NAMESAKE).id) == "1.1"
    assert level(site, site.citizen) == "1.3"


def test_a_problem_in_the_address_is_one_of_our_words_or_nothing(site, visitor):
    begun(site, visitor)

    visitor.get(visitor.at.url + "?problem=<script>")

    assert "problem" not in visitor.at.texts


def test_out_of_turn_the_loop_decides(site, visitor):
    """Reloading and going back never end in nothing."""
    begun(site, visitor)
    here = visitor.at.url
    returned(visitor)

    assert visitor.get(here).name == "setup_choice"


def test_neither_code_nor_number_stands_in_what_is_logged(site, visitor, capfd):
    begun(site, visitor)
    answer = gone(visitor)
    visitor.get(answer)

    said = "".join(capfd.readouterr())
    code = answer.partition("code=")[2].partition("&")[0]
    assert code
    assert code not in said
    assert SOMCHAI not in said


def test_where_thaid_is_not_set_up_nothing_offers_it(settings, sessions, clock, ring):
    from tests.idp.web.conftest import build  # noqa: PLC0415 -- without the fixture of this file

    site = build(settings, sessions, clock, ring)
    visitor = site.visitor()
    visitor.get(site.authorize_url())

    assert "use-thaid" not in visitor.at.links
    base = urlsplit(visitor.at.url).path.removesuffix("/login")
    assert visitor.get(f"{base}/thaid").name == "login"


def test_signed_out_meanwhile_the_answer_proves_nobody(site, visitor, ring, server):
    """Whoever comes back must be whoever left: the sign-in may have ended on purpose."""
    server.person = NAMESAKE
    answer = gone(proving(site, visitor, ring))
    with site.work.sessions.writing() as session:
        session.execute(update(SignInSession).values(ended_at=site.clock.now))

    visitor.get(answer)

    assert visitor.at.name == "login"
    assert level(site, person_of(site, NAMESAKE).id) == "1.1"
