"""`idp purposes`: the closed list of what may be asked for, with the state of its legal readings, for administrators.

No page of the people's quotes a section of law from a row that no lawyer has read; here the mark is shown.
"""

from collections.abc import Iterator

import click

from consent import abroad
from consent import purposes as catalogue
from consent.purposes import Purpose

UNREAD = "UNVERIFIED: no lawyer has read this row"
BASES = {  # consent/catalogue/README.md, column basis
    "C26": "explicit consent, PDPA s.26",
    "C19": "consent, PDPA s.19",
    "TREAT": "treatment, PDPA s.26(5)(a)",
    "PH": "public health, PDPA s.26(5)(b)",
    "WELF": "health benefits, PDPA s.26(5)(c)",
    "RES": "approved research, PDPA s.26(5)(d)",
    "VITAL": "saving a life, PDPA s.26(1)",
    "CON": "contract, PDPA s.24(3)",
    "PUB": "public task, PDPA s.24(4)",
    "LAW": "duty under a law, PDPA s.24(6)",
    "RIGHT30": "the person's own right, PDPA s.30 to s.36",
}
REGULATION = "regulation of the Ministry of Public Health on personal health data, B.E. 2561 (articles not read)"


@click.group()
def purposes() -> None:
    """What may be asked for, and how far its legal readings are verified."""


@purposes.command("list")
def purposes_list() -> None:
    """All purposes, one a line: code, kind, basis, state of the legal reading, English name."""
    for row in catalogue.all():
        click.echo(f"{row.code}\t{row.kind.value}\t{row.basis}\t{row.status}\t{row.name.en}")


@purposes.command("show")
@click.argument("code")
def purposes_show(code: str) -> None:
    """One purpose with its words in both languages, its legal basis, and the mark of whoever read it."""
    for line in _lines(catalogue.get(code)):
        click.echo(line)


def _lines(row: Purpose) -> Iterator[str]:
    yield f"{row.code}  {row.name.en} · {row.name.th}"
    yield f"legal reading  {'verified' if row.status == 'verified' else UNREAD}"
    yield f"basis          {row.basis}: {BASES[row.basis]}"
    yield from (f"  when {when:<12} {basis}: {BASES[basis]}" for when, basis in row.basis_when)
    if any(catalogue.category(code).s26 for code in row.data_categories):
        yield f"see also       {REGULATION}"
    for language in ("th", "en"):
        yield f"{language}  {row.text.in_(language)}"
        yield f"    {row.if_refused.in_(language)}"
    yield f"data           {' '.join(row.data_categories)}"
    yield f"may receive    {' '.join(row.recipient_kinds)}"
    journey = abroad.of_purpose(row.code)
    if journey is not None:
        read = "verified" if journey.safeguard.status == "verified" else "unverified"
        yield f"abroad         {' '.join(journey.countries)}, safeguard {journey.safeguard.code} ({read})"
