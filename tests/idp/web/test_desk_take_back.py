"""The page that takes a consent back at the counter: what runs here, one button, and a slip that says what ended."""

import pytest
from sqlalchemy import select

from consent.models import ConsentWithdrawal
from tests.fakes import DAY
from tests.idp.web.test_desk import CHILD, CLERK, DOCTOR, clerk, drawer, employ, enrolled, opened, visits
from tests.idp.web.test_desk_consent import scan, sheet

__all__ = ["clerk", "drawer"]


def given(visitor, life="year"):
    """At the page, with one consent that was signed on paper."""
    sheet(visitor)
    visitor.send("paper-form", "enter", scan=scan(), seen="1", life=life)
    return visitor.get(visitor.at.links["take-back"])


def ended(site):
    with site.work.sessions.reading() as session:
        return session.scalars(select(ConsentWithdrawal)).all()


@pytest.mark.parametrize(("lang", "words"), [("th", "ถอนแล้วที่จุดบริการนี้"), ("en", "Taken back at this counter")])
def test_s19_a_consent_is_taken_back_at_the_counter_that_took_it(site, clerk, lang, words):
    """PDPA s.19, as easily as it was given: two pages, no paper; the slip to take home says what ended."""
    page = given(clerk)
    assert page.name == "desk_take_back"
    assert "ให้ที่นี่ดูประวัติจากที่อื่น" in page.text
    assert CLERK not in page.html
    (pick,) = [one for one in page.attributes if one.startswith("pick-")]

    done = clerk.send("take-back-form", "take", picked=page.attributes[pick]["value"])

    assert done.name == "desk_slip"
    told = clerk.get(f"{done.url}?lang={lang}")
    assert words in told.text
    assert "taken" in told.attributes
    (row,) = ended(site)
    assert row.reason == "counter"
    visit = clerk.get(told.links["back"])
    assert clerk.get(visit.links["take-back"]).attributes["none"]


def test_a_second_tap_leads_to_the_same_slip(site, clerk):
    """Nothing ends twice, and nothing says that it failed."""
    page = given(clerk)
    form = dict(page.forms["take-back-form"].fields) | {"picked": page.attributes["pick-1"]["value"]}

    assert [clerk.post(page.url, form).name for _ in range(2)] == ["desk_slip", "desk_slip"]

    assert len(ended(site)) == 1


def test_without_a_choice_the_page_asks_for_one(site, clerk):
    """And what is no consent of this person here is not found."""
    page = given(clerk)

    again = clerk.send("take-back-form", "take")

    assert (again.status, again.name) == (400, "desk_take_back")
    assert 'href="#picked"' in again.html
    assert "เลือกอย่างน้อยหนึ่งรายการ" in again.text
    form = dict(page.forms["take-back-form"].fields) | {"picked": str(visits(site)[0].id)}
    assert clerk.post(page.url, form).status == 404
    assert ended(site) == []


def test_a_child_without_a_link_gets_words_and_no_form(clerk):
    """PDPA s.20: first the relation, then what it allows."""
    opened(clerk, CHILD)

    page = clerk.get(clerk.at.links["take-back"])

    assert "why-not" in page.attributes
    assert "take-back-form" not in page.forms


def test_a_visit_that_is_over_leads_back_to_it(site, clerk):
    """Whoever stood here yesterday stands here no more."""
    page = given(clerk)
    form = dict(page.forms["take-back-form"].fields) | {"picked": page.attributes["pick-1"]["value"]}
    site.clock.tick(DAY)
    late = enrolled(site, employ(site, DOCTOR, ("clerk", "99001"))[1])
    form["csrf"] = dict(late.at.forms["preferences"].fields)["csrf"]

    assert late.post(page.url, form).name == "desk_visit"
    assert "take-back" not in late.at.links
    assert late.get(page.url).name == "desk_visit"
    assert ended(site) == []
