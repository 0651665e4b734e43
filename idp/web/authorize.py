"""/oauth/authorize and the loop behind it; /sign-in enters the same loop for the person's own pages."""

from urllib.parse import urlencode

from flask import Blueprint, Response, g, redirect, render_template, request

from idp import interaction
from idp.assurance import Aal, Ial
from idp.login import sessions as sign_ins
from idp.oauth import grants, provider
from idp.oauth.pipeline import AuthorizeRequest
from idp.web import cookies, gate, locale, loop, offer
from idp.web.gate import Refused, Tx, as_response, own_path, route

bp = Blueprint("authorize", __name__)
LONGEST_QUERY = 8000
PERSONAL_HINT = "login_hint"  # may hold a number: never moved into an address. An id_token_hint decides, so it stays
HOME = "/me"
HIGHEST_IAL = Ial.IAL2_3  # no recipe of ours leads further


@route(bp, "/oauth/authorize", tx=Tx.WRITE)
def authorize() -> Response:
    """OIDC Core 3.1.2.1. With a live session and nothing to ask, straight back to the client."""
    context = gate.context()
    asked = provider.check_authorize(context, request.args)
    if asked.launch is not None:
        return launched(asked)
    done = interaction.at_once(context, asked, g.signed_in)
    if done is not None:
        g.refusal = None if done.granted else done.reason
        return as_response(redirect(done.location, 303))
    return as_response(redirect(loop.at(start(kind="authorize", asked=asked)) + language_of(asked), 303))


def launched(asked: AuthorizeRequest) -> Response:
    """A clinician's request goes on under an address of the staff's; a citizen who is signed in beside is not asked.

    With prompt=none it is answered at once, by the staff session alone.
    """
    if "none" in asked.prompt:
        token = cookies.read(cookies.STAFF)
        signed_in = gate.find_signed_in(token, kind="staff") if token else None
        done = interaction.at_once(gate.context(), asked, signed_in)
        if done is None:
            raise Refused("bad_request", 400)
        g.refusal = None if done.granted else done.reason
        return as_response(redirect(done.location, 303))
    paused = start(kind=interaction.STAFF, asked=asked)
    return as_response(redirect(f"{request.script_root}/staff/continue/{paused}", 303))


@route(bp, "/oauth/authorize", methods=("POST",), tx=Tx.NONE, csrf=False)
def authorize_by_form() -> Response:
    """OIDC Core 3.1.2.1: POST is allowed. Another site's form brings no Lax cookies, so it comes again as a GET.

    What we do not know is ignored anyway (RFC 6749 section 3.1), and may be anything: it is not put into an address.
    """
    known = provider.PARAMETERS - {PERSONAL_HINT}
    fields = [(name, value) for name, value in request.form.items(multi=True) if name in known]
    query = urlencode(fields)
    if len(query) > LONGEST_QUERY:
        raise Refused("too_large", 413)
    return as_response(redirect(f"{request.script_root}/oauth/authorize?{query}", 303))


def start(
    *,
    kind: str,
    asked: AuthorizeRequest | None = None,
    back_to: str | None = None,
    aal: Aal | None = None,
    fresh: bool = False,
    ial: Ial = Ial.IAL1_1,
) -> str:
    """Pause a request; its id."""
    return interaction.begin(
        g.session,
        g.ring,
        kind=kind,
        request=asked,
        return_to=back_to,
        browser=cookies.browser(),
        now=g.now,
        settings=gate.house().settings,
        aal=aal,
        fresh=fresh,
        ial=ial,
    )


def language_of(asked: AuthorizeRequest) -> str:
    """The language that the client asks for, as the loop's query, unless the person has chosen one."""
    wished = locale.of_ui_locales(asked.ui_locales)
    return f"?lang={wished}" if wished and cookies.read(cookies.LANGUAGE) is None else ""


@route(bp, "/interaction/<interaction_id>", tx=Tx.WRITE)
def turn(interaction_id: str) -> Response:
    """What is due now? Its page, or the way back."""
    paused = loop.look(interaction_id)
    if paused.prompt is not None:
        return as_response(redirect(f"{paused.at}/{loop.STEPS[paused.prompt]}", 303))
    if offer.due(paused):
        return as_response(redirect(f"{paused.at}/passkey-offer", 303))
    if not paused.for_service:
        return as_response(redirect(home_again(paused), 303))
    done = interaction.conclude(gate.context(), paused.interaction, g.signed_in)
    return loop.moving_on(done.location, loop.service_of(paused.interaction))


def home_again(paused: loop.Paused) -> str:
    """The page of ours that the person wanted; it says what was just set up."""
    back_to = own_path(paused.interaction.return_to, default=HOME)
    done = request.args.get("done")
    interaction.finish(g.session, g.ring, paused.interaction, answer=back_to, now=g.now)
    return f"{back_to}?done={done}" if done in loop.FINISHED_FACTORS and back_to.endswith(loop.SECURITY) else back_to


@route(bp, "/interaction/<interaction_id>/cancel", methods=("POST",), tx=Tx.WRITE)
def cancel(interaction_id: str) -> Response:
    """The person says no to the whole request: access_denied, with `state` and `iss`."""
    paused = loop.look(interaction_id)
    if not paused.for_service:
        interaction.finish(g.session, g.ring, paused.interaction, answer=request.script_root + "/", now=g.now)
        return as_response(render_template("cancelled.html", at=paused.at, service=None))
    done = interaction.deny(gate.context(), paused.interaction, g.signed_in)
    return loop.moving_on(done.location, loop.service_of(paused.interaction))


@route(bp, "/interaction/<interaction_id>/cancel", tx=Tx.NONE)
def cancelled(interaction_id: str) -> Response:
    """Reloading or going back to a posted address is no dead end."""
    raise gate.Elsewhere(loop.at(interaction_id))


@route(bp, "/sign-in", tx=Tx.WRITE)
def sign_in() -> Response:
    """Into the loop for a page of ours: `next` a path of ours, `aal` and `ial` levels, `fresh` 1."""
    wished = request.args.get("aal", Aal.AAL1.value)
    aal = Aal(wished) if wished in {level.value for level in Aal} else Aal.AAL1
    needed = request.args.get("ial", Ial.IAL1_1.value)
    ial = Ial(needed) if needed in {level.value for level in Ial if level <= HIGHEST_IAL} else Ial.IAL1_1
    fresh = request.args.get("fresh") == "1"
    asked = request.args.get("next", "").partition("?")[0]
    back_to = own_path(asked, default=HOME).removeprefix(request.script_root)
    return as_response(redirect(loop.at(start(kind="console", back_to=back_to, aal=aal, fresh=fresh, ial=ial)), 303))


@route(bp, "/sign-out", methods=("POST",), tx=Tx.WRITE)
def sign_out() -> Response:
    """End the session and the tokens that last only with it; whoever comes next starts afresh."""
    for cookie, kind in ((cookies.CITIZEN, "citizen"), (cookies.STAFF, "staff")):
        token = cookies.read(cookie)
        found = gate.find_signed_in(token, kind=kind) if token else None
        if found is not None:
            sign_ins.end(g.session, found.id_hash, now=g.now)
            grants.end_for_session(g.session, found.id_hash, now=g.now)
        cookies.put(cookie, None)
    cookies.forget_browser()
    g.signed_in = None
    return as_response(render_template("signed_out.html", service=None, sign_in_url=request.script_root + "/sign-in"))


@route(bp, "/sign-out", tx=Tx.NONE)
def signed_out() -> Response:
    """Reloading is no dead end."""
    raise gate.Elsewhere(request.script_root + "/")
