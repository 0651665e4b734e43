"""The bytes of one entry, by consent/audit/FORMAT.md."""

import hashlib
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.audit import entry as entries
from consent.audit.entry import Entry, EntryError, commitment, from_bytes, shard_of, to_bytes

FORMAT = Path(entries.__file__).with_name("FORMAT.md").read_text(encoding="utf-8")
NAME = "0f" * 16
PLAIN = Entry(
    id=UUID("019ab000-0000-7000-8000-000000000001"),
    at=datetime(2026, 11, 23, 3, 0, 0, 5000, tzinfo=UTC),
    event="consent.given",
    actor_kind="citizen",
    actor=NAME,
)

texts = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=300)
optional = st.one_of(st.just(""), texts)
pseudonyms = st.binary(min_size=16, max_size=16).map(bytes.hex)
ids = st.one_of(st.none(), st.uuids())
instants = st.datetimes(timezones=st.just(UTC)).map(entries.to_the_millisecond)
whole = st.fixed_dictionaries(
    {
        "id": st.uuids(),
        "at": instants,
        "event": texts,
        "actor_kind": st.sampled_from(entries.ACTOR_KINDS),
        "actor": pseudonyms,
        "subject": st.one_of(st.just(""), pseudonyms),
        "client_id": optional,
        "recipient_id": ids,
        "holder": optional,
        "purpose": optional,
        "basis": optional,
        "consent_id": ids,
        "move": st.integers(0, 2**53 - 1),
        "codes": st.lists(texts, max_size=5).map(tuple),
        "acr": optional,
        "ial": optional,
        "outcome": st.sampled_from(entries.OUTCOMES),
        "reason": optional,
        "request_id": st.from_regex(r"[A-Za-z0-9_-]{0,64}", fullmatch=True),
        "detail_c": st.one_of(st.just(""), st.binary(min_size=32, max_size=32).map(bytes.hex)),
    }
).map(lambda fields: Entry(**fields))


@given(whole)
def test_every_entry_reads_back_as_it_was_written(entry):
    """FORMAT.md: one entry, one spelling."""
    assert from_bytes(to_bytes(entry)) == entry


@given(whole)
def test_empty_members_are_absent_and_names_are_sorted(entry):
    """FORMAT.md, "Canonical form"; RFC 8785 section 3.2.3."""
    members = json.loads(to_bytes(entry)[1:])

    assert list(members) == sorted(members)
    assert not {"", 0, None} & {value for value in members.values() if not isinstance(value, list)}
    assert [] not in members.values()


@given(whole, st.data())
def test_no_other_bytes_read_as_the_same_entry(entry, data):
    """FORMAT.md, "Reading": one changed octet is refused or is another entry, never the same one."""
    leaf = bytearray(to_bytes(entry))
    place = data.draw(st.integers(0, len(leaf) - 1))
    leaf[place] ^= data.draw(st.integers(1, 255))

    try:
        read = from_bytes(bytes(leaf))
    except EntryError:
        return
    assert read != entry


@given(st.binary(max_size=200))
def test_rubbish_is_refused_and_breaks_nothing(rubbish):
    """A reader meets whatever lies in the table."""
    with pytest.raises(EntryError):
        from_bytes(b"\x01" + rubbish)


MINIMAL = to_bytes(PLAIN)[1:].decode()


@pytest.mark.parametrize(
    "text",
    [
        MINIMAL.replace('{"actor"', '{ "actor"'),
        MINIMAL.replace("consent.given", "consent\\u002egiven"),
        MINIMAL.replace("{", '{"acr":"",', 1),
        MINIMAL.replace("{", '{"acr":"1","acr":"2.1",', 1),
        MINIMAL.replace('"outcome"', '"move":0,"outcome"'),
        MINIMAL.replace('"outcome"', '"move":1.0,"outcome"'),
        MINIMAL.replace('"outcome"', '"move":true,"outcome"'),
        MINIMAL.replace('"outcome"', '"more":"x","outcome"'),
        MINIMAL.replace("019ab000", "019AB000"),
        MINIMAL.replace(".005Z", ".005000Z"),
        MINIMAL.replace(".005Z", ".005+00:00"),
        MINIMAL.replace("2026-11-23", "2026-13-23"),
        MINIMAL.replace('"outcome":"ok"', '"outcome":"fine"'),
        MINIMAL.replace('"event":"consent.given",', ""),
        MINIMAL.replace(NAME, "x" * 32),
        MINIMAL + "\n",
        "[]",
        "[" * 100_000,
        "null",
        "",
    ],
)
def test_another_spelling_is_refused(text):
    """FORMAT.md, "Reading": parse, write again, compare."""
    with pytest.raises(EntryError):
        from_bytes(b"\x01" + text.encode())


@pytest.mark.parametrize("leaf", [b"", b"\x02" + MINIMAL.encode(), MINIMAL.encode(), b"\x01\xff\xfe"])
def test_another_version_or_encoding_is_refused(leaf):
    """FORMAT.md, "An entry"."""
    with pytest.raises(EntryError):
        from_bytes(leaf)


@pytest.mark.parametrize(
    "changes",
    [
        {"at": datetime(2026, 11, 23, 3, 0, 0, 5001, tzinfo=UTC)},
        {"at": datetime(2026, 11, 23, 3, 0)},  # noqa: DTZ001 -- a naive instant is what is refused
        {"actor_kind": "robot"},
        {"actor": ""},
        {"actor": "Somebody"},
        {"subject": "somebody"},
        {"event": ""},
        {"outcome": "perhaps"},
        {"move": -1},
        {"move": 2**53},
        {"codes": ("a", "")},
        {"codes": ("a",) * 101},
        {"reason": "two\nlines"},
        {"reason": "\ud800"},
        {"reason": "x" * 301},
        {"request_id": "a b"},
        {"detail_c": "00"},
    ],
)
def test_what_the_format_does_not_allow_is_never_written(changes):
    """FORMAT.md, "Members"."""
    with pytest.raises(EntryError):
        to_bytes(replace(PLAIN, **changes))


def test_the_example_of_the_specification_is_true():
    """FORMAT.md, "Example": an auditor's first test of a reader."""
    shown, leaf_hash = re.search(r"```\n\\x01(.*)\n([0-9a-f]{64})\n```", FORMAT).groups()
    leaf = b"\x01" + shown.encode()

    assert to_bytes(from_bytes(leaf)) == leaf
    assert hashlib.sha256(b"\x00" + leaf).hexdigest() == leaf_hash
    assert f"{len(leaf)} octets" in FORMAT


def test_the_specification_names_every_member():
    """FORMAT.md is the contract: no member without a row, no row without a member."""
    rows = re.findall(r"^\| `([a-z_]+)` \|", FORMAT, re.MULTILINE)

    assert sorted(rows) == sorted(Entry.__dataclass_fields__)


def test_text_is_written_as_itself_in_utf_8():
    """RFC 8785 section 3.2.2.2: only what must be escaped is."""
    leaf = to_bytes(replace(PLAIN, reason='ก/"\\'))

    assert '"reason":"ก/\\"\\\\"'.encode() in leaf


def test_an_instant_is_cut_to_the_millisecond_in_utc():
    """FORMAT.md, member `at`: cut off, not rounded."""
    bangkok = timezone(timedelta(hours=7))

    cut = entries.to_the_millisecond(datetime(2026, 1, 1, 6, 59, 59, 999999, tzinfo=bangkok))

    assert cut == datetime(2025, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "shard"),
    [
        (datetime(2026, 1, 1, tzinfo=UTC), "2026Q1"),
        (datetime(2026, 3, 31, 23, 59, tzinfo=UTC), "2026Q1"),
        (datetime(2026, 4, 1, tzinfo=UTC), "2026Q2"),
        (datetime(2026, 12, 31, 23, 59, tzinfo=UTC), "2026Q4"),
        (datetime(2027, 1, 1, 3, 0, tzinfo=timezone(timedelta(hours=7))), "2026Q4"),
    ],
)
def test_a_shard_is_a_quarter_in_utc(at, shard):
    """FORMAT.md, "Pseudonyms": Bangkok's new year comes seven hours early."""
    assert shard_of(at) == shard


def test_a_detail_is_committed_to_with_its_prefix_and_salt():
    """FORMAT.md, "Details"."""
    salt = bytes(range(32))

    assert commitment(salt, "ขา") == hashlib.sha256(b"\x02" + salt + "ขา".encode()).hexdigest()
    with pytest.raises(EntryError):
        commitment(b"short", "x")
