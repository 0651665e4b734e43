"""What `idp doctor` looks at in the database: schema, keys, clock, queues, papers, who fell silent."""

from datetime import UTC, datetime, timedelta

from idp import keys, migrations, rotation, silence, vitals
from idp.cli.findings import FAIL, OK, WARN, Checks, Finding
from idp.cli.health import LONGEST_SILENCE, pulse
from idp.cli.house import House, check_there
from idp.db import installed_mode
from idp.directory import entities
from idp.wiring import wall_clock

OLD_KEY = timedelta(days=400)
SLOW_QUEUE_S, DEAD_QUEUE_S = 300.0, 3600.0
MANY_UNSEALED, SEAL_S = 10_000, 60.0
MOST_NAMED = 3


def check_database(here: House) -> Finding:
    """Reachable, at today's schema, of the settings' mode, and taking writes."""
    check_there(here.settings)
    with here.sessions.reading() as session:
        found = migrations.current(here.sessions.engine)
        fault = migrations.fault(found)
        if fault is not None:
            return Finding(FAIL, "database", f"it {fault}")
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
    """This node's clock beside the database's, and beside the latest time that the database has seen."""
    with here.sessions.reading() as session:
        skew = vitals.clock_skew(session, clock=wall_clock).total_seconds()
        newest = vitals.newest_moment(session)
    if abs(skew) > vitals.MOST_SKEW.total_seconds():
        return Finding(FAIL, "clock", f"{skew:+.1f} s off the database's: start a time service (chrony) on both")
    behind = newest - wall_clock() if newest else timedelta(0)
    if behind > vitals.MOST_SKEW:
        late = f"{behind.total_seconds():.0f} s behind what this database has seen"
        return Finding(FAIL, "clock", f"{late}: was it set back? start a time service (chrony)")
    return Finding(OK, "clock", f"{skew:+.3f} s off the database's")


def check_queues(here: House) -> Finding:
    """What waits for the worker and for the sealer."""
    now = wall_clock()
    with here.sessions.reading() as session:
        values = vitals.gauges(session, now=now)
    oldest = max(one.value for one in values if one.name.endswith("_oldest_seconds"))
    told = {one.name: one.value for one in values if not one.labels}
    unsealed, sealed_s = told.get("yinyom_audit_unsealed", 0.0), told.get("yinyom_audit_last_seal_seconds", 0.0)
    dead = sum(one.value for one in values if one.name == "yinyom_letters_dead")
    silence = silence_of_the_worker(here, now)
    if silence > LONGEST_SILENCE:
        return Finding(FAIL, "queues", f"the worker is silent for {silence.total_seconds():.0f} s: restart `idp work`")
    if oldest > SLOW_QUEUE_S:
        level = FAIL if oldest > DEAD_QUEUE_S else WARN
        return Finding(level, "queues", f"something waits for {oldest / 60:.0f} min: is `idp work` running?")
    if unsealed > MANY_UNSEALED or (unsealed and sealed_s > SEAL_S):
        return Finding(WARN, "queues", f"{unsealed:.0f} log entries are not sealed: is `idp work` running?")
    if dead:
        return Finding(WARN, "queues", f"{dead:.0f} letters were given up: `idp client events` names the services")
    return Finding(OK, "queues", "nothing waits long")


def check_agreements(here: House) -> Finding:
    """Whether each organisation that is served has an agreement on file (PDPA s.40); a sandbox serves nobody real."""
    with here.sessions.reading() as session:
        missing = entities.without_agreement(session)
    if missing:
        names = ", ".join(missing[:MOST_NAMED]) + (" …" if len(missing) > MOST_NAMED else "")
        level = OK if here.settings.sandbox else WARN
        return Finding(
            level, "agreements", f"{len(missing)} organisations without one: {names}; `idp entity agreement`"
        )
    return Finding(OK, "agreements", "every organisation has one on file (PDPA s.40)")


def check_holders(here: House) -> Finding:
    """Whether the data holders still report their reads as regularly as they used to."""
    now = wall_clock()
    with here.sessions.reading() as session:
        found = silence.voices(session, now=now)
    late = [voice for voice in found if voice.state(now) == "silent"]
    never = sum(voice.last is None for voice in found)
    if late:
        named = ", ".join(f"{voice.holder} ({since(voice, now)})" for voice in late[:MOST_NAMED])
        more = " …" if len(late) > MOST_NAMED else ""
        return Finding(WARN, "holders", f"{len(late)} fell silent: {named}{more}; ask them whether reads go unreported")
    spoken = f"{len(found) - never} report as usual"
    return Finding(OK, "holders", spoken + (f", {never} have never reported a read" if never else ""))


def since(voice: silence.Voice, now: datetime) -> str:
    """How long it is silent, and how long it may be."""
    days, limit = (span.total_seconds() / 86400 for span in (now - (voice.last or now), voice.limit or timedelta(0)))
    return f"{days:.1f} days, usual is under {limit:.1f}"


def silence_of_the_worker(here: House, now: datetime) -> timedelta:
    """How long the worker of this machine said nothing; nothing where it leaves no pulse."""
    beat = pulse(here.settings)
    return now.astimezone(UTC) - beat if beat is not None else timedelta(0)


CHECKS: Checks = {  # the database first: nothing rests on one that is not there
    "database": check_database,
    "keys": check_keys,
    "clock": check_clock,
    "queues": check_queues,
    "agreements": check_agreements,
    "holders": check_holders,
}
