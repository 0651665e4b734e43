"""A refusal in general at those who ask nobody: the bit of the status list, set and taken back, and never why."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from consent import refusing
from consent.refusing import No
from consent.specificity import Level
from idp import standing_refusals, subjects, withdrawal
from idp.oauth import status_list
from tests.fakes import DAY
from tests.idp.oauth.features.test_status_list import bit
from tests.idp.oauth.stage import ALLERGY, person, set_up
from tests.idp.ward import HERE
from tests.idp.ward import set_up as ward_set_up
from tests.stories.waiting import eventually

SOON = timedelta(seconds=6)  # a list is built anew after 5 s
DATA = f"openid {ALLERGY}"


@pytest.fixture(autouse=True)
def _nothing_kept():
    """Each test has a database of its own, but engines may live at one address."""
    status_list._kept.clear()


@pytest.fixture
def stage(session, ring, settings):
    """A hospital's portal, two holders and a citizen."""
    return set_up(session, ring, settings)


def refuse(stage, no, person=None):
    """They refuse this in general now; its id."""
    context, person = stage.context, person or stage.citizen
    told = {"subject_id": person, "actor_id": person, "aal": "1", "now": context.now}
    return standing_refusals.make(context.session, context.ring, no, **told)


def lift(stage, refusal):
    context, person = stage.context, stage.citizen
    standing_refusals.lift(context.session, refusal, subject_id=person, actor_id=person, now=context.now)


def hospital(stage, **more):
    return No(Level.facility, recipient_id=stage.hospital, **more)


def token(stage, *codes, scope=DATA):
    return stage.tokens(*(codes or ("SIGNIN", "EHR-SHARE")), scope=scope)["access_token"]


def test_a_refusal_sets_the_bit_and_lifting_takes_it_back(stage):
    """Issue 5: it reaches tokens that nobody asks about."""
    access = token(stage)
    assert bit(stage, access) == 0

    refusal = refuse(stage.later(SOON), hospital(stage))
    assert bit(stage.later(2 * SOON), access) == 1
    assert stage.introspect(access)["scope"] == "openid"

    lift(stage.later(2 * SOON), refusal)
    assert bit(stage.later(4 * SOON), access) == 0
    assert ALLERGY in stage.introspect(access)["scope"]


def test_the_list_says_a_refusal_as_it_says_a_withdrawal(stage):
    """DECISIONS: a word of its own (SUSPENDED) would tell every reader of the list that somebody refuses."""
    access = token(stage)
    refusal = refuse(stage, hospital(stage))
    refused = bit(stage.later(SOON), access)
    lift(stage.later(SOON), refusal)
    assert bit(stage.later(2 * SOON), access) == 0

    record = stage.agree("EHR-SHARE")["EHR-SHARE"]
    context = stage.later(2 * SOON).context
    withdrawal.withdraw(
        context.session, context.ring, context.settings, record.id, subject_id=stage.citizen, now=context.now
    )

    assert refused == bit(stage.later(4 * SOON), access) == 1


def test_the_bit_goes_after_a_day_like_that_of_a_grant_that_ended(stage):
    """A bit that stayed would say: not ended, only refused."""
    access = token(stage)
    refuse(stage, hospital(stage))

    assert bit(stage.later(DAY - SOON), access) == 1
    assert bit(stage.later(DAY + SOON), access) == 0


@pytest.mark.parametrize(
    ("no", "expected"),
    [
        ({"purposes": ("EHR-SHARE",)}, 1),
        ({"purposes": ("RES-CONTACT",)}, 0),
    ],
)
def test_only_a_refusal_that_concerns_it_sets_the_bit(stage, no, expected):
    """Issue 5: narrowed to some purposes."""
    access = token(stage)

    refuse(stage, hospital(stage, **no))

    assert bit(stage.later(SOON), access) == expected


def test_what_is_refused_in_part_keeps_its_bit_as_introspection_keeps_it_active(stage):
    """One bit a grant: what still stands must go on."""
    access = token(stage, "SIGNIN", "APPT", "EHR-SHARE", scope=f"{DATA} patient/Appointment.crus")

    refuse(stage, hospital(stage, purposes=("EHR-SHARE",)))

    assert "Appointment" in stage.introspect(access)["scope"]
    assert bit(stage.later(SOON), access) == 0


def test_a_sign_in_alone_is_never_called_invalid(stage):
    """Catalogue rule 12: no refusal may block sign-in."""
    access = token(stage, "SIGNIN", scope="openid")

    refuse(stage, hospital(stage))

    assert bit(stage.later(SOON), access) == 0


def test_a_lifted_refusal_leaves_the_bit_where_another_still_stops_it(stage):
    """Two refusals, one lifted: still nothing may be opened."""
    access = token(stage)
    first = refuse(stage, hospital(stage))
    refuse(stage, hospital(stage, purposes=("EHR-SHARE",)))

    lift(stage, first)

    assert bit(stage.later(SOON), access) == 1


def test_another_s_refusal_touches_no_bit_of_mine(stage, ring):
    """The place belongs to one grant of one person."""
    access = token(stage)
    other = subjects.create(stage.context.session, ring, "3999000010043", person(), now=stage.context.now)

    refuse(stage, hospital(stage), other.id)

    assert bit(stage.later(SOON), access) == 0


def test_a_token_that_is_made_again_takes_the_bit_back(stage):
    """A closer answer since: the list must not call a token invalid that we have just made."""
    made = stage.tokens("SIGNIN", "APPT", "EHR-SHARE", scope=f"{DATA} patient/Appointment.crus offline_access")
    refuse(stage, hospital(stage))
    assert bit(stage.later(SOON), made["access_token"]) == 1
    context = stage.later(SOON).context
    (running,) = refusing.running(context.session, stage.citizen)
    told = {"subject_id": stage.citizen, "actor_id": stage.citizen, "now": context.now}
    assert refusing.lift(context.session, running.id, **told)  # the decision alone: nobody weighed the grant anew

    again = stage.later(2 * SOON).refresh(made["refresh_token"])

    assert again.status == 200, again.body
    assert bit(stage.later(3 * SOON), again.body["access_token"]) == 0


def test_a_clinician_s_grant_is_suspended_for_the_clinician_who_is_refused(session, ring, settings):
    """Issue 5: "not this person". Who treats is known here, so the bit is set although nobody states it."""
    ward = ward_set_up(session, ring, settings)
    visit = ward.open()
    patient = ward.visit(visit).subject_id
    access = ward.token(visit)
    clerk = No(Level.person, person=str(ward.clerk), recipient_id=ward.stage.hospital, hcode=HERE)
    doctor = No(Level.person, person=str(ward.doctor), recipient_id=ward.stage.hospital, hcode=HERE)

    refuse(ward.stage, clerk, patient)
    assert bit(ward.stage.later(SOON), access) == 0

    refuse(ward.stage.later(SOON), doctor, patient)
    assert bit(ward.stage.later(2 * SOON), access) == 1


def test_a_refusal_made_while_another_is_lifted_is_not_lost(sessions, ring, settings):
    """Two acts at once are weighed one after the other, so that the second sees what the first wrote."""
    with sessions.writing() as session:
        stage = set_up(session, ring, settings)
        access = token(stage)
        first = refuse(stage, hospital(stage))
    with ThreadPoolExecutor(1) as another:
        with sessions.writing() as session:
            refuse(within(stage, session), hospital(stage))
            lifted = another.submit(lift_alone, sessions, stage, first)
            eventually(lambda: waits(session), "nobody waited", within_s=10)
        lifted.result()

    with sessions.writing() as session:
        assert bit(within(stage, session).later(SOON), access) == 1


def within(stage, session):
    """The same stage in another transaction."""
    return replace(stage, context=replace(stage.context, session=session))


def lift_alone(sessions, stage, refusal):
    """Lifted in a transaction of its own."""
    with sessions.writing() as session:
        lift(within(stage, session), refusal)


def waits(session):
    """Whether somebody waits for this transaction; SQLite's only writer is waited for by all."""
    if session.get_bind().dialect.name == "sqlite":
        return True
    here = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
    return session.scalar(text(here)) > 0
