"""For machines: whether the process lives, whether traffic may come, what Prometheus counts; and the static files."""

import hmac
from ipaddress import ip_address

from flask import Blueprint, Response, g, jsonify, request, send_from_directory

from idp import metrics, vitals
from idp.db import DatabaseError
from idp.metrics import Sample
from idp.web import gate
from idp.web.gate import Refused, Tx, Who, route
from idp.web.pages import STATIC, fingerprint

bp = Blueprint("health", __name__)
FOR_EVER_S = 31_536_000
A_DAY_S = 86_400
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")
TEXT = "text/plain; version=0.0.4; charset=utf-8"
UP = "Whether the database answered."


@route(bp, "/livez", tx=Tx.FREE, who=Who.CLIENT, json=True)
def livez() -> Response:
    """The process is up; says nothing about the database."""
    return Response("ok\n", mimetype="text/plain")


@route(bp, "/readyz", tx=Tx.FREE, who=Who.CLIENT, json=True)
def readyz() -> Response:
    """200 when traffic may come, else 503 with the reasons as short codes."""
    house = gate.house()
    reasons = vitals.unready(house.sessions, house.rings, clock=house.clock)
    g.refusal_detail = " ".join(reasons)
    response = jsonify(ready=not reasons, reasons=reasons)
    response.status_code = 503 if reasons else 200
    return response


@route(bp, "/metrics", tx=Tx.FREE, who=Who.CLIENT, json=True)
def prometheus() -> Response:
    """Counters and gauges, for who may read them; to anybody else there is nothing here."""
    if not may_measure():
        raise Refused("not_found", 404)
    try:
        with gate.looking() as session:
            gauges = [Sample("yinyom_database_up", 1, {}, UP), *vitals.gauges(session, now=g.now)]
    except DatabaseError:
        gauges = [Sample("yinyom_database_up", 0, {}, UP)]
    return Response(metrics.exposition(gate.house().counters.totals(), gauges), content_type=TEXT)


def may_measure() -> bool:
    """With a token file the token alone opens; without, a caller on this machine for whom no proxy speaks."""
    token = gate.house().settings.metrics_token()
    if token is not None:
        given = request.headers.get("Authorization", "").encode("utf-8", "surrogatepass")
        return hmac.compare_digest(given, f"Bearer {token}".encode())
    if any(name in request.headers for name in FORWARDED):
        return False
    try:
        return ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False


@bp.get("/static/<path:name>")
def static(name: str) -> Response:
    """A file of ours; for ever when asked for by its content's hash."""
    response = send_from_directory(STATIC, name, conditional=True)
    life = FOR_EVER_S if request.args.get("v") == fingerprint(name) else A_DAY_S
    response.headers["Cache-Control"] = f"public, max-age={life}" + (", immutable" if life == FOR_EVER_S else "")
    return response
