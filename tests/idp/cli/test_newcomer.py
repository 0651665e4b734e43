"""`idp client add --demo` and `idp client test-event`, as a developer types them."""

import ast
import re

import pytest

from consent import purposes
from idp.cli import newcomer
from idp.db import make_engine, make_sessions
from idp.oauth import clients
from tests.house.source import ROOT

BACK = "http://127.0.0.1:5000/callback"
PRODUCTION = {
    "YINYOM_SANDBOX": "false",
    "YINYOM_ISSUER": "https://id.example.test",
    "YINYOM_SMS_GATEWAY_URL": "https://sms.example.test",
}


def add(idp, *more, redirect=BACK, **changes):
    return idp("client", "add", "--demo", "บริการของฉัน", "--redirect", redirect, *more, **changes)


def registered(env, client_id):
    sessions = make_sessions(make_engine(env["YINYOM_DATABASE_URL"]))
    with sessions.reading() as session:
        found = clients.find(session, client_id)
    sessions.engine.dispose()
    return found


def test_a_demo_client_needs_no_other_word_and_its_program_holds_its_own_values(migrated, env):
    """Issue: id, secret, and a client that runs as printed; the organisation behind it is made on the way."""
    done = add(migrated, redirect="http://127.0.0.1:5077/back/again")

    given = dict(re.findall(r"(?m)^(client_id|client_secret) +(\S+)$", done.output))
    program = done.output.partition("\n\n")[2]
    ast.parse(program)
    for words in (*given.values(), '"http://127.0.0.1:5077/back/again"', '@app.get("/back/again")', "port=5077"):
        assert words in program
    found = registered(env, given["client_id"])
    assert found.check_client_secret(given["client_secret"])
    assert (found.name_th, found.name_en) == ("บริการของฉัน", "บริการของฉัน")
    assert set(found.purposes) == {"SIGNIN", "CONTACT"}
    assert found.default_resource is None


def test_several_demo_clients_share_one_organisation_of_their_own(migrated, env):
    """Their consents are theirs: no hospital's answer stands in for them (DECISIONS 15)."""
    ids = [re.search(r"client_id +(\S+)", add(migrated).output)[1] for _ in range(2)]

    assert ids[0] != ids[1]
    assert len({registered(env, one).legal_entity_id for one in ids}) == 1
    assert migrated("entity", "list").output.count(newcomer.ENTITY_EN) == 1


def test_the_program_of_readme_is_the_one_that_is_printed():
    """One text; README cannot age."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert newcomer.program("http://localhost:8000", "client_id", "client_secret", BACK) in readme


def test_outside_the_sandbox_a_demo_client_is_refused_in_one_sentence(idp, refusal, migrated):  # noqa: ARG001 -- the keys
    """Nobody registers an organisation of nobody in production."""
    said = refusal(add(idp, **PRODUCTION))

    assert "--demo is for a sandbox" in said or "belongs to" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--demo", "x"), "one --redirect"),
        (("--demo", "x", "--redirect", "http://127.0.0.1:5000/"), "with a path"),
        (("--demo", "x", "--redirect", BACK, "--redirect", BACK + "2"), "one --redirect"),
        (("--demo", " ", "--redirect", BACK), "a name"),
        (("--demo", "a\tb", "--redirect", BACK), "a name"),
        (("--demo", "x", "--redirect", "http://example.go.th/callback"), "redirect"),
    ],
)
def test_what_could_not_run_as_printed_is_refused(migrated, refusal, arguments, words):
    """The sentence says what is missing."""
    assert words in refusal(migrated("client", "add", *arguments))
    assert "demo-" not in migrated("client", "list").output


@pytest.mark.parametrize("missing", ["--name-th", "--name-en", "--entity", "--purpose"])
def test_a_client_that_is_no_demo_still_needs_all_its_words(with_hospital, missing):
    """As before `--demo`."""
    given = {"--name-th": "x", "--name-en": "x", "--entity": "Our hospital", "--purpose": "SIGNIN"}
    words = [word for option, value in given.items() if option != missing for word in (option, value)]

    done = with_hospital("client", "add", *words, "--redirect", BACK)

    assert done.exit_code == 2
    assert missing in done.output


def test_the_purposes_of_a_demo_client_are_such_as_a_hospital_may_have():
    """Registration would refuse others."""
    kinds = {code: purposes.get(code).recipient_kinds for code in (*newcomer.PURPOSES, *newcomer.WITH_RECORDS)}

    assert all(kinds.values())
