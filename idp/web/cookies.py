"""Names and flags of the cookies. `__Host-` and Secure everywhere but on a loopback http sandbox (DECISIONS 26).

All are HttpOnly, SameSite=Lax, Path=/, without Domain. The language cookie is not secret, but gets the same flags.
"""

import hashlib
import re
import secrets

from flask import Response, current_app, g, request

from idp.settings import Settings

CITIZEN, STAFF = "yinyom", "yinyom-staff"
BROWSER, LANGUAGE, TEXT_SIZE = "yinyom-browser", "yinyom-lang", "yinyom-size"
DEVICE, SHARED = "yinyom-device", "yinyom-shared"  # a device that a person signed in on; one that others use too
INVITATION, INVITATION_S = "yinyom-enrol", 900  # the code of `idp staff add`, between its form and the passkey
NOT_NOW = "yinyom-not-now"  # this device was offered a passkey, and somebody said "not now"
EARNED = frozenset({CITIZEN, STAFF, DEVICE})  # set only once the work they stand for is committed
PREFIX = "__Host-"
YEAR_S = 365 * 24 * 3600
TOKEN_MAX = 128
RANDOM = re.compile(r"[A-Za-z0-9_-]{43}")
OURS = {BROWSER: RANDOM, DEVICE: RANDOM}  # what another page or program planted there is not taken over


def settings() -> Settings:
    """The settings that the application was built with."""
    found: Settings = current_app.extensions["yinyom"].settings
    return found


def name_of(cookie: str) -> str:
    """The cookie's name in this mode."""
    return PREFIX + cookie if settings().secure_cookies else cookie


def read(cookie: str) -> str | None:
    """What the browser sent, if it could be one of our values at all."""
    value = request.cookies.get(name_of(cookie), "")
    if cookie in OURS and not OURS[cookie].fullmatch(value):
        return None
    return value if 0 < len(value) <= TOKEN_MAX and value.isascii() and value.isprintable() else None


def put(cookie: str, value: str | None, *, max_age: int | None = None) -> None:
    """Set (or, with None, drop) a cookie on the answer; a session's cookie waits for the commit (`earn`)."""
    waiting = "earned" if cookie in EARNED else "cookies"
    if waiting not in g:
        setattr(g, waiting, {})
    getattr(g, waiting)[cookie] = (value, max_age)


def earn() -> None:
    """The work is committed: session cookies may go out."""
    g.cookies = {**g.get("cookies", {}), **g.pop("earned", {})}


def browser() -> str:
    """The random value of this browser, made at first use: what interactions, codes and CSRF are bound to."""
    if "browser" not in g:
        found = read(BROWSER)
        g.browser = found or secrets.token_urlsafe(32)
        if found is None:
            put(BROWSER, g.browser, max_age=YEAR_S)
    value: str = g.browser
    return value


def forget_browser() -> None:
    """At sign-out: whoever uses this browser next starts with a value of their own."""
    g.browser = secrets.token_urlsafe(32)
    put(BROWSER, g.browser, max_age=YEAR_S)


def hash_of(token: str) -> str:
    """What is stored of a session's token."""
    return hashlib.sha256(token.encode()).hexdigest()


def write_to(response: Response) -> None:
    """Put the collected cookies on the answer."""
    secure = settings().secure_cookies
    for cookie, (value, max_age) in g.pop("cookies", {}).items():
        name = name_of(cookie)
        if value is None:
            response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="Lax")
        else:
            response.set_cookie(name, value, max_age=max_age, path="/", secure=secure, httponly=True, samesite="Lax")
