"""The pages of broken glass: who finds them, what they ask, what they keep when something is missing."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select, update

from idp import directory, subjects
from idp.directory import Facility
from idp.emergency_access import EmergencyAccess, EmergencyReview
from idp.login import invitations
from idp.oauth import clients, launches
from idp.ports import RegistryUnavailable
from tests.fakes import HOUR
from tests.idp.web.stage import HOLDER, SECRET, person
from tests.idp.web.test_desk import CLERK, DEAD, DOCTOR, STRANGER, doctor_of, drawer, employ, enrolled, token_of

PATIENT, HEAD, OFFICER, NOBODY = "3999000010035", "4999000010173", "5999000010091", "1999000010209"
SAID = {"emergency_reason": "unconscious", "emergency_words": "หมดสติ รถชน", "hours": "4"}

__all__ = ["drawer"]


def connect(site):
    """The hospital's own application, for emergencies as well."""
    with site.work.sessions.writing() as session:
        clients.register(
            session,
            client_id="rescue",
            name_th="ระบบห้องฉุกเฉิน",
            name_en="Rescue",
            legal_entity_id=site.hospital,
            kind="web",
            purposes={"SIGNIN": ["openid"], "BREAKGLASS": ["moph.breakglass"]},
            redirect_uris=["https://rescue.example.test/callback"],
            default_resource=HOLDER,
            secret=SECRET,
            now=site.clock(),
        )
        launch = "https://rescue.example.test/launch"
        launches.register(session, "rescue", launch, emergency_uri=launch + "/emergency")


@pytest.fixture
def doctor(site, drawer):
    """A clinician of the one facility."""
    visitor = doctor_of(site, "99001")
    visitor.drawer = drawer
    return visitor


def begin(visitor, number=PATIENT, button="open", **fields):
    visitor.get("/desk/emergency")
    slot = {} if number is None else {"slot": visitor.drawer[number]}
    return visitor.send("emergency-form", button, **SAID | slot | fields)


def rows(site):
    with site.work.sessions.reading() as session:
        return session.scalars(select(EmergencyAccess).order_by(EmergencyAccess.opened_at)).all()


def test_the_way_from_the_counter_to_the_record_is_two_pages(site, doctor):
    """Under stress: a link on the first page, one form, and the button that opens the application has the focus."""
    connect(site)
    page = doctor.get(doctor.get("/desk").links["emergency"])
    assert page.name == "desk_emergency"
    assert page.attributes["patient_card"]["autofocus"] == ""

    opened = begin(doctor)

    assert opened.name == "desk_emergency_open"
    assert "สมชาย ใจสมมติ" in opened.text
    assert "x-xxxx-xxxxx-03-5" in opened.text
    assert PATIENT not in opened.html
    assert opened.attributes["app-rescue"]["autofocus"] == ""
    assert "told" in opened.attributes
    moving = doctor.send("launch-rescue", "app-rescue")
    assert "https://rescue.example.test/launch/emergency?" in moving.html
    (row,) = rows(site)
    assert (row.reason, row.hours, row.identified_by) == ("unconscious", 4, "card")


def test_a_number_that_somebody_says_is_enough_in_an_emergency(site, doctor):
    """Unlike a visit: a relative knows the number, the card lies at home."""
    page = begin(doctor, None, patient_card="3-9990-00010-03-5")

    assert "สมชาย" in page.text
    assert rows(site)[0].identified_by == "number"


def test_nobody_needs_to_know_who_it_is_at_first(site, doctor):
    """Declared with the clock running; named later, by card."""
    connect(site)
    page = begin(doctor, None, button="open-unknown")
    assert (page.name, rows(site)[0].patient_id) == ("desk_emergency_open", None)
    assert "app-rescue" not in page.attributes

    named = doctor.send("patient-form", slot=doctor.drawer[PATIENT])

    assert "สมชาย" in named.text
    assert "app-rescue" in named.attributes
    assert rows(site)[0].ends_at == rows(site)[0].opened_at + 4 * HOUR


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"emergency_reason": ""}, "emergency_reason"),
        ({"emergency_words": " "}, "emergency_words"),
        ({"hours": "25"}, "hours"),
        ({"hours": "0"}, "hours"),
        ({"hours": "four"}, "hours"),
        ({"hours": "๔๐"}, "hours"),
        ({"patient_card": "123", "slot": ""}, "patient_card"),
        ({"slot": ""}, "patient_card"),
        ({"slot": "999"}, "patient_card"),
        ({"patient_card": "1999000010209", "slot": ""}, "patient_card"),
    ],
)
def test_what_is_missing_is_said_and_what_was_typed_is_kept(site, doctor, fields, fault):
    """One summary with a link to the field; nothing opened."""
    page = begin(doctor, **fields)

    assert (page.status, page.name) == (400, "desk_emergency")
    assert f'href="#{fault}"' in page.html
    assert rows(site) == []
    kept = dict(page.forms["emergency-form"].fields)
    assert kept["emergency_words"] == fields.get("emergency_words", SAID["emergency_words"]).strip()
    assert kept["hours"] == fields.get("hours", SAID["hours"])
    assert kept["patient_card"] == fields.get("patient_card", "")
    chosen = fields.get("slot", doctor.drawer[PATIENT])
    assert (f'value="{chosen}" selected' in page.html) == (chosen not in {"", "999"})


def test_what_runs_is_told_apart(doctor):
    """Two of a crash, both unconscious: each by the end of their number, one by nobody's yet."""
    for number, button in ((PATIENT, "open"), (CLERK, "open"), (None, "open-unknown")):
        begin(doctor, number, button=button)

    listed = doctor.get("/desk/emergency?lang=en").text

    assert all(f"x-xxxx-xxxxx-{number[10:12]}-{number[12]}" in listed for number in (PATIENT, CLERK))
    assert "Nobody is named yet" in listed


def test_thai_digits_count_as_hours(site, doctor):
    """PAGES: Thai digits are accepted."""
    begin(doctor, hours="๑๒")

    assert rows(site)[0].hours == 12


def test_a_second_tap_opens_nothing_more(site, doctor):
    """The form carries its own id."""
    doctor.get("/desk/emergency")
    form = dict(doctor.at.forms["emergency-form"].fields) | SAID | {"slot": doctor.drawer[PATIENT]}

    both = [doctor.post("/desk/emergency", form) for _ in range(2)]

    assert both[0].url == both[1].url
    assert len(rows(site)) == 1


def test_a_clerk_finds_no_link_and_no_form(site, drawer):
    """Whoever does not treat opens nothing; also by the bare address."""
    clerk = enrolled(site, employ(site, CLERK, ("clerk", "99001"))[1])

    assert "emergency" not in clerk.get("/desk").links
    assert clerk.get("/desk/emergency").status == 403
    clerk.get("/desk")
    form = {"csrf": token_of(clerk), **SAID, "patient_card": PATIENT}
    assert clerk.post("/desk/emergency", form).status == 403
    assert rows(site) == []
    assert drawer


def test_a_facility_without_a_licence_says_so_instead_of_the_form(site, doctor):
    """And pressing anyway opens nothing."""
    doctor.get("/desk/emergency")
    form = dict(doctor.at.forms["emergency-form"].fields) | SAID | {"slot": doctor.drawer[PATIENT]}
    with site.work.sessions.writing() as session:
        session.execute(update(Facility).values(licence_valid_until=date(2020, 1, 1)))

    page = doctor.get("/desk/emergency")
    assert "why-not" in page.attributes
    assert "emergency-form" not in page.forms
    assert doctor.post("/desk/emergency", form).status == 400
    assert rows(site) == []


@pytest.mark.parametrize("number", [DEAD, DOCTOR], ids=["deceased", "own"])
def test_whose_record_cannot_be_opened_is_said(site, doctor, number):
    """The dead, and oneself; the transaction leaves nothing."""
    page = begin(doctor, number)

    assert (page.status, "refused" in page.attributes) == (400, True)
    assert rows(site) == []


def test_somebody_without_an_account_is_opened_too(site, doctor):
    """By their card, also while the register is away; the account has no way in."""
    site.registry.error = RegistryUnavailable("away")

    assert begin(doctor, STRANGER).name == "desk_emergency_open"


def test_an_emergency_of_a_colleague_is_not_found(site, doctor, drawer):
    """Who broke the glass answers for it alone."""
    begin(doctor)
    (row,) = rows(site)
    other = enrolled(site, nurse(site))

    assert other.get(f"/desk/emergency/{row.id}").status == 404
    other.get("/desk")
    for what in ("launch", "end", "patient"):
        form = {"csrf": token_of(other), "why": "over", "app": "rescue", "slot": drawer[PATIENT]}
        assert other.post(f"/desk/emergency/{row.id}/{what}", form).status == 404
    assert rows(site)[0].ended_at is None


def nurse(site):
    with site.work.sessions.writing() as session:
        ring = site.work.rings.at(site.clock())
        told = replace(person(), attested_ial="2.1")
        one = subjects.create(session, ring, "3999000010191", told, now=site.clock())
        session.add(directory.Practitioner(subject_id=one.id, issuer="02", number="9999000001", kind="พยาบาล"))
        told = {"subject_id": one.id, "role": "practitioner", "hcode": "99001", "granted_by": None}
        directory.assign(session, **told, now=site.clock())
        return invitations.create(session, one.id, now=site.clock())


@pytest.mark.parametrize("button", ["end-answers", "end-over", "end-wrong"])
def test_it_is_ended_by_one_press_and_then_names_nobody(site, doctor, button):
    """What is over tells its place no longer whose it was."""
    begin(doctor)

    over = doctor.send("end-form", button)

    assert "end-form" not in over.forms
    assert "สมชาย" not in over.html
    assert rows(site)[0].ended_at is not None


def test_when_its_time_is_over_nothing_opens_any_more(site, doctor):
    """By the clock: the page says it, the button is gone, an old form leads here."""
    connect(site)
    begin(doctor, hours="1")
    form = dict(doctor.at.forms["launch-rescue"].fields) | {"app": "rescue"}
    url = doctor.at.url
    site.clock.tick(HOUR / 5)
    doctor.get(url)
    for _ in range(5):
        site.clock.tick(HOUR / 5)
        doctor.get(url)

    assert "launch-rescue" not in doctor.at.forms
    assert "สมชาย" not in doctor.at.html
    assert doctor.post(f"{url}/launch", form).name == "desk_emergency_open"
    assert "continue" not in doctor.at.html


def reviewer(site, number, role, hcode=None):
    with site.work.sessions.writing() as session:
        ring = site.work.rings.at(site.clock())
        told = replace(person(), attested_ial="2.1")
        one = subjects.create(session, ring, number, told, now=site.clock())
        directory.assign(session, subject_id=one.id, role=role, hcode=hcode, granted_by=None, now=site.clock())
        code = invitations.create(session, one.id, now=site.clock())
    return enrolled(site, code)


@pytest.fixture
def opened(site, doctor):
    """One emergency that is over."""
    begin(doctor)
    doctor.send("end-form", "end-over")
    return rows(site)[0]


def test_a_head_reviews_what_was_opened_at_home(site, opened):
    """The queue, the case with its words and uses, the judgement; then it is in the list below."""
    head = reviewer(site, HEAD, "head", "99001")
    queue = head.get("/desk")
    assert queue.name == "emergency_queue"

    case = head.get(f"/staff/emergencies/{opened.id}")
    assert SAID["emergency_words"] in case.text
    assert "x-xxxx-xxxxx-03-5" in case.text
    assert PATIENT not in case.html
    done = head.send("review-form", "judge", outcome="justified", review_words="หมดสติจริง ดูเท่าที่จำเป็น")

    assert done.name == "emergency_queue"
    with site.work.sessions.reading() as session:
        assert session.scalars(select(EmergencyReview.outcome)).all() == ["justified"]
    again = head.get(f"/staff/emergencies/{opened.id}")
    assert "review-form" not in again.forms
    assert "หมดสติจริง ดูเท่าที่จำเป็น" in again.text


@pytest.mark.usefixtures("opened")
def test_an_officer_reads_on_their_first_page_that_a_review_is_late(site):
    """72 hours without a judgement: it stands beside the late requests and breaches."""
    site.clock.tick(72 * HOUR)

    page = reviewer(site, OFFICER, "dpo").get("/dpo?lang=en")

    assert "Emergency openings to review: 1" in page.texts["late"]


def test_very_many_by_one_clinician_are_seen_by_those_who_review(site, doctor):
    """The place and the number on the queue and on the officer's first page; no patient and nobody's name."""
    for _ in range(6):
        begin(doctor, None, "open-unknown", unknown="1")
    for _ in range(11):
        begin(doctor, None, patient_card=NOBODY)

    officer = reviewer(site, OFFICER, "dpo")

    for address in ("/dpo", "/staff/emergencies"):
        page = officer.get(f"{address}?lang=en")
        assert "6 emergencies opened, 11 numbers tried" in page.texts["busy"]
        assert NOBODY not in page.html
    assert "โรงพยาบาลตัวอย่าง" in officer.get("/dpo?lang=th").texts["busy"]


def test_a_clinician_reads_that_a_reviewer_has_stopped_it(site, doctor):
    """A record that closes in the middle of the work says why; no review is promised that was done already."""
    url = begin(doctor).url
    officer = reviewer(site, OFFICER, "dpo")
    officer.get(f"/staff/emergencies/{rows(site)[0].id}")
    officer.send("review-form", "judge", outcome="not_justified", review_words="ไม่มีเหตุฉุกเฉิน")

    seen = doctor.get(f"{url}?lang=en").text

    assert "stopped by the reviewer" in seen
    assert "It is reviewed before" not in seen
    case = officer.get(officer.get("/dpo").links[next(name for name in officer.at.links if name.startswith("open-"))])
    assert officer.get(case.links["emergency"]).name == "emergency_review"


def test_a_judgement_without_a_word_is_not_kept(site, opened):
    """Errors beside what was chosen."""
    officer = reviewer(site, OFFICER, "dpo")
    officer.get(f"/staff/emergencies/{opened.id}")

    page = officer.send("review-form", "judge", outcome="not_justified", review_words="")

    assert page.status == 400
    assert 'href="#review_words"' in page.html
    assert 'value="not_justified" checked' in page.html
    with site.work.sessions.reading() as session:
        assert session.scalars(select(EmergencyReview)).all() == []


def test_the_queue_is_for_reviewers_alone(site, opened, doctor):
    """A doctor, a clerk: forbidden; one case: not found. A head elsewhere sees an empty queue."""
    assert doctor.get("/staff/emergencies").status == 403
    assert doctor.get(f"/staff/emergencies/{opened.id}").status == 404
    elsewhere = {"kind": "hospital", "province": "54", "name_th": "ก", "name_en": "a"}
    with site.work.sessions.writing() as session:
        facts = elsewhere | {"legal_entity_id": site.hospital, "licence_valid_until": date(2027, 12, 31)}
        session.add(Facility(hcode="99012", **facts))
    head = reviewer(site, HEAD, "head", "99012")
    assert str(opened.id) not in head.get("/staff/emergencies").html
    assert head.get(f"/staff/emergencies/{opened.id}").status == 404


def test_who_opened_it_sees_it_in_the_queue_and_cannot_judge_it(site, doctor, opened):
    """Also as head of the facility."""
    with site.work.sessions.writing() as session:
        told = {"subject_id": opened.opened_by, "role": "head", "hcode": "99001", "granted_by": None}
        directory.assign(session, **told, now=site.clock())

    page = doctor.get(f"/staff/emergencies/{opened.id}")

    assert "why-not" in page.attributes
    assert "review-form" not in page.forms
    form = {"csrf": token_of(doctor), "outcome": "justified", "review_words": "ผมเอง"}
    assert doctor.post(f"/staff/emergencies/{opened.id}", form).status == 400


def test_the_pages_speak_english_too(doctor, opened):
    """English equal."""
    doctor.get("/desk/emergency?lang=en")
    doctor.send("preferences", "lang-en")
    page = doctor.get("/desk/emergency")

    assert "Emergency: the patient cannot answer" in page.text
    assert "หมดสติ" not in page.text
    assert opened


@pytest.mark.parametrize("faulty", [{"emergency_words": ""}, {"licence": ""}], ids=["no words", "no licence"])
def test_a_form_that_opens_nothing_does_not_say_whose_a_number_is(site, doctor, faulty):
    """Each look for a number leaves a line, or none is made: nobody tries numbers out without a trace."""
    if "licence" in faulty:
        with site.work.sessions.writing() as session:
            session.execute(update(Facility).values(licence_valid_until=date(2020, 1, 1)))
    form = SAID | {"csrf": token_of(doctor), "slot": ""} | faulty

    said = {doctor.post("/desk/emergency", form | {"patient_card": one}).html for one in (PATIENT, NOBODY)}

    assert not [html for html in said if 'href="#patient_card"' in html]
    assert rows(site) == []
