"""What only time does, in real processes: a twentieth birthday at midnight in Bangkok, a service away for an hour."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.faults import wall_clock
from tests.stories import people
from tests.stories.browser import as_json
from tests.stories.test_family import TEEN, asked_for_whom, chosen, entrusted
from tests.stories.waiting import eventually
from tests.stories.world import wall_clock as real_clock

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]
BANGKOK = ZoneInfo("Asia/Bangkok")
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
NEARLY_TWENTY = people.national_id(98001)
SHARE = "openid offline_access patient/Condition.rs"
LATE, ACKNOWLEDGED = "ล่าช้า ยังไม่ตอบ", "รับทราบแล้ว"


def next_birthday():
    """The next midnight in Bangkok that leaves half an hour for what comes before it."""
    day = (real_clock() + HOUR / 2).astimezone(BANGKOK).date() + timedelta(days=1)
    return datetime.combine(day, time(0), BANGKOK)


def born_for(birthday):
    """The registry's row of somebody who turns twenty then."""
    born = birthday.date().replace(year=birthday.year - 20)
    name = "นางสาว\tมานี\tทดสอบสุข\tMiss\tManee\tThotsopsuk"
    place = f"{people.PLACE}\talive\t1.3\t"
    return f"{NEARLY_TWENTY}\t{name}\t{born.isoformat()}\tfemale\t010-000-0777\tmanee@example.test\t{place}\n"


def told(live, person, kind):
    """Whether this notice was written to the person."""
    return live.told(person, kind) or None


def test_s20_at_midnight_in_bangkok_a_parents_power_ends_in_running_processes(tmp_path, figure):
    """PDPA s.20: one second before it holds, at midnight nothing does, without a job; then the young adult is asked."""
    birthday = next_birthday()
    with wall_clock.running(tmp_path, ("web", "worker"), prepared_by=born_for(birthday)) as (live, clock):
        clock.go_on(max(birthday - HOUR - clock.now(), timedelta(0)))
        clerk, mother, young = live.staff("clerk"), live.citizen(), live.citizen(NEARLY_TWENTY)
        mother.open("/me")
        entrusted(live, clerk, mother, (NEARLY_TWENTY, TEEN))
        _, _, page = asked_for_whom(live, mother, SHARE)
        mother.walk(chosen(mother, page, TEEN), until="cosign_wait")
        inbox = young.open("/me/family", until="me_family")
        young.browser.submit(young.browser.click(inbox, "sign-1"), "cosign-form", "allow")
        service, asked, page = asked_for_whom(live, mother, SHARE)
        tokens = service.tokens(mother.walk(chosen(mother, page, TEEN)), asked)

        clock.stand_at(birthday - SECOND)
        newer = as_json(service.refresh(tokens["refresh_token"]))
        assert "access_token" in newer, newer
        before = service.introspect(newer["access_token"])
        clock.stand_at(birthday)
        after = service.introspect(newer["access_token"])
        refused = service.refresh(newer.get("refresh_token", tokens["refresh_token"]))

        assert before["active"], before
        assert before["exp"] == birthday.timestamp()  # nor did the token say that it would outlive the power
        assert after == {"active": False}
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")

        clock.go_on(MINUTE)
        live.world.stop("worker")
        live.world.start("worker")  # it comes by every ten minutes, and first of all when it starts
        eventually(lambda: told(live, young, "turned_twenty"), "nobody wrote to the young adult")
        own = live.service(SHARE)
        asked = own.ask()
        young.browser.stops = (own.redirect_uri,)
        theirs = own.tokens(young.walk(young.browser.get(asked.url)), asked)
        assert "consent" in young.walked
        assert own.introspect(theirs["access_token"])["active"]
        page = mother.walk(mother.browser.get(service.ask(prompt="login").url), until="for_whom")
        assert TEEN not in page.text
        figure(f"twentieth birthday: active at {birthday - SECOND:%H:%M:%S}, ended at {birthday:%H:%M:%S} in Bangkok")


def test_a_recipient_that_is_down_for_an_hour_is_late_on_the_page_and_then_hears_of_everything(tmp_path, figure):
    """PDPA s.19: whoever asks is told no at once; who is away is named, tried all the time, and hears it in order."""
    with wall_clock.running(tmp_path, ("web", "worker", "holder", "portal")) as (live, clock):
        citizen = live.citizen(stops=())
        page = citizen.walk(citizen.browser.get(live.portal + "/sign-in"))
        form = next(name for name, one in page.forms.items() if one.action.endswith("/history"))
        citizen.browser.submit(page, form)
        known = live.portal_state()
        live.world.stop("portal")
        done = live.withdraw(citizen, "EHR-SHARE")
        began = clock.now()

        tries = 0
        while clock.now() - began < HOUR:
            tries = eventually(lambda seen=tries: newer(live, seen), "the worker no longer tries")
            clock.go_on(5 * MINUTE)
        citizen.open("/me")
        assert LATE in citizen.browser.get(done.url).text
        live.world.start("portal")
        back = clock.now()
        for _ in range(2):  # the pause that was running, and at most one more
            if not heard(citizen, done):
                clock.go_on(5 * MINUTE)

        assert heard(citizen, done), "the service is back and was never told"
        assert live.portal_state() != known
        within = (clock.now() - back).seconds
        figure(f"recipient down for an hour: tried {tries} times, told within {within} s of its return")


def attempts(live):
    """How often the event was tried."""
    return int(live._rows("SELECT coalesce(max(attempts), 0) FROM letter WHERE kind = 'set'")[0][0])


def newer(live, seen):
    """The number of tries once there was another."""
    count = attempts(live)
    return count if count > seen else None


def heard(citizen, done):
    """Whether the page says within some seconds that the service answered."""
    try:
        return eventually(lambda: ACKNOWLEDGED in citizen.browser.get(done.url).text or None, "not yet", within_s=6)
    except AssertionError:
        return False
