"""PURE, offline: does this file hold the log that was signed? One file; standard library and `cryptography` only.

    python verify.py FILE [--key KEY]... [--previous CHECKPOINT_OR_EARLIER_FILE] [--json]

It shares no line with the server: `FORMAT.md` was read twice, by two programs. Exit codes: 0 ok, 2 cannot be judged,
10 altered, 11 missing, 12 reordered, 13 truncated, 14 fork, 15 bad signature. Without --key the keys inside the file
are taken, which shows damage but not who signed: compare them with keys that reached you another way. Without
--previous nobody can see that a whole log was replaced or set back: keep the checkpoints that you have seen.
"""

import argparse
import base64
import hashlib
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from functools import reduce
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT = "yinyom-log/1"
LEAF, NODE, HASH_BYTES, ID_BYTES = b"\x00", b"\x01", 32, 4
NEEDED = {"id", "at", "event", "actor_kind", "actor", "outcome"}
UNUSABLE = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
OK, UNREADABLE, ALTERED, MISSING, REORDERED, TRUNCATED, FORK, BAD_SIGNATURE = 0, 2, 10, 11, 12, 13, 14, 15
NAMES = ["ok", "", "unreadable", *[""] * 7, "altered", "missing", "reordered", "truncated", "fork", "bad signature"]


class Bad(Exception):  # noqa: N818 -- the first thing found; it ends the search
    """Verdict, message, index and, when the place is only known as index <= place < up_to, that end."""


class Row(NamedTuple):
    """One leaf of a file: its number, the hash that it had when it was sealed, its bytes, its path to the root."""

    seq: int
    hash: bytes
    leaf: bytes
    path: list[bytes]


@dataclass
class LogFile:
    """A file as it was read: believed only after its signature. `edge`: the perfect subtrees left of `start`."""

    note: str
    keys: list[str]
    start: int
    edge: list[bytes]
    selected: bool
    rows: list[Row] = field(default_factory=list)
    earlier: list[str] = field(default_factory=list)
    strays: list[bytes] = field(default_factory=list)
    origin: str = ""
    size: int = 0
    root: bytes = b""


@dataclass
class Report:
    """The answer. `first_bad_index` is exact unless `up_to` says that it lies between the two."""

    verdict: str = "ok"
    code: int = 0
    message: str = "What is here is what was signed, unchanged and in order."
    first_bad_index: int | None = None
    up_to: int | None = None
    origin: str = ""
    size: int = 0
    root: str = ""
    leaves: int = 0
    keys_from: str = ""


def check(lines: Iterable[str], *, keys: Sequence[str] = (), previous: str = "") -> Report:
    """Judge a file. `keys` are trusted; `previous` is a checkpoint or an earlier file that was kept."""
    report = Report(keys_from="you" if keys else "the file itself")
    try:
        file = _read(lines)
        file.origin, file.size, file.root = _open_note(file.note, keys or file.keys)
        report.origin, report.size, report.leaves = file.origin, file.size, len(file.rows)
        report.root = base64.b64encode(file.root).decode()
        (_check_selection if file.selected else _check_tree)(file, [*keys, *file.keys])
        _check_entries(file)
        if previous:
            _check_previous(file, previous, keys or file.keys)
    except Bad as bad:
        report.code, report.message, report.first_bad_index, report.up_to = (*bad.args, None, None)[:4]
        report.verdict = NAMES[report.code]
    return report


def _read(lines: Iterable[str]) -> LogFile:
    rest = iter(lines)
    try:
        head = json.loads(next(rest, ""))
        edge = [_unbase64(node, HASH_BYTES) for node in head["edge"]]
        file = LogFile(head["checkpoint"], head["keys"], head["start"], edge, selected=bool(head["selected"]))
        if head["format"] != FORMAT or file.start < 0 or file.start.bit_count() != len(edge):
            raise ValueError
    except UNUSABLE as error:
        raise Bad(UNREADABLE, "This is not a file of the log.") from error
    for text in rest:
        try:
            line = json.loads(text)
            if "checkpoint" in line:
                file.earlier.append(line["checkpoint"])
            elif "stray" in line:
                file.strays.append(_unbase64(line["stray"]))
            else:
                path = [_unbase64(node, HASH_BYTES) for node in line.get("path", [])]
                file.rows.append(
                    Row(int(line["seq"]), _unbase64(line["hash"], HASH_BYTES), _unbase64(line["leaf"]), path)
                )
        except UNUSABLE as error:
            raise Bad(ALTERED, "A line cannot be read.", file.start + len(file.rows)) from error
    return file


def _unbase64(word: str, length: int | None = None) -> bytes:
    octets = base64.b64decode(word, validate=True)
    if base64.b64encode(octets).decode() != word or length not in (None, len(octets)):
        raise ValueError("not base64, or not of that length")
    return octets


def _open_note(note: str, keys: Sequence[str]) -> tuple[str, int, bytes]:
    """Origin, size, root (C2SP signed-note, tlog-checkpoint). Lines of unknown keys (witnesses) are passed over."""
    try:
        text, signatures = note.rsplit("\n\n", 1)
        known = dict(_parse_key(key) for key in keys)
        signers = set()
        for line in signatures.removesuffix("\n").split("\n"):
            dash, name, coded = line.split(" ")
            signed = _unbase64(coded)
            if dash == "—" and (key := known.get((name, signed[:ID_BYTES]))):
                key.verify(signed[ID_BYTES:], f"{text}\n".encode())
                signers.add(name)
        origin, size, root = text.split("\n")
        if origin not in signers or size != str(int(size)) or int(size) < 0:
            raise ValueError
        return origin, int(size), _unbase64(root, HASH_BYTES)
    except (*UNUSABLE, InvalidSignature) as error:
        raise Bad(BAD_SIGNATURE, "No key that is trusted signed this checkpoint as it stands.") from error


def _parse_key(key: str) -> tuple[tuple[str, bytes], Ed25519PublicKey]:
    name, key_id, coded = key.strip().split("+", 2)
    octets = _unbase64(coded, 1 + HASH_BYTES)
    if octets[:1] != b"\x01" or _hash(name.encode(), b"\n", octets)[:ID_BYTES].hex() != key_id:
        raise ValueError("not a verifier key")
    return (name, bytes.fromhex(key_id)), Ed25519PublicKey.from_public_bytes(octets[1:])


def _hash(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def _roots_at(sizes: Iterable[int], file: LogFile) -> dict[int, bytes]:
    """RFC 6962 section 2.1, from left to right: the root at each of these sizes that the file reaches."""
    wanted, found, stack = set(sizes), {}, list(file.edge)
    for size, row in enumerate([None, *file.rows], file.start):
        if row is not None:
            node, carry = row.hash, size - 1
            while carry & 1:
                node, carry = _hash(NODE, stack.pop(), node), carry >> 1
            stack.append(node)
        if size in wanted:
            found[size] = reduce(lambda right, left: _hash(NODE, left, right), reversed(stack)) if stack else _hash()
    return found


def _check_order(file: LogFile) -> None:
    numbers = {row.seq for row in file.rows}
    for expected, row in enumerate(file.rows, file.start):
        if row.seq != expected:
            found = ALTERED if row.seq < expected else REORDERED
            raise Bad(found if expected in numbers else MISSING, "The leaves do not run on.", expected)


def _check_tree(file: LogFile, keys: Sequence[str]) -> None:
    """The numbers run on, the hashes give the root of every checkpoint, and the bytes give the hashes."""
    _check_order(file)
    signed = {_open_note(note, keys)[1:] for note in (file.note, *file.earlier)}
    found = _roots_at((size for size, _ in signed), file)
    wrong = min((size for size, root in signed if found.get(size, root) != root), default=None)
    good = max((size for size in found if wrong is None or size < wrong), default=file.start)
    end = file.start + len(file.rows)
    if wrong is not None and found.get(file.size) == file.root:
        raise Bad(FORK, "The log has signed two trees that contradict each other.", good, wrong)
    _check_bytes(file, end if wrong is None else wrong)
    if wrong is not None:
        raise _between(file, good, wrong, end - file.size)
    if end < file.size:
        raise Bad(TRUNCATED, "The end of the log is not there.", end)
    if end > file.size:
        raise Bad(ALTERED, "There are more leaves than were signed.", file.size)


def _check_bytes(file: LogFile, end: int) -> None:
    hashes = {row.hash for row in file.rows}
    for row in file.rows[: end - file.start]:
        hashed = _hash(LEAF, row.leaf)
        if hashed != row.hash or not row.leaf:
            found = REORDERED if hashed in hashes else ALTERED
            raise Bad(found if row.leaf else MISSING, "The entry is not the one that was sealed.", row.seq)


def _between(file: LogFile, good: int, wrong: int, surplus: int) -> Bad:
    """Bytes and hashes were changed together: what can be said is between two checkpoints, of which one holds."""
    if surplus:
        told = "A leaf was put in." if surplus > 0 else "A leaf is gone and the others have moved up."
        return Bad(ALTERED if surplus > 0 else MISSING, told, good, wrong)
    ids = [_entry_id(row.leaf, row.seq) for row in file.rows[good - file.start : wrong - file.start + 1]]
    for at, (one, following) in enumerate(pairwise(ids), good):
        if one > following:  # The sealer takes a second's entries by id: the first that is too high is out of place.
            return Bad(REORDERED, "Leaves stand in another order.", at, wrong)
    return Bad(ALTERED, "A leaf is not what was signed.", good, wrong)


def _check_selection(file: LogFile, _keys: Sequence[str]) -> None:
    """RFC 9162 section 2.1.3.2 for each leaf."""
    if not file.rows:
        raise Bad(UNREADABLE, "There is no entry in this file.")
    for row in file.rows:
        node, index, last = _hash(LEAF, row.leaf), row.seq, file.size - 1
        for sibling in row.path:
            right = index & 1 or index == last
            node = _hash(NODE, sibling, node) if right else _hash(NODE, node, sibling)
            while right and index and not index & 1:
                index, last = index >> 1, last >> 1
            index, last = index >> 1, last >> 1 if last else -1
        if not 0 <= row.seq < file.size or last != 0 or node != file.root:
            raise Bad(ALTERED, "The tree does not hold this entry in this place.", row.seq)


def _check_entries(file: LogFile) -> None:
    seen = dict[str, int]()
    for row in file.rows:
        if seen.setdefault(_entry_id(row.leaf, row.seq), row.seq) != row.seq:
            raise Bad(ALTERED, "An entry stands in the log twice.", row.seq)
    for stray in (_entry_id(leaf, file.start) for leaf in file.strays):
        before = sum(known < stray for known in seen)
        raise Bad(ALTERED, "An entry was put in that was never sealed.", file.start + before)


def _entry_id(leaf: bytes, seq: int) -> str:
    """The id of an entry in its canonical bytes: FORMAT.md, "Canonical form"."""
    try:
        entry = json.loads(leaf[1:].decode())
        written = json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
        if leaf != b"\x01" + written.encode() or not entry.keys() >= NEEDED or not all(entry.values()):
            raise ValueError
        return str(UUID(entry["id"]))
    except UNUSABLE as error:
        raise Bad(ALTERED, "These bytes are not what an entry is made of.", seq) from error


def _check_previous(file: LogFile, previous: str, keys: Sequence[str]) -> None:
    """The log that was seen earlier is the beginning of this one."""
    earlier = _read(previous.splitlines()) if previous.startswith("{") else None
    origin, size, root = _open_note(earlier.note if earlier else previous, keys)
    found = {file.size: file.root} | ({} if file.selected else _roots_at([size], file))
    if origin == file.origin and size > file.size:
        raise Bad(TRUNCATED, "The log was longer when it was seen before.", file.size, size)
    if origin != file.origin or size not in found:
        raise Bad(UNREADABLE, "The earlier checkpoint cannot be compared with this file: take a full one.")
    if found[size] != root:
        now = {row.seq: row.hash for row in file.rows}
        differ = [row.seq for row in (earlier.rows if earlier else []) if now.get(row.seq, row.hash) != row.hash]
        place = (differ[0], None) if differ else (file.start, size)
        raise Bad(FORK, "The log has signed another past than the one that was seen before.", *place)


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge a file and say so; the exit code."""
    parser = argparse.ArgumentParser(description="Verify a file of the log, offline.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--key", action="append", default=[], help="a public key that you trust: name+id+base64")
    parser.add_argument("--previous", type=Path, help="a checkpoint or an earlier file that you have kept")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    if not all(path.is_file() for path in (asked.file, asked.previous or asked.file)):
        parser.error("there is no such file")
    previous = asked.previous.read_text(encoding="utf-8", errors="replace") if asked.previous else ""
    with asked.file.open(encoding="utf-8", errors="replace") as lines:
        report = check(lines, keys=asked.key, previous=previous)
    told = [f"{name.replace('_', ' ')}: {value}" for name, value in asdict(report).items() if value not in (None, "")]
    sys.stdout.write((json.dumps(asdict(report), indent=2) if asked.json else "\n".join(told)) + "\n")
    return report.code


if __name__ == "__main__":
    sys.exit(main())
