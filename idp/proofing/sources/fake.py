"""The sandbox registry: made-up people from a tab-separated file, `idp/demo/people.tsv` or another of the same columns.

Columns, in any order, UTF-8, one header row: national_id · title_th given_name_th family_name_th · title_en
given_name_en family_name_en (a person of one name leaves family_name empty) · birth_date, CE, YYYY, YYYY-MM or
YYYY-MM-DD as far as it is known · gender (male female other unknown) · phone · email · address (all may be empty) ·
status (alive deceased) · attested_ial · note (for readers only). Only numbers that can belong to nobody are accepted.
"""

import csv
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import cast

from idp.national_id import NationalIdError, SyntheticOnly, parse_national_id
from idp.ports import RegistryPerson

COLUMNS = (
    "national_id",
    "title_th",
    "given_name_th",
    "family_name_th",
    "title_en",
    "given_name_en",
    "family_name_en",
    "birth_date",
    "gender",
    "phone",
    "email",
    "address",
    "status",
    "attested_ial",
    "note",
)
UNUSED = ("national_id", "note")
STATUSES = ("alive", "deceased")


class PeopleFault(ValueError):  # noqa: N818 -- a fault of a file
    """The file of made-up people cannot be used; the sentence says which line and why, without quoting it."""


class SandboxRegistry:
    """`idp.ports.Registry` over the file; read once, at the first look-up."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path

    @cached_property
    def people(self) -> dict[str, RegistryPerson]:
        """Everybody in the file by national ID. Raises: PeopleFault."""
        if self._path is None:
            text = (files("idp.demo") / "people.tsv").read_text(encoding="utf-8")
        else:
            try:
                text = self._path.read_text(encoding="utf-8-sig")
            except (OSError, UnicodeDecodeError) as error:
                raise PeopleFault(f"the file of made-up people {self._path} cannot be read") from error
        return _people(text)

    def look_up(self, national_id: str) -> RegistryPerson | None:
        """The person, or None."""
        return self.people.get(national_id)


def _people(text: str) -> dict[str, RegistryPerson]:
    rows = csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    missing = set(COLUMNS) - set(rows.fieldnames or ())
    if missing:
        raise PeopleFault(f"columns are missing: {' '.join(sorted(missing))}")
    people: dict[str, RegistryPerson] = {}
    for line, row in enumerate(rows, start=2):
        national_id, person = _person(cast("dict[str | None, str | None]", row), line)
        if national_id in people:
            raise PeopleFault(f"line {line}: this national ID stands twice")
        people[national_id] = person
    return people


def _person(row: dict[str | None, str | None], line: int) -> tuple[str, RegistryPerson]:
    if None in row or None in row.values():
        raise PeopleFault(f"line {line}: not as many fields as the header row")
    try:
        national_id = parse_national_id(row["national_id"] or "")
    except NationalIdError as error:
        raise PeopleFault(f"line {line}: the national ID is wrong ({error.code})") from error
    if not SyntheticOnly().allows(national_id):
        raise PeopleFault(f"line {line}: this national ID could belong to a real person")
    if row["status"] not in STATUSES:
        raise PeopleFault(f"line {line}: status is alive or deceased")
    facts = {name: (row[name] or "").strip() for name in COLUMNS if name not in UNUSED}
    return national_id, RegistryPerson(**facts)  # type: ignore[arg-type]  # status was checked above
