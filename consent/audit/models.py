"""The tables of the log. Only `log` (and later the sealer) touches them (DECISIONS 19)."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from consent.db import Base, Plain, Sealed


class AuditEntry(Base):
    """The final bytes of one entry. The other columns only repeat what the bytes say, so that it can be found."""

    __tablename__ = "audit_entry"
    __append_only__: ClassVar[bool] = True
    __table_args__ = (
        Index("ix_audit_entry_subject_id", "subject", "id"),
        Index("ix_audit_entry_event_id", "event", "id"),
        Index("ix_audit_entry_client_id_id", "client_id", "id"),
        Index("ix_audit_entry_at", "at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    leaf_bytes: Mapped[bytes] = mapped_column(LargeBinary())
    at: Mapped[datetime]
    event: Mapped[Plain]
    subject: Mapped[Plain]
    actor: Mapped[Plain]
    client_id: Mapped[Plain]


class AuditUnsealed(Base):
    """An entry that has no place in the tree yet. The only table of the log whose rows may go."""

    __tablename__ = "audit_unsealed"

    entry_id: Mapped[UUID] = mapped_column(primary_key=True)


class AuditLeaf(Base):
    """The place of an entry in the tree, given by the sealer: sequence order is not commit order."""

    __tablename__ = "audit_leaf"
    __append_only__: ClassVar[bool] = True

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    entry_id: Mapped[UUID] = mapped_column(unique=True)


class AuditPseudonym(Base):
    """Who a pseudonym stands for, per person and quarter. Erasing these rows orphans the entries, tree unbroken."""

    __tablename__ = "audit_pseudonym"

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    shard: Mapped[Plain] = mapped_column(primary_key=True)
    pseudonym: Mapped[Plain] = mapped_column(unique=True)


class AuditDetail(Base):
    """What an entry only commits to: the text and its salt, both under the owner's key, so that erasure is final."""

    __tablename__ = "audit_detail"

    entry_id: Mapped[UUID] = mapped_column(primary_key=True)
    owner: Mapped[UUID]
    salt: Mapped[Sealed]
    sealed: Mapped[Sealed]
