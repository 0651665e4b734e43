"""What was granted for one visit only: kept with its grant, ended by time and by uses, told to its users (RFC 9396).

The numbers of visits stand in the details alone, sealed with the grant; scopes and log carry a keyed tag.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from authlib.oauth2.base import OAuth2Error
from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.db import Base, InsertOnce, Plain, table_of
from idp.keys import KeyRing
from idp.oauth.grants import Grant, GrantConsent
from idp.oauth.pipeline import AuthorizeRequest, Context, uuid_or_none
from idp.oauth.visit_detail import Detail, DetailRefused, canonical, parsed, tag_from, tag_of

Scopes = Mapping[str, tuple[str, ...]]
MERGE = "merge"  # Grant Management 5.2: more is added to a grant under its id


class InvalidDetailsError(OAuth2Error):
    """RFC 9396 section 8."""

    error = "invalid_authorization_details"


class HasDetails(Protocol):
    """The part of a grant that a token request narrows."""

    @property
    def scopes(self) -> Scopes: ...  # noqa: D102
    @property
    def details(self) -> tuple[Detail, ...]: ...  # noqa: D102


class DetailUse(Base):
    """The n-th use of one detail under one answer of the person: a new grant on the same answer begins no new count.

    Its key lets no use be counted twice, and none be made beyond the last.
    """

    __tablename__ = "detail_use"

    record_id: Mapped[UUID] = mapped_column(primary_key=True)
    tag: Mapped[Plain] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]


_G, _R, _U = table_of(Grant), table_of(GrantConsent), table_of(DetailUse)
_ANSWER = (
    select(_R.c.record_id)
    .where(_R.c.grant_id == bindparam("grant"), _R.c.purpose == bindparam("purpose"))
    .order_by(_R.c.record_id.desc())
    .limit(1)
)
_USED = select(func.count()).where(_U.c.record_id == bindparam("record"), _U.c.tag == bindparam("tag"))
_USES = select(_U.c.n, _U.c.at).where(_U.c.record_id == bindparam("record"), _U.c.tag == bindparam("tag"))
_HOLD = select(_G.c.id).where(_G.c.id == bindparam("grant")).with_for_update(read=True)
_KEEP = update(_G).where(_G.c.id == bindparam("grant")).values(details=bindparam("sealed"))
_KEPT = select(_G.c.details).where(_G.c.id == bindparam("grant"))
_use = InsertOnce(DetailUse)


def tagged(ring: KeyRing, content: Mapping[str, Any]) -> Detail:
    """A detail with its tag: the same for the same words, and nobody can try out numbers of visits on it."""
    return Detail(content, tag_from(ring.mac("details", canonical(content))))


def of_request(ring: KeyRing, request: AuthorizeRequest) -> list[Detail]:
    """The details that a request asks for."""
    return [tagged(ring, json.loads(text)) for text in request.details]


def keep(context: Context, grant_id: UUID, request: AuthorizeRequest, scopes: Scopes) -> None:
    """Seal those that were granted with the grant, beside what it has already."""
    given = {tag_of(scope) for of in scopes.values() for scope in of}
    more = [detail for detail in of_request(context.ring, request) if detail.tag in given]
    if not more:
        return
    before = unsealed(context.ring, grant_id, context.session.scalar(_KEPT, {"grant": grant_id}))
    known = {detail.tag: detail.content for detail in (*before, *more)}
    sealed = context.ring.seal(json.dumps(list(known.values())), place=f"grant:{grant_id}:details")
    context.session.execute(_KEEP, {"grant": grant_id, "sealed": sealed})


def unsealed(ring: KeyRing, grant_id: UUID, sealed: bytes | None) -> tuple[Detail, ...]:
    """The details of a grant, those that have ended too."""
    if sealed is None:
        return ()
    return tuple(tagged(ring, one) for one in json.loads(ring.open(sealed, place=f"grant:{grant_id}:details")))


def standing(context: Context, grant_id: UUID, scopes: Scopes, held: Sequence[Detail]) -> dict[str, tuple[str, ...]]:
    """What of a grant's scopes is left: those of a detail end with its time and its uses."""
    over = {detail.tag for detail in held if not _runs(context, grant_id, detail)}
    return _without(scopes, over)


def _runs(context: Context, grant_id: UUID, detail: Detail) -> bool:
    if not detail.runs_at(context.now):
        return False
    if detail.max_uses is None:
        return True
    answer = _answer(context.session, grant_id, detail)
    return answer is not None and used(context.session, answer, detail.tag) < detail.max_uses


def _answer(session: Session, grant_id: UUID, detail: Detail) -> UUID | None:
    """The newest record that the grant rests on for the purpose of this detail."""
    found: UUID | None = session.scalar(_ANSWER, {"grant": grant_id, "purpose": detail.purpose})
    return found


def used(session: Session, record_id: UUID, tag: str) -> int:
    """How often a detail was used under this answer."""
    return int(session.scalar(_USED, {"record": record_id, "tag": tag}) or 0)


def over(context: Context, request: AuthorizeRequest) -> frozenset[str]:
    """The tags of visits of the grant that a request merges with, which have ended by themselves (by time, by uses)."""
    grant_id = _merged_with(request)
    if grant_id is None:
        return frozenset()
    held = unsealed(context.ring, grant_id, context.session.scalar(_KEPT, {"grant": grant_id}))
    return frozenset(detail.tag for detail in held if not _runs(context, grant_id, detail))


def used_before(session: Session, request: AuthorizeRequest, detail: Detail) -> int:
    """How often a visit was used under the grant that a request merges with: so often less it is used from now on."""
    grant_id = _merged_with(request)
    answer = None if grant_id is None or detail.max_uses is None else _answer(session, grant_id, detail)
    return 0 if answer is None else used(session, answer, detail.tag)


def carry(session: Session, grant_id: UUID, held: Sequence[Detail], records: Mapping[str, UUID]) -> None:
    """The uses of the visits that a grant holds count under its new answers too, before it rests on them.

    A merge asks for what there is along with what is new: that is no yes to more uses of it.
    """
    for detail in held:
        before, after = _answer(session, grant_id, detail), records.get(detail.purpose)
        if detail.max_uses is None or before is None or after in (None, before):
            continue
        for row in session.execute(_USES, {"record": before, "tag": detail.tag}).all():
            _use(session, {"record_id": after, "tag": detail.tag, "n": row.n, "at": row.at})


def _merged_with(request: AuthorizeRequest) -> UUID | None:
    return uuid_or_none(request.grant_id) if request.grant_action == MERGE else None


def spend(context: Context, grant_id: UUID, wanted: Scopes, held: Sequence[Detail]) -> dict[str, tuple[str, ...]]:
    """Count one use of each detail in `wanted` that counts them; what of `wanted` may be used."""
    named = {tag_of(scope) for of in wanted.values() for scope in of}
    counted = [detail for detail in held if detail.tag in named and detail.max_uses is not None]
    if counted:  # a merge that carries uses to another answer waits for this one, or this one for it
        context.session.execute(_HOLD, {"grant": grant_id})
    return _without(wanted, {detail.tag for detail in counted if not _spent_one(context, grant_id, detail)})


def _spent_one(context: Context, grant_id: UUID, detail: Detail) -> bool:
    """Whether the next use was ours. Who loses the race for one number tries the next, up to the last."""
    answer = _answer(context.session, grant_id, detail)
    if answer is None:
        return False
    first = used(context.session, answer, detail.tag) + 1
    facts = {"record_id": answer, "tag": detail.tag, "at": context.now}
    return any(_use(context.session, {**facts, "n": n}) for n in range(first, (detail.max_uses or 0) + 1))


def fitting(
    wanted: Scopes, held: Sequence[Detail], *, place: str | None, asked_live: bool
) -> dict[str, tuple[str, ...]]:
    """PURE: what of `wanted` makes sense at this place: a detail is for its locations, and uses are counted live."""
    apart = {
        detail.tag
        for detail in held
        if (detail.locations and place not in detail.locations) or (detail.max_uses is not None and not asked_live)
    }
    return _without(wanted, apart)


def shown(held: Sequence[Detail], scopes: Scopes) -> list[Mapping[str, Any]]:
    """PURE: the details behind these scopes, as they were asked for (sections 7 and 9)."""
    named = {tag_of(scope) for of in scopes.values() for scope in of}
    return [detail.content for detail in held if detail.tag in named]


def claim(held: Sequence[Detail], scopes: Scopes) -> dict[str, Any]:
    """PURE: the member of a token, an answer or a grant; nothing without details."""
    found = shown(held, scopes) if held else []
    return {"authorization_details": found} if found else {}


def ends(held: Sequence[Detail], scopes: Scopes) -> list[datetime]:
    """PURE: when the details behind these scopes end."""
    named = {tag_of(scope) for of in scopes.values() for scope in of} if held else set()
    return [detail.not_after for detail in held if detail.tag in named and detail.not_after is not None]


def chosen(grant: HasDetails, form: Mapping[str, str], scopes: Scopes | None = None) -> dict[str, tuple[str, ...]]:
    """PURE: the grant's scopes, or these, cut to the details that a token request names (section 6).

    A detail is named by repeating it; scopes of no detail stay, `openid` among them: `scope` is what narrows those.
    Raises: InvalidDetailsError for one that was not granted, or is over.
    """
    wanted, text = grant.scopes if scopes is None else scopes, form.get("authorization_details")
    if not text:
        return dict(wanted)
    alive = {tag_of(scope) for of in grant.scopes.values() for scope in of}
    given = {canonical(detail.content): detail.tag for detail in grant.details if detail.tag in alive}
    try:
        named = {None, *(given[canonical(one)] for one in parsed(text))}
    except (DetailRefused, KeyError) as error:
        raise InvalidDetailsError("a detail is not one that was granted") from error
    return {code: left for code, of in wanted.items() if (left := tuple(one for one in of if tag_of(one) in named))}


def _without(scopes: Scopes, tags: set[str]) -> dict[str, tuple[str, ...]]:
    if not tags:
        return dict(scopes)
    left = {code: tuple(one for one in of if tag_of(one) not in tags) for code, of in scopes.items()}
    return {code: of for code, of in left.items() if of}
