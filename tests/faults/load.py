"""Citizens who agree and withdraw without pause, each over one connection, and a diary of what they were told.

An act has an idempotency key: a paused request's id for an answer, a record's id for its withdrawal. It is tried under
the same key until the server says what became of it, as a careful client does. Every try is noted as it was asked and
as it ended: ok (2xx or 3xx), fail (4xx or 5xx: refused), unknown (no answer: it may have happened).
"""

import base64
import http.client
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlencode, urlsplit

from consent import purposes
from tests.faults.scene import HOLDER_SECRET, Scene
from tests.stories.world import SERVICE, wall_clock

ANSWER_S = 15.0
PAUSE_S = 0.05
BEFORE = datetime(2000, 1, 1, tzinfo=UTC)
DONE = (200, 303)
SCOPE = "openid profile email phone address " + " ".join(purposes.get("EHR-SHARE").scopes)
_HIDDEN = re.compile(r'name="(screen|csrf)" value="([^"]*)"')
_ASKED = re.compile(r'name="purpose" value="([A-Z0-9-]+)"')
_TOLD = re.compile(r'id="notice-([A-Z0-9-]+)"')
_ITEM = re.compile(r'id="consent-([0-9a-f-]{36})"')


class Stopped(Exception):  # noqa: N818 -- the end of the load, not a fault
    """The time is over; what was under way stays as it is known."""


@dataclass
class Try:
    """One request: when it was sent and answered by the wall clock, and how it ended."""

    began: datetime
    ended: datetime | None = None
    end: str = "unknown"


@dataclass
class Act:
    """One act under one key. `kind`: give, withdraw, grant, entry. `parts` are purposes, or what is withdrawn."""

    kind: str
    key: str
    parts: tuple[str, ...]
    tries: list[Try] = field(default_factory=list)

    @property
    def outcome(self) -> str:
        """The best that is known: ok when any try was; unknown when any might have worked; else fail."""
        ends = {one.end for one in self.tries}
        return next((word for word in ("ok", "unknown") if word in ends), "fail")

    def happened_at(self, moment: datetime) -> bool:
        """Whether a try was under way then."""
        return any(one.began <= moment and (one.ended is None or moment <= one.ended) for one in self.tries)


@dataclass
class Answer:
    """What came back, or `status` 0: nothing did."""

    status: int = 0
    location: str = ""
    body: str = ""
    retry_after: str | None = None
    seconds: float = 0.0


@dataclass
class Citizen:
    """One person with one connection."""

    scene: Scene
    token: str
    subject_id: str
    stop: threading.Event
    diary: list[Act] = field(default_factory=list)
    refused: list[Answer] = field(default_factory=list)
    browser: str = ""
    csrf: str = ""
    kept: set[str] = field(default_factory=set)  # records that cannot be taken back
    answered_at: datetime = BEFORE
    connection: http.client.HTTPConnection | None = None

    def live(self) -> None:
        """Agree to everything, finish, withdraw everything, again and again."""
        try:
            while not self.stop.is_set():
                self.once()
        except Stopped:
            return

    def once(self) -> None:
        """One round."""
        where = self.begin()
        self.agree(where)
        while not self.conclude(where):
            self.agree(where)
        for record in _ITEM.findall(self.until(lambda: self.get("/me/consents"), 200).body):
            if record not in self.kept:
                self.withdraw(record)

    def begin(self) -> str:
        """A service asks; the address of the paused request. Asking again after a loss is another request."""
        query = {
            "response_type": "code",
            "client_id": SERVICE,
            "redirect_uri": self.scene.callback,
            "scope": SCOPE,
            "state": "s",
            "prompt": "consent",
            "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            "code_challenge_method": "S256",
        }
        answer = self.until(lambda: self.get(f"/oauth/authorize?{urlencode(query)}"), 303)
        return urlsplit(answer.location).path

    def agree(self, where: str) -> None:
        """Answer the screen that is due, if there is one, with yes to everything."""
        page = self.until(lambda: self.get(f"{where}/consent"), 200, 303)
        if page.status != http.client.OK:
            return
        hidden = dict(_HIDDEN.findall(page.body))
        self.csrf = hidden["csrf"]
        asked = _ASKED.findall(page.body)
        parts = tuple(asked) + tuple(_TOLD.findall(page.body))
        form = [("csrf", self.csrf), ("screen", hidden["screen"]), ("decision", "allow" if asked else "continue")]
        form += [("purpose", code) for code in asked]
        self.act(Act("give", hidden["screen"], parts), f"{where}/consent", form)

    def conclude(self, where: str) -> bool:
        """Go back to the service with a code; False when a screen still waits for its answer."""
        return self.act(Act("grant", where, ()), where, None, good=(http.client.OK,)).status == http.client.OK

    def withdraw(self, record: str) -> None:
        """Second tap; what cannot be taken back is refused with 403 and was no act."""
        form = [("csrf", self.csrf)]
        answer = self.act(Act("withdraw", record, (record,)), f"/me/consents/{record}/withdraw", form)
        if ended_as(answer.status) == "fail":
            self.kept.add(record)

    def act(self, act: Act, path: str, form: list[tuple[str, str]] | None, *, good: tuple[int, ...] = DONE) -> Answer:
        """Try under one key until it is known."""
        self.diary.append(act)
        while True:
            one = Try(self.next_millisecond())
            act.tries.append(one)  # invoked: from here on it may happen
            answer = self.ask("GET" if form is None else "POST", path, form)
            one.ended = self.answered_at = wall_clock()
            one.end = ended_as(answer.status, good)
            if one.end != "unknown":
                return answer
            self.rest()

    def next_millisecond(self) -> datetime:
        """The time, later than the last answer also as entries of the log tell it: tries of one person never touch."""
        while (now := cut(wall_clock())) <= self.answered_at:
            time.sleep(0.0002)
        return now

    def until(self, ask: Callable[[], Answer], *good: int) -> Answer:
        """Repeat a harmless question until it is answered."""
        while True:
            answer = ask()
            if answer.status in good:
                return answer
            self.rest()

    def rest(self) -> None:
        """A moment before the next try."""
        if self.stop.wait(PAUSE_S):
            raise Stopped

    def get(self, path: str) -> Answer:
        """A page."""
        return self.ask("GET", path, None)

    def ask(self, method: str, path: str, form: list[tuple[str, str]] | None) -> Answer:
        """One request on the kept connection; a broken one is opened anew for the next."""
        began = time.monotonic()
        try:
            answer = self._asked(method, path, form)
        except (OSError, http.client.HTTPException):
            self.hang_up()
            answer = Answer()
        answer.seconds = time.monotonic() - began
        if answer.status >= http.client.BAD_REQUEST:
            self.refused.append(answer)
        return answer

    def headers(self) -> dict[str, str]:
        """What this browser sends."""
        return {"Cookie": f"yinyom={self.token}; yinyom-browser={self.browser}", "Accept-Language": "en"}

    def hang_up(self) -> None:
        """Close the connection."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def _asked(self, method: str, path: str, form: list[tuple[str, str]] | None) -> Answer:
        if self.connection is None:
            port = self.scene.settings.port
            self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S)
            self.scene.opened.append(self.connection.close)
            self.connection.connect()
            self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        headers, body = self.headers(), None
        if form is not None:
            body, headers["Content-Type"] = urlencode(form), "application/x-www-form-urlencoded"
        self.connection.request(method, path, body=body, headers=headers)
        answer = self.connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
        self._keep_cookies(answer.headers.get_all("Set-Cookie") or [])
        told = answer.headers
        return Answer(answer.status, told.get("Location", ""), text, told.get("Retry-After"))

    def _keep_cookies(self, given: list[str]) -> None:
        for cookie in given:
            name, _, value = cookie.split(";")[0].partition("=")
            if name == "yinyom-browser":
                self.browser = value


@dataclass
class Asker(Citizen):
    """A record holder that asks about a token nobody issued: each answer stands for one entry of the log.

    `token` is its client id. It is the cheapest acknowledged write there is, and fills the time around a kill.
    """

    def once(self) -> None:
        """One question; the next is another act."""
        key = f"{self.token}:{len(self.diary)}"
        self.act(Act("entry", key, (self.token,)), "/oauth/introspect", [("token", key)])

    def headers(self) -> dict[str, str]:
        """client_secret_basic."""
        word = base64.b64encode(f"{self.token}:{HOLDER_SECRET}".encode()).decode()
        return {"Authorization": f"Basic {word}"}


@dataclass
class Load:
    """Several citizens at once."""

    citizens: list[Citizen]
    stop: threading.Event
    threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """All of them."""
        self.threads = [threading.Thread(target=citizen.live, daemon=True) for citizen in self.citizens]
        for thread in self.threads:
            thread.start()

    def end(self) -> None:
        """Finish what is under way; nobody is waited for longer than an answer may take."""
        self.stop.set()
        for thread in self.threads:
            thread.join(timeout=2 * ANSWER_S)
            assert not thread.is_alive(), "a client hangs"
        for citizen in self.citizens:
            citizen.hang_up()

    @property
    def acts(self) -> list[Act]:
        """Everything that anybody did."""
        return [act for citizen in self.citizens for act in list(citizen.diary)]

    def acknowledged(self) -> int:
        """Writes that were acknowledged: each part of an answer, each withdrawal, each grant, one."""
        return sum(weight(act) for act in self.acts if act.outcome == "ok")

    def answered_within(self, first: datetime, last: datetime) -> list[Act]:
        """Writes that were sent and acknowledged between two moments of the wall clock."""
        return [
            act
            for act in self.acts
            for one in act.tries
            if one.end == "ok" and first < one.began and one.ended is not None and one.ended < last
        ]

    def refused(self) -> list[Answer]:
        """Answers that said: not now, or worse."""
        everybody = (one for citizen in self.citizens for one in list(citizen.refused))
        return [one for one in everybody if one.status >= http.client.INTERNAL_SERVER_ERROR]

    def count(self, kind: str, outcome: str = "ok") -> int:
        """Writes of a kind that ended so."""
        return sum(weight(act) for act in self.acts if act.kind == kind and act.outcome == outcome)

    def tries(self) -> Counter[str]:
        """Requests by how they ended."""
        return Counter(one.end for act in self.acts for one in list(act.tries))


def ended_as(status: int, good: tuple[int, ...] = DONE) -> str:
    """An acknowledgement, or a refusal; a 5xx or nothing at all leaves it open."""
    if status in good:
        return "ok"
    return "fail" if 0 < status < http.client.INTERNAL_SERVER_ERROR else "unknown"


def cut(moment: datetime) -> datetime:
    """To the millisecond before, as entries of the log are."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def weight(act: Act) -> int:
    """Records that one acknowledgement stands for."""
    return max(1, len(act.parts))


def prepared(scene: Scene, *, people: int, askers: int = 0) -> Load:
    """Citizens with sessions and record holders with credentials, not begun yet."""
    stop = threading.Event()
    citizens = [Citizen(scene, *scene.signed_in(), stop) for _ in range(people)]
    return Load([*citizens, *(Asker(scene, scene.record_holder(), "", stop) for _ in range(askers))], stop)
