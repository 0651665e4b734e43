"""`idp log`: seal the audit log, write it to a file, verify such a file offline."""

from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from uuid import UUID

import click

from consent.audit import checkpoint, search
from consent.audit import export as files
from consent.audit import log as entries
from consent.audit import seal as sealing
from consent.audit import verify as verifier
from consent.audit.log import Actor
from consent.audit.memory import NOTHING, Mark
from idp.cli.house import House, house
from idp.db import Session
from idp.seal_memory import SealMemory
from idp.wiring import wall_clock

MOST = 100  # codes in one entry (FORMAT.md)


@click.group()
def log() -> None:
    """The audit log: sealed, signed, and verified by anybody."""


@log.command()
def seal() -> None:
    """Seal and sign what waits, and print the newest checkpoint. The worker does so each second."""
    with house() as here:
        now = wall_clock()
        signer, origin = here.rings.at(now).signer("log", "Ed25519"), here.settings.log_origin
        memory = SealMemory(here.settings.seal_memory)
        while sealing.seal(here.sessions, signer, origin=origin, now=now, memory=memory) is not None:
            pass
        with here.sessions.reading() as session:
            newest = sealing.latest(session)
    click.echo("There is nothing in the log yet." if newest is None else newest.note, nl=newest is None)


@log.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--since", type=click.IntRange(0), default=0, help="Begin at this index: the size of an earlier file.")
@click.option("--entry", "entry_ids", type=click.UUID, multiple=True, help="Only this entry, with its proof; several.")
def export(file: Path, since: int, entry_ids: Sequence[UUID]) -> None:
    """Write the signed log to FILE, to be verified without this server. The export is itself an entry."""
    asked = [f"since:{since}", *(f"entry:{entry_id}" for entry_id in entry_ids)]
    with house() as here:
        now = wall_clock()
        keys = here.rings.at(now).log_keys()
        with here.sessions.writing() as session:
            entries.append(session, "audit.exported", now=now, actor=Actor.system("operator"), codes=asked[:MOST])

        def lines(session: Session) -> Iterator[str]:
            return files.selected(session, keys, entry_ids) if entry_ids else files.whole(session, keys, since=since)

        _write(here, file, lines)
    click.echo(f"{file} is written. Verify it with `idp log verify {file}`, or with verify.py on any machine.")


def _write(here: House, file: Path, lines: Callable[[Session], Iterator[str]]) -> None:
    """All of it or nothing: a half-written file would look like a log that was cut."""
    half = file.with_name(f"{file.name}.part")
    with here.sessions.reading() as session:
        found = lines(session)
        with half.open("w", encoding="utf-8", newline="\n") as opened:
            opened.writelines(found)
    half.replace(file)


@log.command()
def keys() -> None:
    """Print the log's public keys and their fingerprints: publish them where this server cannot change them."""
    with house() as here:
        found, origin = here.rings.at(wall_clock()).log_keys(), here.settings.log_origin
        with here.sessions.reading() as session:
            head = sealing.latest(session)
    for public in found:
        click.echo(f"{checkpoint.verifier_key(head.origin if head else origin, public)}")
        click.echo(f"  SHA-256 {checkpoint.fingerprint(public)}")


@log.command()
@click.option("--because", required=True, help="Why, in one line without names or numbers of people. It is logged.")
def accept(because: str) -> None:
    """After a restore: go on from the log as this database holds it, though more or other entries were signed before.

    Whoever kept a later checkpoint will see a fork, and finds the reason as an entry `log.accepted` in the log.
    """
    search.check_reason(because)
    with house() as here:
        memory = SealMemory(here.settings.seal_memory)
        with here.sessions.reading() as session:
            head = sealing.latest(session)
        now, mark = wall_clock(), Mark(head.size, head.root) if head else NOTHING
        before = memory.last_or_none()
        if before == mark:
            raise click.ClickException("The sealer remembers exactly this log: there is nothing to accept.")
        was = before or NOTHING
        codes = [f"signed:{was.size}", f"root:{b64encode(was.root).decode()}", f"here:{mark.size}"]
        with here.sessions.writing() as session:
            actor = Actor.system("operator")
            entries.append(session, "log.accepted", now=now, actor=actor, codes=codes, reason=because)
        # The entry first: a crash in between leaves the refusal in place, never an unexplained fork.
        memory.replace(mark)
    click.echo(f"Sealing goes on from {mark.size} entries. It was at {was.size}. Tell whoever keeps checkpoints.")


@log.command(context_settings={"ignore_unknown_options": True, "help_option_names": []}, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def verify(context: click.Context, arguments: Sequence[str]) -> None:
    """Verify FILE offline: [--key KEY]... [--previous CHECKPOINT] [--json]. Exit code 0 only if it is whole."""
    context.exit(verifier.main(arguments))
