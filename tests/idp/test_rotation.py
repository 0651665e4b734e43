"""A key is changed while everybody verifies, and nobody notices."""

from datetime import timedelta

import pytest
from joserfc import jwk, jwt
from joserfc.jws import extract_compact
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from consent.audit.entry import from_bytes
from consent.audit.models import AuditEntry
from consent.errors import Conflict
from idp import keys, rotation
from idp.keys import KeyRings, SigningKey
from idp.rotation import AHEAD, CACHED
from tests.fakes import DAY, HOUR, MINUTE, NOW, SECOND

TEN_S = timedelta(seconds=10)


def rotate(sessions, kek, now=NOW, **chosen):
    with sessions.writing() as session:
        return rotation.apply(session, kek, now=now, **chosen)


def signer_at(sessions, kek, now, use="access_token"):
    return KeyRings(sessions, kek).at(now).signer(use).kid


class Verifier:
    """A resource server that keeps the JWKS for five minutes and never looks earlier: the strictest cache there is."""

    def __init__(self):
        self.kept, self.read_at = {}, None

    def verify(self, rings, token, now):
        """Whether the token is good by the keys that are kept."""
        if self.read_at is None or now - self.read_at >= CACHED:
            self.kept = {key["kid"]: key for key in rings.at(now).jwks["keys"]}
            self.read_at = now
        kid = kid_of(token)
        return kid in self.kept and jwt.decode(token, jwk.import_key(self.kept[kid]), algorithms=["ES256"])


def kid_of(token):
    return extract_compact(token.encode()).headers()["kid"]


def test_x14_no_verification_fails_while_keys_are_rotated_again_and_again(sessions, ring, kek):  # noqa: ARG001
    """X14: four nodes, a JWKS cached for five minutes, a rotation as often as one is allowed."""
    nodes, verifiers = [KeyRings(sessions, kek) for _ in range(4)], [Verifier() for _ in range(4)]
    signed_by, alive, end = set(), [], NOW + 45 * MINUTE
    for number in range(int((end - NOW) / TEN_S)):
        now = NOW + number * TEN_S
        if number % 61 == 0:
            rotate(sessions, kek, now, uses=("access_token",))
        node = nodes[number % 4]
        token = node.at(now).signer("access_token").sign_jwt({"n": number}, typ="at+jwt")
        signed_by.add(kid_of(token))
        alive = [*alive[-30:], token]  # five minutes of tokens
        for at, verifier in enumerate(verifiers):
            assert verifier.verify(nodes[(number + at) % 4], token, now)
            assert verifier.verify(nodes[at], alive[0], now)
    assert len(signed_by) >= 4


def test_at_every_moment_one_key_of_a_use_signs_on_every_node(sessions, ring, kek):  # noqa: ARG001
    """A node that looked a second before the change switches at the same moment as all others."""
    (step,) = rotate(sessions, kek, uses=("access_token",))
    early = KeyRings(sessions, kek)

    assert early.at(step.activates_at - SECOND).signer("access_token").kid == step.old_kid
    assert early.at(step.activates_at).signer("access_token").kid == step.new_kid
    assert signer_at(sessions, kek, step.activates_at - SECOND) == step.old_kid
    assert signer_at(sessions, kek, step.activates_at) == step.new_kid


def test_the_new_key_is_published_at_once_and_signs_after_two_lives_of_a_cache(sessions, ring, kek):
    """DECISIONS 6; the private half is never published."""
    (step,) = rotate(sessions, kek, uses=("access_token",))
    soon = KeyRings(sessions, kek).at(NOW)

    assert step.new_kid in {key["kid"] for key in soon.jwks["keys"]}
    assert soon.signer("access_token").kid == ring.signer("access_token").kid
    assert step.activates_at - NOW == AHEAD == 2 * CACHED
    assert all("d" not in key for key in soon.jwks["keys"])


def test_the_old_key_leaves_the_jwks_when_its_last_token_is_dead(sessions, ring, kek):  # noqa: ARG001
    """Not before, and not never."""
    (step,) = rotate(sessions, kek, uses=("access_token",))

    def published(now):
        return step.old_kid in {key["kid"] for key in KeyRings(sessions, kek).at(now).jwks["keys"]}

    assert published(step.activates_at + 10 * MINUTE)
    assert published(step.dropped_at - SECOND)
    assert not published(step.dropped_at)


def test_an_event_key_stays_as_long_as_a_letter_may_be_on_its_way(sessions, ring, kek):  # noqa: ARG001
    """RFC 8417 letters are signed when queued and delivered up to 72 h later."""
    (step,) = rotate(sessions, kek, uses=("event",))
    assert step.dropped_at - step.activates_at > 3 * DAY


def test_keys_of_receipts_are_kept_for_ever(sessions, ring, kek):  # noqa: ARG001
    """DECISIONS 6: people keep what was signed."""
    (step,) = rotate(sessions, kek, uses=("receipt",))

    late = KeyRings(sessions, kek).at(NOW + 3650 * DAY)

    assert step.dropped_at is None
    assert {step.old_kid, step.new_kid} == {key["kid"] for key in late.apart["receipt"]}


def test_a_plan_changes_nothing_and_says_when(sessions, ring):
    """`--plan` is safe at any time."""
    with sessions.reading() as session:
        steps = rotation.plan(session, now=NOW)
        assert session.scalar(select(func.count()).select_from(SigningKey)) == len(ring.signers)

    assert {(step.use, step.alg) for step in steps} == {pair for pair in ring.signers if pair[0] != "log"}
    assert {step.new_kid for step in steps} == {None}


def test_a_second_rotation_waits_for_the_first(sessions, ring, kek):  # noqa: ARG001
    """Two keys that wait at once would shorten the overlap."""
    rotate(sessions, kek, uses=("access_token",))

    with pytest.raises(Conflict, match="under way"):
        rotate(sessions, kek, NOW + AHEAD - SECOND, uses=("access_token",))
    assert rotate(sessions, kek, NOW + AHEAD, uses=("access_token",))


def test_the_database_allows_one_endless_key_per_use(sessions, ring, kek):  # noqa: ARG001
    """Two operators at once: the second is refused by an index, whatever the code believes."""
    with pytest.raises(IntegrityError), sessions.write() as session, session.begin():  # noqa: PT012
        session.add(keys.new_signing_key(kek, "access_token", "ES256", now=NOW))
        session.flush()


def test_every_rotated_key_is_in_the_log(sessions, ring, kek):  # noqa: ARG001
    """key.rotated, without the key's material."""
    rotate(sessions, kek, uses=("access_token",))

    with sessions.reading() as session:
        entries = [from_bytes(bytes(leaf)) for leaf in session.scalars(select(AuditEntry.leaf_bytes))]
    assert [(entry.event, entry.codes) for entry in entries] == [("key.rotated", ("use:access_token", "alg:ES256"))]


def test_states_are_told_as_they_are(sessions, ring, kek):  # noqa: ARG001
    """next, current, retiring, gone."""
    (step,) = rotate(sessions, kek, uses=("access_token",))

    def told(now):
        with sessions.reading() as session:
            return {key.kid: key.state for key in rotation.states(session, now=now) if key.use == "access_token"}

    assert told(NOW) == {step.old_kid: "current", step.new_kid: "next"}
    assert told(step.activates_at) == {step.old_kid: "retiring", step.new_kid: "current"}
    assert told(step.activates_at + HOUR) == {step.old_kid: "gone", step.new_kid: "current"}


def test_a_start_makes_no_key_while_one_is_waiting(sessions, ring, kek):
    """ensure() runs at each start, also in the middle of a rotation."""
    rotate(sessions, kek, uses=("access_token",))

    with sessions.writing() as session:
        keys.ensure(session, kek, now=NOW + MINUTE)

    with sessions.reading() as session:
        assert session.scalar(select(func.count()).select_from(SigningKey)) == len(ring.signers) + 1


def test_a_lost_race_is_a_conflict_and_changes_nothing(sessions, ring, kek, monkeypatch):
    """Compare and swap: the plan was made before somebody else's rotation."""
    with sessions.reading() as session:
        old_plan = rotation.plan(session, now=NOW, uses=("access_token",))
    with sessions.writing() as session:
        kid = ring.signer("access_token").kid
        session.execute(update(SigningKey).where(SigningKey.kid == kid).values(retired_at=NOW + HOUR))
    monkeypatch.setattr(rotation, "plan", lambda *_, **__: old_plan)

    with pytest.raises(Conflict, match="faster"):
        rotate(sessions, kek, uses=("access_token",))
