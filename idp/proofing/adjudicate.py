"""PURE: what the evidence about a person adds up to, as one table; and what else would be needed (THAI.md 3, 3b).

Only what was seen in one act is added together. What speaks against the person takes evidence away by a table of its
own, each row with what answers it. A level is the strongest that stands now, and falls when its evidence runs out.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from idp.assurance import Ial
from idp.proofing.evidence import Evidence

ACT_OPEN = timedelta(hours=24)  # an issuer that was down may answer the next morning; later everything is seen anew
NOTHING = "none"
FOR_EVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Verdict:
    """A person's level: what it rests on (a word of `RULES`), since when, and when it falls (None: never by itself)."""

    ial: Ial
    method: str
    at: datetime
    expires_at: datetime | None


@dataclass(frozen=True)
class Rule:
    """These methods together in one act give the level; `stated`: not more than the source said itself.

    `asked`: a person can be told to bring it.
    """

    ial: Ial
    method: str
    needs: frozenset[str]
    stated: bool = False
    asked: bool = True


@dataclass(frozen=True)
class Against:
    """What a finding takes away. `reach`: the same act; what was there `before` it, or its act; or `always`.

    `answered_by`: these methods, in one good act after it, take it back. `caps`: nothing is taken, but counts no
    higher than the finding states.
    """

    method: str
    finding: str
    takes: frozenset[str]
    reach: Literal["act", "before", "always"]
    answered_by: tuple[frozenset[str], ...] = ()
    caps: bool = False


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# fmt: off
RULES: tuple[Rule, ...] = (  # strongest first
    Rule(Ial.IAL2_3, "thaid",            _set("thaid"), stated=True),
    Rule(Ial.IAL2_2, "chip_status_face", _set("card_chip card_status face")),
    Rule(Ial.IAL2_1, "chip_face",        _set("card_chip face")),
    Rule(Ial.IAL2_1, "vouched",          _set("document face vouch")),
    Rule(Ial.IAL1_3, "chip",             _set("card_chip")),
    Rule(Ial.IAL1_3, "card_data",        _set("card_data")),
    Rule(Ial.IAL1_2, "document",         _set("document")),
    Rule(Ial.IAL2_3, "registry",         _set("register"), stated=True, asked=False),
    Rule(Ial.IAL1_1, "phone",            _set("phone")),
)
ON_CARD = _set("card_chip card_data card_status face")
EVERYTHING = _set("phone register thaid document vouch") | ON_CARD
AGAINST: tuple[Against, ...] = (
    # Another face: nothing of this act counts, and the card is in other hands, so that what stands on it proves
    # nobody until its holder was seen.
    Against("face", "mismatch", ON_CARD | _set("document vouch"), "act"),
    Against("face", "mismatch", _set("card_data"), "always", (_set("thaid"), _set("card_chip face"))),
    # The issuer has cancelled or replaced the card: what was seen on it goes; a new card counts again.
    Against("card_status", "not_good", ON_CARD, "before"),
    Against("vouch", "withdrawn", _set("vouch document face"), "before"),
    Against("thaid", "revoked", _set("thaid"), "before"),
    # The way back in was weaker than the way in: who holds the account now has shown that much and no more.
    Against("recovery", "weak", EVERYTHING, "before", caps=True),
)
# fmt: on


def adjudicate(evidence: Sequence[Evidence], now: datetime) -> Verdict:
    """The strongest level that stands now. `evidence` is in the order in which it was written; nothing gives IAL1.1."""
    reached = [
        Verdict(_level(rule, used), rule.method, max(one.at for one, _ in used), _end(used))
        for rule in RULES
        for act in _acts(_left(evidence, now))
        if (used := _used(rule, act))
    ]
    return max(reached, key=_strength, default=Verdict(Ial.IAL1_1, NOTHING, now, None))


def still_needed(evidence: Sequence[Evidence], target: Ial, now: datetime) -> tuple[frozenset[str], ...]:
    """Each way to `target`, as the methods still missing, shortest way first.

    `(frozenset(),)`: it is reached. `()`: no way leads there. An act of the last 24 hours can be completed.
    """
    if adjudicate(evidence, now).ial >= target:
        return (frozenset(),)
    barred = frozenset(m for row, _ in _unanswered(evidence) if row.reach == "always" for m in row.takes)
    acts = [act for act in _acts(_left(evidence, now)) if all(now - one.at <= ACT_OPEN for one, _ in act)]
    ways = {
        rule.needs - frozenset(one.method for one, cap in act if cap is None)
        for rule in RULES
        if rule.asked and rule.ial >= target and not rule.needs & barred
        for act in ([], *acts)
    } - {frozenset()}
    shortest = [way for way in ways if not any(other < way for other in ways)]
    return tuple(sorted(shortest, key=lambda way: (len(way), sorted(way))))


# One item that counts, and the level above which it does not.
_Item = tuple[Evidence, Ial | None]


def _left(evidence: Sequence[Evidence], now: datetime) -> list[_Item]:
    """What still speaks for the person once all that speaks against them was heard."""
    against = _unanswered(evidence)
    left: list[_Item] = []
    for place, one in enumerate(evidence):
        hit = [(row, evidence[at]) for row, at in against if _reaches(row, evidence, at, place)]
        if not one.counts_at(now) or any(not row.caps for row, _ in hit):
            continue
        caps = [found.stated for _, found in hit if found.stated is not None]
        left.append((one, min(caps, key=lambda level: level.rank) if caps else None))
    return left


def _unanswered(evidence: Sequence[Evidence]) -> list[tuple[Against, int]]:
    return [
        (row, place)
        for place, one in enumerate(evidence)
        for row in AGAINST
        if (row.method, row.finding) == (one.method, one.finding) and not _answered(row, evidence[place + 1 :], one)
    ]


def _answered(row: Against, later: Sequence[Evidence], found: Evidence) -> bool:
    acts = _acts([(one, None) for one in later if one.is_good and (one.act is None or one.act != found.act)])
    return any(needs <= {one.method for one, _ in act} for act in acts for needs in row.answered_by)


def _reaches(row: Against, evidence: Sequence[Evidence], at: int, place: int) -> bool:
    found, one = evidence[at], evidence[place]
    if one.method not in row.takes:
        return False
    same = found.act is not None and one.act == found.act
    return same or row.reach == "always" or (row.reach == "before" and place < at)


def _acts(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    acts: dict[object, list[_Item]] = {}
    for place, item in enumerate(items):
        acts.setdefault(item[0].act or place, []).append(item)
    yield from acts.values()


def _used(rule: Rule, act: Sequence[_Item]) -> list[_Item]:
    """The evidence of this act that the rule rests on, newest of each method; empty when something is missing."""
    newest = {one.method: (one, cap) for one, cap in act if one.method in rule.needs}
    return list(newest.values()) if len(newest) == len(rule.needs) else []


def _level(rule: Rule, used: Sequence[_Item]) -> Ial:
    """Never above what a source stated or a recovery left."""
    limits = [level for one, cap in used for level in (one.stated, cap) if level is not None]
    return min((rule.ial, *limits), key=lambda level: level.rank)


def _end(used: Sequence[_Item]) -> datetime | None:
    return min((one.until for one, _ in used if one.until is not None), default=None)


def _strength(verdict: Verdict) -> tuple[int, datetime, datetime]:
    return verdict.ial.rank, verdict.expires_at or FOR_EVER, verdict.at
