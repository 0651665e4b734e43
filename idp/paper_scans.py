"""The picture of a paper that somebody signed: sealed under the person's own key, with the hash that the consent names.

A consent on paper is as good as one on a screen (PDPA s.19), and is proved by the paper. The hash stands in the record
and its receipt for as long as the record; the picture opens only as long as the person's key does.
"""

import base64
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.db import Base, Plain, Sealed
from idp.keys import KeyRing
from idp.scans import Scan
from idp.subjects import PersonSealer

FIELD = "paper_scan"
SIGNERS = ("self", "parent", "guardian", "curator")


class PaperScan(Base):
    """One signed paper, as it was scanned. Never changed: another paper is another consent."""

    __tablename__ = "paper_scan"
    __append_only__: ClassVar[bool] = True
    __table_args__ = (CheckConstraint(f"signer IN ({', '.join(repr(word) for word in SIGNERS)})", name="signer"),)

    record_id: Mapped[UUID] = mapped_column(primary_key=True)
    subject_id: Mapped[UUID] = mapped_column(ForeignKey("subject.id"), index=True)
    entered_by: Mapped[UUID]
    hcode: Mapped[Plain] = mapped_column(ForeignKey("facility.hcode"))
    signer: Mapped[Plain]
    media_type: Mapped[Plain]
    sha256: Mapped[Plain]
    scan: Mapped[Sealed]
    entered_at: Mapped[datetime]


def keep(
    session: Session,
    ring: KeyRing,
    scan: Scan,
    *,
    record_id: UUID,
    subject_id: UUID,
    entered_by: UUID,
    hcode: str,
    signer: str,
    now: datetime,
) -> None:
    """Keep the picture with its record."""
    plain = base64.b64encode(scan.content).decode()
    sealed = PersonSealer(ring, session).seal(plain, owner=subject_id, field=FIELD)
    facts = {"record_id": record_id, "subject_id": subject_id, "entered_by": entered_by, "hcode": hcode}
    facts |= {"signer": signer, "media_type": scan.media_type, "sha256": scan.sha256, "entered_at": now}
    session.add(PaperScan(**facts, scan=sealed))
    session.flush()


def find(session: Session, ring: KeyRing, record_id: UUID) -> tuple[str, bytes] | None:
    """Media type and bytes of the paper behind a record. Raises: KeyError when the person was erased."""
    row = session.get(PaperScan, record_id)
    if row is None:
        return None
    plain = PersonSealer(ring, session).open(row.scan, owner=row.subject_id, field=FIELD)
    return row.media_type, base64.b64decode(plain)
