"""What a story may do and look at: its people, its services, and the database only to count what HTTP cannot show."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin
from uuid import UUID

import httpx
from sqlalchemy import text

from consent import purposes
from idp import subjects
from idp.demo import seed
from idp.directory import seed as directory_seed
from idp.keys import load
from tests.fakes import SoftAuthenticator
from tests.stories import world as running
from tests.stories.browser import Browser, as_json
from tests.stories.citizen import Citizen, ref_of
from tests.stories.pages import Page
from tests.stories.relying import RelyingParty
from tests.stories.world import World

SCOPE = "openid profile email phone address " + " ".join(purposes.get("EHR-SHARE").scopes)


@dataclass
class Live:
    """The running system as a story meets it."""

    world: World
    staff_passkey: SoftAuthenticator | None = None
    passkeys: dict[str, SoftAuthenticator] = field(default_factory=dict)
    minor: str = "1999000010021"
    opened: list[httpx.Client] = field(default_factory=list)

    @property
    def issuer(self) -> str:
        """The issuer identifier."""
        return self.world.settings.issuer

    @property
    def portal(self) -> str:
        """The demo portal."""
        return self.world.portal

    def citizen(self, number: str | None = None, **likes: Any) -> Citizen:
        """Somebody new with a browser of their own."""
        stops = likes.pop("stops", (self.world.callback,))
        browser = Browser(stops=stops)
        self.opened.append(browser.http)
        return Citizen(self.issuer, number or self.somebody(), browser, **likes)

    def somebody(self) -> str:
        """A number that the registry knows and no story has used."""
        return self.world.next_person("alive")

    def unproved(self) -> str:
        """Somebody whom the registry knows but whose card nobody has checked (IAL1.1)."""
        return self.world.next_person("unproved")

    def deceased(self) -> str:
        """Somebody who the registry says has died."""
        return self.world.next_person("dead")

    def nobody(self) -> str:
        """A well-formed number that nobody has."""
        return self.world.next_person("unknown")

    def service(self, scope: str = SCOPE) -> RelyingParty:
        """The stories' own client."""
        holder = (seed.HOLDER, self.world.folder.secret(seed.HOLDER))
        client = httpx.Client(timeout=30)
        self.opened.append(client)
        told = (self.issuer, running.SERVICE, running.SERVICE_SECRET, self.world.callback, scope)
        return RelyingParty(*told, holder=holder, http=client)

    def records(self, token: str) -> httpx.Response:
        """Ask the record holder for the patient's conditions."""
        return running.fetch(f"{self.world.holder}/fhir/Condition", token)

    def portal_state(self) -> Any:
        """What the portal holds."""
        return as_json(httpx.get(f"{self.portal}/state"))

    def holder_state(self) -> Any:
        """What the holder counted."""
        return as_json(httpx.get(f"{self.world.holder}/state"))

    @contextmanager
    def stopped(self, name: str) -> Iterator[None]:
        """One process away for a while."""
        self.world.stop(name)
        try:
            yield
        finally:
            self.world.start(name)

    def purpose_name(self, code: str, locale: str = "th") -> str:
        """A purpose's name on pages."""
        return purposes.get(code).name.in_(locale)

    def consent_id(self, citizen: Citizen, code: str) -> str:
        """The id of the citizen's newest record of this purpose, from their own list."""
        page = citizen.open("/me/consents")
        assert page.name == "me_consents", f"{page.name}: {page.text[:300]}"
        name = self.purpose_name(code)
        found = [key.removeprefix("consent-") for key, words in page.texts.items() if _is_item(key) and name in words]
        assert found, f"{name} is not in {page.text}"
        return max(found, key=lambda one: UUID(one).int)

    def withdraw(self, citizen: Citizen, code: str) -> Page:
        """Two taps: withdraw, confirm."""
        page = citizen.browser.get(f"{self.issuer}/me/consents/{self.consent_id(citizen, code)}")
        done = citizen.browser.submit(citizen.browser.click(page, "withdraw"), "withdraw-form", "confirm")
        assert done.name == "withdrawn", f"{done.name}: {done.text[:300]}"
        return done

    def code_for(self, citizen: Citizen, page: Page) -> str:
        """The code that was sent for this page."""
        return citizen.sms(ref_of(page))

    def post_form(
        self, citizen: Citizen, page: Page, form: str, button: str | None = None, *, ticks: tuple[str, ...] = ()
    ) -> httpx.Response:
        """Post a form from a second connection of the same browser; nothing is followed."""
        chosen = page.forms[form]
        pairs = chosen.fields + [chosen.choices[tick] for tick in ticks]
        pairs += [chosen.buttons[button]] if button and chosen.buttons[button][0] else []
        body: dict[str, list[str]] = {}
        for name, value in pairs:
            body.setdefault(name, []).append(value)
        url = urljoin(page.url, chosen.action or page.url)
        return httpx.post(url, data=body, cookies=dict(citizen.browser.http.cookies), timeout=60)

    def get(self, citizen: Citizen, path: str) -> httpx.Response:
        """Open an address of ours from a second connection of the same browser."""
        return httpx.get(urljoin(self.issuer, path), cookies=dict(citizen.browser.http.cookies), timeout=60)

    def wait_for_the_next_code(self, citizen: Citizen) -> None:
        """Let half a minute pass for the limits on sending to this number and this phone, without waiting for it."""
        del citizen  # every other of this world may go on as well
        self._change("DELETE FROM send_ledger")  # a device that the person is known by is counted under its own mark

    def let_the_code_grow_old(self, citizen: Citizen) -> None:
        """Let ten minutes pass for the codes of this number, without waiting for them."""
        self._change(
            "UPDATE challenge SET expires_at = created_at WHERE fingerprint = :number",
            number=self._mark_of(citizen),
        )

    def told(self, citizen: Citizen, kind: str) -> int:
        """How many notices of this kind the person was sent."""
        person = self.key(self.subject_of(citizen))
        query = "SELECT count(*) FROM notice_to_person WHERE subject_id = :person AND kind = :kind"
        return int(self._rows(query, person=person, kind=kind)[0][0])

    def auditor(self) -> Citizen:
        """An auditor who signed in by passkey; the first time they redeem their invitation."""
        person = self.citizen(directory_seed.AUDITOR)
        if self.staff_passkey is None:
            code = self.world.auditor_link.split("code:")[1].strip()
            page = person.browser.get(f"{self.issuer}/staff/enrol")
            page = person.browser.submit(page, "enrol-form", code=code)
            self.staff_passkey = SoftAuthenticator(self.issuer)
            person.ceremony(page, "register", self.staff_passkey.create)
        else:
            page = person.browser.get(f"{self.issuer}/staff/sign-in")
            person.ceremony(page, "sign-in", self.staff_passkey.get)
        return person

    def staff(self, role: str) -> Citizen:
        """The clerk or the doctor of the sandbox, signed in by passkey; the first time by their invitation."""
        number = seed.INVITED[role]
        person = self.citizen(number)
        if role not in self.passkeys:
            page = person.browser.get(f"{self.issuer}/staff/enrol")
            code = self.world.invitations[role].split("code:")[1].strip()
            page = person.browser.submit(page, "enrol-form", code=code)
            self.passkeys[role] = SoftAuthenticator(self.issuer)
            person.ceremony(page, "register", self.passkeys[role].create)
        else:
            page = person.browser.get(f"{self.issuer}/staff/sign-in")
            person.ceremony(page, "sign-in", self.passkeys[role].get)
        return person

    # --- what only the database can show ---------------------------------------------------------------------------

    def audit_of(self, citizen: Citizen) -> list[dict[str, Any]]:
        """The entries about this person, oldest first, as their bytes say."""
        rows = self._rows(
            "SELECT e.leaf_bytes FROM audit_entry e JOIN audit_pseudonym p ON p.pseudonym = e.subject "
            "WHERE p.person_id = :person ORDER BY e.id",
            person=self.key(self.subject_of(citizen)),
        )
        return [json.loads(bytes(leaf)[1:]) for (leaf,) in rows]

    def count_events(self, *events: str) -> int:
        """How many entries of these events the whole log holds."""
        return sum(int(self._rows("SELECT count(*) FROM audit_entry WHERE event = :e", e=e)[0][0]) for e in events)

    def tries_left(self, citizen: Citizen) -> int:
        """Of the newest challenge for this number."""
        rows = self._rows(
            "SELECT tries_left FROM challenge WHERE fingerprint = :number ORDER BY id DESC",
            number=self._mark_of(citizen),
        )
        return int(rows[0][0])

    def standing(self, citizen: Citizen, code: str) -> tuple[str, int]:
        """State and version of one standing."""
        rows = self._rows(
            "SELECT state, version FROM consent_standing WHERE subject_id = :person AND purpose = :code",
            person=self.key(self.subject_of(citizen)),
            code=code,
        )
        assert len(rows) == 1
        return rows[0][0], int(rows[0][1])

    def count_rows(self, table: str, citizen: Citizen, code: str) -> int:
        """How many rows of a person and a purpose."""
        rows = self._rows(
            f"SELECT count(*) FROM {table} WHERE subject_id = :person AND purpose = :code",  # noqa: S608 -- a literal
            person=self.key(self.subject_of(citizen)),
            code=code,
        )
        return int(rows[0][0])

    def count_grants(self, citizen: Citizen) -> int:
        """How many grants a person gave."""
        person = self.key(self.subject_of(citizen))
        return int(self._rows("SELECT count(*) FROM oauth_grant WHERE subject_id = :person", person=person)[0][0])

    def subject_of(self, citizen: Citizen) -> UUID:
        """The account behind a number."""
        with self.world.sessions.reading() as session:
            ring = load(session, self.world.settings.kek())
            subject = subjects.find_by_national_id(session, ring, citizen.national_id)
            assert subject is not None
            return subject.id

    def key(self, number: UUID) -> str:
        """A UUID as raw SQL of this engine compares it."""
        return number.hex if self.world.settings.database_url.startswith("sqlite") else str(number)

    def _mark_of(self, citizen: Citizen) -> str:
        """What challenges for this number are found by."""
        with self.world.sessions.reading() as session:
            return load(session, self.world.settings.kek()).fingerprint(citizen.national_id)

    def _rows(self, query: str, **values: Any) -> list[Any]:
        with self.world.sessions.reading() as session:
            return list(session.execute(text(query), values))

    def _change(self, query: str, **values: Any) -> None:
        with self.world.sessions.writing() as session:
            session.execute(text(query), values)


def _is_item(key: str) -> bool:
    return key.startswith("consent-") and len(key) == len("consent-") + 36
