"""RELIABILITY X1, X2: kill -9 of web and worker at random points under load."""

import random
import signal
import time

import pytest

from tests.faults import checker, load, scene
from tests.faults.conftest import REPEATS
from tests.stories.waiting import eventually

AROUND = 200  # acknowledged writes before the next kill: each kill has as many before it and after it
PEOPLE, ASKERS = 3, 3
WITHIN_S = 120.0
EARLY = ("-m", "tests.faults.early")
EARLY_KILLS = 4


def kill(system, dice):
    """One kill; which: a web worker (most often), all of web, or the worker. What had died is started again."""
    target = dice.choices(("web worker", "web", "worker"), (6, 2, 2))[0]
    if target == "worker":
        system.worker.end(signal.SIGKILL)
        system.worker.start()
    elif target == "web":
        system.web.end(signal.SIGKILL)
        system.web.start()
    else:
        system.kill_a_web_worker(dice.randrange(scene.WEB_WORKERS))
    return target


def survive(system, crowd, dice, kills):
    """The load with its kills: after each, how long until something was acknowledged again, by what was killed."""
    recovered = {"web worker": [], "web": [], "worker": []}
    crowd.start()
    try:
        for _ in range(kills + 1):
            wait_for_writes(system, crowd, crowd.acknowledged() + AROUND)
            time.sleep(dice.uniform(0.0, 0.1))  # at a random point of whatever runs
            if sum(map(len, recovered.values())) < kills:
                target, killed_at = kill(system, dice), time.monotonic()
                wait_for_writes(system, crowd, crowd.acknowledged() + 1)
                recovered[target].append(time.monotonic() - killed_at)
    finally:
        crowd.end()
    return recovered


def wait_for_writes(system, crowd, wanted):
    """Until so many were acknowledged. A web server whose main process gave up is started, as a supervisor would."""

    def enough():
        if not system.web.alive:
            system.web.end()
            system.web.start()
        return crowd.acknowledged() >= wanted

    eventually(enough, "no progress", within_s=WITHIN_S)


def test_nothing_acknowledged_is_lost_by_kill_9(system, figure):
    """Issue: 50 kills with 200 acknowledged writes around each; lost 0, twice 0, unasked 0, tree and file whole."""
    seed = random.SystemRandom().randrange(10**6)
    dice = random.Random(seed)  # noqa: S311 -- points in time, to be repeated by their seed
    crowd = load.prepared(system, people=PEOPLE, askers=ASKERS)

    began = time.monotonic()
    recovered = survive(system, crowd, dice, REPEATS)
    took = time.monotonic() - began
    system.bring_up()
    system.web.end(signal.SIGKILL)
    system.web.start()
    ready = system.wait_until_ready()
    verdict = checker.check(system, crowd)
    entries = checker.check_tree(system)
    checker.check_files(system)

    kinds = " ".join(f"{kind} {crowd.count(kind)}" for kind in ("give", "withdraw", "grant", "entry"))
    slowest = " ".join(f"{name} {len(all_)}x max {max(all_, default=0):.1f} s" for name, all_ in recovered.items())
    figure(f"kill -9 x{REPEATS} on {system.engine} (seed {seed}, {took:.0f} s): {verdict.line()}")
    figure(f"  acknowledged: {kinds}; tries: {dict(crowd.tries())}; tree of {entries} verifies")
    figure(f"  next acknowledgement after a kill: {slowest}; all of web killed: ready again in {ready:.1f} s")
    assert verdict.holds, (seed, verdict.lost[:5], verdict.ghosts[:5], verdict.duplicates[:5])
    assert crowd.acknowledged() >= AROUND * (REPEATS + 1)


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_the_same_checker_sees_a_server_that_answers_before_it_commits(engine, request, tmp_path, figure):
    """A test that cannot fail is worse than none: acknowledge-before-commit is found at the first kills."""
    url = f"sqlite:///{tmp_path / 'early.db'}"
    if engine == "postgresql":
        url = request.getfixturevalue("postgresql").new_database("early")
    with scene.playing(tmp_path, url, serve=EARLY) as broken:
        crowd = load.prepared(broken, people=3, askers=2)
        crowd.start()
        for _ in range(EARLY_KILLS):
            before = crowd.acknowledged()
            eventually(lambda before=before: crowd.acknowledged() >= before + 20, broken.words(), within_s=WITHIN_S)
            broken.web.end(signal.SIGKILL)
            broken.web.start()
            broken.wait_until_ready()
        crowd.end()
        verdict = checker.check(broken, crowd)

    figure(f"acknowledge before commit on {engine}, {EARLY_KILLS} kills: {verdict.line()} (must not be 0)")
    assert verdict.lost
