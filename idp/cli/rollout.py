"""`idp rollout`: which provinces take part. Where nothing was said, a province does."""

from collections.abc import Sequence
from datetime import UTC, datetime

import click

from idp.cli.house import house
from idp.directory import roll_out
from idp.national_id import BANGKOK
from idp.wiring import wall_clock

FROM = click.option(
    "--from", "day", type=click.DateTime(["%Y-%m-%d"]), help="From midnight in Bangkok of this day on; default: now."
)
PLACES = click.argument("places", nargs=-1, required=True, metavar="PROVINCE…")


@click.group()
def rollout() -> None:
    """Provinces that take part: people there can be asked, and data opened there."""


@rollout.command("open")
@PLACES
@FROM
def rollout_open(places: Sequence[str], day: datetime | None) -> None:
    """Let provinces in: code, Thai or English name, zone:N or all."""
    decide(places, day, is_open=True)


@rollout.command("close")
@PLACES
@FROM
def rollout_close(places: Sequence[str], day: datetime | None) -> None:
    """Keep provinces out: nothing opens there, and what people agreed to stays and counts again later."""
    decide(places, day, is_open=False)


@rollout.command("list")
def rollout_list() -> None:
    """All provinces, one a line: code, zone, state, since, next change, facilities, names."""
    with house() as here, here.sessions.reading() as session:
        for line in roll_out.standing(session, now=wall_clock()):
            one = line.province
            state = "open" if line.is_open else "closed"
            facts = (one.code, one.zone, state, shown(line.since), shown(line.next_at), str(line.facilities))
            click.echo("\t".join((*facts, one.name_en, one.name_th)))
        for hcode in roll_out.unplaced(session):
            click.echo(f"{hcode}: its province is not known, so it takes part.", err=True)


def decide(places: Sequence[str], day: datetime | None, *, is_open: bool) -> None:
    """Write it for each province once, all or none. Raises: ValueError for a day past: what was is not rewritten."""
    which = {one.code: one for word in places for one in roll_out.named(word)}
    now = wall_clock()
    starts_at = now if day is None else day.replace(tzinfo=BANGKOK).astimezone(UTC)
    if starts_at < now:
        raise ValueError("That day has begun already: leave out --from, or name a later day.")
    with house() as here, here.sessions.writing() as session:
        roll_out.decide(session, list(which.values()), is_open=is_open, starts_at=starts_at, now=now)
    state = "open" if is_open else "closed"
    click.echo(f"{len(which)} province{'' if len(which) == 1 else 's'} {state} from {shown(starts_at)} on.")


def shown(moment: datetime | None) -> str:
    """A moment in Bangkok, or nothing."""
    return "-" if moment is None else f"{moment.astimezone(BANGKOK):%Y-%m-%d %H:%M}"
