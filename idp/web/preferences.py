"""Language and text size: one form on every page, two cookies; messages to who is signed in follow the language."""

from flask import Blueprint, Response, g, redirect, request

from idp import subjects
from idp.web import cookies, gate, pages
from idp.web.gate import Tx, as_response, own_path, route
from idp.web.locale import LOCALES

bp = Blueprint("preferences", __name__)


@route(bp, "/locale", methods=("POST",), tx=Tx.NONE)
def choose() -> Response:
    """Keep the choice for a year, and go back to the page."""
    lang, size = request.form.get("lang"), request.form.get("size")
    if lang in LOCALES:
        cookies.put(cookies.LANGUAGE, lang, max_age=cookies.YEAR_S)
        if g.signed_in is not None:
            with gate.alone() as session:
                subjects.speak(session, g.signed_in.subject_id, lang)
    if size in pages.SIZES:
        cookies.put(cookies.TEXT_SIZE, size, max_age=cookies.YEAR_S)
    return as_response(redirect(own_path(request.form.get("next"), default="/"), 303))
