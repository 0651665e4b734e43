"""Leaving for another provider and coming back: what the pages of ThaID and LINE share."""

from uuid import UUID

from flask import Response, g, render_template, request

from idp.upstream import attempts
from idp.upstream.attempts import Attempt, Secrets
from idp.web import cookies, gate
from idp.web.gate import Refused, as_response


def begin(provider: str, aim: str, *, interaction_id: str = "", subject_id: UUID | None = None) -> tuple[str, Secrets]:
    """Remember that this browser leaves, in the view's own transaction; the `state`, and what the address needs."""
    return attempts.begin(
        g.session,
        g.ring,
        provider=provider,
        aim=aim,
        subject_id=subject_id,
        interaction_id=interaction_id,
        browser=cookies.browser(),
        now=g.now,
    )


def answered(provider: str) -> Attempt:
    """What this answer belongs to; used up at once, whatever it says. Raises: Refused."""
    state = request.args.get("state", "")
    with gate.alone() as session:
        found = attempts.take(session, g.ring, state, provider=provider, browser=cookies.browser(), now=g.now)
    if found is None:
        raise Refused("expired", 400, detail=f"{provider} state")
    return found


def leaving(url: str, *, name: str, back_url: str) -> Response:
    """A 200 page that moves on by meta refresh: `form-action 'self'` stays strict (DECISIONS 14)."""
    return as_response(render_template("leaving.html", url=url, name=name, back_url=back_url))
