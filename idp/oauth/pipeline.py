"""A request on its way through the protocol: its context, its parameters, and the draft that checks fill in."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import Flag, auto
from typing import Any
from uuid import UUID

from authlib.oauth2.rfc6749 import InvalidRequestError, OAuth2Payload, OAuth2Request
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from consent.specificity import UNSTATED, Stated
from idp.keys import KeyRing
from idp.oauth.errors import AuthorizeError
from idp.settings import Settings

REPEATABLE = frozenset({"resource"})  # RFC 8707 section 2
LONGEST_VALUE = 4096
MOST_PARAMETERS = 64


class At(Flag):
    """Where a check runs."""

    AUTHORIZE = auto()
    TOKEN = auto()
    INTROSPECT = auto()
    REVOKE = auto()


@dataclass(frozen=True)
class Context:
    """What one request works with. The caller commits when the endpoint has answered."""

    session: Session
    ring: KeyRing
    settings: Settings
    now: datetime
    request_id: str = ""
    stated: Stated = UNSTATED  # what a data holder says of the look that it asks about

    @property
    def issuer(self) -> str:
        """The issuer identifier; never built from the Host header."""
        return self.settings.issuer


class _Payload(OAuth2Payload):
    """The body's parameters only: Authlib's Flask wiring would mix the query in."""

    def __init__(self, form: MultiDict[str, str]) -> None:
        self._form = form

    @property
    def data(self) -> Mapping[str, str]:
        """First value of each."""
        return self._form

    @property
    def datalist(self) -> dict[str, list[str]]:
        """All values of each."""
        return self._form.to_dict(flat=False)


class ProtocolRequest(OAuth2Request):
    """A request to a POST endpoint. `url` must be built from the issuer, not from the Host header."""

    def __init__(
        self,
        *,
        method: str,
        url: str,
        form: MultiDict[str, str],
        headers: Mapping[str, str],
        args: MultiDict[str, str] | None = None,
    ) -> None:
        super().__init__(method, url, headers=headers)
        self.payload = _Payload(form)
        self._form = form
        self._args: MultiDict[str, str] = MultiDict() if args is None else args

    @property
    def form(self) -> MultiDict[str, str]:
        """Parameters of the body."""
        return self._form

    @property
    def args(self) -> MultiDict[str, str]:
        """Parameters of the query; no POST endpoint takes any from here."""
        return self._args


@dataclass(frozen=True)
class Resolved:
    """What the request asks for: purposes with the scopes under each, and the `offline_access` modifier."""

    purposes: Mapping[str, tuple[str, ...]]
    offline_access: bool = False
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True)
class AuthorizeRequest:
    """A checked authorization request; it survives a round trip through JSON while the person signs in."""

    client_id: str
    redirect_uri: str
    state: str | None
    nonce: str | None
    scopes: tuple[str, ...]
    resolution: Resolved
    resource: tuple[str, ...] = ()
    code_challenge: str | None = None
    prompt: frozenset[str] = frozenset()
    max_age: int | None = None
    acr_values: tuple[str, ...] = ()
    ui_locales: tuple[str, ...] = ()
    login_hint: str | None = None
    hint_subject: str | None = None
    display: str = "page"
    response_mode: str = "query"
    acr_essential: tuple[str, ...] = ()  # OIDC Core 5.5.1.1: the ID token answers with one of these
    ial: str | None = None  # the least that is essential
    launch: str | None = None  # hash of a launch handle: the request is a clinician's, for one visit
    grant_action: str | None = None  # Grant Management: create, merge, replace
    grant_id: str | None = None
    details: tuple[str, ...] = ()  # RFC 9396: each as canonical JSON
    for_whom: bool = False  # the person is asked for whom they act, if they may act for anybody

    def to_json(self) -> str:
        """This request as text; purposes keep the order in which they were asked."""
        fields = asdict(self)
        fields["prompt"] = sorted(self.prompt)
        return json.dumps(fields)

    @classmethod
    def from_json(cls, text: str) -> "AuthorizeRequest":
        """What `to_json` gave."""
        fields = json.loads(text)
        resolution = fields.pop("resolution")
        purposes = {code: tuple(scopes) for code, scopes in resolution["purposes"].items()}
        for name in ("scopes", "resource", "acr_values", "ui_locales", "acr_essential", "details"):
            fields[name] = tuple(fields.get(name, ()))  # a request may have been paused by yesterday's code
        return cls(
            **{**fields, "prompt": frozenset(fields["prompt"])},
            resolution=Resolved(purposes, resolution["offline_access"], tuple(resolution["ignored"])),
        )


@dataclass
class Draft:
    """An authorization request while it is being checked; `sure` is the part that checks have proven."""

    params: MultiDict[str, str]
    client: Any = None  # ClientFacts, once `clients.identify` has run
    redirect_uri: str | None = None
    state: str | None = None
    sure: dict[str, Any] = field(default_factory=dict)

    def get(self, name: str) -> str | None:
        """The value, or None when missing or empty (RFC 6749 section 3.1: empty is as if omitted)."""
        return self.params.get(name) or None

    def request(self) -> AuthorizeRequest:
        """The finished request."""
        return AuthorizeRequest(
            client_id=self.client.id, redirect_uri=self.redirect_uri or "", state=self.state, **self.sure
        )


def faults(params: MultiDict[str, str]) -> str | None:
    """The fixed sentence about what is wrong with the parameters as a whole, or None (RFC 6749 section 3.1)."""
    if len(params) > MOST_PARAMETERS:
        return "too many parameters"
    for name, values in params.lists():
        if len(values) > 1 and name not in REPEATABLE:
            return "a parameter is repeated"
        for text in (name, *values):
            fault = fault_of(text)
            if fault:
                return fault
    return None


def fault_of(text: str) -> str | None:
    """The fixed sentence about what is wrong with one name or value, or None."""
    if len(text) > LONGEST_VALUE:
        return "a parameter is too long"
    return "a parameter holds characters that cannot be read" if "\x00" in text or "\ufffd" in text else None


def once(_context: Context, draft: Draft) -> None:
    """No parameter twice (but `resource`), none oversized, none unreadable: RFC 6749 section 3.1."""
    sentence = faults(draft.params)
    if sentence:
        raise AuthorizeError("invalid_request", sentence)


def once_in_body(_context: Context, request: ProtocolRequest) -> None:
    """The same for a POST endpoint's body."""
    sentence = faults(request.form)
    if sentence:
        raise InvalidRequestError(sentence)


def run(checks: Iterable[tuple[Callable[[Context, Any], None], At]], at: At, context: Context, subject: Any) -> None:
    """Run every check of this stage, in the table's order."""
    for check, stages in checks:
        if at in stages:
            check(context, subject)


def uuid_or_none(text: object) -> UUID | None:
    """A UUID that somebody else sent, or None."""
    try:
        return UUID(str(text))
    except ValueError:
        return None
