"""The application over one database, every route of its map, and senders: nobody, a citizen, an auditor."""

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from hypothesis import HealthCheck
from hypothesis import settings as fuzz_settings
from sqlalchemy import select

from idp.app import create_app
from idp.contact.fake import SandboxSms
from idp.db import Sessions
from idp.directory.models import StaffAssignment
from idp.keys import KeyRing
from idp.login import sessions as sign_ins
from idp.migrations.models import metadata
from idp.national_id import SyntheticOnly
from idp.ports import Ports
from tests.fakes import NOW, Clock, FakeRegistry
from tests.fuzz.strategies import Asked
from tests.idp.web.conftest import NoFetcher
from tests.idp.web.stage import set_up

LONGER = int(os.environ.get("YINYOM_FUZZ", "1"))  # YINYOM_FUZZ=100 looks for an hour, at random
FACTORS = {"citizen": {"sms", "pin"}, "staff": {"passkey"}}
COOKIE = {"citizen": "yinyom", "staff": "yinyom-staff"}


def looked_for(examples: int) -> fuzz_settings:
    """The same requests in every run, unless somebody asks for more."""
    calm = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
    return fuzz_settings(
        max_examples=examples * LONGER,
        derandomize=LONGER == 1,
        deadline=None,
        database=None,
        suppress_health_check=calm,
    )


@dataclass
class Surface:
    """What can be asked, and by whom."""

    app: Flask
    sessions: Sessions
    ring: KeyRing
    settings: Any
    people: dict[str, UUID]
    known: dict[str, list[str]]

    def rules(self, *, unsafe: bool = False) -> list[tuple[str, tuple[str, ...]]]:
        """Every rule of the map with its methods; with `unsafe` only those posts that our own forms make."""
        found = []
        for rule in self.app.url_map.iter_rules():
            row = getattr(self.app.view_functions[rule.endpoint], "row", None)
            methods = tuple(sorted(rule.methods or ()))
            if not unsafe:
                found.append((rule.rule, methods))
            elif row is not None and row.csrf and row.who.value != "client" and "POST" in methods:
                found.append((rule.rule, ("POST",)))
        assert found
        return sorted(found)

    def send(self, asked: Asked, *, who: str | None = None, cookies: dict[str, str] | None = None) -> Any:
        """Send it from a fresh browser, signed in as asked."""
        client = self.app.test_client()
        told = dict(asked.headers)
        if who is not None:
            client.set_cookie("yinyom-browser", BROWSER)
            client.set_cookie(COOKIE[who], self.sign_in(who))
            if asked.csrf:
                told |= {"X-CSRF-Token": self.ring.mac("csrf", BROWSER).hex(), "Sec-Fetch-Site": "same-origin"}
                told |= {"Origin": self.settings.issuer}
        if cookies:
            told["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        return client.open(
            asked.path or "/",
            method=asked.method,
            query_string=asked.query,
            data=asked.body or None,
            content_type=asked.kind or None,
            headers=told,
        )

    def sign_in(self, who: str) -> str:
        """A session of this person, whatever the last request did to the others."""
        with self.sessions.writing() as session:
            person, factors = self.people[who], FACTORS[who]
            facts = {"kind": who, "factors": factors, "device": "?", "settings": self.settings, "now": NOW}
            return sign_ins.start(session, subject_id=person, **facts)

    def rows(self) -> dict[str, list[str]]:
        """Everything that is stored, in an order of its own."""
        with self.sessions.reading() as session:
            tables = metadata().sorted_tables
            return {table.name: sorted(map(repr, session.execute(select(table)))) for table in tables}


BROWSER = "b" * 43


@pytest.fixture
def surface(settings, sessions, ring) -> Surface:
    """A hospital, its portal, a citizen, an auditor; one paused request and one consent for the paths."""
    clock = Clock()
    with sessions.writing() as session:
        stage = set_up(session, ring)
        session.add(StaffAssignment(subject_id=stage.citizen, role="auditor", starts_at=NOW - timedelta(days=1)))
    ports = Ports(
        registry=FakeRegistry(), sms=SandboxSms(sessions, clock), fetcher=NoFetcher(), id_policy=SyntheticOnly()
    )
    app = create_app(settings, sessions=sessions, clock=clock, ports=ports)
    people = {"citizen": stage.citizen, "staff": stage.citizen}
    made = Surface(app, sessions, ring, settings, people, {})
    made.known["interaction_id"] = paused(made)
    return made


def paused(surface: Surface) -> list[str]:
    """Requests that wait in our browser: one of a service, one of a page of ours, one with a code under way."""
    client = surface.app.test_client()
    client.set_cookie("yinyom-browser", BROWSER)
    asked = ("/sign-in", "/sign-in?aal=2.2")
    found = [client.get(path).headers["Location"].rpartition("/")[2] for path in asked]
    token = surface.ring.mac("csrf", BROWSER).hex()
    client.post(f"/interaction/{found[0]}/login", data={"national_id": "3999000010035", "csrf": token})
    return found
