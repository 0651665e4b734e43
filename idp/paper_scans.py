"""The picture of a paper that somebody signed: sealed under the person's own key, with the hash that the consent names.

A consent on paper is as good as one on a screen (PDPA s.19), and is proved by the paper. The hash stands in the record
and its receipt for as long as the record; the picture opens only as long as the person's key does.
"""

import base64
import hashlib
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.db import Base, Plain, Sealed
from idp.keys import KeyRing
from idp.subjects import PersonSealer

FIELD = "paper_scan"
LARGEST = 480_000  # bytes: an upload of this size is parsed in memory, so no picture touches a disk unsealed
BEGINNINGS = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png", b"%PDF-": "application/pdf"}
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


def kind_of(scan: bytes) -> str | None:
    """PURE: the media type that the first bytes show: JPEG, PNG or PDF; None for anything else, whatever its name."""
    return next((kind for beginning, kind in BEGINNINGS.items() if scan.startswith(beginning)), None)


def hash_of(scan: bytes) -> str:
    """PURE: SHA-256 of the file as it was sent, in hex: what the consent names as its evidence."""
    return hashlib.sha256(scan).hexdigest()


def keep(
    session: Session,
    ring: KeyRing,
    scan: bytes,
    *,
    record_id: UUID,
    subject_id: UUID,
    entered_by: UUID,
    hcode: str,
    signer: str,
    now: datetime,
) -> None:
    """Keep the picture with its record. Raises: ValueError when it is no picture, or too large."""
    kind = kind_of(scan)
    if kind is None or len(scan) > LARGEST:
        raise ValueError("scan")
    sealed = PersonSealer(ring, session).seal(base64.b64encode(scan).decode(), owner=subject_id, field=FIELD)
    facts = {"record_id": record_id, "subject_id": subject_id, "entered_by": entered_by, "hcode": hcode}
    facts |= {"signer": signer, "media_type": kind, "sha256": hash_of(scan), "entered_at": now}
    session.add(PaperScan(**facts, scan=sealed))
    session.flush()


def find(session: Session, ring: KeyRing, record_id: UUID) -> tuple[str, bytes] | None:
    """Media type and bytes of the paper behind a record. Raises: KeyError when the person was erased."""
    row = session.get(PaperScan, record_id)
    if row is None:
        return None
    plain = PersonSealer(ring, session).open(row.scan, owner=row.subject_id, field=FIELD)
    return row.media_type, base64.b64decode(plain)
