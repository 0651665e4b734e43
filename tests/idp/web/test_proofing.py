from dataclasses import replace

import pytest
from sqlalchemy import select

from idp import provisional, subjects, worker
from idp.assurance import Ial
from idp.login import sessions as sign_ins
from idp.ports import CardStatusUnavailable, RegistryUnavailable
from idp.proofing import card_data, cases
from idp.proofing.models import Case
from idp.proofing.sources.fake import SandboxRegistry
from idp.proofing.sources.fake_card_status import SandboxCardStatus
from idp.subjects import Subject
from tests.fakes import DAY, HOUR, MINUTE
from tests.idp.web.stage import RECORDS
from tests.idp.web.test_register import MANEE, TYPED, arrived

PEOPLE = SandboxRegistry().people
FORM = {
    "given_name": "มานี",
    "family_name": "ทดสอบสุข",
    "day": "29",
    "month": "2",
    "year": "2531",
    "laser": "zz0-0000000-01",
    "act": "check",
}
WRONG = {"laser": "ZZ0000000004"}


class Issuer(SandboxCardStatus):
    """The sandbox's issuer, which remembers what it was asked and can be told not to answer."""

    def __init__(self, registry):
        super().__init__(registry, wait_s=0)
        self.asked, self.down = [], False

    def by_laser(self, **facts):
        """The sandbox's answer, or none."""
        self.asked.append(facts)
        if self.down:
            raise CardStatusUnavailable("timeout")
        return super().by_laser(**facts)


@pytest.fixture
def issuer(site):
    """Wired into the pages; the authority has no phone of Manee's."""
    site.registry.people[MANEE] = replace(PEOPLE[MANEE], phone="", attested_ial="1.1")
    made = Issuer(site.registry)
    house = site.app.extensions["yinyom"]
    site.app.extensions["yinyom"] = replace(house, ports=replace(house.ports, card_status=made))
    return made


@pytest.fixture
def manee(site, issuer):
    """With a provisional account, at a page of ours that needs IAL1.3."""
    came = site.visitor()
    arrived(site, visitor=came)
    came.get("/sign-in?next=/me&ial=1.3")
    assert (came.at.name, issuer.asked) == ("proofing", [])
    return came


def at_card(came):
    came.get(came.at.links["by-card"])
    assert came.at.name == "proofing_card"
    return came


def check(came, **changed):
    return came.send("card-form", **{**FORM, **changed})


def account(site):
    with site.work.sessions.reading() as session:
        return subjects.find_by_national_id(session, site.work.rings.at(site.clock()), MANEE)


def test_a_good_card_proves_the_account_and_the_way_goes_on(site, issuer, manee):
    """R2: IAL1.3, the number is theirs, and what the authority holds comes in."""
    check(at_card(manee))

    found = account(site)
    assert manee.at.name == "me"
    assert (found.ial, found.ial_method) == ("1.3", "card_data")
    with site.work.sessions.reading() as session:
        known = subjects.profile(session, site.work.rings.at(site.clock()), found.id)
    assert (known.name_th, known.birth_date, known.phone) == ("มานี ทดสอบสุข", "1988-02-29", "+66100000777")
    assert issuer.asked[0]["birth_date"] == "1988-02-29"
    assert issuer.asked[0]["laser"] == "ZZ0000000001"


def test_a_register_that_does_not_answer_is_waited_for_and_costs_no_look(site, issuer, manee):
    """X16: it might know another phone of this person; a picture of a card must not pass while it is away."""
    at_card(manee)
    answer = issuer.by_laser

    def answered_then_down(**facts):
        told = answer(**facts)
        site.registry.error = RegistryUnavailable("down")
        return told

    issuer.by_laser = answered_then_down
    for _ in range(4):
        check(manee)
        assert (manee.at.status, account(site)) == (503, None)

    issuer.by_laser, site.registry.error = answer, None
    check(manee)
    assert account(site).ial == "1.3"


@pytest.mark.parametrize(
    "changed",
    [
        {"given_name": "สมหญิง"},
        {"family_name": "ตัวอย่างดี"},
        {"year": "2530", "day": "28"},
        {"day": ""},
        WRONG,
        {"laser": "ZZ0000000005"},
    ],
    ids=["first name", "family name", "year", "day", "code", "incomplete"],
)
def test_whatever_does_not_match_gets_one_and_the_same_answer(site, manee, changed):
    """PAGES: never which field mismatched."""
    check(at_card(manee), **changed)
    told = manee.at

    assert (told.status, told.name) == (400, "proofing_card")
    assert "ข้อมูลไม่ตรงกับบัตร" in told.text or "does not match the card" in told.text
    assert "field-wrong" not in told.html
    assert account(site) is None


def test_an_answer_of_no_takes_the_focus_and_stands_in_the_title(manee):
    """WCAG 2.4.2, 4.1.3: whoever does not see the page hears first that something is wrong."""
    check(at_card(manee), **WRONG)

    assert "<title>พบข้อผิดพลาด" in manee.at.html
    assert {"role", "autofocus", "tabindex"} <= set(manee.at.attributes["said"])


def test_the_answer_that_begins_the_break_asks_for_nothing_more(manee):
    """PAGES: no form that can only be refused; the other ways stay."""
    at_card(manee)
    for _ in range(3):
        assert "card-form" in manee.at.forms
        check(manee, **WRONG)

    assert "card-form" not in manee.at.forms
    assert "other-ways" in manee.at.links


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("given_name", ""),
        ("given_name", "<b>"),
        ("family_name", ""),
        ("year", ""),
        ("year", "2600"),
        ("day", "31"),
        ("month", ""),
        ("laser", ""),
        ("laser", "ZZ0"),
    ],
)
def test_what_cannot_be_sent_is_said_at_its_field_and_the_issuer_is_not_asked(issuer, manee, field, typed):
    check(at_card(manee), **{field: typed})

    assert (manee.at.status, manee.at.name) == (400, "proofing_card")
    assert "field-wrong" in manee.at.html
    assert issuer.asked == []


def test_three_answers_of_no_begin_a_break(site, issuer, manee):
    """R2: cool-off after 3; whoever opens the form sees the break first, and the issuer is not asked."""
    form = at_card(manee)
    address, fields = form.at.forms["card-form"].action, dict(form.at.forms["card-form"].fields)
    for _ in range(3):
        check(manee, **WRONG)
    manee.get("/sign-in?next=/me&ial=1.3")
    at_card(manee)
    assert ("said" in manee.at.texts, "card-form" in manee.at.forms) == (True, False)
    assert "ThaID" not in manee.at.texts["said"]  # this installation is not registered there

    manee.post(address, {**fields, **FORM})

    assert (manee.at.status, len(issuer.asked)) == (429, 3)
    assert account(site) is None


def test_the_break_is_over_after_a_day_and_the_card_can_be_shown(site, manee):
    at_card(manee)
    for _ in range(3):
        check(manee, **WRONG)
    site.clock.tick(DAY + MINUTE)
    came = site.visitor()
    arrived(site, visitor=came)
    came.get("/sign-in?next=/me&ial=1.3")

    check(at_card(came))

    assert account(site).ial == "1.3"


def test_three_looks_a_day_are_all_that_several_accounts_with_one_number_have(site, issuer, manee):
    """RELIABILITY 3: per person, not per account."""
    check(at_card(manee), **WRONG)
    for n in range(2):
        came = site.visitor()
        site.clock.tick(MINUTE)
        arrived(site, phone=f"010-000-088{n}", visitor=came)
        came.get("/sign-in?next=/me&ial=1.3")
        check(at_card(came), **WRONG)

    came.get("/sign-in?next=/me&ial=1.3")
    at_card(came)

    assert ("card-form" in came.at.forms, "said" in came.at.texts, len(issuer.asked)) == (False, True, 3)


def test_strangers_with_a_phone_close_this_way_for_nobodys_own_account(site, issuer, manee):
    """RELIABILITY 3: the path is locked for those who only claim the number; its person has three look-ups too."""
    at_card(manee)
    for _ in range(3):
        check(manee, **WRONG)
    manee.get("/sign-in?next=/me&ial=1.3")
    assert ("card-form" in at_card(manee).at.forms, len(issuer.asked)) == (False, 3)
    ring, now = site.work.rings.at(site.clock()), site.clock()
    with site.work.sessions.writing() as session:
        own = subjects.create(session, ring, MANEE, replace(PEOPLE[MANEE], attested_ial="1.1"), now=now).id

    typed, _ = card_data.read(FORM, today=now.date())
    ports = site.app.extensions["yinyom"].ports
    said = card_data.check(site.work.sessions, ring, ports, subject_id=own, typed=typed, kept={}, now=now)

    assert said.kind == "passed"


def test_an_issuer_that_does_not_answer_costs_nobody_a_look(site, issuer, manee):
    at_card(manee)
    issuer.down = True
    for _ in range(4):
        check(manee)
        assert manee.at.status == 503
    issuer.down = False

    check(manee)

    assert account(site).ial == "1.3"


def test_what_was_typed_waits_for_whoever_comes_back_but_not_the_cards_secret(site, issuer, manee):
    """PAGES: save and return."""
    at_card(manee)
    manee.send("card-form", **{**FORM, "act": "save", "year": ""})
    assert manee.at.name == "proofing"
    manee.get("/sign-in?next=/me&ial=1.3")

    at_card(manee)

    held = dict(manee.at.forms["card-form"].fields)
    assert (held["given_name"], held["day"], held["laser"]) == ("มานี", "29", "")
    assert issuer.asked == []
    with site.work.sessions.reading() as session:
        row = session.scalars(select(Case)).one()
        assert "มานี".encode() not in row.typed


def test_what_was_typed_is_forgotten_after_a_week(site, manee):
    at_card(manee)
    manee.send("card-form", **{**FORM, "act": "save"})
    site.clock.tick(8 * DAY)

    worker.purge(site.work)

    with site.work.sessions.reading() as session:
        row = session.scalars(select(Case)).one()
        assert (row.typed, row.outcome) == (None, "lapsed")


def test_a_number_that_was_proved_before_is_sent_to_its_own_account_or_the_counter(site, manee):
    """R2: account already bound? A card's data open no second door."""
    with site.work.sessions.writing() as session:
        ring = site.work.rings.at(site.clock())
        subjects.create(session, ring, MANEE, replace(PEOPLE[MANEE], attested_ial="1.1"), now=site.clock())

    check(at_card(manee))

    assert (manee.at.status, manee.at.name) == (409, "proofing_card")
    assert account(site).ial == "1.1"


def test_a_picture_of_a_card_takes_no_number_whose_person_has_a_phone_of_record(site, manee):
    """DECISIONS 1: a public number is not squatted. Who came first with a typed phone need not be its person."""
    site.registry.people[MANEE] = replace(site.registry.people[MANEE], phone="010-000-0053")

    check(at_card(manee))

    assert (manee.at.status, manee.at.name) == (409, "proofing_card")
    assert account(site) is None


def test_somebody_under_20_is_stopped_kindly(site, manee):
    site.registry.people[MANEE] = replace(site.registry.people[MANEE], birth_date="2011-08-09")

    check(at_card(manee), day="9", month="8", year="2554")

    assert manee.at.name == "age"
    assert account(site) is None


def test_the_first_proof_ends_what_somebody_else_opened_with_the_number(site, manee):
    """DECISIONS 1: superseded, signed out at once, told."""
    squatter = site.visitor()
    arrived(site, phone="010-000-0999", visitor=squatter)
    assert squatter.get("/me").name == "me"

    check(at_card(manee))

    assert squatter.get("/me").name == "login"
    worker.run_once(site.work)
    with site.work.sessions.reading() as session:
        other = session.scalars(select(Subject).where(Subject.status == "closed")).one()
        assert sign_ins.live(session, other.id, now=site.clock()) == []


def test_a_way_that_does_not_reach_the_level_is_not_offered(manee):
    """Card data stop at IAL1.3."""
    manee.get("/sign-in?next=/me&ial=2.1")

    assert manee.at.name == "proofing"
    assert "by-card" not in manee.at.links
    assert manee.get(manee.at.url + "/card").name == "proofing"


def test_without_an_issuer_the_counter_is_the_way(site):
    site.registry.people[MANEE] = replace(PEOPLE[MANEE], phone="", attested_ial="1.1")
    came = site.visitor()
    arrived(site, visitor=came)

    came.get("/sign-in?next=/me&ial=1.3")

    assert {"by-card", "by-thaid"} & set(came.at.links) == set()
    assert "by-counter" in came.at.links


def test_a_level_that_ran_out_is_asked_for_again(site, manee):
    """The level is read with its end at every use."""
    check(at_card(manee))
    with site.work.sessions.writing() as session:
        session.get_one(Subject, account(site).id).ial_expires_at = site.clock() + HOUR / 4
    site.clock.tick(HOUR / 3)

    came = site.visitor()
    came.get("/sign-in?next=/me&ial=1.3")
    came.send("login", national_id=MANEE)
    came.send("code-form", code=came.newest_code())

    assert came.at.name == "proofing"


def test_the_citizens_page_shows_no_names_at_a_level_that_ran_out(site, visitor):
    visitor.get("/sign-in?next=/me&aal=2.1")
    visitor.sign_in()
    visitor.set_pin()
    shown = visitor.get("/me/access").status
    with site.work.sessions.writing() as session:
        session.get_one(Subject, site.citizen).ial_expires_at = site.clock() + MINUTE
    site.clock.tick(2 * MINUTE)

    assert (shown, visitor.get("/me/access").name) == (200, "proofing")


@pytest.mark.usefixtures("issuer")
def test_a_request_for_health_data_leads_through_the_card_to_the_consent(site):
    """The whole of it: a provisional account asks for records, proves itself on the way, and goes on."""
    came = site.visitor()
    came.get(site.authorize_url(scope=" ".join(["openid", *RECORDS])))
    came.send("login", national_id=MANEE)
    came.get(came.at.links["other-phone"])
    came.send("phone-form", phone=TYPED, of_age="yes")
    came.send("code-form", code=came.newest_code())
    came.set_pin()
    assert came.at.name == "proofing"

    check(at_card(came))

    assert came.at.name == "consent"


def test_the_worker_moves_what_ran_out(site, manee):
    check(at_card(manee))
    found = account(site).id
    site.clock.tick(366 * DAY)

    worker.purge(site.work)

    with site.work.sessions.reading() as session:
        assert session.get_one(Subject, found).ial == "1.1"
        assert cases.standing(session, found, now=site.clock()).ial is Ial.IAL1_1
        assert not provisional.is_provisional(session, found)
