"""How long after a withdrawal everybody says no: a table of times, measured against running processes.

`make bench ARGS=--withdrawals` starts a sandbox's server, worker, portal and record holder. Each of twenty people
agrees, withdraws, and from the moment that the answer to the second tap has arrived, each place is asked again and
again until it refuses. Then another refuses the place in general, and the same is asked where it shows. Nothing is
asserted here: the stories ask once after a withdrawal, and expect a refusal.
"""

import base64
import json
import statistics
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from tests.stories import relying, world
from tests.stories.citizen import Citizen
from tests.stories.live import Live
from tests.stories.relying import RelyingParty

PEOPLE = 20
PLACE = "99001"
LONGEST_S = 90.0
PAUSE_S = 0.01
Times = dict[str, list[float]]


def measure(people: int = PEOPLE) -> Times:
    """Seconds from the end of the withdrawal to the first refusal, by place."""
    found: Times = {}
    with tempfile.TemporaryDirectory() as folder, world.running(Path(folder)) as running:
        live = Live(running)
        for _ in range(people):
            for place, seconds in [*one(live).items(), *in_general(live).items()]:
                found.setdefault(place, []).append(seconds)
        while live.opened:
            live.opened.pop().close()
    return found


def one(live: Live) -> dict[str, float]:
    """One person with one service and, beside it, the portal that keeps a copy."""
    citizen, service = live.citizen(), live.service()
    asked = service.ask(scope=service.scope + " offline_access")
    tokens = service.tokens(citizen.walk(citizen.browser.get(asked.url)), asked)
    access = tokens["access_token"]
    assert live.records(access).status_code == httpx.codes.OK
    done = live.withdraw(citizen, "EHR-SHARE")
    ended = time.monotonic()
    return {place: seconds_until(refuses, ended) for place, refuses in places(live, citizen, service, tokens, done.url)}


def in_general(live: Live) -> dict[str, float]:
    """One person who agrees, and then refuses the whole place whatever they agreed to."""
    citizen, service = live.citizen(), live.service()
    asked = service.ask()
    access = service.tokens(citizen.walk(citizen.browser.get(asked.url)), asked)["access_token"]
    assert live.records(access).status_code == httpx.codes.OK
    page = citizen.browser.get(f"{live.issuer}/me/refusals/new/facility?q={PLACE}")
    assert citizen.browser.submit(page, "refusal-form", "refuse", ticks=(f"place-{PLACE}",)).name == "me_refusals"
    ended = time.monotonic()
    shows: dict[str, Callable[[], bool]] = {
        "introspection": lambda: "patient/" not in service.introspect(access).get("scope", ""),
        "record holder (asks each time)": lambda: live.records(access).status_code != httpx.codes.OK,
        "status list": lambda: listed(access),
    }
    return {f"refused in general: {place}": seconds_until(refuses, ended) for place, refuses in shows.items()}


def places(
    live: Live, citizen: Citizen, service: RelyingParty, tokens: dict[str, Any], page: str
) -> list[tuple[str, Callable[[], bool]]]:
    """Each place with the question whether it refuses now, the quickest first."""
    access = tokens["access_token"]
    return [
        ("introspection", lambda: service.introspect(access) == {"active": False}),
        ("UserInfo", lambda: service.userinfo(access).status_code == httpx.codes.UNAUTHORIZED),
        ("refresh", lambda: service.refresh(tokens["refresh_token"]).status_code == httpx.codes.BAD_REQUEST),
        ("record holder (asks each time)", lambda: live.records(access).status_code == httpx.codes.UNAUTHORIZED),
        ("status list", lambda: listed(access)),
        ("the receiver has acknowledged", lambda: "รับทราบ" in citizen.browser.get(page).text),
    ]


def listed(access: str) -> bool:
    """Whether the token's place in its status list says INVALID (Token Status List section 4)."""
    of = relying.claims(access)["status"]["status_list"]
    answer = httpx.get(of["uri"], headers={"Accept": "application/statuslist+jwt"})
    told = json.loads(unpadded(answer.text.split(".")[1]))["status_list"]
    bits, lst = told["bits"], zlib.decompress(unpadded(told["lst"]))
    at = of["idx"] * bits
    return bool(lst[at // 8] >> at % 8 & (1 << bits) - 1)


def unpadded(text: str) -> bytes:
    """Base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def seconds_until(refuses: Callable[[], bool], since: float) -> float:
    """From `since` to the question that was refused."""
    while not refuses():
        assert time.monotonic() - since < LONGEST_S, "it never refused"
        time.sleep(PAUSE_S)
    return time.monotonic() - since


def report(found: Times) -> str:
    """Median and longest of each place, as Markdown."""
    lines = ["| place | refuses after, ms: median | longest |", "|---|---|---|"]
    for place, seconds in found.items():
        lines.append(f"| {place} | {statistics.median(seconds) * 1000:,.0f} | {max(seconds) * 1000:,.0f} |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    print(report(measure()))  # noqa: T201 -- a program for a terminal


if __name__ == "__main__":
    main()
