"""`idp backup`: make, prove, put back; every refusal is one sentence."""


def test_a_backup_is_made_proved_and_put_back(migrated, tmp_path):
    """The three commands after each other."""
    file = str(tmp_path / "b")
    made = migrated("backup", "create", file)
    assert made.exit_code == 0, made.output
    assert "The key file is not in it" in made.output
    assert "is whole" in migrated("backup", "verify", file).output

    refused = migrated("backup", "restore", file)
    assert (refused.exit_code, "not empty" in refused.output) == (1, True)

    new = {"YINYOM_DATABASE_URL": f"sqlite:///{tmp_path / 'new.db'}"}
    restored = migrated("backup", "restore", file, **new)
    assert restored.exit_code == 0, restored.output
    assert "everybody is signed out" in restored.output
    assert migrated("keys", "list", **new).exit_code == 0


def test_a_harmed_backup_is_one_sentence(migrated, tmp_path):
    """No stack trace."""
    migrated("backup", "create", str(tmp_path / "b"))
    (tmp_path / "b").write_bytes(b"x")
    refused = migrated("backup", "verify", str(tmp_path / "b"))
    assert refused.exit_code == 1
    assert len(refused.output.strip().splitlines()) == 1
    assert "Traceback" not in refused.output
