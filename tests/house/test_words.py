"""Every word that a person can read exists in Thai."""

import re

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from tests.house.source import ROOT

PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")
THAI = re.compile(r"[\u0e01-\u0e5b]")
SAME_IN_BOTH = re.compile(r"^[\W\dA-Za-z]{0,12}$|^https?://")  # a sign, a number or a proper name


def catalog() -> Catalog:
    with (ROOT / "idp/web/locale/th.po").open("rb") as file:
        return read_po(file, locale="th")


def words_used() -> set[str]:
    """Message ids in templates and code, found by Babel."""
    methods = [("**.html", "jinja2"), ("**.py", "python")]
    options = {"**.html": {"trimmed": "true", "silent": "false"}}
    keywords = {"_": None, "gettext": None, "thai": None, "N_": None, "ngettext": (1, 2)}
    used: set[str] = set()
    for folder in ("templates", "idp/web"):
        found = extract_from_dir(ROOT / folder, methods, options, keywords)
        for _, _, message, _, _ in found:
            used |= {message} if isinstance(message, str) else set(message)
    return used


def test_every_message_has_its_thai():
    """PAGES: Thai first. A message without a translation would show English to a Thai citizen."""
    thai = catalog()

    missing = sorted(word for word in words_used() if word and not (thai.get(word) and thai.get(word).string))

    assert missing == []


def test_nothing_in_the_catalogue_is_doubtful():
    """A fuzzy entry is somebody's guess."""
    assert [message.id for message in catalog() if message.id and message.fuzzy] == []


@pytest.mark.parametrize("message", [m for m in catalog() if m.id], ids=lambda m: str(m.id)[:40])
def test_a_translation_keeps_the_placeholders(message):
    """A lost or misspelt placeholder is a KeyError in front of a citizen."""
    ids = message.id if isinstance(message.id, tuple) else (message.id,)
    strings = message.string if isinstance(message.string, tuple) else (message.string,)

    wanted = {name for one in ids for name in PLACEHOLDER.findall(one)}
    assert {name for one in strings for name in PLACEHOLDER.findall(one)} == wanted


def test_translations_are_thai():
    """An English sentence pasted into the Thai column is not a translation."""
    english = [
        message.id
        for message in catalog()
        if message.id and not THAI.search(str(message.string)) and not SAME_IN_BOTH.match(str(message.string))
    ]

    assert english == []
