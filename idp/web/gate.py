"""Every route's row: which transaction, who may enter, which forms are checked. The wrapper around a view commits once.

`write` begins IMMEDIATE and commits when the view returns; in `read` a write raises; `none` opens nothing, and the view
runs each verb in a transaction of its own (`alone`), which is how a spent try is kept first (DECISIONS 22-24).
Raising undoes: the error handlers of `errors` answer, after the rollback.
"""

import hmac
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import wraps
from typing import Any

from flask import Blueprint, Response, current_app, g, make_response, request

from idp import directory
from idp.assurance import Aal, roles_open
from idp.db import DatabaseUnavailable, Session, Sessions
from idp.keys import KeyRings
from idp.login import sessions as sign_ins
from idp.login.sessions import SignedIn
from idp.metrics import Counters
from idp.oauth.pipeline import Context
from idp.ports import Ports
from idp.settings import Settings
from idp.web import cookies

LONGEST_PATH, CSRF_FIELD, CSRF_HEADER = 2048, "csrf", "X-CSRF-Token"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Tour:
    """What the sandbox's start page names: people, services, and invitations of staff that nobody has redeemed yet."""

    people: tuple[Mapping[str, str | None], ...] = ()
    services: tuple[Mapping[str, str | None], ...] = ()
    staff: tuple[Mapping[str, str | None], ...] = ()


@dataclass(frozen=True)
class House:
    """What the application was built from."""

    settings: Settings
    sessions: Sessions
    clock: Callable[[], datetime]
    rings: KeyRings
    ports: Ports
    tour: Tour = Tour()
    counters: Counters = field(default_factory=Counters)


class Tx(Enum):
    """The transaction a view runs in."""

    WRITE = "write"
    READ = "read"
    NONE = "none"
    FREE = "free"  # not even the keys are read: for machines that ask about health


class Who(Enum):
    """Who may enter."""

    ANYONE = "anyone"
    CLIENT = "client"  # authenticates itself in the protocol room; no cookie is read, no form of ours is checked
    CITIZEN = "citizen"
    STAFF = "staff"


@dataclass(frozen=True)
class Row:
    """One line of the route table."""

    rule: str
    methods: tuple[str, ...]
    tx: Tx
    who: Who = Who.ANYONE
    aal: Aal | None = None
    role: str | None = None
    csrf: bool = True  # off only for what other sites' pages may post: protocol endpoints, which change nothing of ours
    json: bool = False  # errors are JSON


class SignInNeeded(Exception):  # noqa: N818 -- a turn of the way, not a fault
    """Nobody is signed in, or not at the level of this page, or (`fresh`) not just now. `back`: where to go then."""

    def __init__(self, *, who: Who, aal: Aal | None = None, back: str | None = None, fresh: bool = False) -> None:
        super().__init__(who.value)
        self.who, self.aal, self.back, self.fresh = who, aal, back, fresh


@dataclass
class Refused(Exception):  # noqa: N818 -- the page's own refusals
    """A refusal of the web room itself: `code` is looked up by the error page."""

    code: str
    status: int = 400
    detail: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    back_url: str | None = None


class Elsewhere(Exception):  # noqa: N818 -- a turn of the way
    """This page is not due: 303 to the one that is. What the view wrote is undone."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url


View = Callable[..., Any]


def house() -> House:
    """What this application was built from."""
    found: House = current_app.extensions["yinyom"]
    return found


def route(
    blueprint: Blueprint,
    rule: str,
    *,
    tx: Tx,
    methods: tuple[str, ...] = ("GET",),
    who: Who = Who.ANYONE,
    aal: Aal | None = None,
    role: str | None = None,
    csrf: bool = True,
    json: bool = False,
) -> Callable[[View], View]:
    """Give a view its row, and put it on the map."""
    row = Row(rule=rule, methods=methods, tx=tx, who=who, aal=aal, role=role, csrf=csrf, json=json)

    def register(view: View) -> View:
        blueprint.add_url_rule(rule, view.__name__, gated(view, row), methods=list(methods))
        return view

    return register


def gated(view: View, row: Row) -> View:
    """The view inside its transaction. Cookies are set only after the commit."""

    @wraps(view)
    def enter(**arguments: Any) -> Response:
        g.row = row
        refuse_unreadable()
        if row.csrf and row.who is not Who.CLIENT and request.method not in SAFE:
            refuse_foreign_origin()
        with transaction(row.tx):
            admit(row)
            response = make_response(view(**arguments))
            if row.tx is Tx.WRITE:
                keep_awake(row, g.session)
        cookies.earn()
        if row.tx is not Tx.WRITE:
            keep_awake(row)
        return response

    enter.row = row  # type: ignore[attr-defined]  # the guard of the route table reads it
    return enter


@contextmanager
def transaction(tx: Tx) -> Iterator[None]:
    """Open `g.session` as the row says. A commit that fails raises here, inside the reach of the error handlers."""
    g.ring = None if tx is Tx.FREE else house().rings.at(g.now)
    g.session = None
    if tx in (Tx.NONE, Tx.FREE):
        yield
        return
    with house().sessions.writing() if tx is Tx.WRITE else house().sessions.reading() as session:
        g.session = tagged(session)
        yield


@contextmanager
def alone() -> Iterator[Session]:
    """A write transaction of its own, inside a view of tx `none`: what it did is kept whatever happens next."""
    with house().sessions.writing() as session:
        yield tagged(session)


@contextmanager
def looking() -> Iterator[Session]:
    """A read transaction of its own, inside a view of tx `none`."""
    with house().sessions.reading() as session:
        yield tagged(session)


def tagged(session: Session) -> Session:
    """Let the audit log know which request this is."""
    session.info["request_id"] = g.request_id
    return session


def admit(row: Row) -> None:
    """Find out who is there; refuse who may not enter, and forms that are not ours."""
    g.signed_in = None
    if row.who is Who.CLIENT:
        return
    cookie = cookies.STAFF if row.who is Who.STAFF else cookies.CITIZEN
    token = cookies.read(cookie)
    if token is not None:
        g.signed_in = find_signed_in(token, kind="staff" if row.who is Who.STAFF else "citizen")
    if row.csrf and request.method not in SAFE:
        refuse_foreign_form()
    if row.who is Who.ANYONE:
        return
    if g.signed_in is None or (row.aal is not None and g.signed_in.aal < row.aal):
        raise SignInNeeded(who=row.who, aal=row.aal)
    if row.role is not None and row.role not in roles():
        raise Refused("forbidden", 403)


def keep_awake(row: Row, session: Session | None = None) -> None:
    """The person is still there: their idle limit starts anew (written at most once a minute)."""
    if g.signed_in is None or row.who not in (Who.CITIZEN, Who.STAFF) or g.signed_in.was_seen(g.now):
        return
    if session is not None:
        sign_ins.touch(session, g.signed_in.id_hash, now=g.now)
        return
    with suppress(DatabaseUnavailable), alone() as own:  # a page that was read is not refused because the disk is full
        sign_ins.touch(own, g.signed_in.id_hash, now=g.now)


def find_signed_in(token: str, *, kind: str) -> SignedIn | None:
    """The live session behind a cookie, if it is of this kind."""
    with looking() if g.session is None else nullcontext(g.session) as session:
        return sign_ins.find(session, token, settings=house().settings, now=g.now, kind=kind)


def roles() -> frozenset[str]:
    """Roles that the signed-in member of staff may exercise today: some need a security key."""
    held = directory.roles_of(g.session, g.signed_in.subject_id, now=g.now)
    return roles_open(held, g.signed_in.aal, house().settings.roles_needing_key)


def own_path(asked: str | None, *, default: str) -> str:
    """A path of this server to go back to, with its prefix; anything that could lead elsewhere becomes `default`."""
    root = request.script_root
    path = (asked or "").removeprefix(root) if root else asked or ""
    plain = path.isascii() and path.isprintable() and "\\" not in path and len(path) <= LONGEST_PATH
    return root + (path if plain and path.startswith("/") and not path.startswith("//") else default)


def as_response(page: Any, status: int | None = None) -> Response:
    """A page, a redirect or a string as Flask's Response."""
    response = make_response(page)
    if status is not None:
        response.status_code = status
    return response


def context() -> Context:
    """What the protocol room works with."""
    return Context(session=g.session, ring=g.ring, settings=house().settings, now=g.now, request_id=g.request_id)


def csrf_token() -> str:
    """What every form of this browser carries: an HMAC of its cookie, useless without that cookie."""
    ring = g.get("ring") or house().rings.at(g.now)
    token: str = ring.mac("csrf", cookies.browser()).hex()
    return token


def refuse_foreign_form() -> None:
    """CSRF: the token of this browser, in the form or in the header."""
    sent = request.headers.get(CSRF_HEADER) or ("" if request.is_json else request.form.get(CSRF_FIELD, ""))
    if cookies.read(cookies.BROWSER) is None or not hmac.compare_digest(sent.encode(), csrf_token().encode()):
        raise Refused("csrf", 403)


def refuse_foreign_origin() -> None:
    """Fetch metadata and Origin: a form post must come from our own pages.

    `no-referrer` makes browsers send `Origin: null` with our own forms, so null passes here; the token decides.
    """
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site not in (None, "same-origin", "none"):
        raise Refused("csrf", 403, detail="sec-fetch-site")
    if origin not in (None, "null", house().settings.origin):
        raise Refused("csrf", 403, detail="origin")


def refuse_unreadable() -> None:
    """A NUL means nothing anywhere, and PostgreSQL cannot keep it. An authorization request answers in its own way."""
    if request.is_json and request.method not in SAFE:
        request.get_data()  # as a form is, before a transaction is open: who sends slowly holds up nobody else's write
    fields = [request.args] if request.method in SAFE else [request.args, request.form]
    texts = [request.path, *(text for each in fields for pair in each.items(multi=True) for text in pair)]
    if g.row.rule != "/oauth/authorize" and any("\0" in text for text in texts):
        raise Refused("bad_request", 400, detail="nul")
