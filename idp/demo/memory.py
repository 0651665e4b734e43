"""What the portal holds: visits by cookie, and its copies of records by person. All in memory, all behind one lock."""

import secrets
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from idp.demo.client import Failure, Pending, TokenSet
from idp.demo.fhir import Resource

MAX_VISITS = 500


@dataclass
class Visit:
    """One browser."""

    locale: str = "th"
    pending: Pending | None = None
    tokens: TokenSet | None = None
    failure: Failure | None = None
    refused: dict[str, Failure] = field(default_factory=dict)
    known_events: int = 0  # withdrawals that this sign-in has answered already


@dataclass
class Held:
    """What is kept of one person, and the events that made it go."""

    copies: dict[str, list[Resource]] = field(default_factory=dict)
    contact: dict[str, str] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)


class Memory:
    """Threads may share it."""

    def __init__(self) -> None:
        self._visits: dict[str, Visit] = {}
        self._people: dict[str, Held] = {}
        self._trials: deque[str] = deque(maxlen=MAX_VISITS)
        self._taken_over: deque[str] = deque(maxlen=MAX_VISITS)
        self._lock = Lock()

    def visit(self, key: str | None) -> Visit:
        """This browser's visit, or an empty one that is not kept."""
        with self._lock:
            return self._visits.get(key or "") or Visit()

    def begin(self, key: str | None) -> tuple[str, Visit]:
        """This browser's visit, made if there is none. The oldest goes when there are too many."""
        with self._lock:
            if key is not None and key in self._visits:
                return key, self._visits[key]
            while len(self._visits) >= MAX_VISITS:
                del self._visits[next(iter(self._visits))]
            fresh = secrets.token_urlsafe(32)
            self._visits[fresh] = Visit()
            return fresh, self._visits[fresh]

    def signed_in(self, key: str | None, tokens: TokenSet) -> str:
        """Keep the tokens under a new key, so that a planted cookie is worth nothing."""
        with self._lock:
            visit = self._visits.pop(key or "", None) or Visit()
            visit.tokens, visit.failure, visit.refused = tokens, None, {}
            fresh = secrets.token_urlsafe(32)
            self._visits[fresh] = visit
            held = self._people.setdefault(tokens.sub, Held())
            visit.known_events = len(held.events)
            held.contact = {name: str(tokens.profile[name]) for name in CONTACT.values() if name in tokens.profile}
            return fresh

    def forget(self, key: str | None) -> None:
        """Sign this browser out of the portal."""
        with self._lock:
            self._visits.pop(key or "", None)

    def keep(self, sub: str, kind: str, found: list[Resource]) -> None:
        """A copy of what the holder gave."""
        with self._lock:
            self._people.setdefault(sub, Held()).copies[kind] = found

    def held(self, sub: str) -> dict[str, list[Resource]]:
        """The copies of one person."""
        with self._lock:
            return dict(self._people.get(sub, Held()).copies)

    def drop(self, sub: str, removed: Iterable[str], *, jti: str, purpose: str = "", at: float = 0.0) -> None:
        """Let go of everything that came under these scopes (PDPA s.19); an event of nobody we know changes nothing.

        `at` is seconds since 1970.
        """
        with self._lock:
            held = self._people.get(sub)
            if held is None:
                return
            scopes, gone = list(removed), []
            for scope in scopes:
                kind = scope.removeprefix("patient/").split(".")[0]
                if held.copies.pop(kind, None) is not None:
                    gone.append(kind)
                held.contact.pop(CONTACT.get(scope, ""), None)
            held.events.append({"jti": jti, "removed": scopes, "dropped": gone, "purpose": purpose, "at": at})

    def note_trial(self, jti: str) -> None:
        """A letter that only tried out our event endpoint (SSF 1.0)."""
        with self._lock:
            self._trials.append(jti)

    def take_over(self, document: dict[str, Any]) -> None:
        """What a person had sent here (PDPA s.31): this service keeps that it came, and nothing of it."""
        with self._lock:
            self._taken_over.append(str(document.get("format", "")))

    def dropped(self, visit: Visit) -> list[dict[str, Any]]:
        """The withdrawals that were received for this visit's person since the last sign-in."""
        with self._lock:
            events = self._people.get(visit.tokens.sub, Held()).events if visit.tokens else []
            return events[visit.known_events :]

    def state(self) -> dict[str, Any]:
        """What the portal holds, for the sandbox's tests: counts, codes and events; no token, no name."""
        with self._lock:
            people = {
                sub: {
                    "copies": {kind: len(found) for kind, found in held.copies.items()},
                    "contact": sorted(held.contact),
                    "events": held.events,
                }
                for sub, held in self._people.items()
            }
            visits = [_shown(visit) for visit in self._visits.values() if visit.tokens or visit.failure]
            trials, taken_over = list(self._trials), list(self._taken_over)
        return {"people": people, "visits": visits, "trials": trials, "taken_over": taken_over}


CONTACT = {"email": "email", "phone": "phone_number", "address": "address"}


def _shown(visit: Visit) -> dict[str, Any]:
    tokens, failure = visit.tokens, visit.failure
    return {
        "sub": tokens.sub if tokens else None,
        "scopes": list(tokens.scopes) if tokens else [],
        "acr": tokens.claims.get("acr") if tokens else None,
        "failure": {"where": failure.where, "error": failure.error, "reason": failure.reason} if failure else None,
        "refused": {kind: refusal.error for kind, refusal in visit.refused.items()},
    }
