"""Four eyes at the counter: a colleague signs with their own passkey; recovery, an old card, a bedside; and papers."""

import pytest
from sqlalchemy import select

from idp import counter, papers
from idp.login import pin
from idp.recovery import Recovery
from tests.fakes import DAY, MINUTE
from tests.idp.web.test_desk import DOCTOR, employ, enrolled, known
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


def test_a_person_without_a_thai_card_is_vouched_for(site, clerk):
    """R6: one name, a year of birth, no card: document, face and the facility's word give IAL2.1, and it is local."""
    page = shown(clerk)
    assert (page.status, page.name) == (200, "desk_case")
    clerk.send("match-form", "match")

    assert account(site, "6999000010102") == ("2.1", "vouched")


def test_a_passport_opens_an_account_without_a_number(site, clerk):
    """Found again by country and number; a second counter finds the same account."""
    for _ in range(2):
        page = shown(clerk, paper="passport", number="mb 123-456", country="mmr", expires_on="2028-01-31")
        assert page.name == "desk_case", page.text
        clerk.send("match-form", "match")
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
