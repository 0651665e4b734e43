"""LINE: signing in by a LINE account that was linked before, linking one, and taking it off (THAI.md 1a row 13)."""

from uuid import UUID

from flask import Blueprint, Response, g, redirect, render_template, request

from idp import subjects
from idp.assurance import Aal
from idp.contact import line_links
from idp.login import line_linking
from idp.login.line_linking import LEAST_IAL, Unknown
from idp.prompts import Prompt
from idp.upstream import attempts
from idp.upstream.attempts import Attempt
from idp.web import freshness, gate, loop, upstream
from idp.web.gate import Elsewhere, Refused, SignInNeeded, Tx, Who, as_response, route
from idp.web.login import sign_in
from idp.web.loop import Paused

bp = Blueprint("line", __name__)
WHERE = "/interaction/<interaction_id>/line"
MINE = "/me/line"
PROBLEMS = ("cancelled", "unavailable", "failed", "unlinked", "taken", "too_low")
DONE = ("linked", "removed")
CALLBACK = "/line/callback"
NAME = "LINE"


def due(interaction_id: str) -> Paused:
    """The paused request of somebody who has yet to sign in, where LINE is offered; otherwise back to the loop."""
    paused = loop.due(interaction_id, Prompt.LOGIN)
    if not gate.house().ports.line_login.offered:
        raise Elsewhere(paused.at)
    return paused


@route(bp, WHERE, tx=Tx.READ)
def line(interaction_id: str) -> Response:
    """What LINE can open here and what not, and what went wrong the last time."""
    return loop.page("line.html", due(interaction_id), problem=problem())


@route(bp, WHERE, methods=("POST",), tx=Tx.WRITE)
def leave(interaction_id: str) -> Response:
    """To LINE. Only a press of ours begins it, so nobody is signed in by another page (ASVS 7.6.2)."""
    paused = due(interaction_id)
    return leaving(attempts.SIGN_IN, f"{paused.at}/line", interaction_id=interaction_id)


@route(bp, MINE, tx=Tx.READ, who=Who.CITIZEN)
def mine() -> Response:
    """Linked or not, since when; what LINE then learns, and what it never opens."""
    offered()
    link = line_links.of(g.session, g.signed_in.subject_id)
    ial = subjects.level_now(g.session, g.signed_in.subject_id, now=g.now)
    done = request.args.get("done")
    return as_response(
        render_template(
            "me_line.html",
            link=link,
            may_link=ial >= LEAST_IAL,
            done=done if done in DONE else None,
            problem=problem(),
        )
    )


@route(bp, MINE, methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN)
def begin_link() -> Response:
    """To LINE, to show which account is theirs."""
    offered()
    freshness.strong(back=MINE)
    person = g.signed_in.subject_id
    if subjects.level_now(g.session, person, now=g.now) < LEAST_IAL:
        return home("problem=too_low")
    return leaving(attempts.LINK, request.script_root + MINE, subject_id=person)


@route(bp, MINE + "/unlink", methods=("POST",), tx=Tx.WRITE, who=Who.CITIZEN)
def unlink() -> Response:
    """LINE opens nothing from now on."""
    freshness.strong(back=MINE)
    line_linking.unlink(g.session, g.ring, subject_id=g.signed_in.subject_id, now=g.now)
    return home("done=removed")


@route(bp, MINE + "/unlink", tx=Tx.NONE)
def unlinked() -> Response:
    """Reloading or going back to a posted address is no dead end."""
    raise Elsewhere(request.script_root + MINE)


@route(bp, CALLBACK, tx=Tx.NONE)
def callback() -> Response:
    """The answer, once, for the browser that asked. LINE is asked with no transaction open."""
    found = upstream.answered(attempts.LINE)
    if "error" in request.args:
        said_no = request.args["error"].lower() == "access_denied"
        return back(found, "cancelled" if said_no else "failed")
    user_id = line_linking.ask(
        gate.house().ports.line_login,
        request.args.get("code", ""),
        nonce=found.secrets.nonce,
        verifier=found.secrets.verifier,
        redirect_uri=redirect_uri(),
        now=g.now,
    )
    if isinstance(user_id, Unknown):
        g.refusal_detail = f"line {user_id.code}"
        return back(found, user_id.problem)
    return linked(found, user_id) if found.aim == attempts.LINK else entered(found, user_id)


def entered(found: Attempt, user_id: str) -> Response:
    """Signed in at AAL1, if this LINE account is linked."""
    with gate.looking() as session:
        paused = loop.due(found.secrets.interaction_id, Prompt.LOGIN, session=session)
    with gate.alone() as session:
        who = line_linking.entered(session, g.ring, user_id, now=g.now)
        if isinstance(who, UUID):
            sign_in(session, who, "line")
    if who == "closed":
        raise Refused("account_closed", 403)
    return loop.back(paused) if isinstance(who, UUID) else back(found, "unlinked")


def linked(found: Attempt, user_id: str) -> Response:
    """Linked, for the same person who pressed, and who is still signed in as surely."""
    now_here = g.signed_in
    if now_here is None or now_here.subject_id != found.subject_id or now_here.aal < Aal.AAL2_1:
        raise SignInNeeded(who=Who.CITIZEN, aal=Aal.AAL2_1, back=MINE)
    with gate.alone() as session:
        ial = subjects.level_now(session, now_here.subject_id, now=g.now)
        came_to = line_linking.link(
            session, g.ring, subject_id=now_here.subject_id, ial=ial, user_id=user_id, now=g.now
        )
    return home("done=linked" if came_to == "linked" else f"problem={came_to}")


def leaving(aim: str, back_url: str, *, interaction_id: str = "", subject_id: UUID | None = None) -> Response:
    """Off to LINE; linking also offers to add our Official Account, which may then write."""
    state, secrets = upstream.begin(attempts.LINE, aim, interaction_id=interaction_id, subject_id=subject_id)
    url = gate.house().ports.line_login.sign_in_url(
        state=state,
        nonce=secrets.nonce,
        challenge=secrets.challenge,
        redirect_uri=redirect_uri(),
        locale=g.locale,
        befriend=aim == attempts.LINK,
    )
    return upstream.leaving(url, name=NAME, back_url=back_url)


def back(found: Attempt, what: str) -> Response:
    """To the page that the person came from, which says what went wrong in one word of `PROBLEMS`."""
    g.refusal = f"line_{what}"
    if found.aim == attempts.LINK:
        return home(f"problem={what}")
    return as_response(redirect(f"{loop.at(found.secrets.interaction_id)}/line?problem={what}", 303))


def home(query: str) -> Response:
    """The page of one's own LINE account."""
    return as_response(redirect(f"{request.script_root}{MINE}?{query}", 303))


def problem() -> str | None:
    """What the address says went wrong, if it is a word of ours."""
    said = request.args.get("problem")
    return said if said in PROBLEMS else None


def offered() -> None:
    """Where LINE is not set up there is no such page. Raises: Refused."""
    if not gate.house().ports.line_login.offered:
        raise Refused("not_found", 404, detail="line")


def redirect_uri() -> str:
    """What is registered at LINE."""
    return gate.house().settings.issuer + CALLBACK
