"""An old man and his daughter, over the pages: the code, her yes, his consent, what she may do, and the end."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select, update

from consent.family.models import Guardianship, HelperInvitation
from consent.models import ConsentRecord, ConsentWithdrawal
from idp import alerts
from idp.directory.models import LegalEntity
from idp.people import Subject
from idp.subjects import find_by_national_id
from tests.fakes import DAY, HOUR, MINUTE
from tests.idp.web.test_desk import known
from tests.idp.web.test_rights import texts
from tests.idp.web.test_security import CODE

OLD_MAN, DAUGHTER, STRANGER = "3999000010141", "7999000010119", "1999000010071"
CLAIM = json.dumps({"id_token": {"proxy_for": None}})
SHARE = "openid patient/Encounter.rs"


@pytest.fixture(autouse=True)
def people(site):
    """Both are known well (a card at a counter, before); somebody else is, too; and who runs this is registered."""
    known(site, OLD_MAN, birth_date="1933", given_name_th="บุญมี", phone="010-000-0141")
    known(site, DAUGHTER, birth_date="1975-07-21", given_name_th="มานี", phone="010-000-0119")
    known(site, STRANGER, birth_date="1990-06-15", given_name_th="ปิติ", phone="010-000-0071")
    with site.work.sessions.writing() as session:
        contacts = {"controller_contact": "c@example.test", "dpo_contact": "dpo@example.test"}
        session.add(LegalEntity(name_th="ศูนย์ตัวอย่าง", name_en="Sample", kind="own_app", own_app=True, **contacts))


def proved(site, number, ial="2.1"):
    """As after a counter that compared the face."""
    with site.work.sessions.writing() as session:
        found = find_by_national_id(session, site.work.rings.at(site.clock()), number)
        session.execute(update(Subject).where(Subject.id == found.id).values(ial=ial))
    return found.id


def at_home(site, number, *, ial="2.1"):
    """Somebody signed in at AAL2.1 on the page of helpers."""
    visitor = site.visitor()
    visitor.get("/me/helpers")
    visitor.sign_in(number)
    visitor.set_pin()
    proved(site, number, ial)
    page = visitor.get("/me/helpers")
    assert page.name == "me_helpers", page.text[:300]
    return visitor


def code_of(visitor, **wanted):
    """The code that the page shows."""
    visitor.get("/me/helpers/new")
    page = visitor.send("helper-form", **{"may": ["see", "withdraw"], "kinds": "record", "days": "30", **wanted})
    assert page.name == "me_helper_code", page.text[:400]
    return page.texts["helper-code"]


def take(visitor, code):
    """Typed by the helper."""
    visitor.get("/me/helpers/code")
    return visitor.send("take-form", helper_code=code)


def agreed(site, **wanted):
    """The two of them, from the code to the consent."""
    man, woman = at_home(site, OLD_MAN), at_home(site, DAUGHTER)
    take(woman, code_of(man, **wanted))
    woman.send("accept-form", "allow")
    man.get("/me/helpers")
    man.get(man.at.links["answer"])
    page = man.send("agree-form", "allow")
    assert "done" in page.texts, page.text[:400]
    return man, woman


def rows(site, model):
    with site.work.sessions.reading() as session:
        return session.scalars(select(model)).all()


def consented(site, visitor):
    """The person's own yes to the hospital's portal."""
    visitor.get(site.authorize_url(scope=SHARE))
    return visitor.send("consent-form", "allow", purpose="EHR-SHARE")


def for_him(site, woman):
    """The daughter at the portal, for her father; the page after her choice."""
    woman.get(site.authorize_url(scope=SHARE, claims=CLAIM))
    assert woman.at.name == "for_whom", woman.at.text[:300]
    form = woman.at.forms["for-form"]
    return woman.send("for-form", next(one for one in form.buttons if "บุญมี" in woman.at.texts[one]))


def query(visitor):
    return {name: values[0] for name, values in parse_qs(urlsplit(visitor.at.refresh).query).items()}


def test_an_old_man_chooses_his_daughter(site):
    """Catalogue PROXY, C26: a code, her yes, and his consent to a name that he has read; then both see it."""
    man, woman = at_home(site, OLD_MAN), at_home(site, DAUGHTER)
    code = code_of(man)
    page = take(woman, code)
    assert page.name == "me_helper_accept"
    assert "บุญมี" in page.text
    page = woman.send("accept-form", "allow")
    assert "done" in page.texts
    assert rows(site, Guardianship) == []  # nothing has begun

    assert "helper-waits" in man.get("/me").links  # what waits stands first
    assert "helper-waits" in man.get("/me/family").links  # what waits is said there, too
    man.get("/me/helpers")
    assert "มานี" in man.at.texts["waiting"]
    page = man.get(man.at.links["answer"])
    assert "มานี" in page.texts["who"]
    page = man.send("agree-form", "allow")

    assert "มานี" in page.texts["mine"]
    assert "บุญมี" in woman.get("/me/helpers").texts["theirs"]
    (record,) = [one for one in rows(site, ConsentRecord) if one.purpose == "PROXY"]
    assert (record.basis, record.explicit, record.channel) == ("C26", True, "web")
    (link,) = rows(site, Guardianship)
    assert record.guardianship_id == link.id
    assert "มานี" not in json.dumps([record.notice_sha256, record.holder])


def test_what_was_ticked_stays_and_what_is_missing_is_said(site):
    """PAGES: errors keep what was typed."""
    man = at_home(site, OLD_MAN)
    man.get("/me/helpers/new")

    page = man.send("helper-form", may="see")

    assert page.status == 422
    assert {"kinds-error", "days-error"} <= set(page.attributes)
    assert "may-error" not in page.attributes
    assert rows(site, HelperInvitation) == []


def test_who_is_not_known_well_enough_is_shown_the_way(site):
    """Catalogue PROXY: IAL 2.1; neither chooses nor says yes below it, and nobody meets a dead end."""
    man, woman = at_home(site, OLD_MAN), at_home(site, DAUGHTER, ial="1.3")

    page = take(woman, code_of(man))

    assert "allow" not in page.forms["accept-form"].buttons
    assert "ial=2.1" in page.links["prove"]
    low = woman.get("/me/helpers/new")
    assert "helper-form" not in low.forms
    assert "ial=2.1" in low.links["prove"]
    token = low.forms["preferences"].fields[0][1]
    sent = {"csrf": token, "may": "see", "kinds": "record", "days": "30"}
    assert woman.post("/me/helpers/new", sent).status == 403


def test_a_reload_of_the_page_of_a_code_makes_no_other(site):
    """The code that was told goes on working; the page says that one is open, and a new one is asked for by name."""
    man, woman = at_home(site, OLD_MAN), at_home(site, DAUGHTER)
    man.get("/me/helpers/new")
    token = man.at.forms["preferences"].fields[0][1]
    sent = {"csrf": token, "may": "see", "kinds": "record", "days": "30"}
    code = man.post("/me/helpers/new", sent).texts["helper-code"]

    again = man.post("/me/helpers/new", sent)

    assert (again.status, "helper-code" in again.texts) == (409, False)
    assert "รหัสเดิม" in again.texts["open"]
    assert len(rows(site, HelperInvitation)) == 1
    newer = man.send("helper-form", may="see", kinds="record", days="30").texts["helper-code"]
    assert take(woman, code).status == 400
    assert take(woman, newer).name == "me_helper_accept"


@pytest.mark.parametrize("typed", ["", "abc", "AAAA-BBBB-CCCC"])
def test_a_wrong_code_leads_nowhere_and_stays_in_its_field(site, typed):
    """The same page, with what was typed."""
    woman = at_home(site, DAUGHTER)

    page = take(woman, typed)

    assert page.status == 400
    assert "helper_code-error" in page.attributes


def test_a_stranger_with_the_code_gets_nothing_from_it(site):
    """A code that was talked out of somebody: the person sees an unknown name, and says no."""
    man, other = at_home(site, OLD_MAN), at_home(site, STRANGER)
    take(other, code_of(man))
    other.send("accept-form", "allow")
    man.get("/me/helpers")
    page = man.get(man.at.links["answer"])
    assert "ปิติ" in page.texts["who"]

    man.send("agree-form", "refuse")

    assert rows(site, Guardianship) == []
    assert {one.outcome for one in rows(site, HelperInvitation)} == {"refused"}


def test_a_code_is_cancelled_and_a_helper_may_say_no(site):
    """Both ways out before it begins."""
    man, woman = at_home(site, OLD_MAN), at_home(site, DAUGHTER)
    code = code_of(man)
    man.get("/me/helpers")
    man.send("call-back-form", "call-back")
    assert take(woman, code).status == 400

    take(woman, code_of(man))
    woman.send("accept-form", "refuse")

    assert [one.outcome for one in rows(site, HelperInvitation)] == ["called_back", "declined"]


def test_the_last_yes_needs_a_sign_in_of_these_minutes_and_the_words_that_were_read(site):
    """A session that lies open gives nobody a helper; nor does a form of other words."""
    man, woman = at_home(site, OLD_MAN), at_home(site, DAUGHTER)
    take(woman, code_of(man))
    woman.send("accept-form", "allow")
    man.get("/me/helpers")
    man.get(man.at.links["answer"])
    assert man.send("agree-form", "allow", notice="0" * 64).name == "me_helper_agree"
    assert rows(site, Guardianship) == []
    site.clock.tick(11 * MINUTE)

    assert man.send("agree-form", "allow").name != "me_helpers"

    assert rows(site, Guardianship) == []


def test_the_daughter_sees_what_he_allowed_at_the_service_and_on_her_page(site):
    """`see`: no question to her, the token is about him by her hand; and both read what was done."""
    man, woman = agreed(site)
    consented(site, man)
    woman.get("/me/helpers")
    page = woman.get(woman.at.links["theirs-1-open"])
    assert "โรงพยาบาลตัวอย่าง" in page.texts["consents"]

    for_him(site, woman)
    if woman.at.name == "consent":  # what she is told herself: her own sign-in
        woman.send("consent-form", "allow")

    assert "code" in query(woman), woman.at.text[:300]
    seen = woman.get("/me/helpers")
    page = woman.get(seen.links["theirs-1-open"])
    assert "อนุญาตตามคำขอ" in page.texts["acts"]
    man.get("/me/helpers")
    assert "อนุญาตตามคำขอ" in man.get(man.at.links["mine-1-open"]).texts["acts"]


def test_who_may_answer_is_asked_for_him_and_the_record_says_whose_hand(site):
    """`answer`: capacity helper, on the page of the service with his name above it."""
    man, woman = agreed(site, may=["answer"])

    page = for_him(site, woman)

    assert page.name == "consent"
    assert "บุญมี" in page.texts["about"]
    woman.send("consent-form", "allow", purpose="EHR-SHARE")
    assert "code" in query(woman)
    share = next(one for one in rows(site, ConsentRecord) if one.purpose == "EHR-SHARE")
    assert (share.capacity, share.subject_id, share.actor_id) == (
        "helper",
        proved(site, OLD_MAN),
        proved(site, DAUGHTER),
    )
    assert "EHR" in str([one.purpose for one in rows(site, ConsentRecord)])
    assert man.get("/me/consents").status == 200


def test_who_may_only_see_is_asked_nothing_in_his_name(site):
    """Where he has agreed to nothing there is nothing to see."""
    _, woman = agreed(site)

    for_him(site, woman)
    if woman.at.name == "consent":
        assert "purpose-EHR-SHARE" not in woman.at.attributes
        woman.send("consent-form", "allow")

    assert query(woman)["error"] == "access_denied"
    assert "EHR-SHARE" not in {one.purpose for one in rows(site, ConsentRecord)}


def test_the_daughter_takes_a_consent_back_for_him(site):
    """Two taps; his page says by whose hand."""
    man, woman = agreed(site)
    consented(site, man)
    woman.get("/me/helpers")
    woman.get(woman.at.links["theirs-1-open"])
    page = woman.get(woman.at.links["withdraw-1"])
    assert page.name == "me_helper_withdraw"
    assert "บุญมี" in page.text

    page = woman.send("withdraw-form", "withdraw")

    assert "done" in page.texts
    assert "consent-1" not in page.attributes
    assert "โดยผู้ที่ทำแทนคุณ" in man.get("/me/access").texts["entries"]


def test_either_ends_it_and_then_she_finds_nothing_of_him(site):
    """At once; her page of him tells no more of his."""
    man, woman = agreed(site)
    consented(site, man)
    man.get("/me/helpers")
    man.get(man.at.links["mine-1-open"])
    man.send("end-form", "end")

    (link,) = rows(site, Guardianship)
    page = woman.get(f"/me/helpers/{link.id}")

    assert "consents" not in page.texts
    assert "seen" not in page.texts
    assert "บุญมี" not in woman.get("/me/helpers").texts["theirs"]
    share = next(one for one in rows(site, ConsentRecord) if one.purpose == "EHR-SHARE")
    assert woman.get(f"/me/helpers/{link.id}/withdraw/{share.id}").status == 404


def test_taking_the_consent_back_on_my_consents_ends_it_too(site):
    """PDPA s.19: the page of every consent is enough."""
    man, woman = agreed(site)
    (record,) = [one for one in rows(site, ConsentRecord) if one.purpose == "PROXY"]
    man.get(f"/me/consents/{record.id}/withdraw")

    page = man.send("withdraw-form", "confirm")

    assert "undo-form" not in page.forms
    assert "บุญมี" not in woman.get("/me/helpers").texts["theirs"]


def test_his_consent_is_one_like_every_other_and_its_receipt_names_nobody(site):
    """PDPA s.19, s.23: on "my consents", with its words, and with a receipt that can be shown."""
    man, _ = agreed(site)
    (record,) = [one for one in rows(site, ConsentRecord) if one.purpose == "PROXY"]

    page = man.get(f"/me/consents/{record.id}")
    assert page.name == "me_consent"
    assert "ให้ผู้ช่วยหนึ่งคนทำแทนได้ ดังนี้ ดู: ใช้บริการแทน" in page.text  # one colon, and he is no "data subject"
    receipt = man.get(f"/me/consents/{record.id}/receipt")

    assert receipt.status == 200, receipt.text[:200]
    assert "มานี" not in receipt.text + page.texts.get("notice", "")


def test_s19_this_was_not_me_ends_the_helper_that_a_thief_chose(site):
    """Who held the phone for ten minutes keeps no helper there: the notice's code ends the link and its consent."""
    agreed(site)
    told = [text for text in texts(site) if alerts.WORDS["guardian_added"][0] in text]
    anybody = site.visitor()
    anybody.get("/not-me")

    page = anybody.send("not-me-form", notice_code=CODE.search(told[0])[0])

    assert "ผู้ช่วย" in page.texts["done"]
    assert [one.ended_at is not None for one in rows(site, Guardianship)] == [True]
    (record,) = [one for one in rows(site, ConsentRecord) if one.purpose == "PROXY"]
    assert [one.record_id for one in rows(site, ConsentWithdrawal)] == [record.id]


def test_a_stranger_finds_nothing(site):
    """Somebody else's helper is not found, by any address."""
    agreed(site)
    (link,) = rows(site, Guardianship)
    (asked,) = rows(site, HelperInvitation)
    other = at_home(site, STRANGER)
    token = other.at.forms["preferences"].fields[0][1]

    assert other.get(f"/me/helpers/{link.id}").status == 404
    assert other.get(f"/me/helpers/invitations/{asked.id}").status == 404
    for path in (f"{link.id}/end", f"invitations/{asked.id}/agree", f"invitations/{asked.id}/accept"):
        assert other.post(f"/me/helpers/{path}", {"csrf": token, "decision": "allow"}).status == 404
    assert rows(site, Guardianship)[0].ended_at is None


def test_family_shows_helpers_and_leads_to_their_page(site):
    """One place for all who act for another."""
    _, woman = agreed(site)
    page = woman.get("/me/family")

    page = woman.get(page.links["ward-1-open"])

    assert page.name == "me_helper"
    (link,) = rows(site, Guardianship)
    assert woman.get(f"/me/family/{link.id}").name == "me_helper"


def test_it_ends_by_the_clock(site):
    """The 30 days that were agreed."""
    _, woman = agreed(site)
    site.clock.tick(30 * DAY + HOUR)

    woman.get("/me/helpers")
    woman.sign_in(DAUGHTER)

    assert "บุญมี" not in woman.get("/me/helpers").text
