"""An unconscious patient: the glass breaks, the record opens, the person is told, somebody else judges; over HTTP.

Who reviews comes by the command that makes staff; the worker, the holder and the clinic's system are real processes.
"""

import os
import subprocess
import sys
from urllib.parse import parse_qs, urlsplit

from tests import leaks
from tests.fakes import SoftAuthenticator
from tests.stories import world as running
from tests.stories.test_counter import slot_of
from tests.stories.waiting import eventually

SCOPE = "launch openid moph.breakglass user/AllergyIntolerance.rs user/Condition.rs"
SAID = {"emergency_reason": "unconscious", "emergency_words": "หมดสติ อุบัติเหตุบนถนน", "hours": "2"}


def broken(live, doctor, number=None, button="open"):
    """The page of an emergency that this doctor opened."""
    page = doctor.browser.get(f"{live.issuer}/desk/emergency")
    card = {} if number is None else {"slot": slot_of(live, number)}
    return doctor.browser.submit(page, "emergency-form", button, **SAID | card)


def token_of(live, doctor, emergency_url, **more):
    """What the clinic's own program gets, played by the story with the clinic's credentials."""
    stops = (live.world.clinic,)
    page = doctor.browser.get(emergency_url)
    doctor.browser.stops = stops
    page = doctor.browser.submit(page, "launch-clinic", "app-clinic")
    handle = parse_qs(urlsplit(page.url).query)["launch"][0]
    clinic = live.service(SCOPE)
    clinic.client_id, clinic.secret = "clinic", live.world.folder.secret("clinic")
    clinic.redirect_uri = f"{live.world.clinic}/callback"
    question = clinic.ask(launch=handle, **more)
    doctor.browser.stops = (clinic.redirect_uri,)
    return clinic, clinic.tokens(doctor.browser.get(question.url), question)


def invitation(live, number, role, *more):
    """The code with which this person adds their passkey, from the operator's command that gives them a role."""
    env = {**os.environ, **live.world.commands()["web"][1]}
    asked = ["staff", "add", "--national-id", "-", "--role", role, *more]
    done = subprocess.run(  # noqa: S603 -- our own interpreter
        [sys.executable, "-m", "idp.cli", *asked],
        env=env,
        input=number,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stdout.strip().splitlines()[-1]


def reviewer(live, role, *more):
    """Somebody new in this role, signed in with their passkey."""
    person = live.citizen()
    page = person.browser.get(f"{live.issuer}/staff/enrol")
    page = person.browser.submit(page, "enrol-form", code=invitation(live, person.national_id, role, *more))
    person.ceremony(page, "register", SoftAuthenticator(live.issuer).create)
    return person


def events_of(live, patient):
    return [one["event"] for one in live.audit_of(patient)]


def test_an_unconscious_patient_is_treated_told_and_the_opening_judged(live):
    """PDPA s.26(1): opened without a consent, for two hours, never silent; found justified by the facility's head."""
    clinic_system, doctor, patient = live.world.clinic, live.staff("doctor"), live.citizen()
    patient.open("/me")

    opened = broken(live, doctor, patient.national_id)
    assert opened.name == "desk_emergency_open", opened.text[:300]
    doctor.browser.stops = ()
    clinic = doctor.browser.submit(opened, "launch-clinic", "app-clinic")
    assert clinic.url.startswith(clinic_system), f"{clinic.url} {clinic.text[:300]}"
    assert "emergency" in clinic.attributes
    assert "has-AllergyIntolerance" in clinic.attributes, clinic.text
    assert "has-Observation" not in clinic.attributes

    assert live.told(patient, "emergency_opened") == 1
    said = eventually(lambda: message_in_the_inbox(live), "no message about the emergency")
    assert "http" not in said
    log = patient.open("/me/access")
    assert "เปิดดูข้อมูลฉุกเฉิน" in log.text
    assert "โรงพยาบาลตัวอย่างแพร่" in log.text

    doctor.browser.submit(doctor.browser.get(opened.url), "end-form", "end-answers")
    refused = doctor.browser.submit(clinic, "again-form", "again")
    assert "no-AllergyIntolerance" in refused.attributes, refused.text
    head = reviewer(live, "head", "--hcode", "99001")
    queue = head.browser.get(f"{live.issuer}/staff/emergencies")
    case = head.browser.click(queue, f"to-{opened.url.rpartition('/')[2]}")
    assert SAID["emergency_words"] in case.text
    done = head.browser.submit(case, "review-form", "judge", outcome="justified", review_words="หมดสติจริง")

    assert done.name == "emergency_queue"
    assert "ตรวจสอบการเปิดดูฉุกเฉิน" in patient.open("/me/access").text
    assert [one for one in events_of(live, patient) if one.startswith("breakglass")] == [
        "breakglass.used",
        "breakglass.ended",
        "breakglass.reviewed",
    ]
    assert not any(patient.national_id in page.url for person in (doctor, head) for page in person.browser.seen)
    assert patient.national_id not in live.world.log_of("web")


def message_in_the_inbox(live):
    """The newest text message about an emergency, as the sandbox's inbox shows it."""
    inbox = live.citizen().browser.get(f"{live.issuer}/sandbox/inbox")
    return next((line for line in inbox.html.split("<li") if "เหตุฉุกเฉิน" in line), None)


def test_the_token_opens_that_patient_for_that_purpose_and_dies_with_the_emergency(live):
    """RFC 9068, RFC 7662: BREAKGLASS by name, staff and patient by pseudonym, at most 300 s, refused at the end."""
    doctor, patient = live.staff("doctor"), live.somebody()
    opened = broken(live, doctor, patient)

    clinic, tokens = token_of(live, doctor, opened.url)

    heard = clinic.introspect(tokens["access_token"])
    assert (heard["active"], heard["hcode"], heard["patient"]) == (True, "99001", tokens["patient"])
    assert "BREAKGLASS" in heard["purposes"]
    assert "CARE" not in heard["purposes"]
    assert tokens["expires_in"] <= 300
    assert "refresh_token" not in tokens
    holder, token = live.world.holder, tokens["access_token"]
    assert running.fetch(f"{holder}/fhir/AllergyIntolerance", token).status_code == 200
    assert running.fetch(f"{holder}/fhir/Observation", token).status_code == 403
    assert not leaks.found_in(str(heard) + str(tokens))

    doctor.browser.submit(doctor.browser.get(opened.url), "end-form", "end-over")

    assert clinic.introspect(token) == {"active": False}
    assert running.fetch(f"{holder}/fhir/AllergyIntolerance", token).status_code == 401


def test_nobody_knows_who_it_is_until_somebody_does(live):
    """Declared at once, named later by card: told only then, and the hours are those of the beginning."""
    doctor, patient = live.staff("doctor"), live.citizen()
    patient.open("/me")
    unknown = broken(live, doctor, button="open-unknown")
    assert "launch-clinic" not in unknown.forms
    assert live.told(patient, "emergency_opened") == 0

    named = doctor.browser.submit(unknown, "patient-form", "name", slot=slot_of(live, patient.national_id))

    assert "launch-clinic" in named.forms
    assert live.told(patient, "emergency_opened") == 1


def test_what_was_not_justified_ends_is_told_and_opens_a_case(live):
    """The officer of the whole service judges; whoever opened it cannot."""
    doctor, patient = live.staff("doctor"), live.citizen()
    patient.open("/me")
    opened = broken(live, doctor, patient.national_id)
    clinic, tokens = token_of(live, doctor, opened.url)
    assert doctor.browser.get(f"{live.issuer}/staff/emergencies").status == 403

    officer = reviewer(live, "dpo")
    case = officer.browser.get(f"{live.issuer}/staff/emergencies/{opened.url.rpartition('/')[2]}")
    officer.browser.submit(case, "review-form", "judge", outcome="not_justified", review_words="ผู้ป่วยรู้สึกตัวดี")

    assert clinic.introspect(tokens["access_token"]) == {"active": False}
    assert live.told(patient, "emergency_unjustified") == 1
    assert "dsar.opened" in events_of(live, patient)
