"""The list of erased people, and doing it again after a restore."""

import sqlite3

import pytest

SOMCHAI = "3999000010035"


@pytest.fixture
def known(migrated):
    """Somchai has an account."""
    migrated("staff", "add", "--national-id", "-", "--role", "dpo", typed=SOMCHAI + "\n")
    return migrated


def subject(env):
    path = env["YINYOM_DATABASE_URL"].removeprefix("sqlite:///")
    with sqlite3.connect(path) as connection:
        (row,) = connection.execute("SELECT id, data_key IS NULL FROM subject").fetchall()
    return row


def test_s37_3_whoever_is_on_the_list_is_erased_again(known, env, tmp_path):
    """A restored backup knew them; the list, kept elsewhere, does not forget that they asked."""
    kept = tmp_path / "erased.txt"
    kept.write_text(subject(env)[0] + "\n", encoding="ascii")

    told = [known("erasure", "again", str(kept)) for _ in range(2)]

    assert [one.output.strip() for one in told] == ["Erased again: 1 of 1.", "Erased again: 0 of 1."]
    assert subject(env)[1] == 1
    listed = known("erasure", "list").output.split()
    assert [one.replace("-", "") for one in listed] == [subject(env)[0].replace("-", "")]


def test_a_file_that_is_no_list_is_refused(known, refusal, tmp_path):
    """One sentence, and nothing is erased."""
    kept = tmp_path / "x.txt"
    kept.write_text("somebody\n", encoding="ascii")
    refusal(known("erasure", "again", str(kept)))
