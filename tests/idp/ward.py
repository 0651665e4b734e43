"""The stage of the counter's tests: a hospital with two facilities, a clerk, a doctor, a patient with a card."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from uuid import UUID

from idp import counter, directory, interaction, readings, subjects, visits
from idp.assurance import Aal
from idp.directory import Facility, Practitioner
from idp.login import affiliations
from idp.login import sessions as sign_ins
from idp.oauth import launches
from idp.ports import Card
from idp.readings import Desk
from tests.fakes import NOW
from tests.idp.oauth import stage as protocol

CALLBACK = "https://clinic.example.test/callback"
LAUNCH = "https://clinic.example.test/launch"
SCOPE = "launch openid user/Observation.rs"
CARE = ["user/Observation.crus", "user/Condition.crus", "user/Patient.r"]
PATIENT = "3999000010035"
HERE, THERE = "99001", "99011"


def card(**changes) -> Card:
    """Somchai's card, unless told otherwise."""
    facts = {
        "national_id": PATIENT,
        "title_th": "นาย",
        "given_name_th": "สมชาย",
        "family_name_th": "ใจสมมติ",
        "title_en": "Mr",
        "given_name_en": "Somchai",
        "family_name_en": "Jaisommut",
        "birth_date": "1985-04-13",
        "gender": "male",
        "expires_on": date(2030, 1, 1),
        **changes,
    }
    return Card(**facts)


@dataclass
class Ward:
    """Everything a test at the counter talks to."""

    stage: protocol.Stage
    clerk: UUID
    doctor: UUID
    at_desk: Desk | None = None

    @property
    def session(self):
        """The one transaction of the test."""
        return self.stage.context.session

    @property
    def ring(self):
        """The keys."""
        return self.stage.context.ring

    @property
    def now(self):
        """The moment."""
        return self.stage.context.now

    def later(self, by: timedelta) -> "Ward":
        """The same ward, some time later; the card stays where it lies."""
        return replace(self, stage=self.stage.later(by))

    def signed_in(self, person: UUID, *, hcode: str | None = HERE, role: str | None = None):
        """A staff session with this workplace active; None: nothing chosen."""
        settings = self.stage.context.settings
        told = {"subject_id": person, "kind": "staff", "factors": {"passkey"}, "device": "?"}
        token = sign_ins.start(self.session, settings=settings, now=self.now, **told)
        for one in directory.affiliations_of(self.session, person, now=self.now):
            if one.hcode == hcode and role in (None, one.role):
                affiliations.choose(self.session, sign_ins.hash_of(token), person, one.id, now=self.now)
        return sign_ins.find(self.session, token, settings=settings, now=self.now, kind="staff")

    def desk(self, person: UUID | None = None, hcode: str = HERE) -> Desk:
        """A member of staff at a counter: the clerk, unless told otherwise."""
        person = person or self.clerk
        at = self.signed_in(person, hcode=hcode)
        place = affiliations.active(self.session, at, now=self.now)
        assert place is not None
        return Desk(person, at.id_hash, Aal.AAL2_2, place)

    def read(self, desk: Desk | None = None, **changes) -> UUID:
        """Put a card into the reader."""
        self.at_desk = desk or self.desk()
        return readings.keep(self.session, self.ring, card(**changes), desk=self.at_desk, now=self.now)

    def open(self, desk: Desk | None = None, person=None, **changes) -> UUID:
        """The visit of whoever's card it is."""
        reading = self.read(desk, **changes)
        return self.press(reading, person=person)

    def press(self, reading: UUID, *, desk: Desk | None = None, person=None) -> UUID:
        """Press the button on a card that was read."""
        told = {"desk": desk or self.at_desk, "person": person, "locale": "th", "now": self.now}
        return counter.open_visit(self.session, self.ring, reading, **told)

    def visit(self, visit_id: UUID) -> visits.Visit:
        """The row as it is in the database now."""
        return self.session.get_one(visits.Visit, visit_id, populate_existing=True)

    def end(self, visit_id: UUID) -> None:
        """The clerk ends it."""
        actor, codes = counter.Actor.staff(self.clerk), (f"hcode:{HERE}", "role:clerk")
        told = {"actor": actor, "reason": "ended", "codes": codes, "now": self.now}
        counter.end_visit(self.session, self.visit(visit_id), **told)

    def launch(self, visit_id: UUID, *, made_for: UUID | None = None, client_id: str = "clinic") -> str:
        """A handle, as it travels in the address."""
        url = launches.begin(
            self.session,
            client_id,
            legal_entity_id=self.stage.hospital,
            visit_id=visit_id,
            made_for=made_for or self.doctor,
            issuer=self.stage.context.issuer,
            now=self.now,
        )
        return protocol.query(url)["launch"]

    def ask(self, handle: str | None, **changes):
        """The checked request of the clinic."""
        told = {"client_id": "clinic", "redirect_uri": CALLBACK, "scope": SCOPE, "launch": handle, **changes}
        return self.stage.check(**told)

    def answer(self, handle: str, person=None, **changes) -> dict[str, str]:
        """What the clinic hears at its redirect URI, with this member of staff signed in."""
        person = person or self.signed_in(self.doctor)
        end = interaction.at_once(self.stage.context, self.ask(handle, prompt="none", **changes), person)
        return protocol.query(end.location)

    def redeem(self, code: str):
        """The token endpoint's answer."""
        return self.stage.redeem(code, basic=("clinic", protocol.SECRET), redirect_uri=CALLBACK)

    def token(self, visit_id: UUID | None = None, person=None) -> str:
        """An access token of the doctor for a visit."""
        heard = self.answer(self.launch(visit_id or self.open()), person)
        assert "code" in heard, heard
        answer = self.redeem(heard["code"])
        assert answer.status == 200, answer.body
        return answer.body["access_token"]

    def active(self, token: str) -> bool:
        """Whether the data holder would open the record now."""
        return bool(self.stage.introspect(token)["active"])

    def events(self, name: str):
        """The entries of one event, oldest first."""
        return self.stage.events(name)


def set_up(session, ring, settings) -> Ward:
    """Write the ward into an empty database."""
    stage = protocol.set_up(session, ring, settings)
    facility = {"name_th": "รพ.สต.ตัวอย่าง", "name_en": "Example Health Centre", "kind": "hospital", "province": "54"}
    until = date(2027, 12, 31)
    session.add(Facility(hcode=THERE, legal_entity_id=stage.hospital, licence_valid_until=until, **facility))
    session.flush()
    clerk, doctor = (
        subjects.create(session, ring, number, replace(protocol.person(), attested_ial="2.1"), now=NOW).id
        for number in ("2999000010053", "3999000010183")
    )
    for person, role, hcode in (
        (clerk, "clerk", HERE),
        (doctor, "practitioner", HERE),
        (doctor, "practitioner", THERE),
        (doctor, "clerk", HERE),
    ):
        directory.assign(session, subject_id=person, role=role, hcode=hcode, granted_by=None, now=NOW)
    session.add(Practitioner(subject_id=doctor, issuer="01", number="990001", kind="แพทย์", valid_until=until))
    session.flush()
    for client_id in ("clinic", "clinic2"):
        protocol._client(
            session,
            stage.hospital,
            client_id=client_id,
            purposes={"SIGNIN": ["openid"], "CARE": CARE},
            redirect_uris=[CALLBACK],
            event_endpoint=None,
            sector=f"{client_id}.example.test",
        )
        launches.register(session, client_id, LAUNCH)
    return Ward(stage, clerk, doctor)


__all__ = ["CALLBACK", "Ward", "card", "set_up"]
