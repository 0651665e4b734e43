"""The sandbox's recorder: after each answer of the protocol it keeps what a developer may see, for /dev/last.

It hangs on the application only in the sandbox; a production server has no such hook. Secrets never reach the table,
not even sealed: they are masked here, tokens are decoded and lose their signature, and of what describes a person
only the names of the claims stay. A recorder that fails costs nobody the answer.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from flask import Flask, Response, g, request

from consent.audit import log
from consent.audit.entry import Entry
from consent.reasons import at_the_end, outward
from idp import exchanges
from idp.oauth import clients
from idp.web import errors, gate

REFUSAL = "refusal:"  # the mark of a standing refusal: its person's own
KINDS = {
    "authorize.authorize": "authorize",
    "authorize.turn": "answer",
    "authorize.cancel": "answer",
    "protocol.token": "token",
    "protocol.introspect": "introspect",
    "protocol.userinfo": "userinfo",
    "protocol.revoke": "revoke",
}
TOKENS = ("access_token", "id_token", "token", "id_token_hint", "client_assertion")
BEGINNING_SHOWN = frozenset({"code", "refresh_token", "token"})  # enough to see that it is the same one again
HIDDEN = frozenset({"client_secret", "code_verifier", "login_hint", "password"})
PERSONAL = frozenset(
    {
        *("name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "birthdate", "gender"),
        *("email", "phone_number", "address", "pid", "picture", "profile", "website", "zoneinfo", "locale"),
    }
)
JWT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
PAUSED = re.compile(r"/interaction/([A-Za-z0-9_-]+)")
MOST_FIELDS = 64
START_SHOWN = 4

Fields = list[list[str]]


def register(app: Flask) -> None:
    """Hang the recorder on the application. Called for the sandbox alone."""
    app.after_request(record)


def record(response: Response) -> Response:
    """Keep this exchange if it is the protocol's. The answer passes as it is, whatever happens here."""
    kind = KINDS.get(request.endpoint or "")
    if kind is None or request.method == "OPTIONS" or (kind == "answer" and "moving_to" not in g):
        return response
    try:
        keep(kind, response)
    except Exception as fault:  # noqa: BLE001 -- a developer's view must never cost a client its answer
        errors.note(fault)
    return response


def keep(kind: str, response: Response) -> None:
    """One exchange, in a transaction of its own after that of the request."""
    sent, said = asked(), answered(response)
    tokens = decoded(sent) | decoded(said)
    g.ring = g.get("ring") or gate.house().rings.at(g.now)
    with gate.alone() as session:
        client = clients.find(session, asker(sent))
        exchanges.keep(
            session,
            g.ring,
            kind=kind,
            client_id=client.id if client else "",
            body={
                "request_id": g.request_id,
                "method": request.method,
                "path": request.path if kind != "answer" else "",
                "by": how_authenticated(),
                "sent": masked(sent),
                "status": response.status_code,
                "challenge": response.headers.get("WWW-Authenticate", ""),
                "said": masked(said),
                "tokens": tokens,
                "decisions": [decision(entry) for entry in log.of_request(session, g.request_id, since=g.now)],
                "refusal": g.get("refusal") or "",
            },
            continues=brought(kind, sent),
            carries=given(kind, response, said),
            begins=kind == "authorize" or sent.get("grant_type") == "client_credentials",
            now=g.now,
            flows=gate.house().settings.sandbox_flows,
        )


def asked() -> dict[str, str]:
    """The parameters of the request, the Bearer token among them, by name."""
    given = request.args if request.method == "GET" else request.form
    found = dict(list(given.items())[:MOST_FIELDS]) if request.endpoint != "authorize.turn" else {}
    found.pop(gate.CSRF_FIELD, None)
    scheme, _, token = (request.headers.get("Authorization") or "").partition(" ")
    return found | ({"access_token": token.strip()} if scheme.lower() == "bearer" else {})


def answered(response: Response) -> dict[str, str]:
    """What the answer says: the members of its JSON, or the parameters on the way back to the client."""
    target = g.get("moving_to") or response.headers.get("Location", "")
    if target:
        return dict(parse_qsl(urlsplit(target).query)) | {"to": target.partition("?")[0]}
    if response.mimetype != "application/json":
        return {}
    document = json.loads(response.get_data())
    if not isinstance(document, dict):
        return {}
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in document.items()}


def masked(fields: Mapping[str, str]) -> Fields:
    """What may be seen of each field: secrets by their length, tokens not at all (they are decoded beside)."""
    return [[name, shown(name, value)] for name, value in fields.items()]


def shown(name: str, value: str) -> str:
    """What may be seen of one value."""
    if describes_a_person(name):
        return "•••"
    if JWT.fullmatch(value) and name != "scope":
        return f"••• JWT ({len(value)})"
    if name in HIDDEN or name in TOKENS or name in BEGINNING_SHOWN:
        start = value[:START_SHOWN] if name in BEGINNING_SHOWN else ""
        return f"{start}••• ({len(value)})"
    if name == "to":
        return PAUSED.sub("/interaction/•••", value)[: exchanges.LONGEST_VALUE]
    return value[: exchanges.LONGEST_VALUE]


def describes_a_person(name: str) -> bool:
    """Whether a claim or field of this name says something about a person; `name#en` is the name in English."""
    return name.partition("#")[0] in PERSONAL


def without_person(members: dict[str, Any]) -> dict[str, Any]:
    """The members of one part of a token; of what describes a person only the name stays."""
    return {key: "•••" if describes_a_person(key) else value for key, value in members.items()}


def decoded(fields: Mapping[str, str]) -> dict[str, Any]:
    """Header and claims of each JWT among these fields, without its signature and without what describes a person."""
    found = {}
    for name in TOKENS:
        parts = [unpacked(part) for part in fields.get(name, "").split(".")[:2]]
        if len(parts) == 2 and all(parts):  # noqa: PLR2004 -- header and claims
            header, claims = parts
            found[name] = {"header": without_person(header), "claims": without_person(claims)}
    return found


def unpacked(part: str) -> dict[str, Any]:
    """One part of a JWT; nothing for what is none."""
    try:
        document = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError, binascii.Error):
        return {}
    return document if isinstance(document, dict) else {}


def asker(sent: Mapping[str, str]) -> str:
    """The client that says it is asking: nothing here rests on whether it is true."""
    basic = basic_name()
    assertion = unpacked(sent.get("client_assertion", "").partition(".")[2].partition(".")[0])
    bearer = unpacked(sent.get("access_token", "").partition(".")[2].partition(".")[0])
    return str(basic or sent.get("client_id") or assertion.get("sub") or bearer.get("client_id") or "")


def basic_name() -> str:
    """The user name of HTTP Basic, as far as it can be read."""
    scheme, _, rest = (request.headers.get("Authorization") or "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(rest).decode("utf-8").partition(":")[0]
    except (ValueError, binascii.Error):
        return ""


def how_authenticated() -> str:
    """How the client showed who it is, by the registered name of the method."""
    if basic_name():
        return f"client_secret_basic: {basic_name()[: exchanges.LONGEST_VALUE]}"
    if "client_assertion" in request.form:
        return "private_key_jwt"
    return "client_secret_post" if "client_secret" in request.form else ""


def brought(kind: str, sent: Mapping[str, str]) -> Iterable[str]:
    """By what this request can be known as a part of a flow."""
    if kind == "answer":
        return [f"interaction:{(request.view_args or {}).get('interaction_id', '')}"]
    if kind == "authorize":
        return []
    named = [f"{name}:{sent[name]}" for name in ("code", "refresh_token") if sent.get(name)]
    held = sent.get("token") or sent.get("access_token") or ""
    return [*named, f"refresh_token:{held}", *threads_of_token(held)] if held else named


def given(kind: str, response: Response, said: Mapping[str, str]) -> Iterable[str]:
    """By what the next requests of the flow will be known."""
    if kind == "authorize":
        paused = PAUSED.search(response.headers.get("Location", ""))
        found = [f"interaction:{paused[1]}"] if paused else []
    else:
        found = []
    found += [f"{name}:{said[name]}" for name in ("code", "refresh_token") if said.get(name)]
    return [*found, *threads_of_token(said.get("access_token", ""))]


def threads_of_token(token: str) -> list[str]:
    """Grant and id that an access token names."""
    claims = unpacked(token.partition(".")[2].partition(".")[0])
    return [f"{name}:{claims[name]}" for name in ("grant_id", "jti") if claims.get(name)]


def decision(entry: Entry) -> dict[str, Any]:
    """One entry of the log about this request, in words that may leave the house: no person, and no refusal of one."""
    names = ("event", "purpose", "outcome")
    codes = [code for code in entry.codes if not code.startswith(REFUSAL)]
    heard = at_the_end if entry.event == "authz.denied" else outward
    return {**{name: getattr(entry, name) for name in names}, "reason": heard(entry.reason), "codes": codes}
