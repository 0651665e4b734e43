from dataclasses import replace

import pytest
from sqlalchemy import select

from consent.audit.models import AuditEntry
from consent.errors import NotAllowed, NotFound
from idp import enrolment, jobs, provisional, subjects
from idp.login import sessions as sign_ins
from idp.proofing import cases, register
from idp.proofing.evidence import Evidence
from idp.proofing.numbers import PROOFING
from idp.proofing.sources.fake import SandboxRegistry
from idp.subjects import Subject
from tests.fakes import HOUR, NOW

SOMCHAI = "3999000010035"
PEOPLE = SandboxRegistry().people


@pytest.fixture
def somchai(session, ring):
    return subjects.create(session, ring, SOMCHAI, PEOPLE[SOMCHAI], now=NOW).id


def status(session, subject_id):
    return session.get_one(Subject, subject_id, populate_existing=True).status


def events(session):
    return session.scalars(select(AuditEntry.event).order_by(AuditEntry.id)).all()


def test_a_death_shuts_every_account_with_the_number(session, ring, somchai):
    typed = provisional.start(session, ring, SOMCHAI, "0100000777", now=NOW).id

    shut = register.died(session, ring, national_id=SOMCHAI, now=NOW)

    assert shut == 2
    assert (status(session, somchai), status(session, typed)) == ("deceased", "closed")
    assert register.died(session, ring, national_id=SOMCHAI, now=NOW) == 0


def test_a_session_of_somebody_who_died_works_no_more_before_the_worker_comes(session, ring, settings, somchai):
    token = sign_ins.start(
        session, subject_id=somchai, kind="citizen", factors={"sms"}, device="", settings=settings, now=NOW
    )
    assert sign_ins.find(session, token, settings=settings, now=NOW) is not None

    register.died(session, ring, national_id=SOMCHAI, now=NOW)

    assert sign_ins.find(session, token, settings=settings, now=NOW) is None


def test_the_worker_ends_by_name_what_was_open(session, ring, settings, somchai):
    sign_ins.start(session, subject_id=somchai, kind="citizen", factors={"sms"}, device="", settings=settings, now=NOW)
    register.died(session, ring, national_id=SOMCHAI, now=NOW)

    job = next(one for one in jobs.claim_due(session, now=NOW) if one.kind == "end-access")
    enrolment.end_access(session, job, now=NOW + HOUR)

    assert sign_ins.live(session, somchai, now=NOW) == []
    assert events(session)[-1] == "session.ended"
    assert [one.kind for one in jobs.claim_due(session, now=NOW + HOUR)] == []


def test_nothing_is_proved_for_somebody_who_died(session, ring, somchai):
    register.died(session, ring, national_id=SOMCHAI, now=NOW)

    evidence = [Evidence("card_data", "issuer", NOW)]
    with pytest.raises(NotAllowed) as refused:
        cases.record(session, ring, subject_id=somchai, evidence=evidence, actor=PROOFING, now=NOW)

    assert refused.value.code == "deceased"


def test_a_new_name_is_taken_over_and_nothing_else(session, ring, somchai):
    before = subjects.profile(session, ring, somchai)
    married = replace(PEOPLE[SOMCHAI], family_name_th="จำลองชัย", family_name_en="Chamlongchai", phone="", address="")

    changed = register.renamed(session, ring, national_id=SOMCHAI, person=married, now=NOW)

    after = subjects.profile(session, ring, somchai)
    assert changed
    assert after == replace(before, family_name_th="จำลองชัย", family_name_en="Chamlongchai")
    assert events(session)[-1] == "account.renamed"


def test_the_same_name_changes_and_logs_nothing(session, ring, somchai):
    assert not register.renamed(session, ring, national_id=SOMCHAI, person=PEOPLE[SOMCHAI], now=NOW)
    assert "account.renamed" not in events(session)
    assert somchai


def test_a_provisional_account_learns_no_name(session, ring):
    """Nobody has proved that the number is theirs."""
    provisional.start(session, ring, SOMCHAI, "0100000777", now=NOW)

    with pytest.raises(NotFound):
        register.renamed(session, ring, national_id=SOMCHAI, person=PEOPLE[SOMCHAI], now=NOW)
