"""A hospital's portal: an ordinary OpenID Connect client that asks for history, keeps a copy, and lets go of it.

It knows us only by discovery and the standards; the OAuth part is Authlib's client. One page, two languages, no
JavaScript. What it holds lives in memory and is gone when it stops.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from flask import Flask, Response, jsonify, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from idp.demo import fhir
from idp.demo.client import Config, Failure, RelyingParty, TokenSet
from idp.demo.memory import Memory, Visit
from idp.demo.words import why, words
from idp.relying import Event, EventRefused, Receiver
from idp.relying.keys import wall_clock

COOKIE = "portal"
BOTH = ("th", "en")
BANGKOK = ZoneInfo("Asia/Bangkok")


def create_portal(config: Config, party: RelyingParty, receiver: Receiver) -> Flask:
    """The WSGI application."""
    portal = Portal(config, party, receiver)
    app = Flask("portal", template_folder=config.templates, static_folder=None)
    app.before_request(_own_posts_only)
    app.after_request(_headers)
    # fmt: off
    for method, path, view in (
        ("GET",  "/",           portal.home),
        ("GET",  "/sign-in",    portal.sign_in),
        ("GET",  "/callback",   portal.callback),
        ("POST", "/history",    portal.history),
        ("POST", "/sign-out",   portal.sign_out),
        ("POST", "/events",     portal.events),
        ("GET",  "/state",      portal.state),
        ("GET",  "/portal.css", portal.style),
        ("GET",  "/livez",      portal.livez),
    ):
        app.add_url_rule(path, path, view, methods=[method])
    # fmt: on
    return app


class Portal:
    """The views: each reads the browser's visit, asks one verb, answers."""

    def __init__(self, config: Config, party: RelyingParty, receiver: Receiver) -> None:
        self._config, self._party, self._receiver = config, party, receiver
        self._memory = Memory()

    def home(self) -> ResponseReturnValue:
        """The one page."""
        return _page(self._memory.visit(_key()), self._memory, self._config)

    def sign_in(self) -> ResponseReturnValue:
        """Send the browser to sign in, remembering what the answer must match."""
        key, visit = self._memory.begin(_key())
        visit.locale = _locale()
        try:
            url, visit.pending = self._party.start(ui_locales=visit.locale, prompt=request.args.get("prompt"))
        except Failure as failure:
            visit.failure, url = failure, "/"
        return _with_cookie(redirect(url, 303), key)

    def callback(self) -> ResponseReturnValue:
        """The server's answer: believed only by the browser that asked, and once."""
        visit = self._memory.visit(_key())
        pending, visit.pending = visit.pending, None
        try:
            tokens = self._party.finish(request.url, request.args, pending)
        except Failure as failure:
            visit.failure = failure
            return redirect("/", 303)
        return _with_cookie(redirect("/", 303), self._memory.signed_in(_key(), tokens))

    def history(self) -> ResponseReturnValue:
        """Ask the record holder, and keep a copy."""
        visit = self._memory.visit(_key())
        if visit.tokens is not None:
            _fetch_history(visit, visit.tokens, self._party, self._memory)
        return redirect("/", 303)

    def sign_out(self) -> ResponseReturnValue:
        """Forget this browser; the sign-in server keeps its own session."""
        self._memory.forget(_key())
        answer = make_response(redirect("/", 303))
        answer.delete_cookie(COOKIE)
        return answer

    def events(self) -> ResponseReturnValue:
        """A signed letter of withdrawal (RFC 8935): drop the copy, acknowledge by 202."""

        def drop(event: Event) -> None:
            if event.is_trial:
                self._memory.note_trial(event.jti)
            for told in event.events.values():
                removed = [scope for scope in told.get("removed", ()) if isinstance(scope, str)]
                if removed:  # a withdrawal; other events tell of sign-ins, of which this service keeps nothing
                    purpose = str(told.get("purpose", ""))
                    self._memory.drop(event.subject, removed, jti=event.jti, purpose=purpose, at=wall_clock())
                if isinstance(told.get("handle"), str):
                    _take_over(told["handle"], self._party, self._memory)

        try:
            self._receiver.accept(request.get_data(cache=False), drop)
        except EventRefused as refusal:
            return jsonify(err=refusal.err, description=refusal.description), refusal.status
        return Response(status=202)

    def state(self) -> ResponseReturnValue:
        """What is held, for the sandbox's tests."""
        return jsonify(self._memory.state())

    def style(self) -> ResponseReturnValue:
        """The style sheet."""
        return Response((Path(self._config.templates) / "portal.css").read_bytes(), mimetype="text/css")

    def livez(self) -> ResponseReturnValue:
        """Alive."""
        return Response("ok\n", mimetype="text/plain")


def _take_over(handle: str, party: RelyingParty, memory: Memory) -> None:
    """What a person had sent here. A handle that opens nothing any more is no fault of the letter."""
    with suppress(Failure):
        memory.take_over(dict(party.take_over(handle)))


def _fetch_history(visit: Visit, tokens: TokenSet, party: RelyingParty, memory: Memory) -> None:
    visit.failure, visit.refused = None, {}
    try:
        tokens = visit.tokens = party.fresh(tokens)
    except Failure as failure:  # asking the holder with the old token shows what the holder says, too
        visit.failure = failure
    for kind in fhir.TYPES:
        try:
            found = party.records(kind, tokens)
        except Failure as failure:
            visit.refused[kind] = failure
        else:
            memory.keep(tokens.sub, kind, found)
    if visit.failure is None and any(failure.error == "invalid_token" for failure in visit.refused.values()):
        _ask_why(visit, tokens, party)


def _ask_why(visit: Visit, tokens: TokenSet, party: RelyingParty) -> None:
    """A token that is refused before its time: renewing it gives a new one, or the server's own reason."""
    try:
        visit.tokens = party.renewed(tokens)
    except Failure as failure:
        visit.failure = failure


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, BANGKOK).strftime("%H:%M:%S")


def _page(visit: Visit, memory: Memory, config: Config) -> ResponseReturnValue:
    locale = visit.locale = request.args["lang"] if request.args.get("lang") in BOTH else visit.locale
    held = memory.held(visit.tokens.sub) if visit.tokens else {}
    lines = {kind: [fhir.summary(resource) for resource in found] for kind, found in held.items()}
    text, dropped = words(str(locale)), memory.dropped(visit)

    def because(failure: Failure) -> str | None:
        """One sentence for a person, where there is one."""
        return text.get(why(failure.error, withdrawn=bool(dropped), reason=failure.reason) or "")

    return render_template(
        "portal.html",
        issuer=config.issuer,
        client_id=config.client_id,
        clock=_clock,
        t=text,
        lang=locale,
        visit=visit,
        tokens=visit.tokens,
        held=lines,
        dropped=dropped,
        granted=_still_granted(visit, dropped),
        because=because,
        reasons={because(failure) for failure in visit.refused.values()},
    )


def _still_granted(visit: Visit, dropped: list[dict[str, Any]]) -> list[str]:
    gone = {scope for event in dropped for scope in event["removed"]}
    return [scope for scope in visit.tokens.scopes if scope not in gone] if visit.tokens else []


def _key() -> str | None:
    return request.cookies.get(COOKIE)


def _locale() -> str:
    asked = request.args.get("lang", "")
    return asked if asked in BOTH else "th"


def _with_cookie(answer: Any, key: str) -> Response:
    response = make_response(answer)
    secure = urlsplit(request.url).scheme == "https"
    response.set_cookie(COOKIE, key, httponly=True, samesite="Lax", secure=secure)
    return response


def _own_posts_only() -> ResponseReturnValue | None:
    """A form posted from another site is refused; events carry a signature of their own."""
    if request.method != "POST" or request.path == "/events":
        return None
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    # Fetch metadata decides where it exists: `no-referrer` makes a browser send `Origin: null` with our own forms.
    ours = site in ("same-origin", "none") if site else origin in (None, request.host_url.rstrip("/"))
    if not ours:
        return Response("cross-site\n", status=403, mimetype="text/plain")
    return None


def _headers(answer: Response) -> Response:
    policy = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'none'"
    rules: Mapping[str, str] = {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    answer.headers.update(rules)
    return answer
