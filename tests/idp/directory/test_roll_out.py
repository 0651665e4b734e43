"""The roll-out by province: what was decided when, and what it lets in (catalogue rule 5)."""

from datetime import date

import pytest

from consent import access, notices
from consent.audit.entry import from_bytes
from consent.audit.models import AuditEntry
from consent.decision import Asker, Reason, RollOut
from consent.errors import NotFound
from consent.specificity import NOBODY
from idp import directory
from idp.circumstances import ROOMS
from idp.directory import Facility, LegalEntity, entities, roll_out
from tests.fakes import DAY, HOUR, NOW

PHRAE, ROI_ET = "แพร่", "ร้อยเอ็ด"
OPEN, CLOSED = True, False


@pytest.fixture
def hospital(session):
    """An organisation with nobody's facility yet."""
    return organisation(session, "โรงพยาบาลตัวอย่าง", "Example")


def organisation(session, name_th, name_en):
    facts = {"kind": "hospital", "controller_contact": "c", "dpo_contact": "d"}
    entity = LegalEntity(name_th=name_th, name_en=name_en, **facts)
    session.add(entity)
    session.flush()
    return entity.id


def entries_of(session, event):
    leaves = session.query(AuditEntry.leaf_bytes).order_by(AuditEntry.id).all()
    return [entry for entry in (from_bytes(bytes(leaf)) for (leaf,) in leaves) if entry.event == event]


def place(session, hospital, hcode, province):
    until = date(2099, 12, 31)
    names = {"name_th": "ก", "name_en": "a", "kind": "hospital"}
    session.add(Facility(hcode=hcode, legal_entity_id=hospital, province=province, licence_valid_until=until, **names))
    session.flush()


def say(session, word, *, is_open, at=NOW, now=NOW):
    roll_out.decide(session, roll_out.named(word), is_open=is_open, starts_at=at, now=now)


def state(session, hospital, now=NOW):
    return directory.recipient_of(session, hospital, now=now).roll_out


def test_there_are_77_provinces_in_13_zones():
    """THAI 2.11; part 6: their codes."""
    all_of_them = roll_out.provinces()
    blocks = (range(10, 28), range(30, 50), range(50, 59), range(60, 68), range(70, 78), range(80, 87), range(90, 97))

    assert [int(one.code) for one in all_of_them] == [code for block in blocks for code in block]
    assert {int(one.zone) for one in all_of_them} == set(range(1, 14))
    assert len({one.name_th for one in all_of_them}) == len({one.name_en for one in all_of_them}) == 77


@pytest.mark.parametrize("word", ["54", "แพร่", "Phrae", " phrae "])
def test_a_province_has_a_code_and_two_names(word):
    """Whoever types it, and however."""
    assert [one.name_th for one in roll_out.named(word)] == [PHRAE]
    assert roll_out.spelt(word) == PHRAE


def test_a_zone_and_all_stand_for_many():
    """THAI 1a rows 3 and 4: pilot provinces, then zones, then nationwide."""
    assert {"54", "50", "58"} < {one.code for one in roll_out.named("zone:1")}
    assert len(roll_out.named("zone:1")) == 8
    assert len(roll_out.named("all")) == 77
    with pytest.raises(NotFound):
        roll_out.named("zone:14")


def test_where_nothing_was_said_everybody_takes_part(session, hospital):
    """The sandbox is open by default, and so is a database of yesterday."""
    place(session, hospital, "99001", PHRAE)
    assert state(session, hospital) is RollOut.open


@pytest.mark.parametrize(
    ("provinces", "closed", "expected"),
    [
        ([], ["all"], RollOut.open),
        ([PHRAE], ["all"], RollOut.closed),
        ([PHRAE], [ROI_ET], RollOut.open),
        ([PHRAE, PHRAE], [PHRAE], RollOut.closed),
        ([PHRAE, ROI_ET], [PHRAE], RollOut.partly),
        ([PHRAE, ROI_ET], ["zone:1", "zone:7"], RollOut.closed),
        ([""], ["all"], RollOut.open),
    ],
)
def test_an_organisation_takes_part_where_its_facilities_are(session, hospital, provinces, closed, expected):
    """Who has no facility, or one whose province nobody knows, is nowhere: nothing is said against it."""
    elsewhere = organisation(session, "ที่อื่น", "Elsewhere")
    place(session, elsewhere, "99090", PHRAE)
    place(session, elsewhere, "99091", ROI_ET)
    for n, province in enumerate(provinces):
        place(session, hospital, f"9900{n}", province)
    for word in closed:
        say(session, word, is_open=CLOSED)

    assert state(session, hospital) is expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([(CLOSED, -DAY), (OPEN, -HOUR)], RollOut.open),
        ([(OPEN, -DAY), (CLOSED, -HOUR)], RollOut.closed),
        ([(CLOSED, -HOUR), (OPEN, HOUR)], RollOut.closed),
        ([(OPEN, HOUR), (CLOSED, -HOUR)], RollOut.closed),
        ([(CLOSED, 0 * HOUR), (OPEN, 0 * HOUR)], RollOut.open),
        ([(CLOSED, HOUR)], RollOut.open),
    ],
)
def test_the_latest_word_that_has_begun_counts(session, hospital, said, expected):
    """A day that is named beforehand comes by the clock, without a job."""
    place(session, hospital, "99001", PHRAE)
    for is_open, by in said:
        say(session, PHRAE, is_open=is_open, at=NOW + by)

    assert state(session, hospital) is expected


def test_a_province_that_was_closed_opens_at_its_moment(session, hospital):
    """The same rows, asked a moment before and at the moment."""
    place(session, hospital, "99001", PHRAE)
    say(session, PHRAE, is_open=CLOSED)
    say(session, PHRAE, is_open=OPEN, at=NOW + DAY)

    assert state(session, hospital, NOW + DAY - HOUR) is RollOut.closed
    assert state(session, hospital, NOW + DAY) is RollOut.open


def asked(session, hospital, asker=NOBODY):
    notices.publish_catalogue(session, now=NOW)
    found = access.request_access(
        session,
        subject_id=hospital,
        recipient=directory.recipient_of(session, hospital, now=NOW),
        purposes=["SIGNIN"],
        client_id="portal",
        aal=None,
        ial=None,
        event="token.issued",
        write=True,
        now=NOW,
        asker=asker,
        rooms=ROOMS,
    )
    return found.reason


def test_a_closed_place_is_refused_before_anything_else_is_asked(session, hospital):
    """Catalogue rule 5; the log says why."""
    place(session, hospital, "99001", PHRAE)
    assert asked(session, hospital) is Reason.no_record

    say(session, PHRAE, is_open=CLOSED)

    assert asked(session, hospital) is Reason.not_onboarded
    assert entries_of(session, "token.denied")[-1].reason == "not_onboarded"


@pytest.mark.parametrize(
    ("hcode", "expected"),
    [
        ("", Reason.no_record),
        ("99001", Reason.not_onboarded),
        ("99002", Reason.no_record),
        ("99009", Reason.no_record),
    ],
)
def test_of_an_organisation_in_two_provinces_the_place_counts_where_it_is_said(session, hospital, hcode, expected):
    """Like its licence: one open facility is enough, unless the closed one is named."""
    place(session, hospital, "99001", PHRAE)
    place(session, hospital, "99002", ROI_ET)
    place(session, organisation(session, "ของคนอื่น", "Another's"), "99009", PHRAE)
    say(session, PHRAE, is_open=CLOSED)

    assert asked(session, hospital, Asker(hcode=hcode)) is expected


def test_each_province_that_is_opened_or_closed_is_an_entry(session):
    """An auditor sees why somebody was not let in, and since when."""
    say(session, PHRAE, is_open=CLOSED)
    say(session, "zone:7", is_open=OPEN, at=NOW + DAY)

    (closed,) = entries_of(session, "rollout.closed")
    assert closed.codes[0] == "province:54"
    assert len(entries_of(session, "rollout.opened")) == 4


def test_the_list_says_state_since_when_what_comes_and_how_many(session, hospital):
    """For an operator."""
    place(session, hospital, "99001", PHRAE)
    place(session, hospital, "99002", "Atlantis")
    say(session, PHRAE, is_open=CLOSED)
    say(session, PHRAE, is_open=OPEN, at=NOW + DAY)

    (line,) = [one for one in roll_out.standing(session, now=NOW) if one.province.name_th == PHRAE]

    assert (line.is_open, line.since, line.next_at, line.facilities) == (False, NOW, NOW + DAY, 1)
    assert roll_out.unplaced(session) == ["99002"]
    assert sum(one.is_open for one in roll_out.standing(session, now=NOW)) == 76


def test_a_facility_keeps_its_province_in_one_spelling(session):
    """What the roll-out is compared with."""
    facts = {"name_th": "ข", "name_en": "b", "kind": "hospital", "controller_contact": "c", "dpo_contact": "d"}
    entities.register(session, **facts, hcode="99010", province="phrae", licence_until=date(2099, 12, 31), now=NOW)

    assert session.get_one(Facility, "99010").province == PHRAE
