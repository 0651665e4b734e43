"""What counts as the picture of a paper: read to its end, large enough to read, and nothing in it acts."""

import hashlib
import struct
import zlib

import pytest

from consent.errors import NotAllowed
from idp import scans
from idp.scans import FAULTS, LARGEST, MOST_PAGES
from tests.idp import pictures
from tests.idp.pictures import document, photo


def bomb():
    """A PNG of a few bytes that says it is 60,000 dots wide and high."""

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


def patient(scans_more):
    """A progressive JPEG whose last scan is there again and again: a few bytes each, every dot passed each time."""
    content = photo(progressive=True)
    last = content[content.rindex(scans.SCAN) : -2]
    return content[:-2] + last * scans_more + content[-2:]


def flipped(content):
    """One bit of the middle is another."""
    at = len(content) // 2
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (photo(), "image/jpeg"),
        (photo(progressive=True), "image/jpeg"),
        (photo(kind="PNG"), "image/png"),
        (photo(4000, 3000), "image/jpeg"),  # what a phone makes
        (patient(10), "image/jpeg"),
        (document(), "application/pdf"),
        (document(MOST_PAGES), "application/pdf"),
        (pictures.opening_at_a_page(), "application/pdf"),
    ],
    ids=["photo", "progressive", "png", "phone", "some scans", "pdf", "many pages", "scanner"],
)
def test_a_picture_of_a_paper_is_kept_as_it_was_sent(content, kind):
    """With the SHA-256 of its bytes: whoever has the file can compare."""
    scan = scans.checked(content)

    assert (scan.content, scan.media_type) == (content, kind)
    assert scan.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "required"),
        (photo() + bytes(LARGEST), "too_large"),
        (b"<html><script>", "kind"),
        (b"GIF89a" + bytes(2000), "kind"),
        (b"\xff\xd8\xff\xe0" + bytes(range(256)) * 8, "damaged"),
        (photo()[: len(photo()) // 2], "damaged"),
        (photo(kind="PNG")[:-20], "damaged"),
        (flipped(photo(kind="PNG")), "damaged"),
        (document()[:200], "damaged"),
        (b"%PDF-1.7\n", "damaged"),
        (photo(40, 40), "small"),
        (photo(299, 2000, kind="PNG"), "small"),
        (bomb(), "pixels"),
        (patient(1_000), "damaged"),
        (photo(5001, 5000, progressive=True), "pixels"),
        (pictures.locked(), "locked"),
        (document(MOST_PAGES + 1), "pages"),
        (document(0), "pages"),
        (pictures.with_program(), "active"),
        (pictures.with_file(), "active"),
        (pictures.with_launch(), "active"),
    ],
)
def test_what_is_no_picture_of_a_paper_is_named(content, fault):
    """While the person is still at the counter, with the word that the page explains."""
    assert scans.fault(content) == fault
    with pytest.raises(NotAllowed) as refused:
        scans.checked(content)
    assert refused.value.code == fault
    assert fault in FAULTS


def test_a_document_that_never_ends_is_refused(monkeypatch):
    """More objects than any scanned paper has: nobody looks through it for hours."""
    monkeypatch.setattr(scans, "MOST_OBJECTS", 3)

    assert scans.fault(document(5)) in ("active", "damaged")
