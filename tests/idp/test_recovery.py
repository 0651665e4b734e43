"""A lost way in (THAI.md 3b R8): told to the old channels, a wait, an objection that counts, no level for nothing."""

import re
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from consent.audit.log import Actor
from consent.errors import Conflict, NotAllowed
from idp import alerts, recovery, subjects
from idp.assurance import Ial
from idp.contact.limits import Limited
from idp.jobs import Job
from idp.login import factors, pin
from idp.proofing import cases
from idp.proofing.evidence import Evidence
from idp.proofing.sources.fake import SandboxRegistry
from idp.recoveries import Recovery
from idp.subjects import Subject
from tests.fakes import DAY, HOUR, MINUTE, NOW, SECOND
from tests.idp.afar import PHONE, Afar
from tests.idp.oauth.stage import set_up

NEW = "081-234-5678"
NEW_E164 = "+66812345678"
DOCTOR, NURSE = "3999000010183", "3999000010191"


@pytest.fixture
def afar(session, ring, settings):
    """The stage's citizen."""
    return Afar(set_up(session, ring, settings))


@pytest.fixture
def staff(session, ring):
    """Two people who work at a counter."""
    people = SandboxRegistry().people
    return tuple(subjects.create(session, ring, one, people[one], now=NOW).id for one in (DOCTOR, NURSE))


@pytest.fixture
def begin(afar):
    """Ask for a new phone; the code that went there."""

    def begun(typed=NEW, *, now=NOW):
        case = recovery.begin(*afar.what, subject_id=afar.person, typed=typed, now=now)
        assert not isinstance(case, Limited)
        return re.search(r"\d{6}", next(text for to, text in reversed(afar.messages()) if to == NEW_E164))[0]

    return begun


@pytest.fixture
def waiting(afar, begin):
    """A new phone whose code was right."""
    assert recovery.prove(*afar.what, begin(), subject_id=afar.person, now=NOW).outcome == "right"


@pytest.fixture
def approve(afar, staff):
    """Two members of staff saw who it is."""

    def approved(*, new_phone=NEW_E164, shown="2.2", by=staff, now=NOW, subject_id=None):
        facts = {"new_phone": new_phone, "shown": Ial(shown), "staff": by, "hcode": "99001"}
        return recovery.approve(*afar.what, subject_id=subject_id or afar.person, now=now, **facts)

    return approved


def work(afar, *, now):
    """What the worker does when the wait is over."""
    session, *_ = afar.what
    job = session.scalars(select(Job).where(Job.kind == recovery.APPLY)).one()
    recovery.apply(*afar.what, job, now=now)


def phone_of(afar):
    """The phone of record."""
    session, ring, _ = afar.what
    session.expire_all()
    return subjects.profile(session, ring, afar.person).phone


# --- by another bound factor


def test_the_code_goes_to_the_new_phone_alone_and_names_no_link(afar, begin):
    """Nothing is told before the new phone is proved to be in the person's hand."""
    begin()

    ((to, text),) = afar.messages()
    assert to == NEW_E164
    assert not re.search(r"https?:|www|\.th", text)


@pytest.mark.usefixtures("waiting")
def test_a_right_code_begins_the_wait_and_the_old_channels_are_told(session, afar):
    """R8: 24-72 h notice to the old channel."""
    case = recovery.open_case(session, afar.person)

    assert (case.state, case.takes_effect_at, case.code_hash) == ("waiting", NOW + DAY, None)
    assert afar.messages()[-1][0] == PHONE
    assert alerts.WORDS["phone_change_started"][0] in afar.messages()[-1][1]
    assert phone_of(afar) == PHONE


def test_guesses_at_the_code_are_counted_before_they_are_compared(afar, begin):
    """ASVS 6.5.1: five, exact."""
    code = begin()
    wrong = f"{(int(code) + 1) % 10**6:06}"

    tried = [recovery.prove(*afar.what, wrong, subject_id=afar.person, now=NOW) for _ in range(5)]

    assert [one.tries_left for one in tried] == [4, 3, 2, 1, 0]
    assert recovery.prove(*afar.what, code, subject_id=afar.person, now=NOW).outcome == "spent"


def test_the_code_is_good_for_five_minutes_once(afar, begin):
    """O39."""
    code = begin()

    assert recovery.prove(*afar.what, code, subject_id=afar.person, now=NOW + 5 * MINUTE).outcome == "expired"
    assert recovery.prove(*afar.what, code, subject_id=afar.person, now=NOW + 5 * MINUTE - SECOND).outcome == "right"
    assert recovery.prove(*afar.what, code, subject_id=afar.person, now=NOW).outcome == "expired"


def test_a_newer_code_replaces_the_older(afar, begin):
    """Newest only."""
    old, new = begin(), begin(now=NOW + MINUTE)

    if old != new:
        assert recovery.prove(*afar.what, old, subject_id=afar.person, now=NOW + MINUTE).outcome == "wrong"
    assert recovery.prove(*afar.what, new, subject_id=afar.person, now=NOW + MINUTE).outcome == "right"


def test_codes_to_one_phone_are_limited(afar, begin):
    """RELIABILITY 3: 1 in 30 s for each phone."""
    begin()

    assert isinstance(recovery.begin(*afar.what, subject_id=afar.person, typed=NEW, now=NOW), Limited)


def test_one_account_does_not_write_to_many_phones(afar, begin):
    """RELIABILITY 3, toll fraud: eight a day for each person, whatever numbers they type."""
    begin()
    others = [f"081-234-56{n:02}" for n in range(20)]

    asked = [
        recovery.begin(*afar.what, subject_id=afar.person, typed=one, now=NOW + n * HOUR)
        for n, one in enumerate(others, start=1)
    ]

    assert isinstance(recovery.begin(*afar.what, subject_id=afar.person, typed=others[0], now=NOW), Limited)
    assert [isinstance(one, Limited) for one in asked] == [False] * 7 + [True] * 13


@pytest.mark.usefixtures("waiting")
def test_while_one_waits_no_other_begins(afar, approve):
    """Neither by page nor at a counter: a recovery that waits is not overtaken."""
    with pytest.raises(Conflict):
        recovery.begin(*afar.what, subject_id=afar.person, typed=NEW, now=NOW + HOUR)
    with pytest.raises(Conflict):
        approve(now=NOW + HOUR)


@pytest.mark.usefixtures("waiting")
def test_nothing_changes_before_the_wait_is_over(afar):
    """A worker that runs early does nothing."""
    work(afar, now=NOW + DAY - SECOND)

    assert phone_of(afar) == PHONE


@pytest.mark.usefixtures("waiting")
def test_after_the_wait_the_new_phone_counts_and_all_sessions_end(session, afar):
    """ASVS 7.4.3; both phones are told; a second run of the job changes nothing."""
    pin.set_pin(session, afar.person, "482915", now=NOW)
    token = afar.sign_in(now=NOW + DAY)

    work(afar, now=NOW + DAY)
    told = len(afar.messages())
    work(afar, now=NOW + DAY)

    assert phone_of(afar) == NEW_E164
    assert not afar.alive(token, now=NOW + DAY)
    assert factors.available(session, afar.person) == {"pin"}  # what was not lost stays
    assert {to for to, text in afar.messages() if alerts.WORDS["phone_changed"][0] in text} == {PHONE, NEW_E164}
    assert len(afar.messages()) == told
    assert len(afar.told("recovery.done")) == 1
    assert session.scalars(select(Recovery.new_phone)).all() == [None]


@pytest.mark.usefixtures("waiting")
def test_an_objection_in_time_stops_it_for_good(session, afar):
    """R8: cancellable."""
    assert recovery.cancel(session, afar.person, now=NOW + DAY - SECOND, reason="cancelled")

    work(afar, now=NOW + DAY)

    assert phone_of(afar) == PHONE
    assert afar.told("recovery.done") == []
    assert not recovery.cancel(session, afar.person, now=NOW + DAY, reason="cancelled")


@pytest.mark.usefixtures("waiting")
def test_what_is_done_cannot_be_stopped(session, afar):
    """One conditional statement decides."""
    work(afar, now=NOW + DAY)

    assert not recovery.cancel(session, afar.person, now=NOW + DAY, reason="cancelled")
    assert phone_of(afar) == NEW_E164


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize("ial", ["2.3", "2.1"])
def test_a_level_that_needed_a_counter_or_thaid_is_not_carried_over(session, afar, ial):
    """R8: the IAL is kept only if R3 or R4 is done again."""
    _prove(afar, ial, now=NOW - DAY)

    work(afar, now=NOW + DAY)

    assert cases.standing(session, afar.person, now=NOW + DAY).ial is Ial.IAL1_3


@pytest.mark.usefixtures("waiting")
def test_whoever_proved_themselves_again_since_keeps_the_level(session, afar):
    """R4 done while waiting."""
    _prove(afar, "2.3", now=NOW + HOUR)

    work(afar, now=NOW + DAY)

    assert cases.standing(session, afar.person, now=NOW + DAY).ial is Ial.IAL2_3


# --- at a counter


def test_at_a_counter_two_members_of_staff_stand_for_it_in_the_log(afar, approve):
    """Four eyes: both are named, and the place."""
    approve()

    assert [one.codes for one in afar.told("recovery.approved")] == [("way:counter", "hcode:99001")]
    assert len(afar.told("recovery.started")) == 1


@pytest.mark.parametrize("pair", [(0, 0), (0, None), (None, 1)])
def test_nobody_approves_alone_or_for_themselves(session, afar, approve, staff, pair):
    """The two-person rule; in the database as well."""
    by = tuple(afar.person if one is None else staff[one] for one in pair)

    with pytest.raises(NotAllowed):
        approve(by=by)
    assert recovery.open_case(session, afar.person) is None


def test_less_than_the_account_was_opened_with_is_refused(afar, approve):
    """O43."""
    _prove(afar, "2.3", now=NOW)

    with pytest.raises(NotAllowed) as refused:
        approve(shown="1.3")
    assert refused.value.code == "too_weak"


def test_the_lost_phone_gets_no_more_codes_while_the_owner_may_object(session, afar, approve):
    """Whoever found the phone cannot use the wait; the owner's notice goes there all the same."""
    approve()

    assert alerts.sms_frozen(session, afar.person, now=NOW + DAY - SECOND)
    assert PHONE in [to for to, _ in afar.messages()]


def test_a_lost_passkey_alone_leaves_the_phone_as_it_is(session, afar, approve):
    """The phone is in the hand of its owner."""
    approve(new_phone=None)
    assert not alerts.sms_frozen(session, afar.person, now=NOW)

    work(afar, now=NOW + DAY)

    assert phone_of(afar) == PHONE


def test_afterwards_nothing_older_opens_the_account(session, afar, approve):
    """A reset: every way in goes, every session ends, and the account is worth what the counter saw."""
    _prove(afar, "2.3", now=NOW)
    pin.set_pin(session, afar.person, "482915", now=NOW)
    approve(shown="2.2", now=NOW + HOUR)
    token = afar.sign_in(now=NOW + DAY)

    work(afar, now=NOW + DAY + HOUR)

    later = NOW + DAY + HOUR
    assert phone_of(afar) == NEW_E164
    assert factors.available(session, afar.person) == frozenset()
    assert not afar.alive(token, now=later)
    assert not alerts.sms_frozen(session, afar.person, now=later)
    assert cases.standing(session, afar.person, now=later).ial is Ial.IAL2_2


def test_the_wait_is_between_one_and_three_days(settings, afar, approve):
    """R8: 24-72 h."""
    longer = settings.model_copy(update={"recovery_wait": 3 * DAY})
    afar.stage = replace(afar.stage, context=replace(afar.stage.context, settings=longer))

    assert approve().takes_effect_at == NOW + 3 * DAY
    for wrong in ("PT23H59M59S", "PT72H1S"):
        with pytest.raises(ValueError, match="recovery_wait"):
            settings.__class__(**settings.model_dump() | {"recovery_wait": wrong})


@pytest.mark.usefixtures("waiting")
def test_what_is_over_is_forgotten(session, afar):
    """Three months after its end; what waits stays."""
    recovery.purge(session, now=NOW + 200 * DAY)
    assert recovery.open_case(session, afar.person) is not None

    recovery.cancel(session, afar.person, now=NOW, reason="cancelled")
    recovery.purge(session, now=NOW + 90 * DAY + SECOND)
    assert session.scalars(select(Recovery.id)).all() == []


def _prove(afar, ial, *, now):
    session, ring, _ = afar.what
    session.execute(update(Subject).where(Subject.id == afar.person).values(ial_method="registry"))
    session.expire_all()
    evidence = Evidence("thaid", "thaid", now, stated=Ial(ial))
    cases.record(session, ring, subject_id=afar.person, evidence=[evidence], actor=Actor.system("test"), now=now)


def stopped_by_code(afar, approve, times):
    """A counter approves, and a code of a notice stops it, so many times; the moment after."""
    now = NOW
    for _ in range(times):
        approve(now=now)
        assert recovery.cancel(afar.what[0], afar.person, now=now, reason="disowned", by_code=True)
        now += HOUR
    return now


def test_whoever_found_the_phone_stops_a_counter_twice_and_no_more(session, afar, approve):
    """R8: the owner, whom two members of staff saw three times, is not kept out for ever."""
    now = stopped_by_code(afar, approve, recovery.MOST_STOPS)
    approve(now=now)

    assert not recovery.cancel(session, afar.person, now=now, reason="disowned", by_code=True)
    assert recovery.open_case(session, afar.person) is not None


def test_a_strong_sign_in_and_another_counter_stop_it_still(session, afar, approve):
    """Whoever proves more than an old phone is heard; the wait begins anew."""
    now = stopped_by_code(afar, approve, recovery.MOST_STOPS)
    first = approve(now=now)

    second = approve(now=now + HOUR)

    assert (second.takes_effect_at, second.id != first.id) == (now + HOUR + DAY, True)
    assert recovery.cancel(session, afar.person, now=now + HOUR, reason="cancelled")


def test_stops_of_long_ago_count_no_more(session, afar, approve):
    stopped_by_code(afar, approve, recovery.MOST_STOPS)
    later = NOW + recovery.KEPT_FOR + 3 * HOUR

    approve(now=later)

    assert recovery.cancel(session, afar.person, now=later, reason="disowned", by_code=True)


def test_what_another_factor_began_is_stopped_by_a_code_as_often_as_it_is_begun(session, afar, begin, approve):
    """Nobody saw who asked: the old channels have the last word."""
    now = stopped_by_code(afar, approve, recovery.MOST_STOPS)
    assert recovery.prove(*afar.what, begin(now=now), subject_id=afar.person, now=now).outcome == "right"

    assert recovery.cancel(session, afar.person, now=now, reason="disowned", by_code=True)
