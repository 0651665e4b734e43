"""Which data holders still tell of their reads: for whoever answers for it that citizens see who opened their data."""

from typing import Any

from flask import Blueprint, Response, g, render_template

from idp import silence
from idp.silence import Voice
from idp.web.dpo import DPO
from idp.web.gate import Tx, Who, as_response, route
from idp.web.shapes import client_name

bp = Blueprint("holders", __name__, url_prefix="/dpo")
HOUR_S, DAY_S = 3600, 86_400


@route(bp, "/holders", tx=Tx.READ, who=Who.STAFF, role=DPO)
def page() -> Response:
    """Every registered holder, the latest by its own rhythm first."""
    found = [drawn(voice) for voice in silence.voices(g.session, now=g.now)]
    return as_response(render_template("dpo_holders.html", holders=found))


def drawn(voice: Voice) -> dict[str, Any]:
    """One holder, for the page. `pause`: the longest that is usual for it, in whole days or hours."""
    pause = 0 if voice.limit is None else int(voice.limit.total_seconds())
    return {
        "holder": voice.holder,
        "name": client_name(voice.client_id) or voice.holder,
        "last": voice.last,
        "state": voice.state(g.now),
        "days": pause // DAY_S if pause >= 2 * DAY_S else None,
        "hours": max(pause // HOUR_S, 1),
    }
