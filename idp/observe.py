"""One structured line per request or fault, and nothing in it that names a person.

Only the fields of `FIELDS` reach a line; everything else is dropped before it is rendered, so a careless keyword in a
page cannot leak. JSON encoding keeps CR and LF inside their string (ASVS 16.4.1).
"""

import logging
import sys
import traceback
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any

import structlog

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
FIELDS = frozenset(
    {
        "event",
        "level",
        "timestamp",
        "request_id",
        "method",
        "route",  # the rule, never the path: paths hold ids
        "status",
        "duration_ms",
        "code",  # what was refused, by its stable code
        "error",  # class of an exception
        "at",  # module and line where it was raised
        "client_id",
        "detail",
        "locale",
        "kind",  # of a job
        "attempts",
    }
)


class Lines:
    """Standard output. A line that cannot be written (full disk, closed pipe) is lost, and nothing else with it."""

    def msg(self, line: str) -> None:
        """One line, at once."""
        with suppress(OSError, ValueError):
            sys.stdout.write(line + "\n")
            sys.stdout.flush()

    debug = info = warning = error = msg


def configure(level: str) -> None:
    """Write JSON lines of `level` and above to standard output. Safe to call twice."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            allow_listed,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=lambda *_names: Lines(),
        cache_logger_on_first_use=False,
    )


def allow_listed(_logger: Any, _method: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Keep the fields that are known to name nobody."""
    return {name: value for name, value in fields.items() if name in FIELDS and value not in (None, "")}


def request_line(*, status: int, **fields: Any) -> None:
    """The one line of a request: `error` level from 500 on, `info` below."""
    line = structlog.get_logger()
    (line.error if status >= 500 else line.info)("request", status=status, **fields)  # noqa: PLR2004 -- RFC 9110 15.6


def root_of(error: BaseException) -> BaseException:
    """What an error was raised from, at the end of the chain."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def where(error: BaseException) -> str:
    """Module file and line of the innermost frame that is ours: enough to find it, without any value."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "site-packages" not in frame.filename] or frames
    return f"{'/'.join(ours[-1].filename.split('/')[-3:])}:{ours[-1].lineno}" if ours else ""
