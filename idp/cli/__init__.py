"""`idp …`: the operator's commands. Every refusal is one sentence on standard error and exit code 1.

menu       the commands, each loaded when it is called; refusals as sentences
house      what a command needs, opened by the settings
serving, working, migrating, sandbox    serve, work, migrate, demo and crowd
config     config check, list, schema
doctor     everything this server needs, one line a check
health     whether what runs here lives, for an orchestrator
staff      staff add
desk       desk agent add, list, remove             agent      agent key, run: on a counter's computer
people     people death, people rename: what an authority tells later
registry   entity, client and resource: who may ask, who keeps data; newcomer   client add --demo, client test-event
purposes   purposes list, show: what may be asked for   rollout    rollout open, close, list: which provinces take part
log        log seal, export, verify
keys       keys list, rotate
backup     backup create, verify, restore          erasing     erasure list, again: after a restore
"""

import click

from idp.cli.menu import Menu

__all__ = ["MENU", "main"]

MENU = {  # name -> module, first sentence of its docstring
    "demo": ("sandbox", "Run the sandbox: server, worker and demo services, with made-up people."),
    "crowd": ("sandbox", "Fill a sandbox's database with this many made-up people; goes on where it stopped."),
    "config": ("config", "The settings."),
    "migrate": ("migrating", "Bring the database to today's schema, make missing keys, publish the notices."),
    "serve": ("serving", "Run the web server (granian) with the settings of the environment."),
    "work": ("working", "Run the worker: resolve challenges, deliver messages and events, sweep what has expired."),
    "doctor": ("doctor", "Look at everything that this server needs, and say what to do."),
    "health": ("health", "Say whether the server or the worker of this container lives."),
    "staff": ("staff", "People who work here."),
    "people": ("people", "What an authority tells later about people: names, deaths."),
    "entity": ("registry", "Organisations that answer for services and for data (data controllers)."),
    "client": ("registry", "Registered services."),
    "resource": ("registry", "Resource servers: services that keep data and open it for tokens."),
    "rollout": ("rollout", "Provinces that take part: people there can be asked, and data opened there."),
    "purposes": ("purposes", "What may be asked for, and how far its legal readings are verified."),
    "desk": ("desk", "Counters."),
    "agent": ("agent", "The program beside a counter's card reader."),
    "keys": ("keys", "The keys that sign tokens, events, receipts and the log."),
    "log": ("log", "The audit log: sealed, signed, and verified by anybody."),
    "erasure": ("erasing", "Erased people: a list to keep beside the backups, and to apply after a restore."),
    "backup": ("backup", "Copies of the database: SQLite and PostgreSQL."),
}


def version(context: click.Context, _option: click.Parameter, wished: bool) -> None:  # noqa: FBT001 -- click
    """The installed version; a checkout that is not installed has none."""
    if not wished:
        return
    from importlib import metadata  # noqa: PLC0415 -- slow, and seldom asked

    try:
        found = metadata.version("yinyom")
    except metadata.PackageNotFoundError:
        found = "(checkout)"
    click.echo(f"idp, version {found}")
    context.exit()


@click.group(cls=Menu, menu=MENU)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=version, help="Say it and leave.")
def main() -> None:
    """Yinyom: identity proofing and consent authorization."""
