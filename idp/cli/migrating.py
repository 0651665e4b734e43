"""`idp migrate`: the schema, the keys, the notices."""

import click

from consent import notices
from idp import keys, migrations
from idp.cli.house import house
from idp.db import check_mode, translated
from idp.wiring import wall_clock


@click.command()
def migrate() -> None:
    """Bring the database to today's schema, make missing keys, publish the notices. Safe to repeat."""
    with house(migrated=False) as here:
        with translated():
            found = migrations.current(here.sessions.engine)
            if migrations.is_newer(found):
                raise ValueError(f"The database {migrations.fault(found)}; nothing was changed.")
            migrations.upgrade(here.sessions.engine)
        now = wall_clock()
        with here.sessions.writing() as session:
            check_mode(session, sandbox=here.settings.sandbox)
            keys.ensure(session, here.settings.kek(), now=now)
            notices.publish_catalogue(session, now=now)
    click.echo(f"The database stands at {migrations.head()}.")
