"""Every purpose of the catalogue is a row of these tests: asked or told, levels, receivers, life, words, neighbours."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from consent import purposes, records
from consent.access import request_access
from consent.audit import log
from consent.decision import Emergency, Question, Reason, Recipient, Standing, decide
from consent.errors import NotAllowed
from consent.purposes import Kind
from tests.consent.cast import CLINIC, PERSON, choice
from tests.fakes import HOUR, NOW

ALL = purposes.all()
ASKED = [row for row in ALL if row.asks]
TOLD = [row for row in ALL if row.kind is Kind.LAWFUL_NOTICE]
WITHOUT_A_PERSON = [row for row in ALL if row.kind in (Kind.STAFF, Kind.SYSTEM, Kind.PUBLIC)]
RECORD = UUID("019ab000-0000-7000-8000-000000000031")
EVERY_KIND = sorted({kind for row in ALL for kind in row.recipient_kinds} - {"anyone", "own_app"})
RANKS = {"aal": ("1", "2.1", "2.2", "3"), "ial": ("1.1", "1.2", "1.3", "2.1", "2.2", "2.3", "3")}
THAI = range(0x0E01, 0x0E5C)
EMERGENCY = Emergency(NOW - HOUR, NOW + HOUR)

each = pytest.mark.parametrize("row", ALL, ids=lambda row: row.code)
each_asked = pytest.mark.parametrize("row", ASKED, ids=lambda row: row.code)
each_told = pytest.mark.parametrize("row", TOLD, ids=lambda row: row.code)


def recipient(kind, *, licence=True):
    own = kind == "own_app"
    return Recipient(CLINIC, "authority" if own else kind, licence, own, "ผู้รับ", "Receiver")


def fit(row):
    """The first kind that may receive."""
    return recipient(row.recipient_kinds[0]) if row.recipient_kinds else recipient("hospital")


def stands(row):
    """A running answer, or a running notice, as the row has it."""
    state = "given" if row.asks else "noticed"
    return Standing(state, RECORD, NOW + HOUR, NOW, None)


def asked(row, to, *, aal=None, ial=None, standing=None, now=NOW):
    emergency = EMERGENCY if row.code == "BREAKGLASS" else None
    return decide(Question(row, to, aal, ial, now, emergency=emergency), standing or stands(row))


def just_below(kind, level):
    ranks = RANKS[kind]
    return None if level is None or ranks.index(level) == 0 else ranks[ranks.index(level) - 1]


@each
def test_the_row_at_its_levels_for_its_receiver_is_permitted(row):
    """The ground from which each of the other tests takes one thing away."""
    of_staff = row.kind in (Kind.STAFF, Kind.SYSTEM)
    aal, ial = (row.staff_aal, row.staff_ial) if of_staff else (row.citizen_aal, row.citizen_ial)

    assert asked(row, fit(row), aal=aal, ial=ial).permit


@each
def test_below_its_levels_it_is_refused(row):
    """Catalogue rule 4."""
    of_staff = row.kind in (Kind.STAFF, Kind.SYSTEM)
    aal, ial = (row.staff_aal, row.staff_ial) if of_staff else (row.citizen_aal, row.citizen_ial)
    weak_aal, weak_ial = just_below("aal", aal), just_below("ial", ial)

    if weak_aal is not None:
        assert asked(row, fit(row), aal=weak_aal, ial=ial).reason is Reason.aal_too_low
    if weak_ial is not None:
        assert asked(row, fit(row), aal=aal, ial=weak_ial).reason is Reason.ial_too_low


@each
def test_no_kind_of_receiver_beside_those_of_its_row(row):
    """Catalogue rule 5; and a lapsed licence stops every one of them."""
    if row.kind is Kind.PUBLIC:
        assert asked(row, recipient("employer", licence=False)).permit
        return
    for kind in set(EVERY_KIND) - set(row.recipient_kinds):
        assert asked(row, recipient(kind)).reason is Reason.recipient_kind, kind
    assert asked(row, replace(fit(row), licence_valid=False)).reason is Reason.licence_invalid


@each
def test_it_ends_by_the_clock(row):
    """Catalogue rule 6: nothing that rests on a record outlives it."""
    tick = timedelta(microseconds=1)
    over = replace(stands(row), expires_at=NOW)
    verdict = asked(row, fit(row), standing=over)

    if row in WITHOUT_A_PERSON:
        assert verdict.reason is Reason.basis_recorded
    elif row.code == "BREAKGLASS":
        late = Question(row, fit(row), None, None, EMERGENCY.ends_at, emergency=EMERGENCY)
        assert decide(late, stands(row)).reason is Reason.emergency_over
    else:
        assert verdict.reason is Reason.expired
        assert asked(row, fit(row), standing=replace(over, expires_at=NOW + tick)).permit


@each
def test_it_has_its_sentences_in_both_languages(row):
    """PDPA s.19, s.23: title, what it does, what happens on no; Thai in Thai letters."""
    for words in (row.name, row.text, row.if_refused):
        assert any(ord(sign) in THAI for sign in words.th)
        assert words.en.isascii() or "…" in words.en
        assert not any(ord(sign) in THAI for sign in words.en)


@each
def test_it_never_stands_on_one_screen_with_its_enemies(row):
    """Catalogue rule 9: mutual, and in whatever order they are asked."""
    for other in row.never_with:
        assert row.code in purposes.get(other).never_with
        assert purposes.screens([row.code, other]) == [(row.code,), (other,)]
        assert purposes.screens([other, row.code]) == [(other,), (row.code,)]


@each_asked
def test_what_is_asked_is_given_at_its_levels_for_its_life_and_never_told_instead(session, row):
    """PDPA s.19: nobody is told of what must be asked. Catalogue rules 4 and 6: levels at the moment of the answer."""
    answer = choice(session, row.code, aal="3", ial="3")

    for level, floor in (("aal", row.citizen_aal), ("ial", row.citizen_ial)):
        weak = just_below(level, floor)
        if weak is not None:
            with pytest.raises(NotAllowed) as refused:
                records.give(session, replace(answer, **{level: weak}), now=NOW)
            assert refused.value.code == f"{level}_too_low"
    given = records.give(session, answer, now=NOW)
    longest = records.give(session, replace(answer, lives_for=timedelta(days=9999)), now=NOW)

    assert (given.kind, given.explicit) == ("consent" if purposes.is_asked(row.basis) else "right", row.explicit)
    assert given.expires_at - NOW == row.default_life
    assert longest.expires_at - NOW == row.max_life
    assert given.max_uses == row.max_uses
    with pytest.raises(NotAllowed) as refused:
        records.note(session, answer, now=NOW)
    assert refused.value.code == "kind"


@each_told
def test_s24_a_basis_other_than_consent_is_recorded_and_nobody_is_asked(session, row):
    """PDPA s.24: the basis stands in the record; there is no yes to what the law allows, and no no to withdraw."""
    answer = choice(session, row.code, aal="3", ial="3")

    told = records.note(session, answer, now=NOW)

    assert (told.kind, told.basis) == ("notice", row.basis)
    assert told.basis in {"CON", "PUB", "LAW", "TREAT", "PH", "WELF", "RES", "VITAL"}
    for verb in (records.give, records.refuse):
        with pytest.raises(NotAllowed) as refused:
            verb(session, answer, now=NOW)
        assert refused.value.code == "kind"


def test_s24_every_purpose_has_one_basis_in_every_case():
    """PDPA s.24: a basis for each use; consent only where the row has no other."""
    for row in ALL:
        for own_app in (False, True):
            for facility in (False, True):
                assert purposes.basis_for(row, own_app=own_app, facility=facility) in purposes.possible_bases(row)
        if row.kind in (Kind.LAWFUL_NOTICE, Kind.STAFF, Kind.SYSTEM, Kind.PUBLIC):
            assert not any(purposes.is_asked(basis) for basis in purposes.possible_bases(row))


def test_s26_health_data_leave_on_an_act_of_their_own_or_on_a_recorded_exception():
    """PDPA s.26: where a row holds such data, its basis is explicit consent, an exception, or their own right."""
    exceptions = {"TREAT", "PH", "WELF", "RES", "VITAL", "RIGHT30", "LAW", "PUB"}
    for row in ALL:
        sensitive = any(purposes.category(code).s26 for code in row.data_categories)
        for basis in purposes.possible_bases(row) if sensitive else ():
            assert basis == "C26" or basis in exceptions, (row.code, basis)
            assert basis != "C26" or row.explicit, row.code


def test_s26_an_agreement_that_was_no_act_of_its_own_is_none(session):
    """PDPA s.26: explicit, at a level that a stranger with a phone does not reach."""
    for row in (row for row in ASKED if row.basis == "C26"):
        with pytest.raises(NotAllowed) as refused:
            records.give(session, choice(session, row.code, aal="3", ial="3", explicit=False), now=NOW)
        assert refused.value.code == "explicit", row.code
        assert not purposes.reaches("1", row.citizen_aal)


@each_told
def test_s27_a_use_without_consent_is_an_entry_that_the_person_reads(session, row):
    """PDPA s.27: what, to whom, why, on which basis; at the telling, and at each use."""
    to, emergency = fit(row), EMERGENCY if row.code == "BREAKGLASS" else None
    told = records.note(session, choice(session, row.code, aal="3", ial="3"), now=NOW)
    moment = NOW + timedelta(minutes=1)

    access = request_access(
        session,
        subject_id=PERSON,
        recipient=to,
        purposes=[row.code],
        client_id="holder",
        aal=None,
        ial=None,
        event="introspect",
        write=True,
        now=moment,
        emergency=emergency,
    )

    assert access.permit
    use, telling = log.of_subject(session, PERSON)
    assert (telling.event, telling.purpose, telling.basis) == ("disclosure.recorded", row.code, row.basis)
    assert (use.event, use.purpose, use.basis, use.recipient_id) == ("introspect", row.code, row.basis, CLINIC)
    assert use.consent_id == told.id


def test_what_concerns_no_citizens_answer_is_neither_asked_nor_told(session):
    """Catalogue, column kind: staff, systems, open registers."""
    for row in WITHOUT_A_PERSON:
        for verb in (records.give, records.note, records.refuse):
            with pytest.raises(NotAllowed):
                verb(session, choice(session, row.code, aal="3", ial="3"), now=NOW)
