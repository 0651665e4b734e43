"""The page of a paper consent: print, sign, send; what is missing is said; the person alone fetches the paper again."""

import io
import re

import pytest
from sqlalchemy import select
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart
from werkzeug.wrappers import request as wrappers

from consent.models import ConsentNotice, ConsentRecord
from idp import scans
from idp.paper_scans import PaperScan
from idp.receipts import qr_svg
from idp.scans import LARGEST
from idp.web.desk_consent import LARGEST_BODY
from idp.web.uploads import Upload
from tests.fakes import DAY
from tests.idp.pictures import photo, with_program
from tests.idp.web.test_desk import CHILD, CLERK, DOCTOR, clerk, drawer, employ, enrolled, opened, visits

__all__ = ["clerk", "drawer"]
JPEG = photo()


def scan(content=JPEG, name="paper.jpg"):
    return (io.BytesIO(content), name)


def sheet(visitor, number="3999000010035"):
    page = opened(visitor, number)
    return visitor.get(page.links["paper-EHR-SHARE"])


def sent(visitor, content, url=None, **fields):
    """Send the form of the open page, large as it may be; the raw answer. The client spools none of it to a disk."""
    form = visitor.at.forms["paper-form"]
    told = dict(form.fields) | {"seen": "1", "life": "year"} | fields
    told["scan"] = FileStorage(io.BytesIO(content), filename="paper.jpg")
    boundary, body = encode_multipart(told)
    kind = f"multipart/form-data; boundary={boundary}"
    return visitor.client.post(url or form.action, data=body, content_type=kind)


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
        ({"scan": scan(JPEG[:-500])}, "scan"),
        ({"scan": scan(with_program(), "paper.pdf")}, "scan"),
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


def test_a_photo_of_a_phone_fits_and_a_film_does_not(site, clerk):
    """Larger forms are taken here alone, and read to their end in memory; beyond that nothing is read."""
    sheet(clerk)
    url = clerk.at.forms["paper-form"].action
    assert sent(clerk, JPEG + bytes(LARGEST - len(JPEG))).status_code == 303

    film = {"data": b"-" * (LARGEST_BODY + 1), "content_type": "multipart/form-data; boundary=b"}
    assert clerk.client.post(url, **film).status_code == 413
    assert len(papers(site)) == 1


def test_a_picture_that_is_too_large_is_said_and_nothing_else_is_lost(site, clerk):
    """What was ticked stays ticked; the page says what to do; the file was not kept, not even in memory."""
    sheet(clerk)

    answer = sent(clerk, JPEG + bytes(2 * LARGEST))

    assert answer.status_code == 400
    assert "ไฟล์นี้ใหญ่เกินไป" in answer.text
    assert re.search(r'id="seen"[^>]* checked', answer.text)
    assert re.search(r'id="life-year"[^>]* checked', answer.text)
    assert papers(site) == []
    assert clerk.send("paper-form", "enter", scan=scan(), seen="1", life="year").name == "desk_visit"


def test_an_upload_lets_go_of_what_is_too_large(monkeypatch):
    """However long somebody sends: what is in memory stays below the largest picture."""
    monkeypatch.setattr(scans, "LARGEST", 10)
    stream = Upload()

    assert [stream.write(b"12345") for _ in range(5)] == [5] * 5
    assert (stream.too_large, stream.getvalue()) == (True, b"")


def test_only_who_is_signed_in_as_staff_may_send_a_large_form(site, clerk):
    """Everybody else gets the limit of every other page: nothing of it is parsed."""
    sheet(clerk)
    stranger = site.visitor()
    stranger.at = clerk.at
    content = JPEG + bytes(100_000)

    assert sent(stranger, content).status_code == 413
    stranger.get("/me")
    stranger.sign_in()
    stranger.at = clerk.at
    assert sent(stranger, content).status_code == 413
    site.clock.tick(DAY)
    assert sent(clerk, content).status_code == 413


def test_no_part_of_a_picture_touches_a_disk(site, clerk, monkeypatch):
    """It is sealed before it is kept, so no temporary file may hold it."""

    def refuse(*_arguments, **_more):
        raise AssertionError("what werkzeug would do: a temporary file beyond 500 kB")

    monkeypatch.setattr(wrappers, "default_stream_factory", refuse)
    sheet(clerk)

    assert sent(clerk, JPEG + bytes(1_000_000)).status_code == 303
    assert len(papers(site)) == 1


def test_the_printed_sheet_leads_to_the_published_words(site, clerk):
    """Number, version, fingerprint and a QR code stand on it: years later it still says which words were signed."""
    page = sheet(clerk)

    with site.work.sessions.reading() as session:
        row = session.scalars(
            select(ConsentNotice)
            .where(ConsentNotice.purpose == "EHR-SHARE", ConsentNotice.locale == "th")
            .order_by(ConsentNotice.version.desc())
        ).first()
    address = f"{site.app.extensions['yinyom'].settings.issuer}/notices/{row.id}/{row.version}"
    assert address in page.text
    assert qr_svg(address) in page.html
    assert site.app.test_client().get(f"/notices/{row.id}/{row.version}").status_code == 200
    words = re.search(r'id="notice-sha256">([0-9a-f]{64})<', page.html).group(1)
    clerk.send("paper-form", "enter", scan=scan(), seen="1", life="year")
    with site.work.sessions.reading() as session:
        record = session.scalars(select(ConsentRecord).where(ConsentRecord.purpose == "EHR-SHARE")).one()
    assert (record.notice_id, record.notice_version, record.notice_sha256) == (row.id, row.version, words)


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
