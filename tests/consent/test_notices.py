"""Published words: versioned, immutable, exactly what was shown (PDPA s.19, s.23)."""

import hashlib
from dataclasses import replace

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from consent import notices, purposes, records
from consent.audit import search
from consent.errors import NotFound
from consent.models import ConsentNotice
from tests.consent.cast import HOSPITAL, choice
from tests.fakes import HOUR, NOW


def shown(session, purpose="EHR-SHARE", locale="th", categories=("visits", "diagnoses")):
    return notices.current(session, purpose, locale=locale, recipient_name=HOSPITAL.name(locale), categories=categories)


def test_publishing_twice_writes_once(session):
    """PDPA s.23: what did not change is no new version."""
    first = notices.publish_catalogue(session, now=NOW)

    assert first == 2 * len(purposes.all())
    assert notices.publish_catalogue(session, now=NOW + HOUR) == 0
    assert session.scalar(select(func.count()).select_from(ConsentNotice)) == first
    assert len(search.of_event(session, "notice.published", limit=1000)) == first


def test_a_new_wording_is_a_new_version_and_the_old_one_stays(session, monkeypatch):
    """PDPA s.23: a new text never silently replaces what somebody agreed to."""
    notices.publish_catalogue(session, now=NOW)
    old = shown(session)
    row = purposes.get("EHR-SHARE")
    changed = replace(row, text=purposes.Bilingual("ข้อความใหม่", row.text.en))
    monkeypatch.setitem(purposes._PURPOSES, "EHR-SHARE", changed)

    assert notices.publish_catalogue(session, now=NOW + HOUR) == 1

    new = shown(session)
    assert (old.version, new.version) == (1, 2)
    assert "ข้อความใหม่" in new.text
    assert new.sha256 != old.sha256
    assert shown(session, locale="en").version == 1


@pytest.mark.parametrize(
    ("locale", "lines"),
    [
        (
            "en",
            (
                "Share history with a facility",
                "Receiver: Test Hospital",
                "Lets those treating you here see your records from elsewhere.",
                "Data: visits · diagnoses",
                "You are still treated, but without your records from elsewhere.",
            ),
        ),
        (
            "th",
            (
                "ให้ที่นี่ดูประวัติจากที่อื่น",
                "ผู้รับข้อมูล: โรงพยาบาลทดลอง",
                "ให้ผู้ที่รักษาคุณที่นี่ดูประวัติการรักษาของคุณจากที่อื่น",
                "ข้อมูล: การมารับบริการ · การวินิจฉัยโรค",
                "คุณยังรับการรักษาได้ แต่ที่นี่จะไม่เห็นประวัติจากที่อื่น",
            ),
        ),
    ],
)
def test_a_notice_says_who_what_which_data_and_what_happens_on_no(session, locale, lines):
    """PDPA s.19, s.23; catalogue rule 12: if_refused is shown before the choice."""
    notices.publish_catalogue(session, now=NOW)

    notice = shown(session, locale=locale)

    assert notice.lines == lines
    assert notice.sha256 == hashlib.sha256(notice.text.encode()).hexdigest()


def test_a_receivers_name_cannot_write_a_sentence_of_its_own(session):
    """The words are ours: a name is one piece of one line."""
    notices.publish_catalogue(session, now=NOW)

    notice = notices.current(
        session, "SIGNIN", locale="en", recipient_name="Good\nYou must agree.", categories=("name",)
    )

    assert len(notice.lines) == 5
    assert notice.lines[1] == "Receiver: Good You must agree."


def test_what_is_not_published_cannot_be_shown(session):
    """No consent without its notice."""
    with pytest.raises(NotFound):
        shown(session)


def test_the_exact_words_of_an_answer_are_kept_for_ever(session):
    """PDPA s.19: the controller proves what was agreed to."""
    answer = choice(session)
    record = records.give(session, answer, now=NOW)
    records.give(session, answer, now=NOW + HOUR)

    assert notices.shown(session, record.notice_sha256) == answer.notice.text
    with pytest.raises(NotFound):
        notices.shown(session, "0" * 64)


def test_a_published_notice_cannot_be_changed(sessions):
    """Append-only by the database itself."""
    with sessions.writing() as session:
        notices.publish_catalogue(session, now=NOW)

    with sessions.write() as session, pytest.raises(DBAPIError, match="append-only"):
        session.execute(ConsentNotice.__table__.update().values(body="other"))


def test_s19_how_to_take_it_back_and_what_that_does_is_told_before_the_answer(session):
    """PDPA s.19: the effect of a withdrawal is told; so it stands in the words that are kept, where it was asked."""
    notices.publish_catalogue(session, now=NOW)
    facts = {"recipient_name": "X", "categories": ("visits",)}

    for locale in notices.LOCALES:
        asked = notices.current(session, "EHR-SHARE", locale=locale, asked=True, **facts)
        told = notices.current(session, "EHR-SHARE", locale=locale, **facts)
        assert asked.lines[-1] == notices.undo_sentence(locale)
        assert asked.lines[:-1] == told.lines
        assert asked.sha256 != told.sha256


def test_sentences_of_one_request_and_countries_belong_to_the_words_that_are_kept(session):
    """PDPA s.28: a country that was not told was not agreed to."""
    notices.publish_catalogue(session, now=NOW)

    notice = notices.current(
        session,
        "EHR-SHARE",
        locale="en",
        recipient_name="X",
        categories=("visits",),
        details=("Only your visit\nof today.",),
        abroad=("Your data leave Thailand.",),
    )

    assert notice.lines[3:6] == ("Only your visit of today.", "Data: visits", "Your data leave Thailand.")


BEFORE = {"name": "A", "text": "Lets it see.", "if_refused": "No.", "basis": "C26", "data": {"visits": "visits"}}


@pytest.mark.parametrize(
    ("now", "differs"),
    [
        ({}, []),
        ({"text": "Lets them see."}, [("text", "Lets it see.", "Lets them see.")]),
        ({"basis": "TREAT", "name": "B"}, [("name", "A", "B"), ("basis", "C26", "TREAT")]),
        ({"data": {"visits": "stays", "costs": "costs"}}, [("data", "visits", "stays")]),
        ({"data": {"visits": "visits", "costs": "prices"}}, []),
    ],
    ids=["nothing", "a sentence", "basis and title", "a label that was shown", "a label that was not"],
)
def test_only_lines_that_were_shown_and_differ_are_a_difference(now, differs):
    """Issue 5: a new version asks again only where it changed, and shows the difference line by line."""
    found = notices.changes(BEFORE, {**BEFORE, **now}, ("visits",))

    assert [(change.part, change.was, change.now) for change in found] == differs


def test_the_difference_is_counted_from_the_moment_of_the_answer(session, monkeypatch):
    """Whoever answered the newest words is shown nothing; whoever answered older ones, all that changed since."""
    notices.publish_catalogue(session, now=NOW)
    row = purposes.get("EHR-SHARE")
    for hours in (1, 2):
        changed = replace(row, text=purposes.Bilingual(f"ข้อความ {hours}", row.text.en))
        monkeypatch.setitem(purposes._PURPOSES, "EHR-SHARE", changed)
        notices.publish_catalogue(session, now=NOW + hours * HOUR)

    def since(hours, locale="th"):
        at = NOW + hours * HOUR
        found = notices.difference(session, "EHR-SHARE", locale=locale, since=at, categories=("visits",))
        return [(change.was, change.now) for change in found]

    assert since(0) == [(row.text.th, "ข้อความ 2")]
    assert since(1) == [("ข้อความ 1", "ข้อความ 2")]
    assert since(2) == []
    assert since(0, "en") == []
    assert since(-1) == []
