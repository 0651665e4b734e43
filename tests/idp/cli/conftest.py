"""The commands, called as an operator calls them, on a database of their own."""

import base64
import os
import shutil

import pytest
from click.testing import CliRunner

from idp import cli

KEK = base64.b64encode(bytes(range(32))).decode()
HOSPITAL = ("--name-th", "โรงพยาบาลของเรา", "--name-en", "Our hospital", "--kind", "hospital")
CONTACTS = ("--controller-contact", "010-000-0900", "--dpo-contact", "dpo@example.test")
LICENCE = ("--hcode", "99123", "--province", "แพร่", "--licence-until", "2099-12-31")


@pytest.fixture
def env(tmp_path):
    (tmp_path / "kek").write_text(KEK)
    return settings_in(tmp_path)


@pytest.fixture
def idp(env, monkeypatch):
    for name in list(os.environ):
        if name.startswith("YINYOM_"):
            monkeypatch.delenv(name)

    def run(*arguments, typed="", **changes):
        return answer({**env, **changes}, *arguments, typed=typed)

    return run


def answer(env, *arguments, typed=""):
    """One command; None in `env` leaves a variable out."""
    given = {name: value for name, value in env.items() if value is not None}
    return CliRunner().invoke(cli.main, arguments, input=typed, env=given)


def settings_in(folder):
    return {
        "YINYOM_ISSUER": "http://localhost:8000",
        "YINYOM_DATABASE_URL": f"sqlite:///{folder / 'cli.db'}",
        "YINYOM_KEK_FILE": str(folder / "kek"),
        "YINYOM_SANDBOX": "true",
        "YINYOM_CONFIG": "",
    }


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """Two databases made once, because migrating and making keys is slow: a bare one, and one with a hospital."""
    folder = tmp_path_factory.mktemp("cli")
    (folder / "kek").write_text(KEK)
    for name, command in (
        ("bare.db", ("migrate",)),
        ("hospital.db", ("entity", "add", *HOSPITAL, *CONTACTS, *LICENCE)),
    ):
        done = answer(settings_in(folder), *command)
        assert done.exit_code == 0, done.output
        shutil.copyfile(folder / "cli.db", folder / name)
    return folder


@pytest.fixture
def migrated(idp, prepared, tmp_path):
    shutil.copyfile(prepared / "bare.db", tmp_path / "cli.db")
    return idp


@pytest.fixture
def with_hospital(idp, prepared, tmp_path):
    """One more thing than `idp migrate` makes: the hospital."""
    shutil.copyfile(prepared / "hospital.db", tmp_path / "cli.db")
    return idp


@pytest.fixture
def refusal():
    def one_sentence(result):
        """The one sentence of a refusal."""
        assert result.exit_code == 1, result.output
        assert "Traceback" not in result.output
        (line,) = result.output.strip().splitlines()
        return line

    return one_sentence
