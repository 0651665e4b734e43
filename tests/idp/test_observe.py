import io
import json
import sys

import pytest
import structlog

from idp import observe


@pytest.fixture(autouse=True)
def _afterwards():
    yield
    structlog.reset_defaults()


class FullDisk(io.StringIO):
    """Standard output on a disk with no room."""

    def flush(self):
        """As write(2) answers then."""
        raise OSError(28, "No space left on device")


def test_a_line_that_cannot_be_written_stops_nobody(monkeypatch):
    """X6: with a full disk pages go on being read; a log that raises would turn each of them into a 500."""
    monkeypatch.setattr(sys, "stdout", FullDisk())
    observe.configure("info")

    observe.request_line(status=200, route="/livez")
    structlog.get_logger("yinyom.worker").error("worker.round_failed", error="OperationalError")


def test_a_line_stays_one_line_whatever_stands_in_it(capsys):
    """ASVS 16.4.1: CR, LF and the line ends of Unicode are encoded."""
    observe.configure("info")

    observe.request_line(status=400, detail="a\r\nb\u2028c\u0085d")

    written = capsys.readouterr().out
    assert written.isascii()
    assert written.count("\n") == 1
    assert json.loads(written)["detail"] == "a\r\nb\u2028c\u0085d"
