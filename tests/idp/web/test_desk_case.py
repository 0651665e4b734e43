"""The counter's way from a card to a slip, step by step over its pages; and what stops it."""

from dataclasses import dataclass, field, replace

import pytest
from sqlalchemy import select

from idp import subjects
from idp.desk_cases import DeskCase
from idp.handover import Handover
from idp.login.passkeys import Passkey
from idp.ports import CardStatusUnavailable
from idp.proofing import cases
from idp.subjects import PersonSealer
from tests.fakes import MINUTE, SECOND, SoftAuthenticator
from tests.idp.web.test_desk import CHILD, CLERK, DOCTOR, STRANGER, employ, enrolled, known

PATIENT = "3999000010035"
PHONE = "+66100000035"


@dataclass
class Issuer:
    """The issuer of cards, who says what it is told to say."""

    says: str = "good"
    asked: list = field(default_factory=list)

    def by_chip(self, *, national_id, chip_number, request_number):
        """The answer, or none."""
        self.asked.append((national_id, chip_number, request_number))
        if self.says == "away":
            raise CardStatusUnavailable("timeout")
        return self.says


@pytest.fixture
def issuer(site):
    """The application asks this one."""
    found = Issuer()
    house = site.app.extensions["yinyom"]
    site.app.extensions["yinyom"] = replace(house, ports=replace(house.ports, card_status=found))
    return found


@pytest.fixture
def drawer(site, issuer):  # noqa: ARG001 -- cards have an issuer
    """Cards: the citizen's, a child's, a stranger's, the clerk's, the doctor's."""
    known(site, PATIENT)
    known(site, CHILD, birth_date="2018-03-14")
    known(site, STRANGER, attested_ial="1.1", phone="")
    known(site, CLERK)
    known(site, DOCTOR)
    return {number: str(n) for n, number in enumerate(site.registry.people, 1)}


@pytest.fixture
def clerk(site, drawer):
    """A clerk of the facility, at the desk."""
    visitor = enrolled(site, employ(site, CLERK, ("clerk", "99001"))[1])
    visitor.drawer = drawer
    return visitor


def begun(clerk, number=PATIENT):
    """The card is read, and the case begins."""
    clerk.get("/desk")
    clerk.send("read-form", slot=clerk.drawer[number])
    return clerk.send("prove-form")


def matched(clerk, number=PATIENT):
    """The officer has said that the face matches."""
    begun(clerk, number)
    return clerk.send("match-form", "match")


def reached(clerk, number=PATIENT):
    """The phone has answered."""
    matched(clerk, number)
    clerk.send("phone-form")
    return clerk.send("code-form", code=clerk.newest_code())


def account(site, number=PATIENT):
    with site.work.sessions.reading() as session:
        found = subjects.find_by_national_id(session, site.work.rings.at(site.clock()), number)
        return found and (found.ial, found.ial_method)


def test_a_chip_its_issuer_and_a_face_give_2_2(site, clerk, issuer):
    """THAI 3b R3: the chip is read, the issuer is asked by the chip's number, the officer presses."""
    page = begun(clerk)

    assert (page.name, page.status) == ("desk_case", 200)
    assert "สมชาย ใจสมมติ" in page.text
    assert PATIENT not in page.url
    assert [asked[0] for asked in issuer.asked] == [PATIENT]
    clerk.send("match-form", "match")
    assert account(site) == ("2.2", "chip_status_face")


@pytest.mark.parametrize(("says", "level"), [("away", ("2.1", "chip_face")), ("good", ("2.2", "chip_status_face"))])
def test_an_issuer_that_is_away_costs_one_level_and_no_person(site, clerk, issuer, says, level):
    """X16: nobody is assumed good; the counter goes on."""
    issuer.says = says

    matched(clerk)

    assert account(site) == level


def test_a_card_that_the_issuer_refuses_ends_it(site, clerk, issuer):
    """Code 4: nothing is proved, and the page says where to go."""
    issuer.says = "mismatch"

    page = begun(clerk)

    assert "สำนักทะเบียน" in page.texts["stopped"]
    assert "match-form" not in page.forms
    assert account(site) == ("1.3", "registry")


def test_another_face_ends_it_and_stands_in_the_record(site, clerk):
    """The officer says no: nothing is proved by this card."""
    begun(clerk)

    page = clerk.send("no-match-form", "no-match")

    assert "stopped" in page.texts
    with site.work.sessions.reading() as session:
        assert [one.finding for one in cases.evidence_of(session, site.citizen)][-1] == "mismatch"
    assert account(site)[0] == "1.3"


def test_a_minute_without_a_key_wipes_the_case(site, clerk):
    """PAGES: idle 60 s; the server refuses the page, whatever the browser kept."""
    page = begun(clerk)

    site.clock.tick(59 * SECOND)
    assert clerk.get(page.url).name == "desk_case"
    site.clock.tick(60 * SECOND)
    assert clerk.get(page.url).status == 404
    assert clerk.get("/desk?idle=1").texts["wiped"]


def test_keys_on_the_page_keep_a_case_awake(site, clerk):
    """The page's script says so; without the form's token nobody does."""
    page = begun(clerk)
    headers = {"X-CSRF-Token": token(clerk)}
    for _ in range(3):
        site.clock.tick(50 * SECOND)
        assert clerk.client.post(f"{page.url}/awake", headers=headers).status_code == 200
    assert clerk.client.post(f"{page.url}/awake").status_code == 403

    assert clerk.get(page.url).name == "desk_case"


def test_another_session_of_the_same_desk_sees_nothing(site, clerk):
    """A case belongs to the session that read the card."""
    page = begun(clerk)
    doctor = enrolled(site, employ(site, DOCTOR, ("practitioner", "99001"))[1])

    assert doctor.get(page.url).status == 404


def test_the_phone_in_the_hand_is_proved_by_its_code(clerk):
    """The number of the account: a code goes there, and is typed at the counter."""
    page = matched(clerk)
    assert "phone-form" in page.forms

    page = clerk.send("phone-form")
    assert "035" in page.text
    assert PHONE not in page.html
    wrong = clerk.send("code-form", code="000000")
    assert (wrong.status, "error-summary" in wrong.texts) == (400, True)
    assert clerk.send("code-form", code=clerk.newest_code()).name == "desk_case"
    assert "hand-over-form" in clerk.at.forms


def test_five_wrong_codes_at_the_counter_end_the_code(clerk):
    """A guess costs a try, kept; the sixth is not compared."""
    matched(clerk)
    clerk.send("phone-form")
    right = clerk.newest_code()
    for _ in range(5):
        clerk.send("code-form", code="000000")

    assert clerk.send("code-form", code=right).status == 400
    assert "code-form" in clerk.at.forms


def test_the_first_number_of_an_account_is_bound_by_nobody_alone(site, clerk):
    """DECISIONS 1: a counter binds one; the register had none, so nobody could be told, and a colleague has to sign."""
    matched(clerk, STRANGER)
    assert clerk.send("phone-form").status == 400
    assert clerk.send("phone-form", phone="02-123-4567").status == 400
    clerk.send("phone-form", phone="010-000-0077")
    page = clerk.send("code-form", code=clerk.newest_code())

    assert "by-two" in page.texts
    assert "077" in page.text
    assert not {"bind-form", "hand-over-form"} & set(page.forms)
    form = {"csrf": token(clerk)}
    assert clerk.post(f"{page.url.partition('?')[0]}/bind", form).status == 403
    assert phone_of(site, STRANGER) == ""


def phone_of(site, number):
    with site.work.sessions.reading() as session:
        ring = site.work.rings.at(site.clock())
        found = subjects.find_by_national_id(session, ring, number)
        return PersonSealer(ring, session).open(found.phone, owner=found.id, field="phone")


def test_another_number_is_a_recovery_and_changes_nothing_alone(site, clerk):
    """One clerk and a stolen card must not be enough: a second member of staff, and a waiting time."""
    matched(clerk)
    clerk.send("phone-form", phone="010-000-0088")
    page = clerk.send("code-form", code=clerk.newest_code())

    assert "recovery" in page.texts
    assert "hand-over-form" not in page.forms
    assert phone_of(site, PATIENT) == PHONE
    assert clerk.post(f"{page.url.partition('?')[0]}/hand-over", {"csrf": token(clerk)}).name == "desk_case"
    assert clerk.post(f"{page.url.partition('?')[0]}/recover", {"csrf": token(clerk)}).status == 403


def token(visitor):
    return dict(visitor.at.forms["preferences"].fields)["csrf"]


def handed(clerk):
    """The QR code is shown; its address, as the phone reads it."""
    page = clerk.send("hand-over-form", "hand-over")
    assert page.name == "desk_handover"
    return page.links["sandbox-phone"]


def on_the_phone(site, address):
    """The person's own browser, on the page of the code."""
    phone = site.visitor()
    phone.get(address)
    return phone


def shown_digits(phone):
    """What the phone shows to the officer."""
    return "".join(phone.at.texts["digits"].split())


def test_a_passkey_comes_onto_the_persons_own_phone(site, clerk):
    """RFC 10027: place shown, one press, two digits that the clerk types, then the phone's own passkey; once."""
    reached(clerk)
    address = handed(clerk)
    desk_page = clerk.at
    phone = on_the_phone(site, address)
    assert "โรงพยาบาลตัวอย่าง" in phone.at.text
    assert not [word for word in ("สมชาย", PATIENT, "x-xxxx") if word in phone.at.html + desk_page.html]
    phone.send("take-form")
    digits = shown_digits(phone)
    assert len(digits) == 2

    assert clerk.send("confirm-form", digits=digits).texts["matched"]
    phone.get(address)
    device = SoftAuthenticator(origin="http://localhost:8000")
    assert phone.passkey(device, "register", address + "/passkey")["status"] == 200

    assert phone.get(address).links["to-me"] == "/me"
    assert "slip" in clerk.get(desk_page.url.removesuffix("/hand-over")).links
    with site.work.sessions.reading() as session:
        (kept,) = session.scalars(select(Passkey).where(Passkey.subject_id == site.citizen)).all()
    assert not kept.for_staff
    again = phone.client.post(address + "/passkey/options", json={"purpose": "register"})
    assert again.status_code in (403, 404), "spent"


def test_opening_the_code_takes_nothing(site, clerk):
    """A camera's preview, or a curious stranger, spends nothing; the press does, once."""
    reached(clerk)
    address = handed(clerk)

    preview, phone, stranger = (on_the_phone(site, address) for _ in range(3))
    phone.send("take-form")

    assert phone.at.texts["digits"]
    assert preview.at.name == "handover"
    stranger.send("take-form")
    assert stranger.at.status == 404
    assert preview.get(address).status == 404


def test_a_wrong_pair_of_digits_ends_the_hand_over(site, clerk):
    """Somebody else took the code: the clerk sees other digits, or none, on the phone in front of them."""
    reached(clerk)
    address = handed(clerk)
    phone = on_the_phone(site, address)
    phone.send("take-form")
    wrong = f"{(int(shown_digits(phone)) + 1) % 100:02}"

    page = clerk.send("confirm-form", digits=wrong)

    assert "again" in page.texts
    assert phone.get(address).status == 410


def test_the_digits_are_nowhere_on_the_desk(site, clerk):
    """A clerk cannot confirm a phone that they do not see."""
    reached(clerk)
    address = handed(clerk)
    phone = on_the_phone(site, address)
    phone.send("take-form")

    with site.work.sessions.reading() as session:
        digits = session.scalars(select(Handover.digits)).one()
    page = clerk.get(clerk.at.url.removesuffix("/hand-over"))
    assert page.name == "desk_handover"
    assert digits not in page.texts["match"]
    assert digits not in page.attributes["digits"].get("value", "")


def test_a_phone_before_the_digits_matched_gets_no_passkey(site, clerk):
    """The order is the server's."""
    reached(clerk)
    address = handed(clerk)
    phone = on_the_phone(site, address)
    headers = {"X-CSRF-Token": token(phone)}
    for press in (False, True):
        if press:
            phone.send("take-form")
        answer = phone.client.post(address + "/passkey/options", json={"purpose": "register"}, headers=headers)
        assert answer.status_code == 404


def test_a_code_is_over_after_five_minutes(site, clerk):
    """RFC 10027: short-lived."""
    reached(clerk)
    address = handed(clerk)
    site.clock.tick(5 * MINUTE)

    assert on_the_phone(site, address).at.status == 410


def test_a_phone_that_is_signed_in_as_somebody_else_is_turned_away(site, clerk):
    """The same person holds both: a passkey is not put beside somebody else's session."""
    reached(clerk)
    address = handed(clerk)
    other = site.visitor()
    known(site, "1999000010071", phone="010-000-0071")
    other.get("/me")
    other.sign_in("1999000010071")

    page = other.get(address)

    assert "take-form" not in page.forms
    assert "คนอื่น" in page.text


def test_nobody_under_20_gets_a_sign_in(site, clerk):
    """The identity is proved; a way in waits."""
    page = matched(clerk, CHILD)

    assert account(site, CHILD) == ("2.2", "chip_status_face")
    assert {"phone-form", "hand-over-form"} & set(page.forms) == set()
    assert clerk.get(page.links["slip"]).name == "desk_proof"


def test_the_slip_names_nobody_and_the_next_person_finds_an_empty_desk(site, clerk):
    """Paper is lost; and nothing of the last person stays."""
    reached(clerk)
    clerk.send("later-form", "later")
    page = clerk.get(clerk.at.links["slip"])

    assert page.name == "desk_proof"
    assert not [word for word in ("สมชาย", "x-xxxx", PATIENT) if word in page.html]
    address = page.url.removesuffix("/slip")
    clerk.send("close-form", "close")
    assert clerk.at.name == "desk"
    assert clerk.get(address).status == 404
    with site.work.sessions.reading() as session:
        assert session.scalars(select(DeskCase.facts)).all() == [b""]


def test_a_new_name_comes_from_the_chip_when_the_face_matches(site, clerk):
    """After a marriage the account follows the card; before the officer has looked, nothing changes."""
    known(site, PATIENT, family_name_th="สมมติวงศ์", family_name_en="Sommutwong")
    page = begun(clerk)
    assert "renamed" in page.texts
    assert name_of(site) == "สมชาย ใจสมมติ"

    clerk.send("match-form", "match")

    assert name_of(site) == "สมชาย สมมติวงศ์"
    assert phone_of(site, PATIENT) == PHONE


def name_of(site):
    with site.work.sessions.reading() as session:
        return subjects.profile(session, site.work.rings.at(site.clock()), site.citizen).name_th
