import json
import os
from datetime import timedelta
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from sqlalchemy import delete, func, select, update

from idp import keys
from idp.db import DatabaseUnavailable, make_engine, make_sessions
from idp.demo.folder import free_port
from idp.keys import KeyRings, SecretKey, SigningKey, ensure, load, pad, unpad, unwrap, wrap
from tests.fakes import HOUR, NOW, SECOND

SOMEBODY = UUID("018f0000-0000-7000-8000-000000000001")
PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "k"}


def test_every_use_has_its_own_key_for_every_algorithm(ring):
    """DECISIONS 6: one key per use, so that a leak of one says nothing about another."""
    expected = {(use, alg) for use, algorithms in keys.USES.items() for alg in algorithms}

    assert set(ring.signers) == expected
    assert len({signer.kid for signer in ring.signers.values()}) == len(expected)


def test_starting_again_makes_no_new_keys(sessions, ring):
    """ensure() is safe at each start."""
    with sessions.writing() as session:
        ensure(session, ring.kek, now=NOW)

    with sessions.reading() as session:
        assert session.scalar(select(func.count()).select_from(SigningKey)) == len(ring.signers)
        assert session.scalar(select(func.count()).select_from(SecretKey)) == len(keys.SECRETS)


def test_the_published_set_holds_no_private_member(ring):
    """RFC 7517 section 9.3: private material is never published."""
    published = [*ring.jwks["keys"], *(key for apart in ring.apart.values() for key in apart)]
    assert len(published) == len(ring.signers)
    for key in published:
        assert not PRIVATE_MEMBERS & set(key)
        assert key["use"] == "sig"
        assert key["kid"]


def test_a_signature_verifies_by_the_published_key_of_its_kid(ring):
    """RFC 7515: kid and typ stand in the header (LIBRARIES 1.3 no. 18: one key, never a set)."""
    signer = ring.signers["id_token", "ES256"]

    token = signer.sign_jwt({"sub": "somebody"}, typ="JWT")

    decoded = jwt.decode(token, ring.public[signer.kid], algorithms=["ES256"])
    assert decoded.header == {"alg": "ES256", "kid": signer.kid, "typ": "JWT"}
    assert decoded.claims == {"sub": "somebody"}


def test_a_retired_key_stays_published_but_signs_no_more(sessions, ring):
    """DECISIONS 6: the public half outlives the signing."""
    old = ring.signers["event", "RS256"].kid
    with sessions.writing() as session:
        session.execute(update(SigningKey).where(SigningKey.kid == old).values(retired_at=NOW))
        ensure(session, ring.kek, now=NOW)

    with sessions.reading() as session:
        after = load(session, ring.kek, known=ring)

    assert after.signers["event", "RS256"].kid != old
    assert old in {key["kid"] for key in after.jwks["keys"]}


def test_a_rotation_is_seen_within_half_a_minute_and_a_look_is_cached(sessions, ring):
    """DECISIONS 6: re-read every 30 s, so that a rotation shows in the JWKS within 60 s."""
    rings = KeyRings(sessions, ring.kek)
    first = rings.at(NOW)

    assert rings.at(NOW + 29 * SECOND) is first
    assert rings.at(NOW + 31 * SECOND) is not first
    assert rings.at(NOW - timedelta(hours=1)) is not first


def test_the_wrong_key_encryption_key_is_one_clear_sentence(sessions, ring):  # noqa: ARG001
    """A start with another KEK is refused before anything is served."""
    with sessions.reading() as session, pytest.raises(ValueError, match="does not open this database"):
        load(session, os.urandom(32))


def test_no_private_key_or_secret_stands_bare_in_the_database(sessions, ring):
    """DECISIONS 6: everything secret is stored wrapped."""
    with sessions.reading() as session:
        for row in session.scalars(select(SecretKey)):
            assert ring.secrets[row.name] not in row.wrapped
        for row in session.scalars(select(SigningKey)):
            assert "d" not in json.loads(row.public_jwk)
            assert b'"d"' not in row.private_wrapped


def test_a_ciphertext_is_bound_to_its_place(kek):
    """A wrapped key moved to another row does not open."""
    sealed = wrap(kek, b"secret", aad="secret:pairwise")

    assert unwrap(kek, sealed, aad="secret:pairwise") == b"secret"
    with pytest.raises(ValueError, match="does not open"):
        unwrap(kek, sealed, aad="secret:csrf")


def test_sealing_twice_gives_two_ciphertexts_of_one_length(ring):
    """DECISIONS 5: different each time, padded, so that length says little."""
    one, two = ring.seal("ก", place="p"), ring.seal("กขคง", place="p")

    assert one != ring.seal("ก", place="p")
    assert len(one) == len(two)
    assert ring.open(one, place="p") == "ก"


@given(st.binary(max_size=300))
def test_padding_comes_off_whatever_it_was_put_on(plain):
    """ISO/IEC 7816-4: reversible for every byte string, also one that ends like padding."""
    assert unpad(pad(plain)) == plain
    assert len(pad(plain)) % keys.PAD_TO == 0


def test_a_person_has_one_subject_per_sector(ring):
    """OIDC Core 8.1: stable inside a sector, unrelated between two."""
    here = ring.pairwise(SOMEBODY, "hospital.example")

    assert here == ring.pairwise(SOMEBODY, "hospital.example")
    assert here != ring.pairwise(SOMEBODY, "insurer.example")
    assert str(SOMEBODY) not in here


def test_mac_parts_cannot_be_shifted_into_each_other(ring):
    """Length-prefixed parts: ("ab", "c") and ("a", "bc") differ."""
    assert ring.mac("pairwise", "ab", "c") != ring.mac("pairwise", "a", "bc")


def test_the_fingerprint_of_a_number_needs_the_key(ring):
    """DECISIONS 5: a plain hash of 13 digits could be searched through."""
    assert ring.fingerprint("1999000010047") == ring.fingerprint("1999000010047")
    assert ring.fingerprint("1999000010047") != ring.fingerprint("1999000010063")


def test_a_ring_prints_no_secret(ring):
    """A ring in a traceback or log line shows nothing."""
    assert all(secret.hex() not in repr(ring) and repr(secret) not in repr(ring) for secret in ring.secrets.values())
    assert repr(ring.kek) not in repr(ring)


def test_the_keys_of_receipts_stand_apart_and_stay_for_ever(sessions, ring):
    """DECISIONS 6: a token's verifier never meets them, and a receipt of any age can be verified."""
    old = ring.signer("receipt").kid
    with sessions.writing() as session:
        session.execute(update(SigningKey).where(SigningKey.kid == old).values(retired_at=NOW))
        ensure(session, ring.kek, now=NOW + SECOND)

    with sessions.reading() as session:
        after = load(session, ring.kek, known=ring)

    assert [key["kid"] for key in after.apart["receipt"]] == [old, after.signer("receipt").kid]
    assert not any(key["kid"].startswith("receipt") for key in after.jwks["keys"])


def test_another_key_encryption_key_is_refused_before_anything_is_made(sessions, ring):
    """DECISIONS 6: new keys under a second KEK would lock the database for both."""
    with sessions.writing() as session:
        session.execute(delete(SecretKey).where(SecretKey.name == "csrf"))

    with pytest.raises(ValueError, match="does not open this database"), sessions.writing() as session:
        ensure(session, bytes(32), now=NOW)

    with sessions.reading() as session:
        assert session.get(SecretKey, "csrf") is None
        keys.check_kek(session, ring.kek)


def test_the_keys_of_the_log_stand_apart_and_stay_for_ever(sessions, ring):
    """DECISIONS 6: a checkpoint of any age can be verified; the OAuth JWKS never shows them."""
    old = ring.signer("log", "Ed25519")
    with sessions.writing() as session:
        session.execute(update(SigningKey).where(SigningKey.kid == old.kid).values(retired_at=NOW))
        ensure(session, ring.kek, now=NOW)

    with sessions.reading() as session:
        after = load(session, ring.kek, known=ring)

    new = after.signer("log", "Ed25519")
    assert set(after.log_keys()) == {old.public, new.public}
    assert len(old.public) == 32
    assert not any(key.get("crv") == "Ed25519" or key["kid"].startswith("log") for key in after.jwks["keys"])
    Ed25519PublicKey.from_public_bytes(new.public).verify(new.sign(b"a checkpoint"), b"a checkpoint")


def test_while_the_database_is_away_the_keys_that_are_known_are_published_on(sessions, ring):
    """X7: discovery, JWKS and offline validation go on; a process that never saw a key has none."""
    away = make_sessions(make_engine(f"postgresql://app@127.0.0.1:{free_port()}/none"))
    rings = KeyRings(sessions, ring.kek)
    known = rings.at(NOW)

    rings._sessions = away
    assert rings.at(NOW + HOUR) is known
    with pytest.raises(DatabaseUnavailable):
        KeyRings(away, ring.kek).at(NOW)
    rings._sessions = sessions
    assert rings.at(NOW + HOUR) is not known
    away.engine.dispose()
