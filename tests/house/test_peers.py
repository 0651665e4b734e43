"""Foreign clients work by the standards alone: the server does not know them by name."""

import re

import pytest

from tests.house.source import ROOT, modules, name_of

FOREIGN = re.compile(
    r"openid-client|oauth4webapi|mod_auth_openidc|requests.oauth2client|oidc-client|next-?auth|spring|keycloak|apache",
    re.IGNORECASE,
)
OURS = [path for path in modules() if "demo" not in path.parts]


@pytest.mark.parametrize("path", OURS, ids=name_of)
def test_no_client_is_special(path):
    """Issue: special-cased nowhere on our side. What one client needs is a standard, or its own setting."""
    assert FOREIGN.findall(path.read_text(encoding="utf-8")) == []


def test_who_asks_is_read_in_one_place_only():
    """A User-Agent may name a session in the person's own list; it decides nothing."""
    readers = [name_of(path) for path in OURS if re.search(r"user.agent", path.read_text("utf-8"), re.IGNORECASE)]

    assert readers == ["idp/web/ceremony.py"]


def test_every_peer_of_the_lock_has_its_tests():
    """A peer that nobody runs is decoration."""
    asked = {path.stem.removeprefix("test_") for path in (ROOT / "tests/peers").glob("test_*.py")}

    assert asked >= {"openid_client", "mod_auth_openidc", "requests_oauth2client", "authlib", "oidc_client_ts"}
