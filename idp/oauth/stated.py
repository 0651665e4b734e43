"""PURE: what the asking side states of one look: who would look, at which data of which time.

A data holder may add it to an introspection (RFC 7662 section 2.1 leaves room for more parameters), a system puts it
into its question. Who states nothing cannot pass a standing refusal that is about who, or about when.
"""

from collections.abc import Mapping
from datetime import date

from consent.specificity import About, Asker, Stated

LONGEST = 128
ASKER = {"asker_person": "person", "asker_unit": "unit", "asker_hcode": "hcode", "asker_visit": "visit"}


class NotStatedError(ValueError):
    """A part of it cannot be read; the text is its name."""


def of_form(form: Mapping[str, str]) -> Stated:
    """The parameters `asker_person`, `asker_unit`, `asker_hcode`, `asker_visit`, `data_from`, `data_until`.

    Raises: NotStatedError.
    """
    asker = {field: word(form.get(name), name) for name, field in ASKER.items()}
    return Stated(Asker(**asker), About(data_from=day(form, "data_from"), data_until=day(form, "data_until")))


def word(value: object, name: str) -> str:
    """A short text, or nothing. Raises: NotStatedError."""
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > LONGEST or not value.isprintable():
        raise NotStatedError(name)
    return value


def day(values: Mapping[str, object], name: str) -> date | None:
    """A calendar day as RFC 3339 writes it, or nothing. Raises: NotStatedError."""
    value = values.get(name)
    if value is None or value == "":
        return None
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise NotStatedError(name) from error
