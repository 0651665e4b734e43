"""The start page and the inbox."""

import pytest

from idp import worker
from idp.app import create_app
from idp.contact.fake import SandboxLinePush, SandboxMail, SandboxSms
from idp.web import login
from idp.web.gate import Tour
from tests.idp.web.conftest import build

SOMCHAI = "3999000010035"


def test_the_sandbox_names_people_to_try_and_services(site, clock):
    """PAGES, sandbox `/`: who, which service, in both languages."""
    work = site.work
    tour = Tour(
        people=({"name": "สมชาย", "national_id": "3999000010035", "note": "ทั้งเส้นทาง", "note_en": "the whole path"},),
        services=({"id": "portal", "name": "พอร์ทัล", "name_en": "Portal", "url": "http://127.0.0.1:9"},),
    )
    app = create_app(work.settings, sessions=work.sessions, clock=clock, ports=work.ports, tour=tour)
    thai, english = app.test_client().get("/").text, app.test_client().get("/?lang=en").text
    assert "ทั้งเส้นทาง" in thai
    assert "the whole path" in english
    assert "Portal" in english
    assert "sandbox-ribbon" in english


def test_production_names_nobody_and_has_no_inbox(settings, sessions, clock, site):
    """Issue: the sandbox is explicit; outside it neither page shows anybody."""
    changed = {"issuer": "https://id.example.test", "sandbox": False, "sms_gateway_url": "https://sms.example.test"}
    tour = Tour(people=({"name": "สมชาย", "national_id": "3999000010035", "note": ""},))
    app = create_app(
        settings.model_copy(update=changed), sessions=sessions, clock=clock, ports=site.work.ports, tour=tour
    )
    page = app.test_client().get("/").text
    assert "3999000010035" not in page
    assert "sandbox-ribbon" not in page
    assert app.test_client().get("/sandbox/inbox").status_code == 404


def test_a_fixed_code_works_however_fast_and_often_a_program_types_it(settings, sessions, clock, ring, monkeypatch):
    """STANDARDS 12: certification tools post at once, and sign in again at once; the worker is given its moment."""
    site = build(settings.model_copy(update={"sandbox_fixed_code": "246810"}), sessions, clock, ring)
    naps = []
    monkeypatch.setattr(login.time, "sleep", lambda _s: naps.append(worker.run_once(site.work)))

    for _ in range(12):
        visitor = site.visitor()
        visitor.get("/me")
        visitor.send("login", national_id=SOMCHAI)
        assert visitor.send("code-form", code="246810").name == "me"

    assert naps


def test_without_a_fixed_code_nobody_waits_for_the_worker(visitor, monkeypatch):
    """RELIABILITY 3: the answer's time says nothing about the number, and holds no thread."""
    monkeypatch.setattr(login.time, "sleep", lambda _s: 1 / 0)
    visitor.get("/me")
    visitor.send("login", national_id=SOMCHAI)

    assert visitor.send("code-form", code="246810").name == "code"


def test_the_inbox_shows_every_kind_of_message_and_the_newest_code_is_of_a_phone(visitor, site, sessions):
    """No real phone, mailbox or LINE account is written to; a notice that comes after a code does not hide it."""
    SandboxSms(sessions, site.clock).send("+66100000035", "482915 คือรหัส อ้างอิง KXPT", key="otp-1")
    SandboxMail(sessions, site.clock).send("somchai@example.test", "Passkey added\n\nRef 123456", key="mail-1")
    SandboxLinePush(sessions, site.clock).send("U00000000000000000000000000004f2a", "เพิ่มพาสคีย์แล้ว", key="line-1")

    page = visitor.get("/sandbox/inbox")

    for told in ("s…@example.test", "LINE …4f2a", "xxx-xxx-0035", "Passkey added", "ข้อความ SMS", "อีเมล", "ข้อความ LINE"):
        assert told in page.text
    assert "somchai@" not in page.text
    assert visitor.get("/sandbox/code").texts["last-code"] == "482915"


@pytest.mark.parametrize(("text", "code"), [("12345678 คือรหัส", "12345678"), ("1234567 คือรหัส", None)])
def test_a_long_code_is_a_code(visitor, site, sessions, text, code):
    """Eight digits while the whole country is being guessed at."""
    SandboxSms(sessions, site.clock).send("+66100000035", text, key="otp-1")

    assert visitor.get("/sandbox/code").texts.get("last-code") == code
