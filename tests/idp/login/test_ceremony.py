"""What a browser sends may be anything: it is read or refused, and nothing else ever happens."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.login import ceremony
from idp.login.ceremony import PasskeyRefused
from tests.idp.login.authenticator import Authenticator

ORIGIN, RP = "http://localhost:8000", "localhost"
CHALLENGE = base64.urlsafe_b64encode(b"c" * 32).rstrip(b"=").decode()
CREATE = {"challenge": CHALLENGE, "user": {"id": "AAAA"}, "rp": {"id": RP}}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
CODED = st.binary(max_size=120).map(lambda raw: base64.urlsafe_b64encode(raw).rstrip(b"=").decode())
CLIENT_DATA = st.dictionaries(
    st.sampled_from(["type", "challenge", "origin", "crossOrigin", "topOrigin", "tokenBinding"]), JSON | CODED
).map(lambda said: base64.urlsafe_b64encode(json.dumps(said).encode()).decode())


def _good():
    device = Authenticator(ORIGIN)
    return device.create(CREATE), device.get({"challenge": CHALLENGE, "rpId": RP})


PATHS = [("id",), ("rawId",), ("type",), ("authenticatorAttachment",), ("response",)] + [
    ("response", name)
    for name in ("clientDataJSON", "authenticatorData", "signature", "userHandle", "attestationObject", "transports")
]


def _prove(credential):
    """Both ceremonies, as far as they go."""
    for run in (_assert, _attest):
        try:
            run(credential)
        except PasskeyRefused as refused:
            assert refused.code in {"malformed", "framed", "not_verified"}  # noqa: PT017 -- any of these, or none


def _assert(credential):
    read = ceremony.read_assertion(credential)
    ceremony.prove_assertion(read, rp_id=RP, origin=ORIGIN, public_key=b"\xa0")


def _attest(credential):
    read = ceremony.read_attestation(credential)
    ceremony.prove_attestation(read, rp_id=RP, origin=ORIGIN)


@given(JSON | st.binary())
def test_any_value_is_read_or_refused(value):
    """WebAuthn Level 3 section 7.2: "if the parse fails, abort the ceremony"."""
    _prove(value)


@given(st.data(), st.sampled_from(PATHS), JSON | CODED | CLIENT_DATA)
def test_any_change_to_a_good_credential_is_read_or_refused(data, path, value):
    """The same, one member at a time."""
    credential = data.draw(st.sampled_from(_good()))
    place = credential
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value

    _prove(credential)


@given(st.sampled_from([0, 1]), st.integers(0, 300), st.binary(min_size=1, max_size=4))
def test_any_cut_or_flipped_bytes_are_read_or_refused(which, at, noise):
    """CBOR, DER and flags are parsed by the library: whatever it raises is a refusal."""
    credential = _good()[which]
    name = ("attestationObject", "authenticatorData")[which]
    raw = base64.urlsafe_b64decode(credential["response"][name] + "==")
    for changed in (raw[:at], raw[:at] + noise + raw[at + len(noise) :]):
        credential["response"][name] = base64.urlsafe_b64encode(changed).decode()
        _prove(credential)


@pytest.mark.parametrize(
    "said",
    [b"", b"[]", b"null", b"7", b"\xff\xfe", b"{", b'{"challenge": []}', b"[" * 100_000, b'{"a":' * 50_000, b"NaN"],
)
def test_client_data_that_is_not_an_object_with_a_challenge_is_malformed(said):
    """Section 5.8.1."""
    _, credential = _good()
    credential["response"]["clientDataJSON"] = base64.urlsafe_b64encode(said).decode()

    with pytest.raises(PasskeyRefused) as refused:
        ceremony.read_assertion(credential)

    assert refused.value.code == "malformed"


@pytest.mark.parametrize("credential", [None, "", "{}", [], 7, True, {}, {"response": []}, {"id": {}, "response": {}}])
def test_what_is_no_credential_is_malformed(credential):
    """A JSON body of any shape."""
    for read in (ceremony.read_assertion, ceremony.read_attestation):
        with pytest.raises(PasskeyRefused) as refused:
            read(credential)
        assert refused.value.code == "malformed"
