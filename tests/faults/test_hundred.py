"""A hundred clients agree and withdraw at once, over two web processes: each answer is one act, and none is lost."""

import time

from tests.faults import checker, load
from tests.stories.waiting import eventually

CLIENTS = 100
EACH = 2  # withdrawals, at least
WITHIN_S = 600.0


def withdrawals(citizen):
    """How many of this client's were acknowledged."""
    return sum(act.kind == "withdraw" and act.outcome == "ok" for act in list(citizen.diary))


def test_a_hundred_clients_give_and_withdraw_over_two_processes(system, figure):
    """PDPA s.19, DECISIONS 16: every move of every standing has its record, its withdrawal and its entry, once."""
    crowd = load.prepared(system, people=CLIENTS)
    began = time.monotonic()
    crowd.start()
    try:
        eventually(
            lambda: all(withdrawals(one) >= EACH for one in crowd.citizens), "somebody is starved", within_s=WITHIN_S
        )
    finally:
        crowd.end()
    took = time.monotonic() - began

    verdict = checker.check(system, crowd)
    entries = checker.check_tree(system)

    figure(
        f"{CLIENTS} clients give and withdraw ({system.engine}, {took:.0f} s): {crowd.count('give')} given, "
        f"{crowd.count('withdraw')} withdrawn, {len(crowd.refused())} told to wait; {verdict.line()}; tree of {entries}"
    )
    assert verdict.holds, (verdict.lost[:5], verdict.ghosts[:5], verdict.duplicates[:5])
