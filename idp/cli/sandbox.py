"""`idp demo` and `idp crowd`: the sandbox, and as many made-up people in it as wanted."""

from functools import partial
from pathlib import Path

import click

from idp.cli.house import house
from idp.demo import crowd as made_up
from idp.demo import supervisor
from idp.wiring import wall_clock


@click.command()
@click.option("--dir", "directory_", type=click.Path(path_type=Path), default=Path("sandbox"), show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), help="Server (0 picks a free one).")
@click.option("--portal-port", type=click.IntRange(0, 65535), help="Demo portal.")
@click.option("--holder-port", type=click.IntRange(0, 65535), help="Demo record holder.")
@click.option("--clinic-port", type=click.IntRange(0, 65535), help="Demo clinic system.")
@click.option("--thaid-port", type=click.IntRange(0, 65535), help="Stand-in for ThaID.")
@click.option("--line-port", type=click.IntRange(0, 65535), help="Stand-in for LINE.")
@click.option("--fixed-code", help="One six-digit code that always works, for automated browsers.")
@click.option("--people", type=click.IntRange(0, made_up.MOST), default=0, help="Accounts of made-up people to add.")
@click.option("--reset", is_flag=True, help="Clear the folder first.")
def demo(directory_: Path, fixed_code: str | None, people: int, reset: bool, **ports: int | None) -> None:  # noqa: FBT001 -- click
    """Run the sandbox: server, worker and demo services, with made-up people."""
    asked = supervisor.Asked(directory=directory_, ports=ports, fixed_code=fixed_code, reset=reset, people=people)
    supervisor.run(asked, clock=wall_clock, say=partial(print, flush=True))


@click.command()
@click.argument("people", type=click.IntRange(1, made_up.MOST))
def crowd(people: int) -> None:
    """Fill a sandbox's database with this many made-up people; goes on where it stopped."""
    with house() as here:
        if not here.settings.sandbox:
            raise ValueError("Made-up people are only for a sandbox.")
        now = wall_clock()
        made_up.seed(here.sessions, here.rings.at(now), people, now=now, say=click.echo)
    click.echo(f"{people:,} made-up people are there, from {made_up.number_of(0)} to {made_up.number_of(people - 1)}.")
