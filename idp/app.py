"""create_app: the only place that wires the web process together, and the only one that is handed a clock."""

import secrets
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import flask
from flask import Flask, g, request
from flask.sessions import SessionInterface
from werkzeug.middleware.proxy_fix import ProxyFix

from idp import metrics, observe
from idp.abuse import as_ranges
from idp.db import Sessions
from idp.keys import KeyRings
from idp.ports import Ports
from idp.settings import Settings
from idp.web import cookies, errors, headers, hurdle, locale, pages, recorder, uploads
from idp.web.gate import House, Tour
from idp.web.routes import BLUEPRINTS
from idp.wiring import wall_clock, wire

__all__ = ["create_app", "template_folder", "wall_clock", "wire"]

MAX_BODY = 64 * 1024
MAX_FIELDS = 500
FOR_MACHINES = ("/livez", "/readyz", "/metrics")  # also outside the issuer's path
WELL_KNOWN = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration")
type_of_wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class NoCookieSession(SessionInterface):
    """Flask's own cookie session is never opened: sign-ins live in the database."""

    def open_session(self, app: Flask, request: flask.Request) -> None:
        """There is none; code that reaches for it fails loudly."""

    def save_session(self, app: Flask, session: Any, response: flask.Response) -> None:
        """Nothing to save."""


class Prefix:
    """Serve the application under the issuer's path, and its metadata where RFC 8414 section 3.1 looks for it."""

    def __init__(self, app: type_of_wsgi, path: str) -> None:
        self.app, self.path = app, path

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Move the issuer's path from PATH_INFO to SCRIPT_NAME; anything outside it is not ours."""
        asked = environ.get("PATH_INFO", "")
        if asked == self.path or asked.startswith(self.path + "/"):
            environ["SCRIPT_NAME"], environ["PATH_INFO"] = self.path, asked[len(self.path) :] or "/"
        elif asked in {known + self.path for known in WELL_KNOWN}:
            environ["SCRIPT_NAME"], environ["PATH_INFO"] = self.path, asked.removesuffix(self.path)
        elif asked not in FOR_MACHINES:
            start_response("404 Not Found", [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", "0")])
            return [b""]
        return self.app(environ, start_response)


def create_app(
    settings: Settings,
    *,
    sessions: Sessions,
    clock: Callable[[], datetime],
    ports: Ports,
    tour: Tour | None = None,
) -> Flask:
    """The web application. No connection is made here, so that workers may fork first."""
    observe.configure(settings.log_level)
    app = Flask("idp.web", template_folder=str(template_folder()), static_folder=None)
    # werkzeug would redirect to an address made from the Host header, by 308: no slash is merged, none is asked for.
    app.url_map.merge_slashes = app.url_map.strict_slashes = app.url_map.redirect_defaults = False
    app.session_interface = NoCookieSession()
    app.request_class = uploads.Request
    app.config.update(
        MAX_CONTENT_LENGTH=MAX_BODY,
        MAX_FORM_MEMORY_SIZE=MAX_BODY,
        MAX_FORM_PARTS=MAX_FIELDS,
        TRAP_HTTP_EXCEPTIONS=False,
    )
    counters = metrics.Counters(settings.metrics_dir)
    metrics.listen(sessions, counters)
    app.extensions["yinyom"] = House(
        settings=settings,
        sessions=sessions,
        clock=clock,
        rings=KeyRings(sessions, settings.kek()),
        ports=ports,
        tour=tour or Tour(),
        counters=counters,
    )
    app.extensions[hurdle.KEY] = hurdle.windows_of(settings)
    app.extensions[hurdle.RANGES] = as_ranges.read(settings.as_ranges_file)
    app.before_request(begin)
    app.after_request(finish)
    if settings.sandbox and settings.sandbox_flows:
        recorder.register(app)
    errors.register(app)
    pages.register(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    wrap(app, settings)
    return app


def wrap(app: Flask, settings: Settings) -> None:
    """Middleware: the issuer's path inside, trusted proxies outside. Forwarded headers mean nothing without proxies."""
    if settings.base_path:
        app.wsgi_app = Prefix(app.wsgi_app, settings.base_path)  # type: ignore[method-assign]
    if settings.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxies, x_proto=0, x_host=0)  # type: ignore[method-assign]


def template_folder() -> Path:
    """Templates beside the packages in a checkout, inside the package in a wheel."""
    packaged = Path(str(files("idp"))) / "_templates"
    return packaged if packaged.is_dir() else Path(str(files("idp"))).parent / "templates"


def begin() -> None:
    """What every request knows: its moment, its id, its language."""
    g.started = time.perf_counter()
    g.now = flask.current_app.extensions["yinyom"].clock()
    g.request_id = secrets.token_hex(8)
    g.locale = locale.choose()


def drain() -> None:
    """Read what no view read of a body that is small enough: the server drops a kept connection that still holds some.

    The client of such a connection would see its next, innocent request fail.
    """
    if 0 < (request.content_length or 0) <= MAX_BODY:
        with suppress(OSError, ValueError, RuntimeError):
            request.environ["wsgi.input"].read()


def finish(response: flask.Response) -> flask.Response:
    """Headers and the one log line. Nothing here can fail on data: an exception would bypass the error handlers."""
    drain()
    cookies.write_to(response)
    headers.write_to(response)
    route = request.url_rule.rule if request.url_rule else ""
    seconds = time.perf_counter() - g.started if "started" in g else 0.0
    counters = flask.current_app.extensions["yinyom"].counters
    metrics.count_request(counters, route=route, status=response.status_code, seconds=seconds)
    observe.request_line(
        request_id=g.get("request_id"),
        method=request.method if request.method.isalpha() else "?",
        route=route,
        status=response.status_code,
        duration_ms=round(seconds * 1000, 1),
        code=g.get("refusal"),
        detail=g.get("refusal_detail"),
        error=g.get("error"),
        at=g.get("error_at"),
        locale=g.get("locale"),
    )
    return response
