"""PROOFING: the account's identity level is too low. For now a clear page: what is needed, and where to go."""

from flask import Blueprint, Response

from idp.prompts import Prompt
from idp.web import loop
from idp.web.gate import Tx, route

bp = Blueprint("proofing", __name__, url_prefix="/interaction/<interaction_id>/proofing")


@route(bp, "", tx=Tx.READ)
def proofing(interaction_id: str) -> Response:
    """What is missing; the request stays open, so that it goes on when the level was reached."""
    paused = loop.due(interaction_id, Prompt.PROOFING)
    have = paused.facts.ial.value if paused.facts.ial else None
    return loop.page("proofing.html", paused, need_ial=paused.need.ial.value, have_ial=have)
