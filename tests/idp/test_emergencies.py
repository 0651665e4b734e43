"""Breaking the glass, attacked: who, over whom, for how long; and what nobody can make it do: stay silent."""

from dataclasses import replace
from datetime import date
from uuid import uuid4

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from consent.errors import Conflict, NotAllowed, NotFound
from consent.family import links, rules
from consent.models import ConsentRecord
from idp import alerts, directory, emergencies, emergency_access, subjects
from idp.directory import Facility, LegalEntity, Practitioner
from idp.emergency_access import EmergencyAccess
from idp.outbox import Letter
from idp.ports import RegistryPerson
from idp.subjects import Subject
from tests.fakes import DAY, HOUR, MINUTE, NOW, SECOND
from tests.idp.bay import SAID, SCOPE, set_up
from tests.idp.oauth import stage as protocol
from tests.idp.oauth.stage import claims_of
from tests.idp.ward import HERE, PATIENT, THERE


@pytest.fixture
def bay(session, ring, settings):
    """A hospital whose doctor meets somebody who cannot answer."""
    return set_up(session, ring, settings)


def test_s26_1_vital_interest_opens_what_saves_a_life_without_asking_and_on_record(bay):
    """PDPA s.26(1) and s.27: no consent, the basis VITAL on record, a reason, the person told in the same breath."""
    token = bay.token()

    told = claims_of(token)
    assert told["purposes"] == ["SIGNIN", "BREAKGLASS"]
    assert told["patient"] == bay.ward.ring.pairwise(bay.patient, "records.example.test")
    assert bay.active(token)
    (recorded,), (used,) = bay.events("disclosure.recorded"), bay.events("breakglass.used")
    assert (recorded.basis, recorded.purpose) == ("VITAL", "BREAKGLASS")
    assert (used.basis, used.reason, used.actor_kind) == ("VITAL", "unconscious", "staff")
    assert {"hcode:99001", "role:practitioner", "hours:4", "patient:card"} <= set(used.codes)
    assert recorded.subject == used.subject == bay.events("introspect")[-1].subject
    assert bay.events("introspect")[-1].basis == "VITAL"
    assert bay.events("consent.given") == []


def test_the_person_is_told_at_once_by_every_way_and_never_skipped(bay):
    """Never silent: in the transaction that opens, also after ten other notices of the day, and with no link."""
    for _ in range(alerts.MOST_BY_SMS + 2):
        alerts.tell(bay.session, bay.ward.ring, subject_id=bay.patient, kind="new_device", now=bay.now)
    before = bay.session.query(Letter).filter_by(kind="sms").count()

    bay.open()

    assert bay.told() == 1
    assert bay.session.query(Letter).filter_by(kind="sms").count() == before + 1
    assert all("http" not in word for word in alerts.WORDS["emergency_opened"])


def test_each_opening_is_told_anew(bay):
    """A second emergency, or a colleague's, is another disclosure."""
    bay.open()
    bay.open()

    assert bay.told() == 2
    assert len(bay.events("breakglass.used")) == 2


@pytest.mark.parametrize("hours", [1, 4, 24])
def test_it_is_over_when_it_was_said_to_be(bay, hours):
    """Catalogue row BREAKGLASS: by the clock, though no row is written and nobody pressed anything."""
    emergency_id = bay.open(hours=hours)
    late = bay.later(hours * HOUR - 30 * SECOND)
    token = late.token(emergency_id)

    assert claims_of(token)["exp"] - claims_of(token)["iat"] <= 30
    assert late.active(token)
    over = bay.later(hours * HOUR)
    assert not over.active(token)
    assert over.row(emergency_id).ended_at is None
    assert over.answer(over.launch(emergency_id))["error_description"] == "emergency_over"


def test_ending_it_ends_token_code_and_launch(bay):
    """At the next request."""
    emergency_id = bay.open()
    token, heard, unused = bay.token(emergency_id), bay.answer(bay.launch(emergency_id)), bay.launch(emergency_id)

    bay.end(emergency_id, "answers")

    assert not bay.active(token)
    assert bay.redeem(heard["code"]).status == 400
    assert bay.answer(unused)["error_description"] == "emergency_over"
    assert [one.reason for one in bay.events("breakglass.ended")] == ["answers"]
    bay.end(emergency_id)
    assert len(bay.events("breakglass.ended")) == 1


def test_a_second_emergency_does_not_shorten_the_first(bay):
    """Two clinicians, one notice on record: it stands as long as the longest of them."""
    first = bay.open(hours=4)
    second = bay.later(HOUR).open(hours=1)
    later = bay.later(3 * HOUR)

    assert not later.row(second).runs_at(later.now)
    assert later.active(later.token(first))
    later.end(second)
    assert later.active(later.token(first))


def test_the_end_of_the_last_one_ends_the_notice(bay):
    """What was told stands no longer than what it tells of."""
    one, other = bay.open(), bay.open()
    bay.end(one)
    assert bay.active(bay.token(other))

    bay.end(other)

    (standing,) = emergencies.records.for_subject(bay.session, bay.patient, now=bay.now + SECOND)
    assert standing.state == "ended"


def test_care_needs_a_visit_and_an_emergency_opens_nothing_else(bay):
    """Catalogue rule 1: BREAKGLASS by name only; the one launch never opens what belongs to the other."""
    heard = bay.answer(bay.launch(bay.open()), scope="launch openid user/Observation.rs")
    assert heard["error_description"] == "other_launch"
    visit = bay.ward.launch(bay.ward.open(), client_id="rescue")
    assert bay.answer(visit)["error_description"] == "other_launch"

    both = bay.answer(bay.launch(bay.open()), scope=SCOPE + " user/Observation.rs")
    body = bay.redeem(both["code"]).body
    assert "user/Observation.rs" not in body["scope"].split()
    assert claims_of(body["access_token"])["purposes"] == ["SIGNIN", "BREAKGLASS"]


def test_an_unknown_patient_has_no_record_to_open_until_somebody_is_named(bay):
    """The clock runs from the first word; a name later adds no hour."""
    emergency_id = bay.open(unknown=True)
    assert bay.events("breakglass.used")[0].subject == ""
    assert bay.answer(bay.launch(emergency_id))["error_description"] == "launch"
    later = bay.later(2 * HOUR)

    emergencies.name(
        *(later.session, later.ward.ring, emergency_id),
        patient=later.named(by="number"),
        desk=later.desk(),
        locale="th",
        now=later.now,
    )

    assert later.active(later.token(emergency_id))
    assert later.told() == 1
    assert later.row(emergency_id).ends_at == NOW + 4 * HOUR
    assert emergency_access.words_of(bay.session, bay.ward.ring, later.row(emergency_id)) == SAID.words
    assert "patient:number" in later.events("breakglass.used")[-1].codes


def name(bay, emergency_id, **changes):
    told = {"patient": bay.named(), "desk": bay.desk(), "locale": "th", "now": bay.now, **changes}
    return emergencies.name(bay.session, bay.ward.ring, emergency_id, **told)


def test_a_name_is_said_once(bay):
    """One emergency, one person: nobody is looked up after another under the same reason."""
    emergency_id = bay.open(unknown=True)
    name(bay, emergency_id)
    assert name(bay, emergency_id) == emergency_id

    with pytest.raises(Conflict):
        name(bay, emergency_id, patient=bay.named("2999000010053"))
    assert bay.told() == 1


def test_nobody_is_named_after_the_end(bay):
    """By the clock, and by hand."""
    emergency_id, ended = bay.open(unknown=True), bay.open(unknown=True)
    bay.end(ended)

    for late, of in ((bay.later(4 * HOUR), emergency_id), (bay, ended)):
        with pytest.raises(Conflict):
            name(late, of)
    assert bay.told() == 0


def test_the_same_press_twice_opens_once(bay):
    """Double taps are safe: the form carries the id."""
    told = {"said": SAID, "patient": bay.named(), "desk": bay.desk(), "locale": "th", "now": bay.now}
    emergency_id = uuid4()

    both = [emergencies.open_access(bay.session, bay.ward.ring, emergency_id, **told) for _ in range(2)]

    assert both == [emergency_id, emergency_id]
    assert bay.told() == 1
    with pytest.raises(NotFound):
        emergencies.open_access(bay.session, bay.ward.ring, emergency_id, **told | {"desk": bay.desk(hcode=THERE)})


def licence_suspended(bay):
    bay.session.execute(update(Practitioner).values(suspended_at=NOW))


def licence_ran_out(bay):
    bay.session.execute(update(Practitioner).values(valid_until=date(2026, 11, 22)))


def role_withdrawn(bay):
    rows = directory.affiliations_of(bay.session, bay.ward.doctor, now=NOW + MINUTE)
    (one,) = [row for row in rows if (row.hcode, row.role) == (HERE, "practitioner")]
    directory.end_assignment(bay.session, one.id, ended_by=None, now=NOW + MINUTE)


def facility_lapsed(bay):
    bay.session.execute(update(Facility).where(Facility.hcode == HERE).values(licence_valid_until=date(2026, 11, 22)))


def entity_is_no_hospital(bay):
    bay.session.execute(update(LegalEntity).values(kind="drugstore"))


def facility_is_no_hospital(bay):
    bay.session.execute(update(Facility).where(Facility.hcode == HERE).values(kind="drugstore"))


def doctor_is_weak(bay):
    bay.session.execute(update(Subject).where(Subject.id == bay.ward.doctor).values(ial="1.3"))


def patient_died(bay):
    bay.session.execute(update(Subject).where(Subject.id == bay.patient).values(status="deceased"))


@pytest.mark.parametrize(
    ("happens", "code"),
    [
        (facility_lapsed, "facility_licence"),
        (entity_is_no_hospital, "facility_kind"),
        (facility_is_no_hospital, "facility_kind"),
        (doctor_is_weak, "staff_level"),
        (patient_died, "patient_closed"),
    ],
)
def test_why_the_glass_does_not_break(bay, happens, code):
    """A reason as a code; nothing written, nobody told."""
    desk = bay.desk()
    happens(bay)
    bay.session.expire_all()

    with pytest.raises(NotAllowed) as refused:
        bay.open(desk=replace(desk, place=bay.desk().place))

    assert refused.value.code == code
    assert bay.events("breakglass.used") == []


@pytest.mark.parametrize("happens", [licence_suspended, licence_ran_out])
def test_who_has_no_licence_is_no_practitioner_anywhere(bay, happens):
    """The directory lets nobody work as one, so there is no desk to break the glass at."""
    happens(bay)
    bay.session.expire_all()

    assert bay.desk().place is None or bay.desk().place.role != "practitioner"


def test_a_clerk_and_the_patient_themselves_may_not(bay):
    """Not even with the card in hand; and a doctor does not open their own record."""
    clerk = bay.ward.desk()
    for desk, patient, code in (
        (clerk, bay.named(), "not_practitioner"),
        (bay.desk(), bay.named("3999000010183"), "own_record"),
    ):
        with pytest.raises(NotAllowed) as refused:
            bay.open(desk=desk, patient=patient)
        assert refused.value.code == code


@pytest.mark.parametrize(
    "happens",
    [licence_suspended, licence_ran_out, role_withdrawn, facility_lapsed, patient_died, entity_is_no_hospital],
)
def test_what_happens_meanwhile_ends_the_token_at_the_next_question(bay, happens):
    """DECISIONS 11: the decision is live, never remembered."""
    token = bay.token()
    assert bay.active(token)

    happens(bay)
    bay.session.expire_all()

    assert not bay.later(2 * MINUTE).active(token)


def test_a_colleague_cannot_use_what_another_opened(bay):
    """Who breaks the glass answers for it: one person, one opening."""
    emergency_id = bay.open()

    heard = bay.answer(bay.launch(emergency_id), bay.ward.signed_in(bay.ward.clerk))

    assert "code" not in heard
    with pytest.raises(NotFound):
        emergency_access.own(bay.session, emergency_id, desk=bay.ward.desk())
    assert emergency_access.treatment(bay.session, emergency_id, clinician_id=bay.ward.doctor, now=bay.now) is not None
    assert emergency_access.treatment(bay.session, emergency_id, clinician_id=bay.head, now=bay.now) is None


def test_a_child_without_an_account_is_treated_as_well(bay):
    """The register or the card names them, and an account is made; age is no reason to let somebody die."""
    child = RegistryPerson(**{**vars_of(protocol.person()), "birth_date": "2018-03-14", "phone": ""})

    found = emergencies.patient_of(bay.session, bay.ward.ring, "1999000010012", child, by="card", now=bay.now)

    assert found is not None
    bay.open(patient=found)
    (used,) = bay.events("breakglass.used")
    assert used.subject


def test_the_parents_of_a_child_are_told_too(bay):
    """A child has no phone: whoever acts for them hears of it in the same breath."""
    registered = replace(protocol.person(), birth_date="2018-03-14", phone="")
    girl = subjects.create(bay.session, bay.ward.ring, "1999000010012", registered, now=bay.now).id
    term = rules.term("parent", "2018-03-14", order_until=None, now=bay.now)
    drawn = links.draw_up(
        bay.session,
        ward_id=girl,
        guardian_id=bay.patient,
        kind="parent",
        needed=rules.Needed.guardian_alone,
        term=term,
        evidence=links.Evidence("house_register", "9999-000123-4"),
        officer=links.Officer(bay.ward.clerk, HERE),
        sealer=subjects.PersonSealer(bay.ward.ring, bay.session),
        now=bay.now,
    )
    links.confirm(bay.session, drawn, second_by=bay.head, codes=(), now=bay.now)

    bay.open(patient=bay.named("1999000010012"))

    assert (bay.told("emergency_of_ward"), bay.told("emergency_opened")) == (1, 0)


def vars_of(person):
    return {name: getattr(person, name) for name in type(person).__dataclass_fields__}


def test_a_number_that_nobody_has_leaves_a_line(bay):
    """Attempts are seen too."""
    assert emergencies.patient_of(bay.session, bay.ward.ring, "1999000010209", None, by="number", now=bay.now) is None

    emergencies.note_unfound(bay.session, bay.ward.ring, desk=bay.desk(), aal="urn:yinyom:aal:2.2", now=bay.now)

    (entry,) = bay.events("breakglass.used")
    assert (entry.outcome, entry.reason, entry.subject) == ("denied", "unknown_number", "")


def test_the_words_are_under_the_patients_own_key(bay):
    """Erasure reaches them: without the key they are bytes."""
    emergency_id = bay.open()
    bay.session.execute(update(Subject).where(Subject.id == bay.patient).values(data_key=None))

    with pytest.raises(KeyError):
        emergency_access.words_of(bay.session, bay.ward.ring, bay.row(emergency_id))


@pytest.mark.parametrize(
    "changed",
    [
        {"hours": 25},
        {"hours": 0},
        {"ends_at": NOW},
        {"reason": "curious"},
        {"patient_id": None},
        {"end_reason": "over"},
    ],
)
def test_the_database_refuses_what_cannot_be(bay, changed):
    """Guards of the table itself, whoever writes."""
    emergency_id = bay.open()

    with pytest.raises(IntegrityError), bay.session.begin_nested():
        bay.session.execute(update(EmergencyAccess).where(EmergencyAccess.id == emergency_id).values(**changed))


def test_nobody_opens_their_own_record_even_past_our_rules(bay):
    """The table says it as well."""
    emergency_id = bay.open()

    with pytest.raises(IntegrityError), bay.session.begin_nested():
        bay.session.execute(
            update(EmergencyAccess).where(EmergencyAccess.id == emergency_id).values(opened_by=bay.patient)
        )


def test_the_worker_writes_down_what_the_clock_has_ended(bay):
    """One line each; nothing waited for it."""
    emergency_id = bay.open(hours=1)
    later = bay.later(DAY)

    assert emergencies.purge(bay.session, now=bay.now) == 0
    assert [emergencies.purge(later.session, now=later.now) for _ in range(2)] == [1, 0]
    assert later.row(emergency_id).end_reason == "lapsed"
    assert [one.actor_kind for one in later.events("breakglass.ended")] == ["system"]


def test_the_record_names_who_acted_and_how_long(bay):
    """PDPA s.27: one notice on record, by staff, without a sign-in of the person."""
    emergency_id = bay.open(hours=6)

    record = bay.session.get_one(ConsentRecord, bay.row(emergency_id).record_id)
    assert (record.kind, record.basis, record.aal, record.actor_id) == ("notice", "VITAL", "", bay.ward.doctor)
    assert record.expires_at == NOW + 6 * HOUR


def test_nothing_of_it_names_a_person(bay):
    """Codes and pseudonyms in the log; no number, no name, no words."""
    bay.token()

    for entry in bay.ward.stage.events():
        assert PATIENT not in str(entry)
        assert SAID.words not in str(entry)
