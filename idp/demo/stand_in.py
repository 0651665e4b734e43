"""What the sandbox's ThaID and LINE share: who can be chosen, codes that are good once, and the page that asks."""

import csv
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from threading import Lock
from typing import Generic, TypeVar
from urllib.parse import urlencode

from flask import Response, redirect, render_template, request

from idp.relying.keys import Clock, wall_clock

CODE_S = 60.0
MOST_CODES = 1000
MOST_SHOWN = 40
POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"
ASKED = ("client_id", "redirect_uri", "response_type", "scope", "state", "nonce", "code_challenge")
T = TypeVar("T")
Row = Mapping[str, str]


@dataclass(frozen=True)
class Client:
    """The one relying party that a stand-in knows: the sandbox's own server."""

    client_id: str
    secret: str
    redirect_uri: str

    def is_shown(self, client_id: str, secret: str) -> bool:
        """Whether these are its own."""
        return hmac.compare_digest(f"{client_id}:{secret}".encode(), f"{self.client_id}:{self.secret}".encode())

    def asks(self, asked: Row) -> bool:
        """Whether a request is one of its own; nobody is sent anywhere else."""
        return (asked.get("client_id"), asked.get("redirect_uri")) == (self.client_id, self.redirect_uri)


class Codes(Generic[T]):
    """Authorization codes: each stands for something for a minute, once."""

    def __init__(self, clock: Clock = wall_clock) -> None:
        self._clock, self._lock = clock, Lock()
        self._kept: dict[str, tuple[float, T]] = {}

    def give(self, of: T) -> str:
        """A new code; the oldest ones go when there are too many."""
        code = secrets.token_urlsafe(24)
        with self._lock:
            self._kept[code] = (self._clock() + CODE_S, of)
            while len(self._kept) > MOST_CODES:
                del self._kept[next(iter(self._kept))]
        return code

    def take(self, code: str) -> T | None:
        """What it stands for, once."""
        with self._lock:
            until, of = self._kept.pop(code, (0.0, None))
        return of if self._clock() < until else None


def people(path: str) -> Sequence[Row]:
    """Everybody in the file of made-up people, or in the sandbox's own."""
    file = Path(path) if path else files("idp.demo") / "people.tsv"
    return list(csv.DictReader(file.read_text(encoding="utf-8-sig").splitlines(), delimiter="\t"))


def chosen(everybody: Sequence[Row]) -> Row | None:
    """Whom the form names, by place in the list or by number."""
    said, typed = request.form.get("person", ""), request.form.get("number", "").strip()
    if typed:
        return next((one for one in everybody if one["national_id"] == typed), None)
    if not said.isascii() or not said.isdigit() or not 1 <= int(said) <= len(everybody):
        return None
    return everybody[int(said) - 1]


def ask(kind: str, asked: Row, everybody: Sequence[Row], *, wrong: bool = False) -> Response:
    """The page: who holds the phone? The request comes along in the form."""
    kept = {name: asked.get(name, "") for name in ASKED}
    page = render_template("stand_in.html", kind=kind, kept=kept, people=everybody[:MOST_SHOWN], wrong=wrong)
    return Response(page, status=400 if wrong else 200, headers={"Content-Security-Policy": POLICY})


def back(asked: Row, **answer: str) -> Response:
    """The browser goes back to where the request came from."""
    query = urlencode({**answer, "state": asked.get("state", "")})
    found: Response = redirect(f"{asked['redirect_uri']}?{query}", 303)  # type: ignore[assignment]
    return found
