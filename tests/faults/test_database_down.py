"""RELIABILITY X3, X7, X8: PostgreSQL stopped, killed and frozen under load. Nobody restarts web or worker."""

import signal
import threading
import time

import httpx
import pytest

from idp.relying import Keys, Verifier
from tests.faults import checker, load
from tests.stories.waiting import eventually
from tests.stories.world import wall_clock

AWAY_S = 6.0
LONGEST_ANSWER_S = 10.0  # the one that was under way when it froze: its statement's limit, then one try to connect
RECOVERED_S = 10.0


def stopped(postgresql):
    postgresql.stop(signal.SIGINT)
    return postgresql.start


def killed(postgresql):
    postgresql.stop(signal.SIGKILL)
    return postgresql.start


def frozen(postgresql):
    postgresql.freeze()
    return postgresql.thaw


class Looker:
    """Asks for discovery and keys all the time, and verifies a token as a relying service does."""

    def __init__(self, system, token):
        self.system, self.token = system, token
        issuer = system.settings.issuer
        self.verifier = Verifier(issuer, issuer, keys=Keys(issuer))
        self.statuses, self.refused, self.slowest = [], [], 0.0
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.look, daemon=True)
        self.verifier.verify(token)

    def look(self):
        """Until told to stop."""
        while not self.stop.wait(0.2):
            for path in ("/.well-known/openid-configuration", "/jwks.json", "/livez"):
                began = time.monotonic()
                try:
                    self.statuses.append(httpx.get(self.system.settings.issuer + path, timeout=20).status_code)
                except httpx.HTTPError as error:
                    self.statuses.append(type(error).__name__)
                self.slowest = max(self.slowest, time.monotonic() - began)
            try:
                self.verifier.verify(self.token)
            except Exception as refusal:  # noqa: BLE001 -- whatever it is, it is the finding
                self.refused.append(repr(refusal))

    def end(self):
        """Stop looking."""
        self.stop.set()
        self.thread.join(30)


@pytest.mark.parametrize("system", ["postgresql"], indirect=True)
@pytest.mark.parametrize("fault", [stopped, killed, frozen])
def test_writes_are_refused_at_once_and_reads_that_can_go_on(system, postgresql, fault, figure):
    """503 with Retry-After, never 200 for a write; metadata and offline validation go on; back within ten seconds."""
    crowd = load.prepared(system, people=4, askers=1)
    looker = Looker(system, system.access_token())
    crowd.start()
    eventually(lambda: crowd.acknowledged() >= 30, system.words(), within_s=120)
    looker.thread.start()
    pids = system.web_workers(), system.worker.pid

    repair, went_at, away = fault(postgresql), time.monotonic(), wall_clock()
    threading.Event().wait(AWAY_S)
    before, back = crowd.acknowledged(), wall_clock()
    repair()
    back_at = time.monotonic()
    eventually(lambda: crowd.acknowledged() >= before + 5, system.words(), within_s=120)
    recovered = time.monotonic() - back_at
    looker.end()
    crowd.end()

    refused = crowd.refused()
    slowest = max((one.seconds for one in refused), default=0.0)
    verdict = checker.check(system, crowd)
    entries = checker.check_tree(system)
    figure(f"PostgreSQL {fault.__name__} for {back_at - went_at:.0f} s: {verdict.line()}")
    figure(
        f"  {len(refused)}x 503, slowest {slowest:.1f} s; back in {recovered:.1f} s; metadata asked "
        f"{len(looker.statuses)}x, slowest {looker.slowest:.1f} s; tree of {entries} verifies"
    )
    assert not crowd.answered_within(away, back), "a write was acknowledged with no database"
    assert refused
    assert {(one.status, one.retry_after) for one in refused} == {(503, "5")}
    assert set(looker.statuses) == {200}
    assert not looker.refused
    assert verdict.holds, (verdict.lost[:5], verdict.ghosts[:5], verdict.duplicates[:5])
    assert (system.web_workers(), system.worker.pid) == pids
    assert slowest < LONGEST_ANSWER_S
    assert recovered < RECOVERED_S
