"""Starting things: what is refused is refused in one sentence and without a stack trace."""

import socket

import pytest
from sqlalchemy import text

from idp.cli import serving
from idp.db import make_engine
from idp.settings import Settings


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


def test_web_processes_count_in_one_folder_that_is_the_same_at_every_start(tmp_path, monkeypatch):
    """No temporary folder is left over: a second start empties the first one's."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    first = serving.counting_folder(8000)
    (first / "counter_1-aaaaaaaa.db").write_bytes(b"old")

    assert serving.counting_folder(8000) == first
    assert list(first.iterdir()) == []
    assert [path.name for path in tmp_path.iterdir()] == [first.name]
    assert serving.counting_folder(8001) != first


@pytest.mark.parametrize("harm", ["mode", "link"])
def test_a_folder_of_somebody_elses_is_not_counted_in(tmp_path, monkeypatch, harm):
    """Temporary folders are everybody's: a link there would have us delete what it points to."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = serving.counting_folder(8000)
    if harm == "mode":
        folder.chmod(0o777)
    else:
        folder.rmdir()
        (tmp_path / "elsewhere").mkdir()
        folder.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(ValueError, match="YINYOM_METRICS_DIR"):
        serving.counting_folder(8000)


def test_a_database_of_a_later_day_is_neither_served_nor_migrated(migrated, env, refusal):
    """The sentence names the cure, which is not a migration."""
    engine = make_engine(env["YINYOM_DATABASE_URL"])
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'r9999'"))
    engine.dispose()

    for command in ("serve", "work", "migrate"):
        assert "r9999, newer than this program" in refusal(migrated(command))
    assert "start the newer version" in refusal(migrated("migrate"))


def test_a_database_made_by_migrating_is_its_owners_alone(idp, tmp_path):
    """Whatever the caller's umask."""
    assert idp("migrate").exit_code == 0
    assert (tmp_path / "cli.db").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("command", [("client", "list"), ("doctor",), ("serve",)])
def test_a_database_that_is_not_there_is_not_made_by_looking_for_it(idp, tmp_path, command):
    """A misspelt path must not look like an empty database."""
    told = idp(*command)

    assert told.exit_code == 1
    assert "There is no database" in told.output
    assert not (tmp_path / "cli.db").exists()
