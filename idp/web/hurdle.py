"""Before a code goes out: does whoever asks have to prove themselves in another way first? The same for every number.

Volume is counted for the address that the connection came from (or the trusted proxies said), never for what a header
claims. Nothing is refused: the page names passkey, code app, recovery code, card and counter (RELIABILITY 3).
"""

from uuid import UUID

from flask import Blueprint, Response, current_app, g, redirect, request

from idp import provisional
from idp.abuse import alarms, volume
from idp.abuse.as_ranges import AsRanges
from idp.abuse.counters import Count, Windows, redis
from idp.abuse.volume import Asking
from idp.contact import codes, limits
from idp.db import Session
from idp.login import devices
from idp.ports import NoCardStatus
from idp.prompts import Prompt
from idp.settings import Settings
from idp.web import cookies, gate, loop
from idp.web.gate import Elsewhere, Tx, as_response, route
from idp.web.loop import Paused

bp = Blueprint("hurdle", __name__, url_prefix="/interaction/<interaction_id>")
PAGE = "/another-proof"
KEY, RANGES = "yinyom-windows", "yinyom-as-ranges"


@route(bp, PAGE, tx=Tx.READ)
def another_proof(interaction_id: str) -> Response:
    """The other ways to prove oneself, for whoever was sent here."""
    paused = loop.due(interaction_id, Prompt.LOGIN)
    found = paused.interaction.challenge_id
    challenge = codes.find(g.session, found, browser=cookies.browser()) if found else None
    if challenge is not None and challenge.hurdle is None:
        raise Elsewhere(paused.at + "/code")
    return loop.page("another_proof.html", paused, has_number=challenge is not None, has_issuer=has_issuer())


def met(paused: Paused, national_id: str, session: Session | None = None) -> Response | None:
    """303 to that page, if another proof comes first; None for nearly everybody. Counts one question."""
    return there(paused) if reason(national_id, session) else None


def there(paused: Paused) -> Response:
    """303 to the page."""
    return as_response(redirect(paused.at + PAGE, 303))


def reason(national_id: str, session: Session | None = None) -> str | None:
    """Why another proof comes first, or None. Counts one question of this browser and network about this number."""
    own = session or g.session
    fingerprint = g.ring.fingerprint(national_id)
    settings, windows, network = gate.house().settings, windows_here(), network_here()
    pair, system = f"pair:{keyed(network, fingerprint)}", system_of(network)
    asked = windows.add(pair, window=volume.PAIR_WINDOW, now=g.now)
    again = asked.over(volume.PAIR_MOST)
    asking = Asking(
        known_device=known_device(own, fingerprint),
        alarm=alarms.OTHER_PROOF in alarms.raised(own, now=g.now),
        facility=volume.is_within(network, settings.facility_networks),
        browser_numbers=1 + limits.numbers_of(own, cookies.browser(), besides=fingerprint, since=g.now - volume.HOUR),
        network_numbers=asked_for(network, fingerprint),
        network_arrived=has_arrived(network),
        system_numbers=asked_for(system, fingerprint) if system else volume.NONE,
        system_arrived=has_arrived(system) if system else volume.NONE,
        pair=asked,
        pair_rests=windows.rests(pair, again=again, rest=volume.pair_rest, longest=volume.PAIR_LONGEST, now=g.now),
    )
    return volume.hurdle(asking, browser_most=settings.numbers_per_browser)


def asked_for(place: str, fingerprint: str) -> Count:
    """Count one person in this network or system, once an hour; how many people that makes."""
    windows, numbers = windows_here(), f"numbers:{keyed(place)}"
    if windows.first(f"number:{keyed(place, fingerprint)}", window=volume.HOUR, now=g.now):
        windows.add(numbers, window=volume.HOUR, now=g.now)
    return windows.seen(numbers, window=volume.HOUR, now=g.now)


def typed_phone() -> str | None:
    """Why another proof comes first for a phone that was typed, or None. Counts one; a facility's are not counted."""
    network = network_here()
    if volume.is_within(network, gate.house().settings.facility_networks):
        return None
    typed = windows_here().add(f"typed:{keyed(network)}", window=volume.HOUR, now=g.now)
    return None if volume.may_type_phones(typed, has_arrived(network)) else "network"


def has_arrived(place: str) -> Count:
    """How many people with a proved number signed in from there this hour."""
    return windows_here().seen(f"arrived:{keyed(place)}", window=volume.HOUR, now=g.now)


def arrived(session: Session, subject_id: UUID) -> None:
    """Somebody with a proved number signed in from this network: it may ask for ten more people this hour."""
    network = network_here()
    if provisional.is_provisional(session, subject_id):  # whoever has a phone may open one
        return
    system = system_of(network)
    for place in (network, system) if system else (network,):
        if windows_here().first(f"person:{keyed(place, str(subject_id))}", window=volume.HOUR, now=g.now):
            windows_here().add(f"arrived:{keyed(place)}", window=volume.HOUR, now=g.now)


def system_of(network: str) -> str:
    """The autonomous system of a network, where a file says so; a registered facility's network counts apart."""
    ranges: AsRanges | None = current_app.extensions[RANGES]
    if ranges is None or volume.is_within(network, gate.house().settings.facility_networks):
        return ""
    number = ranges.number_of(network)
    return "" if number is None else f"as{number}"


def known_mark(session: Session, fingerprint: str) -> str | None:
    """The mark of this browser, if the person of this number signed in here before."""
    return cookies.read(cookies.DEVICE) if known_device(session, fingerprint) else None


def known_device(session: Session, fingerprint: str) -> bool:
    """The same one read for every number."""
    return devices.known_for(session, g.ring, cookies.read(cookies.DEVICE), fingerprint=fingerprint, now=g.now)


def digits(session: Session) -> int:
    """How long a code is now; a sandbox's fixed code stays as it is."""
    if gate.house().settings.sandbox_fixed_code:
        return alarms.DIGITS
    return alarms.digits(alarms.raised(session, now=g.now))


def has_issuer() -> bool:
    """Whether somebody can be asked about cards."""
    return not isinstance(gate.house().ports.card_status, NoCardStatus)


def asks_from() -> str | None:
    """What questions to the register are counted under by the worker; None in a registered facility's network."""
    network = network_here()
    apart = volume.is_within(network, gate.house().settings.facility_networks)
    return None if apart else keyed("register", network)


def may_look_up() -> bool:
    """Count one question to the issuer from this network; a registered facility's are not counted."""
    network = network_here()
    if volume.is_within(network, gate.house().settings.facility_networks):
        return True
    return not windows_here().add(f"looks:{keyed(network)}", window=volume.HOUR, now=g.now).over(volume.LOOKS_MOST)


def client_wait_s(client_id: str, *, what: str) -> int | None:
    """How many seconds a client that asks too often for `what` should wait; None counts one request and lets it in.

    Counted for what it calls itself together with its network: nobody uses up a client's rate from elsewhere.
    """
    most, name = gate.house().settings.token_rate, f"{what}:{keyed(network_here(), client_id)}"
    so_far = windows_here().seen(name, window=volume.MINUTE, now=g.now)
    if most and so_far.over(most - 1):
        return volume.wait_s(so_far, most)
    windows_here().add(name, window=volume.MINUTE, now=g.now)
    return None


def network_here() -> str:
    """The network that this request came from."""
    return volume.network_of(request.remote_addr)


def keyed(*parts: str) -> str:
    """What is counted under, so that a copied counter names nobody's address and nobody's number."""
    found: str = g.ring.mac("fingerprint", "volume", *parts).hex()[:32]
    return found


def windows_here() -> Windows:
    """The counters of this process."""
    found: Windows = current_app.extensions[KEY]
    return found


def windows_of(settings: Settings) -> Windows:
    """Counters as these settings want them; nothing is connected yet."""
    connect = None if settings.redis_url is None else redis(settings.redis_url, settings.redis_password())
    return Windows(connect, share=settings.processes or settings.workers)
