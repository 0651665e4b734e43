"""A grant that has ended says so to its client, and why only where the client is told anyway."""

from dataclasses import replace
from uuid import uuid4

import pytest

from idp.assurance import Aal, Ial
from idp.oauth import live
from idp.oauth.live import GrantFacts
from tests.fakes import MINUTE, NOW

RUNNING = GrantFacts(
    id=uuid4(),
    subject_id=uuid4(),
    client_id="portal",
    recipient_id=uuid4(),
    scopes={"SIGNIN": ("openid",)},
    resource=(),
    offline_access=True,
    aal=Aal.AAL2_1,
    acr=Aal.AAL2_1.acr,
    factors=frozenset({"sms", "pin"}),
    auth_time=NOW,
    session_expires_at=None,
    ended_at=None,
    end_reason=None,
    subject_status="active",
    ial=Ial.IAL1_3,
    ial_method="card_data",
    ial_at=NOW,
    ial_expires_at=None,
    client_status="active",
)


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("withdrawn", "the grant has ended: withdrawn"),
        ("narrowed", "the grant has ended: narrowed"),
        ("code_replayed", "the grant has ended: code_replayed"),
        ("signed_out", "the grant has ended"),
        ("account_closed", "the grant has ended"),
        ("superseded", "the grant has ended"),
        (None, "the grant has ended"),
    ],
)
def test_the_reason_is_said_only_where_the_client_hears_of_it_anyway(reason, said):
    """RFC 6749 section 5.2: precise, and nothing about the person that a letter of ours would not tell."""
    assert replace(RUNNING, ended_at=NOW, end_reason=reason).ending == said


@pytest.mark.parametrize(
    ("until", "known"),
    [
        (None, {"ial": Ial.IAL2_3}),
        (NOW + MINUTE, {"ial": Ial.IAL2_3}),
        (NOW, {"ial": Ial.IAL1_1, "ial_method": live.LAPSED, "ial_at": NOW, "ial_expires_at": None}),
    ],
)
def test_a_level_that_ran_out_is_gone_before_anybody_writes_it_down(until, known):
    """THAI.md part 3: lower the level when the card expires; the moment it ran out is since when it is lower."""
    assert live._known_as({"ial": "2.3", "ial_expires_at": until}, now=NOW) == known


def test_a_level_with_an_end_says_when():
    """THAI.md 1c: `ial_expires` in seconds since 1970, and only where there is an end."""
    assert replace(RUNNING, ial_expires_at=NOW).proofing["ial_expires"] == int(NOW.timestamp())
    assert "ial_expires" not in RUNNING.proofing
