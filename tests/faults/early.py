"""A deliberately broken server for one test: it answers before it commits. `python -m tests.faults.early` serves it."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from flask import g

from idp.cli.serving import granian
from idp.settings import Settings
from idp.web import gate
from idp.web.gate import Tx

LATE_S = {"sqlite": 0.05, "postgresql": 0.5}  # SQLite holds everybody up meanwhile
HONEST, LIAR = "idp.wsgi:app", "tests.faults.early:app"
_honest = gate.transaction


@contextmanager
def transaction(tx: Tx) -> Iterator[None]:
    """As the gate's, but the commit of a write comes a moment after the answer."""
    if tx is not Tx.WRITE:
        with _honest(tx):
            yield
        return
    g.ring = gate.house().rings.at(g.now)
    session = gate.house().sessions.write()
    session.begin()
    g.session = gate.tagged(session)
    try:
        yield
        session.flush()
    except BaseException:
        session.close()
        raise
    threading.Timer(LATE_S[session.get_bind().dialect.name], partial(finish, session)).start()


def finish(session: gate.Session) -> None:
    """Commit what was already promised."""
    with session:
        session.commit()


gate.transaction = transaction

if __name__ == "__main__":
    settings = Settings()  # type: ignore[call-arg]
    command = [argument if argument != HONEST else LIAR for argument in granian(settings)]
    os.execv(sys.executable, [sys.executable, *command])  # noqa: S606 -- our own interpreter
else:
    from idp.wsgi import app

    __all__ = ["app"]
