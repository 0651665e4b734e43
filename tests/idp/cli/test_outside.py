"""What `idp doctor` says of gateways, mail server and card issuer; nothing is sent, nobody is asked about."""

import pytest

from idp.cli import outside
from idp.demo.folder import free_port
from tests.idp.contact.mailbox import open_mailbox
from tests.servers.authority import Authority
from tests.servers.dopa import open_dopa
from tests.servers.sms_gateway import open_sms_gateway


@pytest.fixture
def production(settings):
    def production(**changed):
        return settings.model_copy(update={"sandbox": False, **changed})

    return production


def test_the_sandbox_reaches_nobody(settings):
    """Three lines, all well."""
    assert {check(settings).level for check in outside.CHECKS.values()} == {"ok"}


def test_what_nobody_set_up_fails_nothing(production):
    """But a server without a second gateway, or without a cap, is told so."""
    told = {name: check(production()).level for name, check in outside.CHECKS.items()}

    assert told == {"sms_second": "warn", "mail": "ok", "cards": "ok"}


@pytest.mark.parametrize(("cap", "level"), [(None, "warn"), (5000, "ok")])
def test_a_second_gateway_that_answers_wants_a_cap_beside_it(production, cap, level):
    """RELIABILITY 3: a day's money is limited."""
    with open_sms_gateway() as gateway:
        made = production(sms_fallback_url=gateway.endpoint, sms_day_cap_baht=cap)
        assert outside.check_second_sms(made).level == level
    assert gateway.taken == []


def test_what_does_not_answer_fails(production):
    """With what a person loses."""
    nobody = f"http://127.0.0.1:{free_port()}"
    made = production(sms_fallback_url=nobody, dopa_url=nobody, smtp_host="127.0.0.1", smtp_port=free_port())

    assert {check(made).level for check in outside.CHECKS.values()} == {"fail"}


def test_mail_server_and_issuer_are_only_greeted(production, tmp_path):
    """TLS with the mail server; any answer of the issuer will do."""
    authority = Authority(tmp_path)
    with open_mailbox(authority) as mailbox, open_dopa() as dopa:
        mail = {"smtp_host": "localhost", "smtp_port": mailbox.port, "smtp_ca_file": authority.bundle}
        made = production(dopa_url=dopa.endpoint, smtp_from="no-reply@id.example.test", **mail)

        assert outside.check_mail(made).level == "ok"
        assert outside.check_card_issuer(made).level == "ok"
    assert mailbox.received == dopa.asked == []
