"""Our own privacy notice (PDPA s.23), version by version, in both languages. A published version never changes.

A text is a file in `privacy_notice/`: a section has its title first, then its sentences behind a dash. A new text is a
new file and a new row of PUBLISHED; the old ones stay readable. How long things are kept is not written there: the
page draws it from the retention rules, which the worker obeys.
"""

import hashlib
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

from consent.errors import CatalogueFault
from consent.purposes import Bilingual

PUBLISHED = {  # number -> the day from which it holds, and the SHA-256 of its file
    1: (date(2026, 11, 22), "75b6d7bb8a93a3eb9c3c0926868aa975ec53c5f08d662f1d6be68c0669a71b13"),
}
SENTENCE = "-"


@dataclass(frozen=True)
class Section:
    """One heading and its sentences."""

    id: str
    title: Bilingual
    lines: tuple[Bilingual, ...]


@dataclass(frozen=True)
class Version:
    """One published text, and the hash of its bytes."""

    number: int
    since: date
    sha256: str
    sections: tuple[Section, ...]


def newest() -> Version:
    """The one that holds."""
    return version(max(PUBLISHED))


@cache
def version(number: int) -> Version:
    """A version by its number. Raises: KeyError; CatalogueFault when its file is not the one that was published."""
    since, sha256 = PUBLISHED[number]
    raw = files("idp.web").joinpath("privacy_notice", f"{number}.tsv").read_bytes()
    if hashlib.sha256(raw).hexdigest() != sha256:
        raise CatalogueFault("A published privacy notice was changed: write a new version.", detail=f"{number=}")
    return Version(number, since, sha256, read(raw.decode("utf-8")))


def read(text: str) -> tuple[Section, ...]:
    """PURE: the sections of a file. Raises: CatalogueFault for a row that is not three full cells, or no section."""
    found: list[tuple[str, Bilingual, list[Bilingual]]] = []
    for row in text.removesuffix("\n").split("\n")[1:]:
        cells = row.split("\t")
        if len(cells) != 3 or not all(cells) or (cells[0] == SENTENCE and not found):  # noqa: PLR2004 -- columns
            raise CatalogueFault("The privacy notice has a broken row.", detail=f"{len(cells)=}")
        words = Bilingual(cells[1], cells[2])
        if cells[0] == SENTENCE:
            found[-1][2].append(words)
        else:
            found.append((cells[0], words, []))
    return tuple(Section(name, title, tuple(lines)) for name, title, lines in found)
