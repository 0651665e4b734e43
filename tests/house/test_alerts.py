"""The alert rules name only what /metrics tells: a rule on a metric that nobody writes never fires."""

import re
from uuid import UUID

import pytest
from prometheus_client.parser import text_string_to_metric_families

from consent.audit import events, log, seal
from idp import metrics, outbox, vitals
from idp.breaker import Breaker
from idp.cli import MENU
from idp.contact import passages
from idp.jobs import enqueue_job
from idp.metrics import Counters, Sample
from tests.fakes import NOW
from tests.house.source import ROOT

RULES = (ROOT / "deploy" / "alerts.yml").read_text(encoding="utf-8")
EXPRESSIONS = re.findall(r"^ +expr: +(?:>\n +)?(.+)$", RULES, re.MULTILINE)
ALERTS = re.findall(r"^ +- alert: (\w+)$", RULES, re.MULTILINE)


@pytest.fixture
def told(sessions, ring):
    """Names of every series that /metrics can tell, with the labels of each."""
    counters, away = Counters(), Breaker("somewhere")
    metrics.listen(sessions, counters)
    metrics.count_request(counters, route="/x", status=200, seconds=0.1)
    with sessions.writing() as session:
        log.append(session, "key.rotated", now=NOW, actor=log.Actor.system("idp"))
        outbox.enqueue(session, ring, kind="sms", to="x", body="y", key="k", now=NOW)
        passages.begin(session, "otp-1", "first", cost=50, now=NOW)
        enqueue_job(session, "resolve", UUID(int=7), now=NOW)
    seal.seal(sessions, ring.signer("log", "Ed25519"), origin="test/log", now=NOW)
    with sessions.reading() as session:
        gauges = [Sample("yinyom_database_up", 1, {}), *vitals.gauges(session, now=NOW)]
    text = metrics.exposition(counters.totals(), gauges)
    assert not away.is_open
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def test_every_rule_was_read():
    """The expressions are found by their indentation."""
    assert len(EXPRESSIONS) == len(ALERTS) == RULES.count("summary:") == RULES.count("action:") >= 8


def test_every_metric_and_label_of_a_rule_is_told(told):
    """Name and labels, as /metrics writes them."""
    for expression in EXPRESSIONS:
        named = re.findall(r"(yinyom_\w+)(?:\{([^}]*)\})?", expression)
        assert named
        for name, matchers in named:
            assert name in told, f"{name} of {expression}"
            assert set(re.findall(r"(\w+)[=!]", matchers)) <= told[name], expression


def test_every_event_of_a_rule_is_in_the_catalogue():
    """Counters are named after audit events."""
    named = [one for matched in re.findall(r'event=~?"([^"]+)"', RULES) for one in matched.split("|")]

    assert named
    assert set(named) <= set(events.EVENTS)


def test_every_command_of_an_action_exists():
    """What an alert advises can be typed."""
    assert set(re.findall(r"`idp (\w+)", RULES)) <= set(MENU)
