"""What the sandbox starts with: people, directory, notices, demo services, invitations of staff. Safe to repeat."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from consent import notices, purposes
from idp import subjects
from idp.assurance import Ial
from idp.db import Sessions
from idp.demo.folder import HOST, Folder, Ports
from idp.directory import seed as directory_seed
from idp.keys import KeyRing, load
from idp.login import invitations, passkeys
from idp.oauth import clients, launches, resources
from idp.proofing.sources.fake import SandboxRegistry
from idp.settings import Settings

PORTAL = "portal"
HOLDER = "holder"
CLINIC = "clinic"
HOLDER_IDENTIFIER = "https://records.example.test"
HOLDER_ACCEPTS = ("patient/", "user/", "moph.entitlement.read", "moph.breakglass")
PORTAL_PURPOSES = ("SIGNIN", "CONTACT", "EHR-SHARE", "COVERAGE")
CLINIC_PURPOSES = {
    "SIGNIN": ("openid",),
    "CARE": purposes.get("CARE").staff_scopes,
    "BREAKGLASS": ("moph.breakglass",),  # by name only (catalogue rule 1)
}
NEWCOMER = "1999000010080"  # in the registry, without an account: the first sign-in makes it
SEEDED_IAL = "1.3"  # what EHR-SHARE asks; as if proved at a counter before the sandbox began
STAFF_IAL = "2.1"  # what the catalogue asks of staff: their face was compared
INVITED = {
    "clerk": directory_seed.CLERK,
    "doctor": directory_seed.DOCTOR,
    "dpo": directory_seed.OFFICER,
    "second_dpo": directory_seed.SECOND_OFFICER,  # telling people of a breach takes two
    "head": directory_seed.HEAD,
}
ADULT = 20


@dataclass(frozen=True)
class ToTry:
    """One person for the welcome text and the start page."""

    national_id: str
    name: str
    name_en: str
    note: str
    note_en: str


TO_TRY = (
    ToTry(
        "3999000010035",
        "สมชาย ใจสมมติ",
        "Somchai Jaisommut",
        "ครบทุกขั้น: รหัสทาง SMS, PIN หรือพาสคีย์, ยินยอม, ดึงประวัติ แล้วถอนความยินยอม",
        "the whole path: SMS code, PIN or passkey, consent, fetch the history, withdraw",
    ),
    ToTry(
        "1999000010021",
        "ธนกร ตัวอย่างดี",
        "Thanakorn Tuayangdee",
        "อายุ 15 ปี: ต้องให้ผู้ปกครองร่วมลงนาม ซึ่งเจ้าหน้าที่บันทึกไว้ที่จุดบริการก่อน",
        "fifteen years old: a parent signs as well, whom the counter writes down first",
    ),
    ToTry(
        "1999000010161",
        "ปิติ ทดสอบสุข",
        "Piti Thotsopsuk",
        "เสียชีวิตแล้ว: เห็นหน้าเดียวกับทุกคน แต่ไม่มี SMS มา",
        "deceased: the same pages as everyone, and no SMS ever comes",
    ),
)


@dataclass(frozen=True)
class Seeded:
    """What the welcome text cannot know by itself."""

    auditor_link: str | None
    invitations: Mapping[str, str] = field(default_factory=dict)


def seed(sessions: Sessions, settings: Settings, folder: Folder, ports: Ports, *, now: datetime) -> Seeded:
    """All of it, in one transaction; what is there stays, addresses follow the ports."""
    registry = SandboxRegistry(settings.sandbox_registry)
    with sessions.writing() as session:
        ring = load(session, settings.kek())
        notices.publish_catalogue(session, now=now)
        people = open_accounts(session, ring, registry, now=now)
        directory_seed.seed(session, people, now=now)
        register_services(session, folder, ports, now=now)
        invited = {role: invite(session, settings, people[number], now=now) for role, number in INVITED.items()}
        return Seeded(
            auditor_link=invite(session, settings, people[directory_seed.AUDITOR], now=now),
            invitations={role: line for role, line in invited.items() if line is not None},
        )


def open_accounts(session: Session, ring: KeyRing, registry: SandboxRegistry, *, now: datetime) -> Mapping[str, UUID]:
    """Accounts of the adults who are alive, by national ID. Children, the dead and one newcomer have none."""
    found: dict[str, UUID] = {}
    for national_id, person in registry.people.items():
        age = subjects.age_on(person.birth_date, now)
        if person.status == "alive" and age is not None and age >= ADULT and national_id != NEWCOMER:
            level = STAFF_IAL if national_id in directory_seed.STAFF else SEEDED_IAL
            proved = replace(person, attested_ial=level)
            subject = subjects.find_by_national_id(session, ring, national_id)
            subject = subject or subjects.create(session, ring, national_id, proved, now=now)
            if Ial(subject.ial) < Ial(level):  # a sandbox that began before staff had a level of their own
                subject.ial = level
            found[national_id] = subject.id
    return found


def register_services(session: Session, folder: Folder, ports: Ports, *, now: datetime) -> None:
    """The portal and the clinic (clients), the holder (resource server); their secrets are read from files."""
    portal = f"http://{HOST}:{ports.portal_port}"
    moved = {"redirect_uris": json.dumps([f"{portal}/callback"]), "event_endpoint": f"{portal}/events"}
    if clients.find(session, HOLDER) is None:
        _register_holder(session, folder, now=now)
    if clients.find(session, PORTAL) is None:
        _register_portal(session, folder, portal, now=now)
    session.execute(update(clients.Client).where(clients.Client.id == PORTAL).values(**moved))
    session.execute(
        update(resources.ResourceServer)
        .where(resources.ResourceServer.identifier == HOLDER_IDENTIFIER)
        .values(accepts=json.dumps(list(HOLDER_ACCEPTS)))
    )
    clinic = f"http://{HOST}:{ports.clinic_port}"
    if clients.find(session, CLINIC) is None:
        _register_clinic(session, folder, clinic, now=now)
    moved = {"redirect_uris": json.dumps([f"{clinic}/callback"]), "purposes": json.dumps(CLINIC_PURPOSES)}
    session.execute(update(clients.Client).where(clients.Client.id == CLINIC).values(**moved))
    launches.register(session, CLINIC, f"{clinic}/launch", emergency_uri=f"{clinic}/launch/emergency")


def invite(session: Session, settings: Settings, person: UUID, *, now: datetime) -> str | None:
    """An invitation for one of the seeded staff, as long as the passkey is missing; None afterwards."""
    if passkeys.of(session, person, for_staff=True):
        return None
    return f"{settings.issuer}/staff/enrol  code: {invitations.create(session, person, now=now)}"


def _register_holder(session: Session, folder: Folder, *, now: datetime) -> None:
    clients.register(
        session,
        client_id=HOLDER,
        name_th="ศูนย์ข้อมูลสุขภาพตัวอย่าง",
        name_en="Example record holder",
        legal_entity_id=directory_seed.HOLDER_ID,
        kind="resource_server",
        purposes={},
        grant_types=(),
        secret=folder.secret(HOLDER),
        now=now,
    )
    resources.register(
        session,
        identifier=HOLDER_IDENTIFIER,
        legal_entity_id=directory_seed.HOLDER_ID,
        client_id=HOLDER,
        accepts=HOLDER_ACCEPTS,
        introspects=True,
        now=now,
    )


def _register_portal(session: Session, folder: Folder, portal: str, *, now: datetime) -> None:
    clients.register(
        session,
        client_id=PORTAL,
        name_th="โรงพยาบาลตัวอย่าง",
        name_en="Example Hospital",
        legal_entity_id=directory_seed.HOSPITAL_ID,
        kind="web",
        purposes={code: purposes.get(code).scopes for code in PORTAL_PURPOSES},
        redirect_uris=(f"{portal}/callback",),
        default_resource=HOLDER_IDENTIFIER,
        event_endpoint=f"{portal}/events",
        secret=folder.secret(PORTAL),
        now=now,
    )
    clients.take_transfers(session, PORTAL, takes=True, now=now)


def _register_clinic(session: Session, folder: Folder, clinic: str, *, now: datetime) -> None:
    clients.register(
        session,
        client_id=CLINIC,
        name_th="ระบบห้องตรวจตัวอย่าง",
        name_en="Example clinic system",
        legal_entity_id=directory_seed.HOSPITAL_ID,
        kind="web",
        purposes=CLINIC_PURPOSES,
        grant_types=("authorization_code",),
        redirect_uris=(f"{clinic}/callback",),
        default_resource=HOLDER_IDENTIFIER,
        secret=folder.secret(CLINIC),
        now=now,
    )
