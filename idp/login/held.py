"""The passkeys that a person holds: several, each with a name that is theirs alone to read, its last use and its kind.

A passkey is for the citizen's side or for the staff's, never for both: the two kinds of session stay apart (DECISIONS
4), and a member of staff is, at home, somebody like everybody.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, LargeBinary, false, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.audit import log
from consent.db import Base, Personal, Plain, Sealed, Sealer, new_id
from consent.errors import NotFound
from idp.national_id import mask_national_id
from idp.subjects import NationalId

FIELD = "passkey-name"
LONGEST_NAME = 64


class Passkey(Base):
    """One credential of one person. A removed one stays, so that its id is never taken again.

    `for_staff`: added with an invitation. Only such a one opens the console: whoever holds a member of staff's phone
    could add a passkey of their own as a citizen. `attested`: its maker vouches that the key cannot leave it (AAL3).
    """

    __tablename__ = "passkey"
    __table_args__ = (CheckConstraint("sign_count >= 0", name="count"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    subject_id: Mapped[UUID] = mapped_column(index=True)
    credential_id: Mapped[Plain] = mapped_column(unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger)
    device_type: Mapped[Plain]
    backed_up: Mapped[bool]
    for_staff: Mapped[bool]
    attested: Mapped[bool] = mapped_column(default=False, server_default=false())
    name: Mapped[Personal]  # from before names were sealed; empty since
    sealed_name: Mapped[Sealed | None]
    aaguid: Mapped[Plain]
    transports: Mapped[Plain]
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]

    @property
    def synced(self) -> bool:
        """Whether the key may live on several devices (backup eligible, WebAuthn 6.1.3)."""
        return self.device_type == "multi_device"


def of(session: Session, subject_id: UUID, *, for_staff: bool = False) -> list[Passkey]:
    """The person's passkeys that still work, as a citizen or as staff, oldest first."""
    return list(
        session.scalars(
            select(Passkey)
            .where(Passkey.subject_id == subject_id, Passkey.removed_at.is_(None), Passkey.for_staff == for_staff)
            .order_by(Passkey.created_at, Passkey.id)
        )
    )


def name_of(sealer: Sealer, passkey: Passkey) -> str:
    """The name that the person gave it."""
    if passkey.sealed_name is None:
        return passkey.name
    return sealer.open(passkey.sealed_name, owner=passkey.subject_id, field=FIELD)


def seal_old(session: Session, sealer: Sealer, *, most: int = 200) -> int:
    """Seal names from before names were sealed, the next few of them; how many. The worker comes by until none is left.

    A person whose key was erased has no name any more.
    """
    found = session.scalars(
        select(Passkey).where(Passkey.sealed_name.is_(None), Passkey.name != "").order_by(Passkey.id).limit(most)
    ).all()
    for passkey in found:
        try:
            passkey.sealed_name = sealed(sealer, passkey.name, owner=passkey.subject_id)
        except KeyError:
            passkey.sealed_name = None
        passkey.name = ""
    session.flush()
    return len(found)


def sealed(sealer: Sealer, name: str, *, owner: UUID) -> bytes:
    """A name as it is kept."""
    return sealer.seal(tidy(name), owner=owner, field=FIELD)


def tidy(name: str) -> str:
    """PURE: a name fit for one line: no control characters, single spaces, at most 64 characters."""
    shown = "".join(char if char.isprintable() else " " for char in name)
    return " ".join(shown.split())[:LONGEST_NAME]


def label(session: Session, sealer: Sealer, subject_id: UUID) -> str:
    """What the browser's own list shows for the account: the last three digits of the national ID, no name.

    A family that shares a phone can tell its accounts apart; what passkey providers copy to their clouds names nobody.
    """
    row = session.execute(select(NationalId.number).where(NationalId.subject_id == subject_id)).first()
    return "" if row is None else mask_national_id(sealer.open(row.number, owner=subject_id, field="national_id"))


def remove(session: Session, passkey_id: UUID, *, subject_id: UUID, now: datetime) -> bool:
    """Stop a citizen's passkey from opening anything, at once. Appends passkey.removed; a second time: False, nothing.

    Raises: NotFound if unknown, another person's, or one for staff.
    """
    removed = session.scalar(
        update(Passkey)
        .where(
            Passkey.id == passkey_id,
            Passkey.subject_id == subject_id,
            Passkey.removed_at.is_(None),
            ~Passkey.for_staff,
        )
        .values(removed_at=now, name="", sealed_name=None)
        .returning(Passkey.id)
        .execution_options(synchronize_session=False)
    )
    if removed is None:
        _own(session, passkey_id, subject_id)
        return False
    log.append(session, "passkey.removed", now=now, actor=log.Actor.citizen(subject_id), subject_id=subject_id)
    return True


def rename(session: Session, sealer: Sealer, passkey_id: UUID, *, subject_id: UUID, name: str, now: datetime) -> None:
    """Give a passkey another name. Appends passkey.renamed. Raises: NotFound as `remove` does."""
    passkey = _own(session, passkey_id, subject_id)
    passkey.name, passkey.sealed_name = "", sealed(sealer, name, owner=subject_id)
    log.append(session, "passkey.renamed", now=now, actor=log.Actor.citizen(subject_id), subject_id=subject_id)


def _own(session: Session, passkey_id: UUID, subject_id: UUID) -> Passkey:
    passkey = session.scalar(
        select(Passkey).where(Passkey.id == passkey_id, Passkey.subject_id == subject_id, ~Passkey.for_staff)
    )
    if passkey is None:
        raise NotFound("There is no such passkey.", detail=f"{passkey_id=}")
    return passkey
