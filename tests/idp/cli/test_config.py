"""The settings: whether they are safe, what each is, and what is wrong with them in one sentence."""

import json

import pytest

from idp.settings import Settings

PRODUCTION = {
    "YINYOM_ISSUER": "https://id.example.go.th",
    "YINYOM_SMS_GATEWAY_URL": "https://sms.example.go.th",
}


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
        ({"YINYOM_AS_RANGES_FILE": "/nonexistent/ranges.tsv"}, "AS ranges /nonexistent/ranges.tsv cannot be read"),
        ({"YINYOM_AS_RANGES_FILE": __file__}, "line 1 is no range"),
        ({"YINYOM_PORT": "0"}, "port"),
        ({"YINYOM_DATABASE_URL": "mysql://app@127.0.0.1/x"}, "must be sqlite:///path or postgresql://"),
        ({"YINYOM_DATABASE_URL": "nonsense"}, "must be sqlite:///path or postgresql://"),
    ],
)
def test_unsafe_settings_are_refused_in_one_sentence(idp, changes, words, refusal):
    """ARCHITECTURE, rules of the road: it refuses to start."""
    assert words in refusal(idp("config", "check", **changes))


def test_a_refused_value_is_not_repeated(idp):
    """It may be a secret that stands in the wrong place."""
    assert "hunter2" not in idp("config", "check", YINYOM_SANDBOX_FIXED_CODE="hunter2").output


def test_all_that_is_missing_is_said_at_once_with_where_to_look(idp, refusal):
    """An operator mends it in one round."""
    told = refusal(idp("config", "check", YINYOM_ISSUER=None, YINYOM_KEK_FILE=None))

    assert "YINYOM_ISSUER is missing; YINYOM_KEK_FILE is missing" in told
    assert "`idp config list` says what each is" in told


def test_every_setting_is_listed_with_what_it_is(idp):
    """From the one place that documents them."""
    rows = [line.split("\t") for line in idp("config", "list").output.splitlines()]

    assert [row[0] for row in rows] == [f"YINYOM_{name.upper()}" for name in Settings.model_fields]
    assert all(len(row) == 3 and row[2] for row in rows)
    assert {row[0]: row[1] for row in rows}["YINYOM_ISSUER"] == "(needed)"


def test_the_schema_of_the_settings_file_is_json_schema(idp):
    """An editor checks the file before it is rolled out."""
    schema = json.loads(idp("config", "schema").output)

    assert set(schema["required"]) == {"issuer", "database_url", "kek_file"}
    assert schema["additionalProperties"] is False
    assert set(schema["properties"]) == set(Settings.model_fields)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "cannot be read: No such file or directory"),
        ("issuer = http://x", "is no TOML: Invalid value (at line 1, column 10)"),
        ('isuer = "http://localhost:8000"', "isuer: Extra inputs are not permitted"),
    ],
)
def test_a_settings_file_that_cannot_be_used_is_named(idp, tmp_path, refusal, text, words):
    """A name that is misspelt would otherwise look like settings that are missing."""
    file = tmp_path / "settings.toml"
    if text is not None:
        file.write_text(text)

    assert words in refusal(idp("config", "check", YINYOM_CONFIG=str(file)))


def test_a_variable_that_is_no_setting_is_told(idp):
    """Good settings all the same."""
    told = idp("config", "check", YINYOM_WORKER="4")

    assert told.exit_code == 0
    assert "YINYOM_WORKER is no setting and does nothing: did you mean YINYOM_WORKERS?" in told.output


def test_a_token_file_that_cannot_be_read_is_named(idp, tmp_path, refusal):
    """With which token it is."""
    told = refusal(
        idp("config", "check", YINYOM_SANDBOX="false", YINYOM_SMS_TOKEN_FILE=str(tmp_path / "none"), **PRODUCTION)
    )

    assert f"the file {tmp_path / 'none'} of the SMS gateway's token cannot be read" in told
