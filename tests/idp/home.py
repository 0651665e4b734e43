"""The stage of a family: a mother who is signed in, her children of 8, 15 and 19, and a ward of the court."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import update

from consent import notices, purposes
from consent.db import new_id
from consent.family import links, rules
from consent.family.links import Evidence, Link, Officer
from consent.records import Choice, Key
from idp import alerts, directory, family, interaction, subjects
from idp.assurance import Aal
from idp.interaction import Conclusion
from idp.login.sessions import SignedIn
from idp.subjects import PersonSealer, Subject
from tests.fakes import HOUR, NOW
from tests.idp.oauth import stage as protocol
from tests.idp.oauth.stage import ALLERGY, Stage, query

SHARE = ("patient/Encounter.rs", ALLERGY)
SCOPE = "openid " + " ".join(SHARE)
BORN = {
    "child": ("1999000010012", "2018-03-14"),
    "teen": ("1999000010021", "2011-08-09"),
    "kanya": ("1999000010063", "2006-11-24"),
    "father": ("3999000010043", "1965-12-05"),
    "ward": ("1999000010209", "1992-06-06"),
}


@dataclass
class Home:
    """Who is there. `links` are the guardianships by the ward's name."""

    stage: Stage
    people: dict[str, UUID]
    links: dict[str, Link]

    @property
    def session(self):
        """The one transaction of the test."""
        return self.stage.context.session

    @property
    def ring(self):
        """The keys."""
        return self.stage.context.ring

    @property
    def now(self) -> datetime:
        """The moment."""
        return self.stage.context.now

    def at(self, now: datetime) -> "Home":
        """The same home at another moment."""
        return replace(self, stage=self.stage.at(now))

    def later(self, by: timedelta) -> "Home":
        """The same home, some time later."""
        return self.at(self.now + by)

    def entrust(self, ward: str, *, guardian: str = "mother", kind: str = "parent", until: date | None = None) -> Link:
        """A guardianship that two officers have entered."""
        born = BORN[ward][1]
        term = rules.term(kind, born, order_until=until, now=self.now)
        assert term is not None
        drawn = links.draw_up(
            self.session,
            ward_id=self.people[ward],
            guardian_id=self.people[guardian],
            kind=kind,
            needed=rules.needed(rules.age(born, self.now), frozenset({kind})),
            term=term,
            evidence=Evidence("house_register" if kind == "parent" else "court_order", "9999-000123-4"),
            officer=Officer(uuid4(), "99001", new_id()),
            sealer=PersonSealer(self.ring, self.session),
            now=self.now,
        )
        link = links.confirm(self.session, drawn, second_by=uuid4(), codes=("hcode:99001",), now=self.now)
        assert link is not None
        self.links[ward] = link
        return link

    def signed_in(self, who: str, aal: Aal = Aal.AAL2_1) -> SignedIn:
        """A session of one of them."""
        factors = frozenset({"sms", "pin"})
        return SignedIn(
            "0" * 63 + str(len(who)), self.people[who], "citizen", factors, aal, self.now, self.now + 12 * HOUR
        )

    def choice(self, who: str, ward: str | None = None, purpose: str = "EHR-SHARE", **changes) -> Choice:
        """One answer of a person, for themselves or for a ward."""
        row, link = purposes.get(purpose), self.links.get(ward or "")
        recipient = directory.recipient_of(self.session, self.stage.hospital, now=self.now)
        words = {"locale": "th", "recipient_name": recipient.name_th, "categories": row.data_categories}
        facts = {
            "key": Key(self.people[ward or who], self.stage.hospital, "any", purpose),
            "client_id": "portal",
            "actor_id": self.people[who],
            "notice": notices.current(self.session, purpose, **words),
            "scopes": SHARE if purpose == "EHR-SHARE" else tuple(protocol.REGISTERED[purpose]),
            "categories": row.data_categories,
            "basis": purposes.basis_for(row, facility=True),
            "explicit": True,
            "aal": "2.1",
            "ial": "1.3",
            "channel": "web",
            "lives_for": timedelta(days=300) if purpose == "EHR-SHARE" else None,
            "capacity": "self" if link is None else link.kind,
            "guardianship_id": None if link is None else link.id,
            **changes,
        }
        return Choice(**facts)

    def say_yes(self, who: str, ward: str | None = None, purpose: str = "EHR-SHARE", **changes):
        """A yes: a record, or a proposal that waits."""
        return family.answer(self.session, self.ring, self.choice(who, ward, purpose, **changes), now=self.now)

    def say_no(self, who: str, ward: str | None = None) -> None:
        """A no."""
        settings = self.stage.context.settings
        family.refuse(self.session, self.ring, settings, self.choice(who, ward), now=self.now)

    def end(self, ward: str, by: str = "mother") -> None:
        """One of the two ends it."""
        settings, link = self.stage.context.settings, self.links[ward]
        family.end(self.session, self.ring, settings, link.id, person_id=self.people[by], now=self.now)

    def begin(self, **changes) -> str:
        """A paused request of the portal; its id."""
        return interaction.begin(
            self.session,
            self.ring,
            kind="authorize",
            request=self.stage.check(**{"scope": SCOPE, **changes}),
            return_to=None,
            browser="b" * 43,
            now=self.now,
            settings=self.stage.context.settings,
        )

    def resume(self, interaction_id: str) -> interaction.Interaction:
        """The request as it stands now."""
        return interaction.resume(self.session, self.ring, interaction_id, browser="b" * 43, now=self.now)

    def choose(self, interaction_id: str, link: Link | None) -> None:
        """For whom."""
        interaction.choose(self.session, self.resume(interaction_id), link and link.id, now=self.now)

    def conclude(self, interaction_id: str, who: str = "mother") -> Conclusion:
        """The end of it."""
        return interaction.conclude(self.stage.context, self.resume(interaction_id), self.signed_in(who))

    def act(self, ward: str, who: str = "mother", **changes) -> Conclusion:
        """A whole request in which somebody acts for a ward, with nothing left to answer."""
        self.stage.agree("SIGNIN")
        asked = self.begin(**changes)
        self.choose(asked, self.links[ward])
        return self.conclude(asked, who)

    def tokens(self, ward: str, **changes) -> dict:
        """The token response of a guardian's request."""
        end = self.act(ward, **changes)
        assert end.granted, end.reason
        answer = self.stage.redeem(query(end.location)["code"])
        assert answer.status == 200, answer.body
        return answer.body

    def active(self, token: str) -> bool:
        """Whether the data holder would open the record now."""
        return bool(self.stage.introspect(token)["active"])

    def told(self, who: str) -> list[str]:
        """What this person was told of, oldest first."""
        return [one.kind for one in reversed(alerts.latest(self.session, self.people[who]))]


def set_up(session, ring, settings) -> Home:
    """Write the family into an empty database."""
    stage = protocol.set_up(session, ring, settings)
    people = {"mother": stage.citizen}
    for name, (number, born) in BORN.items():
        entry = replace(protocol.person(), birth_date=born, given_name_th=f"บุคคล{name}", phone="")
        people[name] = subjects.create(session, ring, number, entry, now=NOW).id
    session.execute(update(Subject).where(Subject.id == stage.citizen).values(ial="2.1"))
    home = Home(stage, people, {})
    home.entrust("child")
    home.entrust("teen")
    return home
