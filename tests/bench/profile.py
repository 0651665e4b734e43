"""Where the time goes: each hot path called in this process, without a network, in µs of processor time a request.

What waits (the disk at a commit, another process on this core) does not count here, so a busy machine blurs it little.

`python -m tests.bench.profile [ENDPOINT …]`; `--functions` prints the profiler's view as well, `--same-work` leaves out
the log and the disk as `launch` does.
"""

import argparse
import cProfile
import io
import pstats
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from itertools import cycle
from pathlib import Path
from urllib.parse import unquote

from sqlalchemy import event

from idp.app import create_app, wall_clock, wire
from tests.bench import launch, stage

ENDPOINTS = {
    "discovery": ("GET", 200),
    "client_credentials": ("POST", 200),
    "code": ("POST", 200),
    "refresh": ("POST", 200),
    "introspection": ("POST", 200),
    "userinfo": ("GET", 200),
    "authorize": ("GET", 303),
    "authorize_silent": ("GET", 303),
}
ROUNDS, EACH, COUNTED = 3, 50, 20
SMALL = stage.Size(people=1_500, clients=10, tokens=12_000, sessions=1_000, codes=5_000, refreshes=3_000)


def environ(method: str, line: str) -> dict[str, object]:
    """One line of the stage as a WSGI request, as granian would hand it over."""
    authorization, cookie, path, body = line.split("\t")
    where, _, query = path.partition("?")
    made: dict[str, object] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(where),
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "8765",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "localhost:8765",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body.encode()),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    if body:
        made |= {"CONTENT_TYPE": "application/x-www-form-urlencoded", "CONTENT_LENGTH": str(len(body))}
    if authorization:
        made["HTTP_AUTHORIZATION"] = authorization
    if cookie:
        made["HTTP_COOKIE"] = cookie
    return made


def call(app: Callable[..., object], request: dict[str, object], wanted: int) -> None:
    """One request. Raises: RuntimeError for another answer than the wanted one."""
    answered: list[str] = []

    def start_response(status: str, _headers: list[tuple[str, str]], _exc: object = None) -> None:
        answered.append(status)

    body = b"".join(app(request, start_response))
    if not answered[0].startswith(str(wanted)):
        raise RuntimeError(f"{answered[0]}: {body[:200]!r}")


def measure(app: Callable[..., object], name: str, lines: Iterator[str]) -> float:
    """µs a request: the best of several rounds."""
    method, wanted = ENDPOINTS[name]
    best = float("inf")
    for _ in range(ROUNDS):
        requests = [environ(method, next(lines)) for _ in range(EACH)]
        began = time.process_time()
        for request in requests:
            call(app, request, wanted)
        best = min(best, (time.process_time() - began) / EACH)
    return best * 1e6


def counts(app: Callable[..., object], name: str, lines: Iterator[str], statements: list[str]) -> tuple[int, int]:
    """Function calls and SQL statements a request: the same on every machine, however busy."""
    method, wanted = ENDPOINTS[name]
    requests = [environ(method, next(lines)) for _ in range(COUNTED)]
    statements.clear()
    profiler = cProfile.Profile()
    profiler.enable()
    for request in requests:
        call(app, request, wanted)
    profiler.disable()
    return round(pstats.Stats(profiler).total_calls / COUNTED), round(len(statements) / COUNTED)


def functions(app: Callable[..., object], name: str, lines: Iterator[str]) -> str:
    """The profiler's view of some hundred requests."""
    method, wanted = ENDPOINTS[name]
    requests = [environ(method, next(lines)) for _ in range(EACH)]
    profiler = cProfile.Profile()
    profiler.enable()
    for request in requests:
        call(app, request, wanted)
    profiler.disable()
    told = io.StringIO()
    pstats.Stats(profiler, stream=told).strip_dirs().sort_stats("tottime").print_stats(45)
    pstats.Stats(profiler, stream=told).strip_dirs().sort_stats("cumtime").print_stats(70)
    return told.getvalue()


def run(names: Sequence[str], *, same_work: bool, in_detail: bool) -> None:
    """Stage, warm up, measure."""
    with tempfile.TemporaryDirectory(prefix="yinyom-profile-") as folder:
        settings = launch.settings_in(Path(folder), port=8765)
        sessions, ports = wire(settings, clock=wall_clock)
        lines = stage.build(sessions, settings, SMALL, now=wall_clock()).lines
        if same_work:
            launch.leave_out_the_log(sessions)
        statements: list[str] = []
        event.listen(sessions.engine, "before_cursor_execute", lambda *facts: statements.append(facts[2]))
        app = create_app(settings, sessions=sessions, clock=wall_clock, ports=ports)
        for name in names:
            told = cycle(lines[name])
            with redirect_stdout(io.StringIO()):  # the request lines
                calls, asked = counts(app.wsgi_app, name, told, statements)
                spent = measure(app.wsgi_app, name, told)
                detail = functions(app.wsgi_app, name, told) if in_detail else ""
            print(f"{name:20} {spent:7.0f} µs  {calls:6} calls  {asked:3} statements", flush=True)  # noqa: T201 -- a program for a terminal
            print(detail, end="")  # noqa: T201
        sessions.engine.dispose()


def main() -> None:
    """From the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.profile")
    parser.add_argument("endpoint", nargs="*", choices=[[], *ENDPOINTS], help="all of them unless named")
    parser.add_argument("--functions", action="store_true")
    parser.add_argument("--same-work", action="store_true")
    asked = parser.parse_args()
    run(asked.endpoint or list(ENDPOINTS), same_work=asked.same_work, in_detail=asked.functions)


if __name__ == "__main__":
    main()
