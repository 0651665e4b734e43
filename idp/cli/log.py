"""`idp log`: seal the audit log, write it to a file, verify such a file offline."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from uuid import UUID

import click

from consent.audit import export as files
from consent.audit import log as entries
from consent.audit import seal as sealing
from consent.audit import verify as verifier
from consent.audit.log import Actor
from idp.app import wall_clock
from idp.cli.house import House, house
from idp.db import Session

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
        while sealing.seal(here.sessions, signer, origin=origin, now=now) is not None:
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


@log.command(context_settings={"ignore_unknown_options": True, "help_option_names": []}, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def verify(context: click.Context, arguments: Sequence[str]) -> None:
    """Verify FILE offline: [--key KEY]... [--previous CHECKPOINT] [--json]. Exit code 0 only if it is whole."""
    context.exit(verifier.main(arguments))
