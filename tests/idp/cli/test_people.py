"""What an authority tells later about people."""

import pytest

SOMCHAI = "3999000010035"


@pytest.fixture
def known(migrated):
    """Somchai has an account."""
    migrated("staff", "add", "--national-id", "-", "--role", "auditor", typed=SOMCHAI + "\n")
    return migrated


def test_a_death_shuts_the_account_once(known):
    told = [known("people", "death", "--national-id", "-", typed=SOMCHAI + "\n") for _ in range(2)]

    assert [one.output.strip() for one in told] == ["1 account shut.", "0 accounts shut."]


def test_names_that_are_the_same_change_nothing(known):
    told = known("people", "rename", "--national-id", "-", typed=SOMCHAI + "\n")

    assert told.output.strip() == "The names are the same; nothing was changed."


@pytest.mark.parametrize("typed", ["0999000010138\n", "1999000010161x\n", "3999000010043\n"])
def test_nobody_is_renamed_who_is_not_known_here(known, refusal, typed):
    refusal(known("people", "rename", "--national-id", "-", typed=typed))


@pytest.mark.parametrize("verb", ["death", "rename"])
def test_a_number_is_never_an_argument(known, verb):
    assert known("people", verb, "--national-id", SOMCHAI).exit_code == 2
