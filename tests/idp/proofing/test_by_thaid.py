"""What a sign-in at ThaID means for an account (THAI.md 3b R4)."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select, update

from consent.audit.log import Actor
from consent.audit.models import AuditEntry
from idp import provisional, subjects
from idp.national_id import BANGKOK, SyntheticOnly
from idp.proofing import by_thaid, cases
from idp.proofing.evidence import Evidence
from idp.proofing.sources.fake import SandboxRegistry
from idp.providers import ThaidPerson
from idp.subjects import NationalId, Subject
from tests.fakes import DAY, HOUR, NOW, YEAR

SOMCHAI, NAMESAKE, CHILD = "3999000010035", "3999000010043", "1999000010021"
PEOPLE = SandboxRegistry().people
PERSON = ThaidPerson(
    national_id=SOMCHAI,
    ial="2.3",
    title_th="นาย",
    given_name_th="สมชาย",
    family_name_th="ใจสมมติ",
    birth_date="1985-04-13",
    gender="male",
    check_id="0123456789abcdef",
)


@pytest.fixture
def somchai(session, ring):
    return subjects.create(session, ring, SOMCHAI, PEOPLE[SOMCHAI], now=NOW - DAY).id


@pytest.fixture
def typed(session, ring):
    """An account that knows a number and a phone."""
    return provisional.start(session, ring, SOMCHAI, "0100000777", now=NOW - DAY).id


def prove(session, ring, subject_id=None, person=PERSON):
    return by_thaid.prove(session, ring, person, subject_id=subject_id, policy=SyntheticOnly(), locale="th", now=NOW)


def level(session, subject_id):
    return cases.standing(session, subject_id, now=NOW).ial.value


def accounts(session):
    return session.scalar(select(func.count()).select_from(Subject))


def test_whoever_is_signed_in_reaches_the_level_that_thaid_states(session, ring, somchai):
    outcome = prove(session, ring, somchai)

    standing = cases.standing(session, somchai, now=NOW)
    assert (outcome.found, outcome.subject_id) == ("proved", somchai)
    assert (standing.ial.value, standing.method) == ("2.3", "thaid")
    assert standing.expires_at == NOW + YEAR


def test_a_lower_level_is_not_rounded_up(session, ring, typed):
    prove(session, ring, typed, replace(PERSON, ial="1.3"))

    assert level(session, typed) == "1.3"


def test_the_level_ends_with_the_card(session, ring, somchai):
    prove(session, ring, somchai, replace(PERSON, expires_on=date(2027, 1, 31)))

    ends = cases.standing(session, somchai, now=NOW).expires_at
    assert ends.astimezone(BANGKOK).date() == date(2027, 1, 31)


def test_a_card_of_the_past_proves_nothing(session, ring, somchai):
    before = level(session, somchai)

    yesterday = (NOW - DAY).astimezone(BANGKOK).date()
    assert prove(session, ring, somchai, replace(PERSON, expires_on=yesterday)).found == "card_expired"
    assert level(session, somchai) == before


def test_a_card_is_good_on_its_last_day(session, ring, somchai):
    today = NOW.astimezone(BANGKOK).date()

    assert prove(session, ring, somchai, replace(PERSON, expires_on=today)).found == "proved"


def test_somebody_elses_thaid_changes_nothing_and_is_written_down(session, ring, somchai):
    """R4: PID equals account. What was tried stands in the person's own log."""
    before = level(session, somchai)

    outcome = prove(session, ring, somchai, replace(PERSON, national_id=NAMESAKE))

    assert (outcome.found, outcome.subject_id) == ("other_person", None)
    assert level(session, somchai) == before
    assert accounts(session) == 1
    assert session.scalars(select(AuditEntry.event).order_by(AuditEntry.id.desc())).first() == "proofing.failed"


def test_a_provisional_account_becomes_its_persons_own(session, ring, typed):
    """DECISIONS 1: the first real proof; names come with it, the typed phone stays."""
    outcome = prove(session, ring, typed)

    number = session.scalars(select(NationalId).where(NationalId.subject_id == typed)).one()
    held = subjects.profile(session, ring, typed)
    assert (outcome.subject_id, number.proved) == (typed, True)
    assert (held.name_th, held.birth_date, held.phone) == ("สมชาย ใจสมมติ", "1985-04-13", "+66100000777")


def test_of_several_provisional_accounts_the_proved_one_stays(session, ring, typed):
    other = provisional.start(session, ring, SOMCHAI, "0100000888", now=NOW - DAY).id

    prove(session, ring, typed)

    assert subjects.get(session, typed).status == "active"
    session.expire_all()
    assert subjects.get(session, other).status == "closed"


def test_a_provisional_account_beside_a_proved_one_leads_to_the_proved_one(session, ring, somchai, typed):
    outcome = prove(session, ring, typed)

    session.expire_all()
    assert outcome.subject_id == somchai
    assert subjects.get(session, typed).status == "closed"


def carded(session, ring, subject_id):
    """Somebody who had a picture of the card typed what stands on it."""
    seen = [Evidence("card_data", "issuer", NOW - HOUR)]
    cases.record(session, ring, subject_id=subject_id, evidence=seen, actor=Actor.citizen(subject_id), now=NOW - HOUR)


def test_an_account_that_was_only_typed_is_not_lifted_from_outside_it(session, ring, typed):
    """DECISIONS 1: what its opener set up would open it at the level of the person who comes after them."""
    carded(session, ring, typed)

    outcome = prove(session, ring)

    assert (outcome.found, outcome.subject_id) == ("phone_first", None)
    assert level(session, typed) == "1.3"


def test_nor_from_another_account_that_was_typed(session, ring, typed):
    """The person themselves may have a provisional account beside it."""
    carded(session, ring, typed)
    other = provisional.start(session, ring, SOMCHAI, "0100000888", now=NOW).id

    assert prove(session, ring, other).found == "phone_first"
    assert level(session, typed) == "1.3"


def test_whoever_is_signed_in_to_it_lifts_it_and_then_it_is_found(session, ring, typed):
    """Phone and ThaID in one browser: from then on ThaID alone finds it."""
    carded(session, ring, typed)

    assert prove(session, ring, typed).found == "proved"
    assert level(session, typed) == "2.3"
    assert prove(session, ring).subject_id == typed


def test_whoever_comes_first_by_thaid_gets_an_account_with_its_facts(session, ring):
    outcome = prove(session, ring)

    held = subjects.profile(session, ring, outcome.subject_id)
    assert (held.name_th, held.gender, held.phone) == ("สมชาย ใจสมมติ", "male", "")
    assert level(session, outcome.subject_id) == "2.3"
    assert prove(session, ring).subject_id == outcome.subject_id
    assert accounts(session) == 1


def test_whoever_has_an_account_finds_it_by_thaid(session, ring, somchai):
    assert prove(session, ring).subject_id == somchai


@pytest.mark.parametrize("birth_date", ["2011-01-01", "", "2007"])
def test_nobody_under_twenty_or_of_unknown_age_gets_an_account(session, ring, birth_date):
    """PDPA s.20. A year alone counts from its last day."""
    person = replace(PERSON, national_id=CHILD, birth_date=birth_date)

    assert prove(session, ring, person=person).found == "too_young"
    assert accounts(session) == 0


def test_an_age_that_thaid_does_not_say_is_the_accounts(session, ring, somchai):
    assert prove(session, ring, person=replace(PERSON, birth_date="")).subject_id == somchai


@pytest.mark.parametrize("status", ["closed", "deceased"])
def test_a_shut_account_is_not_opened_again_by_thaid(session, ring, somchai, status):
    session.execute(update(Subject).where(Subject.id == somchai).values(status=status))

    assert prove(session, ring).found == "closed"


def test_a_number_that_is_not_served_here_is_refused(session, ring):
    """A sandbox takes made-up people only; a real service, real ones."""

    class Nobody:
        def allows(self, _):
            return False

    outcome = by_thaid.prove(session, ring, PERSON, subject_id=None, policy=Nobody(), locale="th", now=NOW)

    assert (outcome.found, accounts(session)) == ("not_served", 0)


def test_what_thaid_leaves_out_is_not_lost(session, ring, somchai):
    before = subjects.profile(session, ring, somchai)

    prove(session, ring, somchai, replace(PERSON, gender="unknown", birth_date="", title_th=""))

    after = subjects.profile(session, ring, somchai)
    assert (after.birth_date, after.gender, after.phone) == (before.birth_date, before.gender, before.phone)
    assert (after.email, after.address) == (before.email, before.address)


def test_a_changed_name_is_taken_as_one_thing(session, ring, somchai):
    """Somebody who gave up a family name has none."""
    prove(session, ring, somchai, replace(PERSON, given_name_th="หล้า", family_name_th="", title_th=""))

    assert subjects.profile(session, ring, somchai).name_th == "หล้า"


def test_a_proof_runs_out_after_a_year(session, ring, somchai):
    prove(session, ring, somchai)

    assert cases.standing(session, somchai, now=NOW + YEAR + timedelta(seconds=1)).ial.value == "1.1"
