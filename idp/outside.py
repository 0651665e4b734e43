"""Settings of what stands outside: SMS gateways, the mail server, the issuer of ID cards.

Apart from the rest only for length: `idp.settings.Settings` has them all. Secrets are given by file path.
"""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

LEAST_TOKEN = 32


class Outside(BaseSettings):
    """What leads out of this machine."""

    model_config = SettingsConfigDict(env_prefix="YINYOM_", frozen=True, extra="forbid")

    sms_gateway_url: str | None = Field(default=None, description="HTTP SMS gateway; required outside the sandbox.")
    sms_token_file: Path | None = Field(default=None, description="Bearer token of the SMS gateway.")
    sms_sender: str = Field(default="Yinyom", max_length=11, description="Sender name of the SMS.")
    sms_fallback_url: str | None = Field(
        default=None, description="Second SMS gateway of the same protocol, for what the first does not take."
    )
    sms_fallback_token_file: Path | None = Field(default=None, description="Bearer token of the second SMS gateway.")
    sms_receipts_secret_file: Path | None = Field(
        default=None,
        description="Secret that signs receipts of delivery (/hooks/sms/first, second); none: none taken.",
    )
    sms_part_satang: int = Field(default=50, ge=0, description="What one part of a text message costs, in satang.")
    sms_day_cap_baht: int | None = Field(
        default=None, ge=0, description="Most that a day's text messages may cost, in baht; none: no limit."
    )
    sms_webotp: bool = Field(
        default=False, description="End codes by SMS with @host #code, which browsers fill in on our own pages alone."
    )
    sim_swap_url: str | None = Field(
        default=None,
        description="CAMARA SIM Swap of the operators, up to /check; none: SIM changes are not asked about.",
    )
    sim_swap_token_file: Path | None = Field(default=None, description="Bearer token of that address.")
    register_day_quota: int | None = Field(
        default=None, ge=0, description="Most questions a day to the register of people; none: no limit."
    )
    smtp_host: str | None = Field(default=None, description="Mail server with STARTTLS; none: no letters by e-mail.")
    smtp_port: int = Field(default=587, ge=1, le=65535, description="Port of the mail server.")
    smtp_user: str = Field(default="", description="User at the mail server; empty: no sign-in there.")
    smtp_password_file: Path | None = Field(default=None, description="Password at the mail server.")
    smtp_ca_file: Path | None = Field(default=None, description="CA of the mail server, if it is no public one.")
    smtp_from: str = Field(default="", description="Sender of e-mails: name <mailbox>; needed with smtp_host.")
    dopa_url: str | None = Field(
        default=None, description="SOAP endpoint that checks ID cards; none: no proof by card data or card status."
    )
    dopa_client_file: Path | None = Field(
        default=None, description="Client certificate and key for that endpoint, one PEM file (mutual TLS)."
    )
    dopa_ca_file: Path | None = Field(default=None, description="CA of that endpoint, if it is no public one.")

    thaid_url: str | None = Field(
        default=None, description="ThaID's base address (https://imauth.bora.dopa.go.th); none: ThaID is not offered."
    )
    thaid_issuer: str | None = Field(default=None, description="What ThaID calls itself; default: thaid_url.")
    thaid_client_id: str = Field(default="", description="Our client at ThaID; needed with thaid_url.")
    thaid_secret_file: Path | None = Field(default=None, description="Secret of our client at ThaID.")
    thaid_ca_file: Path | None = Field(default=None, description="CA of ThaID, if it is none of the public ones.")
    line_channel_id: str | None = Field(
        default=None, description="LINE Login channel; none: LINE is neither linked nor offered."
    )
    line_channel_secret_file: Path | None = Field(default=None, description="Secret of the LINE Login channel.")
    line_web_url: str = Field(default="https://access.line.me", description="Where LINE signs people in.")
    line_api_url: str = Field(default="https://api.line.me", description="Where LINE answers servers.")
    line_push_token_file: Path | None = Field(
        default=None, description="Channel access token of the LINE Official Account; none: no letters by LINE."
    )

    card_agent_url: str | None = Field(
        default=None,
        pattern=r"^http://(127\.0\.0\.1|localhost):[1-9][0-9]{0,4}$",
        description="Where a counter's browser finds the agent of its card reader, on loopback; none: no card is read.",
    )

    @property
    def outside_secrets(self) -> tuple[Path, ...]:
        """Files that only this program's user may read."""
        files = (
            self.sms_token_file,
            self.sms_fallback_token_file,
            self.sms_receipts_secret_file,
            self.sim_swap_token_file,
            self.smtp_password_file,
            self.dopa_client_file,
            self.thaid_secret_file,
            self.line_channel_secret_file,
            self.line_push_token_file,
        )
        return tuple(file for file in files if file is not None)

    @property
    def provider_urls(self) -> tuple[str, ...]:
        """Whom people, secrets and phone numbers are sent to."""
        urls = (self.thaid_url, self.line_web_url, self.line_api_url, self.sim_swap_url)
        return tuple(url for url in urls if url is not None)

    def sms_token(self) -> str:
        """What opens the SMS gateway; empty without a file. ValueError in one sentence when the file cannot be read."""
        return read_secret(self.sms_token_file, "the SMS gateway's token")

    def sms_fallback_token(self) -> str:
        """What opens the second SMS gateway; empty without a file."""
        return read_secret(self.sms_fallback_token_file, "the second SMS gateway's token")

    def sim_swap_token(self) -> str:
        """What opens the operators' address; empty without a file."""
        return read_secret(self.sim_swap_token_file, "the SIM change check's token")

    def sms_receipts_secret(self) -> str | None:
        """What gateways sign receipts with; None without a file. ValueError also for less than 32 characters."""
        if self.sms_receipts_secret_file is None:
            return None
        secret = read_secret(self.sms_receipts_secret_file, "the receipts' secret")
        if len(secret) < LEAST_TOKEN:
            raise ValueError(f"the file {self.sms_receipts_secret_file} must hold at least {LEAST_TOKEN} characters")
        return secret

    def smtp_password(self) -> str:
        """What signs us in at the mail server; empty without a file."""
        return read_secret(self.smtp_password_file, "the mail server's password")

    def thaid_secret(self) -> str:
        """What signs us in at ThaID; empty without a file."""
        return read_secret(self.thaid_secret_file, "our secret at ThaID")

    def line_channel_secret(self) -> str:
        """What signs us in at LINE, and proves LINE's ID tokens; empty without a file."""
        return read_secret(self.line_channel_secret_file, "the LINE channel's secret")

    def line_push_token(self) -> str:
        """What lets us write to people who linked LINE; empty without a file."""
        return read_secret(self.line_push_token_file, "the LINE Official Account's token")


def read_secret(file: Path | None, whose: str) -> str:
    """The one line of a file; empty without a file. Raises: ValueError, one sentence."""
    try:
        return file.read_text(encoding="ascii").strip() if file else ""
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"the file {file} of {whose} cannot be read") from error
