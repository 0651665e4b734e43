"""`idp doctor`: one line per check, with what to do about it. Nothing is changed, nothing secret is shown."""

import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import click
import httpx
from pydantic import ValidationError

from consent.errors import ConsentError
from idp import keys, migrations, rotation, vitals
from idp.app import template_folder, wall_clock
from idp.cli.house import House, house, read_settings, sentence
from idp.db import DatabaseError, installed_mode
from idp.oauth import provider
from idp.settings import Settings

OK, WARN, FAIL = "ok", "warn", "fail"
TIMEOUT = httpx.Timeout(3.0)
METADATA = "/.well-known/openid-configuration"
OLD_KEY = timedelta(days=400)
SLOW_QUEUE_S, DEAD_QUEUE_S = 300.0, 3600.0
MANY_UNSEALED = 10_000
PAGES = ("base.html", "error.html")


@dataclass(frozen=True)
class Finding:
    """What one check found: ok, warn or fail, and one sentence."""

    level: str
    name: str
    words: str


@click.command()
@click.pass_context
def doctor(context: click.Context) -> None:
    """Look at everything that this server needs, and say what to do. Exit code 1 when something fails."""
    findings = []
    for finding in examine():
        findings.append(finding)
        click.echo(f"{finding.level:<5}{finding.name:<11}{finding.words}")
    if any(finding.level == FAIL for finding in findings):
        context.exit(1)


def examine() -> Iterator[Finding]:
    """Every check in turn; one that cannot be made is a failure of its own and stops only what rests on it."""
    try:
        settings = read_settings()
    except ValidationError as error:
        yield Finding(FAIL, "settings", sentence(error))
        return
    kind = "sandbox" if settings.sandbox else "production"
    yield Finding(OK, "settings", f"{kind} at {settings.issuer}")
    for name, check in OUTSIDE.items():
        yield attempt(name, check, settings)
    try:
        with house(migrated=False) as here:
            for name, look in INSIDE.items():
                finding = attempt(name, look, here)
                yield finding
                if look is check_database and finding.level == FAIL:
                    return
    except (ValueError, OSError) as error:
        yield Finding(FAIL, "database", f"it was not looked at: {error}")


def attempt(name: str, check: Callable[[Any], Finding], subject: Any) -> Finding:
    """The finding, or the failure to find."""
    try:
        return check(subject)
    except DatabaseError as error:
        return Finding(FAIL, name, f"the database did not answer ({error}): is it running, and is the address right?")
    except (ValueError, OSError, ConsentError) as error:
        return Finding(FAIL, name, str(error))


def check_key_file(settings: Settings) -> Finding:
    """The key-encryption key: there, whole, and for its owner only; the token of /metrics likewise."""
    settings.kek()
    settings.metrics_token()
    if stat.S_IMODE(settings.kek_file.stat().st_mode) & 0o077:
        return Finding(WARN, "key_file", f"others may read it: chmod 600 {settings.kek_file}")
    return Finding(OK, "key_file", "readable by its owner only; is there a copy of it apart from the backups?")


def check_templates(_settings: Settings) -> Finding:
    """The pages."""
    missing = [name for name in PAGES if not (template_folder() / name).is_file()]
    if missing:
        return Finding(FAIL, "templates", f"{', '.join(missing)} not found in {template_folder()}: install it anew")
    return Finding(OK, "templates", f"found in {template_folder()}")


def check_sms(settings: Settings) -> Finding:
    """Whether the gateway answers at all; any answer to HEAD will do, and no message is sent."""
    if settings.sandbox:
        return Finding(OK, "sms", "the sandbox sends none")
    try:
        httpx.head(settings.sms_gateway_url or "", timeout=TIMEOUT, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Finding(FAIL, "sms", f"the gateway does not answer ({type(error).__name__}): nobody can sign in by SMS")
    return Finding(OK, "sms", "the gateway answers")


def check_discovery(settings: Settings) -> Finding:
    """What the world reads under the issuer is what this program would say."""
    try:
        answer = httpx.get(settings.issuer + METADATA, timeout=TIMEOUT, trust_env=False)
        told = answer.json() if answer.status_code == httpx.codes.OK else None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        words = f"{settings.issuer} does not answer ({type(error).__name__}): start `idp serve`, look at proxy and DNS"
        return Finding(WARN, "discovery", words)
    if told != provider.discovery(settings):
        return Finding(FAIL, "discovery", f"{settings.issuer} says something else: is another version serving there?")
    return Finding(OK, "discovery", "as it should be under the issuer")


def check_database(here: House) -> Finding:
    """Reachable, at today's schema, of the settings' mode, and taking writes."""
    with here.sessions.reading() as session:
        found, wanted = migrations.current(here.sessions.engine), migrations.head()
        if found != wanted:
            return Finding(FAIL, "database", f"it stands at {found or 'nothing'}, not at {wanted}: run `idp migrate`")
        mode = installed_mode(session)
    wished = "sandbox" if here.settings.sandbox else "production"
    if mode != wished:
        return Finding(FAIL, "database", f"it belongs to a {mode} server: point the settings at a {wished} one")
    if not vitals.writable(here.sessions):
        return Finding(FAIL, "database", "it takes no writes: is it a standby, read-only, locked or full?")
    return Finding(OK, "database", f"{here.sessions.engine.dialect.name} at schema {found}, {mode}")


def check_keys(here: House) -> Finding:
    """The key file opens them, every use has one, none is old."""
    now = wall_clock()
    with here.sessions.reading() as session:
        keys.check_kek(session, here.settings.kek())
        known = rotation.states(session, now=now)
    if not vitals.keys_loaded(here.rings, now):
        return Finding(FAIL, "keys", "a signing key is missing: run `idp migrate`")
    oldest = max((now - key.activates_at for key in known if key.state == "current"), default=timedelta(0))
    if oldest > OLD_KEY:
        return Finding(WARN, "keys", f"the oldest signs for {oldest.days} days: look at `idp keys rotate --plan`")
    return Finding(OK, "keys", f"all there; the oldest signs for {max(oldest.days, 0)} days")


def check_clock(here: House) -> Finding:
    """This node's clock beside the database's."""
    with here.sessions.reading() as session:
        skew = vitals.clock_skew(session, clock=wall_clock).total_seconds()
    if abs(skew) > vitals.MOST_SKEW.total_seconds():
        return Finding(FAIL, "clock", f"{skew:+.1f} s off the database's: start a time service (chrony) on both")
    return Finding(OK, "clock", f"{skew:+.3f} s off the database's")


def check_queues(here: House) -> Finding:
    """What waits for the worker and for the sealer."""
    with here.sessions.reading() as session:
        values = vitals.gauges(session, now=wall_clock())
    oldest = max(one.value for one in values if one.name.endswith("_oldest_seconds"))
    unsealed = max((one.value for one in values if one.name == "yinyom_audit_unsealed"), default=0)
    dead = sum(one.value for one in values if one.name == "yinyom_letters_dead")
    if oldest > SLOW_QUEUE_S:
        level = FAIL if oldest > DEAD_QUEUE_S else WARN
        return Finding(level, "queues", f"something waits for {oldest / 60:.0f} min: is `idp work` running?")
    if unsealed > MANY_UNSEALED:
        return Finding(WARN, "queues", f"{unsealed:.0f} log entries are not sealed: is `idp work` running?")
    if dead:
        return Finding(WARN, "queues", f"{dead:.0f} letters were given up: ask those services for their event endpoint")
    return Finding(OK, "queues", "nothing waits long")


OUTSIDE: dict[str, Callable[[Settings], Finding]] = {
    "key_file": check_key_file,
    "templates": check_templates,
    "sms": check_sms,
    "discovery": check_discovery,
}
INSIDE: dict[str, Callable[[House], Finding]] = {
    "database": check_database,  # first: nothing rests on a database that is not there
    "keys": check_keys,
    "clock": check_clock,
    "queues": check_queues,
}
