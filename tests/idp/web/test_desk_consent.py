"""The page of a paper consent: print, sign, send; what is missing is said; the person alone fetches the paper again."""

import io

import pytest
from sqlalchemy import select

from idp.paper_scans import LARGEST, PaperScan
from idp.web.desk_consent import LARGEST_BODY
from tests.fakes import DAY
from tests.idp.web.test_desk import CHILD, CLERK, DOCTOR, clerk, drawer, employ, enrolled, opened, visits

__all__ = ["clerk", "drawer"]
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 8


def scan(content=JPEG, name="paper.jpg"):
    return (io.BytesIO(content), name)


def sheet(visitor, number="3999000010035"):
    page = opened(visitor, number)
    return visitor.get(page.links["paper-EHR-SHARE"])


def papers(site):
    with site.work.sessions.reading() as session:
        return session.scalars(select(PaperScan)).all()


def test_from_the_visit_to_a_consent_that_is_signed_on_paper(site, clerk):
    """The words to print, the scan, back at the visit; the counter sees no paper again."""
    page = sheet(clerk)
    assert page.name == "desk_consent"
    assert "ให้ที่นี่ดูประวัติจากที่อื่น" in page.text
    assert "สมชาย ใจสมมติ" in page.text

    done = clerk.send("paper-form", "enter", scan=scan(), seen="1", life="visit")

    assert done.name == "desk_visit"
    assert "kept" in done.attributes
    (kept,) = papers(site)
    assert (kept.media_type, kept.signer) == ("image/jpeg", "self")
    assert str(kept.record_id) not in done.url
    assert clerk.get(f"/me/consents/{kept.record_id}/paper").name == "login"


def test_the_person_fetches_their_own_paper_and_nobody_else_does(site, clerk):
    """PDPA s.30: at the level for names; for everybody else there is none."""
    sheet(clerk)
    clerk.send("paper-form", "enter", scan=scan(), seen="1", life="year")
    (kept,) = papers(site)
    person = site.visitor()
    person.get("/me")
    person.sign_in()
    weakly = person.client.get(f"/me/consents/{kept.record_id}/paper")
    assert (weakly.status_code, "/sign-in?" in weakly.headers["Location"]) == (303, True)
    person.get("/sign-in?next=/me&aal=2.1")
    person.set_pin()

    page = person.get(f"/me/consents/{kept.record_id}")
    answer = person.client.get(page.links["paper"])

    assert (answer.status_code, answer.data) == (200, JPEG)
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "withdraw" in page.links


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"seen": ""}, "seen"),
        ({"scan": scan(b"")}, "scan"),
        ({"scan": scan(b"<html><script>", "paper.jpg")}, "scan"),
        ({"life": "ever"}, "life"),
    ],
)
def test_what_is_missing_is_said(site, clerk, fields, fault):
    """One summary with a link to the field; nothing kept."""
    sheet(clerk)

    page = clerk.send("paper-form", "enter", **({"scan": scan(), "seen": "1", "life": "visit"} | fields))

    assert (page.status, page.name) == (400, "desk_consent")
    assert f'href="#{fault}"' in page.html
    assert "ข้อมูลตรงนี้ยังไม่ถูกต้อง" not in page.text  # the summary says what is missing, as the field does
    assert papers(site) == []


def test_a_picture_of_a_whole_page_fits_and_a_film_does_not(site, clerk):
    """Larger forms are taken here alone, and parsed in memory: no picture touches a disk unsealed."""
    sheet(clerk)
    whole = JPEG + bytes(LARGEST - len(JPEG))
    assert clerk.send("paper-form", "enter", scan=scan(whole), seen="1", life="year").name == "desk_visit"
    url = clerk.get(clerk.at.links["paper-EHR-SHARE"]).url

    film = {"data": b"-" * (LARGEST_BODY + 1), "content_type": "multipart/form-data; boundary=b"}
    assert clerk.client.post(url, **film).status_code == 413
    assert len(papers(site)) == 1


def test_a_child_without_a_link_gets_words_and_no_form(clerk):
    """PDPA s.20: first the relation, then the paper."""
    page = sheet(clerk, CHILD)

    assert "why-not" in page.attributes
    assert "paper-form" not in page.forms


def test_a_visit_that_is_over_and_a_purpose_of_others_lead_nowhere(site, clerk):
    """Back to the visit; not found for what this place is not given on paper."""
    url = sheet(clerk).url
    form = dict(clerk.at.forms["paper-form"].fields) | {"seen": "1", "life": "visit"}

    assert clerk.get(url.replace("EHR-SHARE", "INSURE")).status == 404
    assert clerk.get(url.replace("EHR-SHARE", "NOTHING")).status == 404
    site.clock.tick(DAY)
    late = enrolled(site, employ(site, DOCTOR, ("clerk", "99001"))[1])
    form["csrf"] = dict(late.at.forms["preferences"].fields)["csrf"]
    assert late.post(url, form | {"scan": scan()}).name == "desk_visit"
    assert papers(site) == []
    assert visits(site)
    assert CLERK
