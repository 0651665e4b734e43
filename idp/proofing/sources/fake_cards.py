"""The sandbox's card reader: it can hold the card of everybody in the sandbox registry, as a drawer of test cards.

A card is chosen by its place in the drawer, so that no number of a person stands in a form's value.
"""

from collections.abc import Sequence
from datetime import date

from idp.ports import Card, CardUnreadable, RegistryPerson, Slot
from idp.proofing.sources.fake import SandboxRegistry
from idp.proofing.sources.fake_card_status import chip_of, request_of

EXPIRES = date(2099, 12, 31)
RUN_OUT = date(2025, 4, 12)
EXPIRED = frozenset({"3999000010043"})  # one of the two of the same name brings an old card
BUDDHIST_ERA = 543  # years that Thai dates are ahead
MOST = 40  # a registry may hold thousands; a drawer of cards does not


class SandboxReader:
    """`idp.ports.CardReader` over the sandbox registry."""

    def __init__(self, registry: SandboxRegistry) -> None:
        self._registry = registry

    def slots(self) -> Sequence[Slot]:
        """The first cards of the drawer, in the registry's order."""
        people = list(self._registry.people.values())[:MOST]
        return [Slot(str(n), _label(person, "th"), _label(person, "en")) for n, person in enumerate(people, 1)]

    def read(self, said: str, *, session_hash: str = "", hcode: str = "") -> Card:  # noqa: ARG002 -- the port's signature
        """The card at that place. Raises: CardUnreadable."""
        people = list(self._registry.people.items())
        if not (said.isascii() and said.isdigit() and len(said) <= len(str(len(people)))) or not (
            1 <= int(said) <= len(people)
        ):
            raise CardUnreadable("no_card", temporary=False)
        national_id, person = people[int(said) - 1]
        return Card(
            national_id=national_id,
            title_th=person.title_th,
            given_name_th=person.given_name_th,
            family_name_th=person.family_name_th,
            title_en=person.title_en,
            given_name_en=person.given_name_en,
            family_name_en=person.family_name_en,
            birth_date=person.birth_date,
            gender=person.gender,
            expires_on=RUN_OUT if national_id in EXPIRED else EXPIRES,
            chip_number=chip_of(national_id),
            request_number=request_of(national_id),
        )


def _label(person: RegistryPerson, locale: str) -> str:
    names = (
        (person.title_en, person.given_name_en, person.family_name_en)
        if locale == "en"
        else (person.title_th, person.given_name_th, person.family_name_th)
    )
    year = int(person.birth_date[:4]) + (0 if locale == "en" else BUDDHIST_ERA)
    return f"{' '.join(filter(None, names))} · {year}"
