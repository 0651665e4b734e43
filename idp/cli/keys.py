"""`idp keys`: what signs, and changing it without a failed verification."""

import click

from idp import rotation
from idp.cli.house import house
from idp.keys import USES
from idp.rotation import Step
from idp.wiring import wall_clock


@click.group()
def keys() -> None:
    """The keys that sign tokens, events, receipts and the log."""


@keys.command("list")
def list_() -> None:
    """Every key, one a line: state, use, algorithm, when it was made, id."""
    with house() as here, here.sessions.reading() as session:
        for key in rotation.states(session, now=wall_clock()):
            click.echo(f"{key.state}\t{key.use}\t{key.alg}\t{key.created_at:%Y-%m-%d}\t{key.kid}")


@keys.command()
@click.option("--plan", "mode", flag_value="plan", default=True, help="Say what would happen, and when (the default).")
@click.option("--apply", "mode", flag_value="apply", help="Do it: new keys are published now and sign later.")
@click.option("--use", "uses", multiple=True, type=click.Choice(tuple(USES)), help="Only this use; several. [not log]")
def rotate(mode: str, uses: tuple[str, ...]) -> None:
    """New signing keys, with an overlap in which every verifier meets the new key before it signs."""
    chosen, now = uses or rotation.USUAL, wall_clock()
    with house() as here:
        if mode == "apply":
            with here.sessions.writing() as session:
                steps = rotation.apply(session, here.settings.kek(), now=now, uses=chosen)
        else:
            with here.sessions.reading() as session:
                steps = rotation.plan(session, now=now, uses=chosen)
    for step in steps:
        click.echo(_told(step))
    click.echo("Done; nothing more is to be done." if mode == "apply" else "Nothing was changed: add --apply to do it.")


def _told(step: Step) -> str:
    new = step.new_kid or "a new key"
    dropped = f"leaves the JWKS {step.dropped_at:%Y-%m-%d %H:%M:%S}" if step.dropped_at else "stays published for ever"
    return (
        f"{step.use} {step.alg} (times in UTC)\n"
        f"  {step.published_at:%Y-%m-%d %H:%M:%S}  {new} is published, and signs nothing yet\n"
        f"  {step.activates_at:%Y-%m-%d %H:%M:%S}  {new} signs; {step.old_kid} stops\n"
        f"  then                 {step.old_kid} {dropped}"
    )
