"""Counters of this server, and how Prometheus reads them, by Prometheus' own client. No name, number or id is a label.

Events are counted under the audit event's own name, after the commit that keeps them: what was undone never happened.
Several processes share a folder: each adds to files of its own, and whoever is asked sums all files. A process that
died leaves its files, so no counter ever falls. What is a state (queues, ages) is asked of the database, not kept here.
"""

import os
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest, values
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy import event

from idp.db import Session, Sessions

ROOM = 512 * 1024
FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
KINDS = ("counter", "histogram")
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
REASON = re.compile(r"[A-Za-z0-9_.:-]{1,40}")

logger = structlog.get_logger("yinyom.metrics")


@dataclass(frozen=True)
class Sample:
    """One value of one series, with what it means."""

    name: str
    value: float
    labels: Mapping[str, str]
    help: str = ""


class Counters:
    """Requests and events of this process or, with a folder, of all processes that were given the same one.

    A folder takes the whole process: the client library has one place for all its values.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder if folder is not None and share(folder) else None
        self._registry = made = CollectorRegistry()
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._requests = Counter(
            "yinyom_requests", "Requests, by route and status.", ("route", "status"), registry=made
        )
        self._seconds = Histogram(
            "yinyom_request_seconds", "Time that requests took, by route.", ("route",), registry=made, buckets=SECONDS
        )
        self._events = Counter(
            "yinyom_events",
            "Audit events that were kept, by name and outcome; refusals by reason too.",
            ("event", "outcome", "reason"),
            registry=made,
        )
        # Finding a series by its labels costs more than counting it, so the found ones are kept.
        self._of_request: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        self._of_event: dict[tuple[str, str, str], Counter] = {}

    def request(self, route: str, status: int, seconds: float) -> None:
        """One request."""
        known = self._of_request.get((route, status))
        if known is None:
            known = self._requests.labels(route, str(status)), self._seconds.labels(route)
            self._of_request[route, status] = known
        known[0].inc()
        known[1].observe(seconds)

    def event(self, name: str, outcome: str, reason: str) -> None:
        """One entry of the log that was kept."""
        known = self._of_event.get((name, outcome, reason))
        if known is None:
            known = self._of_event[name, outcome, reason] = self._events.labels(name, outcome, reason)
        known.inc()

    def totals(self) -> Sequence[Metric]:
        """Every series, summed over all processes of the folder."""
        if self._folder is None:
            return list(self._registry.collect())
        shared = MultiProcessCollector(None, path=str(self._folder))  # type: ignore[no-untyped-call]
        return list(shared.collect())  # type: ignore[no-untyped-call]


def share(folder: Path) -> bool:
    """Count in files of this folder from now on; whether there was room for them.

    The library names files by process id alone, which two containers have in common, and lets them grow as holes, which
    kill the process by SIGBUS once the disk is full. So the name has a random part, and the room is filled beforehand.
    """
    nonce = secrets.token_hex(4)

    def identity() -> str:
        return f"{os.getpid()}-{nonce}"  # a fork is somebody else

    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for kind in KINDS:
            with (folder / f"{kind}_{identity()}.db").open("xb") as file:
                file.write(bytes(ROOM))
    except OSError as error:
        logger.warning("metrics.not_shared", error=type(error).__name__)
        return False
    os.environ[FOLDER_VARIABLE] = str(folder)
    values.ValueClass = values.MultiProcessValue(identity)  # type: ignore[no-untyped-call]
    return True


def count_request(counters: Counters, *, route: str, status: int, seconds: float) -> None:
    """One request. `route` is the rule, never the path."""
    counters.request(route, status, seconds)


def listen(sessions: Sessions, counters: Counters) -> None:
    """Count what the log was given, once its transaction is kept."""

    def kept(session: Session) -> None:
        for name, outcome, reason in session.info.pop("appended", ()):
            why = "" if outcome == "ok" else reason if REASON.fullmatch(reason) else "other"
            counters.event(name, outcome, why)

    def undone(session: Session) -> None:
        session.info.pop("appended", None)

    event.listen(sessions.write, "after_commit", kept)
    event.listen(sessions.write, "after_rollback", undone)


class Told(Collector):
    """What one answer of /metrics holds."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        """In the order in which they were given."""
        return self._metrics


def exposition(counted: Sequence[Metric], gauges: Iterable[Sample]) -> str:
    """What /metrics answers, in Prometheus' text format 0.0.4: counters first, then gauges."""
    families: dict[str, GaugeMetricFamily] = {}
    for gauge in gauges:
        keys = sorted(gauge.labels)
        family = families.setdefault(gauge.name, GaugeMetricFamily(gauge.name, gauge.help, labels=keys))
        family.add_metric([gauge.labels[key] for key in keys], gauge.value)
    return generate_latest(Told([*counted, *families.values()])).decode()
