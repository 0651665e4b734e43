from dataclasses import replace

import pytest
from sqlalchemy import func, select

from idp import provisional, subjects, worker
from idp.abuse import failures
from idp.contact import fake
from idp.outbox import Letter
from idp.proofing.sources.fake import SandboxRegistry
from idp.subjects import Subject
from tests.fakes import HOUR, MINUTE
from tests.idp.web.visitor import SOMCHAI

MANEE, NOBODY, DEAD = "2999000010053", "0000000000001", "1999000010161"
PEOPLE = SandboxRegistry().people
TYPED, E164 = "010-000-0777", "+66100000777"


@pytest.fixture(autouse=True)
def register(site):
    """The authority knows Manee, and no phone of hers."""
    site.registry.people[MANEE] = replace(PEOPLE[MANEE], phone="", attested_ial="1.1")
    site.registry.people[DEAD] = PEOPLE[DEAD]
    return site.registry


def at_phone(site, number, visitor=None):
    """At the page for another phone."""
    came = visitor or site.visitor()
    came.get(site.authorize_url(scope="openid"))
    came.send("login", national_id=number)
    came.get(came.at.links["other-phone"])
    return came


def arrived(site, number=MANEE, phone=TYPED, visitor=None):
    """Through the typed phone's code."""
    came = at_phone(site, number, visitor)
    came.send("phone-form", phone=phone, of_age="yes")
    return came.send("code-form", code=came.newest_code())


def rows(site, table):
    with site.work.sessions.reading() as session:
        return session.scalar(select(func.count()).select_from(table))


def account(site, number=MANEE, phone=TYPED):
    with site.work.sessions.reading() as session:
        return provisional.find(session, site.work.rings.at(site.clock()), number, phone)


def test_a_typed_phone_opens_a_provisional_account_that_knows_nothing(site):
    """R1, DECISIONS 1: IAL1.1, and nothing that a register holds."""
    arrived(site)

    found = account(site)
    with site.work.sessions.reading() as session:
        known = subjects.profile(session, site.work.rings.at(site.clock()), found.id)
        assert provisional.is_provisional(session, found.id)
    assert (found.ial, found.ial_method, found.status) == ("1.1", "phone", "active")
    assert (known.name_th, known.birth_date, known.address, known.phone) == ("", "", "", E164)


def test_the_register_is_not_asked_about_a_number_whose_phone_was_typed(site, register):
    came = at_phone(site, MANEE)
    worker.run_once(site.work)
    register.asked.clear()
    site.clock.tick(MINUTE)

    came.send("phone-form", phone=TYPED, of_age="yes")
    came.newest_code()

    assert register.asked == []


def test_the_same_number_and_phone_find_the_same_account_again(site):
    arrived(site)
    before = rows(site, Subject)
    site.clock.tick(HOUR)

    arrived(site)

    assert rows(site, Subject) == before


def test_another_phone_with_the_same_number_is_another_account(site):
    arrived(site)
    first = account(site)
    site.clock.tick(HOUR)

    arrived(site, phone="010-000-0778")

    assert account(site, phone="010-000-0778").id != first.id


def test_who_types_the_phone_of_record_comes_into_the_accounts_own(site):
    """Nobody gets a second account by impatience."""
    with site.work.sessions.reading() as session:
        own = subjects.profile(session, site.work.rings.at(site.clock()), site.citizen).phone
    before = rows(site, Subject)
    came = at_phone(site, SOMCHAI)
    site.clock.tick(HOUR / 6)
    came.get(came.at.url.removesuffix("/phone") + "/login")
    came.send("login", national_id=SOMCHAI)
    came.get(came.at.links["other-phone"])
    came.send("phone-form", phone=own, of_age="yes")

    came.send("code-form", code=came.newest_code())

    assert rows(site, Subject) == before


def test_a_provisional_account_is_never_found_by_its_number_alone(site):
    """Whoever posts the number gets a code where the authority says, or none at all."""
    arrived(site)
    site.clock.tick(HOUR)
    sent = rows(site, Letter)
    came = site.visitor()
    came.get(site.authorize_url(scope="openid"))

    came.send("login", national_id=MANEE)
    worker.run_once(site.work)

    assert rows(site, Letter) == sent
    with site.work.sessions.reading() as session:
        assert subjects.find_by_national_id(session, site.work.rings.at(site.clock()), MANEE) is None


def test_the_page_and_the_code_are_the_same_for_every_number(site):
    """DECISIONS 2: known, unknown, nobody's and of somebody who died."""
    pages = []
    for n, number in enumerate((SOMCHAI, MANEE, NOBODY, DEAD)):
        came = at_phone(site, number)
        asked = came.at
        came.send("phone-form", phone=f"010-000-07{n}0", of_age="yes")
        pages.append((asked.status, asked.name, came.at.status, came.at.name, sorted(came.at.forms)))
    assert len(set(map(str, pages))) == 1


def test_nobody_comes_in_by_the_number_of_somebody_who_died(site):
    with site.work.sessions.writing() as session:
        ring = site.work.rings.at(site.clock())
        subjects.create(session, ring, DEAD, PEOPLE[DEAD], now=site.clock())
    came = at_phone(site, DEAD)
    worker.run_once(site.work)
    sent = rows(site, Letter)

    came.send("phone-form", phone=TYPED, of_age="yes")
    worker.run_once(site.work)

    assert rows(site, Letter) == sent
    assert account(site, DEAD) is None


@pytest.mark.parametrize("typed", ["", "02-123-4567", "+1 202 555 0100", "08123", "no phone", "+669876543210"])
def test_only_a_thai_mobile_number_gets_a_code(site, typed):
    """RELIABILITY 3: no toll fraud to elsewhere."""
    came = at_phone(site, MANEE)
    jobs = rows(site, Letter)

    came.send("phone-form", phone=typed, of_age="yes")
    worker.run_once(site.work)

    assert (came.at.status, came.at.name) == (400, "phone")
    assert rows(site, Letter) == jobs


def test_thai_digits_and_spaces_are_read(site):
    arrived(site, phone="๐๑๐ ๐๐๐ ๐๗๗๗")

    assert account(site) is not None


def test_who_does_not_say_to_be_of_age_gets_no_account(site):
    """PDPA s.20: nobody under 20 decides alone."""
    came = at_phone(site, MANEE)

    came.send("phone-form", phone=TYPED)

    assert (came.at.status, came.at.name) == (400, "phone")
    assert came.at.forms["phone-form"]


def test_a_new_code_goes_to_the_typed_phone_again(site):
    came = at_phone(site, MANEE)
    came.send("phone-form", phone=TYPED, of_age="yes")
    came.newest_code()
    site.clock.tick(2 * MINUTE)

    came.send("resend-form")
    came.send("code-form", code=came.newest_code())

    assert account(site) is not None
    with site.work.sessions.reading() as session:
        assert {one.to_masked[-3:] for one in fake.inbox(session)} == {E164[-3:]}


def test_guesses_at_a_typed_phones_code_are_nothing_of_the_numbers_own(site):
    """A right code at a phone of one's own must not forgive wrong ones at somebody else's, nor close their way."""
    ring = site.work.rings.at(site.clock())
    came = at_phone(site, SOMCHAI)
    came.send("phone-form", phone=TYPED, of_age="yes")
    for _ in range(3):
        came.send("code-form", code="000000")

    with site.work.sessions.reading() as session:
        counted = session.scalars(select(failures.CodeFailures.fingerprint)).all()

    assert counted == [provisional.claim_of(ring, SOMCHAI, TYPED)]


def close(site, *, device=failures.STRANGER):
    """Twenty wrong guesses at the typed phone's codes."""
    ring = site.work.rings.at(site.clock())
    with site.work.sessions.writing() as session:
        for _ in range(failures.MOST):
            failures.pay(session, provisional.claim_of(ring, MANEE, TYPED), device=device, now=site.clock())


def test_a_provisional_account_goes_on_at_its_own_device_when_strangers_closed_the_way(site):
    """RELIABILITY 3: who knows number and phone locks the path for strangers, never the person."""
    came = site.visitor()
    arrived(site, visitor=came)
    came.get("/sign-in?next=/me")
    came.post("/sign-out")
    close(site)
    site.clock.tick(HOUR)

    arrived(site, visitor=came)

    assert came.get("/me").name == "me"


def test_another_proof_opens_the_way_to_a_provisional_account_again(site):
    """ASVS 6.1.1: what somebody else closed is not closed for good."""
    arrived(site)
    close(site)
    ring = site.work.rings.at(site.clock())
    claim = provisional.claim_of(ring, MANEE, TYPED)
    person = account(site).id

    with site.work.sessions.writing() as session:
        assert failures.is_closed(session, claim)
        failures.proved(session, person, frozenset({"sms"}))
        assert failures.is_closed(session, claim)
        failures.proved(session, person, frozenset({"passkey"}))
        assert not failures.is_closed(session, claim)


def test_the_page_needs_a_number_first(site):
    came = site.visitor()
    came.get(site.authorize_url(scope="openid"))

    came.get(came.at.url.removesuffix("/login") + "/phone")

    assert came.at.name == "login"


def test_no_address_of_the_way_holds_the_phone_or_the_number(site):
    came = at_phone(site, MANEE)

    came.send("phone-form", phone=TYPED, of_age="yes")

    assert "0777" not in came.at.url
    assert MANEE not in came.at.url
