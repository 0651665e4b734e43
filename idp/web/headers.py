"""Security headers of every answer (ASVS 3.4; O20, O22 of the attack matrix)."""

from flask import Response, g, request

from idp.web import cookies

SOURCES = {
    "default-src": "'none'",
    "style-src": "'self'",
    "script-src": "'self'",
    "font-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}


def policy(also_connect: str = "") -> str:
    """The content security policy; a counter's page also asks the agent of its card reader, on loopback."""
    sources = SOURCES | {"connect-src": f"{SOURCES['connect-src']} {also_connect}".strip()}
    return "; ".join(f"{directive} {those}" for directive, those in sources.items())


CSP = policy()
PERMISSIONS = (
    "publickey-credentials-get=(self), publickey-credentials-create=(self), camera=(), geolocation=(), microphone=()"
)
PAGE = {
    "Content-Security-Policy": CSP,
    "Permissions-Policy": PERMISSIONS,
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}
HSTS = "max-age=31536000"


def write_to(response: Response) -> None:
    """no-store unless the view said otherwise, nosniff always, the page's own headers on HTML and redirects."""
    if "request_id" in g:
        response.headers["X-Request-Id"] = g.request_id  # also where an answer has no body to hold it
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    if response.mimetype == "text/html":
        for name, value in PAGE.items():
            response.headers[name] = value
        agent_url = cookies.settings().card_agent_url
        if agent_url is not None and request.path.split("/")[1] == "desk":
            response.headers["Content-Security-Policy"] = policy(agent_url)
    if cookies.settings().secure_cookies:
        response.headers["Strict-Transport-Security"] = HSTS
