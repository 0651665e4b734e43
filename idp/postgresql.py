"""How long we wait for a PostgreSQL that does not answer.

A server-side timeout cannot fire in a server that hangs, and TCP is content as long as its kernel answers. So the
client counts, and whoever has waited too long gives the connection up.
"""

from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError

ANSWER_S = 6.0  # above the server's own statement timeout, which answers first as long as the server lives
PING_S = 1.0


class PatientConnection(psycopg.Connection[Any]):
    """A connection that is given up when the server has not answered in time."""

    patience_s: float = ANSWER_S

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """As the driver's, with a limit. Every blocking call of a connection comes through here.

        What the server made of an abandoned statement nobody knows: the connection is closed, and so invalidated.
        """
        try:
            return super().wait(gen, interval, self.patience_s if timeout is None else timeout)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.pgconn.finish()
            raise

    def ping(self) -> None:
        """Whether somebody is there, within a second. Raises: psycopg.OperationalError."""
        self.patience_s = PING_S
        try:
            self.cursor().execute(";")
            self.rollback()
        finally:
            self.patience_s = ANSWER_S


def teach(engine: Engine) -> None:
    """Let an engine for PostgreSQL make such connections, and ask each one before it is used again."""
    event.listen(engine, "do_connect", _connect)
    event.listen(engine, "checkout", _awake)


def _connect(_dialect: Any, _record: Any, arguments: Any, options: dict[str, Any]) -> Any:
    return PatientConnection.connect(*arguments, **options)


def _awake(connection: Any, _record: Any, _proxy: Any) -> None:
    """Instead of SQLAlchemy's own ping, which would wait for ever."""
    try:
        connection.ping()
    except psycopg.Error as gone:
        raise DisconnectionError from gone
