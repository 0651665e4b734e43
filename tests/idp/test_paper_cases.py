"""A request on paper: whose it is, when its clocks run, and what is told (PDPA s.30, s.33)."""

from uuid import UUID

import pytest
from sqlalchemy import update

from consent.errors import NotAllowed
from consent.rights.asked import POST, Paper
from consent.rights.clocks import Kind
from idp import alerts, erasure, paper_cases, rights
from idp.assurance import Aal
from idp.directory import Affiliation
from idp.readings import Desk
from idp.subjects import PersonSealer, Subject
from idp.visits import Visit
from tests.fakes import DAY, HOUR, NOW
from tests.idp import home
from tests.idp.web.stage import set_up

OFFICER = UUID("019ab000-0000-7000-8000-0000000000aa")
SOMCHAI = "3999000010035"


@pytest.fixture
def here(session, ring):
    """A hospital, its portal, Somchai."""
    return set_up(session, ring)


def entered(session, ring, here, kind=Kind.access, *, came=NOW, **changes):
    told = {"words": "ขอ", "paper": Paper(POST, came, "id_copy", OFFICER), "now": NOW, **changes}
    return paper_cases.enter(session, ring, kind, subject_id=here.citizen, **told)


def test_s33_the_week_before_an_erasure_runs_from_when_the_person_was_told(session, ring, settings, here):
    """A letter may be a month old; whoever did not write it has the same week to say so."""
    case = entered(session, ring, here, Kind.erasure, came=NOW - 30 * DAY)

    assert case.opened_at == NOW - 30 * DAY
    assert erasure.earliest(case) == NOW + erasure.REST
    with pytest.raises(NotAllowed) as early:
        erasure.carry_out(session, ring, settings, case.id, by=UUID(int=9), now=NOW)
    assert early.value.code == "too_soon"
    assert [one.kind for one in alerts.latest(session, here.citizen)] == ["erasure_asked"]


def test_s33_a_letter_for_somebody_whom_nothing_reaches_erases_nobody_by_one_officers_hand(
    session, ring, settings, here
):
    """Nobody could say "this was not me" within the week: it is held, and who entered it does not let it go."""
    sealer = PersonSealer(ring, session)
    none = {field: sealer.seal("", owner=here.citizen, field=field) for field in ("phone", "email")}
    session.execute(update(Subject).where(Subject.id == here.citizen).values(**none))
    case = entered(session, ring, here, Kind.erasure)

    later = NOW + 2 * erasure.REST
    assert erasure.holds(session, here.citizen, now=later, but=case.id) == ["unreachable"]
    with pytest.raises(NotAllowed) as held:
        erasure.carry_out(session, ring, settings, case.id, by=UUID(int=9), now=later)
    assert held.value.code == "held"
    with pytest.raises(NotAllowed) as same:
        rights.hold(session, case.id, reason="", by=OFFICER, now=later)
    assert same.value.code == "colleague"
    rights.hold(session, case.id, reason="", by=UUID(int=9), now=later)
    assert erasure.holds(session, here.citizen, now=later, but=case.id) == []


def test_s33_a_letter_for_somebody_who_is_told_is_not_held(session, ring, here):
    """The week and the notice's code are enough where the notice arrives."""
    case = entered(session, ring, here, Kind.erasure)
    assert erasure.holds(session, here.citizen, now=NOW, but=case.id) == []


def test_a_second_letter_about_the_same_adds_its_words_and_tells_nobody_again(session, ring, here):
    """One case, one clock: the first one's."""
    first = entered(session, ring, here, came=NOW - 3 * DAY)
    second = entered(session, ring, here, words="ขออีก")

    assert second.id == first.id
    assert second.opened_at == NOW - 3 * DAY
    assert rights.own(session, ring, first.id, subject_id=here.citizen, now=NOW).words == "ขอ\n\nขออีก"
    assert [one.kind for one in alerts.latest(session, here.citizen)] == ["rights_entered"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"words": "  "}, "words"),
        ({"words": "ก" * (rights.LONGEST_WORDS + 1)}, "too_long"),
        ({"came": NOW - 366 * DAY}, "received_at"),
        ({"came": NOW + DAY}, "received_at"),
    ],
)
def test_what_no_letter_can_say_is_refused(session, ring, here, changes, code):
    """Nothing is opened."""
    with pytest.raises(NotAllowed) as refused:
        entered(session, ring, here, **changes)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("สมชาย ใจสมมติ", True),
        ("นายสมชาย  ใจสมมติ", True),
        ("นาย สมชาย ใจสมมติ", True),
        ("MR. SOMCHAI JAISOMMUT", True),
        ("Mr.Somchai Jaisommut", True),
        ("สมชาย", False),
        ("ใจสมมติ สมชาย", False),
        ("", False),
    ],
)
def test_a_letter_names_its_writer_as_people_write_names(session, ring, here, name, known):
    """With or without a title, however it is spaced; half a name is none."""
    found = paper_cases.find_person(session, ring, SOMCHAI, name, by=OFFICER, now=NOW)
    assert found == (here.citizen if known else None)


@pytest.fixture
def family_home(session, ring, settings):
    """A mother with a child of 8 and one of 15."""
    return home.set_up(session, ring, settings)


def at_counter(family_home, ward, kind, signer):
    """What somebody asks whose card opened a visit of this ward."""
    now = family_home.now
    visit = Visit(subject_id=family_home.people[ward], ends_at=now + HOUR)
    here = ("registrar", "99001", family_home.stage.hospital, "โรงพยาบาลตัวอย่าง", "Sample Hospital", None)
    place = Affiliation(UUID(int=1), *here)
    desk = Desk(OFFICER, "0" * 64, Aal.AAL2_1, place)
    told = {"words": "ขอ", "signer": signer, "desk": desk, "now": now}
    return paper_cases.at_counter(family_home.session, family_home.ring, visit, kind, **told)


@pytest.mark.parametrize("kind", [Kind.access, Kind.portability, Kind.erasure])
def test_s20_what_shows_or_destroys_is_the_young_persons_own_at_a_counter_too(family_home, kind):
    """A parent who cannot ask for it on their own pages does not get it by bringing the child's card."""
    mother = str(family_home.links["teen"].id)
    with pytest.raises(NotAllowed) as refused:
        at_counter(family_home, "teen", kind, mother)

    assert refused.value.code == "ward_alone"
    assert at_counter(family_home, "teen", kind, "self").actor_id is None
    assert at_counter(family_home, "teen", Kind.rectification, mother).actor_id == family_home.people["mother"]


def test_s33_an_erasure_for_a_child_at_a_counter_is_told_to_every_guardian_with_a_code(family_home):
    """One parent erases nothing behind the other's back: any of them stops it."""
    family_home.entrust("child", guardian="father")
    case = at_counter(family_home, "child", Kind.erasure, str(family_home.links["child"].id))

    assert case.state == "open"
    assert family_home.told("mother")[-1] == family_home.told("father")[-1] == "ward_erasure"
