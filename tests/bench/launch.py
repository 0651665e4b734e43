"""How the measured servers start: `idp serve` as shipped, and the same server without log and disk (`app` below).

The second exists for one comparison only: a peer that keeps everything in memory and writes nothing down. No setting of
the product can do what is patched here.
"""

import base64
import os
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import event

from consent.audit import log
from consent.db import new_id
from idp.db import Sessions
from idp.oauth import uses
from idp.settings import Settings

SERVER = (sys.executable, "-m", "idp.cli", "serve")


def settings_in(folder: Path, *, port: int, database_url: str | None = None) -> Settings:
    """A production server as it stands behind its TLS proxy: a sandbox keeps exchanges for developers, which costs."""
    kek = folder / "kek"
    if not kek.exists():
        kek.write_text(base64.b64encode(os.urandom(32)).decode(), encoding="ascii")
    return Settings(
        issuer=f"https://localhost:{port}",
        database_url=database_url or f"sqlite:///{folder / 'yinyom.db'}",
        kek_file=kek,
        sms_gateway_url="https://sms.example.test/send",
        port=port,
    )


def environment(settings: Settings) -> dict[str, str]:
    """The settings as the server reads them."""
    given = {
        "ISSUER": settings.issuer,
        "DATABASE_URL": settings.database_url,
        "KEK_FILE": str(settings.kek_file),
        "SMS_GATEWAY_URL": str(settings.sms_gateway_url),
        "PORT": str(settings.port),
        "TOKEN_RATE": "0",  # one client asks for everything here
    }
    return {f"YINYOM_{name}": value for name, value in given.items()}


def leave_out_the_log(sessions: Sessions) -> None:
    """No audit entry, no first-use row (which exists for the log alone), no wait for the disk."""

    def without_waiting(dbapi: Any, _record: Any) -> None:
        dbapi.execute("PRAGMA synchronous=OFF")

    def unwritten(*_: object, **__: object) -> UUID:
        return new_id()

    if sessions.engine.dialect.name == "sqlite":
        sessions.engine.dispose()
        event.listen(sessions.engine, "connect", without_waiting)
    log.append = unwritten  # type: ignore[assignment]
    uses.first = lambda *_: True  # type: ignore[assignment]


def __getattr__(name: str) -> object:
    """`tests.bench.launch:app` for granian: built from the environment, then stripped."""
    if name != "app":
        raise AttributeError(name)
    from idp import wsgi  # noqa: PLC0415 -- importing it starts the application

    leave_out_the_log(wsgi.sessions)
    return wsgi.app
