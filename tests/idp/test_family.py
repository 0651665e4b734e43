"""PDPA s.20: whose yes counts, both signatures, a no of either, the end by a hand and by the clock."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, update

from consent import notices, purposes, records
from consent.decision import Question, Reason, decide
from consent.errors import NotAllowed, NotFound
from consent.family import cosigning, links
from consent.family.cosigning import Proposal
from consent.family.models import ConsentProposal
from consent.models import ConsentRecord
from idp import directory, family, outbox
from idp.assurance import Aal
from idp.circumstances import ROOMS
from idp.family import Signature
from tests.fakes import DAY, HOUR, NOW, SECOND
from tests.idp.home import BORN, set_up

MIDNIGHT = datetime(2026, 11, 23, 17, tzinfo=UTC)  # 24 November 2026 begins in Bangkok


@pytest.fixture
def home(session, ring, settings):
    """A mother with a child of 8 and one of 15."""
    return set_up(session, ring, settings)


def standing(home, who):
    return records.standing(home.session, home.choice(who).key)


def reason(home, who):
    """What the decision says of the answer that stands, with the guardianship as it is now."""
    stands = standing(home, who)
    choice = home.choice(who)
    recipient = directory.recipient_of(home.session, home.stage.hospital, now=home.now)
    held = stands and stands.guardianship_id and ROOMS.capacity(home.session, stands.guardianship_id, home.now)
    asked = Question(purposes.get(choice.key.purpose), recipient, None, None, home.now, capacity=held or None)
    return decide(asked, stands).reason


def sign(home, who, proposal):
    return family.cosign(home.session, home.ring, proposal.id, by=Signature(home.people[who], Aal.AAL2_1), now=home.now)


def test_s20_under_ten_the_parent_alone_consents(home):
    """PDPA s.20: the record is about the child, by the parent, and ends with the parent's power."""
    record = home.say_yes("mother", "child")

    assert isinstance(record, ConsentRecord)
    assert (record.subject_id, record.actor_id) == (home.people["child"], home.people["mother"])
    assert (record.capacity, record.guardianship_id) == ("parent", home.links["child"].id)
    assert record.expires_at <= home.links["child"].ends_at
    assert reason(home, "child") is Reason.permitted


def test_s20_a_child_under_ten_agrees_to_nothing(home):
    """PDPA s.20: nor would a session help them, if they had one."""
    with pytest.raises(NotAllowed) as refused:
        home.say_yes("child")

    assert refused.value.code == "capacity"


@pytest.mark.parametrize("first", ["mother", "teen"])
def test_s20_from_ten_to_nineteen_both_sign_and_either_may_begin(home, first):
    """PDPA s.20: one yes is nothing; the second makes one record with both names."""
    second = "teen" if first == "mother" else "mother"
    waits = home.say_yes(first, "teen") if first == "mother" else home.say_yes("teen")

    assert isinstance(waits, Proposal)
    assert standing(home, "teen") is None
    assert [one.id for one in family.inbox(home.session, home.people[second], now=home.now)] == [waits.id]
    assert family.inbox(home.session, home.people[first], now=home.now) == []
    assert "cosign_wanted" in home.told(second)

    record = sign(home, second, waits)

    assert {record.actor_id, record.co_actor_id} == {home.people["mother"], home.people["teen"]}
    assert record.actor_id == home.people[first]
    assert {record.capacity, record.co_capacity} == {"self", "parent"}
    assert record.guardianship_id == home.links["teen"].id
    assert record.co_signed_at == home.now
    assert reason(home, "teen") is Reason.permitted


def test_the_second_yes_at_the_service_completes_it_too(home):
    """Either door: the inbox or the service's own consent page."""
    home.say_yes("mother", "teen")

    assert isinstance(home.say_yes("teen"), ConsentRecord)


def test_two_parents_are_no_pair(home):
    """PDPA s.20: with the young person, never about them alone."""
    waits = home.say_yes("mother", "teen")
    other = home.links["teen"]
    home.entrust("teen", guardian="father")

    again = home.say_yes("father", "teen")

    assert isinstance(again, Proposal)
    assert again.id != waits.id
    assert standing(home, "teen") is None
    with pytest.raises(NotFound):
        sign(home, "father", again)
    home.links["teen"] = other


def test_whoever_signed_first_cannot_sign_again(home):
    """Two people, not one twice."""
    waits = home.say_yes("teen")

    with pytest.raises(NotFound):
        sign(home, "teen", waits)
    assert isinstance(home.say_yes("teen"), Proposal)


def test_a_second_yes_to_other_data_begins_anew(home):
    """Both sign the same words for the same data."""
    home.say_yes("mother", "teen")

    assert isinstance(home.say_yes("teen", scopes=("patient/Encounter.rs",)), Proposal)
    assert standing(home, "teen") is None


def test_s20_a_young_persons_no_stands(home):
    """PDPA s.20: a no of either counts at once, and a later yes of the parent alone changes nothing."""
    waits = home.say_yes("mother", "teen")
    by = Signature(home.people["teen"], Aal.AAL1)
    family.decline(home.session, home.ring, home.stage.context.settings, waits.id, by=by, now=home.now)

    assert reason(home, "teen") is Reason.refused
    home.say_yes("mother", "teen")
    assert reason(home, "teen") is Reason.refused


def test_a_no_at_the_service_ends_what_ran_and_what_waited(home):
    """PDPA s.19 and s.20: the consent ends with its letters; the other's signature waits no longer."""
    sign(home, "teen", home.say_yes("mother", "teen"))
    home.say_yes("mother", "teen", lives_for=timedelta(days=1))

    home.say_no("teen")

    assert reason(home, "teen") is Reason.refused
    assert family.inbox(home.session, home.people["teen"], now=home.now) == []


def test_whoever_signed_first_may_take_it_back(home):
    """A yes that waits is nobody's prisoner."""
    waits = home.say_yes("teen")
    with pytest.raises(NotFound):
        family.take_back(home.session, waits.id, person_id=home.people["mother"], now=home.now)

    family.take_back(home.session, waits.id, person_id=home.people["teen"], now=home.now)

    with pytest.raises(NotFound):
        sign(home, "mother", waits)


def test_a_yes_waits_thirty_days_at_most(home):
    """And never longer than the power beside it."""
    waits = home.say_yes("teen")
    late = home.later(timedelta(days=30))

    with pytest.raises(NotFound):
        sign(late, "mother", waits)
    assert isinstance(late.say_yes("mother", "teen"), Proposal)


def test_a_right_of_ones_own_is_the_young_persons_alone(home):
    """A strictly personal act (Civil and Commercial Code s.23): no parent uses it without them."""
    right = {"purpose": "PHR-SENS", "basis": "RIGHT30", "scopes": ("moph.sensitive.hiv",), "aal": "2.2", "ial": "2.1"}
    purpose = home.choice("teen", purpose="EHR-SHARE")
    words = {"categories": ("sensitive_hiv",), "notice": notice_of(home, "PHR-SENS"), "lives_for": None}
    key = {"key": type(purpose.key)(home.people["teen"], home.stage.hospital, "any", "PHR-SENS")}
    said = {**{name: value for name, value in right.items() if name != "purpose"}, **words, **key}

    assert isinstance(home.say_yes("teen", **said), ConsentRecord)
    assert isinstance(home.say_yes("mother", "teen", **said), Proposal)


def notice_of(home, purpose):
    words = {"locale": "th", "recipient_name": "โรงพยาบาลตัวอย่าง", "categories": ("sensitive_hiv",)}
    return notices.current(home.session, purpose, **words)


def test_s20_a_guardian_consents_alone_for_an_incompetent_person(home):
    """PDPA s.20: and the person's own yes is none."""
    home.entrust("ward", kind="guardian", until=date(2027, 6, 30))

    assert isinstance(home.say_yes("mother", "ward"), ConsentRecord)
    with pytest.raises(NotAllowed) as refused:
        home.say_yes("ward")
    assert refused.value.code == "capacity"


def test_s20_a_curator_signs_beside_a_quasi_incompetent_person(home):
    """PDPA s.20: neither alone."""
    home.entrust("ward", kind="curator", until=date(2027, 6, 30))
    waits = home.say_yes("ward")

    assert isinstance(waits, Proposal)
    assert isinstance(sign(home, "mother", waits), ConsentRecord)


def test_nobody_answers_for_a_stranger_or_as_somebody_they_are_not(home):
    """A guardianship is its two people's and its kind's."""
    link = home.links["child"]
    for said in (
        {"actor_id": home.people["father"]},
        {"capacity": "guardian"},
        {"capacity": "self"},
        {"guardianship_id": home.links["teen"].id},
        {"guardianship_id": None},
    ):
        with pytest.raises(NotAllowed) as refused:
            home.say_yes("mother", "child", **said)
        assert refused.value.code == "capacity", said
    assert link.runs_at(home.now)


def test_an_ended_guardianship_withdraws_what_was_agreed_under_it_and_tells_both(home):
    """PDPA s.19, s.20: records end with letters to the services, proposals end, both hear of it."""
    home.say_yes("mother", "child")
    home.end("child")

    assert standing(home, "child").state == "withdrawn"
    letters = home.session.scalars(select(outbox.Letter).where(outbox.Letter.kind == "set")).all()
    assert letters
    assert home.told("mother")[-1] == home.told("child")[-1] == "guardian_ended"
    with pytest.raises(NotAllowed):
        home.say_yes("mother", "child")
    home.end("child")
    assert home.told("child").count("guardian_ended") == 1


def test_the_ward_may_end_it_but_not_what_a_court_has_ordered(home):
    """Both see it and can end it; an order is changed by a court."""
    home.end("teen", by="teen")
    assert not links.get(home.session, home.links["teen"].id).runs_at(home.now)
    home.entrust("ward", kind="guardian", until=date(2027, 6, 30))

    with pytest.raises(NotAllowed) as refused:
        home.end("ward", by="ward")
    assert refused.value.code == "court"
    with pytest.raises(NotFound):
        home.end("ward", by="father")


def test_an_answer_under_a_guardianship_that_has_ended_is_none_even_before_its_withdrawal(home):
    """Asked live: whoever ended it by any other door, the decision sees it at the next use."""
    home.say_yes("mother", "child")
    links.end(home.session, home.links["child"].id, by=family.BY_THE_CLOCK, reason="ended", now=home.now)

    assert reason(home, "child") is Reason.guardian_ended


def test_s20_at_the_twentieth_birthday_power_and_consents_end_at_midnight_in_bangkok(home):
    """PDPA s.20, Civil and Commercial Code s.19: to the second, by the clock, and the person is asked again."""
    home.entrust("kanya")
    sign(home, "kanya", home.say_yes("mother", "kanya"))
    before, after = home.at(MIDNIGHT - SECOND), home.at(MIDNIGHT)

    assert reason(before, "kanya") is Reason.permitted
    assert reason(after, "kanya") in (Reason.of_age, Reason.expired)
    with pytest.raises(NotAllowed):
        after.say_yes("mother", "kanya")
    assert isinstance(after.say_yes("kanya"), ConsentRecord)
    assert reason(after, "kanya") is Reason.permitted


def test_the_worker_writes_down_what_the_clock_has_ended_and_says_so_once(home):
    """A kind word at twenty; grants and proposals of the power go, the person's session stays."""
    home.entrust("kanya")
    home.say_yes("kanya")
    after, settings = home.at(MIDNIGHT), home.stage.context.settings

    assert family.sweep(home.session, home.ring, settings, now=MIDNIGHT - SECOND) == 0
    assert family.sweep(home.session, home.ring, settings, now=MIDNIGHT) == 1
    assert family.sweep(home.session, home.ring, settings, now=MIDNIGHT) == 0
    assert after.told("kanya")[-1] == "turned_twenty"
    assert family.inbox(home.session, home.people["mother"], now=MIDNIGHT) == []


def test_a_young_person_signs_in_only_while_a_parent_stands_beside_them(home):
    """From 10 on, and with a guardianship that runs."""
    can = {
        who: family.may_sign_in(home.session, home.people[who], BORN[who][1], now=home.now)
        for who in ("child", "teen", "kanya")
    }
    assert can == {"child": False, "teen": True, "kanya": False}

    home.end("teen")

    assert not family.may_sign_in(home.session, home.people["teen"], BORN["teen"][1], now=home.now)
    assert family.is_shut_out(home.session, home.ring, home.people["teen"], now=home.now)


def test_a_renewed_guardianship_keeps_what_was_agreed(home):
    """R7: the evidence is looked at again each year; nobody is asked anew for that."""
    home.say_yes("mother", "child")
    newer = home.later(HOUR)
    newer.entrust("child")

    assert reason(newer, "child") is Reason.permitted
    newer.end("child")
    assert standing(newer, "child").state == "withdrawn"


def test_what_was_signed_in_old_words_cannot_be_completed(home, session):
    """A newer version of the notice: nobody completes a yes to words that are no longer shown."""
    waits = home.say_yes("teen")
    session.execute(update(ConsentProposal).values(notice_version=0))
    by = Signature(home.people["mother"], Aal.AAL2_1)

    with pytest.raises(NotAllowed) as refused:
        family.cosign(home.session, home.ring, waits.id, by=by, now=home.now)
    assert refused.value.code == "notice"
    assert family.outdated(home.session, waits.id, by=by, now=home.now)
    assert cosigning.of_ward(home.session, home.people["teen"], now=home.now) == []


def test_each_signature_reaches_the_levels_of_the_row(home):
    """Catalogue rule 4 holds for both."""
    with pytest.raises(NotAllowed) as refused:
        home.say_yes("teen", aal="1")
    assert refused.value.code == "aal_too_low"
    waits = home.say_yes("teen")
    with pytest.raises(NotAllowed) as refused:
        family.cosign(home.session, home.ring, waits.id, by=Signature(home.people["mother"], Aal.AAL1), now=NOW + DAY)
    assert refused.value.code == "aal_too_low"
