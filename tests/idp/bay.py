"""The stage of the emergency tests: the ward, with an application for the resuscitation room, a head and an officer."""

from dataclasses import dataclass, replace
from uuid import UUID, uuid4

from consent.emergency import Said
from idp import directory, emergencies, emergency_access, interaction, subjects
from idp.alerts import Notice
from idp.db import Session
from idp.emergencies import Named
from idp.emergency_access import EmergencyAccess
from idp.oauth import launches
from tests.fakes import NOW
from tests.idp import ward as wards
from tests.idp.oauth import stage as protocol
from tests.idp.ward import CALLBACK, CARE, HERE, PATIENT

SCOPE = "launch openid moph.breakglass user/AllergyIntolerance.rs user/Condition.rs"
SAID = Said("unconscious", "หมดสติจากอุบัติเหตุบนถนน ไม่มีญาติ", 4)
COLLEAGUE = "3999000010191"


@dataclass
class Bay:
    """Everything a test of an emergency talks to."""

    ward: wards.Ward
    head: UUID
    officer: UUID

    @property
    def session(self) -> Session:
        """The one transaction of the test."""
        return self.ward.session

    @property
    def now(self):
        """The moment."""
        return self.ward.now

    @property
    def patient(self) -> UUID:
        """Who lies there."""
        return self.ward.stage.citizen

    def later(self, by) -> "Bay":
        """The same, some time later."""
        return replace(self, ward=self.ward.later(by))

    def desk(self, person: UUID | None = None, hcode: str = HERE):
        """The doctor at work, unless told otherwise."""
        person = person or self.ward.doctor
        at = self.ward.signed_in(person, hcode=hcode, role="practitioner")
        place = interaction.treating.affiliations.active(self.session, at, now=self.now)
        return emergency_access.Desk(person, at.id_hash, at.aal, place)

    def named(self, number: str = PATIENT, by: str = "card") -> Named:
        """Whoever has this number."""
        found = emergencies.patient_of(self.session, self.ward.ring, number, None, by=by, now=self.now)
        assert found is not None
        return found

    def open(self, *, patient: Named | None = None, unknown: bool = False, desk=None, **said) -> UUID:
        """Break the glass over the patient, or over somebody unknown."""
        whom = None if unknown else patient or self.named()
        told = {"said": replace(SAID, **said), "patient": whom, "desk": desk or self.desk()}
        return emergencies.open_access(self.session, self.ward.ring, uuid4(), **told, locale="th", now=self.now)

    def row(self, emergency_id: UUID) -> EmergencyAccess:
        """As it is in the database now."""
        found = emergency_access.find(self.session, emergency_id)
        assert found is not None
        return found

    def end(self, emergency_id: UUID, reason: str = "over") -> None:
        """The doctor ends it."""
        actor = emergencies.Actor.staff(self.ward.doctor)
        told = {"actor": actor, "codes": ("hcode:99001",), "reason": reason, "now": self.now}
        emergencies.end(self.session, self.row(emergency_id), **told)

    def launch(self, emergency_id: UUID, *, made_for: UUID | None = None) -> str:
        """A handle, as it travels in the address."""
        url = launches.begin(
            self.session,
            "rescue",
            legal_entity_id=self.ward.stage.hospital,
            emergency_id=emergency_id,
            made_for=made_for or self.ward.doctor,
            issuer=self.ward.stage.context.issuer,
            now=self.now,
        )
        return protocol.query(url)["launch"]

    def answer(self, handle: str, person=None, *, scope: str = SCOPE) -> dict[str, str]:
        """What the application hears at its redirect URI."""
        return self.ward.answer(handle, person, client_id="rescue", scope=scope)

    def redeem(self, code: str):
        """The token endpoint's answer."""
        return self.ward.stage.redeem(code, basic=("rescue", protocol.SECRET), redirect_uri=CALLBACK)

    def token(self, emergency_id: UUID | None = None) -> str:
        """An access token of the doctor in an emergency."""
        heard = self.answer(self.launch(emergency_id or self.open()))
        assert "code" in heard, heard
        answer = self.redeem(heard["code"])
        assert answer.status == 200, answer.body
        return answer.body["access_token"]

    def active(self, token: str) -> bool:
        """Whether the data holder would open the record now."""
        return self.ward.active(token)

    def events(self, name: str):
        """The entries of one event, oldest first."""
        return self.ward.events(name)

    def told(self, kind: str = "emergency_opened") -> int:
        """How often the patient was told."""
        rows = self.session.query(Notice).filter_by(subject_id=self.patient, kind=kind)
        return rows.count()


def set_up(session, ring, settings) -> Bay:
    """Write the bay into an empty database."""
    ward = wards.set_up(session, ring, settings)
    head, officer = (
        subjects.create(session, ring, number, replace(protocol.person(), attested_ial="2.1"), now=NOW).id
        for number in ("4999000010173", "5999000010091")
    )
    directory.assign(session, subject_id=head, role="head", hcode=HERE, granted_by=None, now=NOW)
    directory.assign(session, subject_id=officer, role="dpo", hcode=None, granted_by=None, now=NOW)
    protocol._client(
        session,
        ward.stage.hospital,
        client_id="rescue",
        purposes={"SIGNIN": ["openid"], "CARE": CARE, "BREAKGLASS": ["moph.breakglass"]},
        redirect_uris=[CALLBACK],
        event_endpoint=None,
        sector="rescue.example.test",
    )
    launch = "https://rescue.example.test/launch"
    launches.register(session, "rescue", launch, emergency_uri=launch + "/emergency")
    return Bay(ward, head, officer)


__all__ = ["Bay", "set_up"]
