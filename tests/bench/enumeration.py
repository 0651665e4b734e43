"""What an outsider can tell about a national ID from the answers of a running server: content and time.

`python -m tests.bench.enumeration` starts a sandbox's server and worker, posts 1,000 numbers of each kind in random
order, each from a browser of its own, and guesses at the code once. Two classifiers try to tell numbers with an account
from those without: one that has learned all bytes and headers, one that looks at the time. An area under the curve of
0.5 is a coin; 0.53 and less is what 1,000 tries of a coin reach. Nothing is asserted here: the tests compare the bytes.
"""

import argparse
import os
import random
import re
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import insert, update

from idp import subjects
from idp.abuse import alarms, failures, tallies
from idp.abuse.failures import CodeFailures
from idp.abuse.tallies import Tally
from idp.db import Session
from idp.demo import crowd
from idp.keys import KeyRing, KeyRings
from idp.national_id import mask_national_id
from idp.subjects import Subject
from tests.stories import world
from tests.stories.browser import Browser
from tests.stories.pages import Page

KINDS = ("account", "locked", "deceased", "nobody")
RANDOM = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[A-Za-z0-9_-]{32,}|\b[0-9a-f]{16}\b|(?<=>)[A-Z]{4}(?=<)"
    r"|\d{1,2}[:.]\d{2}(?:[:.]\d{2})?|\d{4}-\d{2}-\d{2}T[^\"<]*|\w{3}, \d{2} \w{3} \d{4}"
)
STEPS = ("number", "code")
TRIES = 1000


@dataclass
class Told:
    """What the answers to numbers of one kind were: their shapes, and how long each took."""

    shapes: dict[str, Counter[str]] = field(default_factory=lambda: {step: Counter() for step in STEPS})
    seconds: dict[str, list[float]] = field(default_factory=lambda: {step: [] for step in STEPS})


def auc(first: Sequence[float], second: Sequence[float]) -> float:
    """How often a value of the first kind is the greater one: 0.5 is a coin (Mann and Whitney's U over all pairs)."""
    ordered = sorted([(value, 0) for value in first] + [(value, 1) for value in second])
    ranks, at = 0.0, 0
    while at < len(ordered):
        end = at
        while end < len(ordered) and ordered[end][0] == ordered[at][0]:
            end += 1
        ranks += sum(kind == 0 for _, kind in ordered[at:end]) * (at + end + 1) / 2
        at = end
    return (ranks - len(first) * (len(first) + 1) / 2) / (len(first) * len(second))


def content_auc(first: Counter[str], second: Counter[str]) -> float:
    """The same for who has learned how often each kind gets each answer."""
    size = sum(first.values()), sum(second.values())
    likely = {shape: first[shape] / size[0] - second[shape] / size[1] for shape in first | second}
    return auc([likely[shape] for shape in first.elements()], [likely[shape] for shape in second.elements()])


def ask(issuer: str, number: str, told: Told) -> None:
    """One outsider: the number, and one wrong code."""
    browser = Browser()
    page = browser.get(f"{issuer}/sign-in?next=/me")
    for step, form, values in (("number", "login", {"national_id": number}), ("code", "code-form", {"code": "000000"})):
        before, seen = time.perf_counter(), len(browser.seen)
        page = browser.submit(page, form, **values)
        told.seconds[step].append(time.perf_counter() - before)
        told.shapes[step]["\n".join(shape(one, number) for one in browser.seen[seen:])] += 1
    browser.close()


def shape(page: Page, number: str) -> str:
    """An answer without what is random and without the number itself."""
    status, headers, html = page.status, sorted(page.headers.items()), page.html
    text = f"{status} {headers} {html}".replace(number, "ID").replace(mask_national_id(number), "MASKED")
    return RANDOM.sub("?", text)


def measure(folder: Path, tries: int) -> dict[str, Told]:
    """Start everything, ask in random order, end everything."""
    with world.database(folder) as url:
        made = world.prepare(folder, url)
        ring = KeyRings(made.sessions, made.settings.kek()).at(world.wall_clock())
        crowd.seed(made.sessions, ring, 3 * tries, now=world.wall_clock(), say=lambda _: None)
        numbers = {kind: [crowd.number_of(n + at * tries) for n in range(tries)] for at, kind in enumerate(KINDS)}
        with made.sessions.writing() as session:
            bury(session, ring, numbers["deceased"])
            lock(session, ring, numbers["locked"])
            get_used_to_it(session, world.wall_clock())
        order = [(kind, number) for kind in KINDS for number in numbers[kind]]
        random.Random(7).shuffle(order)  # noqa: S311 -- an order, no secret
        told = {kind: Told() for kind in KINDS}
        try:
            with made.children:
                for name in ("web", "worker"):
                    made.start(name)
                for kind, number in order:
                    ask(made.settings.issuer, number, told[kind])
        finally:
            made.sessions.engine.dispose()
    return told


def bury(session: Session, ring: KeyRing, numbers: Sequence[str]) -> None:
    """The people of these numbers have died."""
    found = [subjects.find_by_national_id(session, ring, number) for number in numbers]
    ids = [one.id for one in found if one is not None]
    session.execute(update(Subject).where(Subject.id.in_(ids)).values(status="deceased"))


def lock(session: Session, ring: KeyRing, numbers: Sequence[str]) -> None:
    """Somebody has guessed at the codes of these numbers twenty times."""
    closed = {"device_hash": failures.STRANGER, "failures": failures.MOST, "last_at": world.wall_clock()}
    session.execute(insert(CodeFailures), [{"fingerprint": ring.fingerprint(number), **closed} for number in numbers])


def get_used_to_it(session: Session, now: datetime) -> None:
    """So many wrong guesses are usual at this hour: no alarm changes the answers while they are measured."""
    hour = tallies.begun(now, tallies.HOUR)
    usual = [hour - back + tallies.HOUR * later for back in alarms.LOOK_BACK for later in (0, 1)]
    session.execute(insert(Tally), [{"name": f"{alarms.WRONG}:hour", "since": at, "counted": 10**6} for at in usual])


def report(told: dict[str, Told]) -> str:
    """Areas and medians, as Markdown."""
    lines = ["| step | told apart | by content: AUC | by time: AUC | medians, ms |", "|---|---|---|---|---|"]
    for step in STEPS:
        for kind in KINDS[:-1]:
            one, other = told[kind], told["nobody"]
            medians = " / ".join(f"{statistics.median(each.seconds[step]) * 1000:.1f}" for each in (one, other))
            content, timed = (
                content_auc(one.shapes[step], other.shapes[step]),
                auc(one.seconds[step], other.seconds[step]),
            )
            lines.append(f"| {step} | {kind} / nobody | {content:.3f} | {timed:.3f} | {medians} |")
    return "\n".join(lines)


def main(tries: int = TRIES) -> None:
    """Measure and print; `tries` numbers of each kind."""
    os.environ["YINYOM_FACILITY_NETWORKS"] = '["127.0.0.0/8", "::1/128"]'  # one address asks for everybody here
    with tempfile.TemporaryDirectory() as folder:
        print(report(measure(Path(folder), tries)))  # noqa: T201 -- a program for a terminal


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tries", type=int, default=TRIES, help="numbers of each kind")
    main(parser.parse_args().tries)
