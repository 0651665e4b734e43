"""The agent's key."""

import json
import stat

import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from idp.agent import signing
from idp.agent.signing import Signer


def test_a_key_is_its_owners_alone_and_never_overwritten(tmp_path):
    file = tmp_path / "agent.jwk"

    public = json.loads(signing.make_key(file))

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert set(public) == {"kty", "crv", "x", "y"}
    with pytest.raises(FileExistsError):
        signing.make_key(file)


def test_what_is_signed_names_its_key_and_the_number_of_the_page(tmp_path):
    public = json.loads(signing.make_key(tmp_path / "agent.jwk"))
    key = ECKey.import_key(public)

    signed = Signer(tmp_path / "agent.jwk").sign({"national_id": "x"}, nonce="n" * 43, audience="https://here.test")

    proven = jws.deserialize_compact(signed, key, algorithms=["ES256"])
    assert proven.headers() == {"alg": "ES256", "typ": "card+jwt", "kid": key.thumbprint()}
    assert json.loads(proven.payload) == {
        "aud": "https://here.test",
        "nonce": "n" * 43,
        "card": {"national_id": "x"},
    }


@pytest.mark.parametrize("content", ["", "{}", '{"kty":"oct","k":"abc"}', "[]", '{"kty":"EC","crv":"P-256"}'])
def test_a_file_without_a_key_is_a_sentence(tmp_path, content):
    (tmp_path / "agent.jwk").write_text(content)

    with pytest.raises(ValueError, match="idp agent key"):
        Signer(tmp_path / "agent.jwk")
    with pytest.raises(ValueError, match="idp agent key"):
        Signer(tmp_path / "missing.jwk")
