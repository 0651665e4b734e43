"""`idp keys`: a plan that changes nothing, and a rotation that needs no second step."""


def states(run):
    return sorted(line.split("\t")[0] for line in run("keys", "list").output.splitlines())


def test_a_plan_says_what_happens_when_and_changes_nothing(migrated):
    """--plan is the default."""
    before = states(migrated)

    planned = migrated("keys", "rotate")

    assert planned.exit_code == 0, planned.output
    assert "access_token ES256" in planned.output
    assert "is published, and signs nothing yet" in planned.output
    assert "leaves the JWKS" in planned.output
    assert "Nothing was changed" in planned.output
    assert "log Ed25519" not in planned.output
    assert migrated("keys", "rotate", "--plan").output.splitlines()[1:2] != []
    assert states(migrated) == before


def test_applying_publishes_a_next_key_and_a_second_time_waits(migrated):
    """One command; what follows happens by itself."""
    applied = migrated("keys", "rotate", "--apply", "--use", "access_token")
    assert applied.exit_code == 0, applied.output
    assert "nothing more is to be done" in applied.output
    assert states(migrated).count("next") == 1

    again = migrated("keys", "rotate", "--apply", "--use", "access_token")
    assert again.exit_code == 1
    assert "A rotation is under way" in again.output
