"""Counters that several processes keep together, and the text that Prometheus reads."""

import os
import subprocess
import sys

import pytest

from consent.audit import log
from idp import metrics
from idp.metrics import Counters, Sample, exposition
from tests.fakes import NOW

ACTOR = log.Actor.system("idp")
COUNT = """
import sys
from pathlib import Path
from idp.metrics import Counters
counters = Counters(Path(sys.argv[1]))
for _ in range(1000):
    counters.add("yinyom_requests_total", route="/", status="200")
"""


def test_counts_are_kept_by_series():
    """Labels in one order, so that a series is one."""
    counters = Counters()
    counters.add("a", x="1", y="2")
    counters.add("a", 2, y="2", x="1")
    counters.add("b")
    assert counters.totals() == {'a{x="1",y="2"}': 3, "b": 1}


def test_processes_that_share_a_folder_are_summed_and_the_dead_still_count(tmp_path):
    """A counter never falls because a worker was replaced."""
    command = [sys.executable, "-c", COUNT, str(tmp_path / "m")]
    for process in [subprocess.Popen(command, env=os.environ | {"PYTHONPATH": os.getcwd()}) for _ in range(2)]:  # noqa: S603, PTH109
        assert process.wait(60) == 0

    counters = Counters(tmp_path / "m")
    counters.add("yinyom_requests_total", route="/", status="200")

    assert counters.totals() == {'yinyom_requests_total{route="/",status="200"}': 2001}
    assert (tmp_path / "m").stat().st_mode & 0o077 == 0


def test_a_full_file_stops_counting_and_nothing_else():
    """Too many series is our mistake, never a failed request."""
    counters = Counters()
    for number in range(10_000):
        counters.add("a", label=f"{number:0100}")
    assert 1000 < len(counters.totals()) < 10_000


def test_an_event_counts_when_its_transaction_is_kept(sessions):
    """What was undone never happened."""
    counters = Counters()
    metrics.listen(sessions, counters)

    with sessions.writing() as session:
        log.append(session, "token.issued", now=NOW, actor=ACTOR)
        assert counters.totals() == {}
    with pytest.raises(RuntimeError), sessions.writing() as session:  # noqa: PT012
        log.append(session, "token.issued", now=NOW, actor=ACTOR)
        raise RuntimeError

    assert counters.totals() == {'yinyom_events_total{event="token.issued",outcome="ok"}': 1}


def test_a_refusal_counts_by_its_reason_but_only_by_a_programs_word(sessions):
    """A reason that a person typed is no label."""
    counters = Counters()
    metrics.listen(sessions, counters)
    with sessions.writing() as session:
        log.append(session, "token.denied", now=NOW, actor=ACTOR, outcome="denied", reason="expired")
        log.append(session, "token.denied", now=NOW, actor=ACTOR, outcome="denied", reason="I looked for my uncle")
        log.append(session, "audit.searched", now=NOW, actor=ACTOR, reason="I looked for my uncle")

    assert set(counters.totals()) == {
        'yinyom_events_total{event="audit.searched",outcome="ok"}',
        'yinyom_events_total{event="token.denied",outcome="denied",reason="expired"}',
        'yinyom_events_total{event="token.denied",outcome="denied",reason="other"}',
    }


def test_the_text_is_prometheus_own():
    """Exposition format 0.0.4: HELP and TYPE once, values after, quotes escaped, seconds as seconds."""
    counters = Counters()
    metrics.count_request(counters, route='/a"b', status=200, seconds=0.25)

    text = exposition(counters.totals(), [Sample("g", 1.5, {"k": "v"}, "A gauge."), Sample("g", 2, {"k": "w"})])

    assert "# TYPE yinyom_requests_total counter" in text
    assert 'yinyom_requests_total{route="/a\\"b",status="200"} 1' in text
    assert 'yinyom_request_seconds_sum{route="/a\\"b"} 0.25' in text
    assert 'yinyom_request_seconds_count{route="/a\\"b"} 1' in text
    assert text.endswith('# HELP g A gauge.\n# TYPE g gauge\ng{k="v"} 1.5\ng{k="w"} 2\n')
