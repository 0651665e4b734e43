"""LINE's own browser, where passkeys do not work (PAGES): one button goes on outside, and nothing is lost."""

from flask import Blueprint, Response, g, redirect, request

from idp import onward
from idp.web import cookies, loop
from idp.web.gate import Tx, as_response, route

bp = Blueprint("in_app", __name__)
OUTSIDE = "openExternalBrowser=1"  # LINE's own word for "not in here"


def outside_url(at: str) -> str:
    """The address that LINE opens outside, for the paused request at `at`; good for ten minutes and one browser."""
    interaction_id = at.rpartition("/")[2]
    word = onward.word_for(g.ring, interaction_id, browser=cookies.browser(), now=g.now)
    return f"{request.script_root}/continue/{word}?lang={g.locale}&{OUTSIDE}"


@route(bp, "/continue/<word>", tx=Tx.WRITE)
def go_on(word: str) -> Response:
    """The request is this browser's from now on; in the language that was chosen inside LINE."""
    interaction_id = onward.take_over(g.session, g.ring, word, browser=cookies.browser(), now=g.now)
    return as_response(redirect(f"{loop.at(interaction_id)}?lang={g.locale}", 303))
