"""`idp agent …`: the program beside a counter's card reader. It runs on the counter's computer, not on the server."""

from importlib.util import find_spec
from pathlib import Path

import click

from idp.agent import signing
from idp.agent.loopback import Loopback
from idp.agent.reader import PcscReader

PORT = 9182


@click.group()
def agent() -> None:
    """The program beside a counter's card reader."""


@agent.command("key")
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="A file that is not there.")
def agent_key(out: Path) -> None:
    """Make this computer's key, and print the public half for `idp desk agent add` on the server."""
    try:
        click.echo(signing.make_key(out))
    except FileExistsError as error:
        raise ValueError(f"{out} is there already: a key is never overwritten.") from error


@agent.command("run")
@click.option("--issuer", required=True, help="The server's address, as its pages have it.")
@click.option("--key", required=True, type=click.Path(path_type=Path, dir_okay=False), help="What `agent key` made.")
@click.option("--reader", default="", help="Part of the reader's name, where there are several.")
@click.option("--port", default=PORT, show_default=True, type=click.IntRange(1, 65535))
def agent_run(issuer: str, key: Path, reader: str, port: int) -> None:
    """Answer the issuer's pages on loopback with the card that is in the reader, until it is stopped."""
    if find_spec("smartcard") is None:
        raise ValueError("pyscard is not installed: install yinyom with its extra `agent`.")
    server = Loopback(port, issuer=issuer.rstrip("/"), read=PcscReader(reader).read, signer=signing.Signer(key))
    click.echo(f"Cards are read for {server.origin} at http://127.0.0.1:{server.server_port}")
    with server:
        server.serve_forever()
