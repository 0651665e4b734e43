"""What `idp doctor` looks at around this server: its pages, the SMS gateway, what the world reads under the issuer."""

import httpx

from idp.app import template_folder
from idp.cli.findings import FAIL, OK, WARN, Checks, Finding
from idp.oauth import provider
from idp.settings import Settings

TIMEOUT = httpx.Timeout(3.0)
METADATA = "/.well-known/openid-configuration"
PAGES = ("base.html", "error.html")


def check_templates(_settings: Settings) -> Finding:
    """The pages."""
    missing = [name for name in PAGES if not (template_folder() / name).is_file()]
    if missing:
        return Finding(FAIL, "templates", f"{', '.join(missing)} not found in {template_folder()}: install it anew")
    return Finding(OK, "templates", f"found in {template_folder()}")


def check_sms(settings: Settings) -> Finding:
    """Whether the gateway answers at all; any answer to HEAD will do, and no message is sent."""
    if settings.sandbox:
        return Finding(OK, "sms", "the sandbox sends none")
    if not answers(settings.sms_gateway_url or ""):
        return Finding(FAIL, "sms", "the gateway does not answer: nobody can sign in by SMS")
    return Finding(OK, "sms", "the gateway answers")


def answers(url: str) -> bool:
    """Whether an address says anything at all to HEAD."""
    try:
        httpx.head(url, timeout=TIMEOUT, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL):
        return False
    return True


def check_discovery(settings: Settings) -> Finding:
    """What the world reads under the issuer is what this program would say."""
    try:
        answer = httpx.get(settings.issuer + METADATA, timeout=TIMEOUT, trust_env=False)
        told = answer.json() if answer.status_code == httpx.codes.OK else None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        words = f"{settings.issuer} does not answer ({type(error).__name__}): start `idp serve`, look at proxy and DNS"
        return Finding(WARN, "discovery", words)
    if told != provider.discovery(settings):
        return Finding(FAIL, "discovery", f"{settings.issuer} says something else: is another version serving there?")
    return Finding(OK, "discovery", "as it should be under the issuer")


CHECKS: Checks = {"templates": check_templates, "sms": check_sms, "discovery": check_discovery}
