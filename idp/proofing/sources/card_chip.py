"""The card in a real reader: what an agent read from the chip and signed, believed only when everything fits.

A compact JWS: header alg ES256, typ card+jwt, kid (the agent's key); claims aud (this issuer), nonce (given to this
staff session by `card_agents.ask`), card. Whoever opens a visit or proves a person with it needs the staff session too.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError

from idp import card_agents
from idp.db import Sessions
from idp.national_id import NationalIdError, parse_national_id
from idp.ports import Card, CardUnreadable, Slot

TYP = "card+jwt"
ALG = "ES256"
LONGEST = 20_000  # a photo of 5,100 bytes is 9,100 characters inside a JWS
LONGEST_NAME = 100
LARGEST_PHOTO = 6_000
NAMES = ("title_th", "given_name_th", "family_name_th", "title_en", "given_name_en", "family_name_en")
GENDERS = frozenset({"male", "female", "other", "unknown"})
BIRTH_DATE = re.compile(r"((1[89]|20)\d\d(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?)?")
CHIP_NUMBER = re.compile(r"([0-9a-f]{16})?")
REQUEST_NUMBER = re.compile(r"\d{0,20}")
JPEG = b"\xff\xd8\xff"


class ChipReader:
    """`idp.ports.CardReader` over agents. `agent_url` is where a counter's browser finds its own one, on loopback."""

    def __init__(self, sessions: Sessions, *, issuer: str, agent_url: str, clock: Callable[[], datetime]) -> None:
        self._sessions = sessions
        self._issuer = issuer
        self._clock = clock
        self.agent_url = agent_url

    def slots(self) -> Sequence[Slot]:
        """None: the card is the one that was put in."""
        return ()

    def read(self, said: str, *, session_hash: str = "", hcode: str = "") -> Card:
        """The card that an agent of this facility read for this session a moment ago; good once.

        Raises: CardUnreadable with code no_card (nothing was sent), not_signed, unknown_agent, stale (another
        session's, older than a minute, or shown before) or not_a_card. The database must be reachable.
        """
        if not said:
            raise CardUnreadable("no_card", temporary=False)
        claims = self._proven(said, hcode)
        card = card_of(claims.get("card"))
        with self._sessions.writing() as session:
            fresh = card_agents.spend(
                session, str(claims.get("nonce", "")), session_hash=session_hash, hcode=hcode, now=self._clock()
            )
        if not fresh:
            raise CardUnreadable("stale", temporary=False)
        return card

    def _proven(self, said: str, hcode: str) -> Mapping[str, Any]:
        """What an agent of this facility signed for us."""
        if len(said) > LONGEST:
            raise CardUnreadable("not_signed", temporary=False)
        try:
            unverified = jws.extract_compact(said.encode()).headers()
        except (JoseError, ValueError) as error:
            raise CardUnreadable("not_signed", temporary=False) from error
        kid = unverified.get("kid")
        if (unverified.get("alg"), unverified.get("typ")) != (ALG, TYP) or not isinstance(kid, str):
            raise CardUnreadable("not_signed", temporary=False)
        with self._sessions.reading() as session:
            key = card_agents.key_of(session, kid, hcode=hcode)
        if key is None:
            raise CardUnreadable("unknown_agent", temporary=False)
        try:
            claims = jwt.decode(said, key, algorithms=[ALG]).claims
        except (JoseError, ValueError, RecursionError) as error:
            raise CardUnreadable("not_signed", temporary=False) from error
        if claims.get("aud") != self._issuer:
            raise CardUnreadable("not_signed", temporary=False)
        return claims


def card_of(said: object) -> Card:
    """PURE: a card from what was signed, every field of its own shape. Raises: CardUnreadable, not_a_card.

    An agent is ours, but its computer stands in an office: nothing that it says may be of another shape.
    """
    try:
        facts: Mapping[str, Any] = said if isinstance(said, Mapping) else {}
        return Card(
            national_id=parse_national_id(_text(facts, "national_id")),
            **{name: _name(facts, name) for name in NAMES},
            birth_date=_matched(BIRTH_DATE, facts, "birth_date"),
            gender=_gender(facts),
            expires_on=None if facts["expires_on"] is None else date.fromisoformat(_text(facts, "expires_on")),
            chip_number=_matched(CHIP_NUMBER, facts, "chip_number"),
            request_number=_matched(REQUEST_NUMBER, facts, "request_number"),
            photo=_photo(facts),
        )
    except (NationalIdError, KeyError, ValueError) as error:
        raise CardUnreadable("not_a_card", temporary=False) from error


def _text(facts: Mapping[str, Any], name: str) -> str:
    value = facts[name]
    if not isinstance(value, str):
        raise ValueError(name)  # noqa: TRY004 -- one refusal for every wrong shape
    return value


def _name(facts: Mapping[str, Any], name: str) -> str:
    value = _text(facts, name)
    if len(value) > LONGEST_NAME or not value.isprintable() or (name == "given_name_th" and not value):
        raise ValueError(name)
    return value


def _matched(shape: re.Pattern[str], facts: Mapping[str, Any], name: str) -> str:
    value = _text(facts, name)
    if not shape.fullmatch(value) or not value.isascii():
        raise ValueError(name)
    return value


def _gender(facts: Mapping[str, Any]) -> str:
    value = _text(facts, "gender")
    if value not in GENDERS:
        raise ValueError("gender")
    return value


def _photo(facts: Mapping[str, Any]) -> str:
    """A JPEG in base64, or nothing."""
    value = _text(facts, "photo")
    try:
        picture = base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise ValueError("photo") from error
    if len(picture) > LARGEST_PHOTO or (picture and not picture.startswith(JPEG)):
        raise ValueError("photo")
    return value
