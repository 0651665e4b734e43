"""`make bench`: requests a second and p99 on one core, beside oidc-provider from npm, as a Markdown table.

About five minutes; `--quick` one. The server has core 0 and wrk core 1. A run in which one answer was wrong is void.
Nothing is asserted on time. `same work` is our server without audit log, disk and request lines beside a peer that has
none of them either; `durable` is what is shipped: every acknowledged change is on disk, every first use is an entry.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from tests.bench import enumeration, load, servers, stage, withdrawal
from tests.bench.load import ENDPOINTS, LEVELS, Endpoint, Result
from tests.bench.servers import Server

REPORT = Path(__file__).with_name("report.md")
LEAST_CORES = 2
SIZE = stage.Size()
QUICK = stage.Size(people=2_000, tokens=20_000, codes=9_000, refreshes=5_000)
Found = dict[tuple[str, str, int], Result]


def say(text: str = "") -> None:
    """To the terminal, at once."""
    print(text, flush=True)  # noqa: T201 -- a program for a terminal


def missing() -> str | None:
    """What this machine lacks, in one sentence."""
    for program, package in (("wrk", "wrk"), ("taskset", "util-linux")):
        if shutil.which(program) is None:
            return f"make bench needs {program}: on Debian and Ubuntu, apt-get install {package}."
    if (os.cpu_count() or 1) < LEAST_CORES:
        return "make bench needs two processor cores: one for the server, one for the load."
    if not servers.NODE.exists() or not (servers.ROOT / "node_modules" / "oidc-provider").is_dir():
        return "make bench compares with oidc-provider: `make bench` installs it (package-lock.json)."
    return None


def measure(server: Server, endpoints: Sequence[Endpoint], *, seconds: int, found: Found, rounds: int) -> None:
    """Every endpoint at every level; of several rounds the best one that is not void counts."""
    for endpoint in endpoints:
        lines, begin = server.lines / endpoint.name, 1
        for connections in (LEVELS[1], *LEVELS) if seconds > 1 else LEVELS:  # the first one warms up, unless in haste
            for _ in range(rounds):
                result = load.run(server.port, endpoint, lines, connections=connections, seconds=seconds, begin=begin)
                begin = result.position
                known = found.get((server.name, endpoint.name, connections))
                if known is None or known.void or (not result.void and result.per_second > known.per_second):
                    found[server.name, endpoint.name, connections] = result
        say(line_of(server.name, endpoint.name, found))


def line_of(name: str, endpoint: str, found: Found) -> str:
    """One row: requests a second, p50 and p99 at each level."""
    cells = []
    for level in LEVELS:
        one = found[name, endpoint, level]
        cells.append(
            f"VOID ({one.void})" if one.void else f"{one.per_second:,.0f} · {one.p50_ms:.1f} · {one.p99_ms:.1f}"
        )
    return f"| {endpoint} | {name} | " + " | ".join(cells) + " |"


def ratio(found: Found, name: str, endpoint: str) -> str:
    """Ours over the peer's at each level."""
    told = []
    for level in LEVELS:
        own, other = found.get((name, endpoint, level)), found.get(("peer", endpoint, level))
        good = own and other and not own.void and not other.void and other.per_second
        told.append(f"{own.per_second / other.per_second:.2f}" if good and own and other else "-")
    return " / ".join(told)


def report(found: Found, names: Sequence[str], endpoints: Sequence[Endpoint]) -> str:
    """Both tables."""
    levels = " | ".join(f"{level} connections" for level in LEVELS)
    rows = [
        f"| endpoint | server | {levels} |",
        "|---|---|" + "---|" * len(LEVELS),
        *(line_of(name, one.name, found) for one in endpoints for name in names if (name, one.name, 1) in found),
        "",
        "Cells: requests a second · p50 ms · p99 ms, one core for the server.",
    ]
    if "peer" in names:
        own = [name for name in names if name != "peer"]
        rows += [
            "",
            f"| ours / peer at {', '.join(map(str, LEVELS))} connections | " + " | ".join(own) + " |",
            "|---|" + "---|" * len(own),
            *(
                f"| {one.name} | " + " | ".join(ratio(found, name, one.name) for name in own) + " |"
                for one in endpoints
            ),
        ]
    return "\n".join(rows)


def run(asked: argparse.Namespace) -> int:
    """Measure, one server after the other, and report; 1 when a run was void."""
    size, seconds = (QUICK, 1) if asked.quick else (SIZE, asked.seconds)
    endpoints = [one for one in ENDPOINTS if not asked.only or one.name in asked.only]
    found: Found = {}
    # What the server without disk keeps, it keeps in memory.
    memory = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 -- a folder of our own in it
    with (
        tempfile.TemporaryDirectory(prefix="yinyom-bench-") as kept,
        tempfile.TemporaryDirectory(prefix="yinyom-bench-", dir=memory) as light,
    ):
        folder = Path(kept)
        runs: list[AbstractContextManager[Server]] = [
            servers.ours(folder / "durable", size),
            servers.ours(Path(light) / "same", size, stripped=True),
            servers.peer(folder / "peer", size),
        ]
        if asked.postgresql:
            runs.insert(1, servers.ours(folder / "postgresql", size, database_url=asked.postgresql))
        names = []
        for one in runs:
            with one as server:
                say(f"\n{server.name}")
                names.append(server.name)
                measure(server, endpoints, seconds=seconds, found=found, rounds=asked.rounds)
    told = report(found, names, endpoints)
    REPORT.write_text(told + "\n", encoding="utf-8")
    say(f"\n{told}\n\nWritten to {REPORT.relative_to(servers.ROOT)}.")
    return int(any(result.void for result in found.values()))


def main() -> None:
    """From the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about a minute: fewer things, one second a run")
    parser.add_argument("--seconds", type=int, default=2, help="of each run (default 2)")
    parser.add_argument("--rounds", type=int, default=1, help="runs of each cell, of which the best counts")
    parser.add_argument("--only", nargs="*", choices=[one.name for one in ENDPOINTS], help="these endpoints")
    parser.add_argument("--postgresql", metavar="URL", help="an empty database, to measure as well")
    parser.add_argument(
        "--enumeration", action="store_true", help="instead: what answers tell of a number, 1,000 tries"
    )
    parser.add_argument("--withdrawals", action="store_true", help="instead: how soon everybody says no")
    asked = parser.parse_args()
    if asked.enumeration or asked.withdrawals:
        (enumeration if asked.enumeration else withdrawal).main()
        return
    lacking = missing()
    if lacking:
        sys.exit(lacking)
    sys.exit(run(asked))


if __name__ == "__main__":
    main()
