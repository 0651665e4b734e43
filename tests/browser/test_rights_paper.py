"""Rights on paper, pauses, data sent on, and a breach that two officers tell of, in a real browser; read by axe."""

from datetime import UTC, datetime

import pytest

from idp import directory
from idp.directory import seed as directory_seed
from tests.browser.test_counter import at_work, invited
from tests.browser.test_desk import card_in
from tests.browser.test_rights import WIDTHS, in_their_account, read

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
SECOND = "8999000010125"
NOBODY, AT_THE_COUNTER = "3999000010043", "1999000010152"


def second_officer(live):
    """A code for another data protection officer."""
    person = live.citizen(SECOND)
    with live.world.sessions.writing() as session:
        now = datetime.now(UTC)  # noqa: TID251 -- as the server
        directory.assign(session, subject_id=live.subject_of(person), role="dpo", granted_by=None, now=now)
    return invited(live, SECOND)


@WIDTHS
def test_s31_one_sees_what_goes_where_and_takes_it_back(live, visitor, kind, locale):
    """PDPA s.31: what goes, to whom, until when; nothing chosen, chosen, and what was sent before."""
    person = in_their_account(visitor, live, kind, locale)
    person.press("#send-on")
    read(person, "empty")
    person.press("#send")
    read(person, "wrong")
    person.page.locator("#receiver-1").check()
    with live.stopped("worker"):
        person.press("#send")
        read(person, "sent")
        person.press("[id^=stop-]")
        read(person, "taken-back")

    assert person.found == {}


@WIDTHS
def test_s34_a_pause_is_seen_by_both(live, visitor, kind, locale):
    """PDPA s.34: the officer pauses and announces the end; the person reads it and may end it."""
    citizen = in_their_account(visitor, live, kind, locale)
    citizen.press("#ask-restriction")
    citizen.page.locator("#words").fill("กำลังตรวจสอบ")
    citizen.press("#send")
    case = citizen.page.url.rpartition("/")[2]
    officer = visitor(kind, locale)
    at_work(officer, live, invited(live, directory_seed.OFFICER))
    opened(officer, live, case)
    officer.press("#pause-it")
    read(officer, "pause-wrong")
    officer.page.locator("#pause").select_option("every")
    officer.press("#pause-it")
    opened(officer, live, case)
    read(officer, "paused")
    officer.press("[id^=end-1]")
    read(officer, "ending")
    citizen.page.reload()
    read(citizen, "paused")
    citizen.press("#back")
    read(citizen, "paused")
    citizen.press("button[id^=end-]")
    read(citizen, "over")

    assert (citizen.found, officer.found) == ({}, {})


def opened(officer, live, case):
    """A request with its words."""
    officer.page.goto(f"{live.issuer}/dpo/cases/{case}")
    officer.press("#open")


@WIDTHS
def test_s30_a_letter_and_its_answer_on_paper(live, visitor, kind, locale):
    """The form with its faults, an answer to print, and the note that it left."""
    officer = visitor(kind, locale)
    at_work(officer, live, invited(live, directory_seed.OFFICER))
    page = officer.page
    officer.press("#way-letters")
    read(officer, "empty")
    officer.press("#enter")
    read(officer, "wrong")
    page.locator("#number").fill(NOBODY)
    page.locator("#name").fill("สมชาย ใจสมมติ")
    page.locator("#evidence").select_option("id_copy")
    page.locator("#kind").select_option("access" if kind == "phone" else "objection")
    page.locator("#words").fill("ขอสำเนาข้อมูลเป็นกระดาษ")
    officer.press("#enter")
    assert officer.name() == "dpo_case", page.url
    officer.press("#open")
    read(officer, "by-post")
    page.locator("#words").last.fill("แนบสำเนามาพร้อมนี้")
    officer.press("#answer")
    officer.press("#open")
    read(officer, "answered")
    officer.press("#print")
    read(officer)
    officer.press("#back")
    officer.press("#open")
    officer.press("#note-sent")
    read(officer, "sent")

    assert officer.found == {}


@WIDTHS
def test_s30_a_right_at_the_counter(live, visitor, kind, locale):
    """A form, its faults, and a slip to take home."""
    clerk = visitor(kind, locale)
    at_work(clerk, live, invited(live, directory_seed.CLERK))
    card_in(clerk, live, AT_THE_COUNTER)
    assert clerk.name() == "desk_card", clerk.page.url
    clerk.press("#to-visit" if clerk.page.locator("#to-visit").count() else "#open")
    clerk.press("#use-right")
    read(clerk, "empty")
    clerk.press("#enter")
    read(clerk, "wrong")
    clerk.page.locator("#kind").select_option("rectification")
    clerk.page.locator("#words").fill("วันเกิดผิด")
    clerk.press("#enter")
    read(clerk)

    assert clerk.found == {}


@WIDTHS
def test_s37_4_a_breach_is_told_by_two(live, visitor, kind, locale):
    """Weighed, weighed again, asked for by one, confirmed by another, and how far the messages have come."""
    first, second = visitor(kind, locale), visitor(kind, locale)
    at_work(first, live, invited(live, directory_seed.OFFICER))
    at_work(second, live, second_officer(live))
    page = first.page
    page.goto(f"{live.issuer}/dpo/breaches")
    page.locator("#client_id").fill("clinic")
    page.locator("#facts").fill("ส่งไฟล์ผิดคน")
    first.press("#start")
    for risk in ("none", "high"):
        page.locator("#risk").select_option(risk)
        page.locator("#affected").fill("1")
        page.locator("#assessment").fill("ตรวจแล้ว")
        first.press("#weigh")
    read(first, "weighed-again")
    first.press("#tell")
    read(first, "asked")
    second.page.goto(page.url)
    read(second, "to-confirm")
    second.press("#confirm")
    read(second, "telling")

    assert (first.found, second.found) == ({}, {})
