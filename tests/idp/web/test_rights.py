"""My rights as a browser meets them: a copy at a fresh factor, requests, answers, papers."""

import csv
import hashlib
import io
import json
import zipfile
from uuid import UUID, uuid4

import pytest

from consent.audit import verify
from consent.rights import cases
from consent.rights.clocks import Kind
from idp import alerts, copying, rights, subjects, taking_along, worker
from idp.contact import fake
from idp.web import freshness, own_notice
from tests import leaks
from tests.fakes import DAY, HOUR, MINUTE, NOW
from tests.idp.web.stage import person
from tests.idp.web.test_citizen import agreed, weak
from tests.idp.web.test_staff import enrolled, events
from tests.idp.web.visitor import PIN, SOMCHAI

OTHER, THIRD = "1999000010047", "1999000010063"


@pytest.fixture
def somchai(site, visitor):
    """Somchai, signed in at AAL2.1 just now, with one consent (`record`)."""
    visitor.record = agreed(site, visitor)
    return visitor


def posted(visitor, form, page="/me/rights", **fields):
    """Press the one button of a form and give back the raw answer."""
    opened = visitor.get(page)
    assert opened.status == 200, opened.text[:300]
    found = opened.forms[form]
    return visitor.client.post(found.action, data={**dict(found.fields), **fields})


def copied(visitor, form="copy-form"):
    answer = posted(visitor, form)
    assert answer.status_code == 200, answer.text[:300]
    return json.loads(answer.data)


def asked(visitor, kind, **fields):
    """Make a request by its page; its id."""
    visitor.get(f"/me/rights/new/{kind}")
    page = visitor.send("rights-form", **fields)
    assert page.name == "rights_case", page.text[:300]
    return UUID(page.url.rstrip("/").rpartition("/")[2])


def texts(site):
    worker.run_once(site.work)
    with site.work.sessions.reading() as session:
        return [one.text for one in fake.inbox(session) if one.kind == "sms"]


# --- s.30: access and copy -------------------------------------------------------------------------------------------


def test_s30_a_person_gets_everything_that_we_hold_at_once(somchai):
    """PDPA s.30: access + copy + source, self-service at once."""
    answer = posted(somchai, "copy-form")
    document = json.loads(answer.data)

    assert answer.headers["Content-Disposition"] == 'attachment; filename="my-data.json"'
    assert "no-store" in answer.headers["Cache-Control"]
    assert document["format"] == copying.FORMAT
    assert document["person"]["given_name_th"] == "สมชาย"
    assert document["person"]["phone"] == "+66100000035"
    assert document["person"]["source"]["method"] == "registry"
    assert document["held"]["national_id"][0]["number"] == SOMCHAI
    given = {row["id"]: row for row in document["held"]["consent_record"]}
    assert given[str(somchai.record)]["purpose"] == "EHR-SHARE"
    assert document["words"][given[str(somchai.record)]["notice_sha256"]].startswith("แ") or document["words"]
    assert {"consent.given", "signin.done"} <= {entry["event"] for entry in document["log"]}
    assert document["names"]["organisations"]
    assert document["note"]["th"]


def test_s30_the_copy_gives_no_secret_and_nobody_else(somchai):
    """What opens an account is not in it; other people are "another person"."""
    document = copied(somchai)
    for rows in document["held"].values():
        for row in rows:
            assert not {"code_hash", "secret", "public_key", "fingerprint", "claim", "mark", "hash"} & set(row)
    assert {row["actor_id"] for row in document["held"]["consent_record"]} == {"you"}
    assert "pin" not in document["held"]
    assert set(document["left_out"]) == set(copying.LEFT_OUT)


def test_s30_the_copy_is_written_down_and_told(site, somchai):
    """O47: whoever downloads it in somebody's name is noticed: an entry, and a message with a code."""
    copied(somchai)

    made = [one for one in events(site) if one.event == "export.made"]
    assert [one.codes for one in made] == [("kind:copy",)]
    assert any(alerts.WORDS["export_made"][0] in text for text in texts(site))


@pytest.mark.parametrize("form", ["copy-form", "portable-form"])
def test_o47_a_copy_needs_a_fresh_strong_factor(site, somchai, form):
    """ASVS 7.5.3: not by an SMS code alone, and not by a sign-in of an hour ago."""
    other = weak(site)
    assert posted(other, form).status_code == 303
    site.clock.tick(11 * MINUTE)
    answer = posted(somchai, form)
    assert answer.status_code == 303
    assert "/sign-in" in answer.headers["Location"]
    assert "export.made" not in {one.event for one in events(site)}


def test_s30_after_the_factor_the_copy_comes(site, somchai):
    """The way back leads to the page, and the button works."""
    site.clock.tick(11 * MINUTE)
    answer = posted(somchai, "copy-form")
    somchai.get(answer.headers["Location"])
    if somchai.at.name == "login":
        somchai.sign_in()
    while somchai.at.name in ("code", "step_up", "pin"):
        if somchai.at.name == "code":
            somchai.send("code-form", code=somchai.newest_code())
        elif somchai.at.name == "step_up":
            somchai.get(somchai.at.links["use-pin"])
        else:
            somchai.send("pin-form", pin=PIN)
    assert somchai.at.name == "rights", somchai.at.text[:200]
    assert copied(somchai)["format"] == copying.FORMAT


# --- s.31: portability ------------------------------------------------------------------------------------------------


def test_s31_what_the_person_gave_can_be_taken_along(somchai):
    """PDPA s.31: in a form that another service reads by machine; no log, nothing that we concluded."""
    document = copied(somchai, "portable-form")

    assert document["format"] == taking_along.FORMAT
    assert document["person"]["family_name_en"] == "Jaisommut"
    assert [row["purpose"] for row in document["consents"] if row["id"] == str(somchai.record)] == ["EHR-SHARE"]
    assert not {"log", "held"} & set(document)


# --- s.32, s.34, s.35, s.36 -------------------------------------------------------------------------------------------


KINDS = ["access", "portability", "objection", "restriction", "rectification", "complaint", "not_right"]


def test_s32_s35_each_right_is_a_request_with_a_clock(site, somchai):
    """PDPA s.30-36: case types; one page each, in words, with the day of the answer; the words are sealed."""
    for kind in KINDS:
        case_id = asked(somchai, kind, words="ช่วยตรวจสอบให้ด้วย")

        assert "23 ธันวาคม 2569" in somchai.at.texts["due"], kind
        assert somchai.at.texts["words"] == "ช่วยตรวจสอบให้ด้วย"
        with site.work.sessions.reading() as session:
            case = cases.get(session, case_id)
            assert (case.kind, case.channel, case.subject_id) == (kind, "web", site.citizen)
            assert "ช่วย".encode() not in case.words
        assert f"case-{case_id}" in somchai.get("/me/rights").attributes


def test_a_request_that_says_nothing_is_asked_for_words_and_too_long_a_one_is_kept(site, somchai):
    """Errors stand at the field with what was typed; nothing is opened."""
    for kind in ("objection", "restriction", "rectification", "complaint", "not_right", "portability"):
        somchai.get(f"/me/rights/new/{kind}")
        page = somchai.send("rights-form", words="   ")
        assert (page.status, "words-error" in page.attributes) == (400, True), kind

        page = somchai.send("rights-form", words="ก" * (rights.LONGEST_WORDS + 1))
        assert page.status == 400
        assert "ก" * 50 in page.html
    with site.work.sessions.reading() as session:
        assert cases.of_subject(session, site.citizen) == []


def test_more_words_go_to_the_same_request(somchai):
    """Nothing that somebody typed is lost to a double tap."""
    first = asked(somchai, "rectification", words="ชื่อสะกดผิด")
    assert asked(somchai, "rectification", words="วันเกิดก็ผิด") == first
    assert "ชื่อสะกดผิด" in somchai.at.texts["words"]
    assert "วันเกิดก็ผิด" in somchai.at.texts["words"]


def test_s36_this_was_not_right_is_about_a_line_of_the_log(site, somchai):
    """PAGES: "this was not right" starts a case; the line is the person's own, or it is not found."""
    with site.work.sessions.writing() as session:
        subjects.create(session, site.work.rings.at(NOW), OTHER, person(), now=NOW)
    own = next(one for one in events(site) if one.event == "consent.given")
    foreign = next(one for one in events(site) if one.event == "account.created" and one.subject != own.subject)
    page = somchai.get(f"/me/rights/new/not_right?entry={own.id}")
    assert "ให้ความยินยอม" in page.texts["about-entry"]

    somchai.send("rights-form", words="ฉันไม่ได้กด")

    with site.work.sessions.reading() as session:
        (case,) = cases.of_subject(session, site.citizen)
        assert case.about_entry == own.id
    assert somchai.get(f"/me/rights/new/not_right?entry={foreign.id}").status == 404
    assert somchai.get(f"/me/rights/new/not_right?record={uuid4()}").status == 404


def test_somebody_elses_request_is_not_found(site, somchai):
    """Not found, never forbidden; also the papers and the taking back."""
    case_id = asked(somchai, "complaint", words="x")
    fields = dict(somchai.at.forms["papers-form"].fields)
    with site.work.sessions.writing() as session:
        subjects.create(session, site.work.rings.at(NOW), OTHER, person(phone="010-000-0047"), now=NOW)
    other = site.visitor()
    other.get("/me/rights")
    other.sign_in(OTHER)
    assert other.get(f"/me/rights/{case_id}").status == 404
    other.get("/me/rights")
    fields = dict(other.at.forms["copy-form"].fields)
    assert other.client.post(f"/me/rights/{case_id}/take-back", data=fields).status_code == 404


def test_a_request_can_be_taken_back_once_is_enough(site, somchai):
    """The clock stops; a double tap is no error."""
    case_id = asked(somchai, "complaint", words="x")
    page = somchai.at
    somchai.send("take-back-form")
    somchai.at = page
    assert somchai.send("take-back-form").status == 200
    with site.work.sessions.reading() as session:
        assert cases.get(session, case_id).state == "taken_back"


def test_other_kinds_have_no_page(somchai):
    """What we open ourselves nobody else opens."""
    for kind in ("emergency", "nothing", "x" * 300):
        assert somchai.get(f"/me/rights/new/{kind}").status == 404


# --- s.73: complaint --------------------------------------------------------------------------------------------------


def test_s73_the_papers_for_a_complaint_prove_themselves(site, somchai, tmp_path):
    """PDPA s.73 and the rules of July 2022: name, address, ID, facts; all checked without us."""
    case_id = asked(somchai, "complaint", words="เปิดดูโดยไม่มีเหตุ", record=str(somchai.record))
    worker.Sealing()(site.work)

    answer = posted(somchai, "papers-form", f"/me/rights/{case_id}")

    assert answer.status_code == 200, answer.text[:200]
    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    papers = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(papers.pop("MANIFEST.json"))
    assert manifest["sha256"] == {name: hashlib.sha256(content).hexdigest() for name, content in papers.items()}
    form = papers["complaint.txt"].decode()
    for told in ("สมชาย ใจสมมติ", SOMCHAI, "999/35 หมู่ที่ 99", "เปิดดูโดยไม่มีเหตุ", rights.number(case_id)):
        assert told in form
    assert [name for name in papers if name.startswith("receipts/") and name.endswith(".jws")]
    (notice,) = [name for name in papers if name.startswith("notices/")]
    assert hashlib.sha256(papers[notice]).hexdigest() in notice
    log_file = tmp_path / "entries.jsonl"
    log_file.write_bytes(papers["log/entries.jsonl"])
    assert verify.main([str(log_file)]) == 0
    assert b"consent.given" in b"".join(json_leaves(papers["log/entries.jsonl"]))


def json_leaves(lines):
    import base64  # noqa: PLC0415 -- only here

    return [base64.b64decode(json.loads(line)["leaf"]) for line in lines.splitlines() if b'"leaf"' in line]


def test_o47_the_papers_need_a_fresh_factor(site, somchai):
    """They hold name, number and address."""
    case_id = asked(somchai, "complaint", words="x")
    site.clock.tick(11 * MINUTE)
    assert posted(somchai, "papers-form", f"/me/rights/{case_id}").status_code == 303


def test_the_papers_come_also_before_anything_is_sealed(somchai):
    """A complaint does not wait for a worker."""
    case_id = asked(somchai, "complaint", words="x", record=str(somchai.record))
    answer = posted(somchai, "papers-form", f"/me/rights/{case_id}")
    names = zipfile.ZipFile(io.BytesIO(answer.data)).namelist()
    assert "log/not-yet-sealed.jsonl" in names
    assert "verify/verify.py" in names


# --- the officer's desk -----------------------------------------------------------------------------------------------


@pytest.fixture
def officer(site):
    """A DPO who is not the person concerned."""
    return as_officer(site)


def as_officer(site, number=OTHER, phone="010-000-0047"):
    with site.work.sessions.writing() as session:
        other = subjects.create(session, site.work.rings.at(NOW), number, person(phone=phone), now=NOW)
    own, site.citizen = site.citizen, other.id
    try:
        return enrolled(site, "dpo")
    finally:
        site.citizen = own


def test_s41_the_officer_sees_requests_and_clocks_and_nobodys_health_or_name(site, somchai, officer):
    """PDPA s.41; THAI.md 1a row 26: roles separated. Words are opened by a button, and that is an entry."""
    case_id = asked(somchai, "complaint", words="หมอเปิดแฟ้มเบาหวาน", record=str(somchai.record))

    page = officer.get("/dpo")
    assert page.name == "dpo"
    assert f"case-{case_id}" in page.attributes
    page = officer.get(f"/dpo/cases/{case_id}")
    assert "เบาหวาน" not in page.html
    assert not [one for one in events(site) if one.event == "dsar.read"]

    page = officer.send("open-form")

    assert "เบาหวาน" in page.texts["words"]
    (look,) = [one for one in events(site) if one.event == "dsar.read"]
    assert look.actor_kind == "staff"
    for html in (page.html, officer.get("/dpo").html):
        assert not leaks.found_in(html)
        assert "โรงพยาบาลตัวอย่าง" not in html
    assert officer.get("/audit").status == 403
    assert officer.get("/desk").status in (403, 303) or officer.at.name != "desk"


@pytest.mark.parametrize("role", ["auditor", "administrator", "head"])
def test_s41_nobody_else_enters_the_officers_desk(site, role):
    """Least privilege, both ways."""
    staff = enrolled(site, role)
    for path in ("/dpo", "/dpo/breaches", "/dpo/ropa", "/dpo/ropa.csv"):
        assert staff.get(path).status == 403, path


def test_nobody_handles_a_request_of_their_own(site, somchai):
    """An officer who is the person concerned is told so, and nothing is opened."""
    case_id = asked(somchai, "complaint", words="x")
    officer = enrolled(site, "dpo")
    assert officer.get(f"/dpo/cases/{case_id}").texts["error-code"] == "own_case"


def test_s30_a_refusal_is_told_with_its_reason(site, somchai, officer):
    """PDPA s.30: refused with a reason: recorded, told by message, shown with the way to complain."""
    case_id = asked(somchai, "access", words="ขอเป็นกระดาษ")
    officer.get(f"/dpo/cases/{case_id}")
    officer.send("open-form")
    page = officer.send("refuse-form", refusal="", words="คำอธิบาย")
    assert (page.status, "refusal-error" in page.attributes) == (400, True)
    assert page.texts["more"].strip() == "คำอธิบาย"
    assert page.texts["words"].strip() != "คำอธิบาย"  # what refuses is not offered as an answer

    officer.send("refuse-form", refusal="another_law", words="ศาลมีคำสั่ง")

    page = somchai.get(f"/me/rights/{case_id}")
    assert "กฎหมายอื่น" in page.texts["refusal"]
    assert "ศาลมีคำสั่ง" in page.texts["answer"]
    assert "papers" in page.attributes
    assert any(alerts.WORDS["rights_answered"][0] in text for text in texts(site))
    assert [one.reason for one in events(site) if one.event == "dsar.refused"] == ["another_law"]


def test_an_answer_needs_words_and_reaches_the_person(somchai, officer):
    """An empty answer is none; what was typed stays on the page."""
    case_id = asked(somchai, "rectification", words="ชื่อผิด")
    officer.get(f"/dpo/cases/{case_id}")
    officer.send("open-form")
    assert officer.send("answer-form", words="  ").status == 400
    officer.send("answer-form", words="แก้ตามทะเบียนแล้ว")
    assert "แก้ตามทะเบียนแล้ว" in somchai.get(f"/me/rights/{case_id}").texts["answer"]
    officer.get(f"/dpo/cases/{case_id}")
    assert "answer-form" not in officer.send("open-form").forms


@pytest.mark.parametrize(
    ("day", "said"),
    [(29, "(one day left)"), (30, "(the last day)"), (31, "Overdue")],
    ids=["one", "last", "late"],
)
def test_s30_the_last_days_are_counted_in_bangkok_and_none_when_it_is_late(site, somchai, day, said):
    """A due day is named to its end; "0 days left" is neither the last day nor the day after."""
    asked(somchai, "complaint", words="x")
    site.clock.tick(day * DAY)

    page = as_officer(site).get("/dpo?lang=en")

    row = page.texts["waiting"]
    assert said in row
    assert ("Overdue" in row, "left)" in row or "last day)" in row) == (day > 30, day <= 30)


def test_more_time_is_told_and_given_once(somchai, officer):
    """The person reads why, and the new day; the form is gone then."""
    case_id = asked(somchai, "complaint", words="x")
    officer.get(f"/dpo/cases/{case_id}")
    officer.send("open-form")
    officer.send("extend-form", extension="asks_others")
    page = somchai.get(f"/me/rights/{case_id}")
    assert "สอบถามผู้อื่น" in page.texts["extension"]
    assert "22 มกราคม 2570" in page.texts["due"]
    officer.get(f"/dpo/cases/{case_id}")
    assert "extend-form" not in officer.send("open-form").forms


# --- s.33: erasure ----------------------------------------------------------------------------------------------------


def test_s33_erasure_says_first_what_goes_and_what_stays(site, somchai):
    """PDPA s.33: plain words before the request; a tick that it was read; a message with a code to object."""
    page = somchai.get("/me/rights/new/erasure")
    assert {"goes", "stays"} <= set(page.attributes)
    page = somchai.send("rights-form")
    assert (page.status, "sure-error" in page.attributes) == (400, True)

    case_id = asked(somchai, "erasure", sure="yes")

    with site.work.sessions.reading() as session:
        case = cases.get(session, case_id)
        assert (case.kind, (case.due_at - case.opened_at).days) == (Kind.erasure, 90)
    assert any(alerts.WORDS["erasure_asked"][0] in text for text in texts(site))


def test_o47_erasure_needs_a_fresh_strong_factor(site, somchai):
    """Nobody loses their account to a stolen SIM, or to a phone left on a table."""
    other = weak(site)
    assert other.get("/me/rights/new/erasure").name == "step_up"
    site.clock.tick(11 * MINUTE)
    assert somchai.get("/me/rights/new/erasure").name != "rights_ask"


def test_s33_who_did_not_ask_takes_the_erasure_back_with_the_code(site, somchai):
    """The notice's code: "this was not me" takes the request back with all that was signed in since."""
    case_id = asked(somchai, "erasure", sure="yes")
    from tests.idp.web.test_security import CODE  # noqa: PLC0415 -- the shape of a notice's code

    code = next(CODE.search(text)[0] for text in texts(site) if alerts.WORDS["erasure_asked"][0] in text)
    stranger = site.visitor()
    stranger.get("/not-me")
    stranger.send("not-me-form", notice_code=code)

    with site.work.sessions.reading() as session:
        assert cases.get(session, case_id).state == "taken_back"


# --- s.39, s.37, s.23 -------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("somchai")
def test_s39_the_records_are_a_page_and_a_table(officer):
    """PDPA s.39: generated from real purposes × clients × scopes; CSV."""
    page = officer.get("/dpo/ropa")
    assert "พอร์ทัลตัวอย่าง" in page.texts["lines"]
    answer = officer.client.get("/dpo/ropa.csv")
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert {(row["client_id"], row["purpose"]) for row in rows} >= {("portal", "SIGNIN"), ("portal", "EHR-SHARE")}
    assert {row["controller"] for row in rows} == {"โรงพยาบาลตัวอย่าง"}
    own = list(csv.DictReader(io.StringIO(officer.client.get("/dpo/ropa.csv?own=1").data.decode("utf-8-sig"))))
    assert {"account", "log", "backups"} <= {row["code"] for row in own}


@pytest.mark.usefixtures("somchai")
def test_s37_4_a_breach_goes_through_its_steps(site, officer):
    """PDPA s.37(4): clock, assessment, report, people told by message, closed."""
    officer.get("/dpo/breaches")
    page = officer.send("breach-form", facts="", client_id="portal")
    assert (page.status, "facts-error" in page.attributes) == (400, True)
    page = officer.send("breach-form", facts="ไฟล์ถูกส่งผิดคน", client_id="portal", nature="confidentiality")
    assert "26 พฤศจิกายน 2569" in page.texts["report-by"]
    page = officer.send("weigh-form", risk="high", affected="x", assessment="ข้อมูลอ่อนไหว")
    assert "affected-error" in page.attributes
    officer.send("weigh-form", risk="high", affected="๑,๒๐๐", assessment="ข้อมูลอ่อนไหว")
    assert "1200" in officer.at.texts["risk-kept"]
    site.clock.tick(73 * HOUR)
    officer = back_again(site, officer)
    officer.get("/dpo/breaches")
    (opened,) = [link for name, link in officer.at.links.items() if name.startswith("open-")]
    officer.get(opened)
    page = officer.send("report-form", reference="สคส. 5/2569")
    assert "explain-form" in page.forms
    officer.send("explain-form", late_reasons="ทราบขอบเขตช้า")
    page = officer.send("tell-form")
    assert ("waits" in page.attributes, "confirm-form" in page.forms) == (True, False)
    assert not any(alerts.WORDS["breach"][0] in text for text in texts(site))
    second = as_officer(site, THIRD, "010-000-0063")
    assert second.get(opened).forms["confirm-form"]
    page = second.send("confirm-form")
    assert "1" in page.texts["people-told"]
    assert any(alerts.WORDS["breach"][0] in text for text in texts(site))
    assert "1 จาก 1" in officer.get(opened).texts["telling"]
    page = officer.send("close-form")
    assert "close-form" not in page.forms
    told = [one.event for one in events(site) if one.event.startswith("breach.")]
    steps = ("opened", "assessed", "reported", "explained", "tell_asked", "told", "closed")
    assert told == [f"breach.{step}" for step in steps]


@pytest.mark.usefixtures("somchai")
def test_s37_4_reasons_that_are_late_as_well_are_found_in_the_list(site, officer):
    """The count on the first page and the list speak of the same breach."""
    officer.get("/dpo/breaches")
    officer.send("breach-form", facts="ไฟล์ถูกส่งผิดคน", nature="confidentiality")
    page = officer.send("weigh-form", risk="high", affected="1", assessment="ข้อมูลอ่อนไหว")
    assert "บริการนี้" not in page.texts["tell-whom"]  # it is our own: everybody of every service is told
    site.clock.tick(73 * HOUR)
    officer = back_again(site, officer)
    officer.get(officer.get("/dpo/breaches").links[only(officer.at.links, "open-")])
    officer.send("report-form", reference="สคส. 5/2569")
    site.clock.tick(15 * DAY)
    officer = back_again(site, officer)

    assert "late" in officer.get("/dpo").attributes
    assert "เกินกำหนดชี้แจงเหตุผล" in officer.get("/dpo/breaches").texts["breaches"]


def only(names, start):
    """The one name that begins so."""
    (found,) = [name for name in names if name.startswith(start)]
    return found


def back_again(site, officer):
    """The same officer, signed in anew: a staff session lasts a working day."""
    device = officer.device
    other = site.visitor()
    other.get("/staff/sign-in")
    said = other.passkey(device, "sign-in", "/staff/passkey")
    other.get(str(said["next"]))
    other.device = device
    assert other.at.name == "dpo"
    return other


def test_s23_our_own_notice_is_for_everybody_and_says_what_the_law_wants(visitor):
    """PDPA s.23: purposes and basis, must-give data and effect, retention, recipients, controller, DPO, rights."""
    page = visitor.get("/privacy")
    assert page.name == "privacy"
    for part in ("what", "why", "must", "whom", "rights"):
        assert f"notice-{part}" in page.attributes
    for code in ("account", "codes", "log", "backups", "rights_words"):
        assert f"kept-{code}" in page.attributes
    assert "to-rights" in page.links
    for name in ("/", "/sign-in", "/privacy"):
        assert "/privacy" in visitor.get(name).html
    assert visitor.get("/privacy?version=1").status == 200
    for wrong in ("0", "9", "x", "1.0", "๑"):
        assert visitor.get(f"/privacy?version={wrong}").status == 404


def test_s23_a_published_notice_never_changes():
    """A new text is a new version; its hash is in the code, so a silent edit does not start."""
    for number, (_, sha256) in own_notice.PUBLISHED.items():
        version = own_notice.version(number)
        assert version.sha256 == sha256
        for part in version.sections:
            assert part.lines
            assert all(line.th and line.en for line in part.lines)
    with pytest.raises(own_notice.CatalogueFault):
        own_notice.read("section\tth\ten\n-\tก\ta\n")
    with pytest.raises(own_notice.CatalogueFault):
        own_notice.read("section\tth\ten\nwhat\tก\n")


def test_s39_cites_no_section_on_citizens_pages(somchai):
    """THAI.md: "(to be checked)" is printed on no page as a quotation of the law."""
    case_id = asked(somchai, "complaint", words="x")
    for path in ("/me/rights", "/me/rights/new/erasure", f"/me/rights/{case_id}", "/privacy"):
        html = somchai.get(path).html
        assert "มาตรา" not in html
        assert " section " not in html.lower().replace("<section ", "")


def test_o47_an_erasure_is_done_by_an_officer_who_just_signed_in(site, somchai, officer):
    """Nobody undoes it: a browser that was left open in the morning does not do it in the afternoon."""
    case_id = asked(somchai, "erasure", sure="yes")
    officer.get(f"/dpo/cases/{case_id}")
    officer.send("open-form")
    form = {"csrf": dict(officer.at.forms["preferences"].fields)["csrf"]}
    assert officer.post(f"/dpo/cases/{case_id}/erase", form).name == "dpo_case"  # too soon, but who asks is sure
    site.clock.tick(freshness.FRESH_FOR + MINUTE)

    page = officer.post(f"/dpo/cases/{case_id}/erase", form)

    assert page.name == "staff_sign_in"
