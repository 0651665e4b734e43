import json

import pytest

from consent.errors import NotAllowed
from idp.oauth import client_keys
from tests.idp.oauth.assertions import assertion, jwks, key_for, public

SMALL_RSA = {
    "kty": "RSA",
    "e": "AQAB",
    "n": "sXchDaQebHnPiGvyDOAT4saGEUetSyo9MKLOoWFsueri23bOdgWp4Dy1WlUzewbgBHod5pcM9H95GQRV3JDXboIRROSBigeC5yjU1hGzHHy"
    "Xss8UDprecbAYxknTcQkhslANGRUZmdTOQ5qTRsLAt6BTYuyvVRdhS8exSZEy_c4",
}


@pytest.mark.parametrize("alg", ["ES256", "PS256", "Ed25519"])
def test_public_keys_are_kept_as_they_were_registered(alg):
    """RFC 7591 section 2: `jwks` by value."""
    assert json.loads(client_keys.read(jwks(public(alg)))) == jwks(public(alg))


@pytest.mark.parametrize("alg", ["ES256", "PS256", "Ed25519"])
def test_a_private_key_is_refused_and_not_repeated(alg):
    """LIBRARIES 1.3 (20): private keys in a JWKS are never taken, kept or echoed."""
    private = key_for(alg).as_dict(private=True)

    with pytest.raises(NotAllowed) as refused:
        client_keys.read(jwks(private))

    assert "private key" in str(refused.value)
    assert private["d"] not in str(refused.value)


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "x",
        {},
        {"keys": []},
        {"keys": "x"},
        {"keys": [1]},
        {"keys": [{}]},
        jwks({"kty": "oct", "k": "AAAA"}),
        jwks({"kty": "oct"}),
        jwks({"kty": "EC"}),
        jwks({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}),
        jwks({"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"}),
        jwks({"kty": "OKP", "crv": "X25519", "x": "AA"}),
        jwks(SMALL_RSA),
        jwks({**public(), "use": "enc"}),
        jwks({**public(), "alg": "PS256"}),
        jwks({**public(), "alg": "none"}),
        jwks({**public(), "kid": ""}),
        jwks({**public(), "kid": "x" * 200}),
        jwks({**public(), "x": {"nested": 1}}),
        jwks(public(), public("PS256", kid="EC-0")),
        jwks(public(), {name: value for name, value in public("PS256").items() if name != "kid"}),
        jwks(*(public(kid=str(n)) for n in range(11))),
    ],
)
def test_what_is_no_usable_set_of_public_keys_is_refused(document):
    """RFC 7591 section 3.2.2: invalid_client_metadata."""
    with pytest.raises(NotAllowed) as refused:
        client_keys.read(document)
    assert refused.value.code == "invalid_client_metadata"


def test_a_set_is_imported_once_per_process():
    """ARCHITECTURE, hot paths: client JWKS parsed once."""
    kept = client_keys.read(jwks())
    assert client_keys.load(kept) is client_keys.load(kept)


def test_a_key_is_found_by_its_kid_or_because_it_is_the_only_one_that_fits():
    """Nothing is tried in turn."""
    kept = client_keys.load(client_keys.read(jwks(public(), public(number=1), public("PS256"))))

    assert client_keys.find(kept, kid="EC-1", alg="ES256").kid == "EC-1"
    assert client_keys.find(kept, kid=None, alg="PS256").kid == "RSA-0"
    assert client_keys.find(kept, kid=None, alg="ES256") is None
    assert client_keys.find(kept, kid="EC-1", alg="PS256") is None
    assert client_keys.find(kept, kid="nobody", alg="ES256") is None
    assert client_keys.find(kept, kid=["EC-1"], alg="ES256") is None


def test_a_key_bound_to_one_algorithm_verifies_no_other():
    """RFC 7517 section 4.4: `alg`."""
    kept = client_keys.load(client_keys.read(jwks(public("PS256", alg="PS256"))))

    assert client_keys.find(kept, kid="RSA-0", alg="PS256") is not None
    assert client_keys.find(kept, kid="RSA-0", alg="RS256") is None


def test_a_signature_by_another_key_or_algorithm_is_none():
    """The payload is given only with a good signature."""
    (key,) = client_keys.load(client_keys.read(jwks()))
    good = assertion("portal")

    assert client_keys.verified_payload(good, key, "ES256") is not None
    assert client_keys.verified_payload(assertion("portal", key=key_for("ES256", 1)), key, "ES256") is None
    assert client_keys.verified_payload(good, key, "PS256") is None
    assert client_keys.verified_payload(good[:-4], key, "ES256") is None
