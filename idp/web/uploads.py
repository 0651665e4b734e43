"""Files that somebody sends stay in memory: no picture touches a disk unsealed, and what is too large takes no room.

The rest of such a form is read all the same, so that the page can say what is wrong and keep what was typed.
"""

import io
from typing import IO, Any

import flask
from flask import g

from idp import scans
from idp.web import cookies, gate


class Upload(io.BytesIO):
    """One file up to the largest that is kept; of a larger one, only that it was too large."""

    def __init__(self) -> None:
        super().__init__()
        self.too_large = False

    def write(self, part: Any) -> int:
        """Take a part of the file, or let go of all of it once it is too large."""
        if not self.too_large and self.tell() + len(part) > scans.LARGEST:
            self.too_large = True
            self.seek(0)
            self.truncate()
        return len(part) if self.too_large else super().write(part)


class Request(flask.Request):
    """A request of ours."""

    def _get_file_stream(self, *_about: Any, **_more: Any) -> IO[bytes]:
        return Upload()


def room_for_staff(largest: int) -> None:
    """Before a form is read: one with a picture in it may be this large (bytes), from who is signed in as staff.

    Whoever is not gets the limit of every other page, so that nobody fills the memory from outside.
    """
    token = cookies.read(cookies.STAFF)
    if flask.request.method != "POST" or token is None:
        return
    g.session = None
    if gate.find_signed_in(token, kind="staff") is not None:
        flask.request.max_content_length = largest


def read(name: str) -> tuple[bytes, str | None]:
    """The file of a field, and `too_large` if it was; nothing where none was sent."""
    sent = flask.request.files.get(name)
    if sent is None:
        return b"", None
    stream = sent.stream
    return sent.read(), "too_large" if isinstance(stream, Upload) and stream.too_large else None
