"""Notices to people: to every way that reached them before, without a link, with a code that works once (O42)."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import pytest
from sqlalchemy import select, update

from consent.db import new_id
from consent.errors import NotFound
from idp import alerts, channels, subjects
from idp.alerts import Hold, Notice
from idp.contact import line_links
from idp.jobs import Job
from idp.outbox import Letter
from idp.proofing.sources.fake import SandboxRegistry
from idp.subjects import Subject
from tests.fakes import DAY, HOUR, NOW, SECOND

SOMCHAI, MANEE = "3999000010035", "2999000010053"
PEOPLE = SandboxRegistry().people
CODE = re.compile(r"\b([A-Z]{4}(?:-[A-Z2-9]{4}){2})\b")


@pytest.fixture
def person(session, ring):
    """Somebody with a phone and an address."""
    return subjects.create(session, ring, MANEE, PEOPLE[MANEE], now=NOW)


@pytest.fixture
def tell(session, ring, person):
    """Tell that person; `who` may be another."""

    def told(kind="passkey_added", *, now=NOW, **more):
        return alerts.tell(session, ring, subject_id=person.id, kind=kind, now=now, **more)

    return told


@pytest.fixture
def letters(session, ring):
    """Kind, address and text of all that is queued to people."""

    def read():
        return [
            (
                one.kind,
                ring.open(one.to_sealed, place=f"letter:{one.id}:to"),
                ring.open(one.body_sealed, place=f"letter:{one.id}:body"),
            )
            for one in session.scalars(select(Letter).order_by(Letter.key))
        ]

    return read


def code_in(text):
    """The code of a message."""
    return CODE.search(text)[1]


def test_a_notice_goes_to_every_way_that_reaches_the_person(session, ring, person, tell, letters):
    """O42; ASVS 6.3.7: phone of record, e-mail, linked LINE."""
    line_links.add(session, ring, subject_id=person.id, user_id="U" + "0" * 32, now=NOW)

    tell()

    assert [(kind, to) for kind, to, _ in letters()] == [
        ("sms", "+66100000053"),
        ("mail", "manee@example.test"),
        ("line", "U" + "0" * 32),
    ]


def test_a_new_phone_is_not_told_instead_of_the_old_one(tell, letters):
    """The number that is about to be lost is where an owner is warned; the new one may be named beside it, once."""
    tell("phone_changed", also_to=["+66819990000", "+66100000053"])

    assert [to for kind, to, _ in letters() if kind == "sms"] == ["+66100000053", "+66819990000"]


@pytest.fixture(params=["th", "en"])
def locale(session, person, request):
    """The person's language."""
    session.execute(update(Subject).where(Subject.id == person.id).values(locale=request.param))
    session.refresh(person)
    return request.param


@pytest.mark.parametrize("kind", alerts.KINDS)
def test_every_kind_is_told_without_a_link_in_the_persons_language(tell, letters, kind, locale):
    """PAGES: no links in SMS or e-mail, a short reference instead."""
    notice = tell(kind, detail_code="Firefox · Android")

    for _, _, text in letters():
        assert not channels.carries_link(text)
        assert alerts.WORDS[kind][locale == "en"] in text
        assert notice.ref in text
        assert "23/11 10:00" in text  # Bangkok
        assert (CODE.search(text) is None) == (kind in alerts.ENDED)
        assert not re.search(r"(?<!\d)\d{6}(?!\d)", text)  # nothing that could pass for a one-time code


def test_whoever_changes_things_without_end_spends_ten_messages_of_a_day(session, person, tell, letters):
    """RELIABILITY 3: nobody uses up what is there for everybody's codes; what is weighty is told all the same."""
    for _ in range(30):
        tell("recovery_codes")
    tell("recovery_started")

    assert [kind for kind, _, _ in letters()].count("sms") == 11
    assert [kind for kind, _, _ in letters()].count("mail") == 31
    assert len(alerts.latest(session, person.id, limit=99)) == 31
    tell("recovery_codes", now=NOW + DAY)
    assert [kind for kind, _, _ in letters()].count("sms") == 12


def test_a_mail_has_its_subject_in_the_first_line(tell, letters):
    """channels: the first line of the body."""
    tell()

    text = next(text for kind, _, text in letters() if kind == "mail")
    assert text.splitlines()[:2] == [alerts.SUBJECTS[0], ""]


def test_who_cannot_be_reached_has_the_notice_on_their_page(session, ring, letters):
    """A person whom the register knows without a phone."""
    nobody = subjects.create(session, ring, SOMCHAI, replace(PEOPLE[SOMCHAI], phone="", email=""), now=NOW)

    alerts.tell(session, ring, subject_id=nobody.id, kind="pin_set", now=NOW)

    assert letters() == []
    assert [one.kind for one in alerts.latest(session, nobody.id)] == ["pin_set"]


def test_an_unknown_kind_or_person_is_refused(session, ring, person):
    """Nothing is told of what the list does not know."""
    with pytest.raises(KeyError):
        alerts.tell(session, ring, subject_id=person.id, kind="phone_stolen", now=NOW)
    with pytest.raises(NotFound):
        alerts.tell(session, ring, subject_id=new_id(), kind="pin_set", now=NOW)


def test_codes_are_random_and_only_their_keyed_hash_is_kept(session, ring, tell, letters):
    """ASVS 6.5: 58 bits; a copied database guesses nothing."""
    notice = tell()
    code = code_in(letters()[0][2])

    assert len({alerts.new_code() for _ in range(200)}) == 200
    assert notice.code_hash == alerts.code_hash(ring, alerts.typed(code))
    assert code.replace("-", "") not in str(session.execute(select(Notice.__table__)).all())


@pytest.mark.parametrize("written", [str, str.lower, lambda code: f" {code.replace('-', ' ')} "])
def test_a_code_works_once_however_it_is_typed(session, ring, tell, letters, written):
    """One conditional statement."""
    notice = tell()
    code = alerts.typed(written(code_in(letters()[0][2])))

    assert alerts.take_back(session, ring, code, now=NOW).id == notice.id
    assert alerts.take_back(session, ring, code, now=NOW) is None


def test_a_code_is_good_for_a_week(session, ring, tell, letters):
    """Not for ever."""
    tell()
    code = alerts.typed(code_in(letters()[0][2]))

    assert alerts.take_back(session, ring, code, now=NOW + 7 * DAY) is None
    assert alerts.take_back(session, ring, code, now=NOW + 7 * DAY - SECOND) is not None


@pytest.mark.parametrize("typed", ["", "ABCD", "ABCD-EFGH-JKL0", "ก" * 12, "A" * 13, "\ud800" * 12])
def test_what_cannot_be_a_code_is_none(typed):
    """Nothing is looked up for it."""
    assert alerts.typed(typed) == ""


def test_of_many_hands_one_uses_a_code(ring, at_once_alerts):
    """ASVS 6.5.1: used once, over processes."""
    code = at_once_alerts.code
    took = at_once_alerts.run(8, lambda session: alerts.take_back(session, ring, code, now=NOW) is not None)

    assert sorted(took) == [False] * 7 + [True]


@pytest.fixture
def at_once_alerts(sessions, ring):
    """A committed notice, and eight hands."""
    with sessions.writing() as session:
        person = subjects.create(session, ring, MANEE, PEOPLE[MANEE], now=NOW)
        notice = alerts.tell(session, ring, subject_id=person.id, kind="pin_set", now=NOW)
        letter = session.scalars(select(Letter).where(Letter.key == f"notice:{notice.id}:0")).one()
        text = ring.open(letter.body_sealed, place=f"letter:{letter.id}:body")

    def run(times, act):
        def one(_):
            with sessions.writing() as session:
                return act(session)

        with ThreadPoolExecutor(8) as hands:
            return list(hands.map(one, range(times)))

    return SimpleNamespace(code=alerts.typed(code_in(text)), run=run)


def test_a_hold_is_only_prolonged(session, person):
    """A second "not me" does not shorten the first."""
    alerts.freeze_sms(session, person.id, until=NOW + DAY, adding_since=NOW)
    alerts.freeze_sms(session, person.id, until=NOW + HOUR)

    assert alerts.sms_frozen(session, person.id, now=NOW + DAY - SECOND)
    assert not alerts.sms_frozen(session, person.id, now=NOW + DAY)
    assert alerts.adding_held_since(session, person.id) == NOW
    alerts.thaw(session, person.id)
    assert not alerts.sms_frozen(session, person.id, now=NOW)
    assert alerts.adding_held_since(session, person.id) is None


def test_each_notice_is_for_the_services_as_well(session, tell):
    """The worker tells them (`signals`)."""
    notice = tell()

    assert session.execute(select(Job.kind, Job.ref_id)).all() == [(alerts.SPREAD, notice.id)]


def test_what_is_over_is_forgotten(session, person, tell):
    """Three months after the code's end; a hold that still holds stays."""
    tell()
    alerts.freeze_sms(session, person.id, until=NOW + DAY, adding_since=NOW)

    alerts.purge(session, now=NOW + 7 * DAY + 90 * DAY + SECOND)
    assert alerts.latest(session, person.id) == []
    assert session.scalars(select(Hold.subject_id)).all() == [person.id]
