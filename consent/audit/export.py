"""The log as a file that anybody can verify without us: JSON Lines, described in FORMAT.md ("A file of the log").

What is stored is written out as it is, also when it is damaged: to say so is the verifier's part.
"""

import json
from base64 import b64encode
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from consent.audit import checkpoint, seal
from consent.audit.merkle import Edge
from consent.audit.models import AuditCheckpoint, AuditEntry, AuditLeaf, AuditTree, AuditUnsealed
from consent.audit.proofs import Prover
from consent.audit.seal import Checkpoint
from consent.errors import NotFound

FORMAT = "yinyom-log/1"
PAGE = 1000


def whole(session: Session, keys: Sequence[bytes], *, since: int = 0, upto: int | None = None) -> Iterator[str]:
    """Every leaf from `since` to the newest checkpoint (of at most `upto` leaves), with all checkpoints between.

    `keys`: 32 octets each.

    Raises: NotFound when nothing is signed yet, or not as far as `since`.
    """
    head = _newest(session, upto)
    if not 0 <= since <= head.size:
        raise NotFound(f"The signed log has {head.size} entries.", code="since")
    return _whole(session, head, keys, since)


def selected(
    session: Session, keys: Sequence[bytes], entry_ids: Sequence[UUID], *, prover: Prover | None = None
) -> Iterator[str]:
    """Some entries, each with its path to the root of the newest checkpoint; nothing is said of the others.

    `prover` spares reading the whole tree again. Raises: NotFound when one of them is not sealed yet, or is not there.
    """
    head = _newest(session)
    rows: list[Any] = []
    for at in range(0, len(entry_ids), PAGE):
        asked = AuditLeaf.entry_id.in_(entry_ids[at : at + PAGE])
        rows += session.execute(_LEAVES.where(asked, AuditLeaf.seq < head.size)).all()
    if len(rows) != len(set(entry_ids)):
        raise NotFound("An entry is not in the signed log; entries are sealed each second.", code="entry")
    prover, paths = prover or Prover(), None
    while paths is None:  # each round reads more of a long log
        paths = prover.proofs(session, head, [row[0] for row in rows])
    lines = (_leaf(*row, path=paths[row[0]]) for row in sorted(rows))
    return chain([_head(head, keys, Edge(), selected=True)], lines)


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
    for note in _notes(session, since, head.size):
        yield _line({"checkpoint": note})
    # An entry that is neither numbered nor waiting never came through `log.append`.
    for leaf in _strays(session):
        yield _line({"stray": _base64(leaf)})


def _newest(session: Session, upto: int | None = None) -> Checkpoint:
    head = seal.latest(session, at_most=upto)
    if head is None:
        raise NotFound("Nothing is signed yet: run `idp log seal`, or wait a second for the worker.", code="unsealed")
    return head


def _strays(session: Session) -> Iterator[bytes]:
    """Page by page of the whole log: one statement over all of it takes longer than a database may."""
    last = UUID(int=0)
    while True:
        page = select(AuditEntry.id).where(AuditEntry.id > last).order_by(AuditEntry.id).limit(PAGE).subquery()
        end = session.scalar(select(page.c.id).order_by(page.c.id.desc()).limit(1))
        if end is None:
            return
        yield from map(bytes, session.scalars(_OUTSIDE.where(AuditEntry.id > last, AuditEntry.id <= end)))
        last = end


def _end(session: Session, head: Checkpoint) -> int:
    """The checkpoint's size: what is numbered and not signed waits for the next. What nobody numbered is shown."""
    end = select(func.coalesce(func.max(AuditLeaf.seq) + 1, 0)).scalar_subquery()
    numbered = select(func.coalesce(func.max(AuditTree.size), 0)).scalar_subquery()
    ends_at, known = session.execute(select(end, numbered)).one()
    return int(ends_at) if ends_at > known else head.size


def _hashes(session: Session, end: int) -> Iterator[bytes]:
    """Page by page: a log may be larger than memory."""
    for start in range(0, end, PAGE):
        page = (AuditLeaf.seq >= start, AuditLeaf.seq < min(start + PAGE, end))
        yield from map(bytes, session.scalars(select(AuditLeaf.leaf_hash).where(*page).order_by(AuditLeaf.seq)))


def _notes(session: Session, since: int, end: int) -> Iterator[str]:
    """Every checkpoint of at least `since` and less than `end` leaves, page by page."""
    query = select(AuditCheckpoint.size, AuditCheckpoint.note).order_by(AuditCheckpoint.size).limit(PAGE)
    while rows := session.execute(query.where(AuditCheckpoint.size >= since, AuditCheckpoint.size < end)).all():
        yield from (row.note for row in rows)
        since = rows[-1].size + 1


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
