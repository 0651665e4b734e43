"""What an authority tells later about people, for an operator or a scheduled job. No number is ever an argument."""

import sys

import click

from idp.cli.house import house
from idp.proofing import register
from idp.subjects import parse_national_id
from idp.wiring import wall_clock


@click.group()
def people() -> None:
    """What an authority tells later about people: names, deaths."""


TYPED = click.option(
    "--national-id", required=True, type=click.Choice(["-"]), help="- : typed on standard input, unseen."
)


@people.command("death")
@TYPED
def people_death(national_id: str) -> None:  # noqa: ARG001 -- "-" says where it comes from
    """Shut the accounts of somebody who has died: sessions and access end at once."""
    number, now = parse_national_id(sys.stdin.readline()), wall_clock()
    with house() as here, here.sessions.writing() as session:
        shut = register.died(session, here.rings.at(now), national_id=number, now=now)
    click.echo(f"{shut} account{'' if shut == 1 else 's'} shut.")


@people.command("rename")
@TYPED
def people_rename(national_id: str) -> None:  # noqa: ARG001 -- "-" says where it comes from
    """Take over the names that the registry holds now."""
    number, now = parse_national_id(sys.stdin.readline()), wall_clock()
    with house() as here:
        person = here.ports.registry.look_up(number)
        if person is None:
            raise ValueError("The registry knows nobody under that number.")
        with here.sessions.writing() as session:
            changed = register.renamed(session, here.rings.at(now), national_id=number, person=person, now=now)
    click.echo("The names were changed." if changed else "The names are the same; nothing was changed.")
