"""A lost phone, a strange device: what the person is told, and what they can do about it (THAI.md 3b R8; O42, O46)."""

import re

from sqlalchemy import text

from tests.stories.citizen import ref_of
from tests.stories.test_desk import proved
from tests.stories.waiting import eventually
from tests.stories.world import wall_clock

CODE = re.compile(r"[A-Z]{4}(?:-[A-Z2-9]{4}){2}")
NEW_DEVICE, STARTED, CHANGED = "อุปกรณ์ใหม่", "ขอเปลี่ยนเบอร์โทรศัพท์", "เปลี่ยนหมายเลขโทรศัพท์"
SECURITY, PHONE = "/me/security", "/me/security/phone"


def with_passkey(live):
    """Somebody whose device holds a passkey, on their page of security."""
    owner = live.citizen(way="passkey")
    assert owner.open(f"/sign-in?next={SECURITY}&aal=2.2").name == "me_security"
    return owner


def messages(live, word):
    """Lines of the sandbox's inbox with this word, newest first."""
    page = live.citizen(live.nobody()).browser.get(live.issuer + "/sandbox/inbox")
    return [re.sub(r"<[^>]+>", " ", line) for line in re.split(r"(?=<li)", page.html) if word in line]


def code_of(live, owner, word):
    """The code of the newest notice to this person: their page says which, by its reference."""
    newest = owner.browser.get(live.issuer + SECURITY).texts["notice-1"]
    assert word in newest
    ref = re.search(r"\b[A-Z]{4}\b", newest)[0]
    return CODE.search(eventually(lambda: messages(live, f"{ref}-") or None, f"no message with {ref}")[0])[0]


def disown(live, code):
    """Type a code on the page that asks for no sign-in."""
    browser = live.citizen(live.nobody()).browser
    page = browser.submit(browser.get(live.issuer + "/not-me"), "not-me-form", notice_code=code)
    assert "done" in page.texts
    return page


def new_phone(owner, last_digits):
    """Ask for a new phone and prove it."""
    page = owner.browser.get(owner.issuer + PHONE)
    assert page.name == "me_phone", page.text[:300]
    page = owner.browser.submit(page, "phone-form", phone=f"081-234-{last_digits}")
    page = owner.browser.submit(page, "code-form", code=owner.sms(ref_of(page)))
    assert "waiting" in page.texts, page.text[:300]


def let_the_wait_be_over(live):
    """A day passes for what waits: the only thing that a story cannot wait for."""
    now = {"now": wall_clock().replace(tzinfo=None) if "sqlite" in live.world.settings.database_url else wall_clock()}
    with live.world.sessions.writing() as session:
        session.execute(text("UPDATE recovery SET takes_effect_at = :now WHERE state = 'waiting'"), now)
        session.execute(text("UPDATE job SET run_at = :now WHERE kind = 'apply-recovery' AND state = 'queued'"), now)


def test_a_strange_device_is_told_of_and_put_out_by_the_code_of_the_notice(live):
    """O42, O46: the person's own device goes on."""
    owner = with_passkey(live)
    strange = live.citizen(owner.national_id, way="passkey", passkey=owner.passkey)
    assert strange.sign_in_by_passkey(strange.browser.get(live.issuer + SECURITY)).name == "me_security"

    disown(live, code_of(live, owner, NEW_DEVICE))

    assert strange.browser.get(live.issuer + SECURITY).name == "login"
    assert owner.browser.get(live.issuer + SECURITY).name == "me_security"


def test_a_new_phone_counts_after_the_wait_and_every_device_signs_in_again(live):
    """R8 by another bound factor: proved, told to the old phone, waited for, done."""
    owner = with_passkey(live)
    new_phone(owner, "5678")
    assert owner.browser.get(live.issuer + SECURITY).name == "me_security"

    let_the_wait_be_over(live)

    eventually(lambda: owner.browser.get(live.issuer + SECURITY).name == "login", "the sessions did not end")
    told = eventually(lambda: len(messages(live, CHANGED)) >= 2 and messages(live, CHANGED), "nobody was told")
    assert any("5678" in line for line in told)
    page = owner.sign_in_by_passkey(owner.browser.get(live.issuer + SECURITY))
    assert "waiting" not in page.texts


def test_who_still_holds_the_old_phone_stops_a_recovery(live):
    """R8: cancellable by code; nothing changes when the time comes."""
    owner = with_passkey(live)
    new_phone(owner, "8765")

    disown(live, code_of(live, owner, STARTED))
    let_the_wait_be_over(live)

    page = owner.browser.get(live.issuer + SECURITY)
    assert page.name == "me_security"
    assert "waiting" not in page.texts


def test_two_officers_at_a_counter_bring_back_whoever_lost_every_way_in(live):
    """R8 at a counter: a chip, a face and a new phone, a colleague's passkey; told, waited for, done."""
    owner = with_passkey(live)
    clerk, colleague = live.staff("clerk"), live.staff("doctor")
    page = clerk.browser.submit(proved(live, clerk, owner.national_id), "phone-form", "send", phone="010-555-0199")
    page = clerk.browser.submit(page, "code-form", "check", code=owner.sms(ref_of(page)))
    page = clerk.browser.submit(page, "ask-form", "ask")
    assert "recover-form" not in page.forms

    page = clerk.ceremony(page, "sign-in", live.passkeys["doctor"].get)
    page = clerk.browser.submit(page, "recover-form", "recover")

    assert "begun" in page.texts, page.text[:300]
    assert live.told(owner, "recovery_started") == 1
    assert owner.browser.get(live.issuer + SECURITY).name == "me_security"
    assert live.subject_of(colleague) != live.subject_of(clerk)

    let_the_wait_be_over(live)

    eventually(lambda: owner.browser.get(live.issuer + SECURITY).name == "login", "the sessions did not end")
    live.wait_for_the_next_code(owner)
    back = live.citizen(owner.national_id)
    assert back.open("/me/consents").name == "me_consents"
    assert "setup_pin" in back.walked or "code" in back.walked
    about = [entry["event"] for entry in live.audit_of(back)]
    assert {"proofing.countersigned", "recovery.approved", "recovery.done"} <= set(about)
