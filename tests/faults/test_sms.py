"""RELIABILITY X15: the SMS gateway is slow, down, broken off, or takes a message and says that it did not."""

import re
import threading
import time
from contextlib import closing, contextmanager

import pytest

from consent.db import new_id
from idp import outbox, worker
from idp.contact.sms import HttpSms
from idp.fetcher import GuardedFetcher
from idp.keys import KeyRings
from idp.national_id import SyntheticOnly
from idp.ports import Ports
from idp.proofing.sources.fake import SandboxRegistry
from tests.faults import load
from tests.faults.gateway import open_gateway
from tests.idp.servers import serving
from tests.stories.browser import Browser
from tests.stories.citizen import CODE
from tests.stories.waiting import eventually
from tests.stories.world import wall_clock

LOGIN_S = 3.0
PATIENCE_S = 4.0  # of the adapter towards the gateway, so that a hanging one is given up while a test can watch


@contextmanager
def delivering(system, gateway):
    """The worker, as it is, with the real adapter towards this gateway."""
    system.worker.end()
    with closing(HttpSms(url=gateway.url, token="t", sender="Yinyom", timeout_s=PATIENCE_S)) as sms:
        made = worker.Worker(
            system.settings,
            system.sessions,
            KeyRings(system.sessions, system.settings.kek()),
            Ports(SandboxRegistry(), sms, GuardedFetcher(allow_loopback=True), SyntheticOnly()),
            wall_clock,
        )
        stop = threading.Event()
        thread = threading.Thread(target=worker.run, args=(made, stop), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            gateway.closing.set()
            thread.join(30)
            assert not thread.is_alive(), "the worker did not stop"


def asked_for_a_code(system, gateway=None, moods=()):
    """Somebody types their number: (their phone, the code's page, their browser, how long the answer took).

    `moods`: how the gateway takes their code, one a try; messages to others that still wait do not use them up.
    """
    number, phone, _ = system.somebody()
    if moods:
        gateway.moods[phone] = list(moods)
    browser = Browser()
    system.opened.append(browser.close)
    page = browser.get(f"{system.settings.issuer}/sign-in")
    began = time.monotonic()
    page = browser.submit(page, "login", national_id=number)
    took = time.monotonic() - began
    assert page.name == "code", page.text[:300]
    return phone, page, browser, took


def queue_a_letter(system, url):
    """A signed event to a service."""
    key = f"fault:{new_id()}"
    with system.sessions.writing() as session:
        outbox.enqueue(session, system.ring, kind="set", to=url, body="e30.e30.e30", key=key, now=wall_clock())


def test_a_gateway_that_hangs_holds_up_nobody_else(system, figure):
    """The login answers at once, other people's codes and letters to services go out, and the one waits its turn."""
    with open_gateway() as gateway, serving() as service, delivering(system, gateway):
        phones = [asked_for_a_code(system) for _ in range(2)]
        eventually(lambda: all(gateway.texts_to(phone) for phone, *_ in phones), "no code came while all was well")
        number, phone, _ = system.somebody()
        gateway.special[phone] = "hang"
        browser = Browser()
        system.opened.append(browser.close)
        began = time.monotonic()
        page = browser.submit(browser.get(f"{system.settings.issuer}/sign-in"), "login", national_id=number)
        eventually(lambda: bool(gateway.keys_to(phone)), "the gateway was never asked")
        queue_a_letter(system, service.url)
        others = [asked_for_a_code(system) for _ in range(3)]
        eventually(lambda: bool(service.received), "a letter to a service waits for the SMS gateway")
        eventually(lambda: all(gateway.texts_to(other) for other, *_ in others), "other people's codes wait")
        held_up = time.monotonic() - began
        eventually(lambda: len(gateway.keys_to(phone)) >= 2, "it is not tried again", within_s=90)
        gateway.special.clear()
        eventually(lambda: bool(gateway.texts_to(phone)), "the code never came", within_s=90)

        code = CODE.search(gateway.texts_to(phone)[0]).group(1)
        done = browser.submit(page, "code-form", code=code)
    system.bring_up()

    slowest = max(took for *_, took in (*phones, *others))
    figure(
        f"SMS gateway hangs ({system.engine}): login answers in {slowest:.2f} s at most, others served in "
        f"{held_up:.1f} s; tried {len(gateway.keys_to(phone))}x under one key"
    )
    assert len(set(gateway.keys_to(phone))) == 1
    assert len(gateway.texts_to(phone)) == 1
    assert done.name != "code", done.text[:300]
    assert slowest < LOGIN_S


@pytest.mark.parametrize("mood", ["down", "refuse", "reset", "twice"])
def test_a_gateway_that_fails_is_tried_again_under_the_same_key(system, mood, figure):
    """Whether or not it took the message: retried after growing pauses, one message at the phone."""
    with open_gateway() as gateway, delivering(system, gateway):
        began = time.monotonic()
        phone, page, browser, took = asked_for_a_code(system, gateway, [mood, mood])
        eventually(lambda: len(gateway.keys_to(phone)) == 3, "it was not tried three times", within_s=90)
        waited = time.monotonic() - began
        eventually(lambda: bool(gateway.texts_to(phone)), "the code never came")
        code = CODE.search(gateway.texts_to(phone)[0]).group(1)
        done = browser.submit(page, "code-form", code=code)
    system.bring_up()

    figure(f"SMS gateway {mood} twice ({system.engine}): login {took:.2f} s, third try {waited:.1f} s, one message")
    assert took < LOGIN_S
    assert waited >= 6  # 2 s, then 4 s
    assert len(set(gateway.keys_to(phone))) == 1
    assert gateway.texts_to(phone) == [text for text in gateway.texts_to(phone) if re.search(code, text)][:1]
    assert done.name != "code", done.text[:300]


def test_a_gateway_that_is_down_for_good_costs_only_the_message(system):
    """The person may ask again; sessions that exist, and everything else, go on."""
    crowd = load.prepared(system, people=1)
    with open_gateway() as gateway, delivering(system, gateway):
        gateway.mood = "down"
        phone, page, browser, _ = asked_for_a_code(system)
        eventually(lambda: len(gateway.keys_to(phone)) >= 2, "it is not tried again", within_s=90)
        wrong = browser.submit(page, "code-form", code="000000")
        crowd.citizens[0].once()
    system.bring_up()

    assert wrong.name == "code"
    assert not gateway.sent
    assert crowd.acknowledged() >= 5
