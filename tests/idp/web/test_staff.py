"""Staff sign in by passkey; an auditor gives a reason, reads, and is read."""

import pytest
from sqlalchemy import select

from consent.audit.entry import from_bytes
from consent.audit.models import AuditEntry
from idp import directory
from idp.alerts import Notice
from idp.login import invitations
from tests.fakes import HOUR, SoftAuthenticator
from tests.idp.web.visitor import Visitor


@pytest.fixture
def auditor(site) -> Visitor:
    """The citizen's other life: an auditor who has just enrolled."""
    return enrolled(site, "auditor")


def enrolled(site, role) -> Visitor:
    with site.work.sessions.writing() as session:
        directory.assign(session, subject_id=site.citizen, role=role, granted_by=None, now=site.clock())
        code = invitations.create(session, site.citizen, now=site.clock())
    visitor = site.visitor()
    visitor.get("/staff/enrol")
    visitor.send("enrol-form", code=f" {code} ")
    device = SoftAuthenticator(origin="http://localhost:8000")
    visitor.device = device
    said = visitor.passkey(device, "register", "/staff/passkey")
    assert said["status"] == 200, said
    visitor.get(str(said["next"]))
    return visitor


def events(site):
    with site.work.sessions.reading() as session:
        rows = session.query(AuditEntry.leaf_bytes).order_by(AuditEntry.id).all()
    return [from_bytes(bytes(leaf)) for (leaf,) in rows]


def test_nothing_is_read_before_a_reason_is_given(site, auditor):
    """ARCHITECTURE flow 3: a reason first; the look is an entry."""
    assert auditor.at.name == "audit"
    page = auditor.send("audit-form", reason=" ")
    assert (page.status, page.name) == (400, "audit")
    assert "audit.searched" not in {entry.event for entry in events(site)}

    auditor.send("audit-form", reason="เรื่องร้องเรียน 12/2569", event="passkey.added")

    assert auditor.at.status == 200
    looked = [entry for entry in events(site) if entry.event == "audit.searched"]
    assert [entry.reason for entry in looked] == ["เรื่องร้องเรียน 12/2569"]
    assert "พาสคีย์" in auditor.at.text


@pytest.mark.parametrize(
    "field",
    [
        {"since": "2569-13-01"},
        {"since": "0001-01-01"},
        {"until": "9999-12-31"},
        {"until": "x"},
        {"event": "nothing"},
        {"reason": "3999000010035"},
        {"reason": "3-9990-00010-03-5"},
    ],
)
def test_bad_filters_are_said_on_the_field(auditor, field):
    """Issue: a clear error; an ID number has no place in a reason."""
    page = auditor.send("audit-form", **({"reason": "ตรวจประจำเดือน"} | field))
    assert (page.status, page.name) == (400, "audit")
    assert "error-summary" in page.attributes


def test_filters_are_heard(auditor):
    """A day begins and ends at midnight in Bangkok."""
    page = auditor.send("audit-form", reason="ตรวจ", since="2026-11-23", until="2026-11-23", client_id="portal")
    assert page.status == 200


def test_an_enrolment_code_works_once(site, auditor):
    """One conditional update: the same code a second time opens nothing."""
    assert auditor.at.name == "audit"
    stranger = site.visitor()
    stranger.get("/staff/enrol")
    page = stranger.send("enrol-form", code="x" * 43)
    assert (page.status, page.name) == (400, "staff_enrol")


def test_staff_come_back_with_the_passkey(site, auditor):
    """DECISIONS 4: a session and a cookie of their own."""
    device = auditor.device
    other = site.visitor()
    other.get("/audit")
    assert other.at.name == "staff_sign_in"
    said = other.passkey(device, "sign-in", "/staff/passkey")
    assert other.get(str(said["next"])).name == "audit"
    assert other.get("/me").name == "login"


def test_a_passkey_without_a_role_opens_no_console(site, auditor):
    """Roles are dated assignments; without one there is no staff session."""
    with site.work.sessions.writing() as session:
        for row in session.query(directory.StaffAssignment).all():
            row.ends_at = site.clock() + HOUR / 60
    site.clock.tick(HOUR / 30)
    assert auditor.get("/audit").texts["error-code"] == "forbidden"
    other = site.visitor()
    other.get("/staff/sign-in")
    said = other.passkey(auditor.device, "sign-in", "/staff/passkey")
    assert (said["status"], said["error"]) == (403, "not_staff")


def test_another_role_may_not_read_the_log(site):
    """ARCHITECTURE flow 3: auditors only."""
    clerk = enrolled(site, "clerk")
    assert clerk.at.texts["error-code"] == "forbidden"
    assert clerk.at.status == 403


def test_a_passkey_that_a_citizen_added_opens_no_console(site, visitor):
    """DECISIONS 4: the invitation is the only way in; a phone with its SMS is not, role or no role."""
    with site.work.sessions.writing() as session:
        directory.assign(session, subject_id=site.citizen, role="auditor", granted_by=None, now=site.clock())
    visitor.get("/me/security")
    visitor.sign_in()
    page = visitor.send("add-form", "add-passkey")
    device = SoftAuthenticator(origin="http://localhost:8000")
    said = visitor.passkey(device, "register", page.url.replace("/set-up", ""))
    assert said["status"] == 200, said

    visitor.get("/staff/sign-in")
    said = visitor.passkey(device, "sign-in", "/staff/passkey")

    assert (said["status"], said["error"]) == (400, "unknown")


def test_staff_see_where_they_are_signed_in_and_sign_out_everywhere(site, auditor):
    """O46; ASVS 7.5.2: at work as at home, and a new place is told to the person (O42)."""
    auditor.get("/staff/sessions")
    assert auditor.at.name == "staff_sessions"
    with site.work.sessions.reading() as session:
        assert "new_device" in [one.kind for one in session.scalars(select(Notice))]

    auditor.send("end-all-form")

    assert auditor.at.name == "signed_out"
    assert auditor.get("/staff/sessions").name == "staff_sign_in"
