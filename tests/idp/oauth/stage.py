"""The stage of the protocol's tests: one hospital with its clients, one data holder, one citizen who is signed in."""

import base64
import json
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from werkzeug.datastructures import MultiDict

from consent import notices, purposes, records
from consent.audit.entry import from_bytes
from consent.audit.models import AuditEntry
from consent.records import Choice, Key
from idp import interaction, subjects
from idp.directory import Facility, LegalEntity
from idp.login.sessions import SignedIn
from idp.oauth import clients, provider, resources, tokens
from idp.oauth.features import pkce
from idp.oauth.pipeline import Context, ProtocolRequest
from idp.ports import RegistryPerson
from tests.fakes import HOUR, NOW

CALLBACK = "https://portal.example.test/callback"
HOLDER = "https://records.example.test"
OTHER_HOLDER = "https://labs.example.test"
SECRET = "s" * 43
VERIFIER = "v" * 43
CHALLENGE = pkce.challenge_of(VERIFIER)
ALLERGY = "patient/AllergyIntolerance.rs"
APPOINTMENT = "patient/Appointment.crus"
PHR = ("patient/Patient.r", "patient/Encounter.rs", ALLERGY)
SYSTEM_SCOPE = "system/Observation.c?category=notifiable"
REGISTERED = {
    "SIGNIN": ["openid", "profile"],
    "CONTACT": ["email", "phone", "address"],
    "DEMO": ["moph.demographics"],
    "PID": ["moph.pid"],
    "APPT": [APPOINTMENT],
    "EHR-SHARE": ["patient/Encounter.rs", ALLERGY],
}
SCOPE = f"openid profile {APPOINTMENT}"


@dataclass
class Stage:
    """Everything a protocol test talks to. `at(later)` is the same stage at another moment."""

    context: Context
    hospital: UUID
    citizen: UUID
    signed_in: SignedIn

    def at(self, now: datetime) -> "Stage":
        """This stage at another moment."""
        return replace(self, context=replace(self.context, now=now))

    def later(self, by: timedelta) -> "Stage":
        """This stage, some time later."""
        return self.at(self.context.now + by)

    # --- consent

    def choice(self, purpose, *, client_id="portal", scopes=None, basis=None):
        """One answer of the citizen about a purpose."""
        row = purposes.get(purpose)
        recipient = interaction.authorizing.directory.recipient_of(
            self.context.session, self.hospital, now=self.context.now
        )
        notice = notices.current(
            self.context.session,
            purpose,
            locale="th",
            recipient_name=recipient.name_th,
            categories=row.data_categories,
        )
        return Choice(
            key=Key(self.citizen, self.hospital, "any", purpose),
            client_id=client_id,
            actor_id=self.citizen,
            notice=notice,
            scopes=tuple(REGISTERED[purpose] if scopes is None else scopes),
            categories=row.data_categories,
            basis=basis or purposes.basis_for(row, facility=True),
            explicit=row.explicit,
            aal="2.1",
            ial="1.3",
            channel="web",
            lives_for=None,
        )

    def agree(self, *codes, client_id="portal"):
        """The citizen answers yes (or is told) for each; the records."""
        made = {}
        for code in codes:
            choice = self.choice(code, client_id=client_id)
            verb = records.give if purposes.is_asked(choice.basis) else records.note
            made[code] = verb(self.context.session, choice, now=self.context.now)
        return made

    def refuse(self, code):
        """The citizen says no."""
        return records.refuse(self.context.session, self.choice(code), now=self.context.now)

    # --- protocol

    def ask(self, **changes):
        """Parameters of a good authorization request, changed; a list value is sent repeatedly, None left out."""
        params = {
            "client_id": "portal",
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": SCOPE,
            "state": "st",
            "nonce": "n-1",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **changes,
        }
        sent = MultiDict()
        for name, value in params.items():
            for one in [value] if isinstance(value, str) else value or []:
                sent.add(name, one)
        return sent

    def check(self, **changes):
        """The checked authorization request."""
        return provider.check_authorize(self.context, self.ask(**changes))

    def code(self, *codes, **changes):
        """A code for what the citizen agrees to here and now (SIGNIN and APPT unless named)."""
        self.agree(*(codes or ("SIGNIN", "APPT")), client_id=changes.get("client_id", "portal"))
        return self.silent_code(**changes)

    def silent_code(self, **changes):
        """A code for what already stands, with nobody asked."""
        end = interaction.at_once(self.context, self.check(**changes), self.signed_in)
        assert end is not None
        return query(end.location)["code"]

    def post(self, endpoint=provider.token, *, basic=("portal", SECRET), bearer=None, method="POST", **form):
        """A POST with client authentication or a bearer token."""
        headers = {}
        if basic is not None:
            headers["Authorization"] = "Basic " + base64.b64encode(":".join(basic).encode()).decode()
        if bearer is not None:
            headers["Authorization"] = f"Bearer {bearer}"
        return self.send(endpoint, headers=headers, method=method, form=form)

    def send(self, endpoint, *, headers, form, method="POST"):
        """A request with exactly these headers and this form."""
        body = MultiDict()
        for name, value in form.items():
            for one in [value] if isinstance(value, str) else value:
                body.add(name, one)
        url = self.context.issuer + "/oauth/endpoint"
        return endpoint(self.context, ProtocolRequest(method=method, url=url, form=body, headers=headers))

    def redeem(self, code, **changes):
        """Exchange a code."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
            **changes,
        }
        return self.post(**{name: value for name, value in form.items() if value is not None or name == "basic"})

    def tokens(self, *codes, **changes):
        """The token response for a whole good path."""
        answer = self.redeem(self.code(*codes, **changes))
        assert answer.status == 200, answer.body
        return answer.body

    def offline(self, **changes):
        """The token response with a refresh token."""
        return self.tokens(scope=f"{SCOPE} offline_access", **changes)

    def refresh(self, token, **changes):
        """Use a refresh token as a confidential client."""
        return self.post(grant_type="refresh_token", refresh_token=token, **changes)

    def public_tokens(self):
        """The native app's tokens, with a refresh token."""
        code = self.code(client_id="app", redirect_uri="org.example.app:/cb", scope=f"{SCOPE} offline_access")
        answer = self.redeem(code, basic=None, client_id="app", redirect_uri="org.example.app:/cb")
        assert answer.status == 200, answer.body
        return answer.body

    def public_refresh(self, token):
        """Use a refresh token as the native app."""
        return self.refresh(token, basic=None, client_id="app")

    def introspect(self, token, *, basic=("holder", SECRET), **more):
        """What a data holder hears about a token."""
        return self.post(provider.introspect, basic=basic, token=token, **more).body

    def userinfo(self, token):
        """What UserInfo says, asked by GET."""
        return self.send(provider.userinfo, headers={"Authorization": f"Bearer {token}"}, form={}, method="GET")

    # --- what is left behind

    def events(self, name=None):
        """Log entries, oldest first, of one event or of all."""
        leaves = self.context.session.query(AuditEntry.leaf_bytes).order_by(AuditEntry.id).all()
        entries = [from_bytes(bytes(leaf)) for (leaf,) in leaves]
        return [entry for entry in entries if name in (None, entry.event)]


def query(url):
    return dict(parse_qsl(urlsplit(url).query))


def claims_of(token):
    """A JWT's claims, unverified."""
    return json.loads(_part(token, 1))


def header_of(token):
    return json.loads(_part(token, 0))


def _part(token, index):
    part = token.split(".")[index]
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def person():
    return RegistryPerson(
        title_th="นาย",
        given_name_th="สมชาย",
        family_name_th="ใจสมมติ",
        title_en="Mr",
        given_name_en="Somchai",
        family_name_en="Jaisommut",
        birth_date="1985-04-13",
        gender="male",
        phone="010-000-0035",
        email="somchai@example.test",
        address="999/35 หมู่ที่ 99",
        attested_ial="1.3",
    )


def set_up(session, ring, settings) -> Stage:
    """Write the stage into an empty database."""
    notices.publish_catalogue(session, now=NOW)
    hospital = _entity(session, "โรงพยาบาลตัวอย่าง", "Example Hospital", kind="hospital", hcode="99001")
    app_maker = hospital
    for who in ({"client_id": "portal"}, {"client_id": "second"}, {"client_id": "compat", "profile": "compat"}):
        _client(session, hospital, **who)
    _client(session, hospital, client_id="rsa", id_token_alg="RS256")
    _client(
        session,
        app_maker,
        client_id="app",
        kind="native",
        auth_method="none",
        secret=None,
        redirect_uris=["org.example.app:/cb", "http://127.0.0.1/cb"],
        sector="app.example.test",
    )
    holder = {"kind": "resource_server", "redirect_uris": [], "grant_types": [], "default_resource": None}
    _client(session, hospital, client_id="holder", purposes={}, **holder)
    _client(session, hospital, client_id="labs", purposes={}, **holder)
    authority = _entity(session, "หน่วยงานตัวอย่าง", "Example Authority", kind="hospital", hcode="99002")
    _client(
        session,
        authority,
        client_id="robot",
        kind="system",
        redirect_uris=[],
        grant_types=["client_credentials"],
        purposes={"PUBREPORT": [SYSTEM_SCOPE]},
    )
    for identifier, client_id in ((HOLDER, "holder"), (OTHER_HOLDER, "labs")):
        resources.register(
            session, identifier=identifier, legal_entity_id=hospital, client_id=client_id, introspects=True, now=NOW
        )
    citizen = subjects.create(session, ring, "3999000010035", person(), now=NOW)
    signed_in = SignedIn(
        id_hash="0" * 64,
        subject_id=citizen.id,
        kind="citizen",
        factors=frozenset({"sms", "pin"}),
        aal=interaction.Aal.AAL2_1,
        auth_time=NOW,
        expires_at=NOW + 12 * HOUR,
    )
    context = Context(session=session, ring=ring, settings=settings, now=NOW)
    return Stage(context, hospital, citizen.id, signed_in)


def _entity(session, name_th, name_en, *, kind, hcode):
    entity = LegalEntity(
        name_th=name_th, name_en=name_en, kind=kind, controller_contact="c", dpo_contact="d", own_app=False
    )
    session.add(entity)
    session.flush()
    session.add(
        Facility(
            hcode=hcode,
            legal_entity_id=entity.id,
            name_th=name_th,
            name_en=name_en,
            kind=kind,
            province="96",
            licence_valid_until=date(2027, 12, 31),
        )
    )
    session.flush()
    return entity.id


def _client(session, entity, **changes):
    facts = {
        "name_th": "พอร์ทัลตัวอย่าง",
        "name_en": "Example portal",
        "legal_entity_id": entity,
        "kind": "web",
        "purposes": REGISTERED,
        "redirect_uris": [CALLBACK],
        "default_resource": HOLDER,
        "event_endpoint": "https://portal.example.test/events",
        "secret": SECRET,
        "now": NOW,
        **changes,
    }
    return clients.register(session, **facts)


__all__ = ["Stage", "claims_of", "header_of", "query", "set_up", "tokens"]
