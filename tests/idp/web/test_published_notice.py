"""The page of a published notice: where FHIR's `policy.uri`, receipts and papers point (PDPA s.23, IHE PCF)."""

import hashlib
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from consent import notices, purposes
from consent.models import ConsentNotice
from tests.fakes import HOUR
from tests.idp.web.test_citizen import agreed


def row_of(site, purpose="EHR-SHARE", locale="th", version=1):
    with site.work.sessions.reading() as session:
        one = session.scalars(
            select(ConsentNotice).where(
                ConsentNotice.purpose == purpose, ConsentNotice.locale == locale, ConsentNotice.version == version
            )
        ).one()
        return one.id, one.version, one.sha256, one.body


def reworded(site, monkeypatch, *, th="ถ้อยคำที่เรียบเรียงใหม่"):
    """A new Thai wording, published an hour later."""
    row = purposes.get("EHR-SHARE")
    changed = replace(row, text=purposes.Bilingual(th, row.text.en))
    monkeypatch.setitem(purposes._PURPOSES, "EHR-SHARE", changed)
    with site.work.sessions.writing() as session:
        assert notices.publish_catalogue(session, now=site.clock() + HOUR) == 1


@pytest.mark.parametrize("locale", ["th", "en"])
def test_s23_anybody_reads_the_published_words_with_their_fingerprint(site, visitor, locale):
    """Without a sign-in, in the notice's own language whatever the page's: title, words, data, what happens on no."""
    notice_id, version, sha256, _ = row_of(site, locale=locale)
    row = purposes.get("EHR-SHARE")

    page = visitor.get(f"/notices/{notice_id}/{version}?lang=en")

    assert (page.status, page.name) == (200, "published_notice")
    said = [row.name, row.text, row.if_refused, *(purposes.category(code).name for code in row.data_categories)]
    for words in said:
        assert words.in_(locale) in page.text
    assert page.texts["sha256"] == sha256
    assert f'lang="{locale}"' in page.html


def test_the_file_beside_it_is_the_bytes_that_were_hashed(site):
    """`sha256sum` of the file is the hash on the page: nobody needs to believe us. It never changes: kept for ever."""
    notice_id, version, sha256, body = row_of(site)
    client = site.app.test_client()

    answer = client.get(f"/notices/{notice_id}/{version}.json")
    again = client.get(f"/notices/{notice_id}/{version}.json", headers={"If-None-Match": answer.headers["ETag"]})

    assert answer.data.decode() == body
    assert hashlib.sha256(answer.data).hexdigest() == sha256
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Set-Cookie" not in answer.headers
    assert (again.status_code, again.data) == (304, b"")


def test_the_page_itself_is_kept_by_nobody(site, visitor):
    """It wears this browser's form token and the sections of who is signed in."""
    notice_id, version, *_ = row_of(site)

    assert visitor.get(f"/notices/{notice_id}/{version}").headers["Cache-Control"] == "no-store"


def test_it_leads_to_the_same_words_in_the_other_language_and_back(site, visitor):
    """Thai first, English equal."""
    thai, english = (row_of(site, locale=locale)[0] for locale in ("th", "en"))

    page = visitor.get(f"/notices/{thai}/1")

    assert page.links["other-language"] == f"/notices/{english}/1"
    assert visitor.get(page.links["other-language"]).links["other-language"] == f"/notices/{thai}/1"


def test_an_old_version_stays_and_says_so(site, visitor, monkeypatch):
    """PDPA s.23: a new wording never replaces the one that somebody answered, at its own address."""
    old = row_of(site)
    reworded(site, monkeypatch)
    new, english = row_of(site, version=2), row_of(site, locale="en")

    before, now = visitor.get(f"/notices/{old[0]}/1"), visitor.get(f"/notices/{new[0]}/2")

    assert "older" in before.attributes
    assert before.texts["sha256"] == old[2]
    assert "ถ้อยคำที่เรียบเรียงใหม่" not in before.text
    assert "older" not in now.attributes
    assert "ถ้อยคำที่เรียบเรียงใหม่" in now.text
    assert f"/notices/{old[0]}/1" in now.html, "the versions lead to each other"
    assert before.links["other-language"] == f"/notices/{english[0]}/1"
    assert now.links["other-language"] == f"/notices/{english[0]}/1", "what held in English then"


@pytest.mark.parametrize("ending", ["", ".json"])
def test_what_was_never_published_is_not_found_and_says_what_to_compare(site, ending):
    """An id of nobody, another version of a real one, and what is no id."""
    notice_id, *_ = row_of(site)
    client = site.app.test_client()

    for path in (f"{uuid4()}/1", f"{notice_id}/2", f"{notice_id}/0", "x/1", f"{notice_id}/99999999999999999999"):
        answer = client.get(f"/notices/{path}{ending}")
        assert answer.status_code == 404, path
    page = client.get(f"/notices/{uuid4()}/1?lang=th").text
    assert "โปรดเทียบที่อยู่กับกระดาษหรือใบรับของคุณทีละตัว" in page


def test_a_receipt_leads_to_the_published_words(site, visitor):
    """Who was asked finds what was published, and its fingerprint, from their own receipt."""
    record = agreed(site, visitor)

    page = visitor.get(f"/me/consents/{record}/receipt")
    words = visitor.get(page.links["to-notice"])

    assert (words.status, words.name) == (200, "published_notice")
    assert UUID(page.links["to-notice"].split("/")[2])
