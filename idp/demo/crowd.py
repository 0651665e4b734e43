"""A crowd of made-up people with accounts, for trying the sandbox at the size of a province or a country.

The n-th person is always the same one, so seeding goes on where it stopped: batches are kept whole and in order, and
how many are there is found by asking for numbers. Numbers begin with `X9990` and can belong to nobody; the personas of
`people.tsv` stand below the first. An account is sealed as any other; its history begins with its first visit.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert

from consent.db import Base, table_of
from idp import subjects
from idp.db import Session, Sessions
from idp.keys import KeyRing
from idp.national_id import checksum
from idp.ports import RegistryPerson

BATCH = 1_000
FIRST_SERIAL = 1_000_000  # seven digits; the personas' begin with 000
SERIALS = 9_000_000
CATEGORIES = "12345678"
MOST = SERIALS * len(CATEGORIES)
SEEDED_IAL = "1.3"
OLDEST, YEARS, MONTHS, DAYS = 1940, 60, 12, 28
MEN = (("สมชาย", "Somchai"), ("ปิติ", "Piti"), ("วีระ", "Weera"), ("ธนกร", "Thanakorn"), ("บุญมี", "Bunmee"))
WOMEN = (("สมหญิง", "Somying"), ("มานี", "Manee"), ("กัญญา", "Kanya"), ("นูรีซัน", "Nurisan"), ("อามีนะห์", "Aminah"))
FAMILIES = (  # surnames belong to one family each by law: these are nobody's
    ("ใจสมมติ", "Jaisommut"),
    ("ตัวอย่างดี", "Tuayangdee"),
    ("ทดสอบสุข", "Thotsopsuk"),
    ("สมมติวงศ์", "Sommutwong"),
    ("ตัวอย่างกุล", "Tuayangkun"),
    ("ลองระบบ", "Longrabop"),
    ("ไม่มีจริง", "Maimeejing"),
    ("จำลองชัย", "Chamlongchai"),
)


@dataclass(frozen=True)
class Progress:
    """How far the seeding is, and how fast this run went."""

    there: int
    wanted: int
    per_second: int

    def __str__(self) -> str:
        return f"{self.there:,} of {self.wanted:,} made-up people ({self.per_second:,} a second)"


def number_of(n: int) -> str:
    """The national ID of the n-th person, counted from 0. Raises: ValueError beyond the last of 72 million."""
    if not 0 <= n < MOST:
        raise ValueError(f"There are numbers for {MOST:,} made-up people and no more.")
    first_twelve = f"{CATEGORIES[n // SERIALS]}9990{FIRST_SERIAL + n % SERIALS}"
    return first_twelve + checksum(first_twelve)


def person_of(n: int) -> RegistryPerson:
    """What a registry would say of the n-th person: an adult with a phone that no network serves."""
    man = n % 2 == 0
    given = (MEN if man else WOMEN)[n // 2 % len(MEN)]
    family = FAMILIES[n // 7 % len(FAMILIES)]
    return RegistryPerson(
        title_th="นาย" if man else "นาง",
        given_name_th=given[0],
        family_name_th=family[0],
        title_en="Mr." if man else "Mrs.",
        given_name_en=given[1],
        family_name_en=family[1],
        birth_date=f"{OLDEST + n % YEARS}-{n // 3 % MONTHS + 1:02d}-{n // 5 % DAYS + 1:02d}",
        gender="male" if man else "female",
        phone=f"010-000-{n % 10_000:04d}",
        email=f"person{n}@example.test",
        address=f"999/{n} หมู่ที่ 99",
        attested_ial=SEEDED_IAL,
    )


def count(session: Session, ring: KeyRing) -> int:
    """How many of the crowd are there: the first missing number, found by halving."""
    low, high = 0, 1
    while high < MOST and _is_there(session, ring, high - 1):
        low, high = high, min(high * 2, MOST)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if _is_there(session, ring, middle) else (low, middle)
    return low


def people(sessions: Sessions, ring: KeyRing, wanted: int, *, now: datetime) -> Iterator[Progress]:
    """Open accounts until there are `wanted`; each batch is kept before the next begins.

    Raises: ValueError when there are no numbers for so many; DatabaseError when another process seeds the same.
    """
    if wanted > MOST:
        number_of(wanted)
    with sessions.reading() as session:
        there = before = count(session, ring)
    began = time.monotonic()
    while there < wanted:
        batch = range(there, min(there + BATCH, wanted))
        made = [subjects.rows(ring, number_of(n), person_of(n), locale="th", now=now) for n in batch]
        with sessions.writing() as session:
            _put(session, [subject for subject, _ in made])
            _put(session, [number for _, number in made])
        there = batch.stop
        yield Progress(there, wanted, round((there - before) / max(time.monotonic() - began, 0.001)))


def seed(sessions: Sessions, ring: KeyRing, wanted: int, *, now: datetime, say: Callable[[str], None]) -> None:
    """The same, telling how far it is; silent when nothing is missing."""
    for progress in people(sessions, ring, wanted, now=now):
        say(str(progress))


def _put(session: Session, made: list[Base]) -> None:
    """One statement for many rows; what the models leave open the table's defaults fill."""
    table = table_of(type(made[0]))
    names = [column.key for column in table.columns if column.key in vars(made[0])]
    session.execute(insert(table), [{name: getattr(one, name) for name in names} for one in made])


def _is_there(session: Session, ring: KeyRing, n: int) -> bool:
    return subjects.find_by_national_id(session, ring, number_of(n)) is not None
