"""`idp backup`: make one, prove it, put it back. The key file is never part of it: keep that apart."""

from pathlib import Path

import click

from idp import backup as backups
from idp.cli.house import house
from idp.wiring import wall_clock

FILE = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
KEY_FILE = "The key file is not in it: keep a copy of that apart, or nobody can read this."


@click.group()
def backup() -> None:
    """Copies of the database: SQLite and PostgreSQL."""


@backup.command()
@FILE
def create(file: Path) -> None:
    """Copy the running database into FILE, with a manifest beside it (FILE.json)."""
    with house() as here:
        made = backups.create(here.sessions.engine, file, now=wall_clock())
    click.echo(f"{file}: {made.bytes} bytes, schema {made.schema}, {_rows(made)}.\n{KEY_FILE}")


@backup.command()
@FILE
def verify(file: Path) -> None:
    """Restore FILE into a temporary place and compare it with its manifest."""
    with house(migrated=False) as here:
        found = backups.verify(file, server=here.sessions.engine)
    click.echo(f"{file} is whole: schema {found.schema}, made {found.made_at}, {_rows(found)}.")


@backup.command()
@FILE
def restore(file: Path) -> None:
    """Fill the empty database of the settings from FILE; every sign-in and grant ends, consents stay."""
    with house(migrated=False) as here:
        found, ended = backups.restore(file, here.sessions.engine, now=wall_clock())
    click.echo(
        f"Restored as of {found.made_at}: {_rows(found)}. {ended} grants were ended and everybody is signed out, so "
        "that nothing revoked since then lives again. What citizens withdrew since then must be withdrawn again: "
        "compare with the letters that services received. The log is shorter than what was signed: if `idp log seal` "
        "refuses, read why and run `idp log accept`."
    )


def _rows(manifest: backups.Manifest) -> str:
    return f"{manifest.rows.get('consent_record', 0)} consents, {manifest.rows.get('audit_entry', 0)} log entries"
