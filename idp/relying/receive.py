"""Receive a Security Event Token by push (RFC 8417, RFC 8935): prove it, act once, acknowledge.

The act runs before the event is remembered, so a crash inside it leaves the letter unacknowledged and it comes again;
a letter that comes twice (the acknowledgement was lost) is acknowledged again and not acted on again.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from idp.relying import jws
from idp.relying.keys import Clock, IssuerUnavailable, Keys, wall_clock

ALGORITHM = "RS256"  # SSF 1.0 interoperability profile
TYPE = "secevent+jwt"
MAX_AGE_S = 4 * 86_400.0  # the issuer retries for 72 h; older is a replay
MEMORY = 10_000
VERIFICATION = "https://schemas.openid.net/secevent/ssf/event-type/verification"
CAEP = "https://schemas.openid.net/secevent/caep/event-type/"
CREDENTIAL_CHANGE, SESSION_REVOKED = CAEP + "credential-change", CAEP + "session-revoked"
CODES = {"key": "invalid_key", "issuer": "invalid_issuer", "audience": "invalid_audience"}


class EventRefused(Exception):  # noqa: N818 -- an answer, not a fault
    """RFC 8935 section 2.4: `err` and a description; answer 400 (503 when the keys cannot be read: try again)."""

    def __init__(self, err: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.err, self.description, self.status = err, description, status


@dataclass(frozen=True)
class Event:
    """A proven event. `subject` is the `sub` of its `iss_sub` subject, in this receiver's sector; "" when absent."""

    jti: str
    subject: str
    events: Mapping[str, Mapping[str, Any]]
    issued_at: float
    repeated: bool

    @property
    def is_trial(self) -> bool:
        """Whether the letter only tries out the endpoint (SSF 1.0 section 8.1.4): acknowledge it, and do nothing."""
        return VERIFICATION in self.events

    @property
    def ends_sessions(self) -> bool:
        """Whether the person's sign-in here is over (CAEP 1.0 section 3.1): end your session of `subject`."""
        return SESSION_REVOKED in self.events

    @property
    def credential_change(self) -> tuple[str, str] | None:
        """Which kind of credential changed and how (CAEP 1.0 section 3.3): ask for a fresh sign-in where it matters."""
        change = self.events.get(CREDENTIAL_CHANGE)
        if change is None:
            return None
        return str(change.get("credential_type", "")), str(change.get("change_type", ""))


class Receiver:
    """Receives events of one issuer for one client id. Threads may share it; acts run one at a time."""

    def __init__(self, issuer: str, client_id: str, *, keys: Keys | None = None, clock: Clock = wall_clock) -> None:
        self.issuer, self.client_id = issuer, client_id
        self._keys, self._clock = keys or Keys(issuer, clock=clock), clock
        self._seen: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def accept(self, body: bytes, act: Callable[[Event], None]) -> Event:
        """Prove the letter and act on it once; answer 202 when this returns.

        Raises: EventRefused. What `act` raises passes through, and the event stays unremembered.
        """
        try:
            claims = jws.claims_of(_text(body), keys=self._keys, alg=ALGORITHM, typ=TYPE)
            event = self._event(claims)
        except jws.Refused as refusal:
            raise EventRefused(CODES.get(refusal.part, "invalid_request"), str(refusal)) from refusal
        except IssuerUnavailable as down:
            raise EventRefused("authentication_failed", str(down), 503) from down
        with self._lock:
            if event.jti in self._seen:
                return Event(event.jti, event.subject, event.events, event.issued_at, repeated=True)
            act(event)
            self._remember(event.jti)
        return event

    def _event(self, claims: Mapping[str, Any]) -> Event:
        now = self._clock()
        jws.check_issued(claims, issuer=self.issuer, audience=self.client_id, now=now)
        if "exp" in claims or "sub" in claims:  # RFC 8417 section 4.1, SSF 1.0: it must not pass for another token
            raise jws.Refused("an event carries neither exp nor sub")
        issued_at = jws.instant(claims, "iat")
        if issued_at < now - MAX_AGE_S:
            raise jws.Refused("the event is too old")
        events = claims.get("events")
        if not isinstance(events, dict) or not events or not all(isinstance(e, dict) for e in events.values()):
            raise jws.Refused("the token carries no event")
        return Event(jws.text(claims, "jti"), _subject(claims.get("sub_id"), self.issuer), events, issued_at, False)

    def _remember(self, jti: str) -> None:
        now = self._clock()
        self._seen[jti] = now
        while len(self._seen) > MEMORY or next(iter(self._seen.values())) < now - MAX_AGE_S - jws.LEEWAY_S:
            self._seen.popitem(last=False)


def _text(body: bytes) -> str:
    try:
        return body.decode("ascii").strip()
    except UnicodeDecodeError as error:
        raise jws.Refused("the body is no event") from error


def _subject(sub_id: object, issuer: str) -> str:
    """RFC 9493 section 3.2.3, of our issuer only."""
    if not isinstance(sub_id, dict) or sub_id.get("format") != "iss_sub" or sub_id.get("iss") != issuer:
        return ""
    sub = sub_id.get("sub")
    return sub if isinstance(sub, str) else ""
