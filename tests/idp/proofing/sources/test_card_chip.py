"""The card in a real reader: believed when an agent of this facility signed it for this session a moment ago."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OctKey

from idp import card_agents
from idp.agent import apdu, chip
from idp.agent.signing import Signer, make_key
from idp.card_agents import ASKED_FOR
from idp.ports import CardUnreadable
from idp.proofing.sources.card_chip import ChipReader, card_of
from tests.fakes import NOW, Clock
from tests.idp.agent.cards import SOMCHAI, card
from tests.idp.ward import HERE, THERE, set_up

ISSUER = "https://yinyom.example.test"
MINE = {"session_hash": "mine", "hcode": HERE}


class Desk:
    """A counter: its agent with Somchai's card, its session, and the server's reader."""

    def __init__(self, sessions, folder):
        self.sessions = sessions
        self.clock = Clock()
        self.reader = ChipReader(sessions, issuer=ISSUER, agent_url="http://127.0.0.1:9182", clock=self.clock)
        public = make_key(folder / "agent.jwk")
        self.kid = ECKey.import_key(json.loads(public)).thumbprint()
        self.key = ECKey.import_key(json.loads((folder / "agent.jwk").read_text()))
        self.signer = Signer(folder / "agent.jwk")
        with sessions.writing() as session:
            self.agent = card_agents.add(session, hcode=HERE, label="1", public_jwk=public, now=NOW).id

    def ask(self, **changes):
        """A fresh number."""
        with self.sessions.writing() as session:
            return card_agents.ask(session, **(MINE | {"now": self.clock()} | changes))

    def said(self, nonce, claims=None, audience=ISSUER):
        """What the agent sends."""
        return self.signer.sign(claims or facts(), nonce=nonce, audience=audience)

    def forged(self, header, claims, key):
        """What somebody else sends."""
        return jwt.encode(header, claims, key, algorithms=[header["alg"]])


def facts(**changes):
    one = card()
    return chip.record(apdu.dump(one.transmit, atr=one.atr)).claims() | changes


@pytest.fixture
def desk(sessions, ring, settings, tmp_path):
    """At the first of two facilities."""
    with sessions.writing() as session:
        set_up(session, ring, settings)
    return Desk(sessions, tmp_path)


def refused(desk, said, **where):
    with pytest.raises(CardUnreadable) as raised:
        desk.reader.read(said, **(MINE | where))
    assert not raised.value.temporary
    return raised.value.code


def test_a_card_that_was_read_for_this_session_is_a_card(desk):
    found = desk.reader.read(desk.said(desk.ask()), **MINE)

    assert (found.national_id, found.given_name_th, found.family_name_en) == (SOMCHAI, "สมชาย", "Jaisommut")
    assert (found.birth_date, found.gender, found.expires_on) == ("1979-04-13", "male", date(2029, 4, 12))
    assert (found.chip_number, found.request_number) == ("9990000000010030", "999000010030")
    assert base64.b64decode(found.photo).startswith(b"\xff\xd8\xff")
    assert desk.reader.slots() == ()


def test_a_card_with_the_largest_photo_is_a_card(desk):
    """Twenty full parts of the chip."""
    photo = b"\xff\xd8\xff" + bytes(5095) + b"\xff\xd9"

    said = desk.said(desk.ask(), facts(photo=base64.b64encode(photo).decode()))

    assert base64.b64decode(desk.reader.read(said, **MINE).photo) == photo


def test_the_same_card_shown_twice_is_stale(desk):
    said = desk.said(desk.ask())
    desk.reader.read(said, **MINE)

    assert refused(desk, said) == "stale"


@pytest.mark.parametrize("where", [{"session_hash": "another's"}, {"session_hash": ""}])
def test_a_card_that_was_read_for_another_session_is_stale(desk, where):
    assert refused(desk, desk.said(desk.ask()), **where) == "stale"


def test_after_a_minute_it_is_stale(desk):
    said = desk.said(desk.ask())
    desk.clock.tick(ASKED_FOR)

    assert refused(desk, said) == "stale"


def test_a_number_that_nobody_asked_for_is_stale(desk):
    assert refused(desk, desk.said("n" * 43)) == "stale"


def test_an_agent_of_another_facility_is_unknown_here(desk):
    """Even of the same organisation: its reader stands elsewhere."""
    nonce = desk.ask(hcode=THERE)

    assert refused(desk, desk.said(nonce), hcode=THERE) == "unknown_agent"


def test_a_removed_agent_is_unknown(desk):
    said = desk.said(desk.ask())
    with desk.sessions.writing() as session:
        card_agents.remove(session, desk.agent, now=NOW)

    assert refused(desk, said) == "unknown_agent"


def test_another_servers_card_is_not_signed_for_us(desk):
    assert refused(desk, desk.said(desk.ask(), audience="https://else.example.test")) == "not_signed"


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ({"alg": "ES256", "typ": "card+jwt"}, "stranger"),
        ({"alg": "ES256", "typ": "JWT"}, "own"),
        ({"alg": "ES256"}, "own"),
        ({"alg": "HS256", "typ": "card+jwt"}, "public"),
        ({"alg": "none", "typ": "card+jwt"}, "none"),
    ],
)
def test_a_forged_card_is_not_signed_and_burns_no_number(desk, header, key):
    """The number is spent only after the signature held."""
    nonce = desk.ask()
    claims = {"aud": ISSUER, "nonce": nonce, "card": facts()}
    keys = {
        "stranger": ECKey.generate_key("P-256"),
        "own": desk.key,
        "public": OctKey.import_key(json.dumps(desk.key.as_dict(private=False))),
    }
    if key == "none":
        parts = ({**header, "kid": desk.kid}, claims)
        said = (
            ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts) + "."
        )
    else:
        said = desk.forged({**header, "kid": desk.kid}, claims, keys[key])

    assert refused(desk, said) == "not_signed"
    assert desk.reader.read(desk.said(nonce), **MINE).national_id == SOMCHAI


def test_a_changed_card_is_not_signed(desk):
    head, _, mac = desk.said(desk.ask()).split(".")
    other = jws.serialize_compact({"alg": "ES256"}, json.dumps({"card": facts()}), desk.key).split(".")[1]

    assert refused(desk, f"{head}.{other}.{mac}") == "not_signed"


@pytest.mark.parametrize("payload", ["[]", '"card"', "not json", "[" * 9000, "5"])
def test_a_signed_something_else_is_not_signed(desk, payload):
    """Whatever an office computer signs, it is refused and nothing breaks."""
    header = {"alg": "ES256", "typ": "card+jwt", "kid": desk.kid}

    assert refused(desk, jws.serialize_compact(header, payload, desk.key)) == "not_signed"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("", "no_card"),
        ("12", "not_signed"),
        ("a.b.c", "not_signed"),
        ("e30.e30.e30", "not_signed"),
        ("x" * 20_001, "not_signed"),
        ("ข้อมูล", "not_signed"),
    ],
)
def test_what_is_no_signed_card_is_refused(desk, said, code):
    assert refused(desk, said) == code


def test_a_signed_nothing_is_no_card_and_burns_no_number(desk):
    nonce = desk.ask()

    assert refused(desk, desk.said(nonce, {"national_id": "x"})) == "not_a_card"
    assert desk.reader.read(desk.said(nonce), **MINE).national_id == SOMCHAI


def test_of_many_at_once_one_wins(desk):
    """The number is consumed by one conditional statement."""
    said = desk.said(desk.ask())

    def shown(_):
        try:
            return desk.reader.read(said, **MINE).national_id
        except CardUnreadable as error:
            return error.code

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(shown, range(12))) == [SOMCHAI, *["stale"] * 11]


@pytest.mark.parametrize(
    "changes",
    [
        {"national_id": "3999000010034"},
        {"national_id": None},
        {"national_id": 3999000010035},
        {"given_name_th": ""},
        {"given_name_th": "ก" * 101},
        {"family_name_th": "a\nb"},
        {"title_en": ["Mr."]},
        {"birth_date": "2522-04-13T00"},
        {"birth_date": "1979-13"},
        {"birth_date": "๑๙๗๙"},
        {"gender": "1"},
        {"expires_on": "12/04/2029"},
        {"expires_on": 20290412},
        {"chip_number": "9990"},
        {"request_number": "9990-0001"},
        {"photo": "***"},
        {"photo": base64.b64encode(b"<svg>").decode()},
        {"photo": base64.b64encode(b"\xff\xd8\xff" + bytes(6000)).decode()},
    ],
)
def test_a_field_of_another_shape_is_no_card(changes):
    """An office computer may be anybody's: nothing that it signs may be of another shape."""
    with pytest.raises(CardUnreadable) as raised:
        card_of(facts(**changes))

    assert raised.value.code == "not_a_card"


@pytest.mark.parametrize("said", [None, [], "card", {}])
def test_nothing_is_no_card(said):
    with pytest.raises(CardUnreadable):
        card_of(said)


@pytest.mark.parametrize("birth_date", ["", "1933", "1955-03"])
def test_a_partial_birth_date_and_a_card_for_life_are_a_card(birth_date):
    found = card_of(facts(birth_date=birth_date, expires_on=None, photo="", chip_number="", request_number=""))

    assert (found.birth_date, found.expires_on) == (birth_date, None)
