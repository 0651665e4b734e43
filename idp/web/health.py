"""Whether the process answers, and the static files."""

from flask import Blueprint, Response, request, send_from_directory

from idp.web.gate import Tx, Who, route
from idp.web.pages import STATIC, fingerprint

bp = Blueprint("health", __name__)
FOR_EVER_S = 31_536_000
A_DAY_S = 86_400


@route(bp, "/livez", tx=Tx.NONE, who=Who.CLIENT, json=True)
def livez() -> Response:
    """The process is up; says nothing about the database."""
    return Response("ok\n", mimetype="text/plain")


@bp.get("/static/<path:name>")
def static(name: str) -> Response:
    """A file of ours; for ever when asked for by its content's hash."""
    response = send_from_directory(STATIC, name, conditional=True)
    life = FOR_EVER_S if request.args.get("v") == fingerprint(name) else A_DAY_S
    response.headers["Cache-Control"] = f"public, max-age={life}" + (", immutable" if life == FOR_EVER_S else "")
    return response
