"""No lawyer has read a row of the catalogue yet: no page of the people's quotes a section of law for it."""

import re

import pytest

from consent import abroad, notices, purposes
from tests.house.source import ROOT

SECTION = re.compile(r"มาตรา\s*[\d๐-๙]+|\b[Ss]ections?\s+\d+|\bs\.\s?\d{1,2}\b|\bPDPA\b|\b26\(")
OF_ADMINISTRATORS = {  # templates that only staff of the service open; the mark stands beside the law there
    *("audit", "audit_export", "audit_line", "audit_parts"),
    *(path.stem for path in (ROOT / "templates").glob("dpo*.html")),
}
PAGES = sorted(path for path in (ROOT / "templates").rglob("*.html") if path.stem not in OF_ADMINISTRATORS)
COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_no_page_of_the_people_quotes_a_section_of_law(path):
    """consent/catalogue/README.md: "pages cite no section of law for such a row"."""
    unread = [row.code for row in purposes.all() if row.status != "verified"]

    assert unread == [] or SECTION.findall(COMMENT.sub("", path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("row", [row for row in purposes.all() if row.status != "verified"], ids=lambda row: row.code)
def test_no_sentence_of_an_unverified_row_quotes_a_section_of_law(row):
    """The sentences of the catalogue stand on pages and in receipts."""
    journey = abroad.of_purpose(row.code)
    for locale in notices.LOCALES:
        words = [row.name, row.text, row.if_refused, *(purposes.category(code).name for code in row.data_categories)]
        said = [*(word.in_(locale) for word in words), notices.undo_sentence(locale)]
        said += [journey.sentence(locale)] if journey else []
        assert SECTION.findall("\n".join(said)) == []


def test_the_pattern_finds_a_section_in_both_languages():
    """A search that finds nothing proves nothing."""
    assert all(SECTION.search(words) for words in ("ตามมาตรา ๒๖", "under section 26", "PDPA s.19"))
