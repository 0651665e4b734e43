"""What the citizen and the auditor can read afterwards (PDPA s.30, s.39; DECISIONS 19)."""

from tests import leaks


def consented(live):
    citizen, service = live.citizen(), live.service()
    asked = service.ask()
    tokens = service.tokens(citizen.walk(citizen.browser.get(asked.url)), asked)
    return citizen, service, tokens


def test_the_citizen_reads_who_did_what(live):
    """PDPA s.30: signing in, the consent, and the look at the data all stand there, newest first."""
    citizen, service, tokens = consented(live)
    service.introspect(tokens["access_token"])

    page = citizen.open("/me/access")

    assert page.name == "me_access"
    assert page.text.count("ยินยอม") >= 1
    assert live.purpose_name("EHR-SHARE") in page.text


def test_the_history_of_a_consent_shows_its_whole_life(live):
    """Given, withdrawn, told to the services: each with its time, and the exact text that was agreed to."""
    citizen, _, _ = consented(live)
    record = live.consent_id(citizen, "EHR-SHARE")
    live.withdraw(citizen, "EHR-SHARE")

    page = citizen.browser.get(f"{live.issuer}/me/consents/{record}")

    assert page.name == "me_consent"
    assert "withdraw" not in page.links
    assert "ถอน" in page.text


def test_every_act_of_consent_is_one_entry_and_names_nobody(live):
    """DECISIONS 19 and 20: one entry in the act's own transaction, with a pseudonym."""
    citizen, _, _ = consented(live)
    live.withdraw(citizen, "EHR-SHARE")

    entries = live.audit_of(citizen)

    events = [entry["event"] for entry in entries]
    assert events.count("account.created") == 1
    assert events.count("consent.given") == 2
    assert events.count("consent.withdrawn") == 1
    assert not leaks.found_in(str(entries))


def test_an_auditors_read_is_itself_an_entry(live):
    """DECISIONS: who looks is looked at. The reason is required, and the search stands in the log."""
    consented(live)
    auditor = live.auditor()

    form = auditor.browser.get(f"{live.issuer}/audit")
    without_reason = auditor.browser.submit(form, "audit-form", "search")
    found = auditor.browser.submit(form, "audit-form", "search", reason="ตรวจตามรอบ")

    assert without_reason.attributes.get("error-summary") is not None
    assert found.name == "audit"
    assert live.count_events("audit.searched") >= 1
    assert not leaks.found_in(found.text)


def test_a_citizen_cannot_open_the_auditors_list(live):
    """DECISIONS 4: a session kind and a cookie of its own."""
    citizen, _, _ = consented(live)

    assert citizen.browser.get(f"{live.issuer}/audit").name in ("staff_sign_in", "error")
