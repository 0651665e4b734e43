"""A hospital's own system for clinicians: an ordinary SMART app that our server launches for one visit.

It knows us by discovery and the standards: EHR launch, code with PKCE, `user/…` scopes, the patient from the token
response. What it shows lives in memory, for one browser, and is gone when it stops. One page, no JavaScript.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any
from urllib.parse import urlencode

import httpx
from flask import Flask, Response, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from idp.demo import fhir
from idp.demo.clinic_words import because, words
from idp.relying import IssuerUnavailable, Keys
from idp.relying.id_token import verify_id_token
from idp.relying.jws import Refused
from idp.relying.keys import wall_clock

COOKIE = "clinic"
SCOPE = (
    "launch openid user/Encounter.rs user/Condition.rs user/Observation.rs user/MedicationStatement.rs "
    "user/AllergyIntolerance.rs"
)
EMERGENCY_SCOPE = (
    "launch openid moph.breakglass user/AllergyIntolerance.rs user/MedicationStatement.rs user/Condition.rs"
)
TIMEOUT = httpx.Timeout(10.0)
MOST_BROWSERS = 1000
OK = 200


@dataclass(frozen=True)
class Clinic:
    """What the clinic's system is told when it starts."""

    issuer: str
    client_id: str
    secret: str = field(repr=False)
    redirect_uri: str
    holder: str


@dataclass
class Case:
    """One browser's case: a sign-in under way, or a patient's record as it was answered."""

    state: str = ""
    nonce: str = ""
    verifier: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    patient: str = ""
    clinician: str = ""
    scopes: tuple[str, ...] = ()
    lines: dict[str, list[str]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    error: str = ""
    why: str = ""

    @property
    def emergency(self) -> bool:
        """Whether it was opened to save a life, and not in a visit."""
        return "moph.breakglass" in self.scopes


def create_clinic(told: Clinic, keys: Keys, *, templates: str) -> Flask:
    """The WSGI application."""
    system = System(told, keys)
    app = Flask("clinic", template_folder=templates, static_folder=None)
    app.before_request(_own_posts_only)
    app.after_request(_headers)
    # fmt: off
    for method, path, view in (
        ("GET",  "/",           system.home),
        ("GET",  "/launch",     system.launch),
        ("GET",  "/launch/emergency", system.launch_emergency),
        ("GET",  "/callback",   system.callback),
        ("POST", "/record",     system.record),
        ("POST", "/close",      system.close),
        ("GET",  "/clinic.css", system.style),
        ("GET",  "/livez",      system.livez),
    ):
        app.add_url_rule(path, path, view, methods=[method])
    # fmt: on
    return app


class System:
    """The views: each reads the browser's case, asks one thing, answers."""

    def __init__(self, told: Clinic, keys: Keys) -> None:
        self._told, self._keys = told, keys
        self._cases: dict[str, Case] = {}
        self._lock = Lock()

    def home(self) -> ResponseReturnValue:
        """The one page."""
        locale = "en" if request.args.get("lang") == "en" else "th"
        case = self._case() or Case()
        reasons = {kind: because(error, locale) for kind, error in case.refused.items()}
        why = because(case.why, locale)
        shown = {"t": words(locale), "lang": locale, "case": case, "why": why, "reasons": reasons}
        return render_template("clinic.html", issuer=self._told.issuer, **shown)

    def launch(self) -> ResponseReturnValue:
        """SMART App Launch 2.2, EHR launch, for a visit."""
        return self._launched(SCOPE)

    def launch_emergency(self) -> ResponseReturnValue:
        """The same in an emergency: by its name, and only what saves a life."""
        return self._launched(EMERGENCY_SCOPE)

    def _launched(self, scope: str) -> ResponseReturnValue:
        """Only our own issuer may launch us; then to its authorization endpoint."""
        if not hmac.compare_digest(request.args.get("iss", "").encode(), self._told.issuer.encode()):
            return Response("unknown issuer\n", status=400, mimetype="text/plain")
        case = Case(
            state=secrets.token_urlsafe(24), nonce=secrets.token_urlsafe(24), verifier=secrets.token_urlsafe(48)
        )
        digest = hashlib.sha256(case.verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self._told.client_id,
            "redirect_uri": self._told.redirect_uri,
            "scope": scope,
            "launch": request.args.get("launch", ""),
            "state": case.state,
            "nonce": case.nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        key = secrets.token_urlsafe(32)
        with self._lock:
            while len(self._cases) >= MOST_BROWSERS:
                self._cases.pop(next(iter(self._cases)))
            self._cases[key] = case
        answer = make_response(redirect(f"{self._metadata()['authorization_endpoint']}?{urlencode(asked)}", 303))
        answer.set_cookie(COOKIE, key, httponly=True, samesite="Lax", secure=request.is_secure)
        return answer

    def callback(self) -> ResponseReturnValue:
        """The server's answer: believed only by the browser that asked, once, and from the issuer (RFC 9207)."""
        case, said = self._case(), request.args
        if (
            case is None
            or not case.state
            or not hmac.compare_digest(said.get("state", "").encode(), case.state.encode())
        ):
            return redirect("/", 303)
        case.state = ""
        if said.get("iss") != self._told.issuer:
            case.error, case.why = "invalid_issuer", "invalid_issuer"
        elif "error" in said:
            case.error, case.why = said["error"], said.get("error_description", "")
        else:
            self._redeem(case, said.get("code", ""))
            self._fetch(case)
        return redirect("/", 303)

    def record(self) -> ResponseReturnValue:
        """Ask the record holder again."""
        case = self._case()
        if case is not None and case.token:
            self._fetch(case)
        return redirect("/", 303)

    def close(self) -> ResponseReturnValue:
        """Forget this browser's case."""
        with self._lock:
            self._cases.pop(request.cookies.get(COOKIE, ""), None)
        answer = make_response(redirect("/", 303))
        answer.delete_cookie(COOKIE)
        return answer

    def style(self) -> ResponseReturnValue:
        """The style sheet."""
        return Response(render_template("portal.css"), mimetype="text/css")

    def livez(self) -> ResponseReturnValue:
        """Alive."""
        return Response("ok\n", mimetype="text/plain")

    def _redeem(self, case: Case, code: str) -> None:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._told.redirect_uri,
            "code_verifier": case.verifier,
        }
        try:
            answer = httpx.post(
                self._metadata()["token_endpoint"],
                data=form,
                auth=(self._told.client_id, self._told.secret),
                timeout=TIMEOUT,
            )
            body: Mapping[str, Any] = answer.json()
            if answer.status_code != OK:
                case.error = case.why = str(body.get("error", "server_error"))
                return
            claims = verify_id_token(
                str(body.get("id_token", "")),
                keys=self._keys,
                client_id=self._told.client_id,
                nonce=case.nonce,
                access_token=str(body["access_token"]),
                clock=wall_clock,
            )
        except (httpx.HTTPError, ValueError, KeyError, Refused, IssuerUnavailable) as error:
            case.error, case.why = type(error).__name__, "temporarily_unavailable"
            return
        case.token, case.patient, case.clinician = body["access_token"], str(body.get("patient", "")), claims["sub"]
        case.scopes = tuple(str(body.get("scope", "")).split())

    def _fetch(self, case: Case) -> None:
        case.lines, case.refused = {}, {}
        asked = [kind for kind in fhir.TYPES if any(one.startswith(f"user/{kind}.") for one in case.scopes)]
        for kind in asked if case.token else ():
            try:
                answer = httpx.get(
                    f"{self._told.holder}/fhir/{kind}",
                    params={"patient": case.patient},
                    headers={"Authorization": f"Bearer {case.token}"},
                    timeout=TIMEOUT,
                )
                body = answer.json()
            except (httpx.HTTPError, ValueError):
                case.refused[kind] = "temporarily_unavailable"
                continue
            if answer.status_code == OK:
                case.lines[kind] = [fhir.summary(entry["resource"]) for entry in body.get("entry", [])]
            else:
                case.refused[kind] = str(body.get("error", "server_error"))

    def _case(self) -> Case | None:
        with self._lock:
            return self._cases.get(request.cookies.get(COOKIE, ""))

    def _metadata(self) -> Mapping[str, Any]:
        document: Mapping[str, Any] = httpx.get(
            f"{self._told.issuer}/.well-known/openid-configuration", timeout=TIMEOUT
        ).json()
        return document


def _own_posts_only() -> ResponseReturnValue | None:
    """A form posted from another site is refused."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    ours = site in ("same-origin", "none") if site else origin in (None, request.host_url.rstrip("/"))
    if request.method == "POST" and not ours:
        return Response("cross-site\n", status=403, mimetype="text/plain")
    return None


def _headers(answer: Response) -> Response:
    policy = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'none'"
    answer.headers.update(
        {
            "Content-Security-Policy": policy,
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        }
    )
    return answer
