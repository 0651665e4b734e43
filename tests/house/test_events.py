"""Every event of the closed list is written by some line of code, or waits by name for the part that will write it."""

import ast

from consent.audit.events import EVENTS
from tests.house.source import ROOT, modules, tree

WAITING = {  # event -> what will write it; whoever builds that takes the line away
    "client.approved": "registration by the services themselves",
    "policy.denied_not_onboarded": "an event of its own; today every denial names its reason, not_onboarded as well",
    "address.disclosed": "postal drug delivery",
    "cert.verified": "digital certificates",
    "claim.data_disclosed": "claims",
    "license.suspended": "practitioners' licences",
    "staff.invited": "inviting staff by page; `role.changed` tells of the command",
    "stepup.required": "claims of a level in a request; `stepup.done` tells of the step",
    "token.exchanged": "RFC 8693",
}
COMPOSED = {  # a literal that is put together when it is written
    "idp/login/tries.py": {f"{of}.{what}" for of in ("pin", "totp", "recovery_codes") for what in ("failed", "locked")},
}


def written() -> set[str]:
    """Events that stand as a literal in either package; what pages and the sandbox name does not count."""
    found = set()
    for path in modules():
        if "web" in path.parts or "demo" in path.parts:
            continue
        found |= {
            node.value for node in ast.walk(tree(path)) if isinstance(node, ast.Constant) and node.value in EVENTS
        }
    for file, names in COMPOSED.items():
        assert "failed" in (ROOT / file).read_text(encoding="utf-8")
        found |= names
    return found


def test_every_event_is_written_or_waits_by_name():
    """An event that nothing writes is a promise of the log that nobody keeps."""
    assert set(EVENTS) - written() - set(WAITING) == set()


def test_nothing_waits_that_is_written_or_unknown():
    """A stale list hides what is missing."""
    assert {name for name in WAITING if name in written() or name not in EVENTS} == set()
    assert all(WAITING.values())
