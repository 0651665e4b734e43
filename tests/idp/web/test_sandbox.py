"""The start page and the inbox."""

from idp.app import create_app
from idp.web.gate import Tour


def test_the_sandbox_names_people_to_try_and_services(site, clock):
    """PAGES, sandbox `/`: who, which service, in both languages."""
    work = site.work
    tour = Tour(
        people=({"name": "สมชาย", "national_id": "3999000010035", "note": "ทั้งเส้นทาง", "note_en": "the whole path"},),
        services=({"name": "พอร์ทัล", "name_en": "Portal", "url": "http://127.0.0.1:9", "text": "ขอข้อมูล"},),
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
