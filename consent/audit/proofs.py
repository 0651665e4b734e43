"""Check what we show as whoever doubts us would: the signature, that the tree only grew, that entries are in it.

It is our own check of ourselves, good for a badge and for finding damage early; who does not trust us takes the file
and `verify.py`. Roots of perfect subtrees are kept in memory between looks, so that a look costs the same in a log of
any size. They are hints (see `paths`): after a check fails they are read afresh once, then the failure is told.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import TypeVar

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from consent.audit import checkpoint, merkle, paths, seal
from consent.audit.models import AuditCheckpoint, AuditEntry, AuditLeaf, AuditTree, AuditUnsealed
from consent.audit.seal import Checkpoint

TILE = 8  # subtrees of 2**8 leaves and more are kept; below, the leaves of a tile are read
WIDTH = 1 << TILE
MOST_LEAVES = 200_000  # read in one look: about half a second; a log of more is read by several looks
MOST_COUNTED = 10_000
_PAGE = 20 * WIDTH
_T = TypeVar("_T")


@dataclass(frozen=True)
class Standing:
    """How far the log is proved. None stands for "not checked": nothing is signed, or the nodes are not read yet.

    `signed`: the newest checkpoint carries a signature by a key of ours. `grew`: it holds the tree of the checkpoint
    before it (`before` leaves) unchanged. `waiting`: entries that no checkpoint covers, at most MOST_COUNTED of them,
    the oldest written at `waiting_since`. `read_to`: how many leaves have been read for proofs.
    """

    head: Checkpoint | None
    signed: bool | None
    public: bytes | None
    before: int | None
    grew: bool | None
    waiting: int
    waiting_since: datetime | None
    read_to: int

    @property
    def proved(self) -> bool:
        """Whether every check was made and held."""
        return bool(self.signed) and bool(self.grew)

    @property
    def broken(self) -> bool:
        """Whether a check was made and failed."""
        return self.signed is False or self.grew is False


class Prover:
    """Makes proofs; one for a process and a database. Safe to share between threads."""

    def __init__(self) -> None:
        self._levels: list[list[bytes]] = [[]]
        self._lock = Lock()

    def standing(self, session: Session, keys: Sequence[bytes]) -> Standing:
        """Check the newest checkpoint. `keys`: every key that ever signed this log."""
        head = seal.latest(session)
        waiting, since = _backlog(session)
        if head is None:
            return Standing(None, None, None, None, None, waiting, since, 0)
        signed = _opened(head, keys)
        older = session.execute(_BEFORE, {"size": head.size}).first()
        before, old_root = (older.size, bytes(older.root)) if older else (0, merkle.EMPTY_ROOT)

        def grew(node: paths.Node) -> bool:
            proof = paths.consistency(node, before, head.size)
            whole = paths.root(node, head.size) == head.root
            return whole and merkle.verify_consistency(before, head.size, old_root, head.root, proof)

        held = self._twice(session, head, [before], _or(grew, worst=False), good=bool)
        public = signed.public if signed else None
        return Standing(head, signed is not None, public, before, held, waiting, since, self._read())

    def holds(self, session: Session, note: str, keys: Sequence[bytes]) -> str:
        """A checkpoint that somebody kept, against the log of today.

        `same` or `beginning`: nothing before it was changed. `fork`, `ahead`: one of the two pasts is false.
        `unsigned`: not by a key of ours, or of another log. `unchecked`: a long log is not read yet.
        """
        head = seal.latest(session)
        try:
            kept = checkpoint.opened(note, keys)
        except ValueError:
            return "unsigned"
        if head is None or kept.origin != head.origin:
            return "unsigned"
        if kept.size >= head.size:
            return "ahead" if kept.size > head.size else "same" if kept.root == head.root else "fork"

        def begins(node: paths.Node) -> bool:
            proof = paths.consistency(node, kept.size, head.size)
            return merkle.verify_consistency(kept.size, head.size, kept.root, head.root, proof)

        held = self._twice(session, head, [kept.size], _or(begins, worst=False), good=bool)
        return "unchecked" if held is None else "beginning" if held else "fork"

    def included(
        self, session: Session, head: Checkpoint | None, leaves: Mapping[int, bytes], keys: Sequence[bytes]
    ) -> dict[int, bool] | None:
        """Whether these leaves (number -> bytes) are in the signed tree, each by a proof; None when it is unchecked.

        A leaf beyond the checkpoint is absent from the answer: it waits. Nothing is proved by an unsigned head.
        """
        wanted = {seq: leaf for seq, leaf in leaves.items() if head is not None and 0 <= seq < head.size}
        if head is None or not wanted:
            return {}
        if _opened(head, keys) is None:
            return dict.fromkeys(wanted, False)

        def prove(node: paths.Node) -> dict[int, bool]:
            return {seq: _or(_holds(head, seq, leaf), worst=False)(node) for seq, leaf in wanted.items()}

        return self._twice(session, head, list(wanted), prove, good=lambda found: all(found.values()))

    def proofs(self, session: Session, head: Checkpoint, numbers: Sequence[int]) -> dict[int, list[bytes]] | None:
        """The path of each of these leaves to the root of the checkpoint; None until the nodes are read."""
        node = self._nodes(session, head, numbers)
        return None if node is None else {seq: _path(node, seq, head.size) for seq in numbers}

    def _twice(
        self,
        session: Session,
        head: Checkpoint,
        numbers: Sequence[int],
        check: Callable[[paths.Node], _T],
        *,
        good: Callable[[_T], bool],
    ) -> _T | None:
        """Check with what is kept; if that fails, forget it and check again: the database may have been restored."""
        node = self._nodes(session, head, numbers)
        found = None if node is None else check(node)
        if found is None or good(found):
            return found
        with self._lock:
            self._levels = [[]]
        node = self._nodes(session, head, numbers)
        return found if node is None else check(node)

    def _read(self) -> int:
        return len(self._levels[0]) * WIDTH

    def _nodes(self, session: Session, head: Checkpoint, numbers: Sequence[int]) -> paths.Node | None:
        """Perfect subtrees of the tree of this size, or None while more must be read than one look may."""
        with self._lock:
            levels = self._levels
            whole = head.size // WIDTH
            torn = _extend(session, levels, whole)
        if len(levels[0]) < whole and not torn:
            return None
        tiles = {number // WIDTH for number in (*numbers, head.size - 1)}
        hashes = {tile: _contiguous(session, tile * WIDTH, min((tile + 1) * WIDTH, head.size)) for tile in tiles}

        def node(level: int, index: int) -> bytes:
            if level >= TILE:
                return levels[level - TILE][index]
            start = index << level
            held = hashes[start // WIDTH]
            wanted = held[start % WIDTH : start % WIDTH + (1 << level)]
            if len(wanted) < 1 << level:
                raise LookupError("a leaf is not there")
            return merkle.root(wanted)

        return node


_BEFORE = (
    select(AuditCheckpoint.size, AuditCheckpoint.root)
    .where(AuditCheckpoint.size < bindparam("size"))
    .order_by(AuditCheckpoint.size.desc())
    .limit(1)
)
_HASHES = (
    select(AuditLeaf.seq, AuditLeaf.leaf_hash)
    .where(AuditLeaf.seq >= bindparam("start"), AuditLeaf.seq < bindparam("end"))
    .order_by(AuditLeaf.seq)
)
_WAITING = select(AuditUnsealed.entry_id).limit(MOST_COUNTED).subquery()
_OLDEST = select(AuditUnsealed.entry_id).order_by(AuditUnsealed.entry_id).limit(1).scalar_subquery()


def _or(check: Callable[[paths.Node], bool], *, worst: bool) -> Callable[[paths.Node], bool]:
    """The check, or `worst` where a leaf that it needs is not there."""

    def asked(node: paths.Node) -> bool:
        try:
            return check(node)
        except LookupError:
            return worst

    return asked


def _path(node: paths.Node, seq: int, size: int) -> list[bytes]:
    """The path, or none where a leaf is gone: the verifier will say so."""
    try:
        return paths.inclusion(node, seq, size)
    except LookupError:
        return []


def _holds(head: Checkpoint, seq: int, leaf: bytes) -> Callable[[paths.Node], bool]:
    def holds(node: paths.Node) -> bool:
        path = paths.inclusion(node, seq, head.size)
        return merkle.verify_inclusion(merkle.leaf_hash(leaf), seq, head.size, path, head.root)

    return holds


def _opened(head: Checkpoint, keys: Sequence[bytes]) -> checkpoint.Signed | None:
    """What the note says under our keys, if that is what stands beside it."""
    try:
        signed = checkpoint.opened(head.note, keys)
    except ValueError:
        return None
    return signed if (signed.size, signed.root) == (head.size, head.root) else None


def _backlog(session: Session) -> tuple[int, datetime | None]:
    """How many entries no checkpoint covers, and since when the oldest waits."""
    waiting = session.scalar(select(func.count()).select_from(_WAITING)) or 0
    unsigned = session.scalar(select(AuditTree.size - AuditTree.signed_size)) or 0
    since = session.scalar(select(AuditEntry.at).where(AuditEntry.id == _OLDEST)) if waiting else None
    return min(waiting + unsigned, MOST_COUNTED), since


def _extend(session: Session, levels: list[list[bytes]], whole: int) -> bool:
    """Add perfect subtrees of up to MOST_LEAVES more leaves; each joins its left neighbour as soon as it can.

    True when a leaf is gone: nothing that needs what is right of it can be proved.
    """
    left = MOST_LEAVES
    while left > 0 and len(levels[0]) < whole:
        start = len(levels[0]) * WIDTH
        end = min(start + _PAGE, whole * WIDTH)
        hashes = _contiguous(session, start, end)
        for at in range(0, len(hashes) - WIDTH + 1, WIDTH):
            _add(levels, merkle.root(hashes[at : at + WIDTH]))
        if len(hashes) < end - start:
            return True
        left -= end - start
    return False


def _add(levels: list[list[bytes]], node: bytes) -> None:
    for level in levels:
        level.append(node)
        if len(level) & 1:
            return
        node = merkle.node_hash(level[-2], level[-1])
    levels.append([node])


def _contiguous(session: Session, start: int, end: int) -> list[bytes]:
    """The hashes of these leaves as far as they run on."""
    rows = session.execute(_HASHES, {"start": start, "end": end})
    return [bytes(kept) for expected, (seq, kept) in enumerate(rows, start) if seq == expected]
