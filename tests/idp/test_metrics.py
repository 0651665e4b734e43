"""Counters that several processes keep together, and the text that Prometheus reads."""

import os
import subprocess
import sys

import pytest
from prometheus_client.parser import text_string_to_metric_families

from consent.audit import log
from idp import metrics
from idp.metrics import Counters, Sample, exposition
from tests.fakes import NOW

ACTOR = log.Actor.system("idp")
COUNT = """
import os, sys
from pathlib import Path
from idp.metrics import Counters, exposition
counters = Counters(Path(sys.argv[1]))
for _ in range(int(sys.argv[2])):
    counters.request("/", 200, 0.002)
    counters.event("token.issued", "ok", "")
if sys.argv[3] == "fork" and os.fork() == 0:
    counters.request("/", 200, 0.002)
    os._exit(0)
if sys.argv[3] == "fork":
    os.wait()
print("--\\n" + exposition(counters.totals(), ()))
"""
HERE = os.environ | {"PYTHONPATH": os.getcwd()}  # noqa: PTH109


def count(folder, times, more=""):
    """Another process that counts in the folder; what it would answer at /metrics."""
    command = [sys.executable, "-c", COUNT, str(folder), str(times), more]
    said = subprocess.run(command, env=HERE, capture_output=True, text=True, check=True, timeout=60).stdout  # noqa: S603
    return said.rpartition("--\n")[2]


def series(text):
    """Every value of an answer, by name and labels, read as Prometheus reads it."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(counters_or_text, name, **labels):
    text = counters_or_text if isinstance(counters_or_text, str) else exposition(counters_or_text.totals(), ())
    return series(text).get((name, tuple(sorted(labels.items()))))


def events(counters):
    """(event, outcome, reason) -> how many."""
    return {
        tuple(dict(labels)[key] for key in ("event", "outcome", "reason")): number
        for (name, labels), number in series(exposition(counters.totals(), ())).items()
        if name == "yinyom_events_total"
    }


def test_requests_count_by_route_and_status_and_their_time_by_route():
    """One series each, found again."""
    counters = Counters()
    for status, seconds in ((200, 0.004), (200, 0.3), (503, 60.0)):
        metrics.count_request(counters, route="/a", status=status, seconds=seconds)

    assert value(counters, "yinyom_requests_total", route="/a", status="200") == 2
    assert value(counters, "yinyom_requests_total", route="/a", status="503") == 1
    assert value(counters, "yinyom_request_seconds_count", route="/a") == 3
    assert value(counters, "yinyom_request_seconds_sum", route="/a") == pytest.approx(60.304)
    assert value(counters, "yinyom_request_seconds_bucket", route="/a", le="0.005") == 1
    assert value(counters, "yinyom_request_seconds_bucket", route="/a", le="0.5") == 2
    assert value(counters, "yinyom_request_seconds_bucket", route="/a", le="+Inf") == 3


def test_processes_that_share_a_folder_are_summed_and_the_dead_still_count(tmp_path):
    """A counter never falls because a worker was replaced."""
    folder = tmp_path / "m"
    for _ in range(2):
        count(folder, 1000)

    told = count(folder, 1)

    assert value(told, "yinyom_requests_total", route="/", status="200") == 2001
    assert value(told, "yinyom_request_seconds_count", route="/") == 2001
    assert value(told, "yinyom_events_total", event="token.issued", outcome="ok", reason="") == 2001
    assert folder.stat().st_mode & 0o077 == 0


def test_two_containers_with_the_same_process_id_have_files_of_their_own(tmp_path):
    """The library's names have the process id alone; in containers that is 1."""
    for _ in range(3):
        count(tmp_path, 1)

    names = sorted(file.name for file in tmp_path.glob("counter_*.db"))

    assert len(names) == 3
    assert all(len(name.removesuffix(".db").partition("-")[2]) == 8 for name in names)


def test_a_fork_counts_as_somebody_else(tmp_path):
    """The parent's numbers are the parent's: nothing is counted twice, nothing is lost."""
    assert value(count(tmp_path, 5, "fork"), "yinyom_requests_total", route="/", status="200") == 6


def test_the_room_of_the_files_is_filled_before_anything_is_counted(tmp_path):
    """A hole in a mapped file kills the process on a full disk (SIGBUS)."""
    count(tmp_path, 1)

    for file in tmp_path.glob("*.db"):
        assert file.stat().st_blocks * 512 >= metrics.ROOM


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path):
    """It counts alone: a full disk must not stop a start."""
    (tmp_path / "file").write_text("not a folder")

    told = count(tmp_path / "file", 3)

    assert value(told, "yinyom_requests_total", route="/", status="200") == 3


def test_an_event_counts_when_its_transaction_is_kept(sessions):
    """What was undone never happened."""
    counters = Counters()
    metrics.listen(sessions, counters)

    with sessions.writing() as session:
        log.append(session, "token.issued", now=NOW, actor=ACTOR)
        assert events(counters) == {}
    with pytest.raises(RuntimeError), sessions.writing() as session:  # noqa: PT012
        log.append(session, "token.issued", now=NOW, actor=ACTOR)
        raise RuntimeError

    assert events(counters) == {("token.issued", "ok", ""): 1}


def test_a_refusal_counts_by_its_reason_but_only_by_a_programs_word(sessions):
    """A reason that a person typed is no label."""
    counters = Counters()
    metrics.listen(sessions, counters)
    with sessions.writing() as session:
        log.append(session, "token.denied", now=NOW, actor=ACTOR, outcome="denied", reason="expired")
        log.append(session, "token.denied", now=NOW, actor=ACTOR, outcome="denied", reason="I looked for my uncle")
        log.append(session, "audit.searched", now=NOW, actor=ACTOR, reason="I looked for my uncle")

    assert set(events(counters)) == {
        ("audit.searched", "ok", ""),
        ("token.denied", "denied", "expired"),
        ("token.denied", "denied", "other"),
    }


def test_the_text_is_read_by_prometheus_own_parser():
    """Exposition format 0.0.4: HELP and TYPE once, values after, quotes escaped, gauges of one name together."""
    counters = Counters()
    metrics.count_request(counters, route='/a"b\\', status=200, seconds=0.25)

    text = exposition(counters.totals(), [Sample("g", 1.5, {"k": "v"}, "A gauge."), Sample("g", 2, {"k": "w"})])

    read = {family.name: family for family in text_string_to_metric_families(text)}
    assert {name: family.type for name, family in read.items()} == {
        "yinyom_requests": "counter",
        "yinyom_request_seconds": "histogram",
        "yinyom_events": "counter",
        "g": "gauge",
    }
    assert value(text, "yinyom_requests_total", route='/a"b\\', status="200") == 1
    assert [(sample.labels["k"], sample.value) for sample in read["g"].samples] == [("v", 1.5), ("w", 2.0)]
    assert read["g"].documentation == "A gauge."
    assert text.count("# TYPE g gauge") == 1
    assert "_created" not in text
