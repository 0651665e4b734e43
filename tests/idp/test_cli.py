"""The operator's commands: what they refuse, they refuse in one sentence and without a stack trace."""

import base64
import os
import re
import socket

import pytest
from click.testing import CliRunner

from consent.db import new_id
from idp import cli
from idp.db import make_engine, make_sessions
from idp.directory import LegalEntity
from idp.settings import Settings

SOMCHAI = "3999000010035"
HOSPITAL_ID = new_id()
REDIRECT = "https://portal.example.test/callback"


@pytest.fixture
def env(tmp_path):
    (tmp_path / "kek").write_text(base64.b64encode(bytes(range(32))).decode())
    return {
        "YINYOM_ISSUER": "http://localhost:8000",
        "YINYOM_DATABASE_URL": f"sqlite:///{tmp_path / 'cli.db'}",
        "YINYOM_KEK_FILE": str(tmp_path / "kek"),
        "YINYOM_SANDBOX": "true",
        "YINYOM_CONFIG": "",
    }


@pytest.fixture
def idp(env, monkeypatch):
    for name in list(os.environ):
        if name.startswith("YINYOM_"):
            monkeypatch.delenv(name)

    def run(*arguments, typed="", **changes):
        given = {name: value for name, value in {**env, **changes}.items() if value is not None}
        return CliRunner().invoke(cli.main, arguments, input=typed, env=given)

    return run


@pytest.fixture
def migrated(idp):
    assert idp("migrate").exit_code == 0
    return idp


def refusal(result):
    """The one sentence of a refusal."""
    assert result.exit_code == 1, result.output
    assert "Traceback" not in result.output
    (line,) = result.output.strip().splitlines()
    return line


def test_good_settings_are_said_to_be_good(idp):
    """`idp config check`."""
    assert "sandbox at http://localhost:8000" in idp("config", "check").output


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"YINYOM_ISSUER": None}, "YINYOM_ISSUER is missing"),
        ({"YINYOM_ISSUER": "http://id.example.go.th"}, "only for a sandbox on loopback"),
        ({"YINYOM_ISSUER": "http://localhost:8000/"}, "trailing slash"),
        ({"YINYOM_SANDBOX": "false"}, "only for a sandbox"),
        ({"YINYOM_SANDBOX": "false", "YINYOM_ISSUER": "https://id.example.go.th"}, "sms_gateway_url"),
        ({"YINYOM_SANDBOX_FIXED_CODE": "12345"}, "sandbox_fixed_code"),
        ({"YINYOM_KEK_FILE": "/nonexistent/kek"}, "cannot be read"),
        ({"YINYOM_PORT": "0"}, "port"),
    ],
)
def test_unsafe_settings_are_refused_in_one_sentence(idp, changes, words):
    """ARCHITECTURE, rules of the road: it refuses to start."""
    assert words in refusal(idp("config", "check", **changes))


def test_a_refused_value_is_not_repeated(idp):
    """It may be a secret that stands in the wrong place."""
    assert "hunter2" not in idp("config", "check", YINYOM_SANDBOX_FIXED_CODE="hunter2").output


@pytest.mark.parametrize("command", [("serve",), ("work",), ("client", "list")])
def test_nothing_runs_on_a_schema_of_another_day(idp, command):
    """The sentence says what to do."""
    assert "run `idp migrate`" in refusal(idp(*command))


def test_an_unreachable_database_is_one_sentence(idp):
    """No driver text: it may hold values."""
    nowhere = "postgresql://app@127.0.0.1:1/nothing"

    assert "database" in refusal(idp("migrate", YINYOM_DATABASE_URL=nowhere))


def test_migrating_twice_changes_nothing(migrated):
    """Safe to repeat; keys and notices are made once."""
    assert migrated("migrate").exit_code == 0


def test_a_sandbox_database_is_never_opened_as_production(migrated):
    """Issue 2: the sandbox cannot be turned on over a production database, nor the other way."""
    production = {
        "YINYOM_SANDBOX": "false",
        "YINYOM_ISSUER": "https://id.example.go.th",
        "YINYOM_SMS_GATEWAY_URL": "https://sms.example.go.th",
    }

    for command in (("migrate",), ("client", "list")):
        assert "belongs to a sandbox server" in refusal(migrated(*command, **production))


def test_a_busy_port_names_its_setting(migrated):
    """One sentence, before granian starts: it would share the port silently."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])

        assert f"Port {port} is in use" in refusal(migrated("serve", YINYOM_PORT=port))


def test_serving_uses_few_threads_and_one_protocol(env):
    """Measured: more threads only lengthen the tail (LIBRARIES 6)."""
    settings = Settings(
        issuer=env["YINYOM_ISSUER"], database_url="sqlite://", kek_file=env["YINYOM_KEK_FILE"], sandbox=True
    )

    arguments = " ".join(cli.granian(settings))

    assert "--interface wsgi --no-ws --http 1" in arguments
    assert "--blocking-threads 2" in arguments
    assert "--host 127.0.0.1 --port 8000 --workers 1" in arguments


def test_the_first_auditor_is_made_by_a_command(migrated):
    """DECISIONS 4: the number is typed, never an argument; the code is printed once."""
    result = migrated("staff", "add", "--national-id", "-", "--role", "auditor", typed=SOMCHAI + "\n")

    assert result.exit_code == 0, result.output
    assert "http://localhost:8000/staff/enrol" in result.output
    assert SOMCHAI not in result.output
    again = migrated("staff", "add", "--national-id", "-", "--role", "auditor", typed=SOMCHAI + "\n")
    assert again.output.splitlines()[-1] != result.output.splitlines()[-1]


@pytest.mark.parametrize("typed", ["", "123", "3999000010034\n", "1101700203451\n", "1999000010161\n"])
def test_a_wrong_real_or_unknown_number_is_refused(migrated, typed):
    """And not repeated."""
    result = migrated("staff", "add", "--national-id", "-", "--role", "auditor", typed=typed)

    refusal(result)
    assert not typed.strip() or typed.strip() not in result.output


def test_a_number_on_the_command_line_is_refused(migrated):
    """It would stand in the shell's history and the process list."""
    assert migrated("staff", "add", "--national-id", SOMCHAI, "--role", "auditor").exit_code == 2


@pytest.fixture
def with_hospital(migrated, env):
    """A database with one more thing than `idp migrate` makes: the hospital."""
    sessions = make_sessions(make_engine(env["YINYOM_DATABASE_URL"]))
    with sessions.writing() as session:
        session.add(
            LegalEntity(
                id=HOSPITAL_ID,
                name_th="โรงพยาบาลตัวอย่าง",
                name_en="Example Hospital",
                kind="hospital",
                controller_contact="010-000-0900",
                dpo_contact="dpo@example.test",
            )
        )
    sessions.engine.dispose()
    return migrated


def add(idp, *more):
    names = ("--name-th", "พอร์ทัล", "--name-en", "Portal", "--entity", str(HOSPITAL_ID), "--redirect", REDIRECT)
    return idp("client", "add", *names, "--purpose", "SIGNIN", *more)


def test_a_client_is_registered_listed_and_suspended(with_hospital):
    """The secret is shown once."""
    made = add(with_hospital, "--purpose", "EHR-SHARE")
    assert made.exit_code == 0, made.output
    client_id = re.search(r"client_id +(\S+)", made.output)[1]
    secret = re.search(r"client_secret +(\S+)", made.output)[1]

    listed = with_hospital("client", "list").output
    suspended = with_hospital("client", "suspend", client_id)

    assert len(secret) >= 43
    assert secret not in listed
    assert f"{client_id}\tactive\tweb\tPortal" in listed
    assert suspended.exit_code == 0
    assert f"{client_id}\tsuspended" in with_hospital("client", "list").output


def test_a_public_client_has_no_secret(with_hospital):
    """RFC 6749 section 2.1."""
    assert "(none: a public client)" in add(with_hospital, "--kind", "native", "--auth-method", "none").output


@pytest.mark.parametrize(
    "more",
    [
        ("--purpose", "NO-SUCH"),
        ("--purpose", "INSURE"),
        ("--redirect", "http://portal.example.test/callback"),
        ("--redirect", "https://portal.example.test/#here"),
        ("--events", "http://portal.example.test/events"),
    ],
)
def test_what_may_not_be_registered_is_refused_in_one_sentence(with_hospital, more):
    """Catalogue rule 5, RFC 9700 section 2.1."""
    refusal(add(with_hospital, *more))


def test_an_unknown_client_cannot_be_suspended(migrated):
    """One sentence."""
    assert "no such client" in refusal(migrated("client", "suspend", "svc-unknown"))


def test_the_version_is_told(idp):
    """Installed or not."""
    assert "version" in idp("--version").output


def test_the_sandbox_refuses_a_folder_of_somebody_elses(idp, tmp_path):
    """`idp demo --reset` clears only its own."""
    (tmp_path / "thesis.txt").write_text("years of work")

    assert "nothing was removed" in refusal(idp("demo", "--dir", str(tmp_path), "--reset"))
    assert (tmp_path / "thesis.txt").exists()
