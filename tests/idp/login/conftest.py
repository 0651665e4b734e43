"""Two people with accounts, what the log says about them, and many hands at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from consent.audit import entry as entries
from consent.audit.models import AuditEntry
from consent.db import new_id
from idp import subjects
from idp.db import Session, Sessions
from idp.keys import KeyRing
from idp.proofing.sources.fake import SandboxRegistry
from idp.subjects import Subject
from tests.fakes import NOW

HANDS = 8


@pytest.fixture
def somchai() -> UUID:
    """A person, known here by an id alone."""
    return new_id()


@pytest.fixture
def manee() -> UUID:
    """Another person."""
    return new_id()


SOMCHAI = "3999000010035"


@pytest.fixture
def account(session: Session, ring: KeyRing) -> Subject:
    """A person with an account, as the registry knows them."""
    return subjects.create(session, ring, SOMCHAI, SandboxRegistry().people[SOMCHAI], now=NOW)


@pytest.fixture
def told() -> Callable[[Session], list[str]]:
    """Event and reason of every entry about sign-in so far, sorted: ids within one millisecond are not in order."""

    def read(session: Session) -> list[str]:
        found = [entries.from_bytes(leaf) for leaf in session.scalars(select(AuditEntry.leaf_bytes))]
        return sorted(f"{entry.event} {entry.reason}".strip() for entry in found if entry.event != "account.created")

    return read


@pytest.fixture
def at_once(sessions: Sessions) -> Callable[[int, Callable[[Session], Any]], list[Any]]:
    """Do one thing many times at once, each in a transaction of its own; the answers."""

    def run(times: int, act: Callable[[Session], Any]) -> list[Any]:
        def one(_: int) -> Any:
            with sessions.writing() as session:
                return act(session)

        with ThreadPoolExecutor(HANDS) as hands:
            return list(hands.map(one, range(times)))

    return run
