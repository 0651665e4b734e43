"""The page of alerts: three choices and the reminder, with what was said lately (PAGES)."""

from idp import alerts, watching
from tests.fakes import HOUR
from tests.idp.web.test_citizen import agreed

PATH = "/me/alerts"


def wish(site):
    with site.work.sessions.reading() as session:
        return watching.wish_of(session, site.citizen)


def test_the_choice_is_kept_and_shown(site, visitor):
    """First looks and reminders unless somebody chose; the newest choice counts."""
    agreed(site, visitor)
    page = visitor.get(PATH)
    assert page.name == "me_alerts"
    assert 'value="first" checked' in page.html

    saved = visitor.post(PATH, {"csrf": dict(page.forms["alerts-form"].fields)["csrf"], "level": "emergency"})

    assert "บันทึกที่คุณเลือกแล้ว" in saved.text
    assert 'value="emergency" checked' in saved.html
    assert (wish(site).level, wish(site).reminders) == (watching.Level.emergency, False)


def test_a_choice_that_is_none_is_said_on_the_field(site, visitor):
    """Errors are kept with what was typed."""
    agreed(site, visitor)
    page = visitor.get(PATH)

    csrf = dict(page.forms["alerts-form"].fields)["csrf"]
    again = visitor.post(PATH, {"csrf": csrf, "level": "everything", "reminders": "yes"})

    assert again.status == 400
    assert "โปรดเลือกหนึ่งในสามข้อ" in again.text
    assert 'name="reminders" value="yes" checked' in again.html


def test_hearing_less_needs_a_fresh_sign_in(site, visitor):
    """O47: a session that somebody left open cannot silence the messages."""
    agreed(site, visitor)
    page = visitor.get(PATH)
    csrf = dict(page.forms["alerts-form"].fields)["csrf"]
    site.clock.tick(HOUR / 4)

    asked = visitor.post(PATH, {"csrf": csrf, "level": "emergency", "reminders": "yes"})

    assert asked.name != "me_alerts"
    assert wish(site).level is watching.Level.first


def test_what_was_said_lately_is_shown(site, visitor):
    """With its reference, so that a message can be told from a forged one."""
    agreed(site, visitor)
    with site.work.sessions.writing() as session:
        ring = site.work.rings.at(site.clock())
        notice = alerts.tell(session, ring, subject_id=site.citizen, kind="first_access", now=site.clock())
        ref = notice.ref

    page = visitor.get(PATH)

    assert ref in page.text
    assert "เปิดข้อมูลของคุณเป็นครั้งแรก" in page.texts["told"]


def test_the_page_speaks_english_too(site, visitor):
    """English equal."""
    agreed(site, visitor)
    visitor.client.set_cookie("lang", "en")

    assert "The first time an organisation opens my health data" in visitor.get(PATH, **{"Accept-Language": "en"}).text
