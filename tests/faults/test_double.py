"""RELIABILITY X18: the same act two to fifty times, at once and after a lost answer: one record, one answer."""

import json
import re
import socket
from collections import Counter
from urllib.parse import urlencode

import pytest

from tests.faults import checker, load
from tests.stories.browser import Browser
from tests.stories.citizen import Citizen, ref_of
from tests.stories.test_races import at_once

DIGEST = re.compile(r"[?&]code=([^&\"]+)")


def screen_of(citizen):
    """A request of a service that waits at its consent page: (its address, the form that says yes to everything)."""
    where = citizen.begin()
    page = citizen.until(lambda: citizen.get(f"{where}/consent"), 200)
    hidden = dict(load._HIDDEN.findall(page.body))
    citizen.csrf = hidden["csrf"]
    asked = load._ASKED.findall(page.body)
    form = [("csrf", hidden["csrf"]), ("screen", hidden["screen"]), ("decision", "allow")]
    parts = (*asked, *load._TOLD.findall(page.body))
    return where, form + [("purpose", code) for code in asked], load.Act("give", hidden["screen"], parts)


def again(citizen, path, form):
    """The same request over a connection of its own."""
    twin = load.Citizen(citizen.scene, citizen.token, citizen.subject_id, citizen.stop, browser=citizen.browser)
    try:
        return twin.ask("GET" if form is None else "POST", path, form)
    finally:
        twin.hang_up()


def lose_the_answer(citizen, path, form):
    """Send the request and hang up once the server has it."""
    body = urlencode(form)
    head = {
        "Host": f"127.0.0.1:{citizen.scene.settings.port}",
        **citizen.headers(),
        "Content-Type": "application/x-www-form-urlencoded",
        "Content-Length": str(len(body)),
    }
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items()), "", body]
    with socket.create_connection(("127.0.0.1", citizen.scene.settings.port), timeout=10) as raw:
        raw.sendall("\r\n".join(lines).encode())
        raw.recv(1)  # it has been handled: whatever the answer says is thrown away


def one_citizen(system):
    """Somebody signed in, with an empty diary."""
    return load.prepared(system, people=1)


@pytest.mark.parametrize("times", [2, 50])
def test_a_consent_that_is_posted_many_times_is_one_record(system, times, figure):
    """Every tap leads back to the same place, and to the same code."""
    crowd = one_citizen(system)
    citizen = crowd.citizens[0]
    where, form, act = screen_of(citizen)
    one = load.Try(citizen.next_millisecond())

    answers = at_once([lambda: again(citizen, f"{where}/consent", form)] * times)
    ends = at_once([lambda: again(citizen, where, None)] * times)

    one.ended, one.end = load.wall_clock(), "ok"
    citizen.diary += [load.Act(act.kind, act.key, act.parts, [one]), load.Act("grant", where, (), [one])]
    verdict = checker.check(system, crowd)
    figure(f"consent posted {times}x at once ({system.engine}): {verdict.line()}")
    assert {(answer.status, answer.location) for answer in answers} == {(303, where)}
    assert len({DIGEST.search(answer.body).group(1) for answer in ends}) == 1
    assert verdict.holds, (verdict.lost, verdict.ghosts, verdict.duplicates)


def test_a_consent_whose_answer_was_lost_is_given_once_by_trying_again(system):
    """The retry carries the same screen, finds it answered, and is told the same."""
    crowd = one_citizen(system)
    citizen = crowd.citizens[0]
    where, form, act = screen_of(citizen)
    one = load.Try(citizen.next_millisecond())

    lose_the_answer(citizen, f"{where}/consent", form)
    answer = again(citizen, f"{where}/consent", form)

    one.ended, one.end = load.wall_clock(), "ok"
    citizen.diary.append(load.Act(act.kind, act.key, act.parts, [one]))
    verdict = checker.check(system, crowd)
    assert (answer.status, answer.location) == (303, where)
    assert verdict.holds, (verdict.lost, verdict.ghosts, verdict.duplicates)


@pytest.mark.parametrize("times", [2, 50])
def test_a_withdrawal_that_is_posted_many_times_is_one(system, times, figure):
    """At once and after a lost answer: one withdrawal, one entry, the same page."""
    crowd = one_citizen(system)
    citizen = crowd.citizens[0]
    where, form, act = screen_of(citizen)
    citizen.act(act, f"{where}/consent", form)
    citizen.conclude(where)
    listed = citizen.until(lambda: citizen.get("/me/consents"), 200).body
    record = next(one for one in load._ITEM.findall(listed) if is_withdrawable(citizen, one))
    path, yes = f"/me/consents/{record}/withdraw", [("csrf", citizen.csrf)]
    one = load.Try(citizen.next_millisecond())

    lose_the_answer(citizen, path, yes)
    answers = at_once([lambda: again(citizen, path, yes)] * times)

    one.ended, one.end = load.wall_clock(), "ok"
    citizen.diary.append(load.Act("withdraw", record, (record,), [one]))
    verdict = checker.check(system, crowd)
    figure(f"withdrawal posted 1 + {times}x ({system.engine}): {verdict.line()}")
    assert {(answer.status, answer.location) for answer in answers} == {(303, f"/me/consents/{record}/withdrawn")}
    assert verdict.holds, (verdict.lost, verdict.ghosts, verdict.duplicates)


def is_withdrawable(citizen, record):
    """Whether the page of the first tap shows the form."""
    return 'id="withdraw-form"' in citizen.get(f"/me/consents/{record}/withdraw").body


@pytest.mark.parametrize("times", [2, 50])
def test_a_right_code_that_is_posted_many_times_signs_in_once(system, times):
    """One session and one entry; the taps that come second are refused, and none of them is an error of ours."""
    number, _, who = system.somebody()
    browser = Browser()
    system.opened.append(browser.close)
    person = Citizen(system.settings.issuer, number, browser)
    page = browser.submit(browser.get(f"{system.settings.issuer}/sign-in"), "login", national_id=number)
    form = page.forms["code-form"]
    told = [*((name, value) for name, value in form.fields if name != "code"), ("code", person.sms(ref_of(page)))]
    twin = load.Citizen(system, "", "", load.threading.Event(), browser=browser.http.cookies["yinyom-browser"])

    answers = at_once([lambda: again(twin, form.action, told)] * times)

    statuses = Counter(answer.status for answer in answers)
    assert statuses[303] >= 1
    assert set(statuses) <= {303, 400}
    assert events_of(system, who)["signin.done"] == 1


def events_of(system, who):
    """What the log holds about a person, counted by event."""
    with system.sessions.reading() as session:
        rows = session.execute(
            checker.text(
                "SELECT e.leaf_bytes FROM audit_entry e JOIN audit_pseudonym p ON p.pseudonym = e.subject "
                "WHERE p.person_id = :who"
            ),
            {"who": checker.UUID(who).hex if system.engine == "sqlite" else who},
        )
        return Counter(json.loads(bytes(leaf)[1:])["event"] for (leaf,) in rows)
