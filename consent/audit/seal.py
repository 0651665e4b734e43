"""Give entries their place in the tree and sign it. Any number of sealers may run; they cannot fork the log.

    number   one transaction: waiting entries leave `audit_unsealed`, get the next numbers, the tree's edge moves on
    rehash   the committed bytes are read again and hashed again, from the last signed edge
    remember outside the database, before signing: a database that is set back later is not signed again
    sign     no transaction is open: a key may live elsewhere and be slow
    keep     one transaction: the checkpoint is added, the signed edge moves on

A crash between any two loses nothing and repeats nothing: what is numbered but not signed is signed by whoever comes
next, from the committed bytes, and gives the same bytes again. Nothing is ever signed that is not committed.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from consent.audit import checkpoint, entry, merkle
from consent.audit.memory import NOTHING, Forgetful, Mark, Memory
from consent.audit.merkle import Edge
from consent.audit.models import AuditCheckpoint, AuditEntry, AuditLeaf, AuditTree, AuditUnsealed
from consent.db import InsertOnce, Signer, rows_of, table_of
from consent.errors import Conflict, ConsentError

LIMIT = 5000
_PAGE = 1000
_TREE, _LEAF, _UNSEALED = table_of(AuditTree), table_of(AuditLeaf), table_of(AuditUnsealed)


class Units(Protocol):
    """Where units of work come from; `idp.db.Sessions` is one. `writing` commits when its block returns."""

    def reading(self) -> AbstractContextManager[Session]:
        """A read-only look."""
        ...

    def writing(self) -> AbstractContextManager[Session]:
        """A transaction."""
        ...


class NoteSigner(Signer, Protocol):
    """Signs notes with Ed25519 and knows its public half."""

    @property
    def public(self) -> bytes:
        """32 octets (RFC 8032)."""
        ...


class SealFault(ConsentError):  # noqa: N818 -- it is found, not made
    """What is stored is not what was sealed, or less than was signed: nothing is signed until somebody has looked."""

    code = "seal_fault"


@dataclass(frozen=True)
class Checkpoint:
    """What was signed: give `note` to whoever may doubt us later."""

    origin: str
    size: int
    root: bytes
    note: str
    signed_at: datetime


@dataclass(frozen=True)
class _Draft:
    """Committed leaves, hashed again and about to be signed."""

    origin: str
    signed_size: int
    edge: Edge


def seal(
    units: Units,
    signer: NoteSigner,
    *,
    origin: str,
    now: datetime,
    limit: int = LIMIT,
    memory: Memory | None = None,
) -> Checkpoint | None:
    """Number up to `limit` waiting entries and sign the tree; None when there was nothing new to sign.

    `origin` names a log at its first seal; it keeps that name. `memory` lies outside the database: a tree that is
    smaller than one signed before, or another one of its size, is not signed. It is read before the database, whose
    tree can only have grown since, and written before the signature exists.

    Raises: Conflict when another sealer was faster (nothing was changed: come again); SealFault.
    """
    memory = memory or Forgetful()
    seen = memory.last()
    with units.writing() as session:
        number(session, origin=origin, limit=limit)
    with units.reading() as session:
        draft = rehash(session, seen=seen)
    if draft is None:
        return None
    root = draft.edge.root()
    memory.remember(Mark(draft.edge.size, root), after=seen)
    text = checkpoint.text(draft.origin, draft.edge.size, root)
    note = checkpoint.note(draft.origin, text, signer.sign(text), signer.public)
    made = Checkpoint(draft.origin, draft.edge.size, root, note, now)
    with units.writing() as session:
        keep(session, draft, made)
    return made


def waiting(session: Session) -> bool:
    """Whether there is anything to number or to sign. A cheap look, for those who come often."""
    if session.scalar(select(AuditUnsealed.entry_id).limit(1)) is not None:
        return True
    return session.scalar(select(AuditTree.id).where(AuditTree.signed_size < AuditTree.size)) is not None


def latest(session: Session, *, at_most: int | None = None) -> Checkpoint | None:
    """The newest checkpoint, or the newest of a tree of `at_most` leaves."""
    query = select(AuditCheckpoint).order_by(AuditCheckpoint.size.desc()).limit(1)
    row = session.scalar(query if at_most is None else query.where(AuditCheckpoint.size <= at_most))
    if row is None:
        return None
    return Checkpoint(row.note.partition("\n")[0], row.size, row.root, row.note, row.signed_at)


def number(session: Session, *, origin: str, limit: int) -> int:
    """Give waiting entries the next numbers, in the order of their ids among those taken; how many.

    Taken is what this transaction sees, never "all above the last": ids become visible out of order, and a transaction
    that commits late would be lost for ever.
    """
    tree = _tree(session, origin)
    waiting = select(AuditUnsealed.entry_id, AuditEntry.leaf_bytes).outerjoin(
        AuditEntry, AuditEntry.id == AuditUnsealed.entry_id
    )
    taken = session.execute(waiting.order_by(AuditUnsealed.entry_id).limit(limit)).all()
    if not taken:
        return 0
    leaves = [(entry_id, _checked(entry_id, leaf)) for entry_id, leaf in taken]
    ids = [entry_id for entry_id, _ in leaves]
    if rows_of(session.execute(delete(_UNSEALED).where(_UNSEALED.c.entry_id.in_(ids)))) != len(ids):
        raise Conflict("Another sealer took these entries.")
    edge = Edge.from_bytes(tree.size, tree.edge)
    grown = edge.grow(leaf for _, leaf in leaves)
    # The swap comes before the numbers: whoever loses it must not have used any.
    _swap(session, {"size": edge.size, "edge": edge.to_bytes()}, {"size": grown.size, "edge": grown.to_bytes()})
    rows = [
        {"seq": seq, "entry_id": entry_id, "leaf_hash": leaf} for seq, (entry_id, leaf) in enumerate(leaves, edge.size)
    ]
    session.execute(insert(_LEAF), rows)
    return len(rows)


def rehash(session: Session, *, seen: Mark = NOTHING) -> _Draft | None:
    """Read the committed leaves that no checkpoint covers and hash them again; None when there are none.

    Raises: SealFault when they give another tree than was numbered or than `seen`, or when more was signed before than
    is here. One flipped bit that is signed can never be mended.
    """
    tree, root, longest = _standing(session)
    if longest > (tree.signed_size if tree else 0) or seen.size > (tree.size if tree else 0):
        raise SealFault("The log was longer when it was signed before.", detail=f"{seen.size=} {longest=}")
    if tree is None:
        return None
    if seen.size <= tree.signed_size:
        _compare(_root_at(session, seen.size), seen)
    if tree.size == tree.signed_size:
        return None
    edge = Edge.from_bytes(tree.signed_size, tree.signed_edge)
    if edge.root() != root:
        raise SealFault("The signed edge is not that of the last checkpoint.", detail=f"size={edge.size}")
    if seen.size > edge.size:
        edge = _grown(session, edge, seen.size)
        _compare(edge.root(), seen)
    edge = _grown(session, edge, tree.size)
    if edge != Edge.from_bytes(tree.size, tree.edge):
        raise SealFault("The stored entries are not those that were numbered.", detail=f"size={tree.size}")
    return _Draft(tree.origin, tree.signed_size, edge)


def keep(session: Session, draft: _Draft, made: Checkpoint) -> None:
    """Add the checkpoint. Raises: Conflict when another sealer has signed meanwhile; this signature is then dropped."""
    after = {"signed_size": made.size, "signed_edge": draft.edge.to_bytes()}
    _swap(session, {"signed_size": draft.signed_size}, after)
    row = {"size": made.size, "root": made.root, "note": made.note, "signed_at": made.signed_at}
    session.execute(insert(table_of(AuditCheckpoint)), row)


_plant = InsertOnce(AuditTree)


def _tree(session: Session, origin: str) -> AuditTree:
    # On PostgreSQL the lock makes a second sealer wait its turn; what forbids a fork is the swap below.
    found = select(AuditTree).with_for_update()
    tree = session.scalar(found)
    if tree is not None:
        return tree
    checkpoint.text(origin, 0, merkle.EMPTY_ROOT)  # refuses an unusable name while there is nothing to lose
    empty = {"id": 1, "origin": origin, "size": 0, "edge": b"", "signed_size": 0, "signed_edge": b""}
    _plant(session, empty)
    return session.scalars(found).one()


def _standing(session: Session) -> tuple[AuditTree | None, bytes, int]:
    """The tree, the root that was signed at its signed size, and the size of the longest checkpoint: in one look."""
    longest = select(func.max(AuditCheckpoint.size)).scalar_subquery()
    signed = select(AuditTree, AuditCheckpoint.root, longest).outerjoin(
        AuditCheckpoint, AuditCheckpoint.size == AuditTree.signed_size
    )
    row = session.execute(signed).one_or_none()
    if row is None:
        return None, merkle.EMPTY_ROOT, session.scalar(select(longest)) or 0
    return row[0], merkle.EMPTY_ROOT if row[0].signed_size == 0 else bytes(row[1] or b""), row[2] or 0


def _root_at(session: Session, size: int) -> bytes:
    """The root of the first `size` leaves, all of them signed: of the checkpoint there, or of the leaves themselves.

    A mark without a checkpoint is left by a crash between the two; the next signature moves it on.
    """
    kept = session.scalar(select(AuditCheckpoint.root).where(AuditCheckpoint.size == size))
    if kept is not None:
        return bytes(kept)
    return _grown(session, Edge(), size).root()


def _compare(root: bytes, seen: Mark) -> None:
    if root != seen.root:
        raise SealFault("Another log was signed before.", detail=f"{seen.size=}")


def _grown(session: Session, edge: Edge, size: int) -> Edge:
    """The edge after the stored leaves up to `size`, which are hashed again."""
    for start in range(edge.size, size, _PAGE):
        edge = edge.grow(_stored(session, start, min(start + _PAGE, size)))
    return edge


def _swap(session: Session, seen: dict[str, object], after: dict[str, object]) -> None:
    unchanged = [_TREE.c[name] == value for name, value in seen.items()]
    if rows_of(session.execute(update(_TREE).where(_TREE.c.id == 1, *unchanged).values(after))) != 1:
        raise Conflict("Another sealer was faster.")


def _checked(entry_id: UUID, leaf: bytes | None) -> bytes:
    """The hash of an entry, which must be one: what is signed once cannot be taken back."""
    try:
        if leaf is None or entry.from_bytes(bytes(leaf)).id != entry_id:
            raise SealFault("An entry that waits is not there any more.", detail=f"{entry_id=}")
    except entry.EntryError as error:
        raise SealFault("An entry that waits is damaged.", detail=f"{entry_id=}") from error
    return merkle.leaf_hash(bytes(leaf))


def _stored(session: Session, start: int, end: int) -> list[bytes]:
    """The hashes of the stored bytes, which must be those that were kept when they were numbered."""
    query = (
        select(AuditLeaf.seq, AuditLeaf.leaf_hash, AuditEntry.leaf_bytes)
        .join(AuditEntry, AuditEntry.id == AuditLeaf.entry_id)
        .where(AuditLeaf.seq >= start, AuditLeaf.seq < end)
        .order_by(AuditLeaf.seq)
    )
    found = [(seq, bytes(kept), merkle.leaf_hash(bytes(leaf))) for seq, kept, leaf in session.execute(query)]
    for expected, (seq, kept, hashed) in enumerate(found, start):
        if seq != expected or kept != hashed:
            raise SealFault("A stored entry is not what was numbered.", detail=f"index={expected}")
    return [hashed for _, _, hashed in found]
