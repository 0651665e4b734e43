"""`idp doctor`: one line a check, each with what to do; exit code 1 only for what fails."""

import json
import os
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text, update

from idp.cli import around, machine
from idp.db import make_engine, make_sessions
from idp.directory.models import LegalEntity
from idp.jobs import enqueue_job
from idp.keys import SigningKey
from idp.oauth import provider, resources
from idp.settings import Settings
from idp.silence import HolderRhythm
from tests.fakes import NOW
from tests.idp import servers


@pytest.fixture(autouse=True)
def _nobody_serves(monkeypatch):
    """No test may meet a server that happens to run here."""
    monkeypatch.setattr(around, "METADATA", ":1/nowhere")


def lines(result):
    """Name -> (level, words)."""
    found = {}
    for line in result.output.splitlines():
        level, name, words = line.split(maxsplit=2)
        found[name] = (level, words)
    return found


def only_owner(env):
    """The key file and the database as they should be."""
    for path in (env["YINYOM_KEK_FILE"], env["YINYOM_DATABASE_URL"].removeprefix("sqlite:///")):
        Path(path).chmod(0o600)


@contextmanager
def database(env):
    engine = make_engine(env["YINYOM_DATABASE_URL"])
    with make_sessions(engine).writing() as session:
        yield session
    engine.dispose()


def test_a_healthy_server_has_one_line_per_check(migrated, env):
    """Nothing fails; nobody serves yet, which is said."""
    only_owner(env)
    result = migrated("doctor")

    told = lines(result)
    assert result.exit_code == 0, result.output
    assert list(told) == [
        "settings",
        "key_file",
        "files",
        "disks",
        "templates",
        "sms",
        "discovery",
        "sms_second",
        "mail",
        "cards",
        "database",
        "keys",
        "clock",
        "queues",
        "agreements",
        "holders",
    ]
    assert {name for name, (level, _) in told.items() if level != "ok"} == {"discovery"}
    assert "idp serve" in told["discovery"][1]


def test_unsafe_settings_fail_and_stop_the_rest(idp):
    """With what is wrong, not with its value."""
    result = idp("doctor", YINYOM_ISSUER="http://id.example.go.th")
    assert result.exit_code == 1
    assert list(lines(result)) == ["settings"]


def test_a_key_file_that_others_may_read_is_warned_of(migrated, env):
    """And how to mend it."""
    Path(env["YINYOM_KEK_FILE"]).chmod(0o644)
    assert lines(migrated("doctor"))["key_file"][0] == "warn"
    assert "chmod 600" in migrated("doctor").output


def test_a_missing_key_file_fails(migrated, tmp_path):
    """Everything that rests on it is not looked at."""
    result = migrated("doctor", YINYOM_KEK_FILE=str(tmp_path / "none"))
    assert result.exit_code == 1
    assert lines(result)["key_file"][0] == "fail"


def test_another_key_file_fails(migrated, tmp_path):
    """It does not open this database."""
    (tmp_path / "other").write_text("eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg=")
    result = migrated("doctor", YINYOM_KEK_FILE=str(tmp_path / "other"))
    assert lines(result)["keys"] == ("fail", "the key-encryption key does not open this database")


@pytest.mark.parametrize(
    ("url", "words"), [("sqlite:///{}/new.db", "idp migrate"), ("postgresql://x@127.0.0.1:1/x", "did not answer")]
)
def test_a_database_that_is_not_there_or_not_migrated_fails(idp, tmp_path, url, words):
    """What rests on it is left out."""
    result = idp("doctor", YINYOM_DATABASE_URL=url.format(tmp_path))
    assert result.exit_code == 1
    assert lines(result)["database"][0] == "fail"
    assert words in lines(result)["database"][1]
    assert "queues" not in lines(result)


def test_a_database_of_the_other_mode_fails(migrated):
    """A sandbox database never opens as production."""
    production = {
        "YINYOM_SANDBOX": "false",
        "YINYOM_ISSUER": "https://id.example.test",
        "YINYOM_SMS_GATEWAY_URL": "http://127.0.0.1:1/sms",
    }
    told = lines(migrated("doctor", **production))
    assert "belongs to a sandbox" in told["database"][1]
    assert told["sms"][0] == "fail"


def test_an_sms_gateway_that_answers_anything_is_there(settings):
    """HEAD; no message is sent."""
    with servers.serving() as gateway:
        changed = {"sandbox": False, "sms_gateway_url": gateway.url}
        assert around.check_sms(settings.model_copy(update=changed)).level == "ok"
        assert {request.method for request in gateway.received} <= {"HEAD"}


@pytest.mark.parametrize(("change", "level"), [({}, "ok"), ({"issuer": "https://other.example.test"}, "fail")])
def test_the_issuers_own_discovery_must_be_ours(settings, monkeypatch, change, level):
    """Another version behind the same name is told."""
    monkeypatch.setattr(around, "METADATA", "")
    with servers.serving(default=200) as world:
        own: Settings = settings.model_copy(update={"issuer": world.url})
        world.body = json.dumps(provider.discovery(own) | change).encode()
        assert around.check_discovery(own).level == level


def test_a_queue_that_nobody_works_on_is_told(migrated, env):
    """Five minutes warn, an hour fails."""
    with database(env) as session:
        enqueue_job(session, "resolve", UUID(int=1), now=NOW - timedelta(days=30))
    told = lines(migrated("doctor"))["queues"]
    assert told[0] == "fail"
    assert "idp work" in told[1]


def test_an_old_key_is_warned_of(migrated, env):
    """With the command that plans a rotation."""
    with database(env) as session:
        session.execute(update(SigningKey).values(activates_at=NOW - timedelta(days=500)))
    told = lines(migrated("doctor"))["keys"]
    assert told[0] == "warn"
    assert "rotate --plan" in told[1]


def test_a_setting_that_is_none_is_warned_of_with_what_was_meant(migrated):
    """A misspelt variable is passed over in silence otherwise."""
    told = lines(migrated("doctor", YINYOM_METRIC_DIR="/run/x"))["settings"]
    assert told[0] == "warn"
    assert "YINYOM_METRIC_DIR is no setting and does nothing: did you mean YINYOM_METRICS_DIR?" in told[1]


def test_other_files_that_others_may_read_are_warned_of(migrated, env, tmp_path):
    """Tokens, and a database that is a file."""
    only_owner(env)
    (tmp_path / "token").write_text("t" * 32)
    (tmp_path / "token").chmod(0o640)
    told = lines(migrated("doctor", YINYOM_METRICS_TOKEN_FILE=str(tmp_path / "token")))["files"]
    assert told[0] == "warn"
    assert f"chmod 600 {tmp_path / 'token'}" in told[1]


@pytest.mark.parametrize(("free", "level"), [(0, "fail"), (machine.TOO_LITTLE, "warn"), (machine.LITTLE, "ok")])
def test_a_disk_that_is_nearly_full_is_told_before_writes_end(settings, monkeypatch, free, level):
    """With how much there is, and where."""
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": free}))
    found = machine.check_disks(settings)
    assert found.level == level
    assert "MB are free in /" in found.words


def test_a_folder_that_cannot_be_written_fails(settings, monkeypatch):
    """The database's folder belongs to somebody else (root, who runs tests, may write everywhere)."""
    monkeypatch.setattr("os.access", lambda *_: False)
    found = machine.check_disks(settings)
    assert (found.level, "owner and mode" in found.words) == ("fail", True)


def test_a_database_of_a_later_day_names_the_cure(migrated, env):
    """Migrating would not help, so it is not advised."""
    with database(env) as session:
        session.execute(text("UPDATE alembic_version SET version_num = 'r9999'"))
    told = lines(migrated("doctor"))["database"]
    assert told[0] == "fail"
    assert "newer than this program" in told[1]
    assert "idp migrate" not in told[1]


def test_a_clock_that_was_set_back_fails(migrated, env):
    """SQLite has no clock of its own; what it has seen is later than now."""
    with database(env) as session:
        session.execute(update(SigningKey).values(created_at=datetime(2099, 1, 1, tzinfo=UTC)))
    told = lines(migrated("doctor"))["clock"]
    assert told[0] == "fail"
    assert "behind what this database has seen" in told[1]


def test_a_worker_that_is_silent_is_told(migrated, tmp_path):
    """Its pulse is older than two minutes."""
    beat = tmp_path / "pulse"
    beat.touch()
    assert lines(migrated("doctor", YINYOM_PULSE_FILE=str(beat)))["queues"][0] == "ok"

    os.utime(beat, (0, 0))
    told = lines(migrated("doctor", YINYOM_PULSE_FILE=str(beat)))["queues"]
    assert told[0] == "fail"
    assert "restart `idp work`" in told[1]


def test_a_holder_that_fell_silent_is_named(migrated, env):
    """By its own rhythm: this one reported every hour for weeks, and says nothing since January."""
    only_owner(env)
    house = {"name_th": "คลัง", "name_en": "House", "kind": "hospital", "controller_contact": "c", "dpo_contact": "d"}
    began, last = datetime(2025, 11, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
    hourly = {"first_at": began, "last_at": last, "since": began, "longest_s": 3600, "before_s": 3600}
    with database(env) as session:
        entity = LegalEntity(**house, own_app=False)
        session.add(entity)
        session.flush()
        for name in ("records", "new"):
            told = {"identifier": f"https://{name}.example.test", "legal_entity_id": entity.id, "client_id": None}
            resources.register(session, **told, now=NOW)
        session.add(HolderRhythm(holder="https://records.example.test", **hourly))

    level, words = lines(migrated("doctor"))["holders"]

    assert level == "warn"
    assert words.startswith("1 fell silent: https://records.example.test (")
    assert "usual is under 0.2" in words
    assert "new.example.test" not in words
