"""A helper of somebody without a phone, at a counter: a code, the helper's yes, the words, and two officers."""

import pytest
from sqlalchemy import select, update

from consent.family.models import Guardianship
from consent.models import ConsentRecord
from idp.directory.models import LegalEntity
from idp.people import Subject
from idp.subjects import find_by_national_id
from tests.fakes import HOUR
from tests.idp.web.test_desk import DOCTOR, employ, enrolled, known
from tests.idp.web.test_desk_case import PATIENT, Issuer, clerk, drawer, issuer, matched
from tests.idp.web.test_desk_reach import colleague
from tests.idp.web.test_family import KANYA, signed, written

__all__ = ["DOCTOR", "Issuer", "clerk", "colleague", "drawer", "employ", "enrolled", "issuer"]
DAUGHTER = "7999000010119"


@pytest.fixture(autouse=True)
def operator(site, drawer):  # noqa: ARG001 -- after everybody's card
    """Who runs this is registered; the daughter is known."""
    known(site, DAUGHTER, birth_date="1975-07-21", given_name_th="มานี", phone="010-000-0119")
    with site.work.sessions.writing() as session:
        contacts = {"controller_contact": "c@example.test", "dpo_contact": "dpo@example.test"}
        session.add(LegalEntity(name_th="ศูนย์ตัวอย่าง", name_en="Sample", kind="own_app", own_app=True, **contacts))


@pytest.fixture
def daughter(site):
    """Signed in on her own phone, and known well."""
    visitor = site.visitor()
    visitor.get("/me/helpers")
    visitor.sign_in(DAUGHTER)
    visitor.set_pin()
    raised(site, DAUGHTER)
    return visitor


def raised(site, number):
    with site.work.sessions.writing() as session:
        found = find_by_national_id(session, site.work.rings.at(site.clock()), number)
        session.execute(update(Subject).where(Subject.id == found.id).values(ial="2.1"))


def rows(site, model):
    with site.work.sessions.reading() as session:
        return session.scalars(select(model)).all()


def invited(clerk):
    """The code on the officer's page."""
    page = matched(clerk)
    clerk.get(page.links["helper"])
    page = clerk.send("helper-form", may="see", kinds="record", days="30")
    assert "helper-code" in page.texts, page.text[:400]
    return page.texts["helper-code"]


def accepted(clerk, daughter):
    """Her yes, and the officer's page after it."""
    code, here = invited(clerk), clerk.at.url
    daughter.get("/me/helpers/code")
    daughter.send("take-form", helper_code=code)
    daughter.send("accept-form", "allow")
    return clerk.get(here)


def test_two_officers_see_the_person_agree(site, clerk, colleague, daughter):
    """R7, C26 at a counter: the card and the officers stand for the sign-in; the record says who saw it."""
    page = accepted(clerk, daughter)
    assert "มานี" in page.texts["who"]
    clerk.send("ask-form", "ask")
    assert signed(clerk, colleague.device).status_code == 200
    page = clerk.send("confirm-form", "confirm")

    assert "done" in page.texts, page.text[:400]
    (link,) = rows(site, Guardianship)
    assert (link.kind, link.hcode) == ("helper", "99001")
    assert len({link.given_by, link.second_by, link.ward_id, link.guardian_id}) == 4
    (record,) = [one for one in rows(site, ConsentRecord) if one.purpose == "PROXY"]
    assert (record.channel, record.aal, record.guardianship_id) == ("counter", "", link.id)
    assert "mine-1" not in daughter.get("/me/helpers").attributes
    assert "theirs-1" in daughter.at.attributes


def test_the_person_ends_it_at_a_counter_too(site, clerk, colleague, daughter):
    """A no is as easy as anything: one officer, one button; nobody is left with a helper for want of a phone."""
    accepted(clerk, daughter)
    clerk.send("ask-form", "ask")
    signed(clerk, colleague.device)
    clerk.send("confirm-form", "confirm")
    page = clerk.get(clerk.at.url.partition("?")[0])
    assert "มานี" in page.texts["helpers"]

    page = clerk.send("end-1-form", "end-1")

    assert "helpers" not in page.texts
    (link,) = rows(site, Guardianship)
    assert link.ended_at == site.clock()
    assert "theirs-1" not in daughter.get("/me/helpers").attributes


def test_no_officer_does_it_alone(site, clerk, daughter):
    """Without a colleague's signature nothing begins, and one's own passkey is none."""
    accepted(clerk, daughter)
    notice = "0" * 64
    token = clerk.at.forms["ask-form"].fields[0][1]
    clerk.post(clerk.at.url + "/confirm", {"csrf": token, "notice": notice})
    clerk.send("ask-form", "ask")

    assert signed(clerk, clerk.device).status_code == 403
    assert rows(site, Guardianship) == []


def test_they_say_no(site, clerk, daughter):
    """It came to nothing, and the page begins anew."""
    accepted(clerk, daughter)

    page = clerk.send("refuse-form", "refuse")

    assert "helper-form" in page.forms
    assert rows(site, Guardianship) == []


def test_what_is_missing_is_said_at_the_counter_too(clerk, site):
    """What was ticked stays."""
    page = matched(clerk)
    clerk.get(page.links["helper"])

    page = clerk.send("helper-form", may="see")

    assert page.status == 422
    assert {"kinds-error", "days-error"} <= set(page.attributes)
    assert find_by_number(site, PATIENT)


def find_by_number(site, number):
    with site.work.sessions.reading() as session:
        return find_by_national_id(session, site.work.rings.at(site.clock()), number)


def test_a_courts_guardian_ends_chosen_helpers(site, clerk, colleague, daughter):  # noqa: ARG001 -- her account
    """Civil and Commercial Code s.826: entered by two officers, it ends what the person had entrusted."""
    known(site, KANYA, birth_date="1980-11-24", given_name_th="กัญญา", phone="010-000-0063")
    court = {"kind": "guardian", "paper": "court_order", "reference": "พ 1/2569", "order_until": "31/12/2570"}
    written(clerk, KANYA, **court)
    times = {"drawn_up_at": site.clock(), "starts_at": site.clock(), "ends_at": site.clock() + 24 * HOUR}
    told = {"kind": "helper", "needed": "self_alone", "evidence": "own_choice", "ends_by": "chosen", "may": "see"}
    two = {"ward_id": find_by_number(site, KANYA).id, "guardian_id": find_by_number(site, DAUGHTER).id}
    with site.work.sessions.writing() as session:
        session.add(Guardianship(**two, **told, **times, purposes="EHR-SHARE"))

    assert signed(clerk, colleague.device).status_code == 200
    page = clerk.send("confirm-form", "confirm")

    assert "done" in page.texts, page.text[:300]
    ended = {one.kind: one.ended_at for one in rows(site, Guardianship)}
    assert ended == {"helper": site.clock(), "guardian": None}
