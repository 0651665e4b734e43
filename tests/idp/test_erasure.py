"""The right to be erased: nothing that leads to the person is left, and the log still proves (PDPA s.33, s.37(3))."""

import json
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text, update

from consent import records
from consent.audit import export, log, seal, search, verify
from consent.audit.log import Actor
from consent.db import PersonalText, SealedBytes
from consent.errors import Conflict, NotAllowed
from consent.rights import cases, retention
from consent.rights.clocks import Kind
from consent.rights.models import RightsCase
from idp import copying, directory, erasure, keeping, receipts, rights, subjects, tidying, worker
from idp.migrations.models import metadata
from idp.people import Subject
from idp.proofing import numbers
from tests import leaks
from tests.fakes import DAY, MINUTE, NOW, YEAR
from tests.idp.web.conftest import build
from tests.idp.web.stage import person, set_up

SOMCHAI = {
    "national_id": "3999000010035",
    "given_name_th": "สมชาย",
    "family_name_th": "ใจสมมติ",
    "given_name_en": "Somchai",
    "family_name_en": "Jaisommut",
    "birth_date": "1985-04-13",
    "phone": "010-000-0035",
    "email": "somchai@example.test",
    "address": "999/35 หมู่ที่ 99",
}
OFFICER = UUID("019ab000-0000-7000-8000-0000000000aa")
LATER = NOW + erasure.REST + MINUTE


MOMENTS = {"authorization_code", "refresh_family", "launch_handle"}  # keys of a grant; they are hashes and counters


def requested(session, ring, subject_id, *, now=NOW):
    return rights.ask(session, ring, Kind.erasure, subject_id=subject_id, words="ขอลบ", now=now)


@pytest.fixture
def stage(session, ring):
    """A hospital, its portal, Somchai; and the case of his erasure."""
    set_here = set_up(session, ring)
    return set_here, requested(session, ring, set_here.citizen)


def done(session, ring, settings, case, *, now=LATER):
    erasure.carry_out(session, ring, settings, case.id, by=OFFICER, now=now)


def lasting(site, visitor):
    """Signed in with a PIN, and a consent that runs longer than the rest of an erasure; its record."""
    visitor.get(site.authorize_url(scope="openid profile email"))
    visitor.sign_in()
    visitor.set_pin()
    visitor.send("consent-form", "allow", purpose="CONTACT")
    with site.work.sessions.reading() as session:
        views = records.for_subject(session, site.citizen, now=site.clock())
    return next(view.record_id for view in views if view.purpose == "CONTACT")


def every_byte(session):
    """All that the database holds, one text after the other."""
    for table in metadata().sorted_tables:
        for row in session.execute(select(table)):
            for value in row:
                yield value if isinstance(value, bytes) else str(value).encode()


@pytest.fixture
def site(settings, sessions, clock, ring):
    return build(settings, sessions, clock, ring)


@pytest.fixture
def visitor(site):
    return site.visitor()


@pytest.fixture
def erased(site, visitor):
    record = lasting(site, visitor)
    with site.work.sessions.writing() as session:
        ring, settings = site.work.rings.at(NOW), site.work.settings
        own = receipts.of_own(session, ring, settings, record, subject_id=site.citizen, now=NOW)
        case = requested(session, ring, site.citizen, now=site.clock())
    worker.Sealing()(site.work)
    worker.run_once(site.work)
    site.clock.tick(erasure.REST + MINUTE)
    with site.work.sessions.writing() as session:
        done(session, site.work.rings.at(site.clock()), settings, case, now=site.clock())
    for _ in range(3):
        worker.run_once(site.work)
    worker.purge(site.work)
    worker.Sealing()(site.work)
    return own


@pytest.mark.usefixtures("erased")
def test_s33_nothing_that_leads_to_the_person_is_left(site):
    """PDPA s.33: not with every key of the server, not in a job, not in a letter, not in an entry written later."""
    searcher = leaks.Searcher([SOMCHAI])
    with site.work.sessions.reading() as session:
        ring = site.work.rings.at(site.clock())
        subject = session.get(Subject, site.citizen)
        assert (subject.data_key, subject.status, subject.gender) == (None, "closed", "unknown")
        assert {getattr(subject, name) for name in erasure.SEALED} == {b""}
        with pytest.raises(KeyError):
            copying.make(session, ring, site.citizen, now=site.clock())
        assert search.of_person(session, site.citizen, limit=9) == []
        kept = set(erasure.left(session, site.citizen))
        assert kept <= {
            "consent_record",
            "consent_standing",
            "consent_refusal",
            "oauth_grant",
            "rights_case",
            "erased",
        }
        assert not [one for raw in every_byte(session) if (one := searcher.found(raw))]
        number = SOMCHAI["national_id"]
        assert subjects.find_by_national_id(session, ring, number) is None
        fingerprint = ring.fingerprint(number).encode()
        tables = [t.name for t in metadata().sorted_tables if "fingerprint" in t.c]
        for name in tables:
            rows = session.execute(select(metadata().tables[name].c.fingerprint)).all()
            assert fingerprint.decode() not in {row[0] for row in rows}, name


def test_s33_the_log_still_verifies_and_proves(site, erased, tmp_path):
    """Erasure does not break the chain: the file verifies, every entry is there, and the receipt is still checked."""
    with site.work.sessions.reading() as session:
        ring = site.work.rings.at(site.clock())
        lines = list(export.whole(session, ring.log_keys()))
        told = receipts.look_up(session, ring, site.work.settings, erased.number, erased.code, now=site.clock())
    file = tmp_path / "log.jsonl"
    file.write_text("".join(lines), encoding="utf-8")
    assert verify.main([str(file)]) == 0
    assert sum('"seq"' in line for line in lines) == seal_size(site)
    assert (told.state, told.ended) == ("withdrawn", True)
    assert not leaks.found_in("".join(lines))


@pytest.mark.usefixtures("erased")
def test_s33_services_are_told_and_the_person_too(site):
    """Consents are withdrawn first, by the one door; letters go out and name nobody afterwards."""
    with site.work.sessions.reading() as session:
        letters = session.execute(text("SELECT kind, subject_id, key FROM letter")).all()
        states = {view.state for view in records.for_subject(session, site.citizen, now=site.clock())}
    assert [key for kind, _, key in letters if kind == "set" and key.startswith("withdrawn:")]
    assert {owner for _, owner, _ in letters} == {None}
    assert "active" not in states


@pytest.mark.usefixtures("erased")
def test_s33_no_session_works_and_the_number_opens_a_new_account(site, visitor):
    """The browser that was signed in is not; who comes again is somebody new."""
    assert visitor.get("/me").name == "login"
    with site.work.sessions.writing() as session:
        new = subjects.create(session, site.work.rings.at(NOW), SOMCHAI["national_id"], person(), now=site.clock())
    assert new.id != site.citizen


def seal_size(site):
    with site.work.sessions.reading() as session:
        return seal.latest(session).size


def test_s33_an_erasure_waits_a_week_so_that_the_owner_can_object(session, ring, settings, stage):
    """Nobody is erased by a thief: the notice's code is good for as long."""
    _, case = stage
    with pytest.raises(NotAllowed) as refused:
        done(session, ring, settings, case, now=NOW + erasure.REST - MINUTE)
    assert refused.value.code == "too_soon"
    done(session, ring, settings, case)
    assert cases.get(session, case.id).state == "done"
    with pytest.raises(Conflict):
        done(session, ring, settings, case)


@pytest.mark.parametrize("hold", ["court", "open_case", "staff_role"])
def test_s33_what_keeps_the_data_is_said_and_nothing_is_erased(session, ring, settings, stage, hold):
    """Legal holds: by an officer's word, by an open complaint, by work as staff; released, it goes on."""
    here, case = stage
    if hold == "court":
        rights.hold(session, case.id, reason="court", by=OFFICER, now=NOW)
    elif hold == "open_case":
        other = rights.ask(session, ring, Kind.complaint, subject_id=here.citizen, words="x", now=NOW)
    else:
        directory.assign(session, subject_id=here.citizen, role="auditor", granted_by=None, now=NOW)

    assert erasure.holds(session, here.citizen, now=LATER, but=case.id) == [hold]
    with pytest.raises(NotAllowed) as refused:
        done(session, ring, settings, case)
    assert refused.value.code == "held"
    assert session.get(Subject, here.citizen).data_key is not None

    if hold == "court":
        rights.hold(session, case.id, reason="", by=OFFICER, now=NOW)
    elif hold == "open_case":
        cases.answer(session, other.id, by=Actor.staff(OFFICER), now=NOW)
    if hold != "staff_role":
        done(session, ring, settings, case)
        assert session.get(Subject, here.citizen).data_key is None


def test_nobody_erases_themselves_as_an_officer_and_nothing_else_by_this_door(session, ring, settings, stage):
    """Own cases and other kinds are refused."""
    here, case = stage
    with pytest.raises(NotAllowed):
        erasure.carry_out(session, ring, settings, case.id, by=here.citizen, now=LATER)
    other = rights.ask(session, ring, Kind.restriction, subject_id=here.citizen, words="x", now=NOW)
    with pytest.raises(NotAllowed) as refused:
        done(session, ring, settings, other)
    assert refused.value.code == "not_erasure"


def test_every_personal_or_sealed_column_of_a_person_is_reached():
    """DECISIONS 5: what is marked for erasure goes with the row, or is under the key that is destroyed."""
    reached = {*erasure.GONE, "subject", "rights_case", "audit_detail"}
    under_the_key = {table for table, _ in (*copying.SEALED, *copying.BY_SERVER)} | reached
    for table in metadata().sorted_tables:
        mine = [column for column in table.columns if isinstance(column.type, PersonalText)]
        assert not mine or table.name in erasure.GONE, table.name
        if any(column in table.c for column in copying.OF_PEOPLE):
            sealed = [column for column in table.columns if isinstance(column.type, SealedBytes)]
            assert not sealed or table.name in under_the_key, f"{table.name}: say in erasure.GONE or copying.SEALED"


def test_s37_3_after_a_restore_the_erasure_is_done_again(session, ring, settings, stage):
    """The deletion rules: backups included. The key comes back with a backup, and goes again."""
    here, case = stage
    key = session.get(Subject, here.citizen).data_key
    done(session, ring, settings, case)
    assert erasure.erased(session) == [here.citizen]
    session.execute(update(Subject).where(Subject.id == here.citizen).values(data_key=key, status="active"))

    assert erasure.again(session, [here.citizen, OFFICER], now=LATER + DAY) == 1

    session.expire_all()
    assert session.get(Subject, here.citizen).data_key is None
    assert session.get(Subject, here.citizen).status == "closed"
    assert erasure.again(session, [here.citizen], now=LATER + DAY) == 0


def test_s33_an_access_under_way_leaves_no_pseudonym_behind(session, ring, settings, stage):
    """Another process may write one more entry about the person just after; the worker forgets it again."""
    here, case = stage
    done(session, ring, settings, case)
    assert search.of_person(session, here.citizen, limit=9) == []
    log.append(session, "introspect", now=LATER, actor=Actor.client("holder"), subject_id=here.citizen)
    assert search.of_person(session, here.citizen, limit=9)

    keeping.purge(session, now=LATER + MINUTE)

    assert search.of_person(session, here.citizen, limit=9) == []


# --- retention, applied -----------------------------------------------------------------------------------------------


def test_s37_3_the_worker_applies_every_rule_that_is_its():
    """One table: what the worker should let go of, it does, by one of its purges; and nothing more is promised."""
    by_others = {
        "codes": worker.CHALLENGE_KEPT,
        "messages": worker.MESSAGE_KEPT,
        "notices": timedelta(days=90),
    }
    promised = {rule.code: rule.kept for rule in retention.RULES if rule.by == "worker"}
    assert promised == by_others | {code: retention.rule(code).kept for code in keeping.KEEPERS}
    assert keeping.purge in tidying.PURGES


def test_a_closed_account_is_erased_after_its_days(session, stage):
    """An account that was closed by mistake can be asked about for 90 days; then its key goes by itself."""
    here, _ = stage
    numbers.close(session, here.citizen, status="closed", reason="superseded", now=NOW)
    keeping.purge(session, now=NOW + 90 * DAY)
    assert session.get(Subject, here.citizen).data_key is not None

    keeping.purge(session, now=NOW + 90 * DAY + MINUTE)
    assert session.get(Subject, here.citizen, populate_existing=True).data_key is None


def test_the_words_of_requests_go_after_three_years_and_the_case_stays(session, ring, stage):
    """s.39 wants the refusals; nobody wants the words for ever."""
    _, case = stage
    rights.refuse(session, ring, case.id, reason="still_needed", words="ตอบ", by=OFFICER, now=NOW)
    keeping.purge(session, now=NOW + 3 * YEAR)
    assert session.get(RightsCase, case.id, populate_existing=True).answer is not None

    keeping.purge(session, now=NOW + 3 * YEAR + MINUTE)
    kept = session.get(RightsCase, case.id, populate_existing=True)
    assert (kept.words, kept.answer, kept.refusal) == (None, None, "still_needed")


def test_pseudonyms_of_old_quarters_go_and_newer_ones_stay(session, stage):
    """Ten years after the end of a quarter nobody can be found in it."""
    here, _ = stage
    assert search.of_person(session, here.citizen, limit=9)
    keeping.purge(session, now=NOW + 10 * YEAR)
    assert search.of_person(session, here.citizen, limit=9)
    keeping.purge(session, now=NOW + 10 * YEAR + 92 * DAY)
    assert search.of_person(session, here.citizen, limit=9) == []


# --- the copy ---------------------------------------------------------------------------------------------------------


def test_s30_the_copy_walks_every_table_that_names_people():
    """Complete by construction: a table with a column of people is walked, linked, or left out with a reason."""
    sealed_and_unknown = []
    for table in metadata().sorted_tables:
        if not any(column in table.c for column in copying.OF_PEOPLE) or table.name in copying.LEFT_OUT:
            continue
        for column in table.columns:
            if isinstance(column.type, SealedBytes) and table.name != "subject":
                known = (table.name, column.name) in (*copying.SEALED, *copying.BY_SERVER)
                sealed_and_unknown += [] if known else [f"{table.name}.{column.name}"]

    assert sealed_and_unknown == [], "say in copying.SEALED to which place each was sealed"
    assert {*copying.LEFT_OUT, *copying.LINKED, *erasure.GONE, *erasure.COUNTS} <= set(metadata().tables)
    pointing = {"record_id", "grant_id", "objection_id", "emergency_id", "guardianship_id"}
    for table in metadata().sorted_tables:
        walked = any(column in table.c for column in copying.OF_PEOPLE)
        points = sorted(pointing & {column.name for column in table.columns})
        known = walked or not points or table.name in {*copying.LINKED, *MOMENTS}
        assert known, f"{table.name}: say in copying.LINKED whose row it points to"


def test_s30_the_words_of_a_request_are_in_the_copy(session, ring, stage):
    """What was sealed for the person is opened for the person."""
    here, case = stage
    document = copying.make(session, ring, here.citizen, now=NOW)

    (row,) = document["held"]["rights_case"]
    assert (row["id"], row["words"], row["subject_id"]) == (str(case.id), "ขอลบ", "you")
    assert json.dumps(document)


def test_s33_what_else_they_asked_for_does_not_wait_for_ever(session, ring, settings, stage):
    """Nobody could seal an answer to somebody without a key: such cases are closed by the erasure."""
    here, case = stage
    other = rights.ask(session, ring, Kind.restriction, subject_id=here.citizen, words="x", now=NOW)

    done(session, ring, settings, case)

    assert cases.get(session, other.id).state == "done"
    assert cases.queue(session) == []
