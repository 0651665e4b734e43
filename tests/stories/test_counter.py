"""The slogan of the whole policy: a card at a counter, care without a consent, and the citizen sees who looked."""

import re
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import httpx

from idp.demo.seed import SandboxRegistry
from tests import leaks
from tests.stories import world as running
from tests.stories.browser import as_json
from tests.stories.relying import claims


def slot_of(live, number):
    """The place of a person's card in the sandbox's drawer."""
    people = list(SandboxRegistry(live.world.settings.sandbox_registry).people)
    return str(people.index(number) + 1)


def read_card(live, clerk, number):
    page = clerk.browser.get(f"{live.issuer}/desk")
    return clerk.browser.submit(page, "read-form", "read", slot=slot_of(live, number))


def opened(live, clerk, number):
    """The visit's page, after the card and the notice."""
    return clerk.browser.submit(read_card(live, clerk, number), "open-form", "open")


def launched(live, doctor, visit_url):
    """The clinic's page, as the doctor's browser ends there."""
    clinic = live.world.clinic
    doctor.browser.stops = ()
    page = doctor.browser.get(visit_url)
    page = doctor.browser.submit(page, "launch-clinic", "app-clinic")
    assert page.url.startswith(clinic), f"{page.url} {page.text[:300]}"
    return page


def user_token(live, doctor, visit_url):
    """What the clinic's own program gets: the story plays it, with the clinic's credentials, to look at the token."""
    handle = launch_of(live, doctor, visit_url)
    return exchanged(live, doctor, handle)


def launch_of(live, doctor, visit_url):
    page = doctor.browser.get(visit_url)
    doctor.browser.stops = (live.world.clinic,)
    page = doctor.browser.submit(page, "launch-clinic", "app-clinic")
    return parse_qs(urlsplit(page.url).query)["launch"][0]


def asked(live, handle, **more):
    clinic = live.service("launch openid user/Observation.rs")
    clinic.client_id, clinic.secret = "clinic", live.world.folder.secret("clinic")
    clinic.redirect_uri = f"{live.world.clinic}/callback"
    return clinic, clinic.ask(launch=handle, **more)


def exchanged(live, doctor, handle):
    clinic, question = asked(live, handle)
    doctor.browser.stops = (clinic.redirect_uri,)
    return clinic, clinic.tokens(doctor.browser.get(question.url), question)


def test_one_card_one_notice_and_the_record_opens_for_the_visit_alone(live):
    """THAI 1a rows 1 and 2, catalogue CARE: read, told, opened, treated, seen in the log, ended, refused."""
    clerk, patient = live.staff("clerk"), live.citizen()
    patient.open("/me")

    card = read_card(live, clerk, patient.national_id)
    assert card.name == "desk_card"
    assert "consent-form" not in card.forms
    assert "Allow" not in card.html
    assert live.purpose_name("CARE") in card.text
    visit = clerk.browser.submit(card, "open-form", "open")
    assert visit.name == "desk_visit"
    assert clerk.browser.click(visit, "slip").name == "desk_slip"

    doctor = live.staff("doctor")
    page = launched(live, doctor, visit.url)
    assert "has-Observation" in page.attributes, page.text

    log = patient.open("/me/access")
    for event in ("เปิดการมารับบริการ", "บันทึกการใช้ข้อมูลโดยไม่ต้องขอความยินยอม", "ผู้ถือข้อมูลตรวจสิทธิก่อนเปิดข้อมูล"):
        assert event in log.text, event
    assert "โรงพยาบาลตัวอย่างแพร่" in log.text
    assert "ผู้ให้การรักษา" in log.text
    assert not re.search("กัญญา|ตัวอย่างกุล", log.text)  # the doctor is a person with a privacy of her own

    over = clerk.browser.submit(visit, "end-form", "end")
    assert "end-form" not in over.forms
    refused = doctor.browser.submit(page, "again-form", "again")
    assert "no-Observation" in refused.attributes, refused.text
    assert "has-Observation" not in refused.attributes
    assert "สิ้นสุดการมารับบริการ" in patient.open("/me/access").text


def test_the_token_names_clinician_patient_and_facility_each_by_a_pseudonym(live):
    """SMART App Launch 2.2, RFC 9068: sub, patient, hcode, CARE, at most 300 s, nothing to refresh."""
    clerk, doctor, patient = live.staff("clerk"), live.staff("doctor"), live.somebody()
    visit = opened(live, clerk, patient)

    clinic, tokens = user_token(live, doctor, visit.url)

    told, who = claims(tokens["access_token"]), claims(tokens["id_token"])
    assert told["patient"] == tokens["patient"]
    assert told["hcode"] == "99001"
    assert "CARE" in told["purposes"]
    assert "refresh_token" not in tokens
    assert tokens["expires_in"] <= 300
    assert told["acr"] == "urn:yinyom:aal:2.2"
    assert len({told["sub"], told["patient"], who["sub"]}) == 3
    assert clinic.userinfo(tokens["access_token"]).status_code == 401
    heard = clinic.introspect(tokens["access_token"])
    assert (heard["active"], heard["patient"], heard["hcode"]) == (True, told["patient"], "99001")
    assert not leaks.found_in(str(told) + str(who) + str(heard))


def test_the_holder_opens_that_patient_and_nobody_else(live):
    """SMART App Launch 2.2: another patient's record is not found; a clinician's token is no citizen's."""
    clerk, doctor = live.staff("clerk"), live.staff("doctor")
    first, second = (opened(live, clerk, live.somebody()) for _ in range(2))
    _, one = user_token(live, doctor, first.url)
    _, other = user_token(live, doctor, second.url)
    holder = live.world.holder

    theirs = as_json(running.fetch(f"{holder}/fhir/Observation", other["access_token"]))["entry"][0]["resource"]["id"]

    token = one["access_token"]
    assert running.fetch(f"{holder}/fhir/Observation", token).status_code == 200
    assert running.fetch(f"{holder}/fhir/Observation/{theirs}", token).status_code == 404
    assert running.fetch(f"{holder}/fhir/Observation?patient={other['patient']}", token).status_code == 404
    assert running.fetch(f"{holder}/fhir/Condition", token).status_code == 403
    assert running.fetch(f"{holder}/entitlement", token).status_code == 403


def test_a_visit_that_is_over_ends_token_code_and_launch(live):
    """CARE ends on the visit: introspection at once, and no way back in."""
    clerk, doctor = live.staff("clerk"), live.staff("doctor")
    visit = opened(live, clerk, live.somebody())
    clinic, tokens = user_token(live, doctor, visit.url)
    unused = launch_of(live, doctor, visit.url)
    late, question = asked(live, launch_of(live, doctor, visit.url))
    doctor.browser.stops = (late.redirect_uri,)
    code = late.answered(doctor.browser.get(question.url), question).code

    clerk.browser.submit(visit, "end-form", "end")

    assert clinic.introspect(tokens["access_token"]) == {"active": False}
    assert running.fetch(f"{live.world.holder}/fhir/Observation", tokens["access_token"]).status_code == 401
    assert late.redeem(code, question.verifier).status_code == 400
    _, again = asked(live, unused)
    assert "code" not in parse_qs(urlsplit(doctor.browser.get(again.url).url).query)


def test_a_citizens_session_opens_no_launch_and_a_staff_session_no_citizens_page(live):
    """DECISIONS 4: two kinds of session, two cookies; neither stands for the other."""
    clerk, doctor = live.staff("clerk"), live.staff("doctor")
    visit = opened(live, clerk, live.somebody())
    citizen = live.citizen()
    citizen.open("/me")
    _clinic, question = asked(live, launch_of(live, doctor, visit.url))

    assert citizen.browser.get(question.url).name == "staff_sign_in"
    silent, asked_silently = asked(live, launch_of(live, doctor, visit.url), prompt="none")
    citizen.browser.stops = (silent.redirect_uri,)
    assert "error=login_required" in citizen.browser.get(asked_silently.url).url
    doctor.browser.stops = (live.world.callback,)
    service = live.service()
    assert doctor.browser.get(service.ask().url).name == "login"
    assert "error=login_required" in doctor.browser.get(service.ask(prompt="none").url).url
    assert doctor.browser.get(f"{live.issuer}/me").name == "login"


def test_a_launch_is_for_one_person_one_client_and_one_time(live):
    """A handle that leaks from an address is useless: to a colleague, to another client, and after its use."""
    clerk, doctor = live.staff("clerk"), live.staff("doctor")
    visit = opened(live, clerk, live.somebody())
    handle = launch_of(live, doctor, visit.url)

    clinic, question = asked(live, handle)
    clerk.browser.stops = (clinic.redirect_uri,)
    assert "other_person" in clerk.browser.get(question.url).url
    portal = live.service("launch openid purpose:EHR-SHARE").ask(launch=handle)
    doctor.browser.stops = (live.world.callback,)
    assert "error=invalid_scope" in doctor.browser.get(portal.url).url

    exchanged(live, doctor, handle)

    _, again = asked(live, handle)
    assert "error=invalid_request" in doctor.browser.get(again.url).url


def test_a_number_alone_opens_nothing_and_says_nothing(live):
    """PAGES, counter: known or not, the same words; only a visit that is open here is found by its number."""
    clerk, known, unknown = live.staff("clerk"), live.somebody(), live.nobody()
    read_card(live, clerk, known)

    pages = []
    for number in (known, unknown):
        home = clerk.browser.get(f"{live.issuer}/desk")
        pages.append(clerk.browser.submit(home, "read-form", "read", card=number))

    assert {(page.status, page.name) for page in pages} == {(400, "desk")}
    assert pages[0].texts["error-summary"] == pages[1].texts["error-summary"]
    assert not any(number in page.html for page in pages for number in (known, unknown))
    visit = opened(live, clerk, known)
    home = clerk.browser.get(f"{live.issuer}/desk")
    assert clerk.browser.submit(home, "read-form", "read", card=known).url == visit.url


def test_a_double_press_opens_one_visit(live):
    """PAGES: double taps are safe."""
    clerk, number = live.staff("clerk"), live.somebody()
    card = read_card(live, clerk, number)

    first, second = (clerk.browser.submit(card, "open-form", "open") for _ in range(2))

    assert first.url == second.url
    assert opened_again_leads_to(live, clerk, number) == first.url


def opened_again_leads_to(live, clerk, number):
    page = read_card(live, clerk, number)
    assert "open-form" not in page.forms
    return urljoin(page.url, page.links["to-visit"])


def test_no_number_of_a_person_is_in_an_address_a_cookie_or_a_log_line(live):
    """The issue: never a national ID in a URL, a log line or a cookie."""
    clerk, doctor, number = live.staff("clerk"), live.staff("doctor"), live.somebody()
    visit = opened(live, clerk, number)
    user_token(live, doctor, visit.url)

    seen = [page.url for person in (clerk, doctor) for page in person.browser.seen]
    cookies = [str(dict(person.browser.http.cookies)) for person in (clerk, doctor)]

    assert not any(number in text for text in seen + cookies)
    assert number not in live.world.log_of("web")
    assert number[:-1] not in urlencode({"seen": seen})


def test_the_clerk_gets_no_token_and_sees_no_button_for_one(live):
    """A clerk opens visits; records are for those who treat."""
    clerk = live.staff("clerk")
    visit = opened(live, clerk, live.somebody())

    assert "launch-clinic" not in visit.forms
    cookies = dict(clerk.browser.http.cookies)
    form = dict(visit.forms["end-form"].fields) | {"app": "clinic"}
    pushed = httpx.post(f"{visit.url}/launch", data=form, cookies=cookies)
    assert pushed.status_code == 303
    assert pushed.headers["Location"].endswith(urlsplit(visit.url).path)
