"""PURE: data that leaves Thailand: to which country, and what protects them there (PDPA s.28, s.29; catalogue rule 9).

A purpose whose data always leave has its row in `cross_border.tsv`; a service that keeps its data abroad says so when
it is registered. Either way one sentence stands on the page and in the words that are kept. A faulty table stops the
start.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from consent import purposes
from consent.errors import CatalogueFault, NotAllowed
from consent.rows import Bilingual

ANYWHERE = "*"
_COUNTRY = re.compile(r"[A-Z]{2}")
_LEAVES = {
    "th": "ข้อมูลจะออกนอกประเทศไทย ไปยัง{place} {safeguard}",
    "en": "Your data leave Thailand, for {place}. {safeguard}",
}


@dataclass(frozen=True)
class Safeguard:
    """What protects data abroad, in one sentence. `status` as in the catalogue: unread by a lawyer unless verified."""

    code: str
    text: Bilingual
    status: str


@dataclass(frozen=True)
class Journey:
    """Where the data of one purpose or service go. `countries`: ISO 3166-1 alpha-2, or `*` for the person's choice."""

    countries: tuple[str, ...]
    place: Bilingual
    safeguard: Safeguard

    def sentence(self, locale: str) -> str:
        """Country and safeguard in one line, Thai unless English is asked for."""
        form = _LEAVES["en" if locale == "en" else "th"]
        return form.format(place=self.place.in_(locale), safeguard=self.safeguard.text.in_(locale))


def safeguard(code: str) -> Safeguard:
    """The safeguard. Raises: NotAllowed(code="safeguard") for one that the table does not have."""
    try:
        return _SAFEGUARDS[code]
    except KeyError:
        raise NotAllowed("There is no such safeguard.", detail="safeguard", code="safeguard") from None


def safeguards() -> tuple[Safeguard, ...]:
    """All of them, in the order of the table."""
    return tuple(_SAFEGUARDS.values())


def of_purpose(code: str) -> Journey | None:
    """Where the purpose's data go by its nature; None when they stay in Thailand."""
    return _JOURNEYS.get(code)


def of_service(country: str | None, safeguard_code: str | None, *, place: Bilingual) -> Journey | None:
    """Where a service keeps what it receives; None for Thailand, or when it said nothing."""
    if not country or country == "TH":
        return None
    return Journey((country,), place, safeguard(safeguard_code or "none"))


def journeys(code: str, country: str | None, safeguard_code: str | None, *, place: Bilingual) -> list[Journey]:
    """All of them for one purpose at one service: by the nature of the purpose, and with this service."""
    with_it = of_service(country, safeguard_code, place=place)
    return [journey for journey in (of_purpose(code), with_it) if journey is not None]


def untold(told: tuple[str | None, str | None], now: tuple[str | None, str | None]) -> bool:
    """Whether `columns` of now name a country or a safeguard that those of a record do not."""
    return any(set((new or "").split()) - set((old or "").split()) for old, new in zip(told, now, strict=True))


def check_service(country: str | None, safeguard_code: str | None) -> None:
    """Raises: NotAllowed(code="country" or "safeguard") unless both are there and known, or neither is."""
    if country is None and safeguard_code is None:
        return
    if country is None or not _COUNTRY.fullmatch(country):
        raise NotAllowed("A country is two capital letters of ISO 3166.", detail="country", code="country")
    safeguard(safeguard_code or "")


def columns(journeys: Sequence[Journey]) -> tuple[str | None, str | None]:
    """Countries and safeguards as a record keeps them: space lists, or nothing."""
    places = dict.fromkeys(country for journey in journeys for country in journey.countries)
    kept = dict.fromkeys(journey.safeguard.code for journey in journeys)
    return " ".join(places) or None, " ".join(kept) or None


def read(safeguards_tsv: str, journeys_tsv: str) -> tuple[dict[str, Safeguard], dict[str, Journey]]:
    """Parse both tables. Raises: CatalogueFault for a broken row, or a purpose that leaves Thailand without one."""
    try:
        known = {
            row["code"]: Safeguard(row["code"], Bilingual(row["text_th"], row["text_en"]), row["status"])
            for row in _table(safeguards_tsv)
        }
        found = {
            row["purpose"]: Journey(
                tuple(row["countries"].split(" ")),
                Bilingual(row["place_th"], row["place_en"]),
                known[row["safeguard"]],
            )
            for row in _table(journeys_tsv)
        }
    except (KeyError, ValueError) as error:
        raise CatalogueFault("A table of data abroad has a broken row.", detail=type(error).__name__) from error
    leaving = {row.code for row in purposes.all() if row.cross_border}
    codes = {country for journey in found.values() for country in journey.countries}
    if leaving != found.keys() or not all(code == ANYWHERE or _COUNTRY.fullmatch(code) for code in codes):
        raise CatalogueFault("The tables of data abroad and of purposes disagree.", detail="cross_border")
    return known, found


def _table(text: str) -> list[dict[str, str]]:
    head, *lines = [line.split("\t") for line in text.removesuffix("\n").split("\n")]
    return [dict(zip(head, cells, strict=True)) for cells in lines]


def _shipped(name: str) -> str:
    return files("consent").joinpath("catalogue", name).read_text(encoding="utf-8")


_SAFEGUARDS, _JOURNEYS = read(_shipped("safeguards.tsv"), _shipped("cross_border.tsv"))
