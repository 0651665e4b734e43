"""What every answer owes to whoever asked, however they asked."""

from typing import Any

from tests import leaks
from tests.idp.web.stage import CALLBACK, person

TRACES = ("Traceback", 'File "/', "sqlalchemy", "psycopg", "sqlite3.", "werkzeug.exceptions", "authlib.", "joserfc.")
OWN = ("/", "http://localhost:8000/", CALLBACK)
SEARCHER = leaks.Searcher([{name: getattr(person(), name) for name in person().__dataclass_fields__}])


def refuse_unclean(answer: Any, *, to_owner: bool = False) -> None:
    """No fault of ours, no insides, nobody's data but to themselves, the strict headers, an id, no way elsewhere."""
    asked, status = f"{answer.request.method} {answer.request.path}", answer.status_code
    assert status < 500 or (status == 503 and answer.request.path == "/readyz"), asked  # not ready: said with reasons
    found = [trace for trace in TRACES if trace in answer.text]
    assert not found, f"{asked}: {found}"
    if status >= 400 or not to_owner:
        assert not SEARCHER.found(answer.data), asked
    assert answer.headers["X-Content-Type-Options"] == "nosniff", asked
    assert answer.headers["Cache-Control"], asked
    if answer.mimetype == "text/html":
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"], asked
        assert answer.headers["X-Frame-Options"] == "DENY", asked
        assert answer.headers["Referrer-Policy"] == "no-referrer", asked
    if status >= 400:
        assert answer.headers["X-Request-Id"], asked
    going = answer.headers.get("Location", "/")
    assert going.startswith(OWN), f"{asked}: {going}"
    assert not going.startswith(("//", "/\\")), f"{asked}: {going}"
