"""The verifier: every kind of tampering at random places is named, and a whole log raises no alarm (X26)."""

import json
import random
import subprocess
import sys
from base64 import b64decode, b64encode
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, event, insert, select, update

from consent.audit import checkpoint, entry, export, log, merkle, seal, verify
from consent.audit.merkle import Edge
from consent.audit.models import AuditCheckpoint, AuditEntry, AuditLeaf, AuditTree, AuditUnsealed
from consent.db import new_id, table_of
from consent.errors import NotFound
from tests.consent.audit.sealing import ORIGIN, LogKey, exported, judged, leaves, sealed, write
from tests.consent.audit.test_seal import unguarded
from tests.fakes import NOW

NOTES = json.loads((Path(__file__).parents[2] / "vectors/c2sp-signed-note.json").read_text(encoding="utf-8"))["notes"]
BATCHES = (7, 1, 5, 8, 2, 7)
SIZE = sum(BATCHES)
PLACES = 12
ENTRY, LEAF, TREE, POINT = (table_of(model) for model in (AuditEntry, AuditLeaf, AuditTree, AuditCheckpoint))


@pytest.fixture
def key():
    return LogKey()


@pytest.fixture
def ids(sessions, key):
    return sealed(sessions, key, *BATCHES)


# --- as the superuser of the database: (what is done to place i of the log, the verdict, whether the place is exact)


def rewrite(leaf, **changes):
    """A well-formed entry that says something else."""
    members = json.loads(leaf[1:]) | changes
    return b"\x01" + entry.canonical(members)


def flip_a_bit(session, ids, i, dice):
    leaf = bytearray(leaves(session)[ids[i]])
    leaf[dice.randrange(len(leaf))] ^= 1 << dice.randrange(8)
    session.execute(update(ENTRY).where(ENTRY.c.id == ids[i]).values(leaf_bytes=bytes(leaf)))


def edit(session, ids, i, _dice):
    leaf = rewrite(leaves(session)[ids[i]], outcome="denied")
    session.execute(update(ENTRY).where(ENTRY.c.id == ids[i]).values(leaf_bytes=leaf))


def edit_and_hide(session, ids, i, dice):
    edit(session, ids, i, dice)
    hashed = merkle.leaf_hash(leaves(session)[ids[i]])
    session.execute(update(LEAF).where(LEAF.c.seq == i).values(leaf_hash=hashed))


def delete_the_entry(session, ids, i, _dice):
    session.execute(delete(ENTRY).where(ENTRY.c.id == ids[i]))


def delete_the_place(session, _ids, i, _dice):
    session.execute(delete(LEAF).where(LEAF.c.seq == i))


def delete_both(session, ids, i, dice):
    delete_the_entry(session, ids, i, dice)
    delete_the_place(session, ids, i, dice)


def move_up(session, first, by):
    """Renumber the places from `first` on, one by one, so that no number is held twice meanwhile."""
    numbers = sorted(session.scalars(select(LEAF.c.seq).where(LEAF.c.seq >= first)), reverse=by > 0)
    for seq in numbers:
        session.execute(update(LEAF).where(LEAF.c.seq == seq).values(seq=seq + by))


def delete_and_hide(session, ids, i, dice):
    delete_both(session, ids, i, dice)
    move_up(session, i, -1)


def swap_the_bytes(session, ids, i, dice):
    other = ids[i + 1 + dice.randrange(SIZE - i - 1)]
    held = leaves(session)
    for one, leaf in ((ids[i], held[other]), (other, held[ids[i]])):
        session.execute(update(ENTRY).where(ENTRY.c.id == one).values(leaf_bytes=leaf))


def swap_the_places(session, _ids, i, dice):
    """Number and hash go along, so that only the root tells."""
    j = i + 1 + dice.randrange(SIZE - i - 1)
    for old, new in ((i, -1), (j, i), (-1, j)):
        session.execute(update(LEAF).where(LEAF.c.seq == old).values(seq=new))


def cut_the_tail(session, _ids, i, _dice):
    session.execute(delete(LEAF).where(LEAF.c.seq >= i))


def put_in(session, ids, i):
    """An entry of long ago, with an id just below that of place i."""
    made = UUID(int=ids[i].int - 1)
    leaf = rewrite(leaves(session)[ids[i]], id=str(made))
    row = dict(session.execute(select(ENTRY).where(ENTRY.c.id == ids[i])).mappings().one())
    session.execute(insert(ENTRY), row | {"id": made, "leaf_bytes": leaf})
    return made, leaf


def put_in_an_entry(session, ids, i, _dice):
    put_in(session, ids, i)


def put_in_and_hide(session, ids, i, _dice):
    made, leaf = put_in(session, ids, i)
    move_up(session, i, 1)
    session.execute(insert(LEAF), {"seq": i, "entry_id": made, "leaf_hash": merkle.leaf_hash(leaf)})


def spoil_a_checkpoint(session, _ids, i, _dice):
    size = session.scalars(select(POINT.c.size).order_by(POINT.c.size)).all()[i % len(BATCHES)]
    note = session.scalar(select(POINT.c.note).where(POINT.c.size == size))
    root = merkle.leaf_hash(str(i).encode())
    forged = "\n".join([*note.split("\n")[:2], b64encode(root).decode(), *note.split("\n")[3:]])
    session.execute(update(POINT).where(POINT.c.size == size).values(note=forged))


EXACT, BETWEEN, NOWHERE = "exact", "between", "nowhere"
TAMPERING = [
    (flip_a_bit, "altered", EXACT),
    (edit, "altered", EXACT),
    (edit_and_hide, "altered", BETWEEN),
    (delete_the_entry, "missing", EXACT),
    (delete_the_place, "missing", EXACT),
    (delete_both, "missing", EXACT),
    (delete_and_hide, "missing", BETWEEN),
    (swap_the_bytes, "reordered", EXACT),
    (swap_the_places, "reordered", BETWEEN),
    (cut_the_tail, "truncated", EXACT),
    (put_in_an_entry, "altered", EXACT),
    (put_in_and_hide, "altered", BETWEEN),
    (spoil_a_checkpoint, "bad signature", NOWHERE),
]


@pytest.mark.parametrize(("tamper", "verdict", "place"), TAMPERING, ids=lambda one: getattr(one, "__name__", None))
def test_tampering_is_named_with_its_place(sessions, key, ids, *, tamper, verdict, place):
    """X26. Whoever changes the hashes along with the bytes is still held between two signed checkpoints."""
    dice = random.Random(tamper.__name__)  # noqa: S311 -- places, not secrets
    for i in dice.sample(range(SIZE - 2), PLACES):
        with sessions.write() as session:
            unguarded(session)
            tamper(session, ids, i, dice)
            report = judged(session, key)
            session.rollback()
        hidden_tail = tamper is delete_and_hide and i >= SIZE - BATCHES[-1]
        assert (report.verdict, report.code) == (
            "truncated" if hidden_tail else verdict,
            13 if hidden_tail else verify.NAMES.index(verdict),
        ), (i, report)
        if place == EXACT and tamper not in (cut_the_tail, delete_the_place, delete_both):
            assert (report.first_bad_index, report.up_to) == (i, None), report
        elif place == EXACT:
            assert report.first_bad_index == i, report
        elif place == BETWEEN and not hidden_tail:
            assert within_its_batch(report, i), (i, report)

    with sessions.reading() as session:
        assert judged(session, key).verdict == "ok"


def within_its_batch(report, i):
    """The place lies between the two checkpoints around it; if an index is named inside, it is the place."""
    edges = [sum(BATCHES[:n]) for n in range(len(BATCHES) + 1)]
    start = max(edge for edge in edges if edge <= i)
    return start <= report.first_bad_index <= i < report.up_to == min(edge for edge in edges if edge > i)


def test_a_log_that_nobody_touched_raises_no_alarm(sessions, key, ids):
    """X26: false alarms 0, at every size, from every start."""
    with sessions.reading() as session:
        for since in range(SIZE + 1):
            report = verify.check(exported(session, key, since=since), keys=[key.trusted])
            assert (report.verdict, report.size, report.keys_from) == ("ok", len(ids), "you")
        assert judged(session, key, trusted=False).keys_from == "the file itself"


# --- what only an earlier checkpoint shows


def fork(sessions, key, ids, at):
    """The whole past from `at` on, written anew and signed with the real key: the file agrees with itself."""
    with sessions.writing() as session:
        unguarded(session)
        edit(session, ids, at, None)
        hashed = [merkle.leaf_hash(leaves(session)[one]) for one in ids]
        for seq, one in enumerate(hashed):
            session.execute(update(LEAF).where(LEAF.c.seq == seq).values(leaf_hash=one))
        for size in session.scalars(select(POINT.c.size)).all():
            root = merkle.root(hashed[:size])
            text = checkpoint.text(ORIGIN, size, root)
            note = checkpoint.note(ORIGIN, text, key.sign(text), key.public)
            session.execute(update(POINT).where(POINT.c.size == size).values(note=note, root=root))
        edge = Edge().grow(hashed)
        session.execute(update(TREE).values(edge=edge.to_bytes(), signed_edge=edge.to_bytes()))


@pytest.mark.parametrize("at", [0, 6, 7, 13, 20])
def test_a_fork_signed_with_the_real_key_is_known_by_an_earlier_checkpoint(sessions, key, ids, at):
    """X26: without a witness nobody can know; with the earlier file, the very place."""
    with sessions.reading() as session:
        seen, kept = seal.latest(session, at_most=21), "".join(exported(session, key))
    fork(sessions, key, ids, at)

    with sessions.reading() as session:
        assert judged(session, key).verdict == "ok"
        by_note, by_file = judged(session, key, previous=seen.note), judged(session, key, previous=kept)

    assert (by_note.verdict, by_note.code, by_note.first_bad_index, by_note.up_to) == ("fork", 14, 0, 21)
    assert (by_file.verdict, by_file.first_bad_index, by_file.up_to) == ("fork", at, None)


def test_a_log_set_back_is_known_by_an_earlier_checkpoint(sessions, key, ids):
    """X26: yesterday's backup agrees with itself."""
    with sessions.reading() as session:
        today, yesterday = seal.latest(session), seal.latest(session, at_most=13)
        hashed = [merkle.leaf_hash(leaves(session)[one]) for one in ids]
    with sessions.writing() as session:
        unguarded(session)
        session.execute(delete(POINT).where(POINT.c.size > 13))
        session.execute(delete(LEAF).where(LEAF.c.seq >= 13))
        session.execute(delete(ENTRY).where(ENTRY.c.id.in_(ids[13:])))
        edge = Edge().grow(hashed[:13]).to_bytes()
        session.execute(update(TREE).values(size=13, signed_size=13, edge=edge, signed_edge=edge))

    with sessions.reading() as session:
        assert judged(session, key, previous=yesterday.note).verdict == "ok"
        report = judged(session, key, previous=today.note)
    assert (report.verdict, report.first_bad_index, report.up_to) == ("truncated", 13, SIZE)


def test_two_trees_in_one_file_are_a_fork(sessions, key, ids):  # noqa: ARG001
    """An earlier checkpoint, rightly signed, that is not of this tree."""
    text = checkpoint.text(ORIGIN, 13, merkle.leaf_hash(b"another"))
    with sessions.writing() as session:
        unguarded(session)
        note = checkpoint.note(ORIGIN, text, key.sign(text), key.public)
        session.execute(update(POINT).where(POINT.c.size == 13).values(note=note))

    with sessions.reading() as session:
        report = judged(session, key)
    assert (report.verdict, report.first_bad_index, report.up_to) == ("fork", 8, 13)


@pytest.mark.parametrize("size", [7, 8, 13, SIZE])
def test_a_log_that_grew_is_consistent_with_each_checkpoint_of_its_past(sessions, key, ids, size):  # noqa: ARG001
    """Also from a file that begins later, if it reaches back far enough."""
    with sessions.reading() as session:
        seen = seal.latest(session, at_most=size)
        assert seen.size == size
        for since in (0, size):
            lines = exported(session, key, since=since)
            assert verify.check(lines, keys=[key.trusted], previous=seen.note).verdict == "ok"
        if size < SIZE:
            late = verify.check(exported(session, key, since=size + 1), keys=[key.trusted], previous=seen.note)
            assert (late.verdict, late.code) == ("unreadable", 2)


def test_an_earlier_part_and_a_later_part_fit_together(sessions, key, ids):  # noqa: ARG001
    """Monthly files: the edge of the next is the root of the last."""
    with sessions.reading() as session:
        seen = seal.latest(session, at_most=13)
        first, *rest = exported(session, key, since=13)
    head = json.loads(first)
    head["edge"][0] = b64encode(merkle.leaf_hash(b"x")).decode()

    report = verify.check([json.dumps(head), *rest], keys=[key.trusted], previous=seen.note)

    assert report.code != 0


def test_what_never_came_through_the_log_is_shown_page_by_page(sessions, key, ids, monkeypatch):  # noqa: ARG001
    """One statement over the whole log outlasts a database's patience, and the file would break off in the middle."""
    monkeypatch.setattr(export, "PAGE", 4)
    with sessions.writing() as session:
        written = write(session, 9)
        smuggled = [written[at] for at in (0, 3, 8)]
        session.execute(delete(AuditUnsealed).where(AuditUnsealed.entry_id.in_(smuggled)))
    statements = []

    with sessions.reading() as session:

        def note(_connection, _cursor, statement, *_rest):
            statements.append(statement)

        event.listen(session.connection(), "before_cursor_execute", note)
        lines = [json.loads(line) for line in exported(session, key)]
        expected = [b64encode(leaf).decode() for entry_id, leaf in leaves(session).items() if entry_id in smuggled]

    assert sorted(line["stray"] for line in lines if "stray" in line) == sorted(expected)
    reading = [said for said in statements if "audit_entry" in said and "EXISTS" in said]
    assert len(reading) == -(-(SIZE + 9) // 4)
    assert all("audit_entry.id > " in said for said in reading)


# --- signatures and keys


def test_another_key_is_not_trusted(sessions, key, ids):  # noqa: ARG001
    """A file can bring any key it likes; only what the auditor was given counts."""
    with sessions.reading() as session:
        lines = exported(session, key)

    report = verify.check(lines, keys=[LogKey().trusted])

    assert (report.verdict, report.code) == ("bad signature", 15)


def test_a_log_goes_on_under_a_new_key(sessions, key, ids):
    """DECISIONS 6: the old public half stays, for the checkpoints that it signed."""
    new = LogKey()
    with sessions.writing() as session:
        write(session, 2)
    seal.seal(sessions, new, origin=ORIGIN, now=NOW)

    with sessions.reading() as session:
        lines = list(export.whole(session, [key.public, new.public]))
        old = seal.latest(session, at_most=len(ids))
        assert verify.check(lines).verdict == "ok"
        assert verify.check(lines, keys=[new.trusted]).verdict == "ok"
        assert verify.check(lines, keys=[key.trusted]).verdict == "bad signature"
        assert verify.check(lines, keys=[key.trusted, new.trusted], previous=old.note).verdict == "ok"


@pytest.mark.parametrize("vector", NOTES, ids=lambda v: v["key"].partition("+")[0])
def test_published_notes_verify(vector):
    """C2SP signed-note, by keys and signatures that others made."""
    (name, key_id), public = verify._parse_key(vector["key"])
    text, signatures = vector["note"].rsplit("\n\n", 1)
    signed = b64decode(signatures.split(" ")[2])

    assert signed[:4] == key_id == checkpoint.key_id(name, public.public_bytes_raw())
    assert checkpoint.verifier_key(name, public.public_bytes_raw()) == vector["key"]
    assert checkpoint.note(name, f"{text}\n".encode(), signed[4:], public.public_bytes_raw()) == vector["note"]
    public.verify(signed[4:], f"{text}\n".encode())


def test_the_example_of_the_format_verifies():
    """FORMAT.md, "A checkpoint": whoever writes a reader begins with it."""
    text = (Path(verify.__file__).parent / "FORMAT.md").read_text(encoding="utf-8")
    key, note = text.partition("32 zero octets:\n```\n")[2].split("```\n")[:3:2]
    root = text.partition("SHA-256(0x00 || leaf)`:\n```\n")[2].split("\n")[1]

    assert verify._open_note(note, [key]) == ("id.example/log", 1, bytes.fromhex(root))


@given(st.data())
def test_any_changed_character_of_a_note_is_refused(data):
    """Origin, size, root, key name, signature: nothing of it may differ."""
    key = LogKey(Ed25519PrivateKey.from_private_bytes(bytes(32)))
    text = checkpoint.text(ORIGIN, 5, bytes(32))
    note = checkpoint.note(ORIGIN, text, key.sign(text), key.public)
    at = data.draw(st.integers(0, len(note) - 1))
    other = note[:at] + data.draw(st.characters(exclude_characters=note[at])) + note[at + 1 :]

    assert verify._open_note(note, [key.trusted]) == (ORIGIN, 5, bytes(32))
    with pytest.raises(verify.Bad):
        verify._open_note(other, [key.trusted])


def test_the_line_of_a_witness_is_passed_over():
    """C2SP signed-note: unknown keys are ignored; a known one that fails rejects the note."""
    key, witness = LogKey(), LogKey()
    text = checkpoint.text(ORIGIN, 5, bytes(32))
    theirs = checkpoint.note("witness.example", text, witness.sign(text), witness.public).rpartition("\n\n")[2]
    note = checkpoint.note(ORIGIN, text, key.sign(text), key.public) + theirs

    assert verify._open_note(note, [key.trusted])[1] == 5
    with pytest.raises(verify.Bad):
        verify._open_note(note, [checkpoint.verifier_key("witness.example", witness.public)])


# --- a selection


def test_some_entries_are_proved_each_by_its_path(sessions, key, ids):
    """An entry can be shown to somebody without the rest of the log."""
    with sessions.reading() as session:
        for one in ids:
            lines = list(export.selected(session, [key.public], [one]))
            assert len(lines) == 2
            assert verify.check(lines, keys=[key.trusted]).verdict == "ok"
        several = list(export.selected(session, [key.public], ids[3:9]))
    assert verify.check(several, keys=[key.trusted]).verdict == "ok"


def test_a_selection_with_another_entry_or_place_is_altered(sessions, key, ids):
    """Path, number and bytes belong together."""
    with sessions.reading() as session:
        head, *rest = export.selected(session, [key.public], ids[10:12])
    first, second = map(json.loads, rest)

    for wrong in (
        {"leaf": second["leaf"]},
        {"path": second["path"]},
        {"seq": 9},
        {"seq": -1},
        {"seq": 99},
        {"path": []},
    ):
        report = verify.check([head, json.dumps(first | wrong)], keys=[key.trusted])
        assert (report.verdict, report.first_bad_index) == ("altered", (first | wrong)["seq"])


def test_what_is_not_sealed_cannot_be_selected(sessions, key, ids):
    """Nor what does not exist."""
    with sessions.writing() as session:
        (waiting,) = write(session)
    with sessions.reading() as session:
        for wrong in ([waiting], [new_id()], [ids[0], new_id()]):
            with pytest.raises(NotFound):
                export.selected(session, [key.public], wrong)
        for since in (-1, SIZE + 1):
            with pytest.raises(NotFound):
                export.whole(session, [key.public], since=since)


def test_a_log_without_a_checkpoint_has_no_file(sessions, key):
    """Nothing is signed yet."""
    with sessions.reading() as session, pytest.raises(NotFound, match="signed"):
        export.whole(session, [key.public])


# --- files


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [""],
        ["{}"],
        ["[]"],
        ["null"],
        ["\x00\xff"],
        ['{"format":"yinyom-log/2","keys":[],"checkpoint":"","start":0,"edge":[],"selected":false}'],
        ['{"format":"yinyom-log/1","keys":[],"checkpoint":"","start":3,"edge":[],"selected":false}'],
        ['{"format":"yinyom-log/1","keys":[],"checkpoint":"","start":"3","edge":[],"selected":false}'],
        ["[" * 100_000],
    ],
)
def test_a_file_that_is_none_is_not_judged(lines):
    """Exit code 2, never a stack trace."""
    assert (verify.check(lines).verdict, verify.check(lines).code) == ("unreadable", 2)


LINE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["seq", "hash", "leaf", "path", "checkpoint", "stray"]), inner, max_size=4)
    ),
    max_leaves=6,
)


@given(LINE, st.sampled_from(["format", "keys", "checkpoint", "start", "edge", "selected", ""]), st.data())
def test_no_file_makes_the_verifier_stumble(line, member, data):
    """Whatever stands in it: a verdict, and not ok."""
    key = LogKey(Ed25519PrivateKey.from_private_bytes(bytes(32)))
    text = checkpoint.text(ORIGIN, 1, bytes(32))
    note = checkpoint.note(ORIGIN, text, key.sign(text), key.public)
    head = {
        "format": verify.FORMAT,
        "keys": [key.trusted],
        "checkpoint": note,
        "start": 0,
        "edge": [],
        "selected": False,
    }
    head |= {member: data.draw(LINE)} if member else {}

    assert verify.check([json.dumps(head), json.dumps(line)]).code != 0


def test_every_line_that_is_damaged_is_found(sessions, key, ids):  # noqa: ARG001
    """Also where it is no JSON any more, doubled, gone or in another place."""
    with sessions.reading() as session:
        head, *lines = exported(session, key)
    for i in range(SIZE):
        damaged = {
            ("altered", i): [*lines[:i], lines[i][:-3], *lines[i + 1 :]],
            ("missing", i): [*lines[:i], *lines[i + 1 :]],
        }
        if i + 1 < SIZE:
            damaged["altered", i + 1] = [*lines[: i + 1], lines[i], *lines[i + 1 :]]
            damaged["reordered", i] = [*lines[:i], lines[i + 1], lines[i], *lines[i + 2 :]]
        for (verdict, index), changed in damaged.items():
            report = verify.check([head, *changed], keys=[key.trusted])
            gone = verdict == "missing" and i == SIZE - 1
            assert (report.verdict, report.first_bad_index) == ("truncated" if gone else verdict, index)


def test_what_was_sealed_and_is_no_entry_is_named(key):
    """FORMAT.md, "Reading": the server never seals such bytes; another program might."""
    good = entry.to_bytes(
        entry.Entry(id=log.new_id(), at=NOW, event="consent.given", actor_kind="system", actor="worker")
    )
    for bad in (
        good + b" ",
        b"\x02" + good[1:],
        b"\x01{}",
        rewrite(good, reason=""),
        good.replace(b'"at"', b'"zz"'),
        good,
    ):
        both = [good, bad]
        hashes = [merkle.leaf_hash(leaf) for leaf in both]
        text = checkpoint.text(ORIGIN, 2, merkle.root(hashes))
        note = checkpoint.note(ORIGIN, text, key.sign(text), key.public)
        head = {"format": verify.FORMAT, "keys": [key.trusted], "checkpoint": note, "start": 0, "edge": []}
        rows = [
            {"seq": n, "hash": b64encode(hashes[n]).decode(), "leaf": b64encode(both[n]).decode()} for n in range(2)
        ]
        report = verify.check(map(json.dumps, [head | {"selected": False}, *rows]))
        assert (report.verdict, report.first_bad_index) == ("altered", 1), bad


# --- as an auditor runs it


def run(path, *arguments):
    """The verifier as one file, with nothing of ours on the path."""
    alone = [sys.executable, "-I", "-W", "error", str(path), *map(str, arguments)]
    return subprocess.run(alone, capture_output=True, text=True, check=False, cwd=path.parent, env={})  # noqa: S603


def test_the_verifier_runs_alone(sessions, key, ids, tmp_path):  # noqa: ARG001
    """Issue: on their own machine, with the standard library and `cryptography`."""
    alone, file, note = tmp_path / "verify.py", tmp_path / "log.jsonl", tmp_path / "seen.txt"
    alone.write_bytes(Path(verify.__file__).read_bytes())
    with sessions.reading() as session:
        lines = exported(session, key)
        note.write_text(seal.latest(session, at_most=13).note, encoding="utf-8")
    file.write_text("".join(lines), encoding="utf-8")

    good = run(alone, file, "--key", key.trusted, "--previous", note)
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout.startswith("verdict: ok\n")
    assert f"origin: {ORIGIN}\n" in good.stdout

    file.write_text("".join([*lines[:5], *lines[6:]]), encoding="utf-8")
    bad = run(alone, file, "--json")
    assert bad.returncode == 11
    assert json.loads(bad.stdout)["first_bad_index"] == 4
    assert "first bad index: 4" in run(alone, file).stdout
