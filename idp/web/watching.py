"""What a person wishes to be told of by message: first looks, every look, or emergencies alone; and the reminder."""

from flask import Blueprint, Response, g, redirect, render_template, request

from idp import alerts, watching
from idp.watching import Level, Wish
from idp.web import freshness
from idp.web.gate import Tx, Who, as_response, route
from idp.web.security import of_notice

bp = Blueprint("watching", __name__, url_prefix="/me/alerts")
PATH = "/me/alerts"
LATEST = 5
KINDS = frozenset({"first_access", "accessed", "consent_reminder", "emergency_opened"})


@route(bp, "", tx=Tx.READ, who=Who.CITIZEN)
def choose() -> Response:
    """The three choices, the reminder, and the newest messages of this kind."""
    wish = watching.wish_of(g.session, g.signed_in.subject_id)
    return page(wish.level.value, reminders=wish.reminders, done=request.args.get("done") == "saved")


@route(bp, "", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN)
def keep() -> Response:
    """Keep the choice. Whoever may hear less than before proves first that they are who they say (O47)."""
    freshness.sure_enough(back=PATH)
    level, reminders = request.form.get("level", ""), request.form.get("reminders") == "yes"
    if level not in set(Level):
        return page("", reminders=reminders, errors={"level": "choice"}, status=400)
    watching.choose(g.session, g.signed_in.subject_id, Wish(Level(level), reminders), now=g.now)
    return as_response(redirect(f"{request.script_root}{PATH}?done=saved", 303))


def page(
    level: str, *, reminders: bool, done: bool = False, errors: dict[str, str] | None = None, status: int = 200
) -> Response:
    """The form as it was chosen."""
    notices = [one for one in alerts.latest(g.session, g.signed_in.subject_id, limit=50) if one.kind in KINDS]
    shown = render_template(
        "me_alerts.html",
        level=level,
        reminders=reminders,
        notices=[of_notice(one) for one in notices[:LATEST]],
        done=done,
        errors=errors or {},
    )
    return as_response(shown, status)
