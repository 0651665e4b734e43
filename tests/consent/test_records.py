"""Giving, refusing, telling: immutable acts and one standing per key (PDPA s.19, s.26, s.27; DECISIONS 15, 16)."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import DBAPIError

from consent import records, standings
from consent.audit import log
from consent.errors import Conflict, NotAllowed, NotFound
from consent.models import (
    ConsentNotice,
    ConsentNoticeText,
    ConsentRecord,
    ConsentRefusal,
    ConsentUse,
    ConsentWithdrawal,
)
from consent.withdrawal import withdraw
from tests.consent.cast import ANOTHER, CLINIC, PERSON, choice, key
from tests.fakes import HOUR, NOW


def told(session):
    return [(entry.event, entry.move) for entry in reversed(log.of_subject(session, PERSON))]


def test_giving_records_what_was_shown_and_how_surely(session):
    """PDPA s.19: the controller must be able to show the consent."""
    answer = choice(session)

    record = records.give(session, answer, now=NOW)

    assert (record.kind, record.subject_id, record.recipient_id, record.purpose) == (
        "consent",
        PERSON,
        CLINIC,
        "PHR-SELF",
    )
    assert (record.given_at, record.expires_at) == (NOW, NOW + timedelta(days=90))
    assert (record.basis, record.explicit, record.aal, record.ial, record.channel) == ("C26", True, "2.2", "2.1", "web")
    assert (record.notice_version, record.notice_sha256) == (1, answer.notice.sha256)
    assert record.runs_at(NOW)
    assert not record.runs_at(record.expires_at)
    now_at = records.standing(session, key())
    assert (now_at.state, now_at.record_id, now_at.expires_at, now_at.uses_left, now_at.move) == (
        "given",
        record.id,
        record.expires_at,
        None,
        1,
    )
    assert told(session) == [("consent.given", 1)]


def test_a_right_is_confirmed_not_consented(session):
    """PDPA s.30: the act of the person; catalogue rule 3, RIGHT30."""
    own = records.give(session, choice(session, basis="RIGHT30", explicit=False), now=NOW)
    complaint = records.give(session, choice(session, "COMPLAINT"), now=NOW)

    assert (own.kind, complaint.kind) == ("right", "right")


def test_a_use_that_needs_no_consent_is_told_and_recorded_with_its_basis(session):
    """PDPA s.27: what is shared without consent is on record."""
    record = records.note(session, choice(session, "SIGNIN"), now=NOW)

    assert (record.kind, record.basis) == ("notice", "CON")
    assert records.standing(session, key("SIGNIN")).state == "noticed"
    assert told(session) == [("disclosure.recorded", 1)]


def test_a_refusal_is_remembered_whatever_the_level(session):
    """DECISIONS 18; saying no is never harder than anything."""
    refusal = records.refuse(session, choice(session, aal="1", ial="1.1"), now=NOW)

    assert refusal.ended_record_id is None
    stand = records.standing(session, key())
    assert (stand.state, stand.record_id, stand.expires_at) == ("refused", None, None)
    assert told(session) == [("consent.refused", 1)]


def test_refusing_what_runs_takes_it_back_in_the_same_act(session):
    """PDPA s.19: as easy to withdraw as to give."""
    record = records.give(session, choice(session), now=NOW)

    refusal = records.refuse(session, choice(session), now=NOW + HOUR)

    assert refusal.ended_record_id == record.id
    assert session.get_one(ConsentWithdrawal, record.id).reason == "refused"
    assert records.standing(session, key()).state == "refused"
    assert told(session) == [("consent.given", 1), ("consent.refused", 2), ("consent.withdrawn", 2)]


def test_a_newer_answer_replaces_the_older_one(session):
    """DECISIONS 16: one standing per key, so never two in force."""
    old = records.give(session, choice(session), now=NOW)
    new = records.give(session, choice(session, client_id="second"), now=NOW + HOUR)

    stand = records.standing(session, key())
    assert (stand.record_id, stand.move) == (new.id, 2)
    assert [record.id for record in records.of_key(session, key())] == [old.id, new.id]
    assert records.key_of(old) == key()


@pytest.mark.parametrize(
    ("purpose", "changes", "code"),
    [
        ("SIGNIN", {}, "kind"),
        ("PHR-SELF", {"basis": "TREAT"}, "kind"),
        ("PHR-SELF", {"explicit": False}, "explicit"),
        ("PHR-SELF", {"aal": "1"}, "aal_too_low"),
        ("PHR-SELF", {"ial": "1.2"}, "ial_too_low"),
        ("PHR-SELF", {"basis": "C19"}, "basis"),
        ("PHR-SELF", {"scopes": ("patient/Immunization.rs",)}, "scope"),
        ("PHR-SELF", {"scopes": ("patient/Condition.cruds",)}, "scope"),
        ("PHR-SELF", {"categories": ("recording",)}, "categories"),
        ("PHR-SELF", {"lives_for": timedelta(0)}, "life"),
        ("STAFF", {}, "kind"),
    ],
)
def test_a_consent_outside_the_catalogue_is_refused_and_leaves_no_trace(session, purpose, changes, code):
    """Catalogue rules 3, 4, 6; PDPA s.26: explicit means an act of its own."""
    answer = choice(session, purpose, **changes)

    with pytest.raises(NotAllowed) as refusal:
        records.give(session, answer, now=NOW)

    assert refusal.value.code == code
    assert records.standing(session, answer.key) is None
    assert told(session) == []


def test_a_notice_of_another_purpose_proves_nothing(session):
    """PDPA s.19: consent to what was shown."""
    other = choice(session, "LAB-VIEW").notice

    with pytest.raises(NotAllowed) as refusal:
        records.give(session, choice(session, notice=other), now=NOW)
    assert refusal.value.code == "notice"


@pytest.mark.parametrize("purpose", ["PHR-SELF", "CERT-VIEW", "STAFF"])
def test_what_must_be_asked_is_never_only_told(session, purpose):
    """Catalogue rule 3."""
    with pytest.raises(NotAllowed):
        records.note(session, choice(session, purpose), now=NOW)


def test_what_is_told_cannot_be_refused(session):
    """Catalogue rule 3: no Allow button, so no Refuse either."""
    with pytest.raises(NotAllowed):
        records.refuse(session, choice(session, "SIGNIN"), now=NOW)


def test_a_loosened_basis_is_told(session):
    """Catalogue rule 3: APPT in the operator's own app is treatment."""
    record = records.note(session, choice(session, "APPT", basis="TREAT", explicit=False), now=NOW)

    assert record.kind == "notice"


def test_anothers_record_is_not_found(session):
    """Someone else's consent is not found, never forbidden."""
    record = records.give(session, choice(session), now=NOW)

    with pytest.raises(NotFound):
        records.get(session, record.id, subject_id=ANOTHER)
    assert records.get(session, record.id, subject_id=PERSON) is record


def test_standings_are_read_together(session):
    """One read for all purposes of a recipient; those never moved are absent."""
    records.give(session, choice(session), now=NOW)
    records.refuse(session, choice(session, "LAB-VIEW"), now=NOW)

    found = records.standings(
        session, subject_id=PERSON, recipient_id=CLINIC, purposes=["PHR-SELF", "LAB-VIEW", "RX-VIEW"]
    )

    assert {code: stand.state for code, stand in found.items()} == {"PHR-SELF": "given", "LAB-VIEW": "refused"}


def test_a_person_looks_back_on_everything(session):
    """PAGES: my consents: active, ended, refused, withdrawn, told."""
    for purpose in ("PHR-SELF", "LAB-VIEW", "CONTACT", "PID"):
        record = records.give(session, choice(session, purpose), now=NOW)
        if purpose == "LAB-VIEW":
            withdraw(session, record.id, subject_id=PERSON, actor_id=PERSON, reason=None, now=NOW + HOUR)
        if purpose == "CONTACT":
            assert standings.use(session, record.id, client_id="portal", most=1, now=NOW)
    records.refuse(session, choice(session, "RX-VIEW"), now=NOW)
    records.note(session, choice(session, "SIGNIN"), now=NOW)

    views = {view.purpose: view for view in records.for_subject(session, PERSON, now=NOW + HOUR)}

    assert {purpose: view.state for purpose, view in views.items()} == {
        "PHR-SELF": "active",
        "LAB-VIEW": "withdrawn",
        "CONTACT": "active",  # uses are counted only where the purpose limits them
        "PID": "ended",
        "RX-VIEW": "refused",
        "SIGNIN": "noticed",
    }
    assert views["LAB-VIEW"].withdrawn_at == NOW + HOUR
    assert views["RX-VIEW"].refused_at == NOW
    assert views["RX-VIEW"].record_id is None
    assert views["PHR-SELF"].client_id == "portal"
    assert records.for_subject(session, ANOTHER, now=NOW) == []


def test_uses_are_counted_to_the_last_and_not_beyond(session):
    """Catalogue rule 6: ends when its uses are spent."""
    record = records.give(session, choice(session, "PID"), now=NOW)

    assert records.standing(session, key("PID")).uses_left == 1
    assert standings.use(session, record.id, client_id="portal", most=1, now=NOW)
    assert not standings.use(session, record.id, client_id="portal", most=1, now=NOW)
    assert records.standing(session, key("PID")).uses_left == 0


def test_a_move_from_a_place_that_is_no_more_is_lost(session):
    """DECISIONS 16: compare-and-swap."""
    records.give(session, choice(session), now=NOW)
    here = standings.look(session, key())
    records.refuse(session, choice(session), now=NOW)

    assert not standings.move(session, key(), here, state="withdrawn", basis="C26", now=NOW)
    assert not standings.move(session, key(), None, state="given", basis="C26", now=NOW)
    assert records.standing(session, key()).state == "refused"


def test_an_act_that_always_comes_second_gives_up_and_writes_nothing(session, monkeypatch):
    """A lost race is told, not hidden."""
    answer = choice(session)
    record = records.give(session, answer, now=NOW)
    stale = replace(standings.look(session, key()), version=7)
    monkeypatch.setattr(records, "look", lambda *_: stale)
    monkeypatch.setattr(standings, "look", lambda *_: stale)

    for act in (records.give, records.refuse):
        with pytest.raises(Conflict):
            act(session, answer, now=NOW)
    with pytest.raises(Conflict):
        withdraw(session, record.id, subject_id=PERSON, actor_id=PERSON, reason=None, now=NOW)
    assert told(session) == [("consent.given", 1)]
    assert session.scalar(select(func.count()).select_from(ConsentRefusal)) == 0


@pytest.mark.parametrize(
    "model", [ConsentNotice, ConsentNoticeText, ConsentRecord, ConsentRefusal, ConsentUse, ConsentWithdrawal]
)
@pytest.mark.parametrize("verb", ["update", "delete"])
def test_the_database_refuses_to_change_or_drop_an_act(sessions, model, verb):
    """DECISIONS 16: immutable, whoever asks."""
    with sessions.writing() as session:
        record = records.give(session, choice(session, "PID"), now=NOW)
        standings.use(session, record.id, client_id="portal", most=1, now=NOW)
        records.refuse(session, choice(session, "PID"), now=NOW)
    column = next(iter(model.__table__.columns))
    change = delete(model) if verb == "delete" else update(model).values({column.name: column})

    with sessions.write() as session, pytest.raises(DBAPIError, match="append-only"):
        session.execute(change)
