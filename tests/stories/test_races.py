"""Many at once over HTTP against two worker processes: exactly one winner, exactly five guesses, no gap in history."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.stories.waiting import eventually

THREADS = 16


def at_once(acts):
    """Run all acts as nearly at once as threads allow."""
    barrier = threading.Barrier(min(THREADS, len(acts)))

    def run(index):
        if index < barrier.parties:
            barrier.wait(20)
        return acts[index]()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(len(acts))))


def test_one_code_fifty_times_has_one_winner(live):
    """RFC 6749 section 4.1.2: a code is used once; what the replays revoke is the winner's tokens."""
    citizen, service = live.citizen(), live.service()
    asked = service.ask()
    code = service.answered(citizen.walk(citizen.browser.get(asked.url)), asked).code

    answers = at_once([lambda: service.redeem(code, asked.verifier)] * 50)

    told = Counter(answer.status_code for answer in answers)
    assert told[200] == 1, told
    assert told[200] + told[400] == 50, told
    assert {answer.json()["error"] for answer in answers if answer.status_code == 400} == {"invalid_grant"}
    winner = next(answer.json()["access_token"] for answer in answers if answer.status_code == 200)
    assert service.introspect(winner) == {"active": False}


def test_two_hundred_guesses_are_five_evaluated(live):
    """RELIABILITY 3: five tries exactly, over processes; the right code comes too late after them."""
    citizen, service = live.citizen(), live.service()
    page = citizen.walk(citizen.browser.get(service.ask().url), until="code")
    right = live.code_for(citizen, page)
    wrong = [f"{n:06}" for n in range(200) if f"{n:06}" != right]
    form = page.forms["code-form"]
    url = httpx.URL(page.url).join(form.action)
    cookies = dict(citizen.browser.http.cookies)

    def guess(code):
        body = {name: value for name, value in form.fields if name != "code"} | {"code": code}
        return httpx.post(url, data=body, cookies=cookies, timeout=60).status_code

    before = live.count_events("otp.failed", "otp.locked")
    statuses = Counter(at_once([lambda code=code: guess(code) for code in wrong]))
    after = citizen.browser.submit(page, "code-form", code=right)

    assert max(statuses) < 500, statuses
    assert live.tries_left(citizen) == 0
    eventually(lambda: live.count_events("otp.failed", "otp.locked") - before == 5 or None, "not five evaluated")
    assert after.name == "code"


def test_giving_and_withdrawing_in_turns_leaves_no_gap(live):
    """DECISIONS 16: every move of a standing has its record, its withdrawal and its entry."""
    citizen, service = live.citizen(), live.service()
    rounds = 4
    for _ in range(rounds):
        asked = service.ask(prompt="consent")
        service.tokens(citizen.walk(citizen.browser.get(asked.url)), asked)
        record = live.consent_id(citizen, "EHR-SHARE")
        page = citizen.browser.get(f"{live.issuer}/me/consents/{record}/withdraw")
        at_once([lambda page=page: live.post_form(citizen, page, "withdraw-form")] * 6)

    standing = live.standing(citizen, "EHR-SHARE")
    events = Counter(entry["event"] for entry in live.audit_of(citizen) if entry.get("purpose") == "EHR-SHARE")
    assert events["consent.given"] == events["consent.withdrawn"] == rounds
    assert standing == ("withdrawn", 2 * rounds)
    assert live.count_rows("consent_record", citizen, "EHR-SHARE") == rounds


def test_one_refresh_token_used_at_once_never_ends_in_a_server_error(live):
    """DECISIONS 12: a confidential client keeps its token; parallel refreshes all work."""
    citizen, service = live.citizen(), live.service()
    asked = service.ask(scope=service.scope + " offline_access")
    tokens = service.tokens(citizen.walk(citizen.browser.get(asked.url)), asked)

    answers = at_once([lambda: service.refresh(tokens["refresh_token"])] * 20)

    assert {answer.status_code for answer in answers} == {200}


def test_one_interaction_finished_twice_at_once_gives_one_code(live):
    """A double tap on Allow: both taps see the same way back, and one grant is made."""
    citizen, service = live.citizen(), live.service()
    asked = service.ask()
    page = citizen.walk(citizen.browser.get(asked.url), until="consent")
    ticks = tuple(tick for tick, (name, _) in page.forms["consent-form"].choices.items() if name == "purpose")

    def tap():
        posted = live.post_form(citizen, page, "consent-form", "allow", ticks=ticks)
        return live.get(citizen, posted.headers["Location"]) if posted.is_redirect else posted

    answers = at_once([tap] * 8)

    assert {answer.status_code for answer in answers} <= {200, 303}, [answer.text for answer in answers]
    assert len({service.callback_of(answer) for answer in answers}) == 1
    assert live.count_grants(citizen) == 1
