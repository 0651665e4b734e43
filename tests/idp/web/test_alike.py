"""Nobody learns from any step before the sign-in whose number it is: status, headers, bytes and limits (O38).

Known, unknown, deceased, under age, without a Thai card, locked, and known to the registry alone: what differs between
them is decided by the worker and seen by whoever holds the phone.
"""

import re
from dataclasses import replace

import pytest

from idp import subjects, worker
from idp.abuse import failures
from idp.contact import fake
from idp.national_id import mask_national_id
from idp.proofing.sources.fake import SandboxRegistry
from tests.fakes import MINUTE, SECOND
from tests.idp.web.visitor import SOMCHAI

KINDS = {
    "known": SOMCHAI,
    "locked": "3999000010043",
    "deceased": "1999000010161",
    "under age": "1999000010012",
    "foreign": "6999000010102",
    "stateless": "0999000010138",
    "in the registry": "2999000010053",
    "unknown": "1999000990017",
}
ACCOUNTS = ("locked", "deceased", "under age", "foreign", "stateless")
RANDOM = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[A-Za-z0-9_-]{32,}|\b[0-9a-f]{16}\b|(?<=>)[A-Z]{4}(?=<)"
)


@pytest.fixture
def town(site, ring):
    """One of each kind; the way of the locked one was closed by somebody's twenty wrong guesses."""
    people = SandboxRegistry().people
    site.registry.people[KINDS["in the registry"]] = people[KINDS["in the registry"]]
    with site.work.sessions.writing() as session:
        for kind in ACCOUNTS:
            subjects.create(session, ring, KINDS[kind], people[KINDS[kind]], now=site.clock.now)
        for _ in range(failures.MOST):
            failures.pay(session, ring.fingerprint(KINDS["locked"]), now=site.clock.now)
    return site


def plain(text, number):
    """What is left when the number itself and what is random are taken out."""
    return RANDOM.sub("?", text.replace(number, "ID").replace(mask_national_id(number), "MASKED"))


def told(page, number):
    """All that an answer tells: its status, its headers with their values, its bytes."""
    headers = sorted((name, plain(value, number)) for name, value in page.headers.items())
    return page.status, page.name, headers, plain(page.html, number)


def signing_in(site, number):
    """The number, five wrong codes, and one more."""
    visitor = site.visitor()
    visitor.get(site.authorize_url(scope="openid"))
    seen = [visitor.send("login", national_id=number)]
    worker.run_once(site.work)
    seen += [visitor.send("code-form", code="000000") for _ in range(5)]
    return [*seen, visitor.get(visitor.at.url)]


def asking_again(site, number):
    """Another code at once, in time, too often, and after the pause."""
    visitor = site.visitor()
    visitor.get(site.authorize_url(scope="openid"))
    seen = [visitor.send("login", national_id=number)]
    for wait in (0, 1, 1, 16):
        site.clock.tick(wait * MINUTE)
        visitor.get(visitor.at.url)
        if "resend-form" in visitor.at.forms:
            visitor.send("resend-form")
        worker.run_once(site.work)
        seen.append(visitor.at)
    assert {200, 429} <= {page.status for page in seen}
    return seen


def another_way(site, number):
    """A code app or a recovery code instead of the message, guessed until it is closed."""
    visitor = site.visitor()
    visitor.get(site.authorize_url(scope="openid"))
    visitor.send("login", national_id=number)
    worker.run_once(site.work)
    at = visitor.at.url.removesuffix("/code")
    seen = [visitor.get(at + "/other-way")]
    for typed in ("000000", "abcde-fghij", "000000", "000000", "000000", "000000"):
        if "other-way-form" in visitor.at.forms:
            visitor.send("other-way-form", other_code=typed)
        seen.append(visitor.at)
    return seen


def another_phone(site, number):
    """A phone that was typed, its code guessed at until it is closed."""
    visitor = site.visitor()
    visitor.get(site.authorize_url(scope="openid"))
    visitor.send("login", national_id=number)
    at = visitor.at.url.removesuffix("/code")
    seen = [visitor.get(at + "/phone"), visitor.send("phone-form", phone="010-000-07", of_age="yes")]
    seen.append(visitor.send("phone-form", phone=f"010-001-{number[-4:]}", of_age="yes"))
    worker.run_once(site.work)
    return seen + [visitor.send("code-form", code="000000") for _ in range(5)]


def many_flows(site, number):
    """The same number from one browser after another: the limits of the number are the same, too."""
    seen = []
    for _ in range(5):
        visitor = site.visitor()
        visitor.get(site.authorize_url(scope="openid"))
        seen.append(visitor.send("login", national_id=number))
        worker.run_once(site.work)
        site.clock.tick(10 * SECOND)
    return seen


def passkey_options(site, number):
    """The dialogue of the passkey is the same before and after a number was typed."""
    visitor = site.visitor()
    visitor.get(site.authorize_url(scope="openid"))
    at = visitor.at.url.removesuffix("/login")
    headers = {"X-CSRF-Token": visitor.at.attributes["passkey"]["data-csrf"]}
    first = visitor.client.post(at + "/passkey/options", json={"purpose": "sign-in"}, headers=headers)
    visitor.send("login", national_id=number)
    worker.run_once(site.work)
    again = visitor.client.post(at + "/passkey/options", json={"purpose": "sign-in"}, headers=headers)
    pages = [
        replace(visitor.at, status=one.status_code, html=one.text, headers=dict(one.headers)) for one in (first, again)
    ]
    assert pages[0].status == 200
    assert "allowCredentials" not in pages[1].html or '"allowCredentials":[]' in pages[1].html
    return pages


PATHS = (signing_in, asking_again, another_way, another_phone, many_flows, passkey_options)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.__name__)
def test_a_step_tells_the_same_of_every_number(town, path):
    """Byte for byte, random values and the number itself aside; the limits strike at the same try."""
    started, answers = town.clock.now, {}
    for kind, number in KINDS.items():
        town.clock.now = started
        answers[kind] = [told(page, number) for page in path(town, number)]

    for kind in KINDS:
        assert answers[kind] == answers["unknown"], kind


def test_the_phones_of_the_dead_and_of_the_locked_do_not_ring(town):
    """The other half of the same answer: what the pages do not tell, the messages do not either."""
    for number in KINDS.values():
        signing_in(town, number)

    with town.work.sessions.reading() as session:
        rung = {message.to_masked[-4:] for message in fake.inbox(session)}
    people, ring_at = SandboxRegistry().people, ("known", "under age", "foreign", "stateless", "in the registry")
    assert rung == {people[KINDS[kind]].phone[-4:] for kind in ring_at}
