"""The log as a file that anybody can verify without us: JSON Lines, described in FORMAT.md ("A file of the log").

What is stored is written out as it is, also when it is damaged: to say so is the verifier's part.
"""

import json
from base64 import b64encode
from collections.abc import Iterator, Sequence
from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from consent.audit import checkpoint, merkle, seal
from consent.audit.merkle import Edge
from consent.audit.models import AuditCheckpoint, AuditEntry, AuditLeaf, AuditTree, AuditUnsealed
from consent.audit.seal import Checkpoint
from consent.errors import NotFound

FORMAT = "yinyom-log/1"
PAGE = 1000


def whole(session: Session, keys: Sequence[bytes], *, since: int = 0) -> Iterator[str]:
    """Every leaf from `since` to the newest checkpoint, with all checkpoints between. `keys`: 32 octets each.

    Raises: NotFound when nothing is signed yet, or not as far as `since`.
    """
    head = _newest(session)
    if not 0 <= since <= head.size:
        raise NotFound(f"The signed log has {head.size} entries.", code="since")
    return _whole(session, head, keys, since)


def selected(session: Session, keys: Sequence[bytes], entry_ids: Sequence[UUID]) -> Iterator[str]:
    """Some entries, each with its path to the root of the newest checkpoint; nothing is said of the others.

    Raises: NotFound when one of them is not sealed yet, or is not there.
    """
    head = _newest(session)
    query = _LEAVES.where(AuditLeaf.entry_id.in_(entry_ids), AuditLeaf.seq < head.size)
    rows = session.execute(query).all()
    if len(rows) != len(set(entry_ids)):
        raise NotFound("An entry is not in the signed log; entries are sealed each second.", code="entry")
    hashes = _hashes(session, head.size)
    paths = (merkle.inclusion_proof(hashes, row[0]) if row[0] < len(hashes) else [] for row in rows)
    lines = [_leaf(*row, path=path) for row, path in zip(rows, paths, strict=True)]
    return iter([_head(head, keys, Edge(), selected=True), *lines])


_LEAVES = (
    select(AuditLeaf.seq, AuditLeaf.leaf_hash, AuditEntry.leaf_bytes)
    .outerjoin(AuditEntry, AuditEntry.id == AuditLeaf.entry_id)
    .order_by(AuditLeaf.seq)
)
_OUTSIDE = select(AuditEntry.leaf_bytes).where(
    ~exists().where(AuditLeaf.entry_id == AuditEntry.id), ~exists().where(AuditUnsealed.entry_id == AuditEntry.id)
)


def _whole(session: Session, head: Checkpoint, keys: Sequence[bytes], since: int) -> Iterator[str]:
    yield _head(head, keys, Edge().grow(_hashes(session, since)), selected=False)
    end = _end(session, head)
    for start in range(since, end, PAGE):
        page = (AuditLeaf.seq >= start, AuditLeaf.seq < min(start + PAGE, end))
        for row in session.execute(_LEAVES.where(*page)).all():
            yield _leaf(*row)
    earlier = select(AuditCheckpoint.note).where(AuditCheckpoint.size >= since, AuditCheckpoint.size < head.size)
    for note in session.scalars(earlier.order_by(AuditCheckpoint.size)):
        yield _line({"checkpoint": note})
    # An entry that is neither numbered nor waiting never came through `log.append`.
    for leaf in session.scalars(_OUTSIDE):
        yield _line({"stray": _base64(bytes(leaf))})


def _newest(session: Session) -> Checkpoint:
    head = seal.latest(session)
    if head is None:
        raise NotFound("Nothing is signed yet: run `idp log seal`, or wait a second for the worker.", code="unsealed")
    return head


def _end(session: Session, head: Checkpoint) -> int:
    """The checkpoint's size: what is numbered and not signed waits for the next. What nobody numbered is shown."""
    end = select(func.coalesce(func.max(AuditLeaf.seq) + 1, 0)).scalar_subquery()
    numbered = select(func.coalesce(func.max(AuditTree.size), 0)).scalar_subquery()
    ends_at, known = session.execute(select(end, numbered)).one()
    return int(ends_at) if ends_at > known else head.size


def _hashes(session: Session, end: int) -> list[bytes]:
    query = select(AuditLeaf.leaf_hash).where(AuditLeaf.seq < end).order_by(AuditLeaf.seq)
    return [bytes(kept) for kept in session.scalars(query)]


def _head(head: Checkpoint, keys: Sequence[bytes], edge: Edge, *, selected: bool) -> str:
    return _line(
        {
            "format": FORMAT,
            "keys": [checkpoint.verifier_key(head.origin, key) for key in keys],
            "checkpoint": head.note,
            "start": edge.size,
            "edge": [_base64(node) for node in edge.nodes],
            "selected": selected,
        }
    )


def _leaf(seq: int, leaf_hash: bytes, leaf: bytes | None, *, path: Sequence[bytes] | None = None) -> str:
    line: dict[str, object] = {"seq": seq, "hash": _base64(bytes(leaf_hash)), "leaf": _base64(bytes(leaf or b""))}
    return _line(line if path is None else line | {"path": [_base64(node) for node in path]})


def _base64(raw: bytes) -> str:
    return b64encode(raw).decode()


def _line(members: dict[str, object]) -> str:
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")) + "\n"
