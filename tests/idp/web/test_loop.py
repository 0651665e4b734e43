"""The loop behind /interaction/<id>: nothing dead-ends, nothing happens twice."""

import pytest
from sqlalchemy import select

from consent import records
from idp.oauth.grants import Grant
from tests.fakes import HOUR
from tests.idp.web.stage import person
from tests.idp.web.test_flow import query
from tests.idp.web.visitor import PIN


def consenting(site, visitor, **changes):
    visitor.get(site.authorize_url(**changes))
    visitor.sign_in()
    visitor.set_pin()
    assert visitor.at.name == "consent"
    return visitor


def loop_of(page):
    return "/interaction/" + page.url.split("/interaction/")[1].split("/")[0].split("?")[0]


def test_a_double_tap_on_allow_gives_the_same_answer(site, visitor):
    """PAGES: double taps are safe; the code of the first answer is the only one."""
    page = consenting(site, visitor).at
    visitor.send("consent-form", "allow", purpose="EHR-SHARE")
    first = visitor.at.refresh

    visitor.at = page
    visitor.send("consent-form", "allow", purpose="EHR-SHARE")

    assert visitor.at.name == "continue"
    assert visitor.at.refresh == first


def test_an_answer_to_another_screen_is_no_answer(site, visitor):
    """A second tap on "Refuse all" says nothing about the screen behind it; a tab left open answers for nobody else."""
    page = consenting(site, visitor).at
    visitor.get(site.authorize_url(scope="openid email"))
    other = dict(visitor.at.forms["consent-form"].fields)["screen"]

    visitor.at = page
    visitor.send("consent-form", "refuse", screen=other)
    assert visitor.at.name == "consent"
    visitor.send("consent-form", "refuse", screen="")
    assert visitor.at.name == "consent"

    with site.work.sessions.reading() as session:
        assert records.for_subject(session, site.citizen, now=site.clock()) == []


def test_whoever_signs_in_next_ends_what_lasted_with_the_session_before(site, visitor):
    """Catalogue rule 8: without offline_access a grant ends with its session, also when another person takes over."""
    consenting(site, visitor)
    visitor.send("consent-form", "allow", purpose="EHR-SHARE")
    site.registry.people["1999000010071"] = person(given_name_th="ปิติ", phone="010-000-0071")
    site.clock.tick(HOUR / 60)
    visitor.get(site.authorize_url(prompt="login"))
    visitor.sign_in("1999000010071")

    with site.work.sessions.reading() as session:
        assert session.scalars(select(Grant.end_reason)).all() == ["signed_out"]


def test_a_step_that_is_opened_out_of_turn_goes_back_to_the_loop(site, visitor):
    """ARCHITECTURE flow 1: a page never knows what comes next."""
    visitor.get(site.authorize_url())
    at = loop_of(visitor.at)
    for step in ("code", "step-up", "pin", "totp", "set-up", "set-up/pin", "proofing", "consent", "resend", "cancel"):
        assert visitor.get(f"{at}/{step}").name == "login", step


def test_every_address_of_the_way_can_be_reloaded_after_the_end(site, visitor):
    """PAGES: reloading or going back never dead-ends."""
    at = loop_of(consenting(site, visitor).at)
    visitor.send("consent-form", "refuse")
    for step in ("", "/login", "/code", "/consent", "/set-up/pin", "/step-up"):
        assert visitor.get(at + step).name == "continue", step


@pytest.mark.parametrize("tail", ["", "/login", "/code", "/consent", "/set-up/pin"])
def test_another_browser_cannot_take_over_a_paused_request(site, visitor, tail):
    """O48: an interaction belongs to the browser that began it."""
    visitor.get(site.authorize_url())
    stranger = site.visitor()

    page = stranger.get(loop_of(visitor.at) + tail)

    assert (page.status, page.name) == (404, "error")
    assert page.texts["error-code"] == "expired"


def test_a_paused_request_ends_after_its_time(site, visitor):
    """Settings.interaction_lifetime: a kind page with a code and a next step."""
    visitor.get(site.authorize_url())
    site.clock.tick(HOUR)

    page = visitor.get(visitor.at.url)

    assert (page.status, page.texts["error-code"]) == (404, "expired")
    assert page.texts["request-id"]


def test_cancelling_sends_access_denied_to_the_service(site, visitor):
    """RFC 6749 4.1.2.1, RFC 9207: with state and iss, by a page that moves on."""
    visitor.get(site.authorize_url())

    visitor.send("cancel-form", "cancel")

    assert visitor.at.name == "continue"
    told = query(visitor.at.refresh)
    assert (told["error"], told["state"], told["iss"]) == ("access_denied", "st", "http://localhost:8000")


def test_refusing_all_still_signs_in(site, visitor):
    """Catalogue rule 12: no refusal may block sign-in."""
    consenting(site, visitor)

    visitor.send("consent-form", "refuse")

    assert "code" in query(visitor.at.refresh)


def test_switches_are_off_until_the_person_turns_them_on(site, visitor):
    """PDPA s.19, catalogue rule 9: nothing is pre-ticked; allowing nothing refuses it."""
    page = consenting(site, visitor).at
    assert ("purpose", "EHR-SHARE") not in page.forms["consent-form"].fields

    visitor.send("consent-form", "allow")

    with site.work.sessions.reading() as session:
        states = {view.purpose: view.state for view in records.for_subject(session, site.citizen, now=site.clock())}
    assert states["EHR-SHARE"] == "refused"


def test_a_person_under_20_meets_a_clear_stop_and_nothing_is_made(site, visitor):
    """PDPA s.20; Civil and Commercial Code s.19."""
    site.registry.people["1999000010021"] = person(birth_date="2011-05-01", given_name_th="ธนกร")
    visitor.get(site.authorize_url())

    page = visitor.sign_in("1999000010021")

    assert page.name == "age"
    visitor.send("cancel-form", "cancel")
    assert query(visitor.at.refresh)["error"] == "access_denied"


def test_too_low_an_identity_level_leads_to_a_page_that_says_what_to_do(site, visitor):
    """Catalogue rule 4: a level of identity cannot be reached by stepping up."""
    site.registry.people["1999000010071"] = person(attested_ial="1.1", given_name_th="ปิติ", phone="010-000-0071")
    visitor.get(site.authorize_url())
    visitor.sign_in("1999000010071")
    visitor.set_pin()

    assert visitor.at.name == "proofing"
    visitor.send("cancel-form", "cancel")
    assert query(visitor.at.refresh)["error"] == "access_denied"


def test_stepping_up_asks_only_for_what_is_missing(site, visitor):
    """Issue: step-up asks only for what is missing; a PIN that exists is asked for, nothing is set up again."""
    consenting(site, visitor)
    visitor.send("consent-form", "allow", purpose="EHR-SHARE")
    other = site.visitor()
    site.clock.tick(HOUR)
    other.get(site.authorize_url())

    assert other.sign_in().name == "step_up"
    assert set(other.at.links) & {"use-pin", "use-totp"} == {"use-pin"}
    other.get(other.at.links["use-pin"])
    wrong = other.send("pin-form", pin="999990")
    assert (wrong.status, wrong.name) == (400, "pin")
    other.send("pin-form", pin=PIN)
    assert "code" in query(other.at.refresh)


def test_prompt_none_says_what_would_have_been_asked(site, visitor):
    """OIDC Core 3.1.2.6."""
    nobody = visitor.client.get(site.authorize_url(prompt="none"))
    assert query(nobody.headers["Location"])["error"] == "login_required"
    consenting(site, visitor)
    asked = visitor.client.get(site.authorize_url(prompt="none"))
    assert query(asked.headers["Location"])["error"] == "consent_required"


def test_prompt_login_asks_again_and_does_not_go_round(site, visitor):
    """OIDC Core 3.1.2.1: prompt=login re-authenticates, once."""
    consenting(site, visitor)
    visitor.send("consent-form", "allow", purpose="EHR-SHARE")
    site.clock.tick(HOUR / 60)

    visitor.get(site.authorize_url(prompt="login"))
    assert visitor.at.name == "login"
    visitor.sign_in()
    assert visitor.at.name == "step_up"
    visitor.get(visitor.at.links["use-pin"])
    visitor.send("pin-form", pin=PIN)

    assert visitor.at.name == "continue"


def test_prompt_consent_asks_again_and_a_no_withdraws(site, visitor):
    """DECISIONS 18: a remembered answer is overridden only by prompt=consent; a no then ends what ran."""
    consenting(site, visitor)
    visitor.send("consent-form", "allow", purpose="EHR-SHARE")
    site.clock.tick(HOUR / 60)

    visitor.get(site.authorize_url(prompt="consent"))
    assert visitor.at.name == "consent"
    visitor.send("consent-form", "refuse")

    assert visitor.at.name == "continue"


def test_an_authorization_request_may_be_posted(site, visitor):
    """OIDC Core 3.1.2.1: POST; another site's form brings no Lax cookie, so it comes again as a GET."""
    address, fields = site.authorize_url(login_hint="3999000010035").split("?")
    data = query("?" + fields)
    answer = visitor.client.post(address, data=data, headers={"Origin": "https://portal.example.test"})

    assert answer.status_code == 303
    assert "3999000010035" not in answer.headers["Location"]
    assert visitor.get(answer.headers["Location"]).name == "login"


def test_a_posted_id_token_hint_is_not_lost(site, visitor):
    """OIDC Core 3.1.2.1: it says whose sign-in is wanted; without it prompt=none would answer for anybody."""
    address, fields = site.authorize_url(prompt="none", id_token_hint="x").split("?")
    answer = visitor.client.post(address, data=query("?" + fields))
    answer = visitor.client.get(answer.headers["Location"])
    assert query(answer.headers["Location"])["error"] == "invalid_request"


def test_the_codes_page_is_the_same_for_unknown_numbers(site, visitor):
    """DECISIONS 2: no answer tells whether a number exists."""
    visitor.get(site.authorize_url())
    visitor.send("login", national_id="1999000010080")

    assert visitor.at.name == "code"
    page = visitor.send("code-form", code="123456")
    assert (page.status, page.name) == (400, "code")


@pytest.mark.parametrize(
    ("typed", "code"),
    [("", "required"), ("399900001003", "length"), ("39990000100x5", "digits"), ("9999000010035", "category"),
     ("3999000010034", "checksum"), ("1101700230708", "not_allowed")],
)  # fmt: skip
def test_a_number_that_cannot_be_right_is_said_on_the_field(site, visitor, typed, code):
    """PAGES: the error summary links to the field."""
    visitor.get(site.authorize_url())
    page = visitor.send("login", national_id=typed)

    assert (page.status, page.name) == (400, "login"), code
    assert "error-summary" in page.attributes
    assert "national_id-error" in page.attributes


def test_five_wrong_codes_are_the_end_of_a_code_and_each_is_kept(site, visitor):
    """DECISIONS 22: a spent try commits first and alone."""
    visitor.get(site.authorize_url())
    visitor.send("login", national_id="3999000010035")
    right = visitor.newest_code()
    for _ in range(5):
        visitor.send("code-form", code="000000" if right != "000000" else "111111")

    page = visitor.post(visitor.at.url, {**dict(visitor.at.forms["resend-form"].fields), "code": right})

    assert page.name == "code"
    assert page.status == 400


def test_a_code_can_be_asked_for_again_after_a_while(site, visitor):
    """RELIABILITY 3: once in 30 s; the page says when."""
    visitor.get(site.authorize_url())
    visitor.send("login", national_id="3999000010035")
    visitor.newest_code()
    data = dict(visitor.at.forms["code-form"].fields)
    early = visitor.post(visitor.at.url.replace("/code", "/resend"), data)
    assert (early.status, early.name) == (429, "code")
    site.clock.tick(HOUR / 60)

    visitor.post(early.url.replace("/code", "/resend"), data)
    assert visitor.at.name == "code"
    visitor.send("code-form", code=visitor.newest_code())
    assert visitor.at.name == "setup_choice"
