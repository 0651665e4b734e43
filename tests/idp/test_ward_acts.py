"""What a guardian does in a ward's name: read anew at each act, marked with who acted, told to whom it concerns."""

from dataclasses import replace

import pytest

from consent import withdrawal as consent_withdrawal
from consent.audit.log import Actor
from consent.db import new_id
from consent.errors import NotAllowed, NotFound
from consent.family import links
from consent.family.rules import Deed, Needed
from consent.refusing import No
from consent.rights import cases
from consent.rights.clocks import Kind
from consent.specificity import Level
from idp import alerts, disowning, rights, standing_refusals, ward_acts, wards
from idp.family import over
from tests.fakes import MINUTE
from tests.idp.home import set_up


@pytest.fixture
def home(session, ring, settings):
    """A mother with a child of 8 and one of 15."""
    return set_up(session, ring, settings)


def ward(home, who, guardian="mother"):
    """For whom this guardian acts now."""
    told = {"guardian_id": home.people[guardian], "now": home.now}
    return wards.find(home.session, home.ring, home.links[who].id, **told)


def no(home, **facts):
    """A refusal in general of the hospital."""
    return No(Level.facility, recipient_id=home.stage.hospital, hcode="99001", **facts)


def refuse(home, whom, what=None):
    return ward_acts.refuse(home.session, home.ring, whom, what or no(home), aal="aal2.1", now=home.now)


def ask(home, whom, kind=Kind.complaint, words="x"):
    return ward_acts.ask(home.session, home.ring, whom, kind, words=words, now=home.now)


def lift(home, whom, refusal_id):
    return ward_acts.lift(home.session, home.ring, whom, refusal_id, now=home.now)


def running(home, who):
    found = standing_refusals.of_person(home.session, home.ring, home.people[who], now=home.now)
    return [one.view for one in found if one.view.lifted_at is None]


def test_s20_the_power_is_read_anew_at_each_look(home):
    """Ended by a hand, by the clock, of a stranger, or of a closed account: not found."""
    mothers = home.links["child"]
    with pytest.raises(NotFound):
        ward(home, "child", guardian="father")
    with pytest.raises(NotFound):
        wards.find(home.session, home.ring, mothers.id, guardian_id=home.people["mother"], now=mothers.ends_at)
    home.end("child")

    with pytest.raises(NotFound):
        ward(home, "child")


def test_a_chosen_helper_is_nobodys_guardian(home):
    """What a helper may do the person has chosen: none of a guardian's pages is among it."""
    home.entrust("ward", kind="helper")

    with pytest.raises(NotFound):
        ward(home, "ward")


def test_s20_a_parent_names_no_visit_and_no_person_of_a_young_persons_history(home):
    """PDPA s.20, s.37: to choose from a history is to read it."""
    whom = ward(home, "teen")

    for what in (No(Level.visit, visit_id=new_id()), No(Level.person, person=str(new_id()))):
        with pytest.raises(NotFound):
            refuse(home, whom, what)
    assert running(home, "teen") == []


def test_s20_a_curator_takes_back_and_nothing_more(home):
    """Civil and Commercial Code s.34: beside a quasi-incompetent person, never instead of them."""
    home.entrust("ward", kind="curator")
    whom = ward(home, "ward")

    for act in (lambda: refuse(home, whom), lambda: ask(home, whom), lambda: ask(home, whom, Kind.erasure)):
        with pytest.raises(NotFound):
            act()
    with pytest.raises(NotFound):
        ward_acts.copy(home.session, home.ring, whom, now=home.now)
    assert wards.consents(home.session, whom, now=home.now) == []


def test_s20_a_no_of_one_parent_is_not_undone_by_the_other_while_both_act(home):
    """Two parents of a child of 8: the one who refused lifts; once their power has ended, the other may."""
    mothers = ward(home, "child")
    other = home.entrust("child", guardian="father")
    fathers = ward(home, "child", guardian="father")
    made = refuse(home, fathers)

    with pytest.raises(NotAllowed) as refused:
        lift(home, mothers, made)
    assert refused.value.code == "of_others"
    settings, father = home.stage.context.settings, home.people["father"]
    by = Actor.citizen(father)
    ended = links.end(home.session, other.id, by=by, reason="ended", now=home.now)
    over(home.session, home.ring, settings, ended, by=father, now=home.now)

    assert lift(home, mothers, made)
    assert not lift(home, mothers, made)
    assert running(home, "child") == []


def test_s20_a_young_person_is_told_of_each_act_and_a_child_of_eight_of_none(home):
    """PDPA s.20: who has a say hears of it; nobody writes to a child who has none."""
    for who in ("child", "teen"):
        whom = ward(home, who)
        lift(home, whom, refuse(home, whom))
        ask(home, whom)

    assert home.told("teen").count("ward_acted") == 3
    assert "ward_acted" not in home.told("child")


def test_s30_the_answer_is_told_to_the_guardian_who_asked_while_they_act(home):
    """PDPA s.30: a child of 8 has no phone of their own here; who acts no longer hears nothing."""
    case = ask(home, ward(home, "child"))
    officer = home.people["kanya"]
    rights.answer(home.session, home.ring, case.id, words="ok", by=officer, now=home.now)
    assert "ward_answered" in home.told("mother")

    second = ask(home, ward(home, "child"), Kind.rectification)
    home.end("child")
    rights.answer(home.session, home.ring, second.id, words="ok", by=officer, now=home.now)

    assert home.told("mother").count("ward_answered") == 1


def test_s30_who_asked_for_a_ward_does_not_answer_it(home):
    """Nobody handles a request that they made themselves, in whoever's name."""
    case = ask(home, ward(home, "child"))

    with pytest.raises(NotAllowed) as refused:
        rights.answer(home.session, home.ring, case.id, words="ok", by=home.people["mother"], now=home.now)

    assert refused.value.code == "own_case"


def test_s30_a_guardian_does_not_use_up_what_the_young_person_may_ask(home):
    """Ten open requests are ten of one hand."""
    whom = ward(home, "teen")
    for n in range(cases.MOST_OPEN):
        about = cases.About(emergency=new_id())
        told = {"subject_id": whom.id, "actor_id": whom.actor_id, "about": about, "now": home.now}
        rights.ask(home.session, home.ring, Kind.complaint, words=str(n), **told)
    with pytest.raises(NotAllowed):
        ask(home, whom, Kind.objection)

    assert rights.ask(home.session, home.ring, Kind.access, subject_id=whom.id, now=home.now).actor_id is None


def test_s33_an_erasure_for_a_child_is_told_to_both_parents_and_each_can_stop_it(home):
    """PDPA s.20, s.33: it cannot be undone, so a no of either parent ends it."""
    home.entrust("child", guardian="father")
    fathers = ward(home, "child", guardian="father")
    case = ask(home, fathers, Kind.erasure, words="")
    assert "ward_erasure" in home.told("father")
    assert "ward_erasure" in home.told("mother")
    home.links["child"] = links.of_guardian(home.session, home.people["mother"], now=home.now)[0]

    ward_acts.take_back(home.session, ward(home, "child"), case.id, now=home.now)

    assert cases.get(home.session, case.id).state == "taken_back"


def test_s33_the_code_of_the_notice_stops_an_erasure_that_a_thief_asked_for(home):
    """Whoever holds the mother's phone number says "this was not me"."""
    case = ask(home, ward(home, "child"), Kind.erasure, words="")
    notice = next(one for one in alerts.latest(home.session, home.people["mother"]) if one.kind == "ward_erasure")

    disowning._keep_the_data(home.session, notice, now=home.now)

    assert cases.get(home.session, case.id).state == "taken_back"


def test_s30_what_the_other_parent_wrote_is_not_in_the_copy_nor_on_the_page(home):
    """A complaint of one parent about the other is read by who wrote it, and by the officer."""
    home.entrust("child", guardian="father")
    case = ask(home, ward(home, "child", guardian="father"), words="secret of the father")
    home.links["child"] = links.of_guardian(home.session, home.people["mother"], now=home.now)[0]
    mothers = ward(home, "child")

    seen = wards.request(home.session, home.ring, mothers, case.id, now=home.now)
    document = ward_acts.copy(home.session, home.ring, mothers, now=home.now)
    settings = home.stage.context.settings
    with pytest.raises(NotFound):
        ward_acts.papers(home.session, home.ring, settings, mothers, case.id, now=home.now)

    assert (seen.words, seen.answer) == ("", "")
    assert "secret of the father" not in str(document)
    assert document["held"]["rights_case"]
    assert "ward_copy" in home.told("father")


def test_s19_a_guardian_undoes_only_their_own_slip(home):
    """A no of one parent is not undone by the other, nor after a minute, nor once the power has ended."""
    record = home.say_yes("mother", "child")
    settings, mothers = home.stage.context.settings, ward(home, "child")
    ward_acts.withdraw(home.session, home.ring, settings, mothers, record.id, now=home.now)
    assert ward_acts.why_no_undo(home.session, mothers, record, now=home.now) is None
    later = home.now + 2 * MINUTE
    assert ward_acts.why_no_undo(home.session, mothers, record, now=later) == "too_late"
    grown = replace(mothers, who=Needed.both)  # the tenth birthday came in between: two sign
    assert ward_acts.why_no_undo(home.session, grown, record, now=home.now) == "of_others"
    home.entrust("child", guardian="father")
    fathers = ward(home, "child", guardian="father")
    assert ward_acts.why_no_undo(home.session, fathers, record, now=home.now) == "of_others"

    again = ward_acts.undo(home.session, mothers, record.id, aal="2.1", ial="2.1", now=home.now)

    assert again is not None
    assert (again.actor_id, again.subject_id) == (home.people["mother"], home.people["child"])
    assert again.expires_at <= mothers.link.ends_at


def test_s19_what_the_other_parent_took_back_stays_taken_back(home):
    """The mother's yes, the father's no: her button is gone."""
    record = home.say_yes("mother", "child")
    mothers = ward(home, "child")
    home.entrust("child", guardian="father")
    fathers, settings = ward(home, "child", guardian="father"), home.stage.context.settings
    ward_acts.withdraw(home.session, home.ring, settings, fathers, record.id, now=home.now)

    assert consent_withdrawal.may_undo(home.session, record, now=home.now, actor_id=mothers.actor_id) == "of_others"


def test_s20_from_ten_on_the_same_parent_sees_and_does_less(home):
    """The rule of the age, whatever the guardianship says: a list, a copy and an erasure become the child's own."""
    whom = ward(home, "child")
    grown = replace(whom, who=Needed.both)

    assert whom.sees_all
    assert whom.levels == tuple(Level)
    assert not grown.sees_all
    assert not grown.may(Deed.open)
    assert grown.levels == wards.BLIND
