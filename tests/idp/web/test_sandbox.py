"""The start page and the inbox."""

from idp import worker
from idp.app import create_app
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
