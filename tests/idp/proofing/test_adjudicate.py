from itertools import permutations
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.assurance import Ial
from idp.proofing.adjudicate import ACT_OPEN, AGAINST, EVERYTHING, RULES, adjudicate, still_needed
from idp.proofing.evidence import METHODS, Evidence
from tests.fakes import DAY, HOUR, NOW, YEAR

OFFICER = uuid4()
STATED = {"thaid": Ial.IAL2_3, "register": Ial.IAL1_3}


def act(*methods, at=NOW, **more):
    """What was seen of one person at one moment."""
    same = uuid4()
    return [made(method, at=at, act=same, **more) for method in methods]


def made(method, *, at=NOW, stated=None, **more):
    """One item, with whatever its method must have."""
    officer = OFFICER if METHODS[method].staff else None
    level = (stated or STATED.get(method)) if METHODS[method].states else None
    return Evidence(method, "here", at, checked_by=officer, stated=level, **more)


def level(evidence, now=NOW):
    return adjudicate(evidence, now).ial.value


@pytest.mark.parametrize(
    ("methods", "ial", "word"),
    [
        ((), "1.1", "none"),
        (("phone",), "1.1", "phone"),
        (("document",), "1.2", "document"),
        (("document", "face"), "1.2", "document"),
        (("document", "vouch"), "1.2", "document"),
        (("document", "face", "vouch"), "2.1", "vouched"),
        (("card_data",), "1.3", "card_data"),
        (("card_data", "face"), "1.3", "card_data"),
        (("card_chip",), "1.3", "chip"),
        (("card_chip", "card_status"), "1.3", "chip"),
        (("card_status", "face"), "1.1", "none"),
        (("face",), "1.1", "none"),
        (("card_chip", "face"), "2.1", "chip_face"),
        (("card_chip", "card_status", "face"), "2.2", "chip_status_face"),
        (("thaid",), "2.3", "thaid"),
        (("register",), "1.3", "registry"),
    ],
)
def test_each_set_of_evidence_has_its_level(methods, ial, word):
    """THAI.md 3: the table of levels, in whatever order things were seen."""
    for order in permutations(methods):
        verdict = adjudicate(act(*order), NOW)

        assert (verdict.ial.value, verdict.method) == (ial, word)


def test_a_face_of_today_is_not_compared_with_a_card_of_yesterday():
    evidence = [*act("card_chip", at=NOW - DAY), *act("face")]

    assert level(evidence) == "1.3"


def test_two_levels_stand_side_by_side_and_the_stronger_counts():
    verdict = adjudicate([*act("card_chip", "face"), *act("phone", at=NOW + HOUR)], NOW + HOUR)

    assert (verdict.ial, verdict.at) == (Ial.IAL2_1, NOW)


@pytest.mark.parametrize("method", ["thaid", "register"])
def test_a_source_gives_no_more_than_it_states(method):
    assert level(act(method, stated=Ial.IAL1_1)) == "1.1"


def test_thaid_that_states_more_than_it_can_gives_what_it_can():
    assert level(act("thaid", stated=Ial.IAL3)) == "2.3"


def test_a_level_ends_with_the_first_of_its_evidence_to_end():
    same = uuid4()
    card = made("card_chip", act=same, expires_at=NOW + DAY)

    verdict = adjudicate([card, made("face", act=same)], NOW)

    assert verdict.expires_at == NOW + DAY


def test_a_level_falls_to_what_is_left_when_its_card_runs_out():
    evidence = [*act("register"), *act("thaid"), *act("card_chip", "face", expires_at=NOW + 2 * YEAR)]

    assert [level(evidence, NOW + n * YEAR) for n in (0, 1, 2)] == ["2.3", "2.1", "1.3"]


def test_of_two_acts_of_one_level_the_one_that_lasts_longer_stands():
    evidence = [*act("card_chip", expires_at=NOW + YEAR), *act("card_data", expires_at=NOW + DAY)]

    assert adjudicate(evidence, NOW).expires_at == NOW + YEAR


def test_another_face_takes_its_own_act_away_and_nothing_of_before():
    """Who stands there with a stolen card must not take its holder's level."""
    evidence = [*act("card_chip", "face", at=NOW - DAY), *act("card_chip", "card_status")]
    evidence.append(made("face", act=evidence[-1].act, finding="mismatch"))

    assert level(evidence) == "2.1"
    assert level(evidence[2:]) == "1.1"


def test_card_data_of_a_card_in_other_hands_proves_nobody_before_or_after():
    bad = act("face", finding="mismatch")

    assert level([*act("card_data", at=NOW - DAY), *bad]) == "1.1"
    assert level([*bad, *act("card_data", at=NOW + DAY)], NOW + DAY) == "1.1"


@pytest.mark.parametrize("methods", [("thaid",), ("card_chip", "face")])
def test_who_was_seen_afterwards_has_answered_for_the_card(methods):
    """From then on card data count again, also when what answered has run out."""
    found = act("face", finding="mismatch")
    seen = act(*methods, at=NOW + DAY, expires_at=NOW + 2 * DAY)
    later = act("card_data", at=NOW + 3 * DAY)

    assert level([*found, *later], NOW + 3 * DAY) == "1.1"
    assert level([*found, *seen, *later], NOW + 3 * DAY) == "1.3"


def test_a_chip_alone_does_not_answer_for_another_face():
    found = [*act("card_data", at=NOW - DAY), *act("face", finding="mismatch"), *act("card_chip", at=NOW + DAY)]

    assert adjudicate(found, NOW + DAY).method == "chip"
    assert level([one for one in found if one.method != "card_chip"], NOW + DAY) == "1.1"


def test_a_card_that_the_issuer_cancelled_takes_what_was_seen_on_it():
    before = act("card_chip", "face", at=NOW - DAY)

    found = [*before, *act("card_status", finding="not_good")]

    assert (level(before), level(found)) == ("2.1", "1.1")


def test_a_new_card_after_a_cancelled_one_counts_again():
    found = [*act("card_status", finding="not_good"), *act("card_chip", "card_status", "face", at=NOW + DAY)]

    assert level(found, NOW + DAY) == "2.2"


def test_thaid_stands_whatever_the_card_says():
    assert level([*act("thaid"), *act("card_status", finding="not_good")]) == "2.3"


def test_thaid_that_was_revoked_counts_no_more():
    assert level([*act("thaid"), *act("thaid", finding="revoked", at=NOW + DAY)], NOW + DAY) == "1.1"


def test_a_facility_can_take_back_its_word():
    assert level([*act("document", "face", "vouch"), *act("vouch", finding="withdrawn")]) == "1.1"


def test_a_weak_way_back_caps_all_that_was_before_it():
    """RELIABILITY, R8: the level is kept only if R3 or R4 is done again."""
    found = [*act("thaid"), *act("register"), made("recovery", finding="weak", stated=Ial.IAL1_1)]

    assert level(found) == "1.1"
    assert level([*found[:-1], made("recovery", finding="weak", stated=Ial.IAL1_2)]) == "1.2"


def test_a_real_proof_after_a_weak_way_back_counts_in_full_even_at_the_same_moment():
    found = [*act("thaid"), made("recovery", finding="weak", stated=Ial.IAL1_1), *act("card_chip", "face")]

    assert level(found) == "2.1"


@pytest.mark.parametrize("row", AGAINST, ids=lambda row: f"{row.method}:{row.finding}:{row.reach}")
def test_every_finding_against_somebody_is_one_that_its_method_can_have(row):
    assert row.finding in METHODS[row.method].against
    assert row.takes <= set(METHODS)


def test_every_finding_that_a_method_can_have_means_something():
    listed = {(row.method, row.finding) for row in AGAINST}

    assert listed == {(name, finding) for name, method in METHODS.items() for finding in method.against}


@pytest.mark.parametrize(
    ("have", "target", "ways"),
    [
        ((), Ial.IAL1_1, [set()]),
        ((), Ial.IAL1_3, [{"card_chip"}, {"card_data"}, {"thaid"}, {"document", "face", "vouch"}]),
        ((), Ial.IAL2_1, [{"thaid"}, {"card_chip", "face"}, {"document", "face", "vouch"}]),
        ((), Ial.IAL2_3, [{"thaid"}]),
        (("card_chip",), Ial.IAL2_1, [{"face"}, {"thaid"}]),
        (("card_chip", "face"), Ial.IAL2_2, [{"card_status"}, {"thaid"}]),
        (("document", "face"), Ial.IAL2_1, [{"card_chip"}, {"thaid"}, {"vouch"}]),
        (("thaid",), Ial.IAL2_3, [set()]),
        ((), Ial.IAL3, []),
    ],
)
def test_what_else_is_needed_is_each_shortest_way(have, target, ways):
    assert [set(way) for way in still_needed(act(*have), target, NOW)] == ways


def test_an_act_that_is_over_is_not_completed_but_done_again():
    found = act("card_chip", at=NOW - ACT_OPEN - HOUR)

    assert still_needed(found, Ial.IAL2_1, NOW) == still_needed([], Ial.IAL2_1, NOW)


def test_card_data_is_not_asked_for_while_the_card_is_in_other_hands():
    found = act("face", finding="mismatch")

    assert frozenset({"card_data"}) not in still_needed(found, Ial.IAL1_3, NOW)


ITEMS = st.lists(st.sampled_from(sorted(EVERYTHING)), max_size=6)


@given(st.lists(ITEMS, max_size=3))
def test_more_evidence_never_lowers_a_level(acts):
    """What speaks for somebody only ever helps; what lowers a level is a finding or time."""
    evidence = [one for methods in acts for one in act(*methods)]
    levels = [adjudicate(evidence[:n], NOW).ial.rank for n in range(len(evidence) + 1)]

    assert levels == sorted(levels)


@given(ITEMS, st.sampled_from([rule.ial for rule in RULES]))
def test_bringing_what_is_still_needed_reaches_the_level(methods, target):
    have = act(*methods)
    same = have[0].act if have else uuid4()

    for way in still_needed(have, target, NOW):
        brought = [*have, *(made(method, act=same) for method in way)]
        assert adjudicate(brought, NOW).ial >= target
