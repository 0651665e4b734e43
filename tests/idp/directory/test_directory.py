from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select, update

from consent.audit.entry import from_bytes
from consent.audit.models import AuditEntry
from consent.errors import NotAllowed, NotFound
from idp import directory, subjects
from idp.directory import Facility, LegalEntity, Practitioner, StaffAssignment, seed
from idp.proofing.sources.fake import SandboxRegistry
from tests.fakes import DAY, NOW

PEOPLE = SandboxRegistry().people


def events(session):
    leaves = session.query(AuditEntry.leaf_bytes).order_by(AuditEntry.id).all()
    return [from_bytes(bytes(leaf)) for (leaf,) in leaves]


@pytest.fixture
def people(session, ring):
    return {number: subjects.create(session, ring, number, PEOPLE[number], now=NOW).id for number in seed.STAFF}


@pytest.fixture
def seeded(session, people):
    seed.seed(session, people, now=NOW)
    return people


def test_the_seed_makes_the_sandbox_once(session, seeded):
    """A second start keeps its data."""
    seed.seed(session, seeded, now=NOW + DAY)

    tables = (LegalEntity, Facility, Practitioner, StaffAssignment)
    assert [session.scalar(select(func.count()).select_from(table)) for table in tables] == [6, 5, 2, 9]


def test_the_seed_uses_codes_and_numbers_of_nobody(session, seeded):  # noqa: ARG001
    """THAI 6.7 and 6.8: facility codes from 99001, licence numbers above any real one."""
    assert all(99001 <= int(hcode) <= 99999 for hcode in session.scalars(select(Facility.hcode)))
    assert set(session.scalars(select(Practitioner.number))) == {"990001", "9999000001"}


@pytest.mark.parametrize(
    ("entity", "facts"),
    [
        (seed.OPERATOR_ID, ("own_app", True, True)),
        (seed.HOSPITAL_ID, ("hospital", True, False)),
        (seed.INSURER_ID, ("insurer", True, False)),
        (seed.CLINIC_ID, ("clinic_medical", False, False)),
    ],
)
def test_a_legal_entity_is_a_recipient_with_its_licence_of_today(session, seeded, entity, facts):  # noqa: ARG001
    """Catalogue rule 5: kind and valid licence."""
    found = directory.recipient_of(session, entity, now=NOW)

    assert (found.kind, found.licence_valid, found.own_app) == facts
    assert found.name_th
    assert found.name_en


def test_a_licence_holds_through_its_last_day_in_bangkok(session, seeded):  # noqa: ARG001
    """DECISIONS 4: dates of law are Bangkok's."""
    last = datetime(2026, 6, 30, 16, 59, tzinfo=UTC)

    assert directory.recipient_of(session, seed.CLINIC_ID, now=last).licence_valid
    assert not directory.recipient_of(session, seed.CLINIC_ID, now=last + timedelta(minutes=1)).licence_valid


def test_a_facility_kind_without_any_facility_has_no_licence(session):
    """Catalogue rule 5: nothing shown is nothing held."""
    entity = LegalEntity(name_th="ก", name_en="A", kind="lab", controller_contact="c", dpo_contact="d")
    session.add(entity)
    session.flush()

    assert not directory.recipient_of(session, entity.id, now=NOW).licence_valid
    assert directory.contacts_of(session, entity.id, now=NOW).licence_until is None


def test_a_notice_can_name_controller_and_dpo(session, seeded):  # noqa: ARG001
    """PDPA s.23."""
    contacts = directory.contacts_of(session, seed.HOSPITAL_ID, now=NOW)

    assert "โรงพยาบาลตัวอย่างแพร่" in contacts.controller_contact
    assert contacts.dpo_contact == "dpo@example.test"
    assert contacts.licence_until == seed.VALID_UNTIL


def test_an_unknown_organisation_is_not_found(session):
    """One word for unknown."""
    for ask in (directory.recipient_of, directory.contacts_of):
        with pytest.raises(NotFound):
            ask(session, uuid4(), now=NOW)


def test_roles_are_dated(session, people):
    """DECISIONS 4: staff are people with dated assignments."""
    nurse = people[seed.NURSE]
    directory.assign(
        session,
        subject_id=nurse,
        role="clerk",
        granted_by=people[seed.ADMINISTRATOR],
        starts_at=NOW + DAY,
        ends_at=NOW + 2 * DAY,
        now=NOW,
    )

    roles = [directory.roles_of(session, nurse, now=NOW + n * DAY) for n in range(3)]

    assert roles == [frozenset(), frozenset({"clerk"}), frozenset()]


def test_a_role_ends_once_and_both_moves_are_in_the_log(session, people):
    """THAI 1c: role.changed."""
    nurse, admin = people[seed.NURSE], people[seed.ADMINISTRATOR]
    given = directory.assign(session, subject_id=nurse, role="clerk", granted_by=admin, now=NOW)

    directory.end_assignment(session, given.id, ended_by=admin, now=NOW + DAY)

    assert directory.roles_of(session, nurse, now=NOW + DAY) == frozenset()
    with pytest.raises(NotFound):
        directory.end_assignment(session, given.id, ended_by=admin, now=NOW + 2 * DAY)
    changes = [row for row in events(session) if row.event == "role.changed"]
    assert [(entry.reason, entry.codes) for entry in reversed(changes)] == [
        ("ended", ("role:clerk",)),
        ("granted", ("role:clerk",)),
    ]


def test_a_practitioner_needs_a_licence_that_runs(session, seeded):
    """Catalogue: staff act only with a valid licence."""
    doctor = seeded[seed.DOCTOR]
    assert directory.roles_of(session, doctor, now=NOW) == {"practitioner"}

    session.execute(update(Practitioner).values(suspended_at=NOW))

    assert directory.roles_of(session, doctor, now=NOW) == frozenset()


@pytest.mark.parametrize(("role", "code"), [("minister", "unknown_role"), ("auditor", "own_role")])
def test_nobody_gets_a_made_up_role_nor_gives_one_to_themselves(session, people, role, code):
    """THAI 1a row 26: no access by rank; roles are separated."""
    nurse = people[seed.NURSE]
    with pytest.raises(NotAllowed) as refused:
        directory.assign(session, subject_id=nurse, role=role, granted_by=nurse, now=NOW)

    assert refused.value.code == code


def test_where_somebody_works_is_dated_and_needs_a_licence(session, seeded):
    """A nurse of two facilities; without a licence, neither; a role of tomorrow does not count today."""
    nurse = seeded[seed.NURSE]

    def places(now=NOW):
        return [(one.hcode, one.role) for one in directory.affiliations_of(session, nurse, now=now)]

    assert places() == [("99001", "practitioner"), ("99002", "practitioner")]
    told = {"subject_id": nurse, "role": "clerk", "hcode": "99001", "granted_by": None}
    directory.assign(session, **told, starts_at=NOW + DAY, now=NOW)
    session.execute(update(Practitioner).values(suspended_at=NOW))
    assert places() == []
    assert places(NOW + DAY) == [("99001", "clerk")]
    assert directory.affiliations_of(session, seeded[seed.AUDITOR], now=NOW) == []


def test_a_facilitys_licence_holds_through_its_bangkok_day(session, seeded):
    """Of this facility; the name comes in the language of the page."""
    place = directory.affiliations_of(session, seeded[seed.CLERK], now=NOW)[0]

    midnight = datetime(2100, 1, 1, tzinfo=UTC) - timedelta(hours=7)
    assert place.licensed_at(midnight - timedelta(seconds=1))
    assert not place.licensed_at(midnight)
    assert (place.name("en"), place.name("th")) == ("Sample Hospital Phrae", "โรงพยาบาลตัวอย่างแพร่")
    assert directory.facility_name(session, "99001", locale="en") == "Sample Hospital Phrae"
    assert directory.facility_name(session, "99999", locale="th") is None
