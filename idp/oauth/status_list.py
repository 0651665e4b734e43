"""Status lists as they are published: one bit a grant, 1 when its tokens open nothing (Token Status List).

A token that is verified offline says where its bit is; the list tells within a minute of a withdrawal that it must not
be used any more: a list is built anew after 5 s, kept for 10 s on the way (Cache-Control) and for 45 s by its reader.
A bit stays set for a day, which is longer than any token of its grant can live.

A grant that a refusal in general stops wholly is 1 as well, for a day at most, like one that has ended: a word of its
own (SUSPENDED) would tell everybody who reads the list that the person refuses in general (`idp.suspending`).
"""

import base64
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, bindparam, func, select, union
from sqlalchemy.orm import Session

from consent.db import table_of
from idp.oauth import slots
from idp.oauth.grants import Grant
from idp.oauth.pipeline import Context

TYPE = "statuslist+jwt"
ALGORITHM = "ES256"
BITS = 1  # 0 valid, 1 invalid (section 7.1)
INVALID_KEPT = timedelta(days=1)
BUILT_EVERY = timedelta(seconds=5)
SHOWN_S, TTL_S = 10, 45
LIFE_S = 300  # `exp`: who cannot reach us trusts an old list no longer than the longest token lives
MOST_KEPT = 512

_G = table_of(Grant).c
_HERE = _G.status_list == bindparam("list")
_ENDED = union(
    select(_G.status_idx).where(_HERE, _G.ended_at > bindparam("since")),
    select(_G.status_idx).where(_HERE, _G.suspended_at > bindparam("since")),
)
_BEGUN = select(_G.id).where(_HERE).limit(1)
_FIRST = select(func.min(_G.status_list).label("number")).cte("begun", recursive=True)
_NEXT = select(func.min(_G.status_list)).where(_G.status_list > _FIRST.c.number).scalar_subquery()
_LISTS = _FIRST.union_all(select(_NEXT).where(_FIRST.c.number.is_not(None)))  # one step in the index for each list
_NUMBERS = select(_LISTS.c.number).where(_LISTS.c.number.is_not(None))


@dataclass(frozen=True)
class Published:
    """A signed list and when it was built."""

    token: str
    built_at: datetime


_kept: WeakKeyDictionary[Engine, dict[int, Published]] = WeakKeyDictionary()


def packed(invalid: Iterable[int], *, size: int = slots.SIZE) -> str:
    """PURE: the bits of a list, least significant first, as zlib and base64url make them small (section 4.1, 4.2)."""
    bits = bytearray(size // 8)
    for index in invalid:
        bits[index // 8] |= 1 << index % 8
    return base64.urlsafe_b64encode(zlib.compress(bytes(bits), 9)).rstrip(b"=").decode()


def published(context: Context, number: int) -> str | None:
    """The status list token of this list, at most 5 s old in this process; None when there is no such list."""
    kept = _kept.setdefault(context.session.get_bind().engine, {})
    known = kept.get(number)
    if known is not None and timedelta() <= context.now - known.built_at < BUILT_EVERY:
        return known.token
    if not slots.may_exist(number, context.now):
        return None
    ended = ended_in(context.session, number, now=context.now)
    if not ended and context.session.scalar(_BEGUN, {"list": number}) is None:
        return None
    if len(kept) >= MOST_KEPT:
        kept.clear()
    kept[number] = Published(_signed(context, number, ended), context.now)
    return kept[number].token


def ended_in(session: Session, number: int, *, now: datetime) -> list[int]:
    """The places of this list whose grants ended, or were stopped wholly, within a day."""
    return list(session.scalars(_ENDED, {"list": number, "since": now - INVALID_KEPT}))


def uris(context: Context) -> list[str]:
    """Every list that a token may point to (section 9.3)."""
    return [slots.uri(context.issuer, number) for number in context.session.scalars(_NUMBERS)]


def _signed(context: Context, number: int, invalid: Iterable[int]) -> str:
    issued = int(context.now.timestamp())
    claims = {
        "iss": context.issuer,
        "sub": slots.uri(context.issuer, number),
        "iat": issued,
        "exp": issued + LIFE_S,
        "ttl": TTL_S,
        "status_list": {
            "bits": BITS,
            "lst": packed(invalid),
            "aggregation_uri": context.issuer + slots.PATH,
        },
    }
    return context.ring.signer("status_list", ALGORITHM).sign_jwt(claims, typ=TYPE)
