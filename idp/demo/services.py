"""The demo services, as one declarative program: each entry is a real service's role, run as a process of its own.

    python -m idp.demo.services portal --issuer http://localhost:8000 --port 8001 …

They import nothing of ours but `idp.relying`, as a hospital's own program would.
"""

import signal
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from idp.demo.client import Config, RelyingParty
from idp.demo.clinic import Clinic, create_clinic
from idp.demo.holder import create_holder
from idp.demo.line import create_line
from idp.demo.portal import create_portal
from idp.demo.stand_in import Client, people
from idp.demo.thaid import create_thaid
from idp.relying import Keys, Live, Receiver, Reporter, StatusLists, Verifier

HOST = "127.0.0.1"
TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Start:
    """What every service is told: who it is, whom it trusts, where it listens."""

    issuer: str
    client_id: str
    secret: str
    port: int
    holder: str
    audience: str
    people: str

    @property
    def origin(self) -> str:
        """Where this service is reached; apart from the server's `localhost`, so that cookie jars are, too."""
        return f"http://{HOST}:{self.port}"


class Lines(WSGIRequestHandler):
    """Log lines without the query: a code, a state or whatever somebody typed does not belong there."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Method, path and status."""
        self.log("info", "%s %s %s %s", self.command, self.path.partition("?")[0], code, size)


def portal(start: Start) -> Flask:
    """Row 2: a hospital that asks for a patient's history from elsewhere."""
    keys = Keys(start.issuer)
    config = Config(
        issuer=start.issuer,
        client_id=start.client_id,
        secret=start.secret,
        redirect_uri=f"{start.origin}/callback",
        holder=start.holder,
        templates=str(TEMPLATES),
    )
    return create_portal(config, RelyingParty(config, keys), Receiver(start.issuer, start.client_id, keys=keys))


def holder(start: Start) -> Flask:
    """Row 2: a facility that keeps records and shows them only for a token that is good now."""
    keys = Keys(start.issuer)
    live, status = Live(start.client_id, start.secret), StatusLists(keys, fail_closed=False)
    verifier = Verifier(start.issuer, start.audience, keys=keys, live=live, status=status)
    folder = Path(tempfile.gettempdir()) / f"yinyom-reports-{start.port}"
    reporter = Reporter(start.issuer, start.audience, start.client_id, start.secret, folder=folder)
    reporter.start()
    return create_holder(verifier, base=start.origin, reporter=reporter)


def clinic(start: Start) -> Flask:
    """Row 1: a hospital's own system that a clinician opens for one visit."""
    return create_clinic(
        Clinic(
            issuer=start.issuer,
            client_id=start.client_id,
            secret=start.secret,
            redirect_uri=f"{start.origin}/callback",
            holder=start.holder,
        ),
        Keys(start.issuer),
        templates=str(TEMPLATES),
    )


def thaid(start: Start) -> Flask:
    """The department's application, for made-up people: who a citizen is, at IAL2.3."""
    client = Client(start.client_id, start.secret, f"{start.issuer}/thaid/callback")
    return create_thaid(client, people(start.people), issuer=start.origin, templates=str(TEMPLATES))


def line(start: Start) -> Flask:
    """LINE Login, for made-up people."""
    client = Client(start.client_id, start.secret, f"{start.issuer}/line/callback")
    return create_line(client, people(start.people), templates=str(TEMPLATES))


SERVICES: dict[str, Callable[[Start], Flask]] = {
    "portal": portal,
    "holder": holder,
    "clinic": clinic,
    "thaid": thaid,
    "line": line,
}


@click.command()
@click.argument("service", type=click.Choice(sorted(SERVICES)))
@click.option("--issuer", required=True, help="The server's issuer identifier.")
@click.option("--client-id", required=True)
@click.option("--secret-file", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--port", required=True, type=click.IntRange(1, 65535))
@click.option("--holder", default="", help="portal, clinic: where the record holder is.")
@click.option("--audience", default="", help="holder: its registered identifier.")
@click.option("--people", default="", help="thaid, line: another TSV of made-up people.")
def main(service: str, secret_file: Path, **told: Any) -> None:
    """Run one demo service until SIGTERM or Ctrl-C."""
    start = Start(secret=secret_file.read_text(encoding="ascii").strip(), **told)
    server = make_server(HOST, start.port, SERVICES[service](start), threaded=True, request_handler=Lines)

    def stop(*_signal: object) -> None:
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    server.serve_forever()
    server.server_close()


if __name__ == "__main__":
    main(auto_envvar_prefix="YINYOM_DEMO")
