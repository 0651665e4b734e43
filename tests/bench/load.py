"""wrk against one endpoint: what it did, and whether every answer was a good one."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import httpx

SCRIPT = Path(__file__).with_name("wrk.lua")
SERVER_CORE, LOAD_CORE = "0", "1"
LEVELS = (1, 16, 64)
WARM_S = 1


@dataclass(frozen=True)
class Endpoint:
    """One thing that a client does. `once` is for what can be used only once; each needs a line of its own."""

    name: str
    method: str
    status: int
    holds: str
    once: bool = False


ENDPOINTS = (
    Endpoint("discovery", "GET", 200, "issuer"),
    Endpoint("client_credentials", "POST", 200, "access_token"),
    Endpoint("code", "POST", 200, "id_token", once=True),
    Endpoint("refresh", "POST", 200, "id_token"),
    Endpoint("introspection", "POST", 200, '"sub"'),
    Endpoint("userinfo", "GET", 200, '"name"'),
    Endpoint("authorize", "GET", 303, "code="),
    Endpoint("authorize_silent", "GET", 303, "code="),
)


@dataclass(frozen=True)
class Result:
    """One run. `void` says in a word why it does not count."""

    requests: int
    per_second: float
    p50_ms: float
    p99_ms: float
    wrong: int
    position: int
    void: str = ""


def run(port: int, endpoint: Endpoint, lines: Path, *, connections: int, seconds: int, begin: int) -> Result:
    """Load from its own core for `seconds`; `begin` is the first line that is still unused."""
    where = str(begin) if endpoint.once else "random"
    # wrk leaves its last requests in the server's queue: whoever is measured next must not wait behind them.
    httpx.get(f"http://localhost:{port}/.well-known/openid-configuration", timeout=60)
    told = subprocess.run(  # noqa: S603 -- wrk, with our own arguments
        [
            *("taskset", "-c", LOAD_CORE, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s"),
            *("-s", str(SCRIPT), f"http://localhost:{port}", "--"),
            *(str(lines), endpoint.method, str(endpoint.status), endpoint.holds, where),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    found = [line for line in told.stdout.splitlines() if line.startswith("RESULT ")]
    if told.returncode or not found:
        return Result(0, 0, 0, 0, 0, begin, void=f"wrk: {told.stderr.strip()[:200]}")
    facts = json.loads(found[0].removeprefix("RESULT "))
    sample = next((line.removeprefix("SAMPLE ") for line in told.stdout.splitlines() if line.startswith("SAMPLE ")), "")
    void = ""
    if facts["spent"]:
        void = "ran out of lines"
    elif facts["wrong"] or facts["faults"]:
        void = f"{facts['wrong']} wrong answers, {facts['faults']} faults: {sample}"
    elif not facts["requests"]:
        void = "no answer"
    return Result(
        requests=facts["requests"],
        per_second=facts["requests"] / (facts["us"] / 1e6),
        p50_ms=facts["p50_us"] / 1000,
        p99_ms=facts["p99_us"] / 1000,
        wrong=facts["wrong"] + facts["faults"],
        position=facts["position"],
        void=void,
    )
