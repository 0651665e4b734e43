"""Decide and log, always both (PDPA s.27; catalogue rule 6; DECISIONS 20)."""

import threading
from dataclasses import replace

import pytest
from sqlalchemy import event, func, select

from consent import records
from consent.access import request_access
from consent.audit import search
from consent.audit.search import Filters
from consent.decision import Reason
from consent.errors import NotFound
from consent.models import ConsentUse
from consent.withdrawal import withdraw
from tests.consent.cast import APP, AUDITOR, HOSPITAL, PERSON, choice
from tests.fakes import HOUR, NOW


def ask(session, *purposes, recipient=APP, event="introspect", write=True, **more):
    facts = {"aal": None, "ial": "2.1", "scopes": (), "acr": "urn:yinyom:aal:2.1", "now": NOW + HOUR, **more}
    return request_access(
        session,
        subject_id=PERSON,
        recipient=recipient,
        purposes=purposes,
        client_id="holder",
        event=event,
        write=write,
        **facts,
    )


def entries(session, *events):
    found = search.search(session, Filters(), auditor_id=AUDITOR, reason="test", limit=1000, now=NOW).rows
    return [row.entry for row in reversed(found) if row.entry.event in events]


def test_a_permitted_access_is_logged_for_each_purpose(session):
    """The citizen reads who, for what, on which consent."""
    record = records.give(session, choice(session), now=NOW)
    told = records.note(session, choice(session, "SIGNIN"), now=NOW)

    access = ask(session, "PHR-SELF", "SIGNIN", scopes={"PHR-SELF": ["patient/Patient.r"], "SIGNIN": ["openid"]})

    assert access.permit
    assert access.reason is Reason.permitted
    assert {code: verdict.record_id for code, verdict in access.verdicts.items()} == {
        "PHR-SELF": record.id,
        "SIGNIN": told.id,
    }
    logged = entries(session, "introspect")
    assert [(e.purpose, e.basis, e.consent_id, e.codes, e.outcome) for e in logged] == [
        ("PHR-SELF", "C26", record.id, ("patient/Patient.r",), "ok"),
        ("SIGNIN", "CON", told.id, ("openid",), "ok"),
    ]
    assert {(e.actor_kind, e.actor, e.client_id, e.recipient_id) for e in logged} == {
        ("client", "holder", "holder", APP.id)
    }


def test_several_purposes_name_the_person_once(session):
    """One look-up of the pseudonym for all entries of a request: they say the same person anyway."""
    records.give(session, choice(session), now=NOW)
    records.note(session, choice(session, "SIGNIN"), now=NOW)
    asked = []
    engine = session.get_bind().engine

    def note(_connection, _cursor, statement, *_more):
        asked.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    ask(session, "PHR-SELF", "SIGNIN")
    event.remove(engine, "before_cursor_execute", note)

    assert len([one for one in asked if "FROM audit_pseudonym" in one]) == 1
    first, second = entries(session, "introspect")
    assert first.subject == second.subject != ""


def test_one_withdrawn_purpose_stops_the_whole_request_and_says_so(session):
    """DECISIONS 17: withdrawal is seen at the next request."""
    record = records.give(session, choice(session), now=NOW)
    records.note(session, choice(session, "SIGNIN"), now=NOW)
    withdraw(session, record.id, subject_id=PERSON, actor_id=PERSON, reason=None, now=NOW)

    access = ask(session, "SIGNIN", "PHR-SELF")

    assert not access.permit
    assert access.reason is Reason.withdrawn
    (entry,) = entries(session, "introspect", "introspect.denied")
    assert (entry.event, entry.purpose, entry.outcome, entry.reason) == (
        "introspect.denied",
        "PHR-SELF",
        "denied",
        "withdrawn",
    )


@pytest.mark.parametrize(
    ("event", "denied"),
    [("introspect", "introspect.denied"), ("userinfo.read", "userinfo.denied"), ("token.issued", "token.denied")],
)
def test_every_refusal_is_an_entry(session, event, denied):
    """DECISIONS 20."""
    assert ask(session, "PHR-SELF", event=event).reason is Reason.no_record
    assert [entry.event for entry in entries(session, event, denied)] == [denied]


def test_a_repeat_decides_again_and_writes_nothing(session):
    """DECISIONS 20: repeats are counted elsewhere; the decision is still live."""
    record = records.give(session, choice(session), now=NOW)

    assert ask(session, "PHR-SELF", write=False).permit
    withdraw(session, record.id, subject_id=PERSON, actor_id=PERSON, reason=None, now=NOW)
    assert not ask(session, "PHR-SELF", write=False).permit
    assert entries(session, "introspect", "introspect.denied") == []


def test_nothing_asked_permits_nothing(session):
    """A token without a purpose opens no door."""
    assert not ask(session).permit


def test_an_unknown_purpose_is_not_found(session):
    """The list of purposes is closed."""
    with pytest.raises(NotFound):
        ask(session, "NOPE")


@pytest.mark.parametrize(
    ("recipient", "reason"),
    [
        (replace(HOSPITAL, licence_valid=False), Reason.licence_invalid),
        (replace(HOSPITAL, kind="insurer"), Reason.recipient_kind),
    ],
)
def test_a_recipient_that_changed_loses_access_at_once(session, recipient, reason):
    """Catalogue rule 5, asked live."""
    records.give(session, choice(session, "EHR-SHARE"), now=NOW)

    assert ask(session, "EHR-SHARE", recipient=HOSPITAL).permit
    assert ask(session, "EHR-SHARE", recipient=recipient).reason is reason


@pytest.mark.parametrize("event", ["introspect", "userinfo.read"])
def test_a_single_use_is_spent_by_its_first_use(session, event):
    """Catalogue rule 6: PID is shown once."""
    records.give(session, choice(session, "PID"), now=NOW)
    moment = NOW + HOUR / 60

    assert ask(session, "PID", recipient=HOSPITAL, event="token.issued", now=moment).permit
    assert ask(session, "PID", recipient=HOSPITAL, event=event, now=moment).permit
    again = ask(session, "PID", recipient=HOSPITAL, event=event, now=moment)
    assert (again.permit, again.reason) == (False, Reason.uses_spent)


def test_a_refused_request_spends_no_use(session):
    """All or none: nothing is used up by a no."""
    records.give(session, choice(session, "PID"), now=NOW)

    assert not ask(session, "PID", "CONTACT", recipient=HOSPITAL, now=NOW).permit
    assert session.scalar(select(func.count()).select_from(ConsentUse)) == 0


def test_many_at_once_share_one_use(sessions):
    """Catalogue rule 6, X22: the key of the use row decides between processes."""
    with sessions.writing() as session:
        records.give(session, choice(session, "PID"), now=NOW)
    start, answers = threading.Barrier(4), []

    def use() -> None:
        start.wait()
        with sessions.writing() as session:
            answers.append(ask(session, "PID", recipient=HOSPITAL, now=NOW).permit)

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == [False, False, False, True]
