"""A ward's pages: whose it is stands on each; what the guardianship does not cover, or no longer, is not found."""

import io
import json
import zipfile

import pytest
from sqlalchemy import select, update

from consent.audit import log
from consent.family.models import Guardianship
from consent.models import ConsentObjection, ConsentObjectionLift, ConsentWithdrawal
from consent.rights.models import RightsCase
from idp import alert_words, family, subjects, worker
from idp.assurance import Aal
from idp.contact import fake
from idp.family import Signature
from idp.subjects import Subject
from tests.fakes import DAY, MINUTE
from tests.idp.web.test_desk import known
from tests.idp.web.test_family import CHILD, CLAIM, TEEN, for_ward, person, records, rows, strong

WORDS = "วันเกิดไม่ถูกต้อง"
BORN = {CHILD: ("2018-03-14", "ชูใจ", "guardian_alone"), TEEN: ("2011-08-09", "ธนกร", "both")}


def entrusted(site, number):
    """Somebody's account with the citizen as their parent, as two officers have entered it."""
    born, name, needed = BORN[number]
    known(site, number, birth_date=born, given_name_th=name, phone="010-000-0021" if needed == "both" else "")
    now, told = site.clock(), {"evidence": "house_register", "ends_by": "year", "needed": needed}
    with site.work.sessions.writing() as session:
        ring = site.work.rings.at(now)
        ward = subjects.create(session, ring, number, site.registry.people[number], now=now)
        times = {"drawn_up_at": now, "starts_at": now, "ends_at": now + 300 * DAY}
        session.add(Guardianship(ward_id=ward.id, guardian_id=site.citizen, kind="parent", **told, **times))
        session.execute(update(Subject).values(ial="2.1"))


def agreed(site, name):
    """The mother, signed in, after her yes for this ward."""
    visitor = strong(site, claims=CLAIM)
    for_ward(visitor, name)
    visitor.send("consent-form", "allow", purpose="EHR-SHARE")
    visitor.home = f"/me/family/{rows(site)[0].id}"
    return visitor


@pytest.fixture
def mother(site):
    """Signed in, with the consent that she gave for her child of 8 (`mother.record`)."""
    entrusted(site, CHILD)
    visitor = agreed(site, "ชูใจ")
    visitor.record = next(one.id for one in records(site) if one.purpose == "EHR-SHARE")
    return visitor


@pytest.fixture
def mother_of_teen(site):
    """The same with her child of 15, and what both signed."""
    entrusted(site, TEEN)
    visitor, teen = agreed(site, "ธนกร"), person(site, TEEN)
    with site.work.sessions.writing() as session:
        (waits,) = family.inbox(session, teen, now=site.clock())
        ring, by = site.work.rings.at(site.clock()), Signature(teen, Aal.AAL2_1)
        visitor.record = family.cosign(session, ring, waits.id, by=by, now=site.clock()).id
    return visitor


@pytest.fixture
def two(site, mother_of_teen):
    """Both of them, signed in."""
    teen = site.visitor()
    teen.get("/me/family")
    teen.sign_in(TEEN)
    teen.set_pin()
    teen.home = mother_of_teen.home
    return mother_of_teen, teen


def kept(site, model):
    with site.work.sessions.reading() as session:
        return list(session.scalars(select(model)))


def told(site, kind):
    worker.run_once(site.work)
    with site.work.sessions.reading() as session:
        return [one.to_masked for one in fake.inbox(session) if alert_words.WORDS[kind][0] in one.text]


def asked(visitor, kind, **fields):
    """A request by its form; the page that comes then."""
    visitor.get(f"{visitor.home}/rights/new/{kind}")
    return visitor.send("rights-form", "send", **fields)


def refused(visitor, level="facility", **fields):
    """A refusal in general by its form."""
    visitor.get(f"{visitor.home}/refusals/new/{level}" + ("?q=99001" if level == "facility" else ""))
    return visitor.send("refusal-form", "refuse", **fields)


# --- under ten: the guardian alone ------------------------------------------------------------------------------------


def test_s20_every_page_of_a_ward_says_for_whom(mother):
    """PDPA s.20: the session is the mother's, the page is the child's, and no page leaves that open."""
    pages = [
        mother.get(mother.home + path)
        for path in (
            "/access",
            "/refusals",
            "/refusals/new/topic",
            "/rights",
            "/rights/new/rectification",
            f"/withdraw/{mother.record}",
        )
    ]

    assert [page.status for page in pages] == [200] * len(pages), [page.url for page in pages if page.status != 200]
    assert all("ชูใจ" in page.texts["for-whom"] for page in pages)
    assert all("<h1>" in page.html and page.html.count("<h1") == 1 for page in pages)


def test_s30_a_guardian_sees_who_did_what_for_a_child_under_ten(mother):
    """PDPA s.20, s.30: all of the child's list, and not the mother's own."""
    page = mother.get(mother.home + "/access")

    assert page.name == "ward_access"
    assert "ให้ความยินยอม" in page.texts["entries"]
    assert "โดยผู้ที่ทำแทน ชูใจ" in page.texts["entries"]
    assert "เข้าสู่ระบบสำเร็จ" not in page.texts["entries"]
    assert "ความยินยอมโดยชัดแจ้งเกี่ยวกับข้อมูลของ ชูใจ" in page.texts["entries"]
    assert "ความยินยอมโดยชัดแจ้งของคุณ" not in page.text
    assert f"{mother.home}/withdraw/{mother.record}" in page.html
    assert "/me/consents/" not in page.html


def test_s30_a_guardian_asks_in_the_name_of_a_child_and_it_says_who_asked(site, mother):
    """PDPA s.20, s.30-36: the case is the child's, by the mother; its words are sealed under the child's key."""
    page = asked(mother, "rectification", words=WORDS)

    assert page.name == "ward_case", page.text[:300]
    assert WORDS in page.texts["words"]
    (case,) = kept(site, RightsCase)
    assert (case.subject_id, case.actor_id) == (person(site, CHILD), site.citizen)
    assert WORDS.encode() not in case.words
    assert str(case.id) in mother.get(mother.home + "/rights").html
    assert str(case.id) not in mother.get("/me/rights").html  # not among her own
    assert mother.get(f"/me/rights/{case.id}").status == 404


def test_s30_each_right_of_a_child_has_its_form_for_the_guardian(site, mother):
    """PDPA s.30-36, s.73 in the name of the child."""
    kinds = ["access", "objection", "complaint", "not_right", "restriction"]
    form = mother.get(f"{mother.home}/rights/new/complaint")
    assert "เฉพาะเจ้าหน้าที่" not in form.text  # the child reads it, too, from 10 on
    assert "และ ชูใจ" in form.texts["words-hint"]

    assert [asked(mother, kind, words=WORDS).name for kind in kinds] == ["ward_case"] * len(kinds)

    assert sorted(one.kind for one in kept(site, RightsCase)) == sorted(kinds)


def test_s30_what_is_missing_is_said_and_what_was_typed_is_kept(site, mother):
    """PAGES: errors are kept with what was typed; the longest request is refused in words."""
    page = asked(mother, "complaint", words="")
    assert (page.status, page.name) == (400, "ward_ask")
    assert 'href="#words"' in page.html

    page = asked(mother, "complaint", words="ก" * 2001)

    assert page.status == 400
    assert "ก" * 2001 in page.html
    assert kept(site, RightsCase) == []


def test_s30_a_guardian_takes_a_request_back(site, mother):
    """No answer is needed any more; a second tap changes nothing."""
    asked(mother, "complaint", words=WORDS)
    page = mother.send("take-back-form", "take-back")

    assert page.name == "ward_case"
    assert [one.state for one in kept(site, RightsCase)] == ["taken_back"]
    assert "take-back-form" not in page.forms


def test_s30_a_copy_for_a_child_is_the_childs_and_everybody_who_decides_is_told(site, mother):
    """PDPA s.30: by the guardian alone under ten; whoever has the mother's phone cannot do it silently."""
    page = mother.get(mother.home + "/rights")
    form = page.forms["copy-form"]
    answer = mother.client.post(form.action, data=dict(form.fields))

    assert answer.status_code == 200, answer.text[:200]
    document = json.loads(answer.data)
    assert document["person"]["given_name_th"] == "ชูใจ"
    assert document["held"]["consent_record"][0]["purpose"] == "EHR-SHARE"
    assert site.citizen.hex not in answer.text.replace("-", "")
    assert len(told(site, "ward_copy")) == 1
    site.clock.tick(15 * MINUTE)
    assert mother.get(mother.home + "/rights").name == "ward_rights"  # signed in, and not just now
    assert mother.client.post(form.action, data=dict(form.fields)).status_code == 303


def test_s73_a_guardian_gets_the_papers_for_a_complaint_in_the_childs_name(mother):
    """PDPA s.73, s.20: the form names the child, and who acts; only about a request of her own."""
    asked(mother, "complaint", words=WORDS)
    form = mother.at.forms["papers-form"]
    answer = mother.client.post(form.action, data=dict(form.fields))

    assert answer.status_code == 200
    with zipfile.ZipFile(io.BytesIO(answer.data)) as pack:
        text = pack.read("complaint.txt").decode()
    assert "ชูใจ" in text
    assert "ยื่นแทนโดย" in text
    assert WORDS in text


def test_s33_an_erasure_for_a_child_needs_two_factors_just_now_a_tick_and_is_told(site, mother):
    """PDPA s.20, s.33: it cannot be undone, so it waits a week, and each who decides can stop it."""
    page = asked(mother, "erasure")
    assert (page.status, page.name) == (400, "ward_ask")

    page = asked(mother, "erasure", sure="yes")

    assert page.name == "ward_case"
    assert len(told(site, "ward_erasure")) == 1
    assert mother.send("take-back-form", "take-back").name == "ward_case"
    site.clock.tick(15 * MINUTE)
    assert mother.get(mother.home + "/rights").name == "ward_rights"
    assert mother.get(mother.home + "/rights/new/erasure").name != "ward_ask"  # signed in, and not just now


def test_s20_a_guardian_refuses_in_general_and_lifts_it(site, mother):
    """PDPA s.20: a no in the child's name holds against what was agreed, and says who made it."""
    page = refused(mother, place="99001")

    assert page.name == "ward_refusals"
    assert "คุณเป็นผู้ห้าม" in page.texts["refusal-1"]
    assert f"{mother.home}/withdraw/{mother.record}" in page.html  # the consent that it beats
    (row,) = kept(site, ConsentObjection)
    assert (row.subject_id, row.actor_id, row.level) == (person(site, CHILD), site.citizen, "facility")
    assert "refusal-1" not in mother.get("/me/refusals").texts  # not among her own
    assert "ตั้งข้อห้าม" in mother.get(mother.home).texts["acts"]

    mother.get(mother.home + "/refusals")
    page = mother.send("lift-form-1", "lift-1")

    assert "lift-form-1" not in page.forms
    assert [one.actor_id for one in kept(site, ConsentObjectionLift)] == [site.citizen]


def test_s20_a_refusal_keeps_what_was_typed_and_names_the_field(site, mother):
    """PAGES, for the child's form as for one's own."""
    page = refused(mother, "period", from_day="31/2/2566")

    assert (page.status, page.name) == (422, "ward_refusal_new")
    assert 'value="31/2/2566"' in page.html
    assert "ชูใจ" in page.texts["for-whom"]
    assert kept(site, ConsentObjection) == []


def test_s19_taking_back_for_a_child_says_what_ends_and_who_is_told_and_can_be_undone(site, mother):
    """PDPA s.19, s.20: two taps; then the told list; a slip is a new consent by the same mother."""
    page = mother.get(f"{mother.home}/withdraw/{mother.record}")
    assert "โรงพยาบาลตัวอย่าง" in page.texts["what"]
    assert "means" in page.texts
    assert "คุณ ในนามของ ชูใจ" in page.texts["agreed-by"]
    assert "ถ้อยคำ" in page.texts["for-whom"]  # only there “you” is the child

    page = mother.send("withdraw-form", "confirm", reason="by_mistake")

    assert page.name == "ward_withdrawn"
    (ended,) = kept(site, ConsentWithdrawal)
    assert (ended.record_id, ended.actor_id, ended.reason) == (mother.record, site.citizen, "by_mistake")
    here = page
    page = mother.send("undo-form", "undo")
    assert page.url.startswith(mother.home)
    assert "done" in page.texts
    again = records(site)[-1]
    assert (again.actor_id, again.capacity, again.purpose) == (site.citizen, "parent", "EHR-SHARE")
    assert again.id != mother.record
    mother.at = here
    assert mother.send("undo-form", "undo").name == "me_family_link"  # a second tap: what stands
    assert records(site)[-1].id == again.id


def test_s19_after_a_minute_there_is_no_way_back(site, mother):
    """The button goes, and the request without it is refused."""
    mother.get(f"{mother.home}/withdraw/{mother.record}")
    page = mother.send("withdraw-form", "confirm")
    site.clock.tick(2 * MINUTE)

    assert mother.send("undo-form", "undo").status == 409
    assert "undo-form" not in mother.get(page.url).forms
    assert "ให้ที่นี่ดูประวัติจากที่อื่น" in mother.get(mother.home).texts["past"]


# --- from ten on: both see it ----------------------------------------------------------------------------------------


def test_s20_a_young_person_sees_what_was_done_in_their_name_and_stops_it(site, two):
    """PDPA s.20: a parent's no and request count at once; the young person is told, reads them, and stops them."""
    mother, teen = two
    assert refused(mother, place="99001").name == "ward_refusals"
    assert asked(mother, "complaint", words=WORDS).name == "ward_case"
    (case,) = kept(site, RightsCase)
    assert len(told(site, "ward_acted")) == 2

    page = teen.get(teen.home)
    assert {"asked", "refused"} <= set(page.texts)
    page = teen.get(f"/me/rights/{case.id}")
    assert WORDS in page.texts["words"]
    teen.send("take-back-form", "take-back")
    teen.get("/me/refusals")
    teen.send("lift-form-1", "lift-1")

    assert [one.state for one in kept(site, RightsCase)] == ["taken_back"]
    assert [one.actor_id for one in kept(site, ConsentObjectionLift)] == [person(site, TEEN)]


def test_s20_what_shows_or_destroys_the_data_is_the_young_persons_alone(two):
    """PDPA s.20: a strictly personal right; the parent's pages do not have it, and their addresses are not found."""
    mother, teen = two
    page = mother.get(mother.home + "/rights")
    assert "alone" in page.texts
    assert "copy-form" not in page.forms
    for path in ("access", "portability", "erasure"):
        assert mother.get(f"{mother.home}/rights/new/{path}").status == 404
    csrf = mother.get(mother.home + "/rights").forms["preferences"].fields[0][1]
    assert mother.post(f"{mother.home}/rights/copy", {"csrf": csrf}).status == 404
    for level in ("person", "visit"):
        assert mother.get(f"{mother.home}/refusals/new/{level}").status == 404

    assert teen.get("/me/rights/new/access").name == "rights_ask"


def test_s20_a_parent_sees_of_a_young_person_only_what_both_signed(site, two):
    """PDPA s.20, s.37: their sign-ins, their own requests and their own refusals are theirs alone."""
    mother, teen = two
    teen.get("/me/refusals/new/topic")
    teen.send("refusal-form", "refuse", topic="mental")
    teen.get("/me/rights/new/complaint")
    teen.send("rights-form", words=WORDS)
    (case,), (refusal,) = kept(site, RightsCase), kept(site, ConsentObjection)

    page = mother.get(mother.home + "/access")
    assert "ให้ความยินยอม" in page.texts["entries"]
    for own in ("เข้าสู่ระบบสำเร็จ", "ตั้งข้อห้าม", "ตั้งรหัส PIN"):
        assert own not in page.texts["entries"], own
    assert "refusal-1" not in mother.get(mother.home + "/refusals").texts
    csrf = mother.at.forms["preferences"].fields[0][1]
    assert mother.post(f"{mother.home}/refusals/{refusal.id}/lift", {"csrf": csrf}).status == 404
    assert str(case.id) not in mother.get(mother.home + "/rights").html
    assert mother.get(f"{mother.home}/rights/{case.id}").status == 404
    for act in ("take-back", "papers"):
        assert mother.post(f"{mother.home}/rights/{case.id}/{act}", {"csrf": csrf}).status == 404
    assert kept(site, ConsentObjectionLift) == []
    assert [one.state for one in kept(site, RightsCase)] == ["open"]


def test_s30_a_line_of_a_young_persons_own_is_not_found_by_a_parent(site, two):
    """An id that the mother got hold of leads to no line of her child's sign-ins."""
    mother, _teen = two
    with site.work.sessions.reading() as session:
        own = next(one for one in log.of_subject(session, person(site, TEEN)) if one.event == "signin.done")

    assert mother.get(f"{mother.home}/rights/new/not_right?entry={own.id}").status == 404


def test_a_wards_pages_ask_for_the_level_for_names(site, mother):
    """Catalogue rule 4: whose own identity has run out proves it again before they read about a child."""
    with site.work.sessions.writing() as session:
        session.execute(update(Subject).where(Subject.id == site.citizen).values(ial="1.1"))

    assert mother.get(mother.home + "/access").name != "ward_access"
    assert mother.get(mother.home + "/rights").name != "ward_rights"


def test_s20_the_same_request_of_both_is_two_requests(site, two):
    """Neither reads the other's words, and neither uses up what the other may ask."""
    mother, teen = two
    asked(mother, "complaint", words="คำของแม่")
    teen.get("/me/rights/new/complaint")
    teen.send("rights-form", words="คำของฉัน")

    mothers, teens = sorted(kept(site, RightsCase), key=lambda one: one.actor_id is None)

    assert (mothers.actor_id, teens.actor_id) == (site.citizen, None)
    assert "คำของฉัน" not in mother.get(f"{mother.home}/rights/{mothers.id}").html
    assert mother.get(f"{mother.home}/rights/{teens.id}").status == 404


def test_s20_what_two_signed_one_does_not_sign_anew(site, mother_of_teen):
    """PDPA s.19, s.20: a no of either counts at once; the way back takes both, so there is no button."""
    mother = mother_of_teen
    mother.get(f"{mother.home}/withdraw/{mother.record}")
    page = mother.send("withdraw-form", "confirm")

    assert page.name == "ward_withdrawn"
    assert "undo-form" not in page.forms
    assert "both-again" in page.attributes
    csrf = page.forms["preferences"].fields[0][1]
    assert mother.post(f"{mother.home}/withdraw/{mother.record}/undo", {"csrf": csrf}).status == 409
    assert len(told(site, "ward_acted")) == 1


# --- the end ---------------------------------------------------------------------------------------------------------


PAGES = ("/access", "/refusals", "/refusals/new/topic", "/rights", "/rights/new/complaint", "/withdraw/{record}")


def test_s20_ended_means_nothing_is_found_any_more(site, mother):
    """PDPA s.20, s.37: page and act alike, also the case that she opened herself; the case stays the child's."""
    asked(mother, "complaint", words=WORDS)
    (case,) = kept(site, RightsCase)
    mother.get(mother.home)
    mother.send("end-form", "end")
    csrf = mother.at.forms["preferences"].fields[0][1]

    for path in (*PAGES, f"/rights/{case.id}", "/withdraw/{record}/done"):
        assert mother.get(mother.home + path.format(record=mother.record)).status == 404, path
    for path in ("/refusals/new/topic", "/rights/new/complaint", f"/rights/{case.id}/take-back", "/rights/copy"):
        assert mother.post(mother.home + path, {"csrf": csrf, "words": "x", "topic": "mental"}).status == 404, path
    assert kept(site, ConsentObjection) == []
    assert [one.state for one in kept(site, RightsCase)] == ["open"]


def test_s20_another_ones_ward_is_nobodys(site, mother):
    """The ward themselves, and a stranger, find nothing at the guardian's address."""
    known(site, "1999000010071", given_name_th="ปิติ", phone="010-000-0071")
    stranger = strong(site, "1999000010071")

    for path in PAGES:
        assert stranger.get(mother.home + path.format(record=mother.record)).status == 404, path


def test_s20_a_line_or_consent_of_somebody_else_is_not_found(site, mother):
    """An id of the mother's own consent under the child's address leads nowhere."""
    own = next(one.id for one in records(site) if one.subject_id == site.citizen)

    assert mother.get(f"{mother.home}/withdraw/{own}").status == 404
    assert mother.get(f"{mother.home}/rights/new/not_right?record={own}").status == 404
    assert mother.get(f"{mother.home}/rights/new/not_right?entry={own}").status == 404
    csrf = mother.get(mother.home).forms["preferences"].fields[0][1]
    assert mother.post(f"{mother.home}/withdraw/{own}", {"csrf": csrf}).status == 404
    assert kept(site, ConsentWithdrawal) == []


def test_s20_what_a_parent_wrote_is_not_said_to_be_the_young_persons_own(site, two):
    """PDPA s.20: who reads a request in their name reads who wrote it, and that they may stop it."""
    mother, teen = two
    asked(mother, "complaint", words=WORDS)
    (case,) = kept(site, RightsCase)

    page = teen.get(f"/me/rights/{case.id}")

    assert WORDS in page.texts["words"]
    assert "สิ่งที่คุณเขียน" not in page.text
    assert page.texts["take-back"] == "หยุดคำขอนี้"
