"""What every template may use: sentences, dates, static addresses, the form token."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, g, request

from idp.login.sessions import SignedIn
from idp.national_id import mask_national_id
from idp.web import ceremony, cookies, gate, in_app, locale

SIZES = ("1", "2", "3")
STATIC = Path(__file__).parent / "static"


def register(app: Flask) -> None:
    """Put them into the template environment, before its first use."""
    app.jinja_options = app.jinja_options | {
        "trim_blocks": True,
        "lstrip_blocks": True,
        "extensions": ["jinja2.ext.i18n"],
    }
    environment: Any = app.jinja_env
    environment.install_gettext_callables(locale.translate, locale.translate_many, newstyle=True)
    environment.filters.update(thaidate=locale.day, thaidatetime=locale.moment)
    environment.globals.update(
        csrf_token=gate.csrf_token, static=static_url, mask=mask_national_id, thai=locale.thai, sandbox=False
    )
    environment.globals.update(
        outside_url=in_app.outside_url,
    )
    app.context_processor(of_request)


def of_request() -> dict[str, Any]:
    """Plain values of this request."""
    signed_in = g.get("signed_in")
    size = cookies.read(cookies.TEXT_SIZE)
    return {
        "locale": g.locale,
        "root": request.script_root,
        "here": here(),
        "text_size": size if size in SIZES else "1",
        "save_data": request.headers.get("Save-Data", "").lower() == "on",
        "sandbox": gate.house().settings.sandbox,
        "in_line": ceremony.in_line(),
        "shared_device": cookies.read(cookies.SHARED) == "1",
        "offers": offers(),
        "request_id": g.request_id,
        "signed_in": shown_of(signed_in) if signed_in else None,
    }


def offers() -> dict[str, bool]:
    """Which providers above us this installation is registered at."""
    ports = gate.house().ports
    return {"thaid": ports.thaid.offered, "line": ports.line_login.offered}


def shown_of(signed_in: SignedIn) -> dict[str, Any]:
    """Which kind of session this is, and whether it has an active workplace: what the links above a page go by."""
    return {"kind": signed_in.kind, "name": None, "at_work": signed_in.assignment_id is not None}


def here() -> str:
    """The GET address of this page, where the language switch comes back to."""
    if request.url_rule is None or "GET" not in (request.url_rule.methods or ()):
        return request.script_root + "/"
    query = request.query_string.decode("ascii", "replace") if request.method == "GET" else ""
    kept = "&".join(pair for pair in query.split("&") if pair and not pair.startswith("lang="))
    return request.script_root + request.path + (f"?{kept}" if kept else "")


def static_url(name: str) -> str:
    """Address of a static file; its content's hash is in the query, so it may be cached for ever."""
    return f"{request.script_root}/static/{name}?v={fingerprint(name)}"


@cache
def fingerprint(name: str) -> str:
    """Short hash of a static file's content."""
    path = STATIC / name
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12] if path.is_file() else "0"
