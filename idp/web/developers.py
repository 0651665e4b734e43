"""The developer's view: the last flow of each client over the wire (sandbox only), a letter to try out, every error.

`/dev/errors` is for everybody: `error_uri` of an OAuth error leads there (RFC 6749 section 5.2).
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, g, redirect, render_template, request

from idp import exchanges, trial
from idp.exchanges import Exchange, Flow
from idp.oauth import clients
from idp.oauth.clients import ClientFacts
from idp.outbox import Letter
from idp.web import gate, shapes
from idp.web.gate import Tx, as_response, route
from idp.web.sandbox import only_in_the_sandbox
from idp.web.shapes import uuid_or_none

bp = Blueprint("developers", __name__, url_prefix="/dev")
INSTANTS = frozenset({"iat", "exp", "nbf", "auth_time"})
OLDER = 10
FAULT = 400
LATEST_S = 2**33
OUR_ID = re.compile(r"[0-9a-f]{16}")  # a correlation id; other words of a link are nobody's to put on our page


@route(bp, "/last", tx=Tx.READ)
def last() -> Response:
    """The newest flow, or the chosen one, request by request."""
    only_in_the_sandbox()
    flows = exchanges.last_flows(g.session)
    client_id, asked = request.args.get("client"), uuid_or_none(request.args.get("flow"))
    known = {client.id: client for client in clients.everyone(g.session)}
    own = [flow for flow in flows if client_id is None or flow.client_id == client_id]
    chosen = next((flow for flow in flows if flow.id == asked), None) or next(iter(own), None)
    found = exchanges.of_flow(g.session, g.ring, chosen.id) if chosen else []
    current = chosen.client_id if chosen else client_id or ""
    return as_response(
        render_template(
            "dev_last.html",
            tabs=[tab(one, known) for one in newest_of_each(flows)],
            current=current,
            name=named(current, known),
            flow=chosen,
            others=[flow for flow in flows if flow.client_id == current and flow is not chosen][:OLDER],
            steps=[step(number, exchange) for number, exchange in enumerate(found, 1)],
            takes_events=current in known and known[current].event_endpoint is not None,
            trials=[tried(letter) for letter in trial.letters(g.session, current)] if current else [],
        )
    )


@route(bp, "/test-event", methods=("POST",), tx=Tx.WRITE)
def test_event() -> Response:
    """Queue a letter to try out; the page that follows says what became of it."""
    only_in_the_sandbox()
    client_id = request.form.get("client", "")
    trial.send(g.session, g.ring, gate.house().settings, client_id, now=g.now)
    return as_response(redirect(f"{request.script_root}/dev/last?{urlencode({'client': client_id})}#events", 303))


@route(bp, "/errors", tx=Tx.READ)
def all_errors() -> Response:
    """Every error by endpoint: what it means and what to do next."""
    asked = request.args.get("request", "")
    return as_response(render_template("dev_errors.html", asked=asked if OUR_ID.fullmatch(asked) else ""))


def newest_of_each(flows: Sequence[Flow]) -> list[Flow]:
    """The newest flow of every client, newest first."""
    found: dict[str, Flow] = {}
    for flow in flows:
        found.setdefault(flow.client_id, flow)
    return list(found.values())


def tab(flow: Flow, known: Mapping[str, ClientFacts]) -> dict[str, str]:
    """One client to choose."""
    return {"client_id": flow.client_id, "name": named(flow.client_id, known)}


def named(client_id: str, known: Mapping[str, ClientFacts]) -> str:
    """The client's name in the page's language; nothing for what is not registered."""
    return known[client_id].name_in(g.locale) if client_id in known else ""


def step(number: int, exchange: Exchange) -> dict[str, Any]:
    """One exchange as the page shows it."""
    body = exchange.body
    said = dict(body["said"])
    return {
        **body,
        "number": number,
        "kind": exchange.kind,
        "at": exchange.at,
        "grant_type": dict(body["sent"]).get("grant_type", ""),
        "fine": body["status"] < FAULT and "error" not in said and said.get("active") != "false",
        "tokens": [
            {"name": name, "header": claims(token["header"]), "claims": claims(token["claims"])}
            for name, token in body["tokens"].items()
        ],
        "decisions": [
            {**one, "purpose_name": shapes.purpose_name(one["purpose"]) if one["purpose"] else ""}
            for one in body["decisions"]
        ],
    }


def claims(of: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Name, value as text, and the instant where it is one."""
    return [
        {
            "name": name,
            "value": " ".join(map(str, value)) if isinstance(value, list) else str(value),
            "at": datetime.fromtimestamp(value, UTC) if name in INSTANTS and is_instant(value) else None,
        }
        for name, value in of.items()
    ]


def is_instant(value: object) -> bool:
    """Seconds since 1970 that a calendar can show; a stranger's token may claim anything."""
    return isinstance(value, int) and 0 <= value < LATEST_S


def tried(letter: Letter) -> dict[str, Any]:
    """What became of one letter."""
    state = "acknowledged" if letter.acknowledged_at else letter.state
    return {"state": state, "at": letter.acknowledged_at or letter.queued_at, "error": letter.last_error}
