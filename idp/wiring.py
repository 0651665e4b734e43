"""What every process is built from: the clock, and sessions and ports as the settings want them.

Apart from app.py so that a command or the worker need not load the web.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from idp.contact.fake import SandboxSms
from idp.contact.sms import HttpSms
from idp.db import Sessions, make_engine, make_sessions
from idp.fetcher import GuardedFetcher
from idp.national_id import RealOnly, SyntheticOnly
from idp.ports import Ports
from idp.proofing.sources.fake import SandboxRegistry
from idp.proofing.sources.fake_cards import SandboxReader
from idp.proofing.sources.registry import NoRegistry
from idp.settings import Settings


def wall_clock() -> datetime:
    """The one clock; everything else is told what time it is."""
    return datetime.now(UTC)  # noqa: TID251 -- here time enters


def wire(settings: Settings, *, clock: Callable[[], datetime]) -> tuple[Sessions, Ports]:
    """Sessions and ports as these settings want them; the sandbox reaches nobody."""
    sessions = make_sessions(make_engine(settings.database_url))
    if settings.sandbox:
        registry = SandboxRegistry(settings.sandbox_registry)
        return sessions, Ports(
            registry=registry,
            cards=SandboxReader(registry),
            sms=SandboxSms(sessions, clock),
            fetcher=GuardedFetcher(allow_loopback=True),
            id_policy=SyntheticOnly(),
        )
    sms = HttpSms(url=settings.sms_gateway_url or "", token=settings.sms_token(), sender=settings.sms_sender)
    return sessions, Ports(registry=NoRegistry(), sms=sms, fetcher=GuardedFetcher(), id_policy=RealOnly())
