"""Starting things: what is refused is refused in one sentence and without a stack trace."""

import socket

import pytest

from idp.cli import serving
from idp.settings import Settings


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
def test_unsafe_settings_are_refused_in_one_sentence(idp, changes, words, refusal):
    """ARCHITECTURE, rules of the road: it refuses to start."""
    assert words in refusal(idp("config", "check", **changes))


def test_a_refused_value_is_not_repeated(idp):
    """It may be a secret that stands in the wrong place."""
    assert "hunter2" not in idp("config", "check", YINYOM_SANDBOX_FIXED_CODE="hunter2").output


@pytest.mark.parametrize("command", [("serve",), ("work",), ("client", "list")])
def test_nothing_runs_on_a_schema_of_another_day(idp, command, refusal):
    """The sentence says what to do."""
    assert "run `idp migrate`" in refusal(idp(*command))


def test_an_unreachable_database_is_one_sentence(idp, refusal):
    """No driver text: it may hold values."""
    nowhere = "postgresql://app@127.0.0.1:1/nothing"

    assert "database" in refusal(idp("migrate", YINYOM_DATABASE_URL=nowhere))


def test_migrating_twice_changes_nothing(migrated):
    """Safe to repeat; keys and notices are made once."""
    assert migrated("migrate").exit_code == 0
    assert migrated("client", "list").exit_code == 0


def test_a_sandbox_database_is_never_opened_as_production(migrated, refusal):
    """Issue 2: the sandbox cannot be turned on over a production database, nor the other way."""
    production = {
        "YINYOM_SANDBOX": "false",
        "YINYOM_ISSUER": "https://id.example.go.th",
        "YINYOM_SMS_GATEWAY_URL": "https://sms.example.go.th",
    }

    for command in (("migrate",), ("client", "list")):
        assert "belongs to a sandbox server" in refusal(migrated(*command, **production))


def test_a_busy_port_names_its_setting(migrated, refusal):
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

    arguments = " ".join(serving.granian(settings))

    assert "--interface wsgi --no-ws --http 1" in arguments
    assert "--blocking-threads 2" in arguments
    assert "--host 127.0.0.1 --port 8000 --workers 1" in arguments


def test_the_version_is_told(idp):
    """Installed or not."""
    assert "version" in idp("--version").output


def test_the_sandbox_refuses_a_folder_of_somebody_elses(idp, tmp_path, refusal):
    """`idp demo --reset` clears only its own."""
    (tmp_path / "thesis.txt").write_text("years of work")

    assert "nothing was removed" in refusal(idp("demo", "--dir", str(tmp_path), "--reset"))
    assert (tmp_path / "thesis.txt").exists()


@pytest.mark.parametrize("command", [("serve",), ("work",), ("migrate",), ("client", "list")])
def test_nothing_runs_with_another_key_than_the_databases(migrated, tmp_path, command, refusal):
    """Issue: unsafe starts are refused; a second key would make keys that the first cannot read."""
    (tmp_path / "other").write_text("//////////////////////////////////////////8=")

    assert "does not open this database" in refusal(migrated(*command, YINYOM_KEK_FILE=str(tmp_path / "other")))
