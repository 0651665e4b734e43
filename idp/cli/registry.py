"""Who may ask, who keeps data, and who answers for them: legal entities, clients, resource servers."""

import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, BinaryIO

import click

from consent import abroad, purposes
from consent.errors import NotFound
from idp import deliveries
from idp.assurance import Aal, Ial
from idp.cli import newcomer
from idp.cli.house import house
from idp.db import Session
from idp.directory import entities
from idp.oauth import clients, resources
from idp.oauth.registration import AUTH_METHODS, GRANT_TYPES, ID_TOKEN_ALGORITHMS
from idp.wiring import wall_clock

KINDS = ("web", "native", "system")  # the fourth kind, resource_server, is made by `idp resource add`
PROFILES = ("standard", "compat")
SAFEGUARDS = tuple(one.code for one in abroad.safeguards())
AALS = tuple(level.value for level in Aal if level < Aal.AAL3)
IALS = tuple(level.value for level in Ial if level < Ial.IAL3)


@click.group()
def entity() -> None:
    """Organisations that answer for services and for data (data controllers)."""


@entity.command("add")
@click.option("--name-th", required=True)
@click.option("--name-en", required=True)
@click.option("--kind", required=True, type=click.Choice(entities.kinds()), metavar="KIND", help="See the catalogue.")
@click.option("--controller-contact", required=True, help="Address and phone for notices (PDPA s.23).")
@click.option("--dpo-contact", required=True, help="The data protection officer.")
@click.option("--own-app", is_flag=True, help="It is the operator of this server.")
@click.option("--hcode", help="Its first facility: 5 digits, or 2 letters and 7 digits.")
@click.option("--province", help="Where that facility is.")
@click.option("--licence-until", type=click.DateTime(["%Y-%m-%d"]), help="Last day of that facility's licence (CE).")
@click.option("--agreement", metavar="NUMBER", help="The data sharing or processing agreement with it (PDPA s.40).")
def entity_add(licence_until: datetime | None, **facts: Any) -> None:
    """Register an organisation, with its first facility where it has one."""
    until: date | None = licence_until.date() if licence_until else None
    with house() as here, here.sessions.writing() as session:
        found = entities.register(session, licence_until=until, now=wall_clock(), **facts).id
    click.echo(f"entity_id      {found}")


@entity.command("agreement")
@click.argument("organisation")
@click.argument("number")
def entity_agreement(organisation: str, number: str) -> None:
    """Keep the number of the data sharing or processing agreement with an organisation (PDPA s.40)."""
    with house() as here, here.sessions.writing() as session:
        found = entities.find(session, organisation)
        entities.agree(session, found.id, number, now=wall_clock())
    click.echo(f"{found.name_en}: agreement {number.strip()}")


@entity.command("list")
def entity_list() -> None:
    """All organisations, one a line: id, kind, English name, Thai name."""
    with house() as here, here.sessions.reading() as session:
        for one in entities.everyone(session):
            click.echo(f"{one.id}\t{one.kind}\t{one.name_en}\t{one.name_th}")


@click.group()
def client() -> None:
    """Registered services."""


@client.command("add")
@click.option("--demo", metavar="NAME", help="Sandbox: all of it at once, with a program that runs as printed.")
@click.option("--id", "client_id", help="Default: a random one.")
@click.option("--name-th")
@click.option("--name-en")
@click.option("--entity", "entity_word", help="Who answers for it: id, or exact Thai or English name.")
@click.option("--kind", type=click.Choice(KINDS), default="web", show_default=True)
@click.option("--auth-method", type=click.Choice(AUTH_METHODS), help="Default: none for native, else by secret.")
@click.option("--jwks", "jwks_file", type=click.File("rb"), help="private_key_jwt: its public keys, a JWKS file.")
@click.option("--redirect", "redirect_uris", multiple=True, help="Exact redirect URI; may be given several times.")
@click.option("--post-logout", "post_logout_redirect_uris", multiple=True, help="Where to go after sign-out; several.")
@click.option("--purpose", "codes", multiple=True, help="Purpose code; may be given several times.")
@click.option("--scope", "narrowed", multiple=True, help="PURPOSE=scope: only this of it; several. PURPOSE= : by name.")
@click.option("--resource", "default_resource", help="Identifier of the resource server that its tokens are for.")
@click.option("--grant-type", "grant_types", multiple=True, type=click.Choice(GRANT_TYPES), help="Several.")
@click.option("--events", "event_endpoint", help="Where withdrawals are posted (https).")
@click.option("--profile", type=click.Choice(PROFILES), default="standard", show_default=True)
@click.option("--id-token-alg", type=click.Choice(ID_TOKEN_ALGORITHMS), default="ES256", show_default=True)
@click.option("--sector", help="Services of one sector see the same `sub`. Default: the host of the redirect URIs.")
@click.option("--min-aal", type=click.Choice(AALS), help="Nobody signs in to it below this; default: as its purposes.")
@click.option("--min-ial", type=click.Choice(IALS), help="Nobody signs in to it below this; default: as its purposes.")
@click.option("--country", "xb_country", metavar="CC", help="It keeps what it receives abroad, there (ISO 3166).")
@click.option("--safeguard", "xb_safeguard", type=click.Choice(SAFEGUARDS), help="What protects the data there.")
@click.option("--policy", "policy_uri", help="Its privacy policy (https).")
@click.option("--tos", "tos_uri", help="Its terms (https).")
@click.option("--logo", "logo_uri", help="Its logo (https).")
def client_add(
    entity_word: str, codes: Sequence[str], narrowed: Sequence[str], grant_types: Sequence[str], **facts: Any
) -> None:
    """Register a service and print its id and secret; the secret is shown this once."""
    demo = facts.pop("demo")
    if demo is not None:
        newcomer.add(demo, facts["redirect_uris"], event_endpoint=facts["event_endpoint"])
        return
    needed = {"--name-th": facts["name_th"], "--name-en": facts["name_en"], "--entity": entity_word, "--purpose": codes}
    for option, given in needed.items():
        if given in (None, ()):
            raise click.UsageError(f"Missing option '{option}'.")
    kind = facts["kind"]
    facts["jwks"] = _jwks(facts.pop("jwks_file"))
    facts["client_id"] = facts["client_id"] or f"svc-{secrets.token_hex(6)}"
    facts["auth_method"] = facts["auth_method"] or ("none" if kind == "native" else "client_secret_basic")
    usual = ("client_credentials",) if kind == "system" else ("authorization_code", "refresh_token")
    with house() as here, here.sessions.writing() as session:
        _check_resource(session, facts["default_resource"])
        made, secret = clients.register(
            session,
            legal_entity_id=entities.find(session, entity_word).id,
            purposes=_scopes(codes, narrowed, kind=kind),
            grant_types=grant_types or usual,
            now=wall_clock(),
            **facts,
        )
        found = made.id
    _show(found, secret or ("(none: it signs with its key)" if facts["jwks"] else None))


def _jwks(file: BinaryIO | None) -> object | None:
    """What the file says; whether these are fit public keys is the registration's to judge. Raises: ValueError."""
    if file is None:
        return None
    try:
        document: object = json.loads(file.read())
    except ValueError as error:
        raise ValueError("The JWKS file is not JSON.") from error
    return document


def _scopes(codes: Sequence[str], narrowed: Sequence[str], *, kind: str) -> Mapping[str, Sequence[str]]:
    """What each purpose registers: its row's scopes for this kind of client, or those of --scope. Raises: ValueError.

    `CODE=` leaves none: the purpose is then asked by its name only (`purpose:CODE`), as an overlap demands.
    """
    chosen: dict[str, list[str]] = {}
    for one in narrowed:
        code, sign, scope = one.partition("=")
        if not sign or code not in codes:
            raise ValueError(f"--scope {one}: write PURPOSE=scope, with a purpose that --purpose names.")
        chosen.setdefault(code, []).extend(scope.split())
    rows = {code: purposes.get(code) for code in codes}
    usual = {code: row.system_scopes if kind == "system" else row.scopes for code, row in rows.items()}
    return {code: chosen.get(code, usual[code]) for code in rows}


def _check_resource(session: Session, identifier: str | None) -> None:
    if identifier is not None and resources.find(session, identifier) is None:
        raise ValueError(f"There is no resource server {identifier}; see `idp resource list` and `idp resource add`.")


def _show(client_id: str, secret: str | None) -> None:
    click.echo(f"client_id      {client_id}\nclient_secret  {secret or '(none: a public client)'}")


@client.command("list")
def client_list() -> None:
    """All services, one a line: id, status, kind, name."""
    with house() as here, here.sessions.reading() as session:
        for one in clients.everyone(session):
            click.echo(f"{one.id}\t{one.status}\t{one.kind}\t{one.name_en}")


@client.command("test-event")
@click.argument("client_id")
def client_test_event(client_id: str) -> None:
    """Send a signed verification event to a service's event endpoint, and say what became of it."""
    newcomer.try_events(client_id)


@client.command("events")
@click.option("--again", metavar="CLIENT_ID", help="Queue again, in order, what was given up for this service.")
def client_events(again: str | None) -> None:
    """Services that have not taken their events: id, given up, waiting, since when."""
    with house() as here:
        if again is not None:
            with here.sessions.writing() as session:
                if clients.find(session, again) is None:
                    raise NotFound(f"There is no client {again}; see `idp client list`.", detail="client")
                queued = deliveries.redeliver(session, again, now=wall_clock())
            click.echo(f"{queued} events are queued again for {again}.")
            return
        with here.sessions.reading() as session:
            for one in deliveries.backlogs(session):
                click.echo(f"{one.client_id}\t{one.dead}\t{one.waiting}\t{one.since.isoformat(timespec='seconds')}")


@client.command("require")
@click.argument("client_id")
@click.option("--aal", "min_aal", type=click.Choice(AALS), help="Default: no more than its purposes need.")
@click.option("--ial", "min_ial", type=click.Choice(IALS), help="Default: no more than its purposes need.")
def client_require(client_id: str, min_aal: str | None, min_ial: str | None) -> None:
    """Change the levels that people must reach to sign in to a service; it holds within seconds."""
    with house() as here, here.sessions.writing() as session:
        clients.require(session, client_id, min_aal=min_aal, min_ial=min_ial, now=wall_clock())
    click.echo(f"{client_id} asks for aal {min_aal or '-'} and ial {min_ial or '-'} at least.")


@client.command("abroad")
@click.argument("client_id")
@click.option("--country", help="ISO 3166 letters of where it keeps what it receives. Default: Thailand.")
@click.option("--safeguard", type=click.Choice(SAFEGUARDS), help="What protects the data there.")
def client_abroad(client_id: str, country: str | None, safeguard: str | None) -> None:
    """Say where a service keeps data; people whose answer did not name that country are asked again."""
    with house() as here, here.sessions.writing() as session:
        clients.move_abroad(session, client_id, country=country, safeguard=safeguard, now=wall_clock())
    click.echo(f"{client_id} keeps data in {country or 'TH'}.")


@client.command("transfers")
@click.argument("client_id")
@click.option("--take/--refuse", "takes", default=True, show_default=True, help="Whether it takes people's data over.")
def client_transfers(client_id: str, *, takes: bool) -> None:
    """Let people have their portable data sent to a service, or no longer; it must take events."""
    with house() as here, here.sessions.writing() as session:
        clients.take_transfers(session, client_id, takes=takes, now=wall_clock())
    click.echo(f"{client_id} takes {'' if takes else 'no '}data over from people who choose it.")


@client.command("suspend")
@click.argument("client_id")
def client_suspend(client_id: str) -> None:
    """Take a service out of use; all its grants end at once."""
    with house() as here, here.sessions.writing() as session:
        clients.suspend(session, client_id, now=wall_clock())
    click.echo(f"{client_id} is suspended.")


@click.group()
def resource() -> None:
    """Resource servers: services that keep data and open it for tokens."""


@resource.command("add")
@click.option("--identifier", required=True, help="Absolute URI; it stands in `aud`.")
@click.option("--entity", "entity_word", required=True, help="Who answers for it: id, or exact Thai or English name.")
@click.option("--name-th", help="Default: the organisation's.")
@click.option("--name-en", help="Default: the organisation's.")
@click.option("--accepts", multiple=True, help="Start of the scopes it understands, such as patient/; default: all.")
@click.option("--offline-only", is_flag=True, help="It will not introspect: no token whose purpose demands that.")
@click.option("--sector", help="Services of one sector see the same `sub`. Default: the host of the identifier.")
@click.option("--id", "client_id", help="Default: a random one.")
def resource_add(
    entity_word: str, name_th: str | None, name_en: str | None, client_id: str | None, **facts: Any
) -> None:
    """Register a resource server and print the id and secret by which it introspects; the secret is shown this once."""
    introspects = not facts.pop("offline_only")
    with house() as here, here.sessions.writing() as session:
        owner = entities.find(session, entity_word)
        made, secret = clients.register(
            session,
            client_id=client_id or f"rs-{secrets.token_hex(6)}",
            name_th=name_th or owner.name_th,
            name_en=name_en or owner.name_en,
            legal_entity_id=owner.id,
            kind="resource_server",
            purposes={},
            grant_types=(),
            now=wall_clock(),
        )
        found = made.id
        resources.register(
            session, legal_entity_id=owner.id, client_id=found, introspects=introspects, now=wall_clock(), **facts
        )
    _show(found, secret)


@resource.command("list")
def resource_list() -> None:
    """All resource servers, one a line: identifier, client id, what it accepts."""
    with house() as here, here.sessions.reading() as session:
        for one in resources.everyone(session):
            click.echo(f"{one.identifier}\t{one.client_id}\t{' '.join(one.accepts) or 'all'}")
