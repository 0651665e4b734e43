"""`idp erasure`: who was erased, kept beside the backups, and done again after one was restored (PDPA s.37(3))."""

from pathlib import Path
from uuid import UUID

import click

from idp import erasure as erasures
from idp.cli.house import house
from idp.wiring import wall_clock


@click.group()
def erasure() -> None:
    """Erased people: a list to keep beside the backups, and to apply after a restore."""


@erasure.command("list")
def listed() -> None:
    """Print the numbers of everybody who was erased; they lead to nobody. Keep them where the backups are not."""
    with house() as here, here.sessions.reading() as session:
        for subject_id in erasures.erased(session):
            click.echo(str(subject_id))


@erasure.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def again(file: Path) -> None:
    """Erase once more whom FILE lists, after a backup was restored that still knew them. Twice changes nothing."""
    lines = file.read_text(encoding="ascii").split()
    try:
        people = [UUID(line) for line in lines]
    except ValueError as error:
        raise ValueError(f"{file} is no list of `idp erasure list`.") from error
    with house() as here, here.sessions.writing() as session:
        count = erasures.again(session, people, now=wall_clock())
    click.echo(f"Erased again: {count} of {len(people)}.")
