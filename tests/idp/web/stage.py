"""One hospital with its portal, a research unit, one data holder, one citizen at IAL1.3 without second factor."""

import base64
import hashlib
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from consent import notices
from idp import subjects
from idp.directory import Facility, LegalEntity
from idp.oauth import clients, resources
from idp.ports import RegistryPerson
from tests.fakes import NOW

CALLBACK = "https://portal.example.test/callback"
HOLDER = "https://records.example.test"
SECRET = "s" * 43
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
RECORDS = ["patient/Encounter.rs", "patient/AllergyIntolerance.rs"]
REGISTERED = {
    "SIGNIN": ["openid", "profile"],
    "CONTACT": ["email", "phone", "address"],
    "EHR-SHARE": RECORDS,
}
SCOPE = "openid profile " + " ".join(RECORDS)


@dataclass(frozen=True)
class Stage:
    """Who is there."""

    hospital: UUID
    citizen: UUID


def person(**changes) -> RegistryPerson:
    """Somchai, unless told otherwise."""
    facts = {
        "title_th": "นาย",
        "given_name_th": "สมชาย",
        "family_name_th": "ใจสมมติ",
        "title_en": "Mr",
        "given_name_en": "Somchai",
        "family_name_en": "Jaisommut",
        "birth_date": "1985-04-13",
        "gender": "male",
        "phone": "010-000-0035",
        "email": "somchai@example.test",
        "address": "999/35 หมู่ที่ 99",
        "attested_ial": "1.3",
        **changes,
    }
    return RegistryPerson(**facts)


def set_up(session, ring) -> Stage:
    """Write the stage into an empty database."""
    notices.publish_catalogue(session, now=NOW)
    hospital = entity(session)
    common = {"legal_entity_id": hospital, "secret": SECRET, "now": NOW}
    clients.register(
        session,
        client_id="portal",
        name_th="พอร์ทัลตัวอย่าง",
        name_en="Example portal",
        kind="web",
        purposes=REGISTERED,
        redirect_uris=[CALLBACK],
        default_resource=HOLDER,
        event_endpoint="https://portal.example.test/events",
        **common,
    )
    clients.register(
        session,
        client_id="holder",
        name_th="ผู้เก็บข้อมูลตัวอย่าง",
        name_en="Example holder",
        kind="resource_server",
        purposes={},
        grant_types=[],
        **common,
    )
    resources.register(
        session, identifier=HOLDER, legal_entity_id=hospital, client_id="holder", introspects=True, now=NOW
    )
    citizen = subjects.create(session, ring, "3999000010035", person(), now=NOW)
    return Stage(hospital, citizen.id)


def entity(session) -> UUID:
    """A hospital with a licence."""
    names = {"name_th": "โรงพยาบาลตัวอย่าง", "name_en": "Example Hospital", "kind": "hospital"}
    made = LegalEntity(**names, controller_contact="c@example.test", dpo_contact="dpo@example.test")
    session.add(made)
    session.flush()
    until = date(2027, 12, 31)
    session.add(Facility(hcode="99001", legal_entity_id=made.id, province="96", licence_valid_until=until, **names))
    session.flush()
    return made.id
