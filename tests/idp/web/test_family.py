"""A family over its pages: entered at a counter by two, chosen in a request, signed by both, ended by either."""

import json
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from sqlalchemy import select

from consent.family.models import Guardianship
from consent.models import ConsentRecord
from idp import worker
from idp.subjects import find_by_national_id
from tests.fakes import HOUR, MINUTE, SECOND, SoftAuthenticator
from tests.idp.web.test_desk import DOCTOR, employ, enrolled, known
from tests.idp.web.test_desk_case import PATIENT, Issuer, clerk, drawer, issuer, matched
from tests.idp.web.test_desk_reach import colleague

__all__ = ["DOCTOR", "Issuer", "clerk", "colleague", "drawer", "employ", "enrolled", "issuer"]
CHILD, TEEN, KANYA = "1999000010012", "1999000010021", "1999000010063"
MIDNIGHT = datetime(2026, 11, 23, 17, tzinfo=UTC)  # 24 November 2026 begins in Bangkok
CLAIM = json.dumps({"id_token": {"proxy_for": None}})
PAPER = {"kind": "parent", "paper": "house_register", "reference": "9999-012345-6", "order_until": ""}


@pytest.fixture(autouse=True)
def children(site, drawer):  # noqa: ARG001 -- after everybody's card
    """The register's children."""
    known(site, CHILD, birth_date="2018-03-14", given_name_th="ชูใจ", phone="")
    known(site, TEEN, birth_date="2011-08-09", given_name_th="ธนกร", phone="010-000-0021")
    known(site, KANYA, birth_date="2006-11-24", given_name_th="กัญญา", phone="010-000-0063")


NAMES = {CHILD: "ชูใจ ใจสมมติ", TEEN: "ธนกร ใจสมมติ", KANYA: "กัญญา ใจสมมติ"}


def written(clerk, number, **changes):
    """The officer writes down what the paper says."""
    page = matched(clerk)
    clerk.get(page.links["family"])
    return clerk.send("family-form", **{"ward": number, "ward_name": NAMES[number], **PAPER, **changes})


def signed(clerk, device):
    """The colleague's passkey on the page that is open: options of the case, verified by this page."""
    block = clerk.at.attributes["passkey"]
    headers = {"X-CSRF-Token": block["data-csrf"]}
    told = clerk.client.post(block["data-options-url"], json={"purpose": "sign-in"}, headers=headers).json
    body = {"purpose": "sign-in", "credential": device.get(told)}
    answer = clerk.client.post(block["data-verify-url"], json=body, headers=headers)
    if answer.status_code == 200:
        clerk.get(answer.json["next"])
    return answer


def entrusted(clerk, colleague, ward):
    """A guardianship, from the card to the second officer's signature."""
    written(clerk, ward)
    assert signed(clerk, colleague.device).status_code == 200
    page = clerk.send("confirm-form", "confirm")
    assert "done" in page.texts, page.text[:400]
    clerk.get(page.links["to-case"])
    clerk.send("close-form", "close")
    return page


def rows(site):
    with site.work.sessions.reading() as session:
        return session.scalars(select(Guardianship)).all()


def records(site):
    with site.work.sessions.reading() as session:
        return session.scalars(select(ConsentRecord).order_by(ConsentRecord.id)).all()


def person(site, number):
    with site.work.sessions.reading() as session:
        found = find_by_national_id(session, site.work.rings.at(site.clock()), number)
        assert found is not None
        return found.id


def strong(site, number=PATIENT, **changes):
    """Somebody signed in at AAL2.1, at whatever page of the portal's request comes then."""
    visitor = site.visitor()
    visitor.get(site.authorize_url(**changes))
    visitor.sign_in(number)
    visitor.set_pin()
    return visitor


def for_ward(visitor, name):
    """Choose by the name on the button."""
    form = visitor.at.forms["for-form"]
    button = next(one for one in form.buttons if name in visitor.at.texts[one])
    return visitor.send("for-form", button)


def query(visitor):
    return {name: values[0] for name, values in parse_qs(urlsplit(visitor.at.refresh).query).items()}


def test_two_officers_enter_it_and_nothing_begins_before(site, clerk, colleague):
    """R7: drawn up by one, signed by the second, told to both; the number of the paper is sealed."""
    written(clerk, CHILD)
    (drawn,) = rows(site)
    assert drawn.starts_at is None
    assert NAMES[CHILD] in clerk.at.texts["ward"]
    assert f"x-xxxx-xxxxx-{CHILD[10:12]}-{CHILD[12]}" in clerk.at.texts["ward"]  # two people may have one name
    assert clerk.post(clerk.at.url + "/confirm", {"csrf": clerk.at.forms["family-form"].fields[0][1]}).status == 403

    clerk.get(clerk.at.url.removesuffix("/confirm"))
    assert signed(clerk, colleague.device).status_code == 200
    clerk.send("confirm-form", "confirm")

    (link,) = rows(site)
    assert link.starts_at == site.clock()
    assert len({link.given_by, link.second_by}) == 2
    assert b"9999-012345-6" not in link.reference
    assert link.needed == "guardian_alone"


def test_nobody_signs_alone(site, clerk):
    """The same officer's passkey is no second one."""
    written(clerk, CHILD)

    assert signed(clerk, clerk.device).status_code == 403
    assert rows(site)[0].starts_at is None


def test_a_signature_for_what_was_written_before_does_not_count(site, clerk, colleague):
    """The colleague signed one paper; the officer cannot put another under it."""
    written(clerk, CHILD)
    assert signed(clerk, colleague.device).status_code == 200
    here, csrf = clerk.at.url, clerk.at.forms["confirm-form"].fields[0][1]
    site.clock.tick(SECOND)
    clerk.post(here, {"csrf": csrf, **PAPER, "ward": TEEN, "ward_name": NAMES[TEEN]})
    assert NAMES[TEEN] in clerk.at.texts["ward"]

    assert clerk.post(here + "/confirm", {"csrf": csrf}).status == 403

    assert {row.starts_at for row in rows(site)} == {None}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"ward_name": "สมศรี ใจสมมติ"}, "ward"),
        ({"ward": "1999000010013"}, "ward"),
        ({"ward": PATIENT, "ward_name": "สมชาย ใจสมมติ"}, "ward"),
        ({"kind": "guardian"}, "paper"),
        ({"kind": "emperor"}, "kind"),
        ({"reference": ""}, "reference"),
        ({"paper": "court_order", "order_until": ""}, "order_until"),
        ({"paper": "court_order", "order_until": "31/1/2560"}, "order_until"),
        ({"paper": "court_order", "order_until": "yesterday"}, "order_until"),
    ],
)
def test_what_the_paper_does_not_show_is_not_entered(site, clerk, changes, field):
    """What was typed stays, and a number without its name tells an officer nothing."""
    page = written(clerk, CHILD, **changes)

    assert page.status == 400
    assert f"{field}-error" in page.attributes
    assert rows(site) == []
    assert dict(page.forms["family-form"].fields).get("ward") == changes.get("ward", CHILD)


def test_s20_a_mother_answers_for_her_child_of_eight(site, clerk, colleague):
    """PDPA s.20: chosen once, shown always, recorded as what it is; the token is about the child."""
    entrusted(clerk, colleague, CHILD)
    mother = strong(site, claims=CLAIM)
    assert mother.at.name == "for_whom"

    page = for_ward(mother, "ชูใจ")

    assert page.name == "consent", page.text[:300]
    assert "ชูใจ" in page.texts["about"]
    assert "acting" in page.attributes
    mother.send("consent-form", "allow", purpose="EHR-SHARE")
    assert "code" in query(mother)
    made = {one.purpose: one for one in records(site)}
    share, own = made["EHR-SHARE"], made["SIGNIN"]
    assert (share.subject_id, share.actor_id, share.capacity) == (person(site, CHILD), site.citizen, "parent")
    assert (own.subject_id, own.capacity) == (site.citizen, "self")


def test_s20_a_young_person_and_their_mother_sign_both(site, clerk, colleague):
    """PDPA s.20: the mother begins at the service, the young person finishes at home, and then it stands."""
    entrusted(clerk, colleague, TEEN)
    mother = strong(site, claims=CLAIM)
    for_ward(mother, "ธนกร")
    page = mother.send("consent-form", "allow", purpose="EHR-SHARE")
    assert page.name == "cosign_wait"
    assert "ธนกร" in page.text
    mother.get(page.links["go-on"])
    assert query(mother)["error"] == "access_denied"
    assert "EHR-SHARE" not in {one.purpose for one in records(site)}

    teen = site.visitor()
    teen.get("/me/family")
    teen.sign_in(TEEN)
    page = teen.set_pin()
    assert page.name == "me_family", page.text[:300]
    assert teen.get("/me").links["family-waits"].endswith("/me/family")  # what waits stands first
    page = teen.get(page.links["sign-1"])
    assert page.name == "me_cosign"
    assert "โรงพยาบาลตัวอย่าง" in page.text
    page = teen.send("cosign-form", "allow")

    assert "done" in page.texts
    share = next(one for one in records(site) if one.purpose == "EHR-SHARE")
    assert {share.actor_id, share.co_actor_id} == {site.citizen, person(site, TEEN)}
    assert "โดยผู้ที่ทำแทนคุณ" in teen.get("/me/access").texts["entries"]  # the mother signed first


def test_s20_a_young_person_who_signs_in_alone_waits_for_the_parent_and_may_say_no(site, clerk, colleague):
    """PDPA s.20: their own yes is half; their no is whole."""
    entrusted(clerk, colleague, TEEN)
    teen = strong(site, TEEN)
    assert teen.at.name == "consent", teen.at.text[:300]
    assert "both-sign" in teen.at.attributes

    assert teen.send("consent-form", "allow", purpose="EHR-SHARE").name == "cosign_wait"
    mother = strong(site)
    mother.get("/me/family")
    page = mother.get(mother.at.links["sign-1"])
    page = mother.send("cosign-form", "refuse")

    assert "done" in page.texts
    assert "EHR-SHARE" not in {one.purpose for one in records(site)}


def test_both_see_it_and_either_ends_it(site, clerk, colleague):
    """PAGES: family and carers; the young person ends it, and is then let in no longer."""
    entrusted(clerk, colleague, TEEN)
    mother, teen = strong(site), strong(site, TEEN)
    assert "ธนกร" in mother.get("/me/family").texts["wards"]
    assert "สมชาย" in teen.get("/me/family").texts["guardians"]
    page = teen.get(teen.at.links["guardian-1-open"])
    assert "ออกจากระบบทันที" in page.texts["shut-out"]  # said before it happens
    folded = page.html[page.html.index('<details class="more" id="end-sure">') :]
    assert 'id="end"' in folded[: folded.index("</details>")]  # one tap alone ends nothing
    page = teen.send("end-form", "end")

    assert page.name == "family_over"  # what happened, what is kept, how to come back
    assert "ทะเบียนบ้าน" in page.texts["next"]
    assert teen.get("/me/family").name != "me_family"
    page = mother.get("/me/family")
    assert "ธนกร" in page.texts["past"]
    assert "end-form" not in mother.get("/me/family").forms
    site.clock.tick(HOUR)
    later = site.visitor()
    later.get(site.authorize_url())
    assert later.sign_in(TEEN).name == "age"


def test_a_passkey_of_a_young_person_opens_nothing_once_nobody_stands_beside_them(site, clerk, colleague):
    """The same stop as after a code."""
    entrusted(clerk, colleague, TEEN)
    teen, device = site.visitor(), SoftAuthenticator(origin="http://localhost:8000")
    teen.get(site.authorize_url())
    teen.sign_in(TEEN)
    teen.get(teen.at.links["set-passkey"])
    made = teen.passkey(device, "register", passkeys_of(teen))
    assert made["status"] == 200, made
    mother = strong(site)
    mother.get("/me/family")
    mother.get(mother.at.links["ward-1-open"])
    mother.send("end-form", "end")

    later = site.visitor()
    later.get(site.authorize_url())
    said = later.passkey(device, "sign-in", passkeys_of(later))

    assert str(said["next"]).endswith("/age")
    assert later.get("/me").name != "me"


def passkeys_of(visitor):
    return "/".join(visitor.at.url.split("?")[0].split("/interaction/")[1].split("/")[:1]).join(
        ("/interaction/", "/passkey")
    )


def test_a_mother_takes_back_what_she_agreed_for_her_child(site, clerk, colleague):
    """PDPA s.19, s.20: as easily as it was given, on the page of the child."""
    entrusted(clerk, colleague, CHILD)
    mother = strong(site, claims=CLAIM)
    for_ward(mother, "ชูใจ")
    mother.send("consent-form", "allow", purpose="EHR-SHARE")
    mother.get("/me/family")
    page = mother.get(mother.at.links["ward-1-open"])
    assert "consent-1" in page.attributes
    assert "ให้ความยินยอม" in page.texts["acts"]

    page = mother.get(page.links["withdraw-1"])
    assert page.name == "ward_withdraw"
    assert mother.send("withdraw-form", "confirm").name == "ward_withdrawn"

    mother.get("/me/family")
    assert "consent-1" not in mother.get(mother.at.links["ward-1-open"]).attributes


def test_a_stranger_finds_nothing(site, clerk, colleague):
    """Somebody else's guardianship is not found; their withdrawal neither."""
    entrusted(clerk, colleague, CHILD)
    (link,) = rows(site)
    known(site, "1999000010071", given_name_th="ปิติ", phone="010-000-0071")
    stranger = strong(site, "1999000010071")

    assert stranger.get(f"/me/family/{link.id}").status == 404
    stranger.get("/me/family")
    token = stranger.at.forms["preferences"].fields[0][1]
    assert stranger.post(f"/me/family/{link.id}/end", {"csrf": token}).status == 404
    assert rows(site)[0].ended_at is None


def test_who_acts_for_nobody_is_never_asked_for_whom(site, clerk):  # noqa: ARG001 -- the stage
    """The claim asks only who may choose; the page leads back to the request."""
    visitor = strong(site, claims=CLAIM)

    assert visitor.at.name == "consent"
    assert "change-person" not in visitor.at.links
    here = visitor.at.url.removesuffix("/consent")
    assert visitor.get(here + "/for").name == "consent"


def test_from_the_consent_page_to_the_child_and_back(site, clerk, colleague):
    """Always visible, changed by one tap, and a form of before answers nothing for somebody else."""
    entrusted(clerk, colleague, CHILD)
    mother = strong(site)
    own = mother.at
    assert own.name == "consent"
    mother.get(own.links["change-person"])
    page = for_ward(mother, "ชูใจ")
    assert "ชูใจ" in page.texts["about"]

    mother.at = own
    mother.send("consent-form", "allow", purpose="EHR-SHARE")

    assert mother.at.name == "consent"
    assert "EHR-SHARE" not in {one.purpose for one in records(site)}


def test_s20_a_19_year_old_turns_20_at_midnight_in_bangkok(site, clerk, colleague):
    """PDPA s.20: power, consents and the second signature end with the last second of nineteen, by the clock alone."""
    entrusted(clerk, colleague, KANYA)
    site.clock.now = MIDNIGHT - 5 * MINUTE
    mother = strong(site, claims=CLAIM)
    for_ward(mother, "กัญญา")
    mother.send("consent-form", "allow", purpose="EHR-SHARE")
    kanya = site.visitor()
    kanya.get("/me/family")
    kanya.sign_in(KANYA)
    kanya.set_pin()
    kanya.get(kanya.at.links["sign-1"])
    kanya.send("cosign-form", "allow")
    share = next(one for one in records(site) if one.purpose == "EHR-SHARE")
    assert share.expires_at == MIDNIGHT
    kanya.get(site.authorize_url(scope="openid patient/Encounter.rs"))
    kanya.send("consent-form", "allow")  # told of the sign-in
    site.clock.now = MIDNIGHT - SECOND
    assert "กัญญา" in mother.get("/me/family").texts["wards"]
    kanya.get(site.authorize_url(scope="openid patient/Encounter.rs", prompt="none"))
    assert "code=" in kanya.left_for

    site.clock.now = MIDNIGHT

    assert "กัญญา" not in mother.get("/me/family").texts["wards"]
    mother.get(site.authorize_url(claims=CLAIM))
    assert mother.at.name != "for_whom"
    kanya.left_for = None
    kanya.get(site.authorize_url(scope="openid patient/Encounter.rs", prompt="none"))
    assert "consent_required" in kanya.left_for
    page = kanya.get(site.authorize_url(scope="openid patient/Encounter.rs"))
    assert page.name == "consent"  # asked again, and alone
    assert "both-sign" not in page.attributes
    kanya.send("consent-form", "allow", purpose="EHR-SHARE")
    assert "code" in query(kanya)
    worker.purge(site.work)
    assert "20" in kanya.get("/me/security").texts["notices"]


def test_whose_power_has_ended_sees_nothing_of_what_came_after_it(site, clerk, colleague):
    """PDPA s.20, s.37: where a child is taken is told to whoever acts for it, and to nobody who once did."""
    known(site, "1999000010071", given_name_th="ปิติ", phone="010-000-0071")
    entrusted(clerk, colleague, CHILD)
    once = strong(site, "1999000010071")
    other, now = person(site, "1999000010071"), site.clock()
    with site.work.sessions.writing() as session:
        told = {"kind": "parent", "needed": "guardian_alone", "evidence": "house_register", "ends_by": "year"}
        told |= {"drawn_up_at": now - 2 * HOUR, "starts_at": now - 2 * HOUR, "ends_at": now + 24 * HOUR}
        link = Guardianship(ward_id=person(site, CHILD), guardian_id=other, **told)
        link.ended_at, link.end_reason = now - HOUR, "ended"
        session.add(link)
        session.flush()
        link_id = link.id
    mother = strong(site, claims=CLAIM)
    for_ward(mother, "ชูใจ")
    mother.send("consent-form", "allow", purpose="EHR-SHARE")

    page = once.get(f"/me/family/{link_id}")

    assert page.status == 200
    assert "ให้ความยินยอม" not in page.texts.get("acts", "")


def test_s20_for_whom_another_decides_decides_for_nobody(site, clerk):
    """Civil and Commercial Code s.1587: who is under a guardian's power by court order has none over others."""
    with site.work.sessions.writing() as session:
        told = {"kind": "guardian", "needed": "guardian_alone", "evidence": "court_order", "ends_by": "year"}
        times = {"drawn_up_at": site.clock(), "starts_at": site.clock(), "ends_at": site.clock() + 24 * HOUR}
        session.add(Guardianship(ward_id=person(site, PATIENT), guardian_id=uuid4(), **told, **times))

    page = written(clerk, CHILD)

    assert page.status == 400
    assert "ทำแทนผู้อื่นไม่ได้" in page.text
    assert len(rows(site)) == 1
