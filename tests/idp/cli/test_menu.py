"""The list of commands: loaded one at a time, and a mistake answered with what was meant."""

import os
import subprocess
import sys

import click
import pytest

from idp import cli
from idp.cli.menu import refusal

HEAVY = ("sqlalchemy", "alembic", "authlib", "webauthn", "flask", "cryptography", "httpx", "granian", "structlog")
LOADED = """
import sys
from idp.cli import main
try:
    main(sys.argv[1:], prog_name="idp")
finally:
    print("LOADED", *sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


def loaded(*arguments, env=None):
    """The packages that a command loads, and its exit code, in a process of its own."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("YINYOM_")}
    done = subprocess.run(  # noqa: S603 -- our own interpreter
        [sys.executable, "-c", LOADED, *arguments],
        env={**clean, "PYTHONPATH": os.getcwd(), **(env or {})},  # noqa: PTH109
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, set(done.stderr.rpartition("LOADED")[2].split()) & {*HEAVY, "pydantic_settings"}


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("migrat",)])
def test_help_and_mistakes_load_nothing_but_click(arguments):
    """Issue 3: an operator on a bad day does not wait for imports."""
    assert loaded(*arguments)[1] == set()


def test_the_settings_are_checked_without_the_database_and_the_web(env):
    """Only what reads them is loaded."""
    assert loaded("config", "check", env=env) == (0, {"pydantic_settings"})


@pytest.mark.parametrize("arguments", [("keys", "list"), ("backup", "create", "x")])
def test_a_command_does_not_load_the_web(env, arguments):
    """It needs the database, not Flask."""
    assert not loaded(*arguments, env=env)[1] & {"flask", "webauthn", "granian"}


@pytest.mark.parametrize("name", cli.MENU)
def test_the_menu_says_of_each_command_what_the_command_says(name):
    """The first sentence stands twice, so that help need not load it."""
    command = cli.main.get_command(click.Context(cli.main), name)

    assert command is not None
    assert command.name == name
    assert command.get_short_help_str(limit=500) == cli.MENU[name][1]


def test_a_mistyped_command_is_answered_with_what_was_meant(idp):
    """And nothing like it with the list."""
    assert "There is no command 'migrat'. Did you mean `idp migrate`?" in idp("migrat").output
    assert "Did you mean" not in idp("xyzzy").output
    assert "Try 'main --help'" in idp("xyzzy").output


def test_a_fault_of_ours_is_no_refusal():
    """It keeps its trace, so that it is found and mended."""
    assert refusal(ZeroDivisionError("x")) is None
    assert refusal(KeyError("x")) is None


def test_a_file_that_cannot_be_used_is_named(tmp_path):
    """With the reason of the operating system."""
    with pytest.raises(FileNotFoundError) as found:
        (tmp_path / "none").read_text()

    assert refusal(found.value) == f"{tmp_path / 'none'}: No such file or directory."
