"""What of a request may be answered by whoever is signed in: for themselves, or for a ward they act for (PDPA s.20).

A service may see more of a person than their guardian may: a consent that a young person gave to a service lets their
parent see nothing through it. So a guardian's grant rests on what the guardian may give alone, or on what both signed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from consent import purposes
from consent.decision import Reason, Recipient, Verdict
from consent.family import cosigning, helping
from consent.family.cosigning import Proposal
from consent.family.rules import Kind, Way
from idp import family, hands
from idp.asking import Asked
from idp.keys import KeyRing
from idp.oauth.claims import OPENING
from idp.oauth.live import SIGN_IN
from idp.proxies import Proxy

SELF = hands.SELF


def of_ward(asked: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """PURE: what can be meant for a ward: not the sign-in, and not what only UserInfo tells (of who signed in)."""
    return {code: of for code, of in asked.items() if code != SIGN_IN and not set(of) <= OPENING}


def settle(
    session: Session,
    ring: KeyRing,
    found: Sequence[Asked],
    *,
    person_id: UUID,
    recipient: Recipient,
    acting: Proxy | None,
    now: datetime,
) -> list[Asked]:
    """The same purposes, with what this person may not answer, or has signed and waits for the other one, put aside.

    Where everything stands already and they act for themselves nobody is asked, so nothing is looked up.
    """
    if acting is None and not any(_could_wait(one) for one in found):
        return list(found)
    subject_id = person_id if acting is None else acting.patient_id
    rows = [(purposes.get(one.code), _basis(one.code, recipient)) for one in found if one.code != SIGN_IN or not acting]
    link = None if acting is None else acting.link
    ways = family.ways(session, ring, subject_id, link=link, codes=rows, now=now)
    open_now = {
        one.purpose: one
        for one in cosigning.of_ward(session, subject_id, now=now)
        if one.recipient_id == recipient.id and one.signed_by == person_id
    }
    beside = acting is not None or Way.together not in ways.values() or family.stand_beside(session, person_id, now=now)
    return [
        _settled(one, ways.get(one.code, Way.alone), open_now.get(one.code), acting, beside=bool(beside))
        for one in found
    ]


def _settled(one: Asked, way: Way, mine: Proposal | None, acting: Proxy | None, *, beside: bool) -> Asked:
    """PURE: one purpose as it stands for who may answer it in this way; `mine` is their signature that waits."""
    if way is Way.never or (way is Way.together and not beside):
        # What was given before stands for the person, and for a helper who may see it; it is only not theirs to renew.
        stands = one.verdict.permit and (acting is None or _was_entrusted(acting, one.code))
        return replace(one, barred=True, verdict=one.verdict if stands else _against(one, Reason.needs_guardian))
    if way is Way.alone:
        return one
    if acting is not None and one.verdict.permit and not signed_under(one, acting):
        one = replace(one, verdict=replace(_against(one, Reason.needs_cosign), asks=True))
    if mine is None:
        return one
    waits = one.verdict if one.verdict.permit else _against(one, Reason.needs_cosign)
    return replace(one, proposed_at=mine.proposed_at, verdict=waits)


def _was_entrusted(acting: Proxy, code: str) -> bool:
    """PURE: whether an adult chose a helper to see what they have agreed to for this purpose."""
    return acting.kind == Kind.helper and helping.opens(acting.link, code)


def signed_under(one: Asked, acting: Proxy) -> bool:
    """PURE: whether what stands was signed by both, the one who acts now among them."""
    standing = one.standing
    return standing is not None and standing.cosigned and standing.guardianship_id == acting.guardianship_id


def _against(one: Asked, reason: Reason) -> Verdict:
    return replace(one.verdict, permit=False, reason=reason, asks=False)


def _could_wait(one: Asked) -> bool:
    return not one.verdict.permit or one.again or set(one.covered) != set(one.scopes)


def _basis(code: str, recipient: Recipient) -> str:
    facility = recipient.kind in purposes.LICENSED_KINDS and recipient.licence_valid
    return purposes.basis_for(purposes.get(code), own_app=recipient.own_app, facility=facility)
