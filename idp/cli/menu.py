"""The list of commands, each loaded when it is called; and every refusal as one sentence on standard error.

`idp --help` and a mistyped command load nothing but click. A stack trace is a bug, not an answer.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click


class Menu(click.Group):
    """Commands by name: the module of `idp.cli` that holds each, and its first sentence."""

    def __init__(self, *arguments: Any, menu: Mapping[str, tuple[str, str]], **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.menu = menu

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's signature
        """In the order of the menu, which is the order of a first day."""
        return list(self.menu)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Load it."""
        if cmd_name not in self.menu:
            return None
        command: click.Command = getattr(import_module(f"idp.cli.{self.menu[cmd_name][0]}"), cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command, or the ones that were probably meant."""
        name = args[0]
        if name not in self.menu and not name.startswith("-"):
            near = get_close_matches(name, self.menu, n=2)
            meant = f" Did you mean {' or '.join(f'`idp {one}`' for one in near)}?" if near else ""
            ctx.fail(f"There is no command {name!r}.{meant}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The menu, without loading what it names."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, first) for name, (_module, first) in self.menu.items()])

    def invoke(self, ctx: click.Context) -> object:
        """Run the command, or say in one sentence why not."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except Exception as error:
            words = refusal(error)
            if words is None:
                raise
            raise click.ClickException(words) from error


def refusal(error: Exception) -> str | None:
    """Why not, and what to do; None for what is no refusal but a fault of ours. Loads little that is not loaded yet."""
    if isinstance(error, ValueError):
        return settings_sentence(error) or str(error)
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}." if error.filename else str(error)
    from consent.errors import ConsentError  # noqa: PLC0415 -- most commands never come here
    from idp.demo.folder import DemoError  # noqa: PLC0415

    if isinstance(error, (ConsentError, DemoError)):
        return str(error)
    from idp.db import DatabaseError  # noqa: PLC0415 -- loads SQLAlchemy

    if isinstance(error, DatabaseError):
        return (
            f"The database did not answer as it should ({error}): is it running, reachable and not full, and is "
            "YINYOM_DATABASE_URL right? `idp doctor` looks closer."
        )
    return None


def settings_sentence(error: Exception) -> str | None:
    """All that is wrong with the settings, as one sentence; values are not repeated (they may be secrets)."""
    from pydantic import ValidationError  # noqa: PLC0415 -- loaded already when it matters
    from pydantic_settings import SettingsError  # noqa: PLC0415

    if isinstance(error, SettingsError):
        return f"The settings cannot be read: {error}."
    if not isinstance(error, ValidationError):
        return None
    faults = []
    for fault in error.errors(include_url=False, include_input=False, include_context=False):
        what = str(fault["msg"]).removeprefix("Value error, ")
        name = ".".join(str(part) for part in fault["loc"])
        missing = fault["type"] == "missing"
        faults.append(f"YINYOM_{name.upper()} is missing" if missing else f"{name}: {what}" if name else what)
    return f"The settings are refused: {'; '.join(faults)}. `idp config list` says what each is."
