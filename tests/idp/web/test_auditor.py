"""The auditor's pages: is the log whole, is today unusual, who did what, one consent, the file; each look an entry."""

import base64
import json
import subprocess
import sys

import pytest
from sqlalchemy import text, update

from consent.audit import seal
from consent.audit.entry import from_bytes
from consent.audit.models import AuditEntry, AuditLeaf
from idp import subjects, worker
from idp.web import auditor as pages
from tests.fakes import HOUR, MINUTE, NOW
from tests.idp.web.stage import person
from tests.idp.web.test_staff import enrolled, events

CITIZEN = "1999000010047"
WHY = "เรื่องร้องเรียน 12/2569"


@pytest.fixture
def auditor(site):
    """Signed in, in front of their first screen."""
    return enrolled(site, "auditor")


def sealed(site):
    """The worker comes by."""
    return worker.Sealing()(site.work)


def superuser(site, change):
    """Past the guards of the database."""
    with site.work.sessions.writing() as session:
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text("SET LOCAL session_replication_role = replica"))
        else:
            for (name,) in session.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
                session.execute(text(f"DROP TRIGGER {name}"))
        session.execute(change)


def consented(site):
    """A citizen who is nobody's auditor agrees to share their record; the consent's id."""
    with site.work.sessions.writing() as session:
        subjects.create(session, site.work.rings.at(site.clock()), CITIZEN, person(), now=NOW)
    visitor = site.visitor()
    visitor.get(site.authorize_url())
    visitor.sign_in(CITIZEN)
    visitor.set_pin()
    visitor.send("consent-form", "allow", purpose="EHR-SHARE")
    given = [one for one in events(site) if one.event == "consent.given"]
    assert given, visitor.at.text[:200]
    return str(given[-1].consent_id)


def test_the_first_screen_says_whether_the_log_is_whole(site, auditor):
    """PAGES: the proved badge, the newest checkpoint, what waits; and reading it is no look at anybody."""
    before = len(events(site))
    assert "unsigned" in auditor.get("/audit").attributes

    sealed(site)
    page = auditor.get("/audit")

    assert "proved" in page.attributes
    assert page.texts["root"] in page.texts["note"]
    assert "SHA-256" in page.texts["fingerprint"]
    with site.work.sessions.reading() as session:
        assert page.texts["note"].split() == seal.latest(session).note.split()
    assert len(events(site)) == before


@pytest.mark.parametrize("damage", ["hash", "gone"])
def test_a_log_that_was_changed_is_never_called_proved(site, auditor, damage):
    """The badge is a check that is made now, not a light that is always green."""
    sealed(site)
    leaf = AuditLeaf.__table__
    broken = update(leaf).values(leaf_hash=b"x" * 32) if damage == "hash" else leaf.delete()
    superuser(site, broken.where(leaf.c.seq == 3))

    page = auditor.get("/audit")

    assert "proved" not in page.attributes
    assert "broken" in page.attributes


def test_a_backlog_shows_with_its_age(site, auditor):
    """A sealer that stands still is seen by the auditor, too."""
    sealed(site)
    site.clock.tick(HOUR / 20)
    auditor.get("/audit")
    auditor.send("audit-form", reason=WHY)
    site.clock.tick(HOUR / 20)

    assert "late" in auditor.get("/audit").attributes


def test_the_volume_has_a_table_twin(auditor):
    """PAGES: the drawing says nothing that the table does not; counts only."""
    page = auditor.get("/audit?lang=en")

    assert "Today so far" in page.text
    rows = page.texts["volume-table"]
    assert "Signing in" in rows
    assert rows.count("November 2026") == pages.DAYS


def test_found_entries_carry_number_and_proof(site, auditor):
    """What is sealed is proved, what is not yet sealed waits, what was changed says so."""
    sealed(site)
    page = auditor.send("audit-form", reason=WHY, event="passkey.added")
    assert "พิสูจน์แล้ว" in page.texts["results"]

    page = auditor.send("audit-form", reason=WHY, event="audit.searched")
    assert "รอผนึก" in page.texts["results"]

    (added,) = [one for one in events(site) if one.event == "passkey.added"]
    superuser(site, update(AuditEntry).where(AuditEntry.id == added.id).values(leaf_bytes=b"\x01{}"))
    page = auditor.send("audit-form", reason=WHY, event="passkey.added")
    assert "ไม่ตรงกับที่ผนึกไว้" in page.texts["results"]


def test_all_filters_are_heard_and_kept_in_the_form(site, auditor):
    """And stand in the entry of the look."""
    given = consented(site)
    entry = next(one for one in events(site) if one.event == "consent.given" and str(one.consent_id) == given)
    asked = {
        "event": "family:consent",
        "client_id": "portal",
        "purpose": entry.purpose,
        "recipient": str(site.hospital),
        "outcome": "ok",
        "subject": entry.subject.upper(),
        "consent_id": given,
        "since": "2026-11-23",
        "until": "2026-11-23",
    }

    page = auditor.send("audit-form", reason=WHY, **asked)

    assert page.status == 200, page.text[:400]
    assert f"entry-{entry.id}" in page.attributes
    look = events(site)[-1]
    assert {code.partition(":")[0] for code in look.codes} == {
        "family", "client", "purpose", "recipient", "outcome", "subject", "consent", "since", "until",
    }  # fmt: skip
    kept = dict(page.forms["audit-form"].fields)
    assert {name: kept[name] for name in ("client_id", "recipient", "consent_id", "since")} == {
        name: asked[name] for name in ("client_id", "recipient", "consent_id", "since")
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("event", "family:weather"),
        ("purpose", "NOTHING"),
        ("outcome", "maybe"),
        ("recipient", "hospital"),
        ("subject", "ab"),
        ("consent_id", "ab"),
        ("consent_id", "019ab000-0000-7000-8000-000000000003"),
        ("client_id", "a@b"),
        ("reason_code", "3-9990-00010-03-5"),
        ("until", "2026-11-01"),
    ],
)
def test_a_filter_that_cannot_be_is_said_on_its_field(site, auditor, name, value):
    """A clear error; nothing was looked at, so nothing is written."""
    page = auditor.send("audit-form", **{"reason": WHY, "since": "2026-11-02", name: value})

    assert page.status == 400
    assert f"{name}-error" in page.attributes
    assert "audit.searched" not in {one.event for one in events(site)}


def test_older_pages_go_on_where_the_first_ended(site, auditor, monkeypatch):
    """The search stays bound to the tree of its first page."""
    monkeypatch.setattr(pages, "PAGE", 3)
    consented(site)
    sealed(site)
    whole = {f"entry-{one.id}" for one in events(site)}
    page, shown = auditor.send("audit-form", reason=WHY), []
    while True:
        shown += [name for name in page.attributes if name in whole]
        if "older-form" not in page.forms:
            break
        page = auditor.send("older-form", "older")

    assert sorted(shown) == sorted(whole)


def test_one_consent_is_told_from_notice_to_refusal(site, auditor):
    """Issue: reached from a search result, and by the number of a receipt; the look is part of the line."""
    given = consented(site)
    sealed(site)
    auditor.send("audit-form", reason=WHY, event="consent.given", consent_id=given)
    found = next(name for name in auditor.at.forms["line-form"].buttons if name.startswith("line-"))

    page = auditor.send("line-form", found)

    assert (page.status, page.name) == (200, "audit_line")
    for title in ("เผยแพร่ประกาศการใช้ข้อมูล", "ให้ความยินยอม", "อนุญาตตามคำขอ"):
        assert title in page.texts["line"]
    assert "2569" in page.texts["line"]
    assert "พิสูจน์แล้ว" in page.texts["line"]
    assert WHY in page.texts["line"]
    look = events(site)[-1]
    assert (look.event, str(look.consent_id), look.reason) == ("audit.searched", given, WHY)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"consent": "", "reason": WHY}, "consent"),
        ({"consent": "1999000010012", "reason": WHY}, "consent"),
        ({"consent": "019ab000-0000-7000-8000-000000000003", "reason": WHY}, "consent"),
        ({"consent": "019ab000-0000-7000-8000-000000000003", "reason": ""}, "reason"),
    ],
)
def test_a_consent_that_cannot_be_looked_up_is_said_on_the_field(site, auditor, fields, wrong):
    """Nothing is written for a look that did not happen."""
    auditor.get("/audit/consent")
    page = auditor.send("consent-form", **fields)

    assert page.status == 400
    assert f"{wrong}-error" in page.attributes
    assert "audit.searched" not in {one.event for one in events(site)}


def test_a_reason_that_names_a_person_is_refused_for_a_line_too(site, auditor):
    """The same rule everywhere."""
    given = consented(site)
    auditor.get("/audit/consent")
    page = auditor.send("consent-form", consent=given, reason="3-9990-00010-03-5")
    assert page.status == 400
    assert "reason-error" in page.attributes


def judged(tmp_path, auditor, content, *more):
    """What the downloaded verifier says in an empty folder, in a Python that sees nothing of ours."""
    folder = tmp_path / "elsewhere"
    folder.mkdir(exist_ok=True)
    (folder / "verify.py").write_bytes(auditor.client.get("/audit/verify.py").data)
    (folder / "file.jsonl").write_bytes(content)
    command = [sys.executable, "-I", "verify.py", "file.jsonl", "--json", *more]
    done = subprocess.run(command, cwd=folder, env={}, capture_output=True, check=False, timeout=60)  # noqa: S603
    return done.returncode, json.loads(done.stdout)


def test_the_file_proves_itself_elsewhere_and_a_changed_byte_is_named(site, auditor, tmp_path):
    """Issue: the export, the verifier from the page, the key and the checkpoint that were kept."""
    consented(site)
    sealed(site)
    page = auditor.get("/audit/export")
    key, note = page.texts["keys"].split("SHA-256")[0].split()[-2], page.texts["note"]
    csrf = dict(page.forms["export-form"].fields)["csrf"]

    answer = auditor.client.post("/audit/export", data={"csrf": csrf, "reason": WHY})

    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].endswith('.jsonl"')
    done = next(one for one in reversed(events(site)) if one.event == "audit.exported")
    assert (done.reason, done.actor_kind) == (WHY, "auditor")
    (tmp_path / "seen").write_text(note + "\n", encoding="utf-8")
    code, told = judged(tmp_path, auditor, answer.data, "--key", key_of(answer.data))
    assert (code, told["verdict"], told["keys_from"]) == (0, "ok", "you")
    assert key

    lines = answer.data.split(b"\n")
    fifth = json.loads(lines[5])
    leaf = fifth["leaf"][:-8] + ("A" if fifth["leaf"][-8] != "A" else "B") + fifth["leaf"][-7:]
    lines[5] = json.dumps(fifth | {"leaf": leaf}).encode()
    code, told = judged(tmp_path, auditor, b"\n".join(lines))
    assert (code, told["first_bad_index"]) == (10, 4)


def key_of(content):
    return json.loads(content.split(b"\n")[0])["keys"][0]


def test_the_line_of_a_consent_can_be_taken_away_as_a_proof(site, auditor, tmp_path):
    """Each sealed entry with its own path: nothing else of the log is in the file."""
    given = consented(site)
    sealed(site)
    auditor.get("/audit/consent")
    page = auditor.send("consent-form", consent=given, reason=WHY)
    fields = dict(page.forms["take-form"].fields)

    answer = auditor.client.post("/audit/consent/file", data=fields)

    assert answer.status_code == 200
    code, told = judged(tmp_path, auditor, answer.data, "--key", key_of(answer.data))
    assert (code, told["verdict"]) == (0, "ok")
    inside = [json.loads(line) for line in answer.data.decode().splitlines()[1:]]
    assert told["leaves"] == len(inside) >= 3
    named = [from_bytes(base64.b64decode(one["leaf"])) for one in inside]
    assert all(one.event == "notice.published" or one.subject for one in named)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"reason": ""}, "reason"),
        ({"reason": "x@y"}, "reason"),
        ({"reason": WHY, "from": "-1"}, "from"),
        ({"reason": WHY, "from": "99999"}, "from"),
    ],
)
def test_an_export_that_cannot_be_is_said_on_the_field(site, auditor, fields, wrong):
    """No reason, no file."""
    sealed(site)
    auditor.get("/audit/export")
    page = auditor.send("export-form", **fields)

    assert page.status == 400
    assert f"{wrong}-error" in page.attributes
    assert "audit.exported" not in {one.event for one in events(site)}


def test_an_export_can_continue_an_earlier_file(site, auditor, tmp_path):
    """From the size of the file that one has."""
    sealed(site)
    page = auditor.get("/audit/export")
    csrf = dict(page.forms["export-form"].fields)["csrf"]

    answer = auditor.client.post("/audit/export", data={"csrf": csrf, "reason": WHY, "from": "5"})

    code, told = judged(tmp_path, auditor, answer.data)
    assert (code, told["leaves"]) == (0, told["size"] - 5)


def test_nothing_signed_is_nothing_to_export(auditor):
    """Said on the page; and a form that comes all the same gets no file."""
    page = auditor.get("/audit/export")
    assert "export-form" not in page.forms
    page = auditor.post("/audit/export", {"csrf": dict(page.forms["preferences"].fields)["csrf"], "reason": WHY})
    assert (page.status, page.name) == (400, "audit_export")


def test_a_kept_checkpoint_is_compared_with_the_log_of_today(site, auditor):
    """PAGES: consistency against an outside checkpoint."""
    sealed(site)
    with site.work.sessions.reading() as session:
        kept = seal.latest(session).note
    auditor.get("/audit")
    auditor.send("audit-form", reason=WHY)
    sealed(site)
    auditor.get("/audit/export?lang=en")

    assert "is the beginning" in auditor.send("kept-form", kept=kept).texts["kept-outcome"]
    assert "No key" in auditor.send("kept-form", kept=kept.replace("\n—", "\n-")).texts["kept-outcome"]
    assert "kept-error" in auditor.send("kept-form", kept=" ").attributes


@pytest.mark.parametrize("path", ["/audit", "/audit/consent", "/audit/export", "/audit/verify.py"])
def test_only_auditors_come_in(site, path):
    """Another role, or nobody."""
    clerk = enrolled(site, "clerk")
    assert clerk.get(path).status == 403
    assert site.visitor().get(path).name == "staff_sign_in"


@pytest.mark.parametrize("locale", ["th", "en"])
def test_every_page_speaks_both_languages(site, auditor, locale):
    """Thai first, English equal."""
    sealed(site)
    for path in ("/audit", "/audit/consent", "/audit/export"):
        page = auditor.get(f"{path}?lang={locale}")
        assert page.status == 200
        assert ("บันทึก" in page.text) == (locale == "th")


def test_the_log_leaves_the_house_after_a_fresh_factor_alone(site, auditor):
    """ASVS 7.5.1, O47: a console that was left open gives nobody the file; the passkey is asked, and one comes back."""
    sealed(site)
    form = auditor.get("/audit/export").forms["export-form"]
    site.clock.tick(11 * MINUTE)

    auditor.post("/audit/export", {**dict(form.fields), "reason": WHY})

    assert (auditor.at.name, "next=%2Faudit%2Fexport" in auditor.at.url) == ("staff_sign_in", True)
    assert "audit.exported" not in {one.event for one in events(site)}
    assert auditor.get("/audit/export").name == "staff_sign_in"


def test_a_search_can_be_taken_away_as_fhir(site, auditor):
    """BALP: NDJSON of AuditEvents with their numbers in the log; the look and the taking away are entries."""
    consented(site)
    sealed(site)
    page = auditor.get("/audit")
    csrf = dict(page.forms["audit-form"].fields)["csrf"]

    answer = auditor.client.post("/audit/fhir", data={"csrf": csrf, "reason": WHY, "event": "consent.given"})

    assert answer.content_type.startswith("application/fhir+ndjson")
    (one,) = [json.loads(line) for line in answer.data.decode().splitlines()]
    assert one["resourceType"] == "AuditEvent"
    assert one["subtype"][0]["code"] == "consent.given"
    assert one["extension"][0]["valueUnsignedInt"] >= 0
    assert [event.event for event in events(site)][-2:] == ["audit.searched", "audit.exported"]


def test_no_fhir_without_a_reason(site, auditor):
    """Nothing is read, nothing is written."""
    page = auditor.get("/audit")
    csrf = dict(page.forms["audit-form"].fields)["csrf"]

    answer = auditor.client.post("/audit/fhir", data={"csrf": csrf, "reason": ""})

    assert answer.status_code == 400
    assert "audit.exported" not in {event.event for event in events(site)}
