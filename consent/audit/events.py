"""The closed list of things that can happen, read once from `events.tsv`. An event outside it cannot be logged."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from consent.errors import CatalogueFault

COLUMNS = ["event", "family", "seen_by", "title_th", "title_en"]
READERS = frozenset({"citizen", "dpo", "auditor", "admin"})


@dataclass(frozen=True)
class Event:
    """One event, who may see its entries (THAI 1c), and its title on pages."""

    name: str
    family: str
    seen_by: frozenset[str]
    title_th: str
    title_en: str

    def title(self, locale: str) -> str:
        """The title in `th` or `en`."""
        return self.title_en if locale == "en" else self.title_th


def read(text: str) -> dict[str, Event]:
    """Parse the list. Raises CatalogueFault on any row that is not five full cells with known readers, or twice."""
    head, *lines = [line.split("\t") for line in text.removesuffix("\n").split("\n")]
    if head != COLUMNS:
        raise CatalogueFault("The event list has other columns.", detail=f"{head=}")
    found: dict[str, Event] = {}
    for cells in lines:
        if len(cells) != len(COLUMNS) or not all(cells) or cells[0] in found:
            raise CatalogueFault("The event list has a broken row.", detail=f"{cells[0]=}")
        readers = frozenset(cells[2].split(" "))
        if not readers <= READERS:
            raise CatalogueFault("The event list names an unknown reader.", detail=f"{cells[0]=}")
        found[cells[0]] = Event(cells[0], cells[1], readers, cells[3], cells[4])
    return found


EVENTS = read(files("consent.audit").joinpath("events.tsv").read_text(encoding="utf-8"))
FOR_CITIZENS = tuple(sorted(event.name for event in EVENTS.values() if "citizen" in event.seen_by))
FAMILIES = tuple(dict.fromkeys(event.family for event in EVENTS.values()))


@cache
def of_family(family: str) -> frozenset[str]:
    """Names of the events of one family."""
    return frozenset(event.name for event in EVENTS.values() if event.family == family)
