"""Whether a file is the picture of a paper: read to its end by libraries that know its kind, and nothing in it acts.

A consent on paper is proved by this picture years later, so a file that is cut off, too small to read or locked is
refused while the person is still there. What could run when the person opens it again is refused as well.
"""

import hashlib
import io
import logging
import zlib
from dataclasses import dataclass
from typing import Any

from consent.errors import NotAllowed

LARGEST = 5_000_000  # bytes: what the camera of a phone makes
MOST_PIXELS, LEAST_SIDE = 50_000_000, 300
MOST_PROGRESSIVE, MOST_SCANS = 25_000_000, 100  # of a progressive JPEG: all its dots are held, and passed each scan
SCAN = b"\xff\xda"  # begins one (ITU-T T.81 B.1.1.3); cannot stand inside its data
MOST_PAGES, MOST_OBJECTS = 20, 20_000
UNPACKED = 40_000_000  # bytes that all of a PDF may unpack to while it is looked through
BEGINNINGS = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png", b"%PDF-": "application/pdf"}
FAULTS = ("required", "too_large", "kind", "damaged", "small", "pixels", "locked", "pages", "active")
ACTIVE_KEYS = frozenset({"/JS", "/AA", "/EF", "/EmbeddedFiles", "/JavaScript", "/RichMediaContent", "/XFA"})
ACTIONS = frozenset({"/JavaScript", "/Launch", "/SubmitForm", "/ImportData", "/GoToR", "/GoToE", "/Rendition"})


@dataclass(frozen=True)
class Scan:
    """A picture that was checked; only `checked` makes one."""

    content: bytes
    media_type: str
    sha256: str


def checked(content: bytes) -> Scan:
    """The picture, with the SHA-256 (hex) of the file as it was sent. Takes up to a second: open no transaction.

    Raises: NotAllowed with one of FAULTS.
    """
    found = fault(content)
    if found is not None:
        raise NotAllowed("This is no picture of a paper that can be kept.", detail=f"{found=}", code=found)
    return Scan(content, kind_of(content) or "", hashlib.sha256(content).hexdigest())


def kind_of(content: bytes) -> str | None:
    """PURE: the media type that the first bytes show: JPEG, PNG or PDF; None for anything else, whatever its name."""
    return next((kind for beginning, kind in BEGINNINGS.items() if content.startswith(beginning)), None)


def fault(content: bytes) -> str | None:
    """PURE: why this is not kept, as one of FAULTS, or None."""
    if not content:
        return "required"
    if len(content) > LARGEST:
        return "too_large"
    kind = kind_of(content)
    if kind is None:
        return "kind"
    return _of_document(content) if kind == "application/pdf" else _of_picture(content, kind)


def _of_picture(content: bytes, kind: str) -> str | None:
    """Size first, then every byte: a JPEG is decoded at an eighth of its size, a PNG is held against its checksums."""
    from PIL import Image  # noqa: PLC0415 -- only who keeps a paper needs it

    if kind == "image/jpeg" and content.count(SCAN) > MOST_SCANS:
        return "damaged"
    try:
        with Image.open(io.BytesIO(content), formats=(kind.removeprefix("image/").upper(),)) as picture:
            width, height = picture.size
            if width * height > (MOST_PROGRESSIVE if picture.info.get("progressive") else MOST_PIXELS):
                return "pixels"
            if min(width, height) < LEAST_SIDE:
                return "small"
            if kind == "image/png":
                picture.verify()
            else:
                picture.draft("L", (width // 8, height // 8))
                picture.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return "pixels"
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, zlib.error):
        return "damaged"
    return None


def _of_document(content: bytes) -> str | None:
    import pypdf  # noqa: PLC0415 -- only who keeps a paper needs it

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # its warnings quote the file
    limits = pypdf.Configuration(
        zlib_maximum_output_length=UNPACKED,
        stream_decoding_work_maximum_length=UNPACKED,
        page_tree_maximum_entries=MOST_OBJECTS,
    )
    try:
        with pypdf.apply_configuration(limits):
            return _looked_through(pypdf.PdfReader(io.BytesIO(content)))
    except Exception:  # noqa: BLE001 -- whatever a hostile file does to the reader, it is no paper
        return "damaged"


def _looked_through(reader: Any) -> str | None:
    if reader.is_encrypted:
        return "locked"
    if not 1 <= len(reader.pages) <= MOST_PAGES:
        return "pages"
    return "active" if acts(reader) else None


def acts(reader: Any) -> bool:
    """Whether anything in a document runs, sends, opens something else or carries files; or it is too much to read.

    Every object that its root leads to is looked at once, by the keys and actions of ISO 32000-1 section 12.6.
    """
    waiting, seen = [reader.trailer.raw_get("/Root")], set[tuple[int, int]]()
    while waiting:
        one = waiting.pop()
        if hasattr(one, "idnum"):
            if (one.idnum, one.generation) in seen:
                continue
            seen.add((one.idnum, one.generation))
            one = one.get_object()
        if len(seen) > MOST_OBJECTS:
            return True
        if isinstance(one, dict):
            action: Any = dict.get(one, "/S")
            action = action.get_object() if hasattr(action, "idnum") else action
            if not ACTIVE_KEYS.isdisjoint(one) or action in ACTIONS:
                return True
            waiting.extend(dict.values(one))
        elif isinstance(one, list):
            waiting.extend(list.__iter__(one))
    return False
