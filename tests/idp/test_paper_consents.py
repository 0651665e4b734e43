"""A consent on paper: who may enter it, for whom, with which hands; and that nobody has one who never signed."""

from dataclasses import replace
from datetime import date
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from consent import access, purposes, records
from consent.decision import Reason
from consent.errors import NotAllowed
from consent.family import links, rules
from idp import directory, paper_consents, paper_scans, scans, subjects
from idp.alerts import Notice
from idp.circumstances import ROOMS
from idp.directory import Facility
from idp.paper_consents import refusal
from idp.paper_scans import PaperScan
from idp.subjects import PersonSealer, Subject
from tests.fakes import DAY, HOUR, MINUTE, YEAR
from tests.idp.oauth import stage as protocol
from tests.idp.pictures import photo
from tests.idp.ward import HERE, set_up

SCAN = scans.checked(photo())
PURPOSE = "EHR-SHARE"
FINE = {"own": False, "running": True, "licensed": True, "witness": True, "offered": True, "signer": True}


@pytest.fixture
def ward(session, ring, settings):
    """A hospital with a clerk and a doctor."""
    return set_up(session, ring, settings)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({}, None),
        ({"running": False}, "visit_over"),
        ({"own": True}, "own_paper"),
        ({"licensed": False}, "facility_licence"),
        ({"witness": False}, "staff_level"),
        ({"offered": False}, "not_offered"),
        ({"signer": False}, "no_guardian"),
    ],
)
def test_why_no_paper_is_entered(changed, code):
    """The whole rule as a table."""
    assert refusal(**(FINE | changed)) == code


def enter(ward, visit_id, **changes):
    told = {"scan": SCAN, "signer": None, "life": "visit", "desk": ward.at_desk, "locale": "th", "now": ward.now}
    visit = ward.visit(visit_id)
    return paper_consents.enter(ward.session, ward.ring, visit, purposes.get(PURPOSE), **told | changes)


def asked(ward, person=None):
    return access.request_access(
        ward.session,
        subject_id=person or ward.stage.citizen,
        recipient=directory.recipient_of(ward.session, ward.stage.hospital, now=ward.now),
        purposes=[PURPOSE],
        client_id="portal",
        aal=None,
        ial=None,
        event="introspect",
        write=False,
        now=ward.now,
        rooms=ROOMS,
    )


def told(ward, person=None):
    who = person or ward.stage.citizen
    return ward.session.query(Notice).filter_by(subject_id=who, kind="consent_on_paper").count()


def test_s19_a_consent_in_writing_is_a_consent_and_is_proved_by_its_paper(ward):
    """PDPA s.19: written is as good as electronic; the record names the officer, the words and the paper's SHA-256."""
    record = enter(ward, ward.open())

    assert asked(ward).permit
    assert (record.kind, record.capacity, record.actor_id) == ("consent", "officer", ward.clerk)
    assert (record.channel, record.explicit, record.basis) == ("paper", True, "C26")
    assert record.evidence == SCAN.sha256
    assert told(ward) == 1
    (entry,) = ward.events("consent.given")
    assert (entry.actor_kind, entry.consent_id) == ("staff", record.id)


def test_the_scan_is_sealed_and_opens_only_under_the_persons_key(ward):
    """Bytes in the table that say nothing; erased with the key."""
    record = enter(ward, ward.open())

    row = ward.session.scalars(select(PaperScan)).one()
    assert SCAN.content[:64] not in row.scan
    assert paper_scans.find(ward.session, ward.ring, record.id) == ("image/jpeg", SCAN.content)
    ward.session.execute(update(Subject).where(Subject.id == ward.stage.citizen).values(data_key=None))
    with pytest.raises(KeyError):
        paper_scans.find(ward.session, ward.ring, record.id)


def test_this_visit_ends_with_the_visit_and_a_year_does_not(ward):
    """The two periods of the sheet."""
    visit_id = ward.open()
    enter(ward, visit_id)
    later = ward.later(HOUR)
    later.end(visit_id)
    assert asked(later).reason in (Reason.expired, Reason.visit_over)

    again = later.later(MINUTE)
    visit_id = again.open()
    record = enter(again, visit_id, life="year")
    again.end(visit_id)
    assert asked(again.later(DAY)).permit
    assert record.expires_at == again.now + YEAR


def test_a_period_that_the_sheet_does_not_offer_is_not_kept(ward):
    """What the person was shown is what they can have signed; what counts as a picture stands in `test_scans`."""
    visit_id = ward.open()
    with pytest.raises(NotAllowed) as refused:
        enter(ward, visit_id, life="ever")
    assert refused.value.code == "life"
    assert ward.events("consent.given") == []
    assert ward.session.scalars(select(PaperScan)).all() == []


def test_nobody_enters_a_paper_of_their_own(ward):
    """A clerk who is a patient asks a colleague."""
    own = ward.open(ward.desk(ward.doctor), national_id="2999000010053")

    with pytest.raises(NotAllowed) as refused:
        enter(ward, own, desk=ward.desk(ward.clerk))
    assert refused.value.code == "own_paper"


def test_a_visit_that_is_over_takes_no_paper(ward):
    """The card proves who stands there now, not who stood there yesterday."""
    visit_id = ward.open()
    late = ward.later(DAY)

    with pytest.raises(NotAllowed) as refused:
        enter(late, visit_id)
    assert refused.value.code == "visit_over"


def weak_clerk(ward):
    ward.session.execute(update(Subject).where(Subject.id == ward.clerk).values(ial="1.3"))


def no_licence(ward):
    place = replace(ward.at_desk.place, licence_valid_until=date(2026, 1, 1))
    ward.at_desk = replace(ward.at_desk, place=place)


@pytest.mark.parametrize(("happens", "code"), [(weak_clerk, "staff_level"), (no_licence, "facility_licence")])
def test_the_witness_reaches_the_staff_levels_of_the_row(ward, happens, code):
    """Catalogue rule 4: IAL2.1 and a passkey, at a facility with a licence."""
    visit_id = ward.open()
    happens(ward)
    ward.session.expire_all()

    with pytest.raises(NotAllowed) as refused:
        enter(ward, visit_id)
    assert refused.value.code == code


def test_what_the_place_may_not_be_given_is_not_offered(ward):
    """A drugstore gets no history; a hospital no parcel."""
    place = ward.desk().place

    assert [one.code for one in paper_consents.offered(ward.session, place, now=ward.now)] == [PURPOSE]
    ward.session.execute(update(directory.LegalEntity).values(kind="drugstore"))
    assert paper_consents.offered(ward.session, place, now=ward.now) == []
    ward.session.execute(update(Facility).values(kind="drugstore"))


GIRL, BOY = ("1999000010012", "2018-03-14"), ("1999000010021", "2011-08-09")


def young(ward, number, born):
    """Somebody young with an open visit, and their mother: (the young person, the mother, the visit)."""
    registered = replace(protocol.person(), birth_date=born, phone="")
    person = subjects.create(ward.session, ward.ring, number, registered, now=ward.now).id
    mother = subjects.create(ward.session, ward.ring, "7999000010119", protocol.person(), now=ward.now).id
    return person, mother, ward.open(national_id=number, birth_date=born)


def link(ward, person, mother, born, by=None):
    """What two officers entered before: she is the parent."""
    term = rules.term("parent", born, order_until=None, now=ward.now)
    drawn = links.draw_up(
        ward.session,
        ward_id=person,
        guardian_id=mother,
        kind="parent",
        needed=rules.needed(rules.age(born, ward.now), frozenset({"parent"})),
        term=term,
        evidence=links.Evidence("house_register", "9999-000123-4"),
        officer=links.Officer(by or ward.clerk, HERE),
        sealer=PersonSealer(ward.ring, ward.session),
        now=ward.now,
    )
    return links.confirm(ward.session, drawn, second_by=uuid4() if by else ward.doctor, codes=(), now=ward.now)


@pytest.mark.parametrize(("number", "born"), [GIRL, BOY], ids=["8", "15"])
def test_s20_the_young_need_a_parent_on_the_paper(ward, number, born):
    """PDPA s.20: under ten the parent alone, to nineteen both; the record names the link and ends with it."""
    person, mother, visit_id = young(ward, number, born)
    with pytest.raises(NotAllowed) as refused:
        enter(ward, visit_id)
    assert refused.value.code == "no_guardian"
    parent = link(ward, person, mother, born)
    with pytest.raises(NotAllowed) as refused:
        enter(ward, visit_id)
    assert refused.value.code == "signer"

    record = enter(ward, visit_id, signer=parent.id)

    assert (record.subject_id, record.capacity, record.guardianship_id) == (person, "officer", parent.id)
    assert (record.co_actor_id, record.co_capacity, record.co_signed_at) == (mother, "parent", ward.now)
    assert record.expires_at <= parent.ends_at
    assert asked(ward, person).permit
    assert (told(ward, person), told(ward, mother)) == (1, 1)
    links.end(ward.session, parent.id, by=ward_officer(ward), reason="ended", now=ward.now)
    assert asked(ward, person).reason is Reason.guardian_ended


def test_s20_who_signs_for_a_child_does_not_witness_it(ward):
    """An officer who is the parent signs as a parent, and a colleague enters it."""
    person, _, visit_id = young(ward, *BOY)
    own = link(ward, person, ward.clerk, BOY[1], by=ward.doctor)

    with pytest.raises(NotAllowed) as refused:
        enter(ward, visit_id, signer=own.id)

    assert refused.value.code == "own_paper"


def ward_officer(ward):
    return links.Actor.staff(ward.clerk)


def test_an_adult_signs_alone_whoever_else_is_named(ward):
    """Nobody signs beside a grown person because somebody ticked a box."""
    record = enter(ward, ward.open(), signer=uuid4())

    assert (record.guardianship_id, record.co_actor_id) == (None, None)


def test_the_person_takes_it_back_like_any_other(ward):
    """PDPA s.19: as easily as it was given."""
    record = enter(ward, ward.open(), life="year")
    (view,) = [
        one for one in records.for_subject(ward.session, ward.stage.citizen, now=ward.now) if one.purpose == PURPOSE
    ]

    assert (view.record_id, view.state) == (record.id, "active")
