"""An adult chooses a helper: nothing before the last yes, what was entrusted and no more, and either end at once."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from consent import records, withdrawal
from consent.audit import log
from consent.errors import Conflict, NotAllowed, NotFound
from consent.family import helping, invitations, links
from consent.family.helping import Wanted
from consent.family.models import Guardianship, HelperInvitation
from consent.models import ConsentRecord
from idp import erasure, family, representatives, subjects
from idp import withdrawal as stories
from idp.assurance import Ial
from idp.directory.models import LegalEntity
from idp.representatives import Hand, Standpoint
from idp.subjects import Subject
from tests.fakes import DAY, HOUR, MINUTE, NOW
from tests.idp.home import set_up

SEE = Wanted(("see",), ("record",), 30)
ALL = Wanted(("see", "answer", "withdraw"), ("record", "care"), 365)
WORDS = ("ให้ผู้ช่วยดูประวัติสุขภาพ",)


@pytest.fixture
def home(session, ring, settings):
    """The family; the father is the mother's choice, and both are known well."""
    found = set_up(session, ring, settings)
    contacts = {"controller_contact": "c@example.test", "dpo_contact": "dpo@example.test"}
    session.add(LegalEntity(name_th="ศูนย์ตัวอย่าง", name_en="Sample", kind="own_app", own_app=True, **contacts))
    session.flush()
    session.execute(update(Subject).where(Subject.id == found.people["father"]).values(ial="2.1"))
    session.execute(update(Subject).where(Subject.id == found.people["ward"]).values(ial="2.1"))
    return found


def invited(home, wanted=SEE, who="father"):
    """A code of somebody who looks for a helper."""
    return representatives.invite(home.session, home.ring, wanted, person_id=home.people[who], now=home.now)


def taken(home, code, by="mother"):
    """The invitation that a typed code leads to."""
    return representatives.take(home.session, home.ring, code, person_id=home.people[by], now=home.now)


def accepted(home, wanted=SEE):
    """The mother has typed the father's code and said yes."""
    found = taken(home, invited(home, wanted))
    representatives.accept(home.session, home.ring, found, person_id=home.people["mother"], now=home.now)
    return found


def agreed(home, found, by="father", **changes):
    """The father's own yes."""
    notice = representatives.notice(home.session, locale="th", details=WORDS, now=home.now)
    told = {"person_id": home.people[by], "hand": Hand("2.1"), "notice": notice, "now": home.now, **changes}
    return representatives.agree(home.session, home.ring, found, **told)


def helped(home, wanted=SEE):
    """The mother is the father's helper."""
    home.links["father"] = agreed(home, accepted(home, wanted))
    return home.links["father"]


def proxy_records(home):
    """The consents to PROXY, in the order given."""
    of_proxy = select(ConsentRecord).where(ConsentRecord.purpose == "PROXY").order_by(ConsentRecord.id)
    return home.session.scalars(of_proxy).all()


@pytest.mark.parametrize(
    ("sent", "wanted", "errors"),
    [
        ((["see"], ["record"], "30"), SEE, {}),
        ((["answer"], ["record"], "30"), Wanted(("see", "answer"), ("record",), 30), {}),
        ((["withdraw"], ["care", "record"], "365"), Wanted(("withdraw",), ("record", "care"), 365), {}),
        (([], ["record"], "30"), None, {"may": "required"}),
        ((["see"], ["everything"], "30"), None, {"kinds": "required"}),
        ((["see"], ["record"], "3650"), None, {"days": "required"}),
    ],
)
def test_a_form_says_what_is_entrusted_or_what_is_missing(sent, wanted, errors):
    """Who answers also sees; nothing outside the lists is entrusted, and nothing beyond a year."""
    assert helping.read(*sent) == (wanted, errors)


def test_no_kind_holds_what_nobody_entrusts_here():
    """Catalogue README: research, employers, who somebody is, and choosing helpers stay the person's own."""
    entrusted = {code for codes in helping.KINDS.values() for code in codes}

    assert entrusted.isdisjoint({"PROXY", "PID", "DEMO", "CONTACT", "RES-DEID", "RES-CONTACT", "CERT-JOB", "SIGNIN"})


@pytest.mark.parametrize(
    ("years", "decides", "ial", "why"),
    [
        (70, True, Ial.IAL2_1, None),
        (None, True, Ial.IAL2_1, None),
        (19, True, Ial.IAL2_1, "under_age"),
        (20, True, Ial.IAL2_1, None),
        (40, False, Ial.IAL2_1, "decides"),
        (40, True, Ial.IAL1_3, "level"),
    ],
)
def test_who_chooses_a_helper_or_is_one(years, decides, ial, why):
    """PURE: adults who decide alone, at the level of the row."""
    assert representatives.refusal(Standpoint(years, decides, ial)) == why


def test_nothing_begins_before_the_person_has_seen_the_name_and_agreed(home):
    """The code is worth nothing, the helper's yes is worth nothing; the consent alone begins it."""
    found = accepted(home)
    assert links.of_ward(home.session, home.people["father"], now=home.now) == []
    assert home.told("father") == ["helper_waits"]

    link = agreed(home, found)

    assert (link.kind, link.may, link.needed) == ("helper", "see", "self_alone")
    assert link.purposes.split() == list(helping.KINDS["record"])
    assert link.ends_at == home.now + timedelta(days=30)
    (record,) = proxy_records(home)
    assert (record.basis, record.explicit, record.guardianship_id) == ("C26", True, link.id)
    assert record.expires_at == link.ends_at
    assert home.told("father")[-1] == home.told("mother")[-1] == "guardian_added"
    told = {entry.event for entry in log.of_subject(home.session, home.people["father"])}
    assert {"helper.invited", "helper.accepted", "consent.given", "guardian.added"} <= told


def test_the_helper_has_not_said_yes(home):
    """A code that was typed is no yes."""
    found = taken(home, invited(home))

    with pytest.raises(NotAllowed) as refused:
        agreed(home, found)

    assert refused.value.code == "waits"


def test_a_code_is_typed_once(home):
    """One conditional statement: the second hand finds nothing, and neither does the one who made it."""
    code = invited(home)
    assert taken(home, code, by="father") is None
    assert taken(home, code.lower().replace("-", " ")) is not None

    assert taken(home, code, by="ward") is None


def test_a_code_grows_old(home):
    """24 hours."""
    code = invited(home)

    assert taken(home.later(24 * HOUR), code) is None


def test_a_new_code_ends_the_older_one(home):
    """Of one person one invitation waits."""
    older = invited(home)
    newer = invited(home)

    assert taken(home, older) is None
    assert taken(home, newer) is not None


def test_what_was_called_back_begins_nothing(home):
    """The person changes their mind after the helper's yes."""
    found = accepted(home)
    representatives.turn_down(home.session, found, person_id=home.people["father"], now=home.now)

    with pytest.raises(NotFound):
        agreed(home, found)

    rows = home.session.scalars(select(HelperInvitation.outcome)).all()
    assert rows == ["refused"]


def test_a_second_tap_begins_nothing(home):
    """One conditional statement."""
    found = accepted(home)
    asked = invitations.own(home.session, found, home.people["father"], now=home.now)
    agreed(home, found)

    with pytest.raises(Conflict):
        invitations.begin(home.session, asked, link_id=asked.id, ends_at=home.now + HOUR, now=home.now)


def test_only_the_two_find_it_and_each_says_only_their_own_yes(home):
    """A stranger finds nothing, and the helper does not agree for the person."""
    found = accepted(home)

    for by in ("ward", "mother"):
        with pytest.raises(NotFound):
            agreed(home, found, by=by)
    with pytest.raises(NotFound):
        representatives.accept(home.session, home.ring, found, person_id=home.people["father"], now=home.now)


def test_no_child_is_a_helper_and_nobody_below_the_level(home):
    """Catalogue row PROXY: IAL 2.1 of both, when they say yes and again at the last one."""
    found = taken(home, invited(home), by="teen")
    with pytest.raises(NotAllowed) as young:
        representatives.accept(home.session, home.ring, found, person_id=home.people["teen"], now=home.now)
    found = accepted(home)
    home.session.execute(update(Subject).where(Subject.id == home.people["mother"]).values(ial="1.3"))
    home.session.expire_all()
    with pytest.raises(NotAllowed) as low:
        agreed(home, found)

    assert (young.value.code, low.value.code) == ("under_age", "level")


def test_nobody_is_a_helper_twice_of_the_same_person(home):
    """The older one is ended first, by either of them."""
    helped(home)
    found = taken(home, invited(home))

    with pytest.raises(NotAllowed) as refused:
        representatives.accept(home.session, home.ring, found, person_id=home.people["mother"], now=home.now)

    assert refused.value.code == "already"


def given(home, purpose="EHR-SHARE", **changes):
    """The father's own consent, or his helper's."""
    return home.say_yes("father", purpose=purpose, **changes)


def own(home):
    """The father's own consent to the hospital."""
    return family.answer(
        home.session,
        home.ring,
        replace(home.choice("father"), capacity="self", guardianship_id=None),
        now=home.now,
    )


def test_who_may_see_opens_what_the_person_has_allowed_and_nothing_is_asked_of_them(home):
    """`see`: the token is about the person, by the helper's hand, and says until when."""
    helped(home)
    own(home)

    token = home.tokens("father")

    assert home.active(token["access_token"])


def test_what_was_not_entrusted_is_not_opened(home):
    """A consent that stands for the person opens nothing to a helper chosen for something else."""
    helped(home, replace(SEE, kinds=("care",)))
    own(home)

    assert not home.act("father").granted


def test_who_may_only_see_agrees_to_nothing(home):
    """`see` is no `answer`: not asked, and refused if tried."""
    helped(home)

    assert not home.act("father").granted
    with pytest.raises(NotAllowed) as refused:
        home.say_yes("mother", "father")
    with pytest.raises(NotAllowed):
        home.say_no("mother", "father")
    assert refused.value.code == "capacity"


def test_who_may_answer_agrees_in_the_persons_name_as_a_helper(home):
    """C26 with the capacity, the link and an end that is no later than the link's."""
    link = helped(home, ALL)

    record = home.say_yes("mother", "father")

    assert (record.subject_id, record.actor_id) == (home.people["father"], home.people["mother"])
    assert (record.capacity, record.guardianship_id) == ("helper", link.id)
    assert record.expires_at <= link.ends_at
    assert home.active(home.tokens("father")["access_token"])


def test_the_end_by_either_stops_tokens_and_takes_back_what_was_agreed(home):
    """At the next question; the consent to PROXY is withdrawn with it."""
    helped(home, ALL)
    share = home.say_yes("mother", "father")
    token = home.tokens("father")["access_token"]

    home.end("father", by="mother")

    assert not home.active(token)
    ended = {view.purpose for view in records.for_subject(home.session, home.people["father"], now=home.now)}
    states = {view.purpose: view.state for view in records.for_subject(home.session, share.subject_id, now=home.now)}
    assert {"PROXY", "EHR-SHARE"} <= ended
    assert states["PROXY"] == states["EHR-SHARE"] == "withdrawn"


def test_withdrawing_the_consent_anywhere_ends_the_helper_at_once(home):
    """PDPA s.19: the page "my consents" is enough, and its undo brings no helper back."""
    link = helped(home, ALL)
    home.say_yes("mother", "father")
    token = home.tokens("father")["access_token"]
    (record,) = proxy_records(home)

    told = {"subject_id": home.people["father"], "now": home.now}
    stories.withdraw(home.session, home.ring, home.stage.context.settings, record.id, **told)

    assert not home.active(token)
    ended = links.get(home.session, link.id)
    assert ended.end_reason == "consent_ended"
    assert withdrawal.may_undo(home.session, record, now=home.now) == "of_others"
    with pytest.raises(NotAllowed):
        home.say_yes("mother", "father")
    assert home.told("mother")[-1] == "guardian_ended"


def test_the_helpers_answer_dies_with_the_link_in_the_decision_itself(home):
    """Even where nobody wrote the end of the consent down: capacity is asked at every use."""
    link = helped(home, ALL)
    home.say_yes("mother", "father")
    capacity = links.capacity(home.session, link.id, home.now + 366 * DAY)

    assert capacity.ended


def test_what_was_entrusted_is_asked_at_every_use_and_not_only_at_the_door(home):
    """A token of before opens nothing once the link covers something else."""
    link = helped(home)
    own(home)
    token = home.tokens("father")["access_token"]
    assert home.active(token)

    home.session.execute(update(Guardianship).where(Guardianship.id == link.id).values(purposes="APPT"))

    assert not home.active(token)


def test_the_clock_ends_it(home):
    """The days that were agreed, and no later."""
    helped(home)
    own(home)
    token = home.tokens("father")["access_token"]
    later = home.later(30 * DAY - MINUTE)

    assert links.of_guardian(home.session, home.people["mother"], now=later.now)[-1].kind == "helper"
    after = home.later(30 * DAY)
    assert "helper" not in {one.kind for one in links.of_guardian(home.session, home.people["mother"], now=after.now)}
    assert not after.active(token)


def test_who_may_take_back_does_and_nothing_else(home):
    """`withdraw`: what was entrusted; the entry says by whose hand; a stranger's consent is not found."""
    link = helped(home, Wanted(("withdraw",), ("record",), 30))
    share = own(home)
    settings = home.stage.context.settings
    assert representatives.seen(home.session, link) == []

    representatives.withdraw(home.session, home.ring, settings, link, share.id, now=home.now)

    entry = next(e for e in log.of_subject(home.session, home.people["father"]) if e.event == "consent.withdrawn")
    assert entry.actor_kind == "citizen"
    assert entry.actor != entry.subject
    (proxy,) = proxy_records(home)
    with pytest.raises(NotFound):
        representatives.withdraw(home.session, home.ring, settings, link, proxy.id, now=home.now)


def test_who_may_only_see_takes_nothing_back(home):
    """The same answer as for what does not exist."""
    link, share = helped(home), own(home)

    with pytest.raises(NotFound):
        representatives.withdraw(home.session, home.ring, home.stage.context.settings, link, share.id, now=home.now)


def test_a_helper_does_not_hear_what_another_helper_did(home):
    """Two are chosen for different things: what one agreed to is no business of the other, nor laid at their door."""
    first = helped(home, ALL)
    found = taken(home, invited(home, replace(SEE, kinds=("papers",))), by="ward")
    representatives.accept(home.session, home.ring, found, person_id=home.people["ward"], now=home.now)
    second = agreed(home, found)
    home.say_yes("mother", "father")
    home.active(home.tokens("father")["access_token"])

    assert {"consent.given", "token.issued"} <= {one.event for one in representatives.acts(home.session, first)}
    assert representatives.acts(home.session, second) == []


def test_what_a_thief_chose_ends_when_the_person_says_it_was_not_them(home):
    """The code of the notice: the helper of since then, the other way round too, and what waits; no older one."""
    older = helped(home, ALL)
    later = home.later(HOUR)
    found = taken(later, invited(later), by="ward")
    representatives.accept(home.session, home.ring, found, person_id=home.people["ward"], now=later.now)
    newer = agreed(later, found)
    code, settings = invited(later), home.stage.context.settings
    told = {"since": later.now, "now": later.later(HOUR).now}

    count = representatives.disown(home.session, home.ring, settings, home.people["father"], **told)

    assert count == 1
    assert links.get(home.session, newer.id).ended_at is not None
    assert links.get(home.session, older.id).ended_at is None
    assert [one.state for one in records.for_subject(home.session, home.people["father"], now=told["now"])].count(
        "withdrawn"
    ) == 1
    assert taken(later, code) is None
    assert representatives.disown(home.session, home.ring, settings, home.people["father"], **told) == 0


@pytest.mark.parametrize("gone", ["father", "mother"])
def test_s33_who_is_erased_waits_for_no_helper_and_nobody_for_them(home, gone):
    """The other one's page finds nothing to answer, instead of somebody who is no more."""
    found = accepted(home)
    erasure.erase(home.session, home.ring, home.stage.context.settings, home.people[gone], now=home.now)

    assert invitations.of_guardian(home.session, home.people["mother"], now=home.now) == []
    with pytest.raises(NotFound):
        agreed(home, found)


def test_a_court_ends_chosen_helpers_on_both_sides(home):
    """Civil and Commercial Code s.826: who is put under a guardian has chosen nobody, and is nobody's helper."""
    helped(home)
    representatives.end_all(home.session, home.ring, home.stage.context.settings, home.people["mother"], now=home.now)

    assert links.of_ward(home.session, home.people["father"], now=home.now) == []


def test_what_is_over_for_a_month_is_forgotten(home):
    """The worker drops invitations; a link stays as evidence."""
    helped(home)
    invited(home)

    assert invitations.purge(home.session, now=NOW + 32 * DAY) == 2
    assert proxy_records(home)


def test_an_unknown_person_needs_no_year_of_birth(home):
    """An unknown age never makes somebody a minor."""
    born = subjects.profile(home.session, home.ring, home.people["father"]).birth_date
    assert born
    assert representatives.against(home.session, home.ring, home.people["father"], now=home.now) is None
