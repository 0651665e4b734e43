"""What every process is built from: the clock, and sessions and ports as the settings want them.

Apart from app.py so that a command or the worker need not load the web.
"""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime

from idp.abuse.questions import Metered
from idp.breaker import Breaker
from idp.contact.fake import SandboxLinePush, SandboxMail, SandboxSms
from idp.contact.gateways import FIRST, SECOND, Gateway, Gateways
from idp.contact.line import HttpLinePush
from idp.contact.mail import SmtpMail
from idp.contact.sim_swap import CamaraSimSwap, SandboxSimSwap
from idp.contact.sms import HttpSms
from idp.contact.spend import Ledger
from idp.db import Sessions, make_engine, make_sessions
from idp.fetcher import GuardedFetcher
from idp.login.line import HttpLineLogin
from idp.national_id import RealOnly, SyntheticOnly
from idp.ports import (
    CardReader,
    CardStatus,
    LinePush,
    Mail,
    NoCardStatus,
    NoLinePush,
    NoMail,
    NoReader,
    Ports,
    Registry,
)
from idp.proofing.sources.card_chip import ChipReader
from idp.proofing.sources.card_status import DopaCardStatus
from idp.proofing.sources.fake import SandboxRegistry
from idp.proofing.sources.fake_card_status import SandboxCardStatus
from idp.proofing.sources.fake_cards import SandboxReader
from idp.proofing.sources.registry import NoRegistry
from idp.proofing.sources.thaid import HttpThaid
from idp.providers import LineLogin, NoLineLogin, NoSimSwap, NoThaid, SimSwap, Thaid
from idp.settings import Settings
from idp.upstream.wire import Wire

SATANG = 100


def wall_clock() -> datetime:
    """The one clock; everything else is told what time it is."""
    return datetime.now(UTC)  # noqa: TID251 -- here time enters


def wire(settings: Settings, *, clock: Callable[[], datetime]) -> tuple[Sessions, Ports]:
    """Sessions and ports as these settings want them; the sandbox reaches nobody."""
    sessions = make_sessions(make_engine(settings.database_url))
    if settings.sandbox:
        registry = SandboxRegistry(settings.sandbox_registry)
        return sessions, Ports(
            registry=metered(settings, registry, sessions, clock),
            cards=cards(settings, sessions, clock, otherwise=SandboxReader(registry)),
            sms=SandboxSms(sessions, clock),
            mail=SandboxMail(sessions, clock),
            line_push=SandboxLinePush(sessions, clock),
            card_status=SandboxCardStatus(registry),
            fetcher=GuardedFetcher(allow_loopback=True),
            id_policy=SyntheticOnly(),
            thaid=thaid(settings),
            line_login=line_login(settings),
            sim_swap=SandboxSimSwap(),
        )
    return sessions, Ports(
        registry=metered(settings, NoRegistry(), sessions, clock),
        sms=gateways(settings, sessions, clock),
        mail=mail(settings, clock),
        card_status=card_status(settings),
        fetcher=GuardedFetcher(),
        id_policy=RealOnly(),
        line_push=line_push(settings),
        thaid=thaid(settings),
        line_login=line_login(settings),
        cards=cards(settings, sessions, clock, otherwise=NoReader()),
        sim_swap=sim_swap(settings),
    )


def metered(settings: Settings, registry: Registry, sessions: Sessions, clock: Callable[[], datetime]) -> Registry:
    """The register within the quota of its contract, where it has one."""
    quota = settings.register_day_quota
    return registry if quota is None else Metered(registry, sessions, clock, quota=quota)


def sim_swap(settings: Settings) -> SimSwap:
    """The operators of mobile phones, where they may be asked."""
    if settings.sim_swap_url is None:
        return NoSimSwap()
    return CamaraSimSwap(url=settings.sim_swap_url, token=settings.sim_swap_token(), wire=Wire("sim-swap"))


def cards(
    settings: Settings, sessions: Sessions, clock: Callable[[], datetime], *, otherwise: CardReader
) -> CardReader:
    """The readers of the counters, where they have agents; the sandbox has a drawer of cards otherwise."""
    if settings.card_agent_url is None:
        return otherwise
    return ChipReader(sessions, issuer=settings.issuer, agent_url=settings.card_agent_url, clock=clock)


def thaid(settings: Settings) -> Thaid:
    """ThaID, where we are registered; in a sandbox the stand-in is a service of its own, asked in the same way."""
    if settings.thaid_url is None:
        return NoThaid()
    file = settings.thaid_ca_file
    trusted = None if file is None else ssl.create_default_context(cafile=file)
    return HttpThaid(
        url=settings.thaid_url,
        client_id=settings.thaid_client_id,
        secret=settings.thaid_secret(),
        wire=Wire("thaid", trusted=trusted),
        issuer=settings.thaid_issuer,
    )


def line_login(settings: Settings) -> LineLogin:
    """LINE Login, where we have a channel."""
    if settings.line_channel_id is None:
        return NoLineLogin()
    return HttpLineLogin(
        web=settings.line_web_url,
        api=settings.line_api_url,
        channel_id=settings.line_channel_id,
        secret=settings.line_channel_secret(),
        wire=Wire("line"),
    )


def line_push(settings: Settings) -> LinePush:
    """Our LINE Official Account, where there is one."""
    if settings.line_push_token_file is None:
        return NoLinePush()
    return HttpLinePush(api=settings.line_api_url, token=settings.line_push_token(), wire=Wire("line-push"))


def gateways(settings: Settings, sessions: Sessions, clock: Callable[[], datetime]) -> Gateways:
    """The SMS gateways in order, and the ledger that charges them."""
    asked = [(FIRST, settings.sms_gateway_url or "", settings.sms_token())]
    if settings.sms_fallback_url is not None:
        asked.append((SECOND, settings.sms_fallback_url, settings.sms_fallback_token()))
    cap = None if settings.sms_day_cap_baht is None else settings.sms_day_cap_baht * SATANG
    return Gateways(
        [
            Gateway(name, HttpSms(url=url, token=token, sender=settings.sms_sender), Breaker(f"sms-{name}"))
            for name, url, token in asked
        ],
        Ledger(sessions, clock, part_cost=settings.sms_part_satang, cap=cap),
    )


def mail(settings: Settings, clock: Callable[[], datetime]) -> Mail:
    """The mail server, if there is one."""
    return NoMail() if settings.smtp_host is None else smtp(settings, clock)


def smtp(settings: Settings, clock: Callable[[], datetime]) -> SmtpMail:
    """The mail server of the settings."""
    return SmtpMail(
        host=settings.smtp_host or "",
        port=settings.smtp_port,
        sender=settings.smtp_from,
        user=settings.smtp_user,
        password=settings.smtp_password(),
        trust=ssl.create_default_context(cafile=settings.smtp_ca_file),
        clock=clock,
    )


def card_status(settings: Settings) -> CardStatus:
    """The issuer of ID cards, if this server may ask it."""
    return NoCardStatus() if settings.dopa_url is None else dopa(settings)


def dopa(settings: Settings) -> DopaCardStatus:
    """The issuer of the settings."""
    return DopaCardStatus(
        url=settings.dopa_url or "", client_file=settings.dopa_client_file, ca_file=settings.dopa_ca_file
    )
