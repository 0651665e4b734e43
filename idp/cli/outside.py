"""What `idp doctor` looks at further out: the second SMS gateway, the mail server, the issuer of ID cards."""

from idp import wiring
from idp.cli import around
from idp.cli.findings import FAIL, OK, WARN, Checks, Finding
from idp.ports import CardStatusUnavailable, MailFailed
from idp.settings import Settings


def check_second_sms(settings: Settings) -> Finding:
    """The gateway that takes over; a server without one rests on the first."""
    if settings.sandbox or settings.sms_fallback_url is None:
        words = "the sandbox sends none" if settings.sandbox else "none: set sms_fallback_url"
        return Finding(OK if settings.sandbox else WARN, "sms_second", words)
    if not around.answers(settings.sms_fallback_url):
        return Finding(FAIL, "sms_second", "the second gateway does not answer: it cannot take over")
    if settings.sms_day_cap_baht is None:
        return Finding(WARN, "sms_second", "the gateway answers; no sms_day_cap_baht limits what a day may cost")
    return Finding(OK, "sms_second", "the gateway answers")


def check_mail(settings: Settings) -> Finding:
    """A greeting, TLS and our sign-in; no message is sent."""
    if settings.sandbox or settings.smtp_host is None:
        return Finding(OK, "mail", "no letters by e-mail" if not settings.sandbox else "the sandbox sends none")
    try:
        wiring.smtp(settings, wiring.wall_clock).greet()
    except MailFailed as failure:
        return Finding(FAIL, "mail", f"the mail server does not take our letters ({failure.code})")
    return Finding(OK, "mail", "the mail server answers, with TLS")


def check_card_issuer(settings: Settings) -> Finding:
    """Whether the card issuer's address answers anything at all; nobody is asked about."""
    if settings.sandbox or settings.dopa_url is None:
        return Finding(OK, "cards", "no proof by card data" if not settings.sandbox else "the sandbox asks nobody")
    try:
        wiring.dopa(settings).reach()
    except CardStatusUnavailable as failure:
        return Finding(FAIL, "cards", f"the issuer of ID cards does not answer ({failure.code})")
    return Finding(OK, "cards", "the issuer of ID cards answers")


CHECKS: Checks = {"sms_second": check_second_sms, "mail": check_mail, "cards": check_card_issuer}
