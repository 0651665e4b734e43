"""Every knob of the server, frozen once, each with its meaning; unsafe combinations refuse to start.

Read from the environment (`YINYOM_…`) and, below it, from the TOML file that `YINYOM_CONFIG` names. Secrets are
given by file path, never by value.
"""

import base64
import os
import tomllib
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from idp.outside import LEAST_TOKEN, Outside, read_secret

KEK_BYTES = 32
DATABASES = ("sqlite", "postgresql", "postgresql+psycopg")
CONFIG_VARIABLE = "YINYOM_CONFIG"


def is_loopback(host: str | None) -> bool:
    """Whether a host name or address literal can only be this machine."""
    if host is None:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _is_ours(url: str) -> bool:
    return urlsplit(url).scheme == "http" and is_loopback(urlsplit(url).hostname)


def _settings_file(settings: type[BaseSettings], path: Path) -> TomlConfigSettingsSource:
    """The file as a source of settings. Raises: ValueError for one that is not there, may not be read or is no TOML."""
    try:
        path.open("rb").close()  # pydantic-settings passes over a file that is not there
        return TomlConfigSettingsSource(settings, path)
    except OSError as error:
        raise ValueError(f"the settings file {path} ({CONFIG_VARIABLE}) cannot be read: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"the settings file {path} ({CONFIG_VARIABLE}) is no TOML: {error}") from error


class Settings(Outside):
    """One frozen object. Durations are `timedelta` (ISO 8601 or seconds in the environment)."""

    model_config = SettingsConfigDict(env_prefix="YINYOM_", frozen=True, extra="forbid")

    issuer: str = Field(description="The issuer identifier (OIDC Discovery 3): https, no query, no trailing slash.")
    database_url: str = Field(description="sqlite:///path or postgresql://… (psycopg 3).")
    kek_file: Path = Field(description="File with the key-encryption key: 32 random bytes, base64. Back it up apart.")
    seal_memory_file: Path | None = Field(
        default=None,
        description="Where the sealer keeps what it signed last; not on the database's disk. Default: beside kek_file.",
    )
    sandbox: bool = Field(default=False, description="Synthetic people only, marked on every page, fake channels.")
    sandbox_registry: Path | None = Field(default=None, description="Sandbox: another TSV of made-up people.")
    sandbox_fixed_code: str | None = Field(
        default=None, pattern=r"^\d{6}$", description="Sandbox: one code that always works, for automated browsers."
    )
    sandbox_flows: int = Field(
        default=20, ge=0, le=200, description="Sandbox: how many of the last flows /dev/last shows; 0 records nothing."
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=1, le=65535, description="Port to listen on.")
    workers: int = Field(default=1, ge=1, le=64, description="Web processes.")
    proxies: int = Field(default=0, ge=0, le=4, description="How many reverse proxies in front set X-Forwarded-For.")
    default_locale: str = Field(default="th", pattern="^(th|en)$", description="Language when nobody asked for one.")
    code_lifetime: timedelta = Field(default=timedelta(seconds=60), description="Authorization code (FAPI 2.0: 60 s).")
    interaction_lifetime: timedelta = Field(default=timedelta(minutes=30), description="A paused request.")
    otp_lifetime: timedelta = Field(default=timedelta(minutes=5), description="One-time code by SMS.")
    otp_tries: int = Field(default=5, ge=1, le=10, description="Guesses per challenge, exact.")
    sms_range_unanswered: int = Field(
        default=50, ge=1, description="Codes that a range of phones (a number less 4 digits) may leave untyped an hour."
    )
    browser_numbers: int | None = Field(
        default=None, ge=1, description="National IDs a browser may ask for in an hour; default 3, in a sandbox 100."
    )
    facility_networks: tuple[IPv4Network | IPv6Network, ...] = Field(
        default=(), description="Networks of facilities, as CIDR: many people come from there."
    )
    as_ranges_file: Path | None = Field(
        default=None, description="TSV of first address, last address and AS number, to count people by AS; none: not."
    )
    token_rate: int = Field(
        default=6000,
        ge=0,
        description="Tokens of one client from one network a minute; questions, reports alike; 0: any.",
    )
    redis_url: str | None = Field(
        default=None, description="redis://host:port/db where processes count volume together; default: each its share."
    )
    redis_password_file: Path | None = Field(default=None, description="Password of that Redis.")
    processes: int | None = Field(
        default=None, ge=1, description="Web processes on all machines: what a share is. Default: workers."
    )
    session_absolute: timedelta = Field(default=timedelta(hours=12), description="Citizen session at AAL2, absolute.")
    session_idle: timedelta = Field(default=timedelta(minutes=30), description="Citizen session, idle.")
    shared_session_absolute: timedelta = Field(
        default=timedelta(hours=1), description="Session on a device that the person called shared, absolute."
    )
    shared_session_idle: timedelta = Field(
        default=timedelta(minutes=5), description="Session on a device that the person called shared, idle."
    )
    recovery_wait: timedelta = Field(
        default=timedelta(hours=24),
        ge=timedelta(hours=24),
        le=timedelta(hours=72),
        description="How long the owner of an account may object before a recovery takes effect: 24 to 72 hours.",
    )
    staff_session_absolute: timedelta = Field(default=timedelta(hours=8), description="Staff session, absolute.")
    staff_session_idle: timedelta = Field(default=timedelta(minutes=15), description="Staff session, idle.")
    security_key_roots: Path | None = Field(
        default=None,
        description="PEM file with root certificates of the makers of staff's security keys; only theirs reach AAL3.",
    )
    security_key_roles: str = Field(
        default="",
        pattern=r"^((auditor|administrator)(,(auditor|administrator))?)?$",
        description="Roles that work only after signing in with a security key: auditor,administrator.",
    )
    refresh_absolute: timedelta = Field(default=timedelta(days=90), description="A refresh family's longest life.")
    metrics_token_file: Path | None = Field(
        default=None, description="Bearer token that opens /metrics; without it only this machine may ask."
    )
    metrics_dir: Path | None = Field(
        default=None,
        description="Folder where several processes count together, cleared at boot (a part of /run); else each alone.",
    )
    pulse_file: Path | None = Field(
        default=None, description="File that the worker touches each round; `idp health` looks at its age."
    )
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$", description="Lowest level logged.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then environment, then the TOML file."""
        toml = os.environ.get(CONFIG_VARIABLE)
        file = (_settings_file(settings_cls, Path(toml)),) if toml else ()
        return (init_settings, env_settings, *file)

    @field_validator("issuer")
    @classmethod
    def _issuer_is_plain(cls, issuer: str) -> str:
        parts = urlsplit(issuer)
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise ValueError("the issuer must be an https URL")
        if parts.query or parts.fragment or parts.username or issuer.endswith("/"):
            raise ValueError("the issuer must have no query, fragment, user or trailing slash")
        return issuer

    @field_validator("database_url")
    @classmethod
    def _database_is_one_of_two(cls, url: str) -> str:
        if url.partition(":")[0] not in DATABASES or "://" not in url:
            raise ValueError("the database must be sqlite:///path or postgresql://user@host/name")
        return url

    @model_validator(mode="after")
    def _providers_are_told_in_full(self) -> "Settings":
        if any(not (u.startswith("https://") or (self.sandbox and _is_ours(u))) for u in self.provider_urls):
            words = "thaid_url, line_web_url, line_api_url and sim_swap_url must be https, or loopback in a sandbox"
            raise ValueError(words)
        if self.thaid_url is not None and not (self.thaid_client_id and self.thaid_secret_file):
            raise ValueError("thaid_url needs thaid_client_id and thaid_secret_file")
        if self.line_channel_id is not None and self.line_channel_secret_file is None:
            raise ValueError("line_channel_id needs line_channel_secret_file")
        return self

    @model_validator(mode="after")
    def _unsafe_starts_are_refused(self) -> "Settings":
        parts = urlsplit(self.issuer)
        if parts.scheme == "http" and not (self.sandbox and is_loopback(parts.hostname)):
            raise ValueError("an http issuer is only for a sandbox on loopback")
        if not self.sandbox and (self.sandbox_fixed_code or self.sandbox_registry):
            raise ValueError("sandbox_… settings need sandbox = true")
        if not self.sandbox and self.sms_gateway_url is None:
            raise ValueError("outside the sandbox an sms_gateway_url is needed")
        if self.smtp_host is not None and "@" not in self.smtp_from:
            raise ValueError("smtp_host needs smtp_from, the mailbox that e-mails come from")
        return self

    @model_validator(mode="after")
    def _keys_that_are_needed_have_makers(self) -> "Settings":
        if self.security_key_roles and self.security_key_roots is None:
            raise ValueError("security_key_roles need the makers' certificates in security_key_roots")
        return self

    @property
    def sqlite_file(self) -> Path | None:
        """The database, when it is a file."""
        kind, _, path = self.database_url.partition(":///")
        return Path(path) if kind.startswith("sqlite") and path else None

    @property
    def base_path(self) -> str:
        """Path part of the issuer, without a trailing slash ("" for none)."""
        return urlsplit(self.issuer).path

    @property
    def origin(self) -> str:
        """Scheme, host and port of the issuer: the WebAuthn origin."""
        parts = urlsplit(self.issuer)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def log_origin(self) -> str:
        """The name of the audit log in its checkpoints: the issuer without its scheme (C2SP tlog-checkpoint)."""
        return f"{self.issuer.partition('://')[2]}/log"

    @property
    def seal_memory(self) -> Path:
        """What outlives a restored database, so that it is not signed as a fork. Default: `<kek_file>.signed`."""
        return self.seal_memory_file or self.kek_file.with_name(f"{self.kek_file.name}.signed")

    @property
    def rp_id(self) -> str:
        """WebAuthn RP ID: the issuer's host name."""
        return urlsplit(self.issuer).hostname or ""

    @property
    def roles_needing_key(self) -> frozenset[str]:
        """Roles of staff that ask for AAL3."""
        return frozenset(filter(None, self.security_key_roles.split(",")))

    @property
    def secure_cookies(self) -> bool:
        """`__Host-` and Secure everywhere but on a loopback http sandbox (DECISIONS 26)."""
        return urlsplit(self.issuer).scheme == "https"

    @property
    def numbers_per_browser(self) -> int:
        """How many people may be asked for in one browser; a developer tries everybody in the sandbox."""
        return self.browser_numbers or (100 if self.sandbox else 3)

    def redis_password(self) -> str:
        """What opens Redis; empty without a file. ValueError in one sentence when the file cannot be read."""
        return read_secret(self.redis_password_file, "Redis' password")

    def metrics_token(self) -> str | None:
        """What opens /metrics; ValueError in one sentence when the file is missing or holds less than 32 characters."""
        if self.metrics_token_file is None:
            return None
        try:
            token = self.metrics_token_file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"the file {self.metrics_token_file} cannot be read") from error
        if len(token) < LEAST_TOKEN:
            raise ValueError(f"the file {self.metrics_token_file} must hold at least {LEAST_TOKEN} characters")
        return token

    def kek(self) -> bytes:
        """The key-encryption key; ValueError in one sentence when the file is missing, short or not base64."""
        try:
            raw = base64.b64decode(self.kek_file.read_text(encoding="ascii").strip(), validate=True)
        except OSError as error:
            words = f"{error.strerror}; mend YINYOM_KEK_FILE, or the file's owner and mode"
            raise ValueError(f"the key file {self.kek_file} cannot be read: {words}") from error
        except ValueError as error:
            raise ValueError(f"the key file {self.kek_file} is not base64") from error
        if len(raw) != KEK_BYTES:
            raise ValueError(f"the key file {self.kek_file} must hold exactly {KEK_BYTES} bytes")
        return raw
