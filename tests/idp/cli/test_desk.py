"""Which programs beside card readers the server believes; and the key that such a program makes for itself."""

import json

import pytest

from idp.cli import agent as agent_commands


@pytest.fixture
def public(tmp_path, idp):
    """What `idp agent key` prints; it needs no settings and no database."""
    made = idp("agent", "key", "--out", str(tmp_path / "agent.jwk"))
    assert made.exit_code == 0, made.output
    return made.output


def test_an_agent_is_added_listed_and_removed(with_hospital, public):
    added = with_hospital(
        "desk", "agent", "add", "--hcode", "99123", "--label", "เคาน์เตอร์ 3", "--key", "-", typed=public
    )
    assert added.exit_code == 0, added.output
    agent_id = added.output.strip()

    listed = with_hospital("desk", "agent", "list", "--hcode", "99123").output
    removed = with_hospital("desk", "agent", "remove", agent_id)

    assert agent_id in listed
    assert "เคาน์เตอร์ 3" in listed
    assert removed.exit_code == 0
    assert with_hospital("desk", "agent", "list").output == ""


@pytest.mark.parametrize(
    ("hcode", "typed", "words"),
    [("00000", "{}\n", "no facility 00000"), ("99123", "nonsense\n", "no public key"), ("99123", "", "no public key")],
)
def test_a_strange_place_or_key_is_refused_in_a_sentence(with_hospital, refusal, hcode, typed, words):
    asked = ("desk", "agent", "add", "--hcode", hcode, "--label", "1", "--key", "-")

    assert words in refusal(with_hospital(*asked, typed=typed))


def test_who_is_not_known_cannot_be_removed(with_hospital, refusal):
    refusal(with_hospital("desk", "agent", "remove", "01890000-0000-7000-8000-000000000000"))


def test_a_key_prints_its_public_half_alone_and_is_never_overwritten(tmp_path, idp, refusal, public):
    assert set(json.loads(public)) == {"kty", "crv", "x", "y"}
    assert "never overwritten" in refusal(idp("agent", "key", "--out", str(tmp_path / "agent.jwk")))


@pytest.mark.usefixtures("public")
def test_an_agent_needs_pyscard_a_key_and_an_issuer(tmp_path, idp, refusal, monkeypatch):
    def run(**changes):
        told = {
            "--issuer": "https://yinyom.example.test",
            "--key": str(tmp_path / "agent.jwk"),
            "--port": "1",
        } | changes
        return idp("agent", "run", *(word for pair in told.items() for word in pair))

    monkeypatch.setattr(agent_commands, "find_spec", lambda _: None)
    assert "extra `agent`" in refusal(run())
    monkeypatch.setattr(agent_commands, "find_spec", lambda name: name)
    assert "idp agent key" in refusal(run(**{"--key": str(tmp_path / "else.jwk")}))
    assert "no address of a server" in refusal(run(**{"--issuer": "yinyom"}))
