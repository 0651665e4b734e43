"""What a clinician may still do under a visit, and which visits are open."""

from dataclasses import replace
from datetime import date
from uuid import uuid4

import pytest

from consent.errors import NotFound
from idp import visits
from idp.assurance import Aal, Ial
from idp.visits import Treatment, may_treat
from tests.fakes import DAY, HOUR, NOW, SECOND
from tests.idp.ward import HERE, THERE, set_up

GOOD = Treatment(
    visit_id=uuid4(),
    patient_id=uuid4(),
    recipient_id=uuid4(),
    hcode=HERE,
    ial="1.3",
    ends_at=NOW + HOUR,
    ended_at=None,
    patient_status="active",
    licensed_until=date(2027, 1, 1),
    practises=True,
    licence=True,
)


@pytest.fixture
def ward(session, ring, settings):
    """A hospital with a clerk and a doctor."""
    return set_up(session, ring, settings)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"ended_at": NOW}, "visit_over"),
        ({"ends_at": NOW}, "visit_over"),
        ({"ends_at": NOW + SECOND}, None),
        ({"patient_status": "closed"}, "patient_closed"),
        ({"patient_status": "deceased"}, "patient_closed"),
        ({"licensed_until": None}, "facility_licence"),
        ({"licensed_until": date(2026, 11, 22)}, "facility_licence"),
        ({"licensed_until": date(2026, 11, 23)}, None),
        ({"practises": False}, "not_practitioner"),
        ({"licence": False}, "licence"),
    ],
)
def test_each_thing_that_care_rests_on_ends_it(changes, reason):
    """Visit, patient, facility, role, licence: the first that is gone is the reason; days are Bangkok's."""
    assert replace(GOOD, **changes).stopped_at(NOW) == reason


@pytest.mark.parametrize(
    ("aal", "ial", "may"),
    [
        (Aal.AAL2_2, Ial.IAL2_1, True),
        (Aal.AAL2_1, Ial.IAL2_1, True),
        (Aal.AAL1, Ial.IAL2_1, False),
        (Aal.AAL2_2, Ial.IAL1_3, False),
    ],
)
def test_staff_reach_the_levels_of_the_row(aal, ial, may):
    """Catalogue row CARE: staff_ial 2.1, staff_aal 2.1."""
    assert may_treat("CARE", aal, ial) is may


def test_a_visit_lasts_a_day_at_most(ward):
    """Catalogue row CARE: PT24H."""
    visit = ward.visit(ward.open())

    assert visit.ends_at - visit.opened_at == DAY
    assert visit.runs_at(NOW + DAY - SECOND)
    assert not visit.runs_at(NOW + DAY)


def test_a_visit_ends_once(ward):
    """One conditional update: whoever is second changes nothing."""
    visit_id = ward.open()

    ends = [visits.end(ward.session, visit_id, reason="ended", now=NOW + n * SECOND) for n in (1, 2)]

    assert ends == [True, False]
    assert ward.visit(visit_id).ended_at == NOW + SECOND


def test_another_facilitys_visit_is_not_found(ward):
    """The same answer as for one that does not exist."""
    visit_id = ward.open()

    assert visits.at(ward.session, visit_id, HERE).id == visit_id
    for asked, place in ((visit_id, THERE), (uuid4(), HERE)):
        with pytest.raises(NotFound):
            visits.at(ward.session, asked, place)


def test_the_list_masks_numbers_and_leaves_out_what_is_over(ward):
    """PAGES, counter: masked; only what is open here now."""
    visit_id = ward.open()

    listed = visits.running(ward.session, ward.ring, HERE, now=NOW)

    assert [(one.id, one.masked_id) for one in listed] == [(visit_id, "x-xxxx-xxxxx-03-5")]
    assert visits.running(ward.session, ward.ring, THERE, now=NOW) == []
    assert visits.running(ward.session, ward.ring, HERE, now=NOW + DAY) == []
    assert visits.number_of(ward.session, ward.ring, ward.visit(visit_id).subject_id) == "3999000010035"
