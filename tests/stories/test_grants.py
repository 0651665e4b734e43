"""Grants over HTTP: for one visit, managed by their client, and ended for who never asks about a token."""

import json
from typing import Any

import pytest

from idp.demo import seed
from idp.relying import Keys, StatusLists, TokenRefused, Verifier
from idp.relying.keys import wall_clock
from tests.stories.waiting import eventually

VISIT = {
    "type": "th_health_visit",
    "purpose": "EHR-SHARE",
    "actions": ["read"],
    "datatypes": ["Condition"],
    "encounter": {"system": "https://terms.sil-th.org/hcode/5/99001/VN", "value": "6911-000123"},
}


class Later:
    """A holder's clock that can be put forward."""

    def __init__(self) -> None:
        """At first it is right."""
        self.ahead_s = 0.0

    def __call__(self) -> float:
        """What it shows."""
        return wall_clock() + self.ahead_s


def test_a_holder_that_never_asks_hears_of_a_withdrawal_within_a_minute(live):
    """PRODUCT: "the status list shows it within 60 s": 5 s until it is built, 10 on the way, 45 kept by its reader."""
    citizen, service, clock = live.citizen(), live.service(), Later()
    asked = service.ask()
    token = service.tokens(citizen.walk(citizen.browser.get(asked.url)), asked)["access_token"]
    keys = Keys(live.issuer)
    holder = Verifier(live.issuer, seed.HOLDER_IDENTIFIER, keys=keys, status=StatusLists(keys, clock=clock))
    assert holder.verify(token, "patient/Condition.s").checked == "offline"

    live.withdraw(citizen, "EHR-SHARE")
    holder.verify(token, "patient/Condition.s")  # it keeps its list as long as the list says

    def refused() -> str | None:
        clock.ahead_s = 46.0
        try:
            holder.verify(token)
        except TokenRefused as refusal:
            return str(refusal)
        return None

    assert "revoked" in eventually(refused, "the list never said so")


def test_a_permission_for_one_visit_is_that_and_its_service_may_end_it(live):
    """RFC 9396 and Grant Management, from the page to the data holder and back."""
    citizen, service = live.citizen(), live.service()
    wished = {"scope": "openid", "authorization_details": json.dumps([VISIT])}
    asked = service.ask(**wished, grant_management_action="create")
    granted = service.tokens(citizen.walk(citizen.browser.get(asked.url)), asked)
    token, at = granted["access_token"], f"{live.issuer}/oauth/grants/{granted['grant_id']}"

    assert granted["authorization_details"] == service.introspect(token)["authorization_details"] == [VISIT]
    assert live.records(token).status_code == 403, "a holder that knows no visits shows nothing"

    mine = service.post("token", {"grant_type": "client_credentials", "scope": SCOPES}).json()["access_token"]
    bearer = {"Authorization": f"Bearer {mine}"}
    shown: Any = service.http.get(at, headers=bearer).json()
    ended = service.http.delete(at, headers=bearer)

    assert shown["authorization_details"] == [VISIT]
    assert ended.status_code == 204
    assert service.introspect(token) == {"active": False}
    again = service.ask(**wished, prompt="none")
    assert service.tokens(citizen.browser.get(again.url), again)["authorization_details"] == [VISIT]


SCOPES = "grant_management_query grant_management_revoke"

pytestmark = pytest.mark.story
