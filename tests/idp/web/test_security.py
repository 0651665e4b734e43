"""Devices, notices, “not me”, freshness and a new phone, as a browser meets them (O42, O45-O48; PAGES)."""

import re

import pytest

from idp import alerts, subjects, worker
from idp.contact import fake
from idp.login import pin
from tests.fakes import DAY, HOUR, MINUTE
from tests.idp.web.visitor import PIN, SOMCHAI

CODE = re.compile(r"[A-Z]{4}(?:-[A-Z2-9]{4}){2}")


@pytest.fixture
def messages(site):
    """Texts of the sandbox's phone, newest first."""

    def read(kind="sms"):
        worker.run_once(site.work)
        with site.work.sessions.reading() as session:
            return [one.text for one in fake.inbox(session) if one.kind == kind]

    return read


def came_in(visitor, *, page="/me/security"):
    """Sign in by the code alone, for a page of our own."""
    visitor.get(page)
    return visitor.sign_in()


def with_pin(site, visitor):
    """Somebody who has a PIN and is signed in with it."""
    with site.work.sessions.writing() as session:
        pin.set_pin(session, site.citizen, PIN, now=site.clock())
    visitor.get("/sign-in?next=/me/security&aal=2.1")
    visitor.sign_in()
    visitor.get(visitor.at.links["use-pin"])
    return visitor.send("pin-form", pin=PIN)


def told_of(texts, kind):
    """How many messages tell of this kind."""
    return sum(alerts.WORDS[kind][0] in text for text in texts)


def test_a_new_device_is_told_once_and_a_known_one_not(site, visitor, messages):
    """O42; ASVS 6.3.5: the cookie of a known device outlives signing out."""
    came_in(visitor)
    assert told_of(messages(), "new_device") == 1

    visitor.post("/sign-out", dict(visitor.at.forms["add-form"].fields))
    site.clock.tick(HOUR)
    came_in(visitor)
    assert told_of(messages(), "new_device") == 1

    site.clock.tick(HOUR)
    came_in(site.visitor())
    assert told_of(messages(), "new_device") == 2


def test_a_shared_device_is_signed_out_soon_keeps_no_mark_and_no_passkey(site, visitor, messages):
    """PAGES: "this device is shared" drops the passkey; a session cookie, a short idle limit."""
    visitor.get("/me/security")
    visitor.send("shared-form", button="shared-device")
    visitor.sign_in()

    assert "add-passkey" not in visitor.at.html
    assert visitor.client.get_cookie("yinyom-device") is None
    site.clock.tick(5 * MINUTE)
    assert visitor.get("/me/security").name == "login"
    visitor.sign_in()
    assert told_of(messages(), "new_device") == 2


def test_who_said_shared_by_mistake_takes_it_back(visitor):
    """No choice is a trap."""
    visitor.get("/me/security")
    visitor.send("shared-form", button="shared-device")
    assert "is-shared" in visitor.at.html

    visitor.send("shared-form", button="own-device")
    visitor.sign_in()

    assert visitor.client.get_cookie("yinyom-device") is not None


def test_signing_out_everywhere_ends_this_device_too(site, visitor):
    """O46."""
    other = site.visitor()
    came_in(other)
    site.clock.tick(MINUTE)
    came_in(visitor)

    visitor.send("end-all-form")

    assert visitor.at.name == "signed_out"
    assert visitor.get("/me/security").name == "login"
    assert other.get("/me/security").name == "login"


def test_adding_a_way_needs_a_sign_in_of_the_last_ten_minutes_and_asks_for_it_once(site, visitor):
    """O47; ASVS 7.5.1: and no loop."""
    came_in(visitor)
    site.clock.tick(11 * MINUTE)
    visitor.get("/me/security")

    visitor.send("add-form", button="add-pin")
    assert visitor.at.name == "login"
    visitor.sign_in()
    assert visitor.at.name == "me_security"
    visitor.send("add-form", button="add-pin")
    assert visitor.at.name == "setup_pin"
    visitor.send("setup-pin-form", pin=PIN, pin_again=PIN)
    assert visitor.at.name == "me_security"


def test_a_page_for_a_new_way_that_was_left_open_asks_again(site, visitor):
    """O47: the form is as fresh as the sign-in, and leads back to itself."""
    came_in(visitor)
    visitor.send("add-form", button="add-pin")
    site.clock.tick(11 * MINUTE)

    visitor.send("setup-pin-form", pin=PIN, pin_again=PIN)
    assert visitor.at.name == "login"
    visitor.sign_in()

    assert visitor.at.name == "setup_pin"


def test_the_code_of_a_notice_disowns_without_a_sign_in(site, visitor, messages):
    """PAGES: a code to disown. What was signed in is out; the next sign-in gets no SMS for a day."""
    came_in(visitor)
    code = CODE.search(messages()[0])[0]
    owner = site.visitor()

    owner.get("/not-me")
    owner.send("not-me-form", notice_code=code.lower())

    assert owner.at.status == 200
    assert "done" in owner.at.texts
    site.clock.tick(MINUTE)
    assert visitor.get("/me/security").name == "login"
    before = len(messages())
    visitor.send("login", national_id=SOMCHAI)
    assert visitor.at.name == "code"
    assert len(messages()) == before


@pytest.mark.parametrize("typed", ["", "abc", "ABCD-EFGH-JKLM", "%00", "ABCD EFGH JKLM" * 99])
def test_a_wrong_code_says_so_and_nothing_else(visitor, typed):
    """The same for whoever asks."""
    visitor.get("/not-me")
    visitor.send("not-me-form", notice_code=typed)

    assert visitor.at.status == 400
    assert "notice_code-error" in visitor.at.html


def test_after_a_disowned_pin_a_code_alone_adds_no_other(site, visitor, messages):
    """Whoever reads the phone must not replace what they took away."""
    came_in(visitor)
    visitor.send("add-form", button="add-pin")
    visitor.send("setup-pin-form", pin=PIN, pin_again=PIN)
    code = next(CODE.search(text)[0] for text in messages() if alerts.WORDS["pin_set"][0] in text)
    visitor.get("/not-me")
    visitor.send("not-me-form", notice_code=code)
    site.clock.tick(DAY)

    came_in(visitor)
    visitor.send("add-form", button="add-pin")

    assert visitor.at.status == 403


def test_a_new_phone_needs_two_factors_just_now(site, visitor):
    """O47: change of the phone."""
    came_in(visitor)
    visitor.get("/me/security/phone")
    assert visitor.at.name != "me_phone"

    visitor = site.visitor()
    site.clock.tick(MINUTE)
    with_pin(site, visitor)
    assert visitor.get("/me/security/phone").name == "me_phone"
    site.clock.tick(11 * MINUTE)
    assert visitor.get("/me/security/phone").name == "login"


def test_a_new_phone_waits_a_day_and_the_owner_can_stop_it(site, visitor, messages):
    """R8 by another bound factor."""
    with_pin(site, visitor)
    visitor.get("/me/security/phone")
    visitor.send("phone-form", phone="021234567")
    assert visitor.at.status == 400
    visitor.send("phone-form", phone="081-234-5678")
    assert visitor.at.name == "me_phone"
    visitor.send("code-form", code="000")
    assert visitor.at.status == 400
    visitor.send("code-form", code=visitor.newest_code())

    assert "waiting" in visitor.at.html
    assert told_of(messages(), "phone_change_started") == 1
    visitor.send("stop-form")
    site.clock.tick(DAY)
    assert told_of(messages(), "phone_changed") == 0


def test_a_new_phone_takes_effect_when_nobody_objects(site, visitor, messages):
    """The worker does it; every session ends."""
    with_pin(site, visitor)
    visitor.get("/me/security/phone")
    visitor.send("phone-form", phone="0812345678")
    visitor.send("code-form", code=visitor.newest_code())

    site.clock.tick(DAY)

    assert told_of(messages(), "phone_changed") == 2  # the old phone and the new one
    assert visitor.get("/me/security").name == "login"


@pytest.mark.parametrize("page", ["/recover", "/not-me"])
def test_who_lost_everything_reads_on_without_signing_in(visitor, page):
    """O43: no number is asked for, so nothing can be learnt."""
    visitor.get(page)

    assert visitor.at.status == 200
    assert "national_id" not in visitor.at.html


@pytest.mark.parametrize("address", ["/shared-device", "/interaction/x/cancel"])
def test_reloading_a_posted_address_is_no_dead_end(visitor, address):
    """PAGES."""
    assert visitor.get(address).status in (200, 404)


def test_whoever_must_confirm_first_finds_the_way_on_the_page(site, visitor):
    """PAGES: no dead end: after a code alone the ways are locked, and one press away."""
    with_pin(site, site.visitor())
    site.clock.tick(HOUR)
    came_in(visitor)
    assert "add-pin" not in visitor.at.html

    visitor.get(visitor.at.links["confirm-first"])
    visitor.get(visitor.at.links["use-pin"])
    visitor.send("pin-form", pin=PIN)

    assert (visitor.at.name, "add-pin" in visitor.at.html) == ("me_security", True)
    assert "confirm-first" not in visitor.at.links


def test_a_step_before_another_phone_does_not_speak_of_health_data(site, visitor):
    """The page says what the step is for."""
    with_pin(site, site.visitor())
    site.clock.tick(HOUR)
    came_in(visitor)

    visitor.get("/me/security/phone")

    assert visitor.at.name == "step_up"
    assert "ข้อมูลสุขภาพต้องยืนยัน" not in visitor.at.text


def test_messages_speak_the_language_that_was_chosen_last(site, visitor):
    """PAGES: English equal; a switch by whoever is signed in counts for notices, too."""
    came_in(visitor)
    csrf = dict(visitor.at.forms["preferences"].fields)["csrf"]

    visitor.post("/locale", {"csrf": csrf, "lang": "en", "next": "/me/security"})

    with site.work.sessions.reading() as session:
        ring = site.work.rings.at(site.clock())
        assert subjects.find_by_national_id(session, ring, SOMCHAI).locale == "en"
