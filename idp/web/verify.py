"""For anybody, without sign-in: is this receipt real, what is it about, and does the consent still stand?

By number and code, or by the signed file itself. A wrong code and an unknown number get the same answer, and whether a
consent still stands is told for the right code alone. Nobody is named, nothing is written.
"""

from typing import Any

from flask import Blueprint, Response, current_app, g, render_template, request

from idp import receipts
from idp.receipts import Receipt
from idp.web import gate
from idp.web.gate import Refused, Tx, as_response, route
from idp.web.pace import WINDOW, Pace
from idp.web.receipts import about

bp = Blueprint("verify", __name__)
MOST_A_MINUTE = 60  # a whole waiting room may share one address
LONGEST_TYPED = 80
NOTHING_TYPED = {"receipt": "", "verify_code": "", "jws": "", "jws_code": ""}


@route(bp, "/verify", tx=Tx.READ)
def ask() -> Response:
    """The two forms; the QR code of a receipt fills the first in, and checks nothing by itself."""
    filled = {"receipt": request.args.get("receipt", ""), "verify_code": request.args.get("code", "")}
    return show({name: text[:LONGEST_TYPED] for name, text in filled.items()})


@route(bp, "/verify", methods=("POST",), tx=Tx.READ)
def check() -> Response:
    """The answer, above the forms."""
    pace: Pace = current_app.extensions.setdefault("yinyom.verify", Pace(MOST_A_MINUTE))
    if not pace.take(request.remote_addr, now=g.now):
        raise Refused("rate_limited", 429, headers={"Retry-After": str(int(WINDOW.total_seconds()))})
    return by_file() if "jws" in request.form else by_number()


def by_number() -> Response:
    """Who holds the printed receipt: its number and code."""
    values = {name: request.form.get(name, "")[:LONGEST_TYPED] for name in ("receipt", "verify_code")}
    errors = {name: "required" for name, text in values.items() if not text.strip()}
    if errors:
        return show(values, errors=errors)
    found = look_up(values["receipt"], values["verify_code"])
    if found is None:
        return show(values, result={"outcome": "unknown", "by": "number"})
    return show(values, result={"outcome": "valid", "state": found.state, "about": about(found.document)})


def by_file() -> Response:
    """Who holds the signed file; with the code beside it, also whether the consent still stands."""
    text, code = request.form["jws"], request.form.get("jws_code", "")[:LONGEST_TYPED]
    values = {"jws": text[: receipts.LONGEST_JWS], "jws_code": code}
    if not text.strip():
        return show(values, errors={"jws": "required"})
    reading = receipts.read(g.ring, text)
    if reading.document is None:
        return show(values, result={"outcome": reading.outcome, "by": "file"})
    found = look_up(reading.document["jti"], code) if code.strip() else None
    told = {"outcome": "valid", "state": found.state if found else None, "about": about(reading.document)}
    return show(values, errors={"jws_code": "wrong"} if code.strip() and found is None else {}, result=told)


def look_up(number: str, code: str) -> Receipt | None:
    """The receipt, for the right code."""
    return receipts.look_up(g.session, g.ring, gate.house().settings, number, code, now=g.now)


def show(
    values: dict[str, str], *, errors: dict[str, str] | None = None, result: dict[str, Any] | None = None
) -> Response:
    """The page: a result, if there is one, and both forms."""
    faults = errors or {}
    page = render_template("verify.html", values=NOTHING_TYPED | values, errors=faults, result=result)
    return as_response(page, 400 if faults and result is None else 200)
