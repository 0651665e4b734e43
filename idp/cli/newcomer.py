"""A developer's first minutes: a client of the sandbox that runs as printed, and a letter to try its event endpoint."""

import json
import secrets
import time
from collections.abc import Sequence
from importlib.resources import files
from urllib.parse import urlsplit

import click

from consent import purposes
from idp import outbox, trial
from idp.app import wall_clock
from idp.cli.house import House, house
from idp.db import Session
from idp.demo import seed
from idp.directory import entities
from idp.directory.models import LegalEntity
from idp.directory.seed import VALID_UNTIL
from idp.oauth import clients, resources

ENTITY_TH, ENTITY_EN, HCODE = "คลินิกทดลองของนักพัฒนา", "Developers' sample hospital", "99099"
PURPOSES = ("SIGNIN", "CONTACT")
WITH_RECORDS = ("EHR-SHARE",)
EXAMPLE = "http://127.0.0.1:5000/callback"
LONGEST_NAME = 100
WAIT_S, LOOK_AGAIN_S = 15.0, 0.2


def add(name: str, redirect_uris: Sequence[str], *, event_endpoint: str | None) -> None:
    """Register a client of the sandbox and print its id, its secret and a program that signs people in by it.

    Raises: ValueError outside the sandbox, without exactly one redirect URI that has a path, or for an unfit name.
    """
    with house() as here:
        if not here.settings.sandbox:
            raise ValueError("--demo is for a sandbox; here give --name-th, --name-en, --entity and --purpose.")
        if len(redirect_uris) != 1 or urlsplit(redirect_uris[0]).path in ("", "/"):
            raise ValueError(f"--demo needs one --redirect with a path, such as {EXAMPLE}.")
        if not name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
            raise ValueError(f"--demo needs a name of at most {LONGEST_NAME} characters.")
        with here.sessions.writing() as session:
            client_id, secret = _register(session, name, redirect_uris, event_endpoint=event_endpoint)
        click.echo(f"client_id      {client_id}\nclient_secret  {secret}\n")
        click.echo(program(here.settings.issuer, client_id, secret, redirect_uris[0]), nl=False)


def program(issuer: str, client_id: str, secret: str, redirect_uri: str) -> str:
    """The client of README, with these values in their places."""
    text = files("idp.demo").joinpath("first_client.txt").read_text(encoding="utf-8")
    back = urlsplit(redirect_uri)
    for place, value in (
        ('@app.get("/callback")', f"@app.get({json.dumps(back.path)})"),
        (json.dumps(EXAMPLE), json.dumps(redirect_uri)),
        ('"http://localhost:8000"', json.dumps(issuer)),
        ('("client_id", "client_secret")', f"({json.dumps(client_id)}, {json.dumps(secret)})"),
        ("open http://127.0.0.1:5000/", f"open {back.scheme}://{back.netloc}/"),
        ("port=5000", f"port={back.port or 5000}"),
    ):
        text = text.replace(place, value)
    return text


def _register(
    session: Session, name: str, redirect_uris: Sequence[str], *, event_endpoint: str | None
) -> tuple[str, str]:
    records = resources.find(session, seed.HOLDER_IDENTIFIER)
    codes = (*PURPOSES, *WITH_RECORDS) if records else PURPOSES
    made, secret = clients.register(
        session,
        client_id=f"demo-{secrets.token_hex(6)}",
        name_th=name,
        name_en=name,
        legal_entity_id=_entity(session).id,
        kind="web",
        purposes={code: purposes.get(code).scopes for code in codes},
        redirect_uris=redirect_uris,
        default_resource=records.identifier if records else None,
        event_endpoint=event_endpoint,
        now=wall_clock(),
    )
    return made.id, secret or ""


def _entity(session: Session) -> LegalEntity:
    """Who answers for developers' clients in the sandbox: made at the first, of its own so that consents are, too."""
    known = [one for one in entities.everyone(session) if one.name_en == ENTITY_EN]
    return (
        known[0]
        if known
        else entities.register(
            session,
            name_th=ENTITY_TH,
            name_en=ENTITY_EN,
            kind="hospital",
            controller_contact=f"{ENTITY_TH} 999 หมู่ที่ 99 โทร. 010-000-0900",
            dpo_contact="dpo@example.test",
            hcode=HCODE,
            licence_until=VALID_UNTIL,
            now=wall_clock(),
        )
    )


def try_events(client_id: str) -> None:
    """Send a signed verification event to the client's endpoint and say what became of it; exit code 1 if nothing good.

    Raises: NotFound, NotAllowed. It is tried here and now; a worker that is quicker does the same.
    """
    with house() as here:
        with here.sessions.writing() as session:
            trial.send(session, here.rings.at(wall_clock()), here.settings, client_id, now=wall_clock())
        with here.sessions.reading() as session:
            letter_id = trial.letters(session, client_id)[0].id
        outbox.attempt(here.sessions, here.rings, here.ports, letter_id, now=wall_clock())
        state, error, after = _outcome(here, client_id)
    if state != "sent":
        raise ValueError(f"The event was not acknowledged ({error or 'no answer yet'}): {NEXT.get(error, ANY_NEXT)}.")
    click.echo(f"Delivered and acknowledged after {after} of {client_id}'s event endpoint.")


def _outcome(here: House, client_id: str) -> tuple[str, str, str]:
    until = time.monotonic() + WAIT_S
    while True:
        with here.sessions.reading() as session:
            letter = trial.letters(session, client_id)[0]
            if letter.state != "queued" or letter.last_error or time.monotonic() > until:
                tries = f"{letter.attempts} {'try' if letter.attempts == 1 else 'tries'}"
                return letter.state, letter.last_error or "", tries
        time.sleep(LOOK_AGAIN_S)


ANY_NEXT = "it must check the signature with our JWKS and answer 202; try again"
NEXT = {
    "status_400": "the endpoint refused it; does it know our issuer, its own client id as aud, and RS256",
    "status_401": "the endpoint wants a login; it must rest on the signature of the event",
    "status_403": "the endpoint forbids it; it must rest on the signature of the event",
    "status_404": "there is nothing at this address; register the right one with --events",
}
