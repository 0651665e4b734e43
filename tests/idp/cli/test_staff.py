"""People who work here."""

import pytest

SOMCHAI = "3999000010035"


def test_the_first_auditor_is_made_by_a_command(migrated):
    """DECISIONS 4: the number is typed, never an argument; the code is printed once."""
    result = migrated("staff", "add", "--national-id", "-", "--role", "auditor", typed=SOMCHAI + "\n")

    assert result.exit_code == 0, result.output
    assert "http://localhost:8000/staff/enrol" in result.output
    assert SOMCHAI not in result.output
    again = migrated("staff", "add", "--national-id", "-", "--role", "auditor", typed=SOMCHAI + "\n")
    assert again.output.splitlines()[-1] != result.output.splitlines()[-1]


@pytest.mark.parametrize("typed", ["", "123", "3999000010034\n", "1101700203451\n", "1999000010161\n"])
def test_a_wrong_real_or_unknown_number_is_refused(migrated, typed, refusal):
    """And not repeated."""
    result = migrated("staff", "add", "--national-id", "-", "--role", "auditor", typed=typed)

    refusal(result)
    assert not typed.strip() or typed.strip() not in result.output


def test_a_number_on_the_command_line_is_refused(migrated):
    """It would stand in the shell's history and the process list."""
    assert migrated("staff", "add", "--national-id", SOMCHAI, "--role", "auditor").exit_code == 2


@pytest.mark.parametrize(
    ("role", "more", "words"),
    [
        ("clerk", (), "give its code with --hcode"),
        ("practitioner", ("--hcode", "00000"), "no facility 00000"),
        ("auditor", ("--hcode", "99123"), "leave --hcode out"),
    ],
)
def test_a_role_stands_where_it_can_stand(with_hospital, refusal, role, more, words):
    """DECISIONS 4: clerks and practitioners at a facility we know, the others at the service itself."""
    asked = ("staff", "add", "--national-id", "-", "--role", role, *more)

    assert words in refusal(with_hospital(*asked, typed=SOMCHAI + "\n"))


def test_a_clerk_is_invited_at_a_facility(with_hospital):
    """The facility that came with the organisation."""
    asked = ("staff", "add", "--national-id", "-", "--role", "clerk", "--hcode", "99123")

    assert with_hospital(*asked, typed=SOMCHAI + "\n").exit_code == 0
