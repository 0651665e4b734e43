"""Requests by post and at the counter, and the way of their answers back on paper (PDPA s.30; the draft rules)."""

import hashlib
import io
from uuid import UUID

import pytest
from sqlalchemy import select
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from consent.rights import cases
from consent.rights.models import RightsCase
from idp import alerts
from idp.abuse import staff as limits
from idp.scans import LARGEST
from tests import leaks
from tests.fakes import NOW
from tests.idp.web.test_desk import CHILD, clerk, drawer, opened
from tests.idp.web.test_rights import as_officer, texts
from tests.idp.web.test_staff import enrolled, events
from tests.idp.web.visitor import SOMCHAI

__all__ = ["clerk", "drawer"]
LETTER = {
    "number": "๓-9990-00010-03-5",
    "name": "นายสมชาย ใจสมมติ",
    "kind": "access",
    "received_on": "2026-11-02",
    "evidence": "id_copy",
    "words": "ขอสำเนาข้อมูลของข้าพเจ้าเป็นกระดาษ",
}


@pytest.fixture
def officer(site):
    """A data protection officer who is not the person concerned."""
    return as_officer(site)


def entered(officer, **changes):
    officer.get("/dpo/letters")
    return officer.send("letter-form", **{**LETTER, **changes})


def kept(site):
    with site.work.sessions.reading() as session:
        return session.scalars(select(RightsCase)).all()


def test_s30_a_letter_is_a_request_whose_clock_runs_from_the_day_it_came(site, officer):
    """Draft DSAR rules: post is a way; the person sees it, by which way, on what evidence, until when."""
    page = entered(officer)
    assert page.name == "dpo_case", page.text[:200]
    assert "02 ธันวาคม 2569" in page.texts["due"] or "2 ธันวาคม 2569" in page.texts["due"]
    (case,) = kept(site)
    assert (case.subject_id, case.channel, case.evidence, case.letter_sha256) == (site.citizen, "post", "id_copy", None)
    assert "ขอสำเนา".encode() not in case.words
    assert any(alerts.WORDS["rights_entered"][0] in text for text in texts(site))

    somchai = site.visitor()
    somchai.get("/me/rights")
    somchai.sign_in()
    page = somchai.get(f"/me/rights/{case.id}")
    assert "ทางไปรษณีย์" in page.texts["channel"]
    assert "สำเนาบัตรประชาชน" in page.texts["channel"]
    assert LETTER["words"] in page.texts["words"]


def test_the_scan_of_a_letter_leaves_its_fingerprint_and_nothing_else(site, officer):
    """What identified them is noted; the picture itself stays in the paper file."""
    scan = b"%PDF-1.7 " + b"x" * 300_000
    entered(officer, scan=(io.BytesIO(scan), "letter.pdf"))
    (case,) = kept(site)
    assert case.letter_sha256 == hashlib.sha256(scan).hexdigest()
    assert case.letter_sha256 in officer.get(f"/dpo/cases/{case.id}").html


def test_a_scan_that_is_too_large_is_said_at_its_field_and_nothing_typed_is_lost(site, officer):
    """What was typed stays; the file was not kept, not even in memory, and has no fingerprint."""
    officer.get("/dpo/letters")
    film = FileStorage(io.BytesIO(b"%PDF-1.7 " + bytes(2 * LARGEST)), filename="letter.pdf")
    boundary, body = encode_multipart({**dict(officer.at.forms["letter-form"].fields), **LETTER, "scan": film})
    kind = f"multipart/form-data; boundary={boundary}"
    answer = officer.client.post("/dpo/letters", data=body, content_type=kind)

    assert (answer.status_code, 'id="scan-error"' in answer.text) == (400, True)
    assert LETTER["words"] in answer.text
    assert LETTER["name"] in answer.text
    assert kept(site) == []
    assert officer.send("letter-form", **LETTER, scan=(io.BytesIO(b"%PDF-1.7 "), "letter.pdf")).name == "dpo_case"


def test_only_who_is_signed_in_as_staff_may_send_a_large_letter(site, officer):
    """Everybody else gets the limit of every other page: nothing of it is parsed."""
    officer.get("/dpo/letters")
    stranger = site.visitor()
    stranger.at = officer.at
    form = {**dict(officer.at.forms["letter-form"].fields), **LETTER}

    def sent(visitor):
        told = {**form, "scan": (io.BytesIO(bytes(100_000)), "letter.pdf")}
        return visitor.client.post("/dpo/letters", data=told, content_type="multipart/form-data").status_code

    assert sent(stranger) == 413
    stranger.get("/me")
    stranger.sign_in()
    assert sent(stranger) == 413
    assert sent(officer) == 303


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"number": ""}, "number"),
        ({"name": " "}, "name"),
        ({"words": ""}, "words"),
        ({"kind": "emergency"}, "kind"),
        ({"evidence": "card"}, "evidence"),
        ({"received_on": "2026-11-24"}, "received_on"),
        ({"received_on": "2025-11-01"}, "received_on"),
        ({"received_on": "yesterday"}, "received_on"),
    ],
)
def test_what_a_letter_lacks_is_said_at_its_field_and_nothing_typed_is_lost(site, officer, wrong, field):
    """Errors stand at the field with what was typed; nothing is opened."""
    page = entered(officer, **wrong)
    assert (page.status, f"{field}-error" in page.attributes) == (400, True)
    if field != "words":
        assert LETTER["words"] in page.html
    assert kept(site) == []


@pytest.mark.parametrize("wrong", [{"name": "สมชาย ตัวอย่างดี"}, {"number": "3999000010043"}, {"number": "12345"}])
def test_a_wrong_name_sounds_like_a_wrong_number(site, officer, wrong):
    """An officer learns nothing by trying, and every try is an entry of theirs."""
    page = entered(officer, **wrong)
    assert page.status == 400
    assert "ไม่ตรงกับบัญชีใด" in page.texts["number-error"]
    assert kept(site) == []
    tries = [one for one in events(site) if one.event == "dsar.looked_up"]
    assert [one.outcome for one in tries] == (["denied"] if len(wrong.get("number", "x" * 13)) == 13 else [])


def test_looking_for_people_by_letter_has_a_limit(site, officer, monkeypatch):
    """RELIABILITY 3: counted in SQL over all processes."""
    monkeypatch.setitem(limits.MOST_AN_HOUR, "letter", 1)
    entered(officer, name="สมชาย ตัวอย่างดี")
    page = entered(officer)
    assert (page.status, kept(site)) == (400, [])


def test_nobody_enters_a_letter_of_their_own(site):
    """Nobody handles a request of their own."""
    own = enrolled(site, "dpo")
    page = entered(own)
    assert (page.status, "number-error" in page.attributes, kept(site)) == (400, True, [])


def test_s30_the_answer_leaves_by_post_and_that_is_noted(site, officer):
    """Printed without a name, and noted once: the person sees by which way it left and when."""
    entered(officer)
    officer.send("open-form")
    assert "sent-form" not in officer.at.forms
    officer.send("answer-form", words="แนบสำเนามาพร้อมนี้")
    officer.send("open-form")
    page = officer.send("print-form")
    assert page.name == "dpo_letter"
    assert "แนบสำเนามาพร้อมนี้" in page.texts["answer"]
    assert not leaks.found_in(page.html)
    officer.get(page.links["back"])
    officer.send("open-form")

    officer.send("sent-form", way="post")

    (case,) = kept(site)
    assert (case.sent_by, case.sent_at) == ("post", NOW)
    assert "ทางไปรษณีย์" in officer.at.texts["sent"]
    officer.send("open-form")
    assert "sent-form" not in officer.at.forms
    assert [one.reason for one in events(site) if one.event == "dsar.sent"] == ["post"]


@pytest.mark.parametrize("role", ["auditor", "administrator", "head"])
def test_only_the_data_protection_officer_opens_letters(site, role):
    """Least privilege."""
    assert enrolled(site, role).get("/dpo/letters").status == 403


# --- at the counter -------------------------------------------------------------------------------------------------


def at_the_counter(clerk, number=SOMCHAI):
    opened(clerk, number)
    return clerk.get(clerk.at.links["use-right"])


def test_s30_a_right_is_used_at_the_counter_with_the_card(site, clerk):
    """Draft DSAR rules: in person is a way; a slip with number and day, and nothing of the person on the page."""
    page = at_the_counter(clerk)
    assert page.name == "desk_rights"

    page = clerk.send("rights-form", kind="rectification", words="วันเกิดผิด")

    assert page.name == "desk_rights_kept"
    (case,) = kept(site)
    assert (case.channel, case.evidence, case.subject_id, case.actor_id) == ("counter", "card", site.citizen, None)
    assert case.opened_at == case.entered_at == site.clock()
    assert any(alerts.WORDS["rights_entered"][0] in text for text in texts(site))
    assert "วันเกิดผิด" not in page.html
    assert clerk.get("/dpo").status == 403


def test_the_counter_asks_for_kind_and_words_and_keeps_what_was_typed(site, clerk):
    """Nothing is opened without both."""
    at_the_counter(clerk)
    page = clerk.send("rights-form", kind="", words="วันเกิดผิด")
    assert (page.status, "kind-error" in page.attributes, "วันเกิดผิด" in page.html) == (400, True, True)
    page = clerk.send("rights-form", kind="access", words=" ")
    assert (page.status, "words-error" in page.attributes) == (400, True)
    assert kept(site) == []


def test_s20_for_a_child_nobody_asks_without_a_parent(site, clerk):
    """First the relation, then what it allows."""
    page = at_the_counter(clerk, CHILD)
    assert ("why-not" in page.attributes, "rights-form" in page.forms) == (True, False)
    form = {"csrf": dict(clerk.at.forms["preferences"].fields)["csrf"], "kind": "access", "words": "x"}
    assert clerk.post(page.url, form).status == 400
    assert kept(site) == []


def test_the_slip_is_for_who_wrote_it_down_and_for_this_visit(site, clerk):
    """Another's request, or one that the person made themselves, is not found at the counter."""
    page = at_the_counter(clerk)
    url = page.url
    with site.work.sessions.writing() as session:
        own = cases.open_case(
            session,
            cases.Kind.complaint,
            subject_id=site.citizen,
            by=cases.Actor.citizen(site.citizen),
            now=site.clock(),
        ).id
    assert clerk.get(f"{url}/{own}").status == 404
    assert clerk.get(f"{url}/{UUID(int=7)}").status == 404
