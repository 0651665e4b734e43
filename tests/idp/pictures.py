"""Pictures of papers for tests: photographs, a scan, and documents that are no papers."""

import io
from collections.abc import Callable
from functools import cache

import pypdf
from PIL import Image
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, TextStringObject

LETTER = (612, 792)


@cache
def photo(width: int = 1200, height: int = 1600, *, kind: str = "JPEG", **more: bool) -> bytes:
    """A photograph of a sheet: light paper with a darker edge."""
    picture = Image.new("RGB", (width, height), (236, 234, 228))
    picture.paste((120, 112, 100), (0, 0, width, min(40, height)))
    out = io.BytesIO()
    picture.save(out, kind, **more)
    return out.getvalue()


@cache
def document(pages: int = 1) -> bytes:
    """A scan as PDF."""
    return written(pages, lambda _: None)


def written(pages: int, change: Callable[[pypdf.PdfWriter], object]) -> bytes:
    """A PDF with something done to it before it is written."""
    writer = pypdf.PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(*LETTER)
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def opening_at_a_page() -> bytes:
    """A PDF as many scanners write it: opened, it shows its first page."""

    def change(writer: pypdf.PdfWriter) -> None:
        shown = ArrayObject([writer.pages[0].indirect_reference, NameObject("/Fit")])
        action = {NameObject("/S"): NameObject("/GoTo"), NameObject("/D"): shown}
        writer.root_object[NameObject("/OpenAction")] = writer._add_object(DictionaryObject(action))

    return written(2, change)


def locked() -> bytes:
    """A PDF that nobody opens without its password."""
    return written(1, lambda writer: writer.encrypt("secret", algorithm="RC4-128"))


def with_program() -> bytes:
    """A PDF that runs something when it is opened."""

    def change(writer: pypdf.PdfWriter) -> None:
        action = {NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("app.alert(1)")}
        writer.root_object[NameObject("/OpenAction")] = writer._add_object(DictionaryObject(action))

    return written(1, change)


def with_file() -> bytes:
    """A PDF that carries another file."""
    return written(1, lambda writer: writer.add_attachment("paper.html", b"<script>"))


def with_launch() -> bytes:
    """A PDF whose page has a place to press that starts a program; the action is named by a reference."""

    def change(writer: pypdf.PdfWriter) -> None:
        name = writer._add_object(NameObject("/Launch"))
        action = DictionaryObject({NameObject("/S"): name, NameObject("/F"): TextStringObject("calc.exe")})
        writer.pages[0][NameObject("/A")] = writer._add_object(action)

    return written(1, change)
