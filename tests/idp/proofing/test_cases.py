from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError

from consent.audit.log import Actor
from consent.audit.models import AuditEntry
from consent.errors import Conflict, NotAllowed, NotFound
from idp import alerts, jobs, provisional, subjects
from idp.abuse import failures
from idp.assurance import Ial
from idp.outbox import Letter
from idp.proofing import cases, numbers
from idp.proofing.evidence import Evidence
from idp.proofing.models import EvidenceRow
from idp.proofing.sources.fake import SandboxRegistry
from idp.subjects import NationalId, Subject
from tests.fakes import DAY, HOUR, NOW, YEAR

SOMCHAI, NAMESAKE = "3999000010035", "3999000010043"
PEOPLE = SandboxRegistry().people
OFFICER = uuid4()
DESK = Actor.staff(OFFICER)
CHIP = Evidence("card_chip", "hcode:99001", NOW, expires_at=NOW + 3 * YEAR)
FACE = Evidence("face", "hcode:99001", NOW, checked_by=OFFICER)
STATUS = Evidence("card_status", "dopa", NOW)
DATA = Evidence("card_data", "dopa", NOW)
THAID = Evidence("thaid", "thaid", NOW, stated=Ial.IAL2_3)


@pytest.fixture
def somchai(session, ring):
    return subjects.create(session, ring, SOMCHAI, PEOPLE[SOMCHAI], now=NOW - DAY).id


@pytest.fixture
def typed(session, ring):
    """An account that knows a number and a phone."""
    return provisional.start(session, ring, SOMCHAI, "0100000777", now=NOW - DAY).id


def record(session, ring, subject_id, *evidence, now=NOW):
    return cases.record(session, ring, subject_id=subject_id, evidence=evidence, actor=DESK, now=now)


def account(session, subject_id):
    return session.get_one(Subject, subject_id, populate_existing=True)


def events(session, *names):
    found = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    told = [one.event for one in found]
    return [event for event in told if event in names] if names else told


def test_a_proof_moves_the_account_and_says_how_long_for(session, ring, somchai):
    verdict = record(session, ring, somchai, CHIP, FACE, STATUS)

    row = account(session, somchai)
    assert (row.ial, row.ial_method, row.ial_at, row.ial_expires_at) == (
        *("2.2", "chip_status_face"),
        *(NOW, NOW + 3 * YEAR),
    )
    assert verdict == cases.standing(session, somchai, now=NOW)


def test_what_the_account_began_with_is_evidence_too(session, ring, somchai):
    """A level that was there before the first case is not lost when the stronger one runs out."""
    record(session, ring, somchai, CHIP, FACE)

    assert [one.method for one in cases.evidence_of(session, somchai)] == ["register", "card_chip", "face"]
    assert cases.expire(session, ring, now=NOW + 3 * YEAR) == 1
    assert account(session, somchai).ial == "1.3"


def test_the_beginning_is_written_down_once(session, ring, somchai):
    record(session, ring, somchai, CHIP)
    record(session, ring, somchai, THAID)

    assert [one.method for one in cases.evidence_of(session, somchai)] == ["register", "card_chip", "thaid"]


def test_an_expired_level_counts_no_more_before_the_worker_comes(session, ring, somchai):
    record(session, ring, somchai, CHIP, FACE)

    assert cases.standing(session, somchai, now=NOW + 3 * YEAR).ial is Ial.IAL1_1
    assert subjects.level_now(session, somchai, now=NOW + 3 * YEAR) is Ial.IAL1_1
    assert subjects.level_now(session, somchai, now=NOW + 3 * YEAR - HOUR) is Ial.IAL2_1


def test_the_worker_writes_that_a_proof_ran_out_once_and_tells(session, ring, somchai):
    record(session, ring, somchai, CHIP, FACE)
    letters = session.scalar(select(func.count()).select_from(Letter))

    moved = [cases.expire(session, ring, now=NOW + 3 * YEAR) for _ in range(2)]

    assert moved == [1, 0]
    assert events(session, "proofing.expired") == ["proofing.expired"]
    assert session.scalar(select(func.count()).select_from(Letter)) > letters


def test_nothing_expires_before_its_time(session, ring, somchai):
    record(session, ring, somchai, CHIP, FACE)

    assert cases.expire(session, ring, now=NOW + 3 * YEAR - HOUR) == 0


def test_the_log_says_what_was_checked_and_what_came_of_it(session, ring, somchai):
    record(session, ring, somchai, CHIP, FACE)

    assert events(session, "proofing.evidence_checked", "proofing.passed", "proofing.failed") == [
        *("proofing.evidence_checked", "proofing.passed"),
    ]


def test_a_finding_against_somebody_is_kept_and_logged_as_failed(session, ring, somchai):
    record(session, ring, somchai, CHIP, Evidence("face", "hcode:99001", NOW, finding="mismatch", checked_by=OFFICER))

    assert account(session, somchai).ial == "1.3"  # what the register attested stands
    assert events(session, "proofing.passed", "proofing.failed") == ["proofing.failed"]


def test_a_change_of_level_is_told_and_no_change_is_not(session, ring, somchai):
    record(session, ring, somchai, CHIP)
    told = session.scalar(select(func.count()).select_from(alerts.Notice))
    record(session, ring, somchai, THAID)

    assert (told, session.scalar(select(func.count()).select_from(alerts.Notice))) == (0, 1)


def test_evidence_can_complete_an_act_of_the_day_before(session, ring, somchai):
    record(session, ring, somchai, CHIP, FACE)
    act = cases.evidence_of(session, somchai)[-1].act

    verdict = record(session, ring, somchai, Evidence("card_status", "dopa", NOW + HOUR, act=act), now=NOW + HOUR)

    assert verdict.ial is Ial.IAL2_2


@pytest.mark.parametrize("later", [DAY + HOUR, HOUR])
def test_evidence_cannot_join_an_act_that_is_over_or_somebody_elses(session, ring, somchai, later):
    record(session, ring, somchai, CHIP, FACE)
    act = cases.evidence_of(session, somchai)[-1].act if later > DAY else uuid4()

    with pytest.raises(ValueError, match="names an act"):
        record(session, ring, somchai, Evidence("card_status", "dopa", NOW + later, act=act), now=NOW + later)


def test_a_weak_recovery_lowers_the_level_until_a_real_proof(session, ring, somchai):
    """R8: the level is kept only if R3 or R4 is done again."""
    record(session, ring, somchai, THAID)

    weak = cases.weaken(session, ring, subject_id=somchai, to=Ial.IAL1_1, actor=DESK, now=NOW + HOUR)
    again = record(session, ring, somchai, CHIP, FACE, now=NOW + HOUR)

    assert (weak.ial, again.ial) == (Ial.IAL1_1, Ial.IAL2_1)


def test_the_first_real_proof_makes_the_number_the_accounts_own(session, ring, typed):
    assert subjects.find_by_national_id(session, ring, SOMCHAI) is None

    record(session, ring, typed, DATA)

    assert subjects.find_by_national_id(session, ring, SOMCHAI).id == typed
    assert not provisional.is_provisional(session, typed)


def test_a_photo_of_a_document_does_not_make_a_number_anybodys(session, ring, typed):
    record(session, ring, typed, Evidence("document", "hcode:99001", NOW, checked_by=OFFICER))

    assert provisional.is_provisional(session, typed)


def test_a_real_proof_supersedes_the_accounts_that_others_opened_with_the_number(session, ring, typed):
    """DECISIONS 1: a public number cannot be squatted."""
    squatter = provisional.start(session, ring, SOMCHAI, "0100000999", now=NOW - DAY).id
    bystander = provisional.start(session, ring, NAMESAKE, "0100000999", now=NOW - DAY).id

    record(session, ring, typed, DATA)

    states = [account(session, one).status for one in (typed, squatter, bystander)]
    assert states == ["active", "closed", "active"]
    kinds = session.scalars(select(alerts.Notice.kind).where(alerts.Notice.subject_id == squatter)).all()
    assert kinds == ["account_superseded"]
    assert [job.kind for job in jobs.claim_due(session, now=NOW) if job.ref_id == squatter] == [numbers.END_ACCESS]
    assert events(session, "account.closed") == ["account.closed"]


def test_a_proof_at_the_counter_supersedes_them_as_well(session, ring, somchai, typed):
    record(session, ring, somchai, CHIP, FACE)

    assert account(session, typed).status == "closed"


def test_a_number_that_is_proved_elsewhere_is_refused_and_nothing_is_kept(session, ring, somchai, typed):
    """R2: account already bound? Card data open no second door into somebody's account."""
    with pytest.raises(Conflict) as refused, session.begin_nested():
        record(session, ring, typed, DATA)

    assert refused.value.code == "bound"
    assert (account(session, typed).ial, account(session, somchai).status) == ("1.1", "active")
    assert session.scalar(select(func.count()).select_from(EvidenceRow)) == 0


@pytest.mark.parametrize(("status", "code"), [("closed", "account_closed"), ("deceased", "deceased")])
def test_nobody_proves_anything_for_an_account_that_is_shut(session, ring, somchai, status, code):
    session.execute(update(Subject).where(Subject.id == somchai).values(status=status))

    with pytest.raises(NotAllowed) as refused:
        record(session, ring, somchai, CHIP)

    assert refused.value.code == code


def test_nobody_is_not_found(session, ring):
    with pytest.raises(NotFound):
        record(session, ring, UUID(int=1), CHIP)


def test_evidence_is_never_changed_nor_taken_away(session, ring, somchai):
    record(session, ring, somchai, CHIP)

    for statement in ("UPDATE proofing_evidence SET method = 'thaid'", "DELETE FROM proofing_evidence"):
        with pytest.raises(DBAPIError, match="append-only"), session.begin_nested():
            session.execute(text(statement))


def test_closing_twice_closes_once(session, somchai):
    closed = [numbers.close(session, somchai, status="deceased", reason="register", now=NOW) for _ in range(2)]

    assert closed == [True, False]
    assert session.scalar(select(func.count()).select_from(NationalId)) == 1


def test_a_proof_opens_the_way_by_sms_that_guessing_had_closed(session, ring, somchai):
    """RELIABILITY 3: twenty wrong codes close the way until another proof."""
    number = ring.fingerprint(SOMCHAI)
    for _ in range(failures.MOST):
        failures.pay(session, number, device=failures.STRANGER, now=NOW)
    closed = failures.is_closed(session, number, device=failures.STRANGER)

    record(session, ring, somchai, CHIP)

    assert (closed, failures.is_closed(session, number, device=failures.STRANGER)) == (True, False)
