"""Rights in a real browser: two languages, two screens, each page read by axe; the officer's desk beside it."""

import pytest

from idp.directory import seed as directory_seed
from tests.browser.test_counter import at_work, invited

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
WIDTHS = pytest.mark.parametrize(("kind", "locale"), [("phone", "th"), ("desktop", "en")])


def read(person, state=""):
    """axe, and nothing that scrolls sideways."""
    person.look(state)
    assert person.sideways() <= 0, person.name()


def in_their_account(visitor, live, kind, locale):
    """Somebody new, signed in by two factors."""
    person = visitor(kind, locale)
    person.page.goto(f"{live.issuer}/sign-in?next=/me/rights&aal=2.1&lang={locale}")
    person.walk(until="rights")
    return person


@WIDTHS
def test_s30_s33_from_my_rights_one_reads_what_happens_and_until_when(live, visitor, kind, locale):
    """PDPA s.30-36: a copy by one button, requests with a clock, an erasure in plain words, the notice."""
    person = in_their_account(visitor, live, kind, locale)
    page = person.page
    with page.expect_download() as download:
        page.locator("#copy").click()
    assert download.value.suggested_filename == "my-data.json"
    person.press("#ask-rectification")
    read(person, "empty")
    person.press("#send")
    read(person, "wrong")
    assert page.evaluate("document.activeElement.id") == "error-summary"
    page.locator("#words").fill("ชื่อสะกดผิด")
    person.press("#send")
    read(person, "open")
    person.press("#back")
    read(person, "listed")
    person.press("#ask-erasure")
    read(person, "erasure")
    page.locator("#sure").check()
    person.press("#send")
    read(person, "erasure-open")
    with page.expect_download() as download:
        page.locator("#papers").click()
    assert download.value.suggested_filename.endswith(".zip")
    page.goto(f"{live.issuer}/privacy")
    read(person)

    assert person.found == {}


@WIDTHS
def test_s41_the_officers_desk(live, visitor, kind, locale):
    """PAGES, DPO: queue with clocks, the forms of an answer, breaches, records of processing."""
    citizen = in_their_account(visitor, live, kind, locale)
    citizen.press("#ask-complaint")
    citizen.page.locator("#words").fill("มีคนเปิดดูข้อมูล")
    citizen.press("#send")
    case = citizen.page.url.rpartition("/")[2]
    officer = visitor(kind, locale)
    page = officer.page
    at_work(officer, live, invited(live, directory_seed.OFFICER))
    assert officer.name() == "dpo"
    read(officer)
    officer.press(f"#open-{case}")
    read(officer, "closed")
    officer.press("#open")
    read(officer, "opened")
    officer.press("#refuse")
    read(officer, "wrong")
    page.locator("#refusal").select_option("not_ours")
    officer.press("#refuse")
    read(officer, "refused")
    for way in ("#way-breaches", "#way-ropa", "#way-holders"):
        page.goto(f"{live.issuer}/dpo")
        officer.press(way)
        read(officer)
    page.goto(f"{live.issuer}/dpo/breaches")
    page.locator("#facts").fill("ส่งไฟล์ผิดคน")
    officer.press("#start")
    read(officer, "new")
    page.locator("#risk").select_option("none")
    page.locator("#affected").fill("1")
    page.locator("#assessment").fill("เข้ารหัสไว้ ไม่มีใครเปิดได้")
    officer.press("#weigh")
    read(officer, "weighed")
    officer.press("#close")
    read(officer, "over")
    citizen.page.reload()
    read(citizen, "refused")

    assert (citizen.found, officer.found) == ({}, {})
