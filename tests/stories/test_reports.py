"""A holder's own report reaches the person's list, and a message tells of the first look (PDPA s.30)."""

import httpx
import pytest

from idp.demo import seed
from tests.stories.waiting import eventually


@pytest.fixture
def opened(live):
    """A citizen whose conditions the service has just read at the record holder."""
    citizen, service = live.citizen(), live.service()
    asked = service.ask()
    tokens = service.tokens(citizen.walk(citizen.browser.get(asked.url)), asked)
    assert live.records(tokens["access_token"]).status_code == 200
    return citizen, tokens


def test_the_holder_tells_what_it_opened_and_the_person_reads_it(live, opened):
    """Row 4 of the coverage: which data, from whom, and when this place last spoke; the person is told by message."""
    citizen, _ = opened

    eventually(lambda: "ข้อมูลที่เปิด: การวินิจฉัย" in citizen.open("/me/access").text or None, "no report came")
    page = citizen.open("/me/access")
    eventually(lambda: live.told(citizen, "first_access") or None, "no message came")

    assert "แจ้งเราล่าสุดเมื่อ" in page.texts["coverage"]
    assert live.told(citizen, "first_access") == 1


def test_a_machines_own_token_opens_the_reports_and_nothing_else(live):
    """client_credentials for this server itself: `aud` is the issuer, and no holder takes it."""
    secret = live.world.folder.secret(seed.HOLDER)
    asked = {"grant_type": "client_credentials", "scope": "system/AuditEvent.c"}
    refused = httpx.post(
        f"{live.issuer}/oauth/token", data=asked, auth=(seed.PORTAL, live.world.folder.secret(seed.PORTAL))
    )
    body = httpx.post(f"{live.issuer}/audit/v1/AuditEvent", json={}, auth=(seed.HOLDER, secret))

    assert refused.status_code == 400
    assert body.status_code == 400
    assert body.json()["resourceType"] == "OperationOutcome"
