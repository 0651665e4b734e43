"""A paused request goes on in another browser of the same person: out of LINE, whose own browser knows no passkeys.

The page's address carries a sealed word for the request, the browser that has it now, and an end. Whoever opens it
takes the request over by one conditional update, after which the word names a browser that has nothing any more: it is
good once. No sign-in moves with it, and the answer goes to the browser that gave it, so a word that somebody was sent
leads no further than the service's own address would.
"""

import base64
import binascii
import hashlib
import json
from datetime import UTC, datetime, timedelta

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from consent.db import UtcDateTime
from consent.errors import NotFound
from idp.interaction import STAFF, InteractionRow
from idp.keys import KeyRing

LIFETIME = timedelta(minutes=10)
PLACE = "onward"
LONGEST_WORD = 1024


def word_for(ring: KeyRing, interaction_id: str, *, browser: str, now: datetime) -> str:
    """What stands in the address. Nothing is written."""
    told = {"id": interaction_id, "from": _hash(browser), "until": int((now + LIFETIME).timestamp())}
    return base64.urlsafe_b64encode(ring.seal(json.dumps(told), place=PLACE)).rstrip(b"=").decode()


def take_over(session: Session, ring: KeyRing, word: str, *, browser: str, now: datetime) -> str:
    """The request's id, which is this browser's from now on; opening the address again there changes nothing.

    Raises: NotFound for a word that is not ours or too old, and for a request that is answered, over, or elsewhere.
    """
    told = _open(ring, word, now=now)
    mine, theirs = _hash(browser), told["from"]
    place = {"id": _hash(told["id"]), "now": now}
    if mine != theirs and session.execute(_MOVE, {**place, "theirs": theirs, "mine": mine}).one_or_none():
        return str(told["id"])
    if session.scalar(_HELD, place) != mine:
        raise NotFound("This page has expired. Please start again.", detail="onward")
    return str(told["id"])


def _open(ring: KeyRing, word: str, *, now: datetime) -> dict[str, str]:
    try:
        told: dict[str, str] = json.loads(ring.open(base64.urlsafe_b64decode(word[:LONGEST_WORD] + "=="), place=PLACE))
    except (ValueError, binascii.Error) as error:
        raise NotFound("This page has expired. Please start again.", detail="onward") from error
    if datetime.fromtimestamp(float(told["until"]), UTC) <= now:
        raise NotFound("This page has expired. Please start again.", detail="onward")
    return told


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


_OPEN = (
    InteractionRow.id_hash == bindparam("id"),
    InteractionRow.finished_at.is_(None),
    InteractionRow.expires_at > bindparam("now", type_=UtcDateTime()),
    InteractionRow.kind != STAFF,
)
_HELD = select(InteractionRow.browser_hash).where(*_OPEN)
_MOVE = (
    update(InteractionRow)
    .where(*_OPEN, InteractionRow.browser_hash == bindparam("theirs"))
    .values(browser_hash=bindparam("mine"), challenge_id=None)
    .returning(InteractionRow.id_hash)
    .execution_options(synchronize_session=False)
)
