"""After the faults: is everything there that was acknowledged, once, and nothing that nobody asked for?

Records are matched to acts by their key (a withdrawal by the record it ends) or by person, purpose and the moment at
which a try was under way: everybody does one thing at a time. An act that ended ok has each of its records exactly
once; an unknown one has them once or not at all; a refused one has none.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text

from consent.audit import export, seal, verify
from consent.audit.models import AuditEntry, AuditPseudonym
from consent.models import ConsentRecord, ConsentWithdrawal
from idp.keys import load
from idp.oauth.grants import Grant
from tests.faults.load import Act, Citizen, Load
from tests.faults.scene import Scene
from tests.stories.waiting import eventually
from tests.stories.world import wall_clock

SEALED_S = 90.0
OF_EVENT = {
    "consent.given": "give",
    "disclosure.recorded": "give",
    "consent.withdrawn": "withdraw",
    "authz.granted": "grant",
    "introspect.denied": "entry",
}


@dataclass(frozen=True)
class Found:
    """One thing that was kept: by whom, of what kind, which part of an act, when, and where it stands."""

    who: str
    kind: str
    part: str
    at: datetime
    place: str


@dataclass
class Verdict:
    """What was compared. Places are tables: every act must be in each of its places."""

    ops: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    ghosts: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Nothing lost, nothing twice, nothing unasked."""
        return not (self.lost or self.ghosts or self.duplicates)

    def line(self) -> str:
        """The figures."""
        ends = " ".join(f"{word} {self.ends[word]}" for word in ("ok", "fail", "unknown"))
        wrong = f"lost {len(self.lost)} ghosts {len(self.ghosts)} duplicates {len(self.duplicates)}"
        return f"writes {self.ops} {ends} · {wrong}"


def compare(diaries: Iterable[tuple[str, Sequence[Act]]], found: Iterable[Found]) -> Verdict:
    """PURE: the verdict on these diaries (who, what they did in order) and everything that was kept of them."""
    kept: dict[tuple[str, str, str], list[Found]] = defaultdict(list)
    for one in found:
        kept[one.who, one.kind, one.part].append(one)
    verdict = Verdict()
    for who, acts in diaries:
        for act in acts:
            for part in act.parts or ("",):
                verdict.ops += 1
                verdict.ends[act.outcome] += 1
                mine = [one for one in kept[who, act.kind, part] if act.happened_at(one.at)]
                judge(verdict, act, part, mine)
                taken = set(map(id, mine))
                kept[who, act.kind, part] = [one for one in kept[who, act.kind, part] if id(one) not in taken]
    for left in kept.values():
        verdict.ghosts += [f"{one.who} {one.kind} {one.part} {one.at} in {one.place}" for one in left]
    return verdict


PLACES = {
    "give": ("consent_record", "audit_entry"),
    "withdraw": ("consent_withdrawal", "audit_entry"),
    "grant": ("oauth_grant", "audit_entry"),
    "entry": ("audit_entry",),
}


def judge(verdict: Verdict, act: Act, part: str, mine: Sequence[Found]) -> None:
    """One part of one act against what was kept of it."""
    places = Counter(one.place for one in mine)
    name = f"{act.kind} {act.key} {part}"
    for place in PLACES[act.kind]:
        if act.outcome == "ok" and not places[place]:
            verdict.lost.append(f"{name} in {place}")
        if places[place] > allowed(act):
            verdict.duplicates.append(f"{name} in {place} {places[place]} times")
        if act.outcome == "fail" and places[place]:
            verdict.ghosts.append(f"{name} in {place}")
    if act.outcome == "unknown" and 0 < sum(places.values()) < len(PLACES[act.kind]):
        verdict.lost.append(f"{name} is kept only in part: {dict(places)}")


def allowed(act: Act) -> int:
    """How often an act may be kept: once, whatever the tries. A question is logged each time that it is asked."""
    return sum(one.end != "fail" for one in act.tries) if act.kind == "entry" else 1


def check(scene: Scene, load: Load) -> Verdict:
    """Read everything that was kept about the people of this load, and compare."""
    people = {citizen.subject_id: citizen for citizen in load.citizens if citizen.subject_id}
    askers = {citizen.token: citizen for citizen in load.citizens if not citizen.subject_id}
    with scene.sessions.reading() as session:
        found = [*_records(session, people), *_entries(session, people, askers)]
    return compare([(who, citizen.diary) for who, citizen in (people | askers).items()], found)


def _records(session: Any, people: dict[str, Citizen]) -> Iterable[Found]:
    mine = [UUID(who) for who in people]
    given = select(ConsentRecord.subject_id, ConsentRecord.purpose, ConsentRecord.given_at)
    for who, purpose, at in session.execute(given.where(ConsentRecord.subject_id.in_(mine))):
        yield Found(str(who), "give", purpose, at, "consent_record")
    ended = select(ConsentRecord.subject_id, ConsentWithdrawal.record_id, ConsentWithdrawal.withdrawn_at).join(
        ConsentRecord, ConsentRecord.id == ConsentWithdrawal.record_id
    )
    for who, record, at in session.execute(ended.where(ConsentRecord.subject_id.in_(mine))):
        yield Found(str(who), "withdraw", str(record), at, "consent_withdrawal")
    for who, at in session.execute(select(Grant.subject_id, Grant.created_at).where(Grant.subject_id.in_(mine))):
        yield Found(str(who), "grant", "", at, "oauth_grant")


def _entries(session: Any, people: dict[str, Citizen], askers: dict[str, Citizen]) -> Iterable[Found]:
    known = select(AuditPseudonym.pseudonym, AuditPseudonym.person_id)
    names = {name: str(person) for name, person in session.execute(known) if str(person) in people}
    leaves = select(AuditEntry.leaf_bytes).where(AuditEntry.event.in_(OF_EVENT))
    for leaf in session.scalars(leaves.execution_options(yield_per=1000)):
        entry = json.loads(bytes(leaf)[1:])
        kind = OF_EVENT[entry["event"]]
        who = entry["actor"] if kind == "entry" else names.get(entry.get("subject", ""), "")
        if who not in people and who not in askers:
            continue
        part = {"give": entry.get("purpose", ""), "withdraw": entry.get("consent_id", ""), "entry": who, "grant": ""}
        yield Found(who, kind, part[kind], moment(entry["at"]), "audit_entry")


def moment(told: str) -> datetime:
    """An entry's time."""
    return datetime.fromisoformat(told).astimezone(UTC)


def check_tree(scene: Scene) -> int:
    """Everything is sealed, and the file of the log verifies offline; how many entries it holds."""

    def sealed() -> bool:
        with scene.sessions.reading() as session:
            newest = seal.latest(session)
            return newest is not None and newest.size == session.scalar(select(func.count()).select_from(AuditEntry))

    eventually(sealed, f"the worker does not seal: {scene.words()}", within_s=SEALED_S)
    with scene.sessions.reading() as session:
        keys = load(session, scene.settings.kek(), now=wall_clock()).log_keys()
        report = verify.check(export.whole(session, keys))
        entries = session.scalar(select(func.count()).select_from(AuditEntry))
    assert report.verdict == "ok", report
    assert report.size == entries, (report, entries)
    return int(entries or 0)


def check_files(scene: Scene) -> None:
    """SQLite's own opinion of its file."""
    if scene.engine == "sqlite":
        with scene.sessions.reading() as session:
            assert session.scalar(text("PRAGMA integrity_check")) == "ok"


Check = Callable[[Scene, Load], Verdict]
