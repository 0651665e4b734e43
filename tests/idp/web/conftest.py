"""The web application in one process, on a stage of one hospital, its portal and one citizen."""

from dataclasses import dataclass, replace
from urllib.parse import urlencode
from uuid import UUID

import pytest
from flask import Flask

from idp.app import create_app
from idp.contact.fake import SandboxSms
from idp.keys import KeyRings
from idp.national_id import SyntheticOnly
from idp.ports import Ports
from idp.proofing.sources.fake_cards import SandboxReader
from idp.worker import Worker
from tests.fakes import Clock, FakeRegistry
from tests.idp.web.stage import CALLBACK, CHALLENGE, SCOPE, set_up
from tests.idp.web.visitor import Visitor


class NoFetcher:
    """Nobody is reached from a page."""

    def get(self, url, *, headers=None):  # noqa: ARG002
        """Refuse."""
        raise AssertionError("a page made an outside call")

    post = get


@dataclass
class Site:
    """The application and what it was built from."""

    app: Flask
    work: Worker
    clock: Clock
    citizen: UUID
    hospital: UUID
    registry: FakeRegistry

    def visitor(self) -> Visitor:
        """A browser that has never been here."""
        return Visitor(self.app.test_client(), self.work, issuer=self.work.settings.issuer)

    def authorize_url(self, **changes) -> str:
        """A good authorization request, changed."""
        asked = {
            "client_id": "portal",
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": SCOPE,
            "state": "st",
            "nonce": "n-1",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **changes,
        }
        return "/oauth/authorize?" + urlencode({name: value for name, value in asked.items() if value is not None})


def build(settings, sessions, clock, ring) -> Site:
    """The application over these settings."""
    with sessions.writing() as session:
        stage = set_up(session, ring)
    registry = FakeRegistry()
    ports = Ports(registry=registry, sms=SandboxSms(sessions, clock), fetcher=NoFetcher(), id_policy=SyntheticOnly())
    ports = replace(ports, cards=SandboxReader(registry))
    app = create_app(settings, sessions=sessions, clock=clock, ports=ports)
    rings = KeyRings(sessions, settings.kek())
    return Site(app, Worker(settings, sessions, rings, ports, clock), clock, stage.citizen, stage.hospital, registry)


@pytest.fixture
def site(settings, sessions, clock, ring) -> Site:
    """The sandbox on loopback."""
    return build(settings, sessions, clock, ring)


@pytest.fixture
def secure_site(settings, sessions, clock, ring) -> Site:
    """A server over https, under a path."""
    changed = {"issuer": "https://id.example.test/idp", "sandbox": True}
    return build(settings.model_copy(update=changed), sessions, clock, ring)


@pytest.fixture
def visitor(site) -> Visitor:
    """A browser that has never been here."""
    return site.visitor()
