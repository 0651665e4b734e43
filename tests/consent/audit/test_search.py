"""Search: a reason first, every combination of filters, pages that skip nothing, damage that is never hidden."""

import json
from itertools import combinations

import pytest
from sqlalchemy import text, update

from consent.audit import log, seal, search
from consent.audit.log import Actor
from consent.audit.models import AuditEntry, AuditPseudonym
from consent.audit.search import Filters
from consent.errors import NotAllowed
from tests.consent.audit.sealing import ORIGIN, LogKey, sealed
from tests.consent.cast import ANOTHER, AUDITOR, CLINIC, PERSON
from tests.fakes import HOUR, NOW, SECOND

RECORD, OTHER_RECORD = (log.new_id() for _ in range(2))


@pytest.fixture
def key():
    return LogKey()


def look(session, *, because="monthly review", limit=1000, **asked):
    paging = {name: asked.pop(name) for name in ("upto", "before", "about") if name in asked}
    return search.search(
        session, Filters(**asked), auditor_id=AUDITOR, reason=because, limit=limit, now=NOW + 9 * HOUR, **paging
    )


def corpus(session):
    """Entries that differ in every filtered member, one at a time and together."""
    return [
        log.append(
            session,
            ("introspect", "introspect.denied", "consent.given", "token.issued")[n % 4],
            now=NOW + n * SECOND,
            actor=Actor.client("holder"),
            subject_id=(PERSON, ANOTHER)[n // 2 % 2],
            client_id=("holder", "portal", "")[n % 3],
            recipient_id=(CLINIC, None)[n // 3 % 2],
            purpose=("PHR-SELF", "EHR-SHARE")[n // 5 % 2],
            outcome=("ok", "denied")[n // 7 % 2],
            reason=("permitted", "withdrawn", "")[n // 4 % 3],
            consent_id=(RECORD, OTHER_RECORD, None)[n // 2 % 3],
        )
        for n in range(48)
    ]


def raw(session):
    """What the bytes say, read without the code under test."""
    rows = session.query(AuditEntry.leaf_bytes).order_by(AuditEntry.id.desc())
    return [json.loads(bytes(leaf)[1:]) for (leaf,) in rows]


def test_every_combination_of_filters_finds_what_the_bytes_say(session):
    """Every pair and triple of filters, and all of them together, against a plain reading of every entry."""
    corpus(session)
    everything = raw(session)
    person = session.query(AuditPseudonym.pseudonym).filter_by(person_id=PERSON).scalar()
    since, until = NOW + 4 * SECOND, NOW + 44 * SECOND
    rules = {
        "event": ("introspect", lambda one: one["event"] == "introspect"),
        "family": ("token", lambda one: one["event"] in {"token.issued", "introspect.denied"}),
        "client_id": ("portal", lambda one: one.get("client_id") == "portal"),
        "purpose": ("EHR-SHARE", lambda one: one.get("purpose") == "EHR-SHARE"),
        "recipient_id": (CLINIC, lambda one: one.get("recipient_id") == str(CLINIC)),
        "outcome": ("denied", lambda one: one["outcome"] == "denied"),
        "reason": ("withdrawn", lambda one: one.get("reason") == "withdrawn"),
        "subject": (person, lambda one: one.get("subject") == person),
        "consent_id": (RECORD, lambda one: one.get("consent_id") == str(RECORD)),
        "since": (since, lambda one: one["at"] >= "2026-11-23T03:00:04.000Z"),
        "until": (until, lambda one: one["at"] < "2026-11-23T03:00:44.000Z"),
    }
    chosen = [names for size in (0, 1, 2, 3, len(rules)) for names in combinations(rules, size)]
    found = 0
    for names in chosen:
        expected = [one["id"] for one in everything if all(rules[name][1](one) for name in names)]
        undo = session.begin_nested()
        page = look(session, **{name: rules[name][0] for name in names})
        undo.rollback()
        assert sorted(str(row.id) for row in page.rows if row.entry.event != "audit.searched") == sorted(expected), (
            names
        )
        found += len(expected)

    assert str(NOW.isoformat()).startswith("2026-11-23T03:00:00")
    assert (len(chosen), found > 1000) == (233, True)


def test_a_look_into_the_log_is_itself_an_entry(session):
    """THAI 1c: an auditor's own reads are logged too, filters and all."""
    page = look(session, event="consent.given", since=NOW, subject="0" * 32)
    assert page.rows == []

    (row,) = look(session, because="second look", event="audit.searched", limit=1).rows
    assert row.entry.reason == "second look"
    (row,) = look(session, event="audit.searched", before=row.id, limit=1).rows
    assert (row.entry.actor_kind, row.entry.reason) == ("auditor", "monthly review")
    assert row.entry.codes == (
        "event:consent.given",
        "subject:00000000-00000000-00000000-00000000",
        f"since:{NOW.isoformat()}",
    )


@pytest.mark.parametrize(
    "reason",
    [
        "",
        "  ",
        "for 1999000010012",
        "for 1-9990-00010-01-2",
        "๑ ๙๙๙๐ ๐๐๐๑๐ ๐๑ ๒",
        "a@b.example",
        "two\nlines",
        "x" * 301,
    ],
)
def test_a_search_without_a_usable_reason_is_refused(session, reason):
    """An auditor says why, and names nobody; nothing is read or written."""
    before = len(raw(session))
    with pytest.raises(NotAllowed) as refusal:
        look(session, because=reason)

    assert refusal.value.code == "reason"
    assert "1999" not in str(refusal.value)
    assert len(raw(session)) == before


@pytest.mark.parametrize(
    ("code", "asked"),
    [
        ("event", {"event": "consent.invented"}),
        ("family", {"family": "weather"}),
        ("outcome", {"outcome": "maybe"}),
        ("subject", {"subject": "ab"}),
        ("subject", {"subject": "G" * 32}),
        ("until", {"since": NOW, "until": NOW}),
        ("client_id", {"client_id": "1-9990-00010-01-2"}),
        ("client_id", {"client_id": "a@b"}),
        ("purpose", {"purpose": "x" * 400}),
        ("reason", {"reason": "two\nlines"}),
        ("before", {"before": RECORD}),
    ],
)
def test_a_filter_that_cannot_be_is_refused_by_its_name(session, code, asked):
    """DECISIONS 19: the filter stands in the entry, so it names nobody either."""
    with pytest.raises(NotAllowed) as refusal:
        look(session, **asked)

    assert refusal.value.code == code
    assert raw(session) == []


def test_days_phones_and_case_numbers_are_fine_in_a_reason(session):
    """Only what could be a person's number is refused."""
    look(session, because="2026-11-01 - 2026-11-22, 081-000-0000, 12/2569")


DRIVEN = {
    "by time": {},
    "by event": {"event": "consent.given"},
    "by person": {"about": PERSON},
    "within a time": {"since": NOW - HOUR, "until": NOW + 8 * HOUR},
}


@pytest.mark.parametrize("asked", DRIVEN.values(), ids=DRIVEN.keys())
@pytest.mark.parametrize("limit", [1, 7, 30])
def test_pages_skip_nothing_and_repeat_nothing(sessions, key, asked, limit):
    """PAGES: also when rows come in late between two pages, with lower ids and with the same millisecond."""
    ids = sealed(sessions, key, 20, 9)
    with sessions.writing() as session:
        session.add(AuditPseudonym(person_id=ANOTHER, shard="2026Q4", pseudonym="f" * 32))
    shown, before, upto, late = [], None, None, 0
    for _ in range(100):
        with sessions.writing() as session:
            page = look(session, limit=limit, before=before, upto=upto, **asked)
        shown += [row.id for row in page.rows if row.seq is not None and row.seq < page.upto]
        before, upto = page.before, page.upto
        assert upto == len(ids)
        if before is None:
            break
        with sessions.writing() as session:  # while the auditor reads
            late += 1
            log.append(session, "consent.given", now=NOW, actor=Actor.citizen(PERSON), subject_id=PERSON)
        seal.seal(sessions, key, origin=ORIGIN, now=NOW)

    assert before is None
    assert sorted(shown) == sorted(ids)
    assert late > 0 or limit == 30


def test_one_page_reads_no_more_than_it_may_and_says_how_far(session, monkeypatch):
    """Bounded, whatever is looked for; the next page goes on from there."""
    monkeypatch.setattr(search, "MOST_READ", 10)
    acts = corpus(session)

    page = look(session, purpose="PHR-SELF")
    found = [row.id for row in page.rows]
    while page.before is not None:
        assert page.read == 10
        page = look(session, purpose="PHR-SELF", before=page.before, upto=page.upto)
        found += [row.id for row in page.rows]

    assert page.read < 10
    assert len(found) == len(set(found)) == sum(n // 5 % 2 == 0 for n in range(len(acts)))


def test_a_damaged_entry_is_shown_whatever_is_looked_for(sessions, key):
    """Nobody can say any more what it was, so no filter may hide it."""
    ids = sealed(sessions, key, 3)
    with sessions.writing() as session:
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text("SET LOCAL session_replication_role = replica"))
        else:
            for (name,) in session.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
                session.execute(text(f"DROP TRIGGER {name}"))
        session.execute(update(AuditEntry).where(AuditEntry.id == ids[1]).values(leaf_bytes=b"\x01{}"))

    with sessions.writing() as session:
        (row,) = look(session, purpose="EHR-SHARE", outcome="failed").rows

    assert (row.id, row.entry, row.seq) == (ids[1], None, 1)


def test_a_person_is_read_under_every_pseudonym(session):
    """One line of time across quarters."""
    ids = [
        log.append(session, "signin.done", now=NOW + n * 24 * 40 * HOUR, actor=Actor.citizen(PERSON), subject_id=PERSON)
        for n in range(3)
    ]
    log.append(session, "signin.done", now=NOW, actor=Actor.citizen(ANOTHER), subject_id=ANOTHER)

    rows = search.of_person(session, PERSON, limit=10)

    assert [row.id for row in rows] == ids
    assert len({row.entry.subject for row in rows}) == 2
    assert [row.id for row in search.of_person(session, PERSON, limit=2)] == ids[:2]
