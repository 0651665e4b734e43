"""`idp …`: the operator's commands. Every refusal is one sentence on standard error and exit code 1.

house      what a command needs, opened by the settings; refusals as sentences
serving    serve, work, migrate, demo, config check
staff      staff add
registry   entity, client and resource: who may ask, who keeps data, who answers for them
log        log seal, export, verify
keys       keys list, rotate
backup     backup create, verify, restore
doctor     everything this server needs, one line a check
"""

import click

from idp.cli import backup, doctor, keys, log, registry, serving, staff
from idp.cli.house import Commands, version

__all__ = ["main"]


@click.group(cls=Commands)
@click.version_option(version())
def main() -> None:
    """Yinyom: identity proofing and consent authorization."""


for command in (*serving.COMMANDS, staff.staff, registry.entity, registry.client, registry.resource, log.log):
    main.add_command(command)
for command in (keys.keys, backup.backup, doctor.doctor):
    main.add_command(command)
