"""The stand-ins for ThaID and LINE in a sandbox: where they are, how they start, what the server is told of them."""

from typing import Any

from idp.demo.folder import HOST, Folder, Ports
from idp.settings import Settings

THAID, LINE = "thaid", "line"
NAMES = (THAID, LINE)
CLIENT_ID = "yinyom-sandbox"
SETTINGS = (
    "thaid_url",
    "thaid_client_id",
    "thaid_secret_file",
    "line_channel_id",
    "line_channel_secret_file",
    "line_web_url",
    "line_api_url",
)


def url(ports: Ports, name: str) -> str:
    """Where one of them is reached."""
    return f"http://{HOST}:{ports.thaid_port if name == THAID else ports.line_port}"


def settings_of(folder: Folder, ports: Ports) -> dict[str, Any]:
    """What the server is told: other services, asked over HTTP as the real ones are. Makes their secrets."""
    for name in NAMES:
        folder.secret(name)
    return {
        "thaid_url": url(ports, THAID),
        "thaid_client_id": CLIENT_ID,
        "thaid_secret_file": folder.secret_file(THAID).resolve(),
        "line_channel_id": CLIENT_ID,
        "line_channel_secret_file": folder.secret_file(LINE).resolve(),
        "line_web_url": url(ports, LINE),
        "line_api_url": url(ports, LINE),
    }


def command(folder: Folder, settings: Settings, ports: Ports, name: str) -> tuple[str, ...]:
    """How one of them is started: it knows our server as its one client, and the same people as the registry."""
    port = str(ports.thaid_port if name == THAID else ports.line_port)
    told = ("--issuer", settings.issuer, "--client-id", CLIENT_ID, "--secret-file", str(folder.secret_file(name)))
    people = ("--people", str(settings.sandbox_registry)) if settings.sandbox_registry else ()
    return ("-m", "idp.demo.services", name, "--port", port, *told, *people)


def told(settings: Settings, name: str) -> str | None:
    """One setting as a process reads it from its environment."""
    value = getattr(settings, name)
    return None if value is None else str(value)
