"""What the passkey endpoints of citizens and staff share: where we are, what was posted, and how a refusal is said."""

import re
from dataclasses import dataclass
from typing import Any

from flask import Response, g, jsonify, request

from idp.web import cookies, gate

LINE = re.compile(r"\bLine/\d")
BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Line/", "LINE"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"))
SYSTEMS = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS", "Mac"))


@dataclass(frozen=True)
class Ceremony:
    """Relying party, origin and browser of this request."""

    of_options: dict[str, Any]
    of_verify: dict[str, Any]

    @classmethod
    def here(cls) -> "Ceremony":
        """From the settings, never from the Host header."""
        settings = gate.house().settings
        both = {"rp_id": settings.rp_id, "browser": cookies.browser(), "now": g.now}
        return cls(of_options=both, of_verify={**both, "origin": settings.origin, "ring": g.ring})


def words() -> dict[str, Any]:
    """The JSON object that was posted; {} for anything else."""
    try:
        said = request.get_json(silent=True)
    except RecursionError:  # nested deeper than the parser goes: no browser says that
        return {}
    return said if isinstance(said, dict) else {}


def credential(said: dict[str, Any]) -> dict[str, Any]:
    """What the authenticator said."""
    found = said.get("credential")
    return found if isinstance(found, dict) else {}


def refusal(code: str, status: int = 400) -> Response:
    """A refusal for the page's script. Returned, not raised: what it leaves behind is kept."""
    g.refusal = code
    response = jsonify(error=code, request_id=g.request_id)
    response.status_code = status
    return response


def in_line() -> bool:
    """Whether this page is shown inside LINE, whose own browser knows no passkeys: for a hint, never for a decision."""
    return LINE.search(request.headers.get("User-Agent", "")) is not None


def device() -> str:
    """Browser family and system, to know a session again by; never the whole User-Agent."""
    agent = request.headers.get("User-Agent", "")
    browser = next((name for sign, name in BROWSERS if sign in agent), "Safari" if "Safari/" in agent else "")
    system = next((name for sign, name in SYSTEMS if sign in agent), "Linux" if "Linux" in agent else "")
    return " · ".join(part for part in (browser, system) if part) or "?"
