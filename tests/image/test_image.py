"""The Dockerfile, really executed: what the image holds, and that every command runs in it locked down."""

import base64
import os
import re
import secrets
import socket
from contextlib import closing, contextmanager

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.image.engine import UID

BODY = b"grant_type=client_credentials&client_id=nobody&client_secret=wrong"
FORM = "application/x-www-form-urlencoded"
HEAD = (
    b"POST /oauth/token HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n"
)


def free_port():
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def place(image):
    """Settings, key file and data of a sandbox of its own; containers get them as options."""
    name = secrets.token_hex(4)
    folder = image.home / name
    (folder / "data").mkdir(parents=True)
    (folder / "kek").write_bytes(base64.b64encode(os.urandom(32)))
    (folder / "kek").chmod(0o400)
    for path in (folder / "data", folder / "kek"):
        os.chown(path, UID, 0)
    return Place(name, folder, free_port())


class Place:
    """Where a test's containers live."""

    def __init__(self, name, folder, port):
        self.name, self.port, self.url = name, port, f"http://127.0.0.1:{port}"
        told = {"ISSUER": f"http://localhost:{port}", "PORT": port, "HOST": "127.0.0.1", "SANDBOX": "true"}
        variables = [part for key, value in told.items() for part in ("-e", f"YINYOM_{key}={value}")]
        mounts = ("-v", f"{folder / 'data'}:/data", "-v", f"{folder / 'kek'}:/run/secrets/kek:ro")
        self.options = ("--network", "host", *mounts, *variables)


@contextmanager
def running(image, place, command):
    """A container of one command, removed afterwards; its name."""
    name = f"{command}-{place.name}"
    image.start(name, command, options=place.options)
    try:
        yield name
    finally:
        image.podman("rm", "-f", "-t", "1", name)


def answers(url, path="/readyz"):
    """Whether it says 200."""
    try:
        return httpx.get(url + path, timeout=5).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def gauges(url):
    """Values of /metrics that have no labels."""
    families = text_string_to_metric_families(httpx.get(f"{url}/metrics", timeout=5).text)
    return {sample.name: sample.value for family in families for sample in family.samples if not sample.labels}


def stopped(image, name, *, patience_s=10):
    """The exit code after SIGTERM and at most so many seconds; 137 would mean that it had to be killed."""
    image.podman("stop", "-t", patience_s, name)
    return int(image.podman("inspect", "--format", "{{.State.ExitCode}}", name))


def test_the_image_says_how_it_is_run(image, capsys):
    """Not root, one entry for every command, a health check, a volume; its size is told."""
    found = image.inspect()
    config = found["Config"]

    assert config["User"] == str(UID)
    assert (config["Entrypoint"], config["Cmd"]) == (["idp"], ["serve"])
    assert config["StopSignal"] in ("SIGTERM", "15")
    assert found["HealthCheck" if "HealthCheck" in found else "Healthcheck"]["Test"] == ["CMD", "idp", "health"]
    assert set(config["Volumes"]) == {"/data"}
    assert set(config["ExposedPorts"]) == {"8000/tcp"}
    assert config["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0"
    names = [one.partition("=")[0] for one in config["Env"]]
    assert not [name for name in names if re.search(r"SECRET|TOKEN|PASSWORD|PIP_|PROXY", name, re.IGNORECASE)]
    with capsys.disabled():
        print(f"\nimage: {found['Size'] / 1e6:.0f} MB, its base included")  # noqa: T201 -- a figure for the report


def test_the_image_holds_what_runs_and_nothing_that_built_it(image):
    """No compiler, no pip of its own, no cache, no tests, no history, nothing of the host's configuration."""
    programs = "gcc cc clang ld as make git curl wget uv node"
    site = "/opt/yinyom/lib/python*/site-packages"
    left = f"{site}/pip {site}/hatchling {site}/tests {site}/idp/tests /src /tools /dist"
    found = image.shell(
        f"for one in {programs}; do command -v $one; done; ls -d {left} 2>/dev/null;"
        "find / -xdev '(' -name .git -o -name .cache -o -name 'requirements*.txt' ')' 2>/dev/null;"
        "find / -xdev -name '*.whl' ! -path '/usr/share/python-wheels/*' 2>/dev/null;"
        "test ! -s /etc/pip.conf || echo /etc/pip.conf"
    )

    assert found == ""


def test_nothing_in_the_image_raises_privileges_or_can_be_changed_by_who_runs_it(image):
    """No setuid file; of all files only its own data folder belongs to the user."""
    found = image.shell(
        "find / -xdev -type f -perm /6000 2>/dev/null;"
        "find / -xdev '(' -user 10001 -o -type f -perm -o+w ')' ! -path '/proc/*' 2>/dev/null; true"
    )

    assert found.split() == ["/data"]


def test_locked_down_it_is_nobody_on_a_root_that_cannot_be_written(image):
    """The flags of the Dockerfile's first lines, seen from inside."""
    seen = image.shell(
        "id -u; grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/self/status | tr '\\t' ' ';"
        "awk '$2 == \"/\" { print $4 }' /proc/mounts | cut -d, -f1;"
        "for one in / /opt/yinyom /usr/local /var/tmp /run; do touch $one/x 2>/dev/null && echo wrote $one; done;"
        "touch /tmp/x && rm /tmp/x && echo temporary is good"
    ).splitlines()

    assert seen == [str(UID), "CapEff: 0000000000000000", "NoNewPrivs: 1", "Seccomp: 2", "ro", "temporary is good"]


def test_it_migrates_serves_and_works_in_three_containers(image, place):
    """The server answers discovery and its health check; the worker, alone in another container, seals the log."""
    assert "The database stands at" in image.once("migrate", options=place.options)

    with running(image, place, "serve") as server:
        image.until(lambda: answers(place.url), server)
        told = httpx.get(f"{place.url}/.well-known/openid-configuration", timeout=5).json()
        assert told["issuer"] == f"http://localhost:{place.port}"
        image.podman("healthcheck", "run", server)

        refused = httpx.post(f"{place.url}/oauth/token", content=BODY, headers={"Content-Type": FORM}, timeout=5)
        assert refused.status_code == 401
        image.once("keys", "rotate", "--apply", "--use", "event", options=place.options)
        assert gauges(place.url)["yinyom_audit_unsealed"] > 0

        with running(image, place, "work") as worker:
            image.until(lambda: gauges(place.url)["yinyom_audit_unsealed"] == 0, worker)
            assert "yinyom_audit_last_seal_seconds" in gauges(place.url)
            assert "The worker lives." in image.podman("exec", worker, "idp", "health")
            image.podman("healthcheck", "run", worker)
            assert stopped(image, worker) == 0


def test_a_server_that_must_stop_answers_what_it_has_begun(image, place):
    """SIGTERM while requests are half sent: new ones are refused, those are answered, and it ends by itself."""
    image.once("migrate", options=place.options)
    with running(image, place, "serve") as server:
        image.until(lambda: answers(place.url), server)
        begun = [half_sent(place.port) for _ in range(8)]

        image.podman("kill", "--signal", "TERM", server)
        image.until(lambda: not accepts(place.port), server)

        for connection in begun:
            connection.sendall(BODY[10:])
        assert [rest(connection)[:12] for connection in begun] == [b"HTTP/1.1 401"] * len(begun)
        assert stopped(image, server) == 0


def test_the_sandbox_runs_in_it(image, place):
    """`idp demo`, in a network of its own, with everything that it starts."""
    name = f"demo-{place.name}"
    image.start(name, "demo", "--dir", "/data/sandbox", options=("--network", "none"))
    try:
        image.until(lambda: "Ctrl-C" in image.podman("logs", name), name)
        assert stopped(image, name, patience_s=30) == 0  # five processes and their own children
        assert "Sandbox stopped" in image.podman("logs", name)
    finally:
        image.podman("rm", "-f", "-t", "1", name)


def half_sent(port):
    """A connection whose request is under way and not complete."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    connection.sendall(HEAD % len(BODY) + BODY[:10])
    return connection


def rest(connection):
    """What comes until the server closes, or the first of it."""
    with connection:
        return connection.recv(4096)


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True
