"""Four eyes at the counter: a colleague signs with their own passkey; recovery, an old card, a bedside; and papers."""

import pytest
from sqlalchemy import select

from idp import counter, papers, visits
from idp.abuse import staff
from idp.login import pin
from idp.recovery import Recovery
from tests.fakes import DAY, MINUTE, SECOND
from tests.idp.web.test_desk import DOCTOR, STRANGER, employ, enrolled, known
from tests.idp.web.test_desk_case import (
    PATIENT,
    PHONE,
    Issuer,
    account,
    begun,
    clerk,
    drawer,
    issuer,
    matched,
    phone_of,
    reached,
    token,
)

__all__ = ["Issuer", "clerk", "drawer", "issuer"]
EXPIRED = "3999000010043"


@pytest.fixture
def colleague(site, drawer):  # noqa: ARG001 -- everybody's card
    """The doctor of the same facility, with a passkey of her own."""
    return enrolled(site, employ(site, DOCTOR, ("practitioner", "99001"))[1])


def case_of(visitor):
    """The address of the open case."""
    return visitor.at.url.partition("?")[0]


def signs(desk, device):
    """A passkey at this desk's page."""
    return desk.passkey(device, "sign-in", case_of(desk) + "/passkey")


def other_number(desk):
    """The person has another phone than the account."""
    matched(desk)
    desk.send("phone-form", phone="010-000-0088")
    return desk.send("code-form", code=desk.newest_code())


def recoveries(site):
    with site.work.sessions.reading() as session:
        return session.scalars(select(Recovery)).all()


def test_two_members_of_staff_begin_a_recovery(site, clerk, colleague):
    """R8 at a counter: the number was proved in the hand, the colleague signed; the old phone is still the phone."""
    other_number(clerk)
    clerk.send("ask-form", "ask")

    assert signs(clerk, colleague.device)["status"] == 200
    clerk.get(case_of(clerk))
    page = clerk.send("recover-form", "recover")

    (begun_now,) = recoveries(site)
    assert begun_now.way == "counter"
    assert len({begun_now.approved_by, begun_now.second_by}) == 2
    assert phone_of(site, PATIENT) == PHONE
    assert "slip" in page.links


def test_a_phone_that_is_left_as_it_is_stays_the_phone_and_the_way_goes_on(site, clerk, colleague):
    """The number in the hand is forgotten: a recovery that is begun after that brings no new one."""
    other_number(clerk)

    page = clerk.send("keep-form")
    assert "recovery" not in page.texts
    assert "has-ways" in page.texts

    clerk.send("ask-form", "ask")
    signs(clerk, colleague.device)
    clerk.get(case_of(clerk))
    clerk.send("recover-form", "recover")

    assert [begun_now.new_phone for begun_now in recoveries(site)] == [None]


def first_number(desk):
    """A chip's account without a phone; the person has one in their hand."""
    matched(desk, STRANGER)
    desk.send("phone-form", phone="010-000-0077")
    return desk.send("code-form", code=desk.newest_code())


def test_the_first_number_of_an_account_is_bound_by_two(site, clerk, colleague):
    """Nobody could be told: the colleague sees the number's end, and the phone then answers for the passkey."""
    first_number(clerk)
    page = clerk.send("ask-form", "ask")
    assert "077" in page.texts["signs"]

    assert signs(clerk, colleague.device)["status"] == 200
    clerk.get(case_of(clerk))
    page = clerk.send("bind-form", "bind")

    assert phone_of(site, STRANGER) == "+66100000077"
    assert "hand-over-form" in page.forms
    assert clerk.send("hand-over-form", "hand-over").name == "desk_handover"


def test_a_number_that_the_colleague_did_not_see_is_not_bound(site, clerk, colleague):
    """What was signed for one number binds no other; alone, or for an account with a phone, nothing is bound."""
    first_number(clerk)
    clerk.send("ask-form", "ask")
    assert signs(clerk, clerk.device)["error"] == "same_person"
    signs(clerk, colleague.device)
    address, form = case_of(clerk), {"csrf": token(clerk)}
    site.clock.tick(MINUTE - SECOND)
    clerk.post(f"{address}/phone", form | {"phone": "010-000-0099"})
    clerk.post(f"{address}/code", form | {"code": clerk.newest_code()})

    assert clerk.post(f"{address}/bind", form).status == 403
    assert phone_of(site, STRANGER) == ""
    reached(clerk)
    assert clerk.post(f"{case_of(clerk)}/bind", {"csrf": token(clerk)}).status == 403


def test_the_first_passkey_of_somebody_without_a_phone_takes_two(clerk, colleague):
    """No phone on file, none that gets messages: the hand-over is signed for, once."""
    page = matched(clerk, STRANGER)
    page = clerk.send("no-phone-form", "no-phone")
    assert "by-two" in page.texts
    assert clerk.post(f"{case_of(clerk)}/hand-over", {"csrf": token(clerk)}).status == 403
    clerk.get(page.url)
    clerk.send("ask-form", "ask")
    signs(clerk, colleague.device)
    clerk.get(case_of(clerk))

    assert clerk.send("hand-over-form", "hand-over").name == "desk_handover"
    clerk.send("take-back-form")
    assert "by-two" in clerk.get(case_of(clerk)).texts


def test_whoever_wants_no_way_in_today_needs_no_colleague(clerk):
    """To be proved is one thing, to get in another."""
    first_number(clerk)

    page = clerk.send("later-form", "later")
    assert "by-two" in page.texts
    assert "slip" in clerk.send("later-form", "later").links


def test_what_two_saw_already_takes_no_third_signature(site, clerk, colleague):
    """A face at the bedside was signed for."""
    begun(clerk, STRANGER)
    clerk.send("ask-bedside-form", "ask-bedside")
    signs(clerk, colleague.device)
    clerk.get(case_of(clerk))
    clerk.send("bedside-form", "bedside")
    clerk.send("phone-form", phone="010-000-0077")
    clerk.send("code-form", code=clerk.newest_code())

    assert phone_of(site, STRANGER) == "+66100000077"


def test_nobody_signs_alone(site, clerk):
    """The same person's passkey is refused, and nothing begins."""
    other_number(clerk)
    clerk.send("ask-form", "ask")

    answer = signs(clerk, clerk.device)
    assert (answer["status"], answer["error"]) == (403, "same_person")
    assert recoveries(site) == []
    assert "recover-form" not in clerk.get(case_of(clerk)).forms


def test_nobody_signs_for_themselves(site, clerk):
    """The doctor is the patient: her colleague has to be found."""
    doctor = enrolled(site, employ(site, DOCTOR, ("practitioner", "99001"))[1])
    matched(clerk, DOCTOR)
    clerk.send("phone-form", phone="010-000-0088")
    clerk.send("code-form", code=clerk.newest_code())
    clerk.send("ask-form", "ask")

    answer = signs(clerk, doctor.device)

    assert (answer["status"], answer["error"]) == (403, "own_case")


def test_a_signature_is_for_one_act_and_five_minutes(site, clerk, colleague):
    """What was signed an hour ago, or for something else, opens nothing now."""
    other_number(clerk)
    clerk.send("ask-form", "ask")
    signs(clerk, colleague.device)
    address, form = case_of(clerk), {"csrf": token(clerk)}
    site.clock.tick(5 * MINUTE)

    assert clerk.post(f"{address}/recover", form).status in (403, 404)
    assert recoveries(site) == []


def test_a_card_that_has_run_out_takes_two_and_gives_little(site, clerk, colleague):
    """An old card is a paper: 90 days, IAL1.2 of its own; alone, the officer cannot press."""
    known(site, EXPIRED, attested_ial="1.1", phone="010-000-0043")
    clerk.drawer[EXPIRED] = str(list(site.registry.people).index(EXPIRED) + 1)
    page = begun(clerk, EXPIRED)
    assert "match-form" not in page.forms
    pushed = clerk.post(f"{page.url}/face", {"csrf": token(clerk), "face": "match"})
    assert pushed.status == 403
    clerk.get(page.url)

    clerk.send("ask-form", "ask")
    signs(clerk, colleague.device)
    clerk.get(page.url)
    clerk.send("match-form", "match")

    assert account(site, EXPIRED) == ("1.2", "document")


def test_a_face_that_a_colleague_saw_at_the_bedside(site, clerk, colleague):
    """The card is at the counter, the person in bed: whoever saw them signs."""
    page = begun(clerk)
    pushed = clerk.post(f"{page.url}/face", {"csrf": token(clerk), "face": "colleague"})
    assert pushed.status == 403
    clerk.get(page.url)
    clerk.send("ask-bedside-form", "ask-bedside")
    signs(clerk, colleague.device)
    clerk.get(page.url)

    clerk.send("bedside-form", "bedside")

    assert account(site) == ("2.2", "chip_status_face")


def test_a_lost_passkey_of_somebody_who_keeps_their_phone(site, clerk, colleague):
    """With ways in, the desk adds none beside them: a recovery by two, and the phone stays."""
    reached(clerk)
    with site.work.sessions.writing() as session:
        pin.set_pin(session, site.citizen, "482915", now=site.clock())
    page = clerk.get(case_of(clerk))
    assert "hand-over-form" not in page.forms
    assert clerk.post(f"{case_of(clerk)}/hand-over", {"csrf": token(clerk)}).name == "desk_case"

    clerk.send("ask-form", "ask")
    signs(clerk, colleague.device)
    clerk.get(case_of(clerk))
    clerk.send("recover-form", "recover")

    assert [one.new_phone for one in recoveries(site)] == [None]


PAPER = {
    "paper": "foreign_card",
    "number": "6-9990-00010-10-2",
    "given_name_th": "หล้า",
    "given_name_en": "La",
    "birth_year": "2528",
    "gender": "male",
}


def shown(clerk, **changes):
    """The officer types a paper."""
    clerk.get("/desk/papers")
    return clerk.send("paper-form", **(PAPER | changes))


def by_two(clerk, colleague):
    """A colleague signs for the paper that lies here, and then the officer says that the face matches."""
    clerk.send("ask-form", "ask")
    signs(clerk, colleague.device)
    clerk.get(case_of(clerk))
    return clerk.send("match-form", "match")


def test_a_person_without_a_thai_card_is_vouched_for(site, clerk, colleague):
    """R6: one name, a year of birth, no card: document, face and the facility's word give IAL2.1, and it is local."""
    page = shown(clerk)
    assert (page.status, page.name) == (200, "desk_case")
    by_two(clerk, colleague)

    assert account(site, "6999000010102") == ("2.1", "vouched")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"paper": "passport", "number": "mb 123-456", "country": "mmr"},
        {"paper": "hospital_number", "number": "HN-44-1212"},
        {"paper": "hospital_file"},
    ],
    ids=["foreign card", "passport", "hospital's own number", "hospital's file"],
)
def test_one_officer_alone_proves_nobody_by_a_paper_that_no_machine_read(site, clerk, changes):
    """R6: IAL2.1 from what anybody can type takes two; pushed past the page it is refused, and nobody is made."""
    page = shown(clerk, **changes)
    assert "match-form" not in page.forms

    assert clerk.post(f"{case_of(clerk)}/face", {"csrf": token(clerk), "face": "match"}).status == 403
    assert account(site, "6999000010102") is None
    with site.work.sessions.reading() as session:
        assert session.scalars(select(papers.IdentityPaper)).all() == []


def test_a_colleague_reads_what_their_signature_stands_for(clerk, colleague):  # noqa: ARG001 -- a second person
    """PAGES four-eyes: who asks, for whom, what was shown, and what comes of it."""
    shown(clerk, paper="passport", number="mb 123-456", country="mmr", expires_on="31/1/2571")
    clerk.send("ask-form", "ask")

    told = clerk.at.texts["signs"]
    assert all(word in told for word in ("หล้า", "หนังสือเดินทาง", "3456", "2.1"))


def test_a_colleague_reads_that_a_recovery_changes_the_phone(clerk, colleague):  # noqa: ARG001 -- a second person
    other_number(clerk)
    clerk.send("ask-form", "ask")

    assert "088" in clerk.at.texts["signs"]


def test_a_passport_opens_an_account_without_a_number(site, clerk, colleague):
    """Found again by country and number; a second counter finds the same account."""
    for _ in range(2):
        page = shown(clerk, paper="passport", number="mb 123-456", country="mmr", expires_on="2028-01-31")
        assert page.name == "desk_case", page.text
        by_two(clerk, colleague)
        clerk.send("close-form", "close")

    with site.work.sessions.reading() as session:
        ring = site.work.rings.at(site.clock())
        found = papers.find(session, ring, "passport", issuer="MMR", number="MB123456")
        assert (found.ial, found.ial_method) == ("2.1", "vouched")
        assert len(session.scalars(select(papers.IdentityPaper)).all()) == 1
        assert found.ial_expires_at.date().isoformat() == "2028-01-31"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"number": "3999000010035"}, "number"),
        ({"number": "6999000010103"}, "number"),
        ({"number": ""}, "number"),
        ({"given_name_th": "", "given_name_en": ""}, "given_name_th"),
        ({"birth_year": "2599"}, "birth_year"),
        ({"birth_month": "13"}, "birth_year"),
        ({"expires_on": "2020-01-01"}, "expires_on"),
        ({"paper": "passport", "number": "AB1234567", "country": "THA"}, "country"),
        ({"paper": "crown"}, "paper"),
        ({"number": "6100000010102"}, "number"),
    ],
)
def test_a_paper_that_cannot_be_is_said_by_field(clerk, changes, field):
    """Kind words at the field, and nothing begins."""
    page = shown(clerk, **changes)

    assert (page.status, page.name) == (400, "desk_paper")
    assert f"{field}-error" in page.texts or f'href="#{field}"' in page.html


def test_an_old_case_is_forgotten_with_all_that_hangs_on_it(site, clerk):
    """Nothing of a case outlives its day."""
    other_number(clerk)
    clerk.send("ask-form", "ask")
    site.clock.tick(DAY)

    with site.work.sessions.writing() as session:
        assert counter.purge(session, now=site.clock()) >= 2


def test_one_member_of_staff_sends_so_many_codes_an_hour(site, clerk, monkeypatch):
    """RELIABILITY 3: harassment of many phones by one desk ends; the page says who can go on."""
    monkeypatch.setitem(staff.MOST_AN_HOUR, "sms", 1)
    matched(clerk)
    clerk.send("phone-form", phone="010-000-0088")
    site.clock.tick(MINUTE / 2)

    page = clerk.send("phone-form", phone="010-000-0089")

    assert (page.status, page.name) == (429, "desk_case")
    assert "เพื่อนร่วมงาน" in page.text


def open_visits(site):
    with site.work.sessions.reading() as session:
        return session.scalars(select(visits.Visit)).all()


def through(clerk):
    """No phone, no passkey today: to the slip."""
    clerk.send("no-phone-form", "no-phone")
    return clerk.send("later-form", "later")


def test_a_person_of_a_passport_alone_gets_a_visit_and_is_found_in_the_list(site, clerk, colleague):
    """R6, CARE: somebody without any 13-digit number is treated like everybody else."""
    shown(clerk, paper="passport", number="mb 123-456", country="mmr")
    by_two(clerk, colleague)
    through(clerk)
    clerk.send("visit-form", "visit")

    [visit] = open_visits(site)
    assert visit.ial == "2.1"
    page = clerk.get(clerk.at.links["to-visit"])
    assert "MB123456" in page.html
    assert "xxx 456" in clerk.get("/desk").text


def test_one_reading_of_a_card_is_enough_for_the_proof_and_the_visit(site, clerk):
    """PAGES: the card goes in once; a second press finds the visit that is open."""
    reached(clerk)
    clerk.send("later-form", "later")
    assert "notice" in clerk.at.texts
    address = f"{case_of(clerk)}/visit"
    csrf = token(clerk)

    for _ in range(2):
        clerk.post(address, {"csrf": csrf})

    assert len(open_visits(site)) == 1
    assert "running" in clerk.at.texts


def test_a_card_that_has_run_out_opens_no_visit_by_the_proof_either(site, clerk, colleague):
    """What two people saw by eye is worth less than a chip: the visit's rule stays what it was."""
    known(site, EXPIRED, attested_ial="1.1", phone="010-000-0043")
    clerk.drawer[EXPIRED] = str(list(site.registry.people).index(EXPIRED) + 1)
    begun(clerk, EXPIRED)
    by_two(clerk, colleague)
    through(clerk)

    assert "visit-form" not in clerk.at.forms
    assert clerk.post(f"{case_of(clerk)}/visit", {"csrf": token(clerk)}).status == 403
    assert open_visits(site) == []


def test_a_case_whose_face_was_not_compared_opens_no_visit(site, clerk):
    begun(clerk)

    clerk.post(f"{case_of(clerk)}/visit", {"csrf": token(clerk)})

    assert open_visits(site) == []
