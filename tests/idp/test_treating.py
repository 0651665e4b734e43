"""A clinician's token, attacked: whose session, whose launch, which place, which licence, which visit."""

from dataclasses import replace
from datetime import date
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from consent.models import ConsentStanding
from idp import directory, interaction, treating
from idp.directory import Facility, Practitioner
from idp.directory.staff import Affiliation
from idp.login import sessions as sign_ins
from idp.oauth import grants, launches, live
from idp.oauth.errors import RedirectError
from idp.subjects import Subject
from idp.treating import Case, refusal
from tests.fakes import DAY, HOUR, MINUTE, NOW, SECOND
from tests.idp.oauth.stage import claims_of
from tests.idp.test_visits import GOOD
from tests.idp.ward import HERE, PATIENT, SCOPE, THERE, set_up


@pytest.fixture
def ward(session, ring, settings):
    """A hospital with a clerk and a doctor."""
    return set_up(session, ring, settings)


DOCTOR, ENTITY = uuid4(), GOOD.recipient_id
PLACE = Affiliation(uuid4(), "practitioner", HERE, ENTITY, "ก", "a", date(2027, 1, 1))
CASE = Case(GOOD, DOCTOR, DOCTOR, PLACE, ENTITY, NOW)


@pytest.mark.parametrize(
    ("case", "code"),
    [
        (CASE, None),
        (replace(CASE, made_for=uuid4()), "other_person"),
        (replace(CASE, client_entity_id=uuid4()), "other_recipient"),
        (replace(CASE, treatment=replace(GOOD, patient_id=DOCTOR)), "own_record"),
        (replace(CASE, place=None), "no_workplace"),
        (replace(CASE, place=replace(PLACE, hcode=THERE)), "other_facility"),
        (replace(CASE, place=replace(PLACE, role="clerk")), "not_practitioner"),
        (replace(CASE, treatment=replace(GOOD, licence=False)), "licence"),
        (replace(CASE, now=NOW + HOUR), "visit_over"),
    ],
)
def test_why_a_clinician_gets_nothing_from_a_launch(case, code):
    """The whole rule as a table."""
    assert refusal(case) == code


def test_the_token_is_about_the_patient_by_the_clinician(ward):
    """DECISIONS 7: pseudonyms in the holder's sector; the entry is the patient's and names facility and role."""
    token = ward.token()

    told = claims_of(token)
    sector = "records.example.test"
    assert told["sub"] == ward.ring.pairwise(ward.doctor, sector)
    assert told["patient"] == ward.ring.pairwise(ward.stage.citizen, sector)
    assert (told["hcode"], told["acr"]) == (HERE, "urn:yinyom:aal:2.2")
    assert told["exp"] - told["iat"] <= 300
    assert ward.active(token)
    opened, issued, looked = (ward.events(name)[-1] for name in ("visit.opened", "token.issued", "introspect"))
    assert opened.subject == issued.subject == looked.subject
    assert (issued.actor_kind, looked.actor_kind) == ("staff", "client")
    assert issued.actor not in (opened.actor, opened.subject)
    assert {"hcode:99001", "role:practitioner"} <= set(issued.codes)


def test_the_token_never_outlives_the_visit(ward):
    """Catalogue rule 6: ends at the first of time and visit."""
    visit_id = ward.open()
    late = ward.later(DAY - 30 * SECOND)

    told = claims_of(late.token(visit_id, late.signed_in(ward.doctor)))

    assert told["exp"] - told["iat"] <= 30


def test_a_launch_is_used_up_by_its_first_code(ward):
    """One conditional update; a second request with the same handle is refused."""
    handle = ward.launch(ward.open())

    assert "code" in ward.answer(handle)
    with pytest.raises(RedirectError) as refused:
        ward.ask(handle)
    assert refused.value.error == "invalid_request"


def test_of_two_answers_to_one_launch_one_gets_a_code(ward):
    """Both requests were checked before either was answered."""
    handle, person = ward.launch(ward.open()), ward.signed_in(ward.doctor)
    first, second = (ward.ask(handle, prompt="none") for _ in range(2))
    hashed = first.launch
    ends = [interaction.at_once(ward.stage.context, one, person) for one in (first, second)]

    assert [end.granted for end in ends] == [True, False]
    assert not launches.use(ward.session, hashed, now=NOW)


def test_a_launch_of_another_client_a_made_up_one_and_an_old_one_are_unknown(ward):
    """The same words for each."""
    visit_id = ward.open()
    said = set()
    for handle, later in (
        (ward.launch(visit_id, client_id="clinic2"), ward),
        ("x" * 43, ward),
        (ward.launch(visit_id), ward.later(launches.LIFETIME)),
    ):
        with pytest.raises(RedirectError) as refused:
            later.ask(handle)
        said.add((refused.value.error, refused.value.description))

    assert said == {("invalid_request", "launch is unknown, used or too old")}


def test_a_citizens_session_is_nobody_to_a_launch(ward):
    """DECISIONS 4: even when the citizen is the doctor, signed in by the same passkey at home."""
    handle = ward.launch(ward.open())
    staff = ward.signed_in(ward.doctor)

    heard = ward.answer(handle, replace(staff, kind="citizen"))

    assert heard["error"] == "login_required"


def test_a_staff_session_is_nobody_to_a_citizens_request(ward):
    """DECISIONS 4, the other way round."""
    asked = ward.stage.check(prompt="none")

    end = interaction.at_once(ward.stage.context, asked, ward.signed_in(ward.doctor))

    assert (end.granted, "login_required" in end.location) == (False, True)


def test_a_clerk_gets_no_token(ward):
    """Not even one whose own hand made the launch."""
    heard = ward.answer(ward.launch(ward.open(), made_for=ward.clerk), ward.signed_in(ward.clerk))

    assert heard["error_description"] == "not_practitioner"


def test_a_doctor_who_works_as_a_clerk_now_gets_no_token(ward):
    """One active affiliation: the role counts that was chosen."""
    heard = ward.answer(ward.launch(ward.open()), ward.signed_in(ward.doctor, role="clerk"))

    assert heard["error_description"] == "not_practitioner"


def test_a_launch_that_a_colleague_made_is_not_mine(ward):
    """A handle that leaks from an address is useless."""
    heard = ward.answer(ward.launch(ward.open(), made_for=ward.clerk))

    assert heard["error_description"] == "other_person"


def test_another_workplace_must_be_chosen_first(ward):
    """A doctor with two: the visit's facility has to be the active one; the page asks, prompt=none refuses."""
    handle, elsewhere = ward.launch(ward.open()), ward.signed_in(ward.doctor, hcode=THERE)

    case = treating.case_of(ward.stage.context, ward.ask(handle), elsewhere)
    assert treating.should_choose(ward.stage.context, case)
    assert ward.answer(handle, elsewhere)["error_description"] == "other_facility"
    assert ward.answer(handle, ward.signed_in(ward.doctor, hcode=None))["error_description"] == "no_workplace"
    here = treating.case_of(ward.stage.context, ward.ask(handle), ward.signed_in(ward.doctor))
    assert not treating.should_choose(ward.stage.context, here)


def test_nobody_treats_themselves(ward):
    """A doctor's own visit is opened by a clerk and treated by a colleague."""
    handle = ward.launch(ward.open(national_id="3999000010183"))

    assert ward.answer(handle)["error_description"] == "own_record"


def doctor_is_weak(ward):
    ward.session.execute(update(Subject).where(Subject.id == ward.doctor).values(ial="1.3"))


def licence_suspended(ward):
    ward.session.execute(update(Practitioner).values(suspended_at=NOW))


def licence_ran_out(ward):
    ward.session.execute(update(Practitioner).values(valid_until=date(2026, 11, 22)))


def role_withdrawn(ward):
    rows = directory.affiliations_of(ward.session, ward.doctor, now=NOW + MINUTE)
    (one,) = [row for row in rows if (row.hcode, row.role) == (HERE, "practitioner")]
    directory.end_assignment(ward.session, one.id, ended_by=None, now=NOW + MINUTE)


def facility_lapsed(ward):
    ward.session.execute(update(Facility).where(Facility.hcode == HERE).values(licence_valid_until=date(2026, 11, 22)))


def patient_died(ward):
    ward.session.execute(update(Subject).where(Subject.id == ward.stage.citizen).values(status="deceased"))


def clinician_left(ward):
    ward.session.execute(update(Subject).where(Subject.id == ward.doctor).values(status="closed"))


def signed_out(ward):
    hashes = ward.session.scalars(select(grants.Grant.session_id_hash)).all()
    for one in hashes:
        sign_ins.end(ward.session, one, now=NOW)
        grants.end_for_session(ward.session, one, now=NOW)


MID_VISIT = [
    licence_suspended,
    licence_ran_out,
    role_withdrawn,
    facility_lapsed,
    patient_died,
    clinician_left,
    signed_out,
]


@pytest.mark.parametrize("happens", MID_VISIT)
def test_what_happens_during_a_visit_ends_the_token_at_the_next_question(ward, happens):
    """DECISIONS 11: the decision is live, never remembered."""
    token = ward.token()
    assert ward.active(token)

    happens(ward)
    ward.session.expire_all()

    later = ward.later(2 * MINUTE)
    assert not later.active(token)


@pytest.mark.parametrize("happens", [*MID_VISIT, doctor_is_weak])
def test_what_happens_before_the_code_is_redeemed_stops_the_token(ward, happens):
    """Asked again at the token endpoint, not only when the code was issued; the levels of staff as well."""
    heard = ward.answer(ward.launch(ward.open()))

    happens(ward)
    ward.session.expire_all()

    later = ward.later(50 * SECOND) if happens is not role_withdrawn else ward.later(MINUTE)
    answer = later.redeem(heard["code"])
    assert answer.status == 400, answer.body
    assert "access_token" not in answer.body


@pytest.mark.parametrize("happens", [licence_suspended, licence_ran_out, facility_lapsed, doctor_is_weak])
def test_what_happened_before_the_launch_stops_the_code(ward, happens):
    """A reason as a code, no page of consent, nothing written."""
    handle, person = ward.launch(ward.open()), ward.signed_in(ward.doctor)

    happens(ward)
    ward.session.expire_all()

    assert ward.answer(handle, person)["error"] == "access_denied"
    assert ward.session.scalars(select(grants.Grant)).all() == []


def test_a_visit_that_is_over_stops_code_and_token(ward):
    """Launch replay after the end."""
    visit_id = ward.open()
    token, heard, unused = ward.token(visit_id), ward.answer(ward.launch(visit_id)), ward.launch(visit_id)

    ward.end(visit_id)

    assert not ward.active(token)
    assert ward.redeem(heard["code"]).status == 400
    assert ward.answer(unused)["error_description"] == "visit_over"


def test_a_days_end_ends_it_though_nobody_did(ward):
    """By the clock, without any row being written."""
    visit_id = ward.open()
    heard = ward.later(DAY - 30 * SECOND)
    token = heard.token(visit_id, heard.signed_in(ward.doctor))

    assert heard.active(token)
    assert ward.later(DAY - SECOND).active(token)
    assert not ward.later(DAY).active(token)


def test_a_notice_that_stands_no_more_stops_the_token(ward):
    """The record is asked as well as the visit: the directory's move away from "noticed" is enough."""
    token = ward.token()

    ward.session.execute(update(ConsentStanding).values(state="refused"))

    assert not ward.active(token)


def test_userinfo_says_nothing_by_a_clinicians_token(ward):
    """OIDC Core 5.3: UserInfo is not in its audience, not even when it is asked for by name."""
    assert ward.stage.userinfo(ward.token()).status == 401
    heard = ward.answer(ward.launch(ward.open()), resource=ward.stage.context.issuer)
    assert ward.redeem(heard["code"]).body["error"] == "invalid_target"


def test_there_is_nothing_to_refresh(ward):
    """Catalogue row CARE: refresh N, though offline_access was asked."""
    heard = ward.answer(ward.launch(ward.open()), scope=SCOPE + " offline_access")

    assert "refresh_token" not in ward.redeem(heard["code"]).body


def test_a_replayed_code_ends_the_clinicians_grant(ward):
    """RFC 6749 section 4.1.2; the patient's log has it."""
    heard = ward.answer(ward.launch(ward.open()))
    token = ward.redeem(heard["code"]).body["access_token"]

    assert ward.redeem(heard["code"]).status == 400

    assert not ward.active(token)
    assert ward.events("token.revoked")[0].subject == ward.events("visit.opened")[0].subject


def test_a_fresh_sign_in_can_be_asked_for(ward):
    """OIDC Core 3.1.2.1: max_age and prompt=login count for staff too."""
    handle, person = ward.launch(ward.open()), ward.signed_in(ward.doctor)
    later = ward.later(5 * MINUTE)

    assert later.answer(handle, person, max_age="60")["error"] == "login_required"
    assert "code" in later.answer(handle, person, max_age="600")


def test_the_client_of_another_organisation_gets_nothing(ward):
    """Catalogue rule 5: the recipient of the visit is the one whose application asks."""
    visit_id = ward.open()
    ward.session.execute(update(treating.visits.Visit).values(recipient_id=uuid4()))
    ward.session.expire_all()

    assert ward.answer(ward.launch(visit_id))["error_description"] == "other_recipient"


def test_a_grant_without_its_visit_is_dead(ward):
    """A row that points nowhere opens nothing, and never falls back to the clinician's own data."""
    token = ward.token()
    ward.session.execute(update(grants.Grant).values(visit_id=uuid4()))

    assert live.find_grant(ward.stage.context, ward.session.scalars(select(grants.Grant.id)).one()) is None
    assert not ward.active(token)


def test_what_a_clinician_asked_leaves_no_name(ward):
    """Nothing of doctor or patient in an entry or a claim but pseudonyms."""
    token = ward.token()

    assert PATIENT not in str(claims_of(token))
    assert all(PATIENT not in str(entry) for entry in ward.stage.events())
