"""The counter's pages: one field, a card, a notice that is told, a visit; and every way that leads nowhere, kindly."""

from dataclasses import replace
from datetime import date
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from idp import directory, subjects
from idp.directory import Facility
from idp.login import invitations
from idp.oauth import clients, launches
from idp.ports import RegistryUnavailable
from idp.subjects import Subject
from idp.visits import Visit
from tests.fakes import DAY, HOUR, MINUTE, SoftAuthenticator
from tests.idp.web.stage import HOLDER, SECRET, person

CLERK, DOCTOR = "2999000010053", "3999000010183"
CHILD, DEAD, STRANGER = "1999000010012", "1999000010161", "1999000010080"
CALLBACK = "https://clinic.example.test/callback"


def known(site, number, **changes):
    """Somebody of the register, with an account where they are staff."""
    site.registry.people[number] = person(**changes)


@pytest.fixture
def drawer(site):
    """Cards: the citizen's, a child's, a dead person's, a stranger's, the clerk's, the doctor's."""
    known(site, "3999000010035")
    known(site, CHILD, birth_date="2018-03-14")
    known(site, DEAD, status="deceased")
    known(site, STRANGER, attested_ial="1.1")
    known(site, CLERK)
    known(site, DOCTOR)
    return {number: str(n) for n, number in enumerate(site.registry.people, 1)}


def employ(site, number, *places):
    """A member of staff at IAL2.1 with these roles; their invitation."""
    with site.work.sessions.writing() as session:
        ring = site.work.rings.at(site.clock())
        staff = subjects.create(session, ring, number, replace(person(), attested_ial="2.1"), now=site.clock())
        if any(role == "practitioner" for role, _ in places):
            session.add(directory.Practitioner(subject_id=staff.id, issuer="01", number="990001", kind="แพทย์"))
        for role, hcode in places:
            told = {"subject_id": staff.id, "role": role, "hcode": hcode, "granted_by": None}
            directory.assign(session, **told, now=site.clock())
        return staff.id, invitations.create(session, staff.id, now=site.clock())


def enrolled(site, code):
    """At their first page, with a passkey."""
    visitor = site.visitor()
    visitor.get("/staff/enrol")
    visitor.send("enrol-form", code=code)
    visitor.device = SoftAuthenticator(origin="http://localhost:8000")
    said = visitor.passkey(visitor.device, "register", "/staff/passkey")
    assert said["status"] == 200, said
    visitor.get(str(said["next"]))
    return visitor


@pytest.fixture
def clerk(site, drawer):
    """A clerk of the one facility."""
    visitor = enrolled(site, employ(site, CLERK, ("clerk", "99001"))[1])
    visitor.drawer = drawer
    return visitor


def second_facility(site, **changes):
    facts = {"name_th": "รพ.สต.ตัวอย่าง", "name_en": "Example Health Centre", "kind": "hospital", "province": "54"}
    with site.work.sessions.writing() as session:
        facts |= {"legal_entity_id": site.hospital, "licence_valid_until": date(2027, 12, 31), **changes}
        session.add(Facility(hcode="99011", **facts))


def doctor_of(site, *places):
    _, code = employ(site, DOCTOR, *(("practitioner", hcode) for hcode in places))
    return enrolled(site, code)


def connect(site):
    """The hospital's own application."""
    with site.work.sessions.writing() as session:
        clients.register(
            session,
            client_id="clinic",
            name_th="ระบบห้องตรวจ",
            name_en="Clinic",
            legal_entity_id=site.hospital,
            kind="web",
            purposes={"SIGNIN": ["openid"], "CARE": ["user/Observation.crus"]},
            redirect_uris=[CALLBACK],
            default_resource=HOLDER,
            secret=SECRET,
            now=site.clock(),
        )
        launches.register(session, "clinic", "https://clinic.example.test/launch")


def read(visitor, number, **fields):
    visitor.get("/desk")
    return visitor.send("read-form", slot=visitor.drawer[number], **fields)


def opened(visitor, number="3999000010035"):
    read(visitor, number)
    return visitor.send("open-form")


def visits(site):
    with site.work.sessions.reading() as session:
        return session.scalars(select(Visit).order_by(Visit.opened_at)).all()


def test_whoever_works_at_one_place_begins_at_the_desk(clerk):
    """PAGES, counter: one field, card or number; the workplace stands on the page."""
    assert (clerk.at.status, clerk.at.name) == (200, "desk")
    assert "โรงพยาบาลตัวอย่าง" in clerk.at.text
    assert clerk.at.attributes["card"]["autofocus"] == ""
    assert clerk.get("/staff/").name == "desk"


def test_a_card_a_notice_a_visit_a_slip_and_its_end(site, clerk):
    """The whole way, each page in Thai; nothing asks for a consent."""
    card = read(clerk, "3999000010035")
    assert card.name == "desk_card"
    assert "สมชาย ใจสมมติ" in card.text
    assert "x-xxxx-xxxxx-03-5" in card.text
    assert set(card.forms) & {"consent-form"} == set()
    assert "รักษาที่นี่" in card.text

    page = clerk.send("open-form")
    assert (page.name, len(visits(site))) == ("desk_visit", 1)
    slip = clerk.get(page.links["slip"])
    assert slip.name == "desk_slip"
    assert "สมชาย" not in slip.text
    listed = clerk.get("/desk")
    assert "x-xxxx-xxxxx-03-5" in listed.text
    assert "3999000010035" not in listed.html

    clerk.get(page.url)
    over = clerk.send("end-form")
    assert (over.name, "end-form" in over.forms) == ("desk_visit", False)
    assert visits(site)[0].ended_at is not None
    assert not [word for word in ("สมชาย", "x-xxxx", "3999000010035") if word in over.html], "whose it was is over, too"


@pytest.mark.parametrize(("number", "why"), [(DEAD, "เสียชีวิต"), (CLERK, "บัตรของคุณเอง")], ids=["deceased", "own"])
def test_a_card_that_opens_nothing_says_why_and_what_to_do(site, clerk, number, why):
    """Kind, with a next step; pressing anyway leads back here and writes nothing."""
    page = read(clerk, number)

    assert why in page.texts["refusal"]
    assert "open-form" not in page.forms
    assert clerk.post(f"{page.url}/open", {"csrf": token_of(clerk)}).name == "desk_card"
    assert visits(site) == []


def token_of(visitor):
    return dict(visitor.at.forms["preferences"].fields)["csrf"]


def test_a_child_is_treated_and_the_parent_told(clerk):
    """Care waits for no account rule: the visit opens, and the page says whom to tell."""
    page = read(clerk, CHILD)

    assert "ผู้ปกครอง" in page.text
    assert clerk.send("open-form").name == "desk_visit"


def test_somebody_without_an_account_is_treated(site, clerk):
    """The account has the level of the register, not of the card."""
    assert "no-account" in read(clerk, STRANGER).attributes

    clerk.send("open-form")

    with site.work.sessions.reading() as session:
        assert session.get_one(Subject, visits(site)[0].subject_id).ial == "1.1"


def test_the_register_may_be_away_and_care_goes_on(site, clerk):
    """The account is made from the card."""
    read(clerk, STRANGER)
    site.registry.error = RegistryUnavailable("down")

    assert clerk.send("open-form").name == "desk_visit"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "เสียบบัตร"),
        ({"card": "3999000010035"}, "เลขอย่างเดียว"),
        ({"card": "3-9990-00010-14-1"}, "เลขอย่างเดียว"),
        ({"card": "1234"}, "13 หลัก"),
        ({"card": "3999000010036"}, "13 หลัก"),
        ({"slot": "99"}, "อ่านบัตรไม่ได้"),
        ({"slot": "x" * 5000}, "อ่านบัตรไม่ได้"),
    ],
)
def test_what_opens_nothing_is_said_on_the_field(site, clerk, fields, words):
    """A number is not a person; nothing that was typed comes back in the page."""
    page = clerk.send("read-form", **fields)

    assert (page.status, page.name) == (400, "desk")
    assert words in page.texts["error-summary"]
    assert fields.get("card", "never") not in page.html
    assert visits(site) == []


def test_a_number_finds_a_visit_that_is_open_here(clerk):
    """For somebody who comes back from the laboratory without the card in hand."""
    page = opened(clerk)

    clerk.get("/desk")
    assert clerk.send("read-form", card="3 9990 00010 03 5").url == page.url


def test_going_back_and_reloading_are_no_dead_ends(clerk):
    """PAGES: everywhere."""
    card = read(clerk, "3999000010035").url
    visit = clerk.send("open-form").url

    assert clerk.get("/desk/read").name == "desk"
    assert clerk.get(f"{card}/open").name == "desk_card"
    assert "to-visit" in clerk.at.links
    for act in ("end", "launch"):
        assert clerk.get(f"{visit}/{act}").name == "desk_visit"


def test_a_card_is_gone_after_five_minutes(site, clerk):
    """The page says so, and the desk is one step away."""
    page = read(clerk, "3999000010035")
    site.clock.tick(6 * MINUTE)

    assert clerk.get(page.url).status == 404


def test_another_facilitys_visit_is_not_found(site, clerk):
    """The same answer as for one that does not exist."""
    visit = opened(clerk).url
    second_facility(site)
    doctor = doctor_of(site, "99011")

    for url in (visit, f"{visit}/slip", urlsplit(visit)._replace(path=f"/desk/visits/{uuid4()}").geturl()):
        assert doctor.get(url).status == 404
    assert doctor.post(f"{visit}/end", {"csrf": token_of(doctor)}).status == 404
    assert visits(site)[0].ended_at is None


def test_a_lapsed_licence_of_the_facility_opens_nothing(site, clerk):
    """Catalogue rule 5, said with the reason."""
    with site.work.sessions.writing() as session:
        session.execute(update(Facility).values(licence_valid_until=date(2026, 11, 1)))

    assert "ใบอนุญาต" in read(clerk, "3999000010035").texts["refusal"]


@pytest.mark.usefixtures("drawer")
def test_whoever_works_in_two_places_says_where_and_can_change(site):
    """THAI 1b row 10: one active affiliation, chosen; a place that is not theirs is not found."""
    second_facility(site)
    doctor = doctor_of(site, "99001", "99011")
    assert doctor.at.name == "staff_affiliation"
    assert doctor.get("/desk").name == "staff_affiliation"

    doctor.send("affiliation-form", "place-2")
    assert (doctor.at.name, "รพ.สต.ตัวอย่าง" in doctor.at.text) == ("desk", True)
    doctor.get(doctor.at.links["change-place"])
    doctor.send("affiliation-form", "place-1")
    assert "โรงพยาบาลตัวอย่าง" in doctor.at.text
    doctor.get("/staff/affiliation")
    assert doctor.send("affiliation-form", place=str(uuid4())).status == 404
    assert doctor.post("/staff/affiliation", {"csrf": token_of(doctor), "place": "x"}).status == 400


@pytest.mark.usefixtures("drawer")
def test_the_choice_leads_back_and_never_away(site):
    """An address of this server only."""
    second_facility(site)
    doctor = doctor_of(site, "99001", "99011")
    doctor.get("/staff/affiliation?next=https://evil.example.test/")
    doctor.send("affiliation-form", "place-1")

    assert (doctor.at.name, doctor.left_for) == ("desk", None)


def test_a_role_that_is_taken_away_closes_the_desk_at_once(site, clerk):
    """Live at each request; the session itself may go on."""
    page = opened(clerk)
    with site.work.sessions.writing() as session:
        for row in session.query(directory.StaffAssignment).all():
            row.ends_at = site.clock() + MINUTE
    site.clock.tick(2 * MINUTE)

    for path in ("/desk", page.url):
        assert clerk.get(path).texts["error-code"] == "forbidden"
    assert clerk.get("/staff/").texts["error-code"] == "forbidden"


@pytest.mark.usefixtures("drawer")
def test_an_auditor_has_no_desk_and_a_citizen_neither(site):
    """DECISIONS 4: roles and sessions are apart."""
    _, code = employ(site, CLERK, ("auditor", None))
    auditor = enrolled(site, code)
    assert auditor.at.name == "audit"
    assert auditor.get("/desk").texts["error-code"] == "forbidden"
    assert auditor.get("/staff/").name == "audit"
    citizen = site.visitor()
    citizen.get("/me")
    citizen.sign_in()
    assert citizen.get("/desk").name == "staff_sign_in"


def test_idle_staff_are_signed_out(site, clerk):
    """THAI 3: 15 minutes."""
    site.clock.tick(16 * MINUTE)

    assert clerk.get("/desk").name == "staff_sign_in"


def test_signing_in_leads_back_to_the_page_that_was_wanted(site, clerk):
    """And never to another server."""
    page = opened(clerk)
    site.clock.tick(HOUR)
    clerk.get(page.url)
    assert clerk.at.name == "staff_sign_in"
    where = clerk.at.attributes["passkey"]["data-verify-url"]
    assert where.endswith("next=" + urlsplit(page.url).path.replace("/", "%2F"))

    clerk.get("/staff/sign-in?next=//evil.example.test/")
    assert "evil" not in clerk.at.attributes["passkey"]["data-verify-url"]


def test_the_doctor_opens_the_hospitals_application_and_the_clerk_is_shown_none(site, clerk):
    """SMART App Launch 2.2: the browser goes to the application with `iss` and `launch`."""
    connect(site)
    page = opened(clerk)
    assert "launch-clinic" not in page.forms
    doctor = doctor_of(site, "99001")
    doctor.get(page.url)

    moving = doctor.send("launch-clinic", "app-clinic")

    assert moving.name == "continue"
    assert moving.refresh.startswith("https://clinic.example.test/launch?iss=http%3A%2F%2Flocalhost%3A8000&launch=")
    doctor.get(page.url)
    assert doctor.send("launch-clinic", app="portal").status == 404


def test_a_launch_waits_for_the_sign_in_and_the_right_workplace(site, clerk):
    """A clinician who is signed out signs in by passkey, says where they work, and comes back with a code."""
    connect(site)
    second_facility(site)
    page = opened(clerk)
    doctor = doctor_of(site, "99001", "99011")
    doctor.send("affiliation-form", "place-1")
    doctor.get(page.url)
    handle = doctor.send("launch-clinic", "app-clinic").refresh.split("launch=")[1]
    url = site.authorize_url(
        client_id="clinic", redirect_uri=CALLBACK, scope="launch openid user/Observation.rs", launch=handle
    )
    doctor.client.delete_cookie("yinyom-staff")

    asked = doctor.get(url)
    assert asked.name == "staff_sign_in"
    said = doctor.passkey(doctor.device, "sign-in", asked.attributes["passkey"]["data-verify-url"].split("/verify")[0])
    assert said["status"] == 200
    doctor.get(asked.url.replace("sign-in?next=", "affiliation?next="))
    doctor.send("affiliation-form", "place-2")
    assert doctor.at.name == "staff_affiliation"
    doctor.send("affiliation-form", "place-1")

    assert doctor.left_for.startswith(CALLBACK + "?code=")
    again = doctor.left_for
    paused = asked.url.split("next=")[1].replace("%2F", "/")
    doctor.left_for = None
    doctor.get(paused)
    assert doctor.left_for is None
    assert doctor.at.refresh == again


def test_a_paused_launch_is_no_citizens_interaction(site, clerk):
    """Neither loop takes the other's."""
    connect(site)
    page = opened(clerk)
    doctor = doctor_of(site, "99001")
    doctor.get(page.url)
    handle = doctor.send("launch-clinic", "app-clinic").refresh.split("launch=")[1]
    asked = {"client_id": "clinic", "redirect_uri": CALLBACK, "scope": "launch user/Observation.rs", "launch": handle}
    doctor.client.delete_cookie("yinyom-staff")
    doctor.get(site.authorize_url(**asked))
    staffs = doctor.at.url.split("next=")[1].replace("%2F", "/").rsplit("/", 1)[1]
    citizens = site.visitor().get(site.authorize_url()).url.split("/interaction/")[1].split("/")[0]

    assert doctor.get(f"/interaction/{staffs}").status == 404
    assert doctor.get(f"/interaction/{staffs}/login").status == 404
    assert clerk.get(f"/staff/continue/{citizens}").status == 404


def test_the_list_forgets_what_is_over(site, clerk):
    """A day is the end, whoever forgot to say so."""
    opened(clerk)
    site.clock.tick(DAY)
    other = site.visitor()
    other.get("/staff/sign-in")
    other.passkey(clerk.device, "sign-in", "/staff/passkey")

    assert "x-xxxx" not in other.get("/desk").text
