"""A member of staff who means harm at the counter: out of order, alone, with somebody else's account, after the end."""

import pytest
from sqlalchemy import update

from idp import subjects
from idp.directory import StaffAssignment
from idp.login import factors, pin
from idp.login import sessions as sign_ins
from idp.national_id import BANGKOK
from tests.fakes import SECOND
from tests.idp.web.stage import person
from tests.idp.web.test_desk import CHILD, DOCTOR, STRANGER, employ, enrolled, known, opened
from tests.idp.web.test_desk_case import (
    PATIENT,
    Issuer,
    account,
    begun,
    clerk,
    drawer,
    handed,
    issuer,
    matched,
    on_the_phone,
    phone_of,
    reached,
    token,
)
from tests.idp.web.test_desk_reach import EXPIRED, case_of, colleague, other_number, recoveries, shown, signs

__all__ = ["Issuer", "clerk", "colleague", "drawer", "issuer"]
MINE = "010-000-0099"


def push(desk, address, **fields):
    """A form that no page offers."""
    return desk.post(address, {"csrf": token(desk), **fields})


def by_file(clerk, colleague, number):
    """A typed number and the hospital's file; two members of staff say that the face matches."""
    shown(clerk, paper="hospital_file", number=number)
    clerk.send("ask-form", "ask")
    signs(clerk, colleague.device)
    clerk.get(case_of(clerk))
    return clerk.send("match-form", "match")


@pytest.mark.parametrize("says", ["mismatch", "incomplete"])
def test_a_card_that_its_issuer_refuses_proves_nobody_whatever_is_posted(site, clerk, issuer, says):
    """A lost card, pushed past the page that stops: no level, no slip, no recovery."""
    issuer.says = says
    address = begun(clerk).url

    pushed = push(clerk, f"{address}/face", face="match")

    assert pushed.status == 403
    assert account(site) == ("1.3", "registry")
    assert "stopped" in clerk.get(address).texts


def test_an_account_that_has_a_phone_takes_no_passkey_without_it(clerk):
    """“No phone with them”: whoever lives at the number signs in by it; another way in is a recovery by two."""
    matched(clerk)
    page = clerk.send("no-phone-form", "no-phone")

    assert "hand-over-form" not in page.forms
    assert push(clerk, f"{case_of(clerk)}/hand-over").name == "desk_case"
    assert "ask-form" in clerk.get(case_of(clerk)).forms


def test_a_typed_number_of_somebody_with_an_account_gives_no_way_in(clerk, colleague):
    """The hospital's file, typed without any card: no passkey beside the phone of somebody who is not here."""
    matched(clerk)
    clerk.send("close-form", "close")
    by_file(clerk, colleague, PATIENT)
    clerk.send("no-phone-form", "no-phone")

    assert push(clerk, f"{case_of(clerk)}/hand-over").name == "desk_case"


def test_a_paper_binds_no_way_in_to_an_account_that_a_chip_proved(site, clerk, colleague):
    """A level that was shown better than now is not handed to a phone by a paper that somebody typed."""
    matched(clerk, STRANGER)
    clerk.send("close-form", "close")
    assert account(site, STRANGER)[0] == "2.2"
    by_file(clerk, colleague, STRANGER)
    clerk.send("phone-form", phone=MINE)
    clerk.send("code-form", code=clerk.newest_code())

    assert phone_of(site, STRANGER) == ""
    clerk.get(case_of(clerk))
    clerk.send("keep-form", "keep")
    assert "hand-over-form" not in clerk.at.forms
    assert push(clerk, f"{case_of(clerk)}/hand-over").name == "desk_case"


def test_another_face_on_an_old_card_is_kept(site, clerk):
    """“It is somebody else” needs no colleague, whatever card it is."""
    known(site, EXPIRED, attested_ial="1.1", phone="010-000-0043")
    clerk.drawer[EXPIRED] = str(list(site.registry.people).index(EXPIRED) + 1)
    begun(clerk, EXPIRED)

    page = clerk.send("no-match-form", "no-match")

    assert (page.status, "stopped" in page.texts) == (200, True)


def test_a_colleague_signs_for_the_number_that_they_saw(site, clerk, colleague):
    """Signed before the number was proved: another number, or none, is not what the colleague stood for."""
    matched(clerk)
    address = case_of(clerk)
    push(clerk, f"{address}/ask", act="recovery")
    signs(clerk, colleague.device)
    clerk.get(address)
    site.clock.tick(SECOND)
    clerk.send("phone-form", phone=MINE)
    clerk.send("code-form", code=clerk.newest_code())

    assert push(clerk, f"{address}/recover").status == 403
    assert recoveries(site) == []


def test_the_clerks_own_number_is_nobody_elses(site, clerk):
    """A member of staff does not bind their own phone to somebody else's account."""
    matched(clerk, STRANGER)
    page = clerk.send("phone-form", phone="010-000-0035")

    assert page.status == 400
    assert phone_of(site, STRANGER) == ""


def test_a_thai_number_without_its_card_takes_two(site, clerk):
    """Anybody can type a number: the hospital's file of a Thai person is looked at by a second member of staff."""
    page = shown(clerk, paper="hospital_file", number=STRANGER)

    assert ("match-form" in page.forms, "no-card" in page.texts) == (False, True)
    assert push(clerk, f"{page.url}/face", face="match").status == 403
    assert account(site, STRANGER) is None


def test_whoever_watches_does_not_act(site, drawer):  # noqa: ARG001 -- cards
    """An auditor or administrator who is put at a facility works no desk there."""
    visitor = enrolled(site, employ(site, DOCTOR, ("auditor", "99001"))[1])

    assert visitor.get("/desk").status == 403


@pytest.mark.parametrize("what", ["cases", "cards"])
def test_a_page_that_is_gone_says_what_to_do_next(clerk, what):
    """Wiped, closed, never there, or another's: one page, in the counter's own words, and back to the counter."""
    page = clerk.get(f"/desk/{what}/01a2024e-1cc9-7000-960b-2c81e73eac7a")

    assert (page.status, page.links["to-desk"]) == (404, "/desk")
    assert page.texts["error-code"] == "desk_gone"
    assert "ใส่บัตรในเครื่องอ่านอีกครั้ง" in page.texts["error-next"]


def test_whoever_begins_a_recovery_takes_its_day_home(site, clerk, colleague):
    """R8: from when on, on the page and on the slip; and the colleague sees which number they sign for."""
    other_number(clerk)
    assert "088" in clerk.at.texts["recovery"]
    clerk.send("ask-form", "ask")
    assert signs(clerk, colleague.device)["status"] == 200
    clerk.get(case_of(clerk))
    page = clerk.send("recover-form", "recover")

    (begun_now,) = recoveries(site)
    day = begun_now.takes_effect_at.astimezone(BANGKOK).strftime("%H:%M")
    assert day in page.texts["begun"]
    assert day in clerk.get(page.links["slip"]).text


@pytest.mark.parametrize("where", ["papers", "visit"])
def test_every_page_with_a_person_on_it_is_cleared_when_nobody_is_there(clerk, where):
    """PAGES: idle 60 s, also half a typed paper and an open visit."""
    page = clerk.get("/desk/papers") if where == "papers" else opened(clerk)

    assert 'data-idle-s="60"' in page.html


def test_nobody_under_20_gets_a_way_in_by_a_recovery_either(site, clerk, colleague):
    """Two members of staff together set up nothing for a child."""
    matched(clerk, CHILD)
    push(clerk, f"{case_of(clerk)}/ask", act="recovery")
    signs(clerk, colleague.device)
    clerk.get(case_of(clerk))

    assert push(clerk, f"{case_of(clerk)}/recover").status == 403
    assert recoveries(site) == []


def test_a_passkey_that_was_put_off_takes_its_code_along(site, clerk):
    """“Not today”, pushed while a code is out: nobody's phone goes on with it."""
    reached(clerk)
    address = handed(clerk)
    push(clerk, f"{clerk.at.url.removesuffix('/hand-over')}/skip", step="passkey", result="later")

    assert on_the_phone(site, address).at.status == 410


def test_a_signature_of_somebody_who_left_does_not_count(site, clerk, colleague):
    """A colleague whose role has ended still has the passkey."""
    other_number(clerk)
    clerk.send("ask-form", "ask")
    with site.work.sessions.writing() as session:
        ring = site.work.rings.at(site.clock())
        left = subjects.find_by_national_id(session, ring, DOCTOR).id
        ended = {"starts_at": site.clock() - SECOND, "ends_at": site.clock()}
        session.execute(update(StaffAssignment).where(StaffAssignment.subject_id == left).values(**ended))

    answer = signs(clerk, colleague.device)

    assert (answer["status"], answer["error"]) == (403, "not_here")


def test_after_the_bedside_was_signed_enter_says_the_bedside(clerk, colleague):
    """The clerk has not seen the face: Enter must not say that they did."""
    begun(clerk)
    clerk.send("ask-bedside-form", "ask-bedside")
    signs(clerk, colleague.device)
    page = clerk.get(case_of(clerk))

    assert [name for name, facts in page.attributes.items() if "autofocus" in facts] == ["bedside"]


def test_an_account_that_somebody_only_typed_is_handed_back_to_whoever_stands_there(site, clerk, colleague):
    """A phone and a picture of the card open an account; what they set up must not be lifted with the level."""
    typed = person(attested_ial="1.1", phone="010-000-0077")
    with site.work.sessions.writing() as session:
        ring = site.work.rings.at(site.clock())
        found = subjects.create(session, ring, STRANGER, typed, now=site.clock())
        found.ial_method = "phone"
        pin.set_pin(session, found.id, "493027", now=site.clock())
        settings = site.work.settings
        thief = sign_ins.start(
            session,
            subject_id=found.id,
            kind="citizen",
            factors={"sms"},
            device="?",
            settings=settings,
            now=site.clock(),
        )
    matched(clerk, STRANGER)

    assert (account(site, STRANGER)[0], phone_of(site, STRANGER)) == ("2.2", "")
    with site.work.sessions.reading() as session:
        assert sign_ins.find(session, thief, settings=settings, now=site.clock()) is None
        owner = subjects.find_by_national_id(session, site.work.rings.at(site.clock()), STRANGER)
        assert factors.available(session, owner.id) == frozenset()
    clerk.send("phone-form", phone="010-000-0088")
    clerk.send("code-form", code=clerk.newest_code())
    clerk.send("ask-form", "ask")
    signs(clerk, colleague.device)
    clerk.get(case_of(clerk))
    clerk.send("bind-form", "bind")
    assert phone_of(site, STRANGER) == "+66100000088"
