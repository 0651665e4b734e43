"""The consent page: who, what, why, until when, what if not, how to undo; and when somebody is asked once more."""

import re
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from consent import abroad, notices, purposes, records
from consent.models import ConsentRecord
from idp import subjects, withdrawal
from idp.oauth import clients
from idp.subjects import Subject
from tests.fakes import HOUR
from tests.idp.web.stage import CALLBACK, SECRET, person
from tests.idp.web.visitor import PIN

MINUTE = HOUR / 60
ALL = "openid profile email phone address patient/Encounter.rs patient/AllergyIntolerance.rs"
BOTH = ["EHR-SHARE", "CONTACT"]


def asking(site, visitor, scope=ALL, lang="th", **changes):
    """Somebody new at the consent page."""
    visitor.get(f"/?lang={lang}")
    visitor.get(site.authorize_url(scope=scope, **changes))
    if visitor.sign_in().name == "setup_choice":
        visitor.set_pin()
    assert visitor.at.name == "consent"
    return visitor.at


def answered(site, visitor, scope=ALL, lang="th", **changes):
    """Somebody who has agreed to everything that was asked."""
    page = asking(site, visitor, scope, lang, **changes)
    visitor.send("consent-form", "allow", purpose=sorted(asked_on(page)))
    assert visitor.at.name == "continue"
    site.clock.tick(MINUTE)


def nothing_is_asked(site, visitor):
    """Whether the same request goes straight back with a code."""
    return "code=" in visitor.client.get(site.authorize_url(scope=ALL)).headers["Location"]


def publish(site, monkeypatch, code, **texts):
    """A new wording of one purpose."""
    monkeypatch.setitem(purposes._PURPOSES, code, replace(purposes.get(code), **texts))
    with site.work.sessions.writing() as session:
        notices.publish_catalogue(session, now=site.clock())


def reworded(text_th=None, text_en=None, code="EHR-SHARE"):
    """A text of which one language or both are new."""
    row = purposes.get(code)
    return {"text": purposes.Bilingual(text_th or row.text.th, text_en or row.text.en)}


def asked_on(page):
    """The purposes that the page asks about."""
    return {name.removeprefix("ask-") for name in page.texts if name.startswith("ask-")}


def told_on(page):
    """The purposes that it only tells."""
    return {name.removeprefix("notice-") for name in page.texts if name.startswith("notice-")}


def newest(site, code):
    """The newest record of a purpose."""
    with site.work.sessions.reading() as session:
        return session.scalars(
            select(ConsentRecord).where(ConsentRecord.purpose == code).order_by(ConsentRecord.id.desc())
        ).first()


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        (
            "th",
            {
                "who": ("พอร์ทัลตัวอย่าง", "โรงพยาบาลตัวอย่าง", "31 ธันวาคม 2570", "dpo@example.test", "สมชาย ใจสมมติ"),
                "ask-CONTACT": ("somchai@example.test", "010-000-0035", "999/35 หมู่ที่ 99", "ถึง", "ถ้าไม่ยินยอม"),
                "why-EHR-SHARE": ("ให้ผู้ที่รักษาคุณที่นี่ดูประวัติการรักษาของคุณจากที่อื่น",),
                "ask-EHR-SHARE": ("การมารับบริการ", "การแพ้ยาและสิ่งอื่น", "เฉพาะครั้งนี้", "หนึ่งปี"),
                "else-EHR-SHARE": ("คุณยังรับการรักษาได้",),
                "undo": ("ถอนได้ทุกเมื่อ", "ยังชอบด้วยกฎหมาย"),
            },
        ),
        (
            "en",
            {
                "who": ("Example portal", "Example Hospital", "31 December 2027", "dpo@example.test", "Somchai"),
                "ask-CONTACT": ("somchai@example.test", "010-000-0035", "Until", "If you do not agree"),
                "why-EHR-SHARE": ("Lets those treating you here see your records from elsewhere.",),
                "ask-EHR-SHARE": ("visits", "allergies", "This visit only", "One year, until"),
                "else-EHR-SHARE": ("You are still treated",),
                "undo": ("Take it back at any time", "stays lawful"),
            },
        ),
    ],
)
def test_s19_s23_the_page_says_who_what_why_until_when_what_if_not_and_how_to_undo(site, visitor, lang, words):
    """PDPA s.19, s.23: from the page alone, one sentence each, with controller, licence and data protection officer."""
    page = asking(site, visitor, lang=lang)

    for name, said in words.items():
        for one in said:
            assert one in page.texts[name], (name, one)


def test_s19_nothing_is_ticked_beforehand_and_both_answers_look_alike(site, visitor):
    """PDPA s.19: an act of one's own; a no is as easy as a yes."""
    page = asking(site, visitor)

    boxes = re.findall(r'<input type="checkbox"[^>]*name="purpose"[^>]*>', page.html)
    assert len(boxes) == 2
    assert not any("checked" in box for box in boxes)
    assert [page.attributes[one]["class"].split()[0] for one in ("allow", "refuse")] == ["button", "button"]


def test_s19_who_turns_back_shares_nothing_at_all(site, visitor):
    """PDPA s.19: SIGNIN's words say that nothing is sent on turning back, so the page has that button."""
    asking(site, visitor)

    visitor.send("cancel-form", "cancel")

    assert "error=access_denied" in visitor.at.refresh
    assert newest(site, "SIGNIN") is None


def test_s19_what_is_kept_is_what_the_page_said(site, visitor):
    """PDPA s.19: every line of the words that a record rests on could be read on the page."""
    page = asking(site, visitor)
    visitor.send("consent-form", "allow", purpose=BOTH)

    for code in BOTH:
        with site.work.sessions.reading() as session:
            lines = notices.shown(session, newest(site, code).notice_sha256).split("\n")
        for line in lines:
            said = line.partition(": ")[2] if line.startswith(("ผู้รับข้อมูล: ", "ข้อมูล: ")) else line
            assert all(part in page.text for part in said.split(" · ")), line


def test_s21_s22_the_data_of_a_record_are_those_that_its_scopes_open(site, visitor):
    """PDPA s.21, s.22: what is asked for and kept is no wider than what can be read with it."""
    answered(site, visitor)

    assert newest(site, "EHR-SHARE").categories.split() == ["visits", "allergies"]
    assert newest(site, "CONTACT").categories.split() == ["email", "phone", "address"]


def test_s23_a_new_wording_asks_again_and_shows_the_difference_line_by_line(site, visitor, monkeypatch):
    """PDPA s.23: a new version never silently replaces the old consent; only where it changed."""
    answered(site, visitor)
    publish(site, monkeypatch, "EHR-SHARE", **reworded("ให้แพทย์และพยาบาลที่นี่ดูประวัติของคุณ"))

    page = visitor.get(site.authorize_url(scope=ALL))

    assert (asked_on(page), told_on(page)) == ({"EHR-SHARE"}, set())
    said = page.texts["again-EHR-SHARE"]
    assert "เดิม: ให้ผู้ที่รักษาคุณที่นี่ดูประวัติการรักษาของคุณจากที่อื่น" in said
    assert "ตอนนี้: ให้แพทย์และพยาบาลที่นี่ดูประวัติของคุณ" in said
    assert "ถ้าไม่ยินยอม" not in said
    visitor.send("consent-form", "allow", purpose="EHR-SHARE")
    assert newest(site, "EHR-SHARE").notice_version == 2
    assert visitor.get(site.authorize_url(scope=ALL)).name != "consent"


def test_until_the_new_words_are_answered_the_old_answer_goes_on(site, visitor, monkeypatch):
    """PDPA s.19: a consent stands for what it said; who asks silently hears that a person must be asked."""
    answered(site, visitor)
    publish(site, monkeypatch, "EHR-SHARE", **reworded("ข้อความใหม่"))

    answer = visitor.client.get(site.authorize_url(scope=ALL, prompt="none"))

    assert "error=consent_required" in answer.headers["Location"]
    with site.work.sessions.reading() as session:
        states = {one.purpose: one.state for one in records.for_subject(session, site.citizen, now=site.clock())}
    assert states["EHR-SHARE"] == "active"


def test_words_that_this_person_did_not_read_ask_nobody_again(site, visitor, monkeypatch):
    """Issue 5: only where it changed: another language, or a kind of data that was not asked for."""
    answered(site, visitor)
    row = purposes.get("EHR-SHARE")
    publish(site, monkeypatch, "EHR-SHARE", **reworded(text_en="Other words."))
    other = replace(purposes.category("diagnoses"), name=purposes.Bilingual("โรคที่เป็น", "illnesses"))
    monkeypatch.setitem(purposes._CATEGORIES, "diagnoses", other)
    publish(site, monkeypatch, "EHR-SHARE", name=row.name)

    assert nothing_is_asked(site, visitor)
    assert "diagnoses" in row.data_categories


def test_s23_what_is_only_told_is_told_again_in_its_new_words(site, visitor, monkeypatch):
    """PDPA s.23, s.27: no question, but nobody goes on under words that they were not told."""
    answered(site, visitor)
    publish(site, monkeypatch, "SIGNIN", **reworded("ให้บริการนี้รู้ชื่อของคุณ", code="SIGNIN"))

    page = visitor.get(site.authorize_url(scope=ALL))

    assert (asked_on(page), told_on(page)) == (set(), {"SIGNIN"})
    assert "ตอนนี้: ให้บริการนี้รู้ชื่อของคุณ" in page.texts["again-SIGNIN"]
    visitor.send("consent-form", "allow")
    assert visitor.at.name == "continue"


def test_a_new_phone_asks_again_for_what_showed_the_old_one_and_for_nothing_else(site, visitor, ring):
    """Issue 5: changed values ask again by rule; the names and health data are as they were."""
    answered(site, visitor)
    with site.work.sessions.writing() as session:
        subjects.rewrite(session, ring, site.citizen, person(), phone="010-000-0099")

    page = visitor.get(site.authorize_url(scope=ALL))

    assert (asked_on(page), told_on(page)) == ({"CONTACT"}, set())
    assert "010-000-0099" in page.texts["ask-CONTACT"]
    assert "ข้อมูลของคุณเปลี่ยนไป" in page.texts["again-CONTACT"]
    visitor.send("consent-form", "allow", purpose="CONTACT")
    assert nothing_is_asked(site, visitor)


def test_a_kind_of_data_that_was_taken_back_asks_nobody_again(site, visitor, ring):
    """What is left was shown and has not changed; a new value of it still asks."""
    answered(site, visitor)
    subject = {"subject_id": site.citizen, "now": site.clock()}
    with site.work.sessions.writing() as session:
        withdrawal.of_kind(session, ring, site.work.settings, "address", **subject)
    assert newest(site, "CONTACT").categories == "email phone"

    assert nothing_is_asked(site, visitor)
    with site.work.sessions.writing() as session:
        subjects.rewrite(session, ring, site.citizen, person(), phone="010-000-0099")
    assert asked_on(visitor.get(site.authorize_url(scope=ALL))) == {"CONTACT"}


def test_a_record_does_not_tell_the_values_that_were_shown(site, visitor, ring):
    """Only a MAC under the person's own key: equal values of two purposes or people do not look equal."""
    answered(site, visitor)

    kept = newest(site, "CONTACT").values_mac
    assert re.fullmatch("email:[0-9a-f]{32} phone:[0-9a-f]{32} address:[0-9a-f]{32}", kept)
    assert newest(site, "EHR-SHARE").values_mac is None
    with site.work.sessions.writing() as session:
        session.execute(update(Subject).values(data_key=None))
        sealer = subjects.PersonSealer(ring, session)
        with pytest.raises(KeyError):
            sealer.mac(site.citizen, "shown")


@pytest.mark.parametrize(("level", "again"), [("2.1", {"CONTACT", "EHR-SHARE"}), ("1.3", set())])
def test_a_new_proof_asks_again_where_the_person_is_known_better(site, visitor, level, again):
    """Issue 5: who answered while less was proved may have been another; the same level proved anew is not that."""
    answered(site, visitor)
    with site.work.sessions.writing() as session:
        session.execute(update(Subject).values(ial=level, ial_at=site.clock()))

    if not again:
        assert nothing_is_asked(site, visitor)
        return
    page = visitor.get(site.authorize_url(scope=ALL))
    assert (asked_on(page), told_on(page)) == (again, set())
    assert "ระดับที่สูงขึ้น" in page.texts["again-CONTACT"]
    visitor.send("consent-form", "allow", purpose=BOTH)
    assert nothing_is_asked(site, visitor)


def test_s21_a_service_that_asks_for_more_shows_what_is_new(site, visitor):
    """PDPA s.21: more data are another question; what was agreed already stands beside it."""
    answered(site, visitor, "openid patient/Encounter.rs", lang="en")

    page = visitor.get(site.authorize_url(scope="openid patient/Encounter.rs patient/AllergyIntolerance.rs"))

    assert asked_on(page) == {"EHR-SHARE"}
    assert "Before: visits" in page.texts["again-EHR-SHARE"]
    assert "Now: visits · allergies" in page.texts["again-EHR-SHARE"]


def test_an_answer_that_ran_out_by_the_clock_says_so(site, visitor):
    """Catalogue rule 6: no job ends it; the page of the next request says why it asks."""
    answered(site, visitor, "openid patient/Encounter.rs", lang="en")
    site.clock.tick(25 * HOUR)
    visitor.get(site.authorize_url(scope="openid patient/Encounter.rs"))
    if visitor.sign_in().name == "step_up":
        visitor.get(visitor.at.links["use-pin"])
    page = visitor.send("pin-form", pin=PIN)

    assert page.name == "consent"
    assert "has run out" in page.texts["again-EHR-SHARE"]


@pytest.mark.parametrize("life", ["P1D", "P365D"])
def test_one_visit_or_one_year_is_the_persons_choice(site, visitor, life):
    """Catalogue rule 6: it starts at the shortest; a year only if it was chosen."""
    page = asking(site, visitor)
    assert re.search(r'value="P1D" checked', page.html)

    visitor.send("consent-form", "allow", purpose="EHR-SHARE", **{"life-EHR-SHARE": life})

    record = newest(site, "EHR-SHARE")
    assert (record.expires_at - record.given_at).days == int(life[1:-1])


def abroad_service(site, **facts):
    with site.work.sessions.writing() as session:
        clients.register(
            session,
            client_id="far",
            name_th="แอปไกล",
            name_en="Far app",
            kind="web",
            legal_entity_id=site.hospital,
            purposes={"SIGNIN": ["openid"], "NOTIFY": []},
            redirect_uris=[CALLBACK],
            secret=SECRET,
            now=site.clock(),
            **facts,
        )


@pytest.mark.parametrize(
    ("lang", "country"),
    [("th", "ข้อมูลจะออกนอกประเทศไทย ไปยังสิงคโปร์"), ("en", "Your data leave Thailand, for Singapore.")],
    ids=["th", "en"],
)
def test_s28_a_service_that_keeps_data_abroad_says_country_and_safeguard_before_the_answer(
    site, visitor, lang, country
):
    """PDPA s.28, s.29: on the page, in the words that are kept, and in the record; for what is told as well."""
    abroad_service(site, xb_country="SG", xb_safeguard="contract")
    safeguard = abroad.safeguard("contract").text.in_(lang)
    page = asking(site, visitor, "openid purpose:NOTIFY", lang=lang, client_id="far")

    for name in ("abroad-NOTIFY", "notice-SIGNIN"):
        assert country in page.texts[name]
        assert safeguard in page.texts[name]
    assert abroad.of_purpose("NOTIFY").sentence(lang) in page.texts["abroad-NOTIFY"]
    visitor.send("consent-form", "allow", purpose="NOTIFY")

    record = newest(site, "NOTIFY")
    assert (record.xb_country, record.xb_safeguard) == ("JP SG", "none contract")
    with site.work.sessions.reading() as session:
        kept = notices.shown(session, record.notice_sha256)
    assert country in kept
    assert safeguard in kept


def test_s28_a_service_that_moves_abroad_asks_again_and_one_that_comes_home_does_not(site, visitor):
    """PDPA s.28: nobody's data leave under words that named no country; what is only told is told again."""
    answered(site, visitor)
    move(site, "SG", "contract")

    page = visitor.get(site.authorize_url(scope=ALL))

    assert (asked_on(page), told_on(page)) == ({"CONTACT", "EHR-SHARE"}, {"SIGNIN"})
    assert "ไปยังประเทศอื่น" in page.texts["again-CONTACT"]
    assert "สิงคโปร์" in page.texts["abroad-EHR-SHARE"]
    visitor.send("consent-form", "allow", purpose=BOTH)
    assert nothing_is_asked(site, visitor)
    move(site, None, None)
    assert nothing_is_asked(site, visitor)


def move(site, country, safeguard):
    """The portal keeps its data there from now on."""
    with site.work.sessions.writing() as session:
        clients.move_abroad(session, "portal", country=country, safeguard=safeguard, now=site.clock())


def test_what_stays_in_thailand_has_no_such_sentence(site, visitor):
    """A warning that stands everywhere warns of nothing."""
    page = asking(site, visitor)

    assert not any(name.startswith("abroad-") for name in page.texts)
    visitor.send("consent-form", "allow", purpose=BOTH)
    assert (newest(site, "CONTACT").xb_country, newest(site, "CONTACT").xb_safeguard) == (None, None)
