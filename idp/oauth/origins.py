"""Origins of browser applications: whose scripts may read what token, UserInfo and revocation answer (CORS, Fetch 3.2).

A public client of kind `web` runs in the browser and has no server that could ask for it (RFC 9700 section 2.6). Its
origins are those of its redirect URIs, so nothing more has to be registered. No cookie is read at these endpoints:
CORS opens to a page no more than what its own server could ask.
"""

import json
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from idp.oauth.clients import Client

_TABLE = Client.__table__
_REDIRECTS = select(_TABLE.c.redirect_uris).where(
    _TABLE.c.kind == "web", _TABLE.c.auth_method == "none", _TABLE.c.status == "active"
)


def known(session: Session, origin: str) -> bool:
    """Whether a browser application that may ask at this moment lives at this origin, to the letter (RFC 6454 6.2)."""
    return any(origin == origin_of(uri) for uris in session.scalars(_REDIRECTS) for uri in json.loads(uris))


def origin_of(uri: str) -> str:
    """Scheme, host and port as a browser spells them: lower case, without the scheme's own port."""
    parts = urlsplit(uri)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    usual = {"https": 443, "http": 80}.get(parts.scheme)
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port not in (None, usual) else "")
