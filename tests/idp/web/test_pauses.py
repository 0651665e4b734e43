"""PDPA s.34 as people meet it: an officer pauses a disputed use, nobody uses it, the person hears before it ends."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from consent import questions
from consent.decision import Reason
from consent.rights import restricting
from consent.rights.clocks import Kind
from idp import alerts, directory, erasure, keeping, restrictions, rights, worker
from idp.jobs import Job
from tests.fakes import MINUTE
from tests.idp.web.stage import SECRET
from tests.idp.web.test_citizen import agreed, redeemed
from tests.idp.web.test_rights import as_officer, asked, back_again, texts
from tests.idp.web.test_staff import events


@pytest.fixture
def somchai(site, visitor):
    """Somchai with one consent (`record`) and its tokens."""
    visitor.record = agreed(site, visitor)
    visitor.tokens = redeemed(site, visitor)
    return visitor


@pytest.fixture
def officer(site):
    """A data protection officer who is not the person concerned."""
    return as_officer(site)


def shown(site, visitor):
    """What the data holder would open by the token now."""
    form = {"token": visitor.tokens["access_token"]}
    answer = site.app.test_client().post("/oauth/introspect", data=form, auth=("holder", SECRET))
    assert answer.status_code == 200
    return answer.get_json()


def heard(site):
    """What the decision says of the use now."""
    with site.work.sessions.reading() as session:
        now = site.clock()
        recipient = directory.recipient_of(session, site.hospital, now=now)
        asked = {"subject_id": site.citizen, "recipient": recipient, "purposes": ["EHR-SHARE"]}
        return questions.look(session, **asked, aal=None, ial=None, now=now).verdict("EHR-SHARE").reason


def active(site):
    """Whether the use goes on."""
    return heard(site) is Reason.permitted


def opened(officer, case_id):
    officer.get(f"/dpo/cases/{case_id}")
    return officer.send("open-form")


def paused(somchai, officer, what="record"):
    """A request about the consent, and the pause that the officer begins; its id."""
    case_id = asked(somchai, "restriction", words="กำลังตรวจสอบ", record=str(somchai.record))
    opened(officer, case_id)
    page = officer.send("pause-form", pause=what)
    assert page.name == "dpo_case", page.text[:200]
    return case_id


@pytest.mark.parametrize("what", ["record", "every", "EHR-SHARE"])
def test_s34_a_paused_use_is_refused_at_the_next_question_and_seen_on_both_sides(site, somchai, officer, what):
    """PDPA s.34: introspection says no while it runs; the person sees it and was told; the officer sees it."""
    assert "patient/Encounter.rs" in shown(site, somchai)["scope"]

    case_id = paused(somchai, officer, what)

    assert "patient/Encounter.rs" not in shown(site, somchai).get("scope", "")
    assert not active(site)
    assert "pauses" in somchai.get("/me/rights").attributes
    assert "paused" in somchai.get(f"/me/consents/{somchai.record}").attributes
    assert "ระงับอยู่" in somchai.get(f"/me/rights/{case_id}").text
    assert "ระงับอยู่" in opened(officer, case_id).text
    assert any(alerts.WORDS["restriction_begun"][0] in text for text in texts(site))


def test_s34_the_pause_ends_three_days_after_it_was_announced(site, somchai, officer):
    """The person hears first, and meanwhile nothing is used; then it goes on without anybody doing anything."""
    case_id = paused(somchai, officer)
    opened(officer, case_id)
    officer.send("announce-1")
    assert any(alerts.WORDS["restriction_ending"][0] in text for text in texts(site))
    assert heard(site) is Reason.restricted
    assert "สิ้นสุด" in somchai.get("/me/rights").texts["pauses"]

    site.clock.tick(restricting.TOLD_BEFORE)
    worker.run_once(site.work)

    assert heard(site) is Reason.expired  # the consent itself ran for a day
    with site.work.sessions.reading() as session:
        assert session.scalars(select(Job.state).where(Job.kind == restrictions.OVER)).all() == ["done"]
    assert "announce-1" not in opened(back_again(site, officer), case_id).forms


def test_s34_the_person_ends_it_themselves_at_once(site, somchai, officer):
    """On their own page, with one button."""
    paused(somchai, officer)
    page = somchai.get("/me/rights")
    (form,) = [name for name in page.forms if name.startswith("end-pause-")]

    somchai.send(form)

    assert active(site)
    assert "pauses" not in somchai.at.attributes
    wrong = page.forms[form].action.replace(page.forms[form].action.split("/")[-2], str(uuid4()))
    assert somchai.post(wrong, dict(page.forms[form].fields)).status == 404


def test_s34_what_is_paused_is_not_erased_either(site, somchai, officer):
    """Neither by an erasure, nor by a rule of retention, however long it runs."""
    paused(somchai, officer)
    with site.work.sessions.writing() as session:
        ring, settings = site.work.rings.at(site.clock()), site.work.settings
        case = rights.ask(session, ring, Kind.erasure, subject_id=site.citizen, now=site.clock())
        later = site.clock() + erasure.REST + MINUTE
        assert "restricted" in erasure.holds(session, site.citizen, now=later, but=case.id)
        with pytest.raises(erasure.NotAllowed) as held:
            erasure.carry_out(session, ring, settings, case.id, by=uuid4(), now=later)
        assert held.value.code == "held"


@pytest.mark.parametrize(("pause", "kept"), [(True, True), (False, False)])
def test_s34_the_words_of_a_paused_request_outlive_their_time(site, somchai, officer, pause, kept):
    """The rule of three years waits until the pause is over for as long."""
    case_id = asked(somchai, "restriction", words="กำลังตรวจสอบ", record=str(somchai.record))
    opened(officer, case_id)
    if pause:
        officer.send("pause-form", pause="record")
        opened(officer, case_id)
    officer.send("answer-form", words="ระงับให้แล้ว")
    with site.work.sessions.writing() as session:
        keeping.purge(session, now=site.clock() + timedelta(days=4 * 365))
        ring = site.work.rings.at(site.clock())
        words = rights.own(session, ring, case_id, subject_id=site.citizen, now=site.clock()).words
    assert bool(words) is kept


def test_a_pause_names_something_and_care_cannot_be_paused(site, somchai, officer):
    """The page asks for a choice; a purpose that the law carries is none."""
    case_id = asked(somchai, "restriction", words="x", record=str(somchai.record))
    opened(officer, case_id)
    for what in ("", "CARE", "nothing"):
        page = officer.send("pause-form", pause=what)
        assert (page.status, "pause-error" in page.attributes) == (400, True), what
    assert active(site)
    assert "restriction.begun" not in {one.event for one in events(site)}


def test_s34_nobody_pauses_on_a_refused_request_or_their_own(site, somchai, officer):
    """A pause rests on a request that is open or was granted."""
    case_id = asked(somchai, "restriction", words="x", record=str(somchai.record))
    opened(officer, case_id)
    officer.send("refuse-form", refusal="not_ours")
    assert "pause-form" not in opened(officer, case_id).forms
    form = {"csrf": dict(officer.at.forms["preferences"].fields)["csrf"], "pause": "every"}
    assert officer.post(f"/dpo/cases/{case_id}/pause", form).status == 400
    assert active(site)


def test_s34_the_service_hears_a_plain_no_and_nobody_is_asked_again(site, somchai, officer):
    """That something is disputed is between the person and us."""
    paused(somchai, officer)
    assert "restrict" not in str(shown(site, somchai))

    somchai.get(site.authorize_url())

    assert somchai.at.status == 303  # nobody is asked; the rest goes on
    assert "restrict" not in somchai.at.url
    denied = [one for one in events(site) if one.event == "restriction.begun"]
    assert len(denied) == 1
