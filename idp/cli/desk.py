"""`idp desk agent …`: which programs beside card readers this server believes."""

import sys
from uuid import UUID

import click

from idp import card_agents
from idp.cli.house import house
from idp.wiring import wall_clock


@click.group()
def desk() -> None:
    """Counters."""


@desk.group("agent")
def desk_agent() -> None:
    """The programs beside their card readers."""


@desk_agent.command("add")
@click.option("--hcode", required=True, help="The facility where it stands.")
@click.option("--label", required=True, help="Which one: counter 3.")
@click.option(
    "--key", required=True, type=click.Choice(["-"]), help="- : what `idp agent key` printed, on standard input."
)
def agent_add(hcode: str, label: str, key: str) -> None:  # noqa: ARG001 -- "-" says where it comes from
    """Believe an agent of a facility from now on, and print its id."""
    public_jwk = sys.stdin.readline().strip()
    with house() as here, here.sessions.writing() as session:
        added = card_agents.add(session, hcode=hcode, label=label, public_jwk=public_jwk, now=wall_clock())
        click.echo(str(added.id))


@desk_agent.command("list")
@click.option("--hcode", help="Of one facility.")
def agent_list(hcode: str | None) -> None:
    """Those that are believed: id, facility, label, since when."""
    with house() as here, here.sessions.reading() as session:
        for known in card_agents.all_of(session, hcode):
            click.echo(f"{known.id}  {known.hcode}  {known.added_at:%Y-%m-%d}  {known.label}")


@desk_agent.command("remove")
@click.argument("agent_id", type=click.UUID)
def agent_remove(agent_id: UUID) -> None:
    """Believe it no longer: a stolen computer, a counter that is closed."""
    with house() as here, here.sessions.writing() as session:
        card_agents.remove(session, agent_id, now=wall_clock())
