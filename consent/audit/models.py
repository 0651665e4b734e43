"""The tables of the log. Only `log`, `seal` and `export` touch them (DECISIONS 19)."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary
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
    """The place of an entry in the tree, given by the sealer: sequence order is not commit order.

    `leaf_hash` is what was sealed; when the bytes change afterwards, it tells which.
    """

    __tablename__ = "audit_leaf"
    __append_only__: ClassVar[bool] = True

    seq: Mapped[int] = mapped_column(BigInteger(), primary_key=True, autoincrement=False)
    entry_id: Mapped[UUID] = mapped_column(unique=True)
    leaf_hash: Mapped[bytes] = mapped_column(LargeBinary())


class AuditTree(Base):
    """How far the tree has grown and how far it is signed: one row, moved only by compare-and-swap (`seal`).

    An edge is what must be known of the leaves to its left (`merkle.Edge`). The origin is the log's name for ever.
    """

    __tablename__ = "audit_tree"
    __table_args__ = (CheckConstraint("id = 1", name="one"), CheckConstraint("signed_size <= size", name="order"))

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    origin: Mapped[Plain]
    size: Mapped[int] = mapped_column(BigInteger())
    edge: Mapped[bytes] = mapped_column(LargeBinary())
    signed_size: Mapped[int] = mapped_column(BigInteger())
    signed_edge: Mapped[bytes] = mapped_column(LargeBinary())


class AuditCheckpoint(Base):
    """What was signed about the tree at one size (C2SP tlog-checkpoint). All of them are kept."""

    __tablename__ = "audit_checkpoint"
    __append_only__: ClassVar[bool] = True

    size: Mapped[int] = mapped_column(BigInteger(), primary_key=True, autoincrement=False)
    root: Mapped[bytes] = mapped_column(LargeBinary())
    note: Mapped[Plain]
    signed_at: Mapped[datetime]


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
