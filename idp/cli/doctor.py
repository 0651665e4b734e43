"""`idp doctor`: one line per check, with what to do about it. Nothing is changed, nothing secret is shown.

What needs little is looked at and told first; each further room is loaded when its turn comes.
"""

import os
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import click

from idp.cli.config import read_settings, strangers
from idp.cli.findings import FAIL, OK, WARN, Finding
from idp.cli.menu import refusal

OUTSIDE = ("idp.cli.machine", "idp.cli.around", "idp.cli.outside")
HOUSE, INSIDE = "idp.cli.house", "idp.cli.inside"


@click.command()
@click.pass_context
def doctor(context: click.Context) -> None:
    """Look at everything that this server needs, and say what to do. Exit code 1 when something fails."""
    findings = []
    for finding in examine():
        findings.append(finding)
        click.echo(f"{finding.level:<5}{finding.name:<11}{finding.words}")
    if any(finding.level == FAIL for finding in findings):
        context.exit(1)


def examine() -> Iterator[Finding]:
    """Every check in turn; one that cannot be made is a failure of its own and stops only what rests on it."""
    try:
        settings = read_settings()
    except ValueError as error:
        yield Finding(FAIL, "settings", refusal(error) or str(error))
        return
    misspelt = strangers(os.environ)
    kind = "sandbox" if settings.sandbox else "production"
    yield Finding(WARN if misspelt else OK, "settings", "; ".join([f"{kind} at {settings.issuer}", *misspelt]))
    for room in OUTSIDE:
        for name, check in import_module(room).CHECKS.items():
            yield attempt(name, check, settings)
    try:
        with import_module(HOUSE).house(migrated=False) as here:
            yield from examine_inside(here)
    except (ValueError, OSError) as error:
        yield Finding(FAIL, "database", f"it was not looked at: {error}")


def examine_inside(here: Any) -> Iterator[Finding]:
    """What the database holds; the rest is left out when the first look fails."""
    for name, check in import_module(INSIDE).CHECKS.items():
        finding = attempt(name, check, here)
        yield finding
        if name == "database" and finding.level == FAIL:
            return


def attempt(name: str, check: Callable[[Any], Finding], subject: Any) -> Finding:
    """The finding, or the failure to find. Raises what is no refusal."""
    try:
        return check(subject)
    except Exception as error:
        words = refusal(error)
        if words is None:
            raise
        return Finding(FAIL, name, words)
