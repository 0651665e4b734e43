"""Agents of a facility, and the number that a page may have signed once."""

import json
from uuid import uuid4

import pytest
from joserfc.jwk import ECKey, RSAKey
from sqlalchemy import select

from consent.errors import NotAllowed, NotFound
from idp import card_agents
from idp.card_agents import ASKED_FOR, CardAgent, CardAsk
from tests.fakes import NOW, SECOND
from tests.idp.ward import HERE, THERE, set_up


@pytest.fixture
def ward(session, ring, settings):
    """A hospital with two facilities."""
    return set_up(session, ring, settings)


def public(key=None):
    return json.dumps((key or ECKey.generate_key("P-256")).as_dict(private=False))


def add(session, key=None, **changes):
    told = {"hcode": HERE, "label": "เคาน์เตอร์ 3", "public_jwk": public(key), "now": NOW}
    return card_agents.add(session, **(told | changes))


def ask(session, **changes):
    return card_agents.ask(session, **({"session_hash": "mine", "hcode": HERE, "now": NOW} | changes))


def spend(session, nonce, **changes):
    told = {"session_hash": "mine", "hcode": HERE, "now": NOW}
    return card_agents.spend(session, nonce, **(told | changes))


def test_an_agent_is_known_by_the_thumbprint_of_its_key_at_its_own_facility(session, ward):
    key = ECKey.generate_key("P-256")

    added = add(session, key)

    found = card_agents.key_of(session, key.thumbprint(), hcode=HERE)
    assert found.thumbprint() == key.thumbprint()
    assert not found.is_private
    assert card_agents.key_of(session, key.thumbprint(), hcode=THERE) is None
    assert card_agents.key_of(session, "else", hcode=HERE) is None
    assert [agent.id for agent in card_agents.all_of(session, HERE)] == [added.id]
    assert card_agents.all_of(session, THERE) == []
    assert len(ward.events("agent.added")) == 1


def test_a_removed_agent_is_believed_no_longer_and_its_key_never_again(session, ward):
    key = ECKey.generate_key("P-256")
    added = add(session, key)

    card_agents.remove(session, added.id, now=NOW + SECOND)
    card_agents.remove(session, added.id, now=NOW + SECOND)

    assert card_agents.key_of(session, key.thumbprint(), hcode=HERE) is None
    assert card_agents.all_of(session) == []
    assert len(ward.events("agent.removed")) == 1
    with pytest.raises(NotAllowed) as refused:
        add(session, key)
    assert refused.value.code == "taken"


@pytest.mark.usefixtures("ward")
def test_who_is_not_known_cannot_be_removed(session):
    with pytest.raises(NotFound):
        card_agents.remove(session, uuid4(), now=NOW)


@pytest.mark.usefixtures("ward")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"label": " "}, "bad_label"),
        ({"label": "x" * 61}, "bad_label"),
        ({"label": "a\nb"}, "bad_label"),
        ({"public_jwk": ""}, "bad_key"),
        ({"public_jwk": "[]"}, "bad_key"),
        ({"public_jwk": "[" * 900}, "bad_key"),
        ({"public_jwk": "x" * 2000}, "bad_key"),
        ({"public_jwk": json.dumps(ECKey.generate_key("P-256").as_dict(private=True))}, "bad_key"),
        ({"public_jwk": json.dumps(ECKey.generate_key("P-384").as_dict(private=False))}, "bad_key"),
        ({"public_jwk": json.dumps(RSAKey.generate_key(2048).as_dict(private=False))}, "bad_key"),
        ({"public_jwk": '{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}'}, "bad_key"),
    ],
)
def test_only_a_public_p_256_key_with_a_label_is_registered(session, changes, code):
    """A private key that somebody pastes is refused, so that it is never kept here."""
    with pytest.raises(NotAllowed) as refused:
        add(session, **changes)

    assert refused.value.code == code
    assert session.scalars(select(CardAgent)).all() == []


@pytest.mark.usefixtures("ward")
def test_a_facility_must_be_known(session):
    with pytest.raises(NotFound):
        add(session, hcode="00001")


def test_a_number_is_spent_once(session):
    nonce = ask(session)

    assert spend(session, nonce)
    assert not spend(session, nonce)


@pytest.mark.parametrize(
    "changes", [{"session_hash": "another's"}, {"hcode": THERE}, {"now": NOW + ASKED_FOR}, {"session_hash": ""}]
)
def test_a_number_is_of_its_session_and_facility_for_a_minute(session, changes):
    nonce = ask(session)

    assert not spend(session, nonce, **changes)
    assert spend(session, nonce, now=NOW + ASKED_FOR - SECOND)


def test_a_guessed_number_is_none(session):
    nonce = ask(session)

    assert not spend(session, "n" * 43)
    assert nonce not in {ask.nonce_hash for ask in session.scalars(select(CardAsk))}


def test_what_is_past_its_minute_is_forgotten(session):
    ask(session)
    late = ask(session, now=NOW + SECOND)

    assert card_agents.purge(session, now=NOW + ASKED_FOR + SECOND) == 1
    assert spend(session, late, now=NOW + SECOND)
