"""What an authority tells later about somebody who has an account: another name, or that they have died.

A death shuts every account with the number in one transaction: no session, grant or visit of theirs works from the
next request on, and nothing can be proved for it any more.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from consent.audit import log
from consent.audit.log import Actor
from consent.errors import NotFound
from idp import subjects
from idp.keys import KeyRing
from idp.ports import RegistryPerson
from idp.proofing import numbers
from idp.subjects import NationalId

REGISTER = Actor.system("register")


def died(session: Session, ring: KeyRing, *, national_id: str, now: datetime) -> int:
    """The person of this number has died; how many accounts were shut. Again shuts none.

    Provisional accounts go too: nobody can ever prove the number now. Appends account.closed for each.
    """
    fingerprint = ring.fingerprint(national_id)
    held = session.execute(
        select(NationalId.subject_id, NationalId.proved).where(NationalId.fingerprint == fingerprint)
    ).all()
    return sum(
        numbers.close(
            session, one.subject_id, status="deceased" if one.proved else "closed", reason="deceased", now=now
        )
        for one in held
    )


def renamed(session: Session, ring: KeyRing, *, national_id: str, person: RegistryPerson, now: datetime) -> bool:
    """Take over the names that the authority holds now; False when they are the same. Appends account.renamed.

    The level stays: a name is changed by the same person. Card data of the old card match no more at the issuer, so the
    next look-up needs the new one. Raises: NotFound when nobody has proved this number here.
    """
    subject = subjects.find_by_national_id(session, ring, national_id)
    if subject is None:
        raise NotFound("Nobody here has that number.", detail="number")
    changed = subjects.rename(session, ring, subject.id, person)
    if changed:
        log.append(session, "account.renamed", now=now, actor=REGISTER, subject_id=subject.id, reason="register")
    return changed
