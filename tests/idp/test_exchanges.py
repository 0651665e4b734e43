"""What the sandbox keeps of the protocol for its developers: sealed, few, and a flow in one piece."""

import json

import pytest
from sqlalchemy import select

from idp import exchanges
from idp.exchanges import MOST_OF_A_FLOW, DeveloperExchange
from tests.fakes import NOW

BODY = {"sent": [["scope", "openid"]], "tokens": {}}


def keep(session, ring, *, client="portal", continues=(), carries=(), begins=False, flows=20, **body):
    return exchanges.keep(
        session,
        ring,
        kind="token",
        client_id=client,
        body={**BODY, **body},
        continues=continues,
        carries=carries,
        begins=begins,
        now=NOW,
        flows=flows,
    )


def test_what_is_kept_comes_back_and_is_ciphertext_meanwhile(session, ring):
    """Equal exchanges never look equal, and nothing of them can be read in the table."""
    flow = keep(session, ring, begins=True, note="a word to look for")
    keep(session, ring, begins=True, note="a word to look for")

    rows = session.scalars(select(DeveloperExchange)).all()

    assert [exchange.body["note"] for exchange in exchanges.of_flow(session, ring, flow)] == ["a word to look for"]
    assert len({row.body_sealed for row in rows}) == 2
    assert not any(b"word" in row.body_sealed for row in rows)


def test_a_flow_is_followed_by_what_its_requests_bring_along(session, ring):
    """The code leads from the answer to the token request, the grant from there to introspection by somebody else."""
    flow = keep(session, ring, begins=True, carries=["interaction:i"])
    keep(session, ring, begins=True, carries=["interaction:other"])

    answer = keep(session, ring, continues=["interaction:i"], carries=["code:c"])
    token = keep(session, ring, continues=["code:c"], carries=["grant_id:g"])
    introspected = keep(session, ring, client="holder", continues=["grant_id:g"])

    assert {answer, token, introspected} == {flow}
    assert {one.client_id for one in exchanges.last_flows(session)} == {"portal"}
    assert "code:c" not in " ".join(session.scalars(select(DeveloperExchange.threads)))


def test_what_continues_nothing_known_belongs_to_the_newest_flow_of_its_client_or_begins_one(session, ring):
    """A wrong code is shown where its developer looks; a stranger's request is nobody's flow."""
    flow = keep(session, ring, begins=True)

    assert keep(session, ring, continues=["code:wrong"]) == flow
    assert keep(session, ring, client="another", continues=["code:wrong"]) != flow
    assert keep(session, ring, client="", continues=["code:wrong"]) != keep(session, ring, client="")


@pytest.mark.parametrize("flows", [1, 3])
def test_only_the_last_flows_are_kept(session, ring, flows):
    """Bounded in number."""
    made = [keep(session, ring, begins=True, flows=flows) for _ in range(5)]

    assert [flow.id for flow in exchanges.last_flows(session)] == made[::-1][:flows]


def test_a_long_flow_keeps_its_newest_exchanges(session, ring):
    """A portal that asks all day fills no table."""
    flow = keep(session, ring, begins=True, number=0)
    for number in range(1, MOST_OF_A_FLOW + 5):
        keep(session, ring, number=number)

    kept = [exchange.body["number"] for exchange in exchanges.of_flow(session, ring, flow)]

    assert kept == list(range(5, MOST_OF_A_FLOW + 5))


def test_another_place_cannot_open_an_exchange(session, ring):
    """The ciphertext is bound to its row."""
    keep(session, ring, begins=True)
    row = session.scalars(select(DeveloperExchange)).one()

    with pytest.raises(ValueError, match="does not open"):
        ring.open(row.body_sealed, place="exchange:another")
    assert json.loads(ring.open(row.body_sealed, place=f"exchange:{row.id}")) == BODY
