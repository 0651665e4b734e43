"""Who did what: the page, over HTTP, with a holder's own reports (PDPA s.30)."""

import base64
import json
from datetime import timedelta

from consent.audit import log
from idp import alerts, reports, watching, worker
from tests.fakes import DAY, MINUTE
from tests.idp.fhir.reports import data, event, patient
from tests.idp.oauth.stage import claims_of
from tests.idp.web.stage import SECRET
from tests.idp.web.test_citizen import agreed, redeemed

URL = "/audit/v1/AuditEvent"


def basic(name="holder", secret=SECRET):
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()}


def post(site, body, headers=None):
    """A holder's post."""
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    return site.app.test_client().post(
        URL, data=text, content_type="application/fhir+json", headers=basic() if headers is None else headers
    )


def report(site, token, **changes):
    claims = claims_of(token)
    return event(claims["grant_id"], claims["sub"], at=site.clock.now, issuer=site.work.settings.issuer, **changes)


def opened(site, visitor):
    """A citizen who allowed, and the token that came of it."""
    agreed(site, visitor)
    return redeemed(site, visitor)["access_token"]


def test_a_reported_read_stands_in_the_persons_list(site, visitor):
    """PDPA s.30: who, when, which data, why, on which basis, and who says so."""
    token = opened(site, visitor)

    answer = post(site, report(site, token))

    assert answer.status_code == 201, answer.text
    page = visitor.get("/me/access")
    assert page.name == "me_access"
    for words in ("ข้อมูลที่เปิด: การแพ้", "โรงพยาบาลตัวอย่าง", "แจ้งโดยผู้เก็บข้อมูล: ผู้เก็บข้อมูลตัวอย่าง", "แจ้งเราล่าสุดเมื่อ"):
        assert words in page.text, words


def test_a_silent_holder_is_named_as_silent(site, visitor):
    """Silence is visible: without reports the page says that it does not know."""
    opened(site, visitor)

    page = visitor.get("/me/access")

    assert "ผู้เก็บข้อมูลตัวอย่าง" in page.texts["coverage"]
    assert "ยังไม่เคยแจ้งเรา" in page.texts["coverage"]


def test_neighbours_that_say_the_same_are_one_line(site, visitor):
    """A list that is read by people: five looks within minutes are one line with a five."""
    token = opened(site, visitor)
    for _ in range(5):
        assert post(site, report(site, token)).status_code == 201
        site.clock.tick(MINUTE / 2)

    page = visitor.get("/me/access?show=opened")

    lines = [one for one in page.html.split('<li id="entry-') if "ข้อมูลที่เปิด:" in one]
    assert len(lines) == 1
    assert "5 ครั้ง" in lines[0]


def test_the_list_is_narrowed_by_kind_and_organisation(site, visitor):
    """Filters: only looks, only refusals, one organisation."""
    token = opened(site, visitor)
    post(site, report(site, token))
    post(site, report(site, token, outcome="4"))

    refused = visitor.get("/me/access?show=refused")
    looks = visitor.get("/me/access?show=opened")
    elsewhere = visitor.get("/me/access?who=00000000-0000-7000-8000-000000000000")
    here = visitor.get(f"/me/access?who={site.hospital}")

    assert "รายงานว่าไม่ให้เปิดข้อมูล" in refused.text
    assert "รายงานว่าเปิดข้อมูลแล้ว" not in refused.text
    assert "รายงานว่าเปิดข้อมูลแล้ว" in looks.text
    assert "เข้าสู่ระบบสำเร็จ" not in looks.text
    assert "ไม่มีรายการแบบนี้" in elsewhere.text
    assert "รายงานว่าเปิดข้อมูลแล้ว" in here.text


def test_more_than_was_allowed_is_said_in_words(site, visitor):
    """The person reads that a holder opened too much."""
    token = opened(site, visitor)
    body = report(site, token)
    body["entity"] = [patient(claims_of(token)["sub"]), data("Immunization")]

    assert post(site, body).status_code == 201
    assert "มากกว่าที่คุณอนุญาตไว้" in visitor.get("/me/access").text


def test_only_a_holder_may_report_and_only_by_its_own_secret(site, visitor):
    """RFC 6750: no credentials, wrong ones, another kind of client; each time nothing is written."""
    body = report(site, opened(site, visitor))

    assert post(site, body, {}).status_code == 401
    assert post(site, body, basic(secret="x" * 43)).status_code == 401
    assert post(site, body, basic("portal")).status_code == 403
    assert post(site, body, {"Authorization": "Bearer nonsense"}).status_code == 401
    assert "แจ้งโดยผู้เก็บข้อมูล" not in visitor.get("/me/access").text


def test_a_persons_own_token_is_no_credential_here(site, visitor):
    """A token of a citizen is not a machine's."""
    token = opened(site, visitor)

    assert post(site, report(site, token), {"Authorization": f"Bearer {token}"}).status_code == 401


def test_what_is_no_report_is_refused_in_fhir(site, visitor):
    """Every refusal is an OperationOutcome that quotes nothing of what was sent."""
    token = opened(site, visitor)
    for body in ("{", "[]", "{}", "[" * 30_000, json.dumps(report(site, token, agent=[])), b"\xff"):
        answer = post(site, body)
        assert answer.status_code in (400, 413, 422), body[:20]
        assert answer.json["resourceType"] == "OperationOutcome"
        assert "grant" not in str(body)[:5] or str(body) not in answer.text


def test_s27_a_repeat_is_answered_and_not_written_twice(site, visitor):
    """PDPA s.27: each disclosure is recorded, once."""
    body = report(site, opened(site, visitor))

    assert [post(site, body).status_code for _ in range(3)] == [201, 200, 200]
    assert post(site, {**body, "outcome": "8"}).status_code == 409


def test_s30_the_list_is_there_after_three_years(site, visitor):
    """PDPA s.30, and the page's own promise: at least three years, whatever the worker tidies up."""
    token = opened(site, visitor)
    post(site, report(site, token))
    site.clock.tick(3 * 365 * DAY - timedelta(hours=1))
    worker.purge(site.work)

    with site.work.sessions.reading() as session:
        entries = log.of_subject(session, site.citizen, limit=1000)
        assert [one.event for one in entries].count(reports.OPENED) == 1
        assert reports.coverage(session, site.citizen)[0].last is not None


def test_s25_who_opened_data_from_another_place_is_told_to_the_person(site, visitor):
    """PDPA s.25: data from elsewhere is told of, with its source: a message at once, and a line that stays."""
    watching.keep_up(site.work)
    worker.Sealing()(site.work)
    token = opened(site, visitor)
    post(site, report(site, token))
    worker.Sealing()(site.work)

    watching.keep_up(site.work)
    watching.keep_up(site.work)

    with site.work.sessions.reading() as session:
        kinds = [one.kind for one in alerts.latest(session, site.citizen)]
    assert kinds.count("first_access") == 1
    assert "แจ้งโดยผู้เก็บข้อมูล: ผู้เก็บข้อมูลตัวอย่าง" in visitor.get("/me/access").text


def test_s30_the_list_can_be_taken_away_as_a_file(site, visitor):
    """PDPA s.30: a copy at once, in a form that machines read; with a fresh sign-in, and an entry of its own."""
    token = opened(site, visitor)
    post(site, report(site, token))
    page = visitor.get("/me/access")
    csrf = dict(page.forms["file-form"].fields)["csrf"]

    answer = visitor.client.post("/me/access/file", data={"csrf": csrf})
    site.clock.tick(DAY / 100)
    later = visitor.client.post("/me/access/file", data={"csrf": csrf})

    events = [json.loads(line) for line in answer.data.decode().splitlines()]
    assert {one["resourceType"] for one in events} == {"AuditEvent"}
    assert "disclose" in {one["subtype"][0]["code"] for one in events}
    assert later.status_code == 303
    with site.work.sessions.reading() as session:
        assert log.of_subject(session, site.citizen, limit=1)[0].event == "export.made"
