"""`idp log`: seal, export, verify, as an operator and an auditor run them."""

import base64
import json
import shutil

from consent.audit import log
from consent.audit.log import Actor
from consent.db import new_id
from idp.db import make_engine, make_sessions
from tests.fakes import NOW


def write(env, count):
    """That many entries, committed."""
    engine = make_engine(env["YINYOM_DATABASE_URL"])
    with make_sessions(engine).writing() as session:
        ids = [log.append(session, "signin.done", now=NOW, actor=Actor.system("test")) for _ in range(count)]
    engine.dispose()
    return ids


def test_a_log_that_is_not_signed_yet_has_no_file(migrated, tmp_path):
    """Said in one sentence."""
    refused = migrated("log", "export", str(tmp_path / "log.jsonl"))
    assert refused.exit_code == 1
    assert "Nothing is signed yet" in refused.output


def test_the_log_is_sealed_written_and_verified(migrated, env, tmp_path):
    """Issue: a file that verifies on the auditor's own machine, and the checkpoint that is kept from it."""
    file, seen = tmp_path / "log.jsonl", tmp_path / "seen.txt"
    write(env, 3)

    sealed = migrated("log", "seal")
    seen.write_text(sealed.output, encoding="utf-8")
    origin, size, *_ = sealed.output.splitlines()
    assert origin == "localhost:8000/log"
    assert migrated("log", "seal").output == sealed.output

    write(env, 2)
    migrated("log", "seal")
    assert migrated("log", "export", str(file)).exit_code == 0
    key = json.loads(file.read_text(encoding="utf-8").splitlines()[0])["keys"][0]
    good = migrated("log", "verify", str(file), "--key", key, "--previous", str(seen), "--json")
    assert (good.exit_code, json.loads(good.output)["size"]) == (0, int(size) + 2)
    assert not (tmp_path / "log.jsonl.part").exists()

    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text("".join([*lines[:2], *lines[3:]]), encoding="utf-8")
    bad = migrated("log", "verify", str(file))
    assert bad.exit_code == 11
    assert "first bad index: 1" in bad.output


def test_a_part_and_a_selection_can_be_written(migrated, env, tmp_path):
    """--since continues an earlier file; --entry shows one entry and nothing else."""
    file = tmp_path / "log.jsonl"
    ids = write(env, 3)
    size = int(migrated("log", "seal").output.splitlines()[1])

    for asked, leaves in (("--since", str(size - 2)), 2), (("--entry", str(ids[1])), 1), (("--since", "0"), size):
        assert migrated("log", "export", str(file), *asked).exit_code == 0
        told = json.loads(migrated("log", "verify", str(file), "--json").output)
        assert (told["verdict"], told["leaves"]) == ("ok", leaves)


def test_what_cannot_be_exported_is_refused_and_leaves_the_file(migrated, env, tmp_path):
    """Nor is a half-written file left behind."""
    file = tmp_path / "log.jsonl"
    file.write_text("an earlier file", encoding="utf-8")
    write(env, 1)
    migrated("log", "seal")

    for asked in (("--since", "99999"), ("--entry", str(new_id()))):
        assert migrated("log", "export", str(file), *asked).exit_code == 1
    assert file.read_text(encoding="utf-8") == "an earlier file"
    assert [path.name for path in tmp_path.glob("log*")] == ["log.jsonl"]


def test_a_file_that_is_not_there_is_said_so(idp, tmp_path):
    """Exit code 2: nothing was judged. No settings are needed to verify."""
    assert idp("log", "verify", str(tmp_path / "nothing")).exit_code == 2


def test_the_keys_are_printed_for_another_channel(migrated, env):
    """What an auditor compares must reach them past this server."""
    write(env, 1)
    key, told = migrated("log", "keys").output.splitlines()

    assert key.startswith("localhost:8000/log+")
    assert told.strip().startswith("SHA-256 ")
    assert len(told.split()) == 17


def test_a_restored_log_is_not_sealed_before_somebody_accepts_it(migrated, env, tmp_path, refusal):
    """RELIABILITY: the memory lies beside the key; the operator's way on leaves its reason in the log."""
    write(env, 2)
    migrated("log", "seal")
    shutil.copyfile(tmp_path / "cli.db", tmp_path / "backup.db")
    write(env, 3)
    longer = int(migrated("log", "seal").output.splitlines()[1])
    kept = json.loads((tmp_path / "kek.signed").read_text())
    assert kept["size"] == longer
    for beside in ("cli.db-wal", "cli.db-shm"):
        (tmp_path / beside).unlink(missing_ok=True)
    shutil.copyfile(tmp_path / "backup.db", tmp_path / "cli.db")
    write(env, 1)

    assert "longer when it was signed before" in refusal(migrated("log", "seal"))
    assert "reason" in refusal(migrated("log", "accept", "--because", "for 1-9990-00010-01-2"))
    done = migrated("log", "accept", "--because", "disk died, ticket 12")
    assert done.exit_code == 0, done.output
    assert f"It was at {longer}." in done.output

    assert migrated("log", "seal").exit_code == 0
    assert migrated("log", "export", str(tmp_path / "log.jsonl")).exit_code == 0
    entries = [json.loads(base64.b64decode(json.loads(line)["leaf"])[1:]) for line in lines_of(tmp_path / "log.jsonl")]
    (accepted,) = [one for one in entries if one["event"] == "log.accepted"]
    assert accepted["reason"] == "disk died, ticket 12"
    assert accepted["codes"] == [f"signed:{longer}", f"root:{kept['root']}", f"here:{longer - 3}"]
    assert "nothing to accept" in refusal(migrated("log", "accept", "--because", "once more"))


def lines_of(file):
    """The lines that hold a leaf."""
    return [line for line in file.read_text(encoding="utf-8").splitlines() if '"leaf"' in line]
