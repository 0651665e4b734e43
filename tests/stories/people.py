"""A crowd of made-up people, so that each story has one of its own and no limit of another story touches it."""

from collections.abc import Sequence
from pathlib import Path

FIRST_ALIVE, FIRST_UNPROVED, FIRST_DEAD, FIRST_PHONELESS, FIRST_UNKNOWN = 90001, 94001, 95001, 96001, 99001
FIRST_YOUNG = 97001
PLACE = "999/9 หมู่ที่ 99 ตำบลในเวียง อำเภอเมืองแพร่ จังหวัดแพร่ 54000"


def national_id(serial: int) -> str:
    """A number that can belong to nobody: category 1, province 99, district 90, with its check digit."""
    digits = f"19990{serial:07}"
    total = sum(int(digit) * weight for digit, weight in zip(digits, range(13, 1, -1), strict=True))
    return digits + str((11 - total % 11) % 10)


def numbers(first: int, size: int) -> list[str]:
    """That many national IDs in a row."""
    return [national_id(first + n) for n in range(size)]


def write(
    path: Path,
    cast: Path,
    alive: list[str],
    unproved: list[str],
    dead: list[str],
    *,
    phoneless: Sequence[str] = (),
    young: Sequence[str] = (),
) -> None:
    """The sandbox's own people and the crowd, as one registry. Of the unproved nobody has seen a card.

    Of the phoneless the registry holds no phone either. The young are 15.
    """
    rows = [cast.read_text(encoding="utf-8").rstrip("\n")]
    header = rows[0].splitlines()[0].split("\t")
    for n, number in enumerate([*alive, *unproved, *dead, *phoneless, *young]):
        person = {
            "national_id": number,
            "title_th": "นางสาว",
            "given_name_th": "มานี",
            "family_name_th": "ทดสอบสุข",
            "title_en": "Miss",
            "given_name_en": "Manee",
            "family_name_en": "Thotsopsuk",
            "birth_date": "2011-08-09" if number in young else "1985-02-14",
            "gender": "female",
            "phone": "" if number in phoneless else f"010-000-{n:04}",
            "email": "manee@example.test",
            "address": PLACE,
            "status": "deceased" if number in dead else "alive",
            "attested_ial": "1.1" if number in [*unproved, *phoneless] else "1.3",
            "note": "",
        }
        rows.append("\t".join(person[column] for column in header))
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
