"""A database full of live things: people, consents that stand, grants, tokens, sign-in sessions, codes.

Keys, clients, notices and JWTs are made by the server's own verbs; rows that a person would make one at a time are
written in bulk. Tokens are minted half an hour ahead of the clock, so that they live for the whole measurement.
"""

import base64
import json
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy import insert, select

from consent import notices, purposes
from consent.db import new_id, table_of
from consent.models import ConsentNotice, ConsentRecord, ConsentStanding
from idp import keys, migrations
from idp.assurance import Aal
from idp.db import Session, Sessions, check_mode
from idp.demo import crowd
from idp.directory import entities
from idp.login.sessions import SignInSession, hash_of
from idp.oauth import clients, codes, resources, tokens
from idp.oauth.codes import AuthorizationCode, RefreshFamily
from idp.oauth.features import pkce
from idp.oauth.grants import Grant, GrantConsent
from idp.oauth.live import GrantFacts, find_grant
from idp.oauth.pipeline import Context
from idp.settings import Settings
from idp.subjects import Subject

AHEAD = timedelta(minutes=30)
HOUR = timedelta(hours=1)
ROWS = 5_000
SIGNED_IN = 1_000
SECRET = "bench-secret-bench-secret-bench-secret"
HOLDER = "https://records.example.test"
CALLBACK = "http://127.0.0.1:9999/cb"
VERIFIER = "v" * 43
ASKED = {"SIGNIN": ("openid", "profile"), "APPT": ("patient/Appointment.crus",)}
SCOPE = "openid profile patient/Appointment.crus offline_access"
SYSTEM_SCOPE = "system/Observation.c?category=notifiable"
FACTORS = "pin sms"


@dataclass(frozen=True)
class Size:
    """How much of each thing."""

    people: int = 10_000
    clients: int = 10
    tokens: int = 100_000
    sessions: int = SIGNED_IN
    codes: int = 40_000
    refreshes: int = 20_000


@dataclass
class Stage:
    """What load needs to know: one line a request, as `wrk.lua` reads it (Authorization, Cookie, path, body)."""

    lines: dict[str, list[str]] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """One file for each endpoint."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, lines in self.lines.items():
            (folder / name).write_text("\n".join(lines) + "\n", encoding="ascii")


@dataclass(frozen=True)
class House:
    """Who is there."""

    context: Context
    people: Sequence[UUID]
    clients: Sequence[clients.ClientFacts]
    records: dict[tuple[UUID, UUID, str], UUID]


def line(*, authorization: str = "", cookie: str = "", path: str, body: str = "") -> str:
    """One request."""
    return f"{authorization}\t{cookie}\t{path}\t{body}"


def basic(client_id: str) -> str:
    """The Authorization header of a client."""
    return "Basic " + base64.b64encode(f"{client_id}:{SECRET}".encode()).decode()


def build(sessions: Sessions, settings: Settings, size: Size, *, now: datetime) -> Stage:
    """Fill an empty database; the requests to send."""
    found(sessions, settings, size, now=now)
    stage = Stage()
    with sessions.writing() as session:
        house = open_house(session, settings, size, now=now)
        grants = begin_grants(house, size, now=now)
        stage.lines = {
            "introspection": list(introspections(house, grants, size)),
            "code": list(exchanges(house, grants, size, now=now)),
            "refresh": list(refreshes(house, grants, size, now=now)),
            "client_credentials": [system_request()],
            "discovery": [line(path="/.well-known/openid-configuration")],
            **authorizations(house, size, now=now),
        }
    stage.lines["userinfo"] = stage.lines.pop("userinfo", []) or userinfos(stage.lines["introspection"])
    return stage


def found(sessions: Sessions, settings: Settings, size: Size, *, now: datetime) -> None:
    """Schema, keys, notices, organisations, clients, people."""
    migrations.upgrade(sessions.engine)
    with sessions.writing() as session:
        check_mode(session, sandbox=settings.sandbox)
        keys.ensure(session, settings.kek(), now=now)
        notices.publish_catalogue(session, now=now)
        holder = organisation(session, 0, now=now)
        for n in range(1, size.clients + 1):
            register_portal(session, n, organisation(session, n, now=now), now=now)
        register_machines(session, holder, organisation(session, 99, now=now), now=now)
    with sessions.reading() as session:
        ring = keys.load(session, settings.kek(), now=now)
    for _ in crowd.people(sessions, ring, size.people, now=now):
        pass


def organisation(session: Session, n: int, *, now: datetime) -> UUID:
    """One made-up hospital with its licensed facility."""
    return entities.register(
        session,
        name_th=f"โรงพยาบาลตัวอย่าง {n}",
        name_en=f"Example Hospital {n}",
        kind="hospital",
        controller_contact="999 หมู่ที่ 99",
        dpo_contact="dpo@example.test",
        now=now,
        hcode=f"99{100 + n}",
        licence_until=date(2099, 12, 31),
    ).id


def register_portal(session: Session, n: int, entity: UUID, *, now: datetime) -> None:
    """An ordinary confidential web client."""
    clients.register(
        session,
        client_id=f"portal{n}",
        name_th=f"เว็บผู้ป่วย {n}",
        name_en=f"Patient portal {n}",
        legal_entity_id=entity,
        kind="web",
        purposes=ASKED,
        redirect_uris=(CALLBACK,),
        default_resource=HOLDER,
        secret=SECRET,
        now=now,
    )


def register_machines(session: Session, holder: UUID, reporter: UUID, *, now: datetime) -> None:
    """The record holder that introspects, and the system that acts for itself."""
    named = {"name_th": "เครื่อง", "name_en": "Machine", "secret": SECRET, "now": now}
    clients.register(
        session,
        client_id="holder",
        legal_entity_id=holder,
        kind="resource_server",
        purposes={},
        grant_types=(),
        **named,
    )
    resources.register(
        session, identifier=HOLDER, legal_entity_id=holder, client_id="holder", introspects=True, now=now
    )
    clients.register(
        session,
        client_id="system",
        legal_entity_id=reporter,
        kind="system",
        purposes={"PUBREPORT": (SYSTEM_SCOPE,)},
        grant_types=("client_credentials",),
        default_resource=HOLDER,
        **named,
    )


# --- people who agreed --------------------------------------------------------------------------------------------


def open_house(session: Session, settings: Settings, size: Size, *, now: datetime) -> House:
    """Every person agreed to two services; the first thousand, who are signed in, to the first service as well."""
    context = Context(session, keys.load(session, settings.kek(), now=now), settings, now)
    people = session.scalars(select(Subject.id).order_by(Subject.id)).all()
    facts = [clients.find(session, f"portal{n}") for n in range(1, size.clients + 1)]
    published = {
        row.purpose: row
        for row in session.execute(
            select(ConsentNotice.id, ConsentNotice.purpose, ConsentNotice.version, ConsentNotice.sha256).where(
                ConsentNotice.locale == "th"
            )
        )
    }
    house = House(context, people, [client for client in facts if client is not None], {})
    made = [row for n, person in enumerate(people) for row in consents(house, published, person, n, now=now)]
    put(session, ConsentRecord, [record for record, _ in made])
    put(session, ConsentStanding, [standing for _, standing in made])
    return house


def consents(house: House, published: dict[str, object], person: UUID, n: int, *, now: datetime) -> Iterator[tuple]:
    """Records and standings of one person."""
    for client in services_of(house, n):
        for code, scopes in ASKED.items():
            row, record, notice = purposes.get(code), new_id(), published[code]
            key = {
                "subject_id": person,
                "recipient_id": client.legal_entity_id,
                "holder": "any",
                "purpose": code,
            }
            told = code == "SIGNIN"
            until = now + row.life(None)
            house.records[person, client.legal_entity_id, code] = record
            more = {"basis": row.basis, "expires_at": until, "max_uses": None}
            yield (
                {
                    **key,
                    **more,
                    "id": record,
                    "kind": "notice" if told else "consent",
                    "client_id": client.id,
                    "actor_id": person,
                    "scopes": " ".join(scopes),
                    "categories": " ".join(row.data_categories),
                    "explicit": row.explicit,
                    "notice_id": notice.id,
                    "notice_version": notice.version,
                    "notice_sha256": notice.sha256,
                    "locale": "th",
                    "aal": "2.1",
                    "ial": "1.3",
                    "channel": "web",
                    "given_at": now,
                },
                {
                    **key,
                    **more,
                    "state": "noticed" if told else "given",
                    "record_id": record,
                    "refusal_id": None,
                    "moved_at": now,
                    "version": 1,
                },
            )


def services_of(house: House, n: int) -> list[clients.ClientFacts]:
    """Whom the n-th person agreed with."""
    first = house.clients[0]
    return (
        list({client.id: client for client in (first, *chosen(house, n))}.values())
        if n < SIGNED_IN
        else chosen(house, n)
    )


def chosen(house: House, n: int) -> list[clients.ClientFacts]:
    """The two services of the n-th person."""
    some = (house.clients[n % len(house.clients)], house.clients[(n * 7 + 3) % len(house.clients)])
    return list({client.id: client for client in some}.values())


def begin_grants(house: House, size: Size, *, now: datetime) -> list[GrantFacts]:
    """One grant for each token, spread over people and services."""
    rows, rests = [], []
    for n in range(size.tokens):
        place = n % len(house.people)
        person, client = house.people[place], chosen(house, place)[n // len(house.people) % 2 - 1]
        rows.append(grant_of(person, client, now=now))
        rests += [
            {
                "grant_id": rows[-1]["id"],
                "record_id": house.records[person, client.legal_entity_id, code],
                "purpose": code,
            }
            for code in ASKED
        ]
    put(house.context.session, Grant, rows)
    put(house.context.session, GrantConsent, rests)
    pattern = find_grant(house.context, rows[0]["id"])
    return [
        replace(pattern, **{name: row[name] for name in ("id", "subject_id", "client_id", "recipient_id")})
        for row in rows
    ]


def grant_of(person: UUID, client: clients.ClientFacts, *, now: datetime) -> dict[str, Any]:
    """A grant of everything that was agreed to, as it is stored."""
    return {
        "id": new_id(),
        "subject_id": person,
        "client_id": client.id,
        "recipient_id": client.legal_entity_id,
        "scopes": json.dumps(ASKED),
        "resource": "[]",
        "offline_access": True,
        "aal": Aal.AAL2_1.value,
        "factors": FACTORS,
        "auth_time": now,
        "session_expires_at": now + 12 * HOUR,
        "created_at": now,
    }


# --- what is sent -------------------------------------------------------------------------------------------------


def introspections(house: House, grants: Sequence[GrantFacts], size: Size) -> Iterator[str]:
    """Every token once, in random order; each is for the holder and for UserInfo."""
    ahead = Context(house.context.session, house.context.ring, house.context.settings, house.context.now + AHEAD)
    holder = resources.find(house.context.session, HOLDER)
    known = {client.id: client for client in house.clients}
    target = resources.Target(holder, userinfo=True)
    asks = basic("holder")
    for grant in Random(3).sample(grants, size.tokens):  # noqa: S311 -- an order, not a secret
        made = tokens.mint(ahead, known[grant.client_id], grant=grant, wanted=ASKED, target=target)
        yield line(authorization=asks, path="/oauth/introspect", body=f"token={made.token}")


def userinfos(asked: Sequence[str]) -> list[str]:
    """The same tokens, shown to UserInfo."""
    return [
        line(authorization="Bearer " + one.rpartition("\t")[2].removeprefix("token="), path="/oauth/userinfo")
        for one in asked
    ]


def exchanges(house: House, grants: Sequence[GrantFacts], size: Size, *, now: datetime) -> Iterator[str]:
    """Codes, each of a grant of its own, good for an hour."""
    challenge, rows = pkce.challenge_of(VERIFIER), []
    for grant in grants[: size.codes]:
        code = secrets.token_urlsafe(codes.CODE_BYTES)
        rows.append(
            {
                "code_hash": codes.hash_of(code),
                "grant_id": grant.id,
                "client_id": grant.client_id,
                "redirect_uri": CALLBACK,
                "code_challenge": challenge,
                "nonce": codes._seal_nonce(code, "n"),
                "expires_at": now + HOUR,
                "used_at": None,
            }
        )
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        }
        yield line(authorization=basic(grant.client_id), path="/oauth/token", body=urlencode(form))
    put(house.context.session, AuthorizationCode, rows)


def refreshes(house: House, grants: Sequence[GrantFacts], size: Size, *, now: datetime) -> Iterator[str]:
    """Refresh tokens of confidential clients, which keep theirs."""
    rows = []
    for grant in grants[-size.refreshes :]:
        family = new_id()
        rows.append(
            {
                "id": family,
                "grant_id": grant.id,
                "counter": 0,
                "created_at": now,
                "last_rotated_at": now,
                "expires_at": now + 24 * HOUR,
                "revoked_at": None,
            }
        )
        token = codes.refresh_token(house.context, family, 0)
        form = {"grant_type": "refresh_token", "refresh_token": token}
        yield line(authorization=basic(grant.client_id), path="/oauth/token", body=urlencode(form))
    put(house.context.session, RefreshFamily, rows)


def system_request() -> str:
    """A system's own token."""
    form = {"grant_type": "client_credentials", "scope": SYSTEM_SCOPE}
    return line(authorization=basic("system"), path="/oauth/token", body=urlencode(form))


def authorizations(house: House, size: Size, *, now: datetime) -> dict[str, list[str]]:
    """People who are signed in, each at the first service, silently and as usual."""
    rows, told = [], {"authorize": [], "authorize_silent": []}
    for person in house.people[: size.sessions]:
        token = secrets.token_urlsafe(32)
        rows.append(
            {
                "id_hash": hash_of(token),
                "subject_id": person,
                "kind": "citizen",
                "factors": FACTORS,
                "auth_time": now,
                "created_at": now,
                "last_seen_at": now,
                "expires_at": now + 12 * HOUR,
                "idle_s": 1800,
                "ended_at": None,
                "device": "bench",
            }
        )
        query = {
            "client_id": house.clients[0].id,
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": SCOPE,
            "state": "st",
            "nonce": "n-1",
            "code_challenge": pkce.challenge_of(VERIFIER),
            "code_challenge_method": "S256",
        }
        for name, more in (("authorize", {}), ("authorize_silent", {"prompt": "none"})):
            path = "/oauth/authorize?" + urlencode({**query, **more})
            told[name].append(line(cookie=f"__Host-yinyom={token}", path=path))
    put(house.context.session, SignInSession, rows)
    return told


def put(session: Session, model: type, rows: Sequence[dict[str, object]]) -> None:
    """Many rows at once."""
    for start in range(0, len(rows), ROWS):
        session.execute(insert(table_of(model)), rows[start : start + ROWS])
