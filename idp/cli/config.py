"""`idp config`: whether the settings are safe to start with, what each is, and their JSON Schema. Loads no database."""

import json
import os
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

import click

from idp.settings import CONFIG_VARIABLE, Settings

PREFIX = "YINYOM_"
OTHERS = {CONFIG_VARIABLE, "YINYOM_DEMO_TOUR", "YINYOM_TEST_DATABASE_URL"}  # variables that are no settings


@click.group()
def config() -> None:
    """The settings."""


@config.command()
def check() -> None:
    """Say whether the settings are safe to start with; nothing is opened but the files that they name."""
    settings = read_settings()
    settings.kek()
    settings.metrics_token()
    if settings.security_key_roots is not None:
        from idp.login import security_keys  # noqa: PLC0415 -- loads WebAuthn: only for who has such a file

        security_keys.read_roots(settings.security_key_roots)
    if settings.as_ranges_file is not None:
        from idp.abuse import as_ranges  # noqa: PLC0415 -- as above

        as_ranges.read(settings.as_ranges_file)
    for read in (settings.sms_token, settings.sms_fallback_token, settings.sms_receipts_secret, settings.smtp_password):
        read()
    click.echo(f"The settings are good: {'sandbox' if settings.sandbox else 'production'} at {settings.issuer}.")
    for words in strangers(os.environ):
        click.echo(f"But {words}.", err=True)


@config.command("list")
def list_() -> None:
    """Every setting, one a line: its variable, its default, what it is."""
    for name, field in Settings.model_fields.items():
        default = "(needed)" if field.is_required() else "" if field.default is None else str(field.default)
        click.echo(f"{PREFIX}{name.upper()}\t{default}\t{field.description}")


@config.command()
def schema() -> None:
    """JSON Schema of the settings file (TOML), for editors and for checking before a roll-out."""
    click.echo(json.dumps(Settings.model_json_schema(), indent=2, ensure_ascii=False))


def read_settings() -> Settings:
    """Everything from the environment and the file that YINYOM_CONFIG names. Raises: ValueError, one sentence."""
    nothing: dict[str, Any] = {}
    return Settings(**nothing)


def strangers(variables: Iterable[str]) -> list[str]:
    """Variables that look like settings and are none: most are misspelt, and would be passed over in silence."""
    known = {PREFIX + name.upper() for name in Settings.model_fields} | OTHERS
    found = []
    for name in sorted(one for one in variables if one.startswith(PREFIX) and one.upper() not in known):
        near = get_close_matches(name, known, n=1)
        found.append(f"{name} is no setting and does nothing{f': did you mean {near[0]}?' if near else ''}")
    return found
