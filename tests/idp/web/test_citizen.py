"""The person's own pages: what is shown at which level, and taking a consent back."""

import re

import pytest
from sqlalchemy import select

from consent import records
from consent.models import ConsentWithdrawal
from consent.withdrawal import REASONS
from idp.outbox import Letter
from tests.fakes import HOUR, MINUTE, SoftAuthenticator
from tests.idp.web.stage import SECRET, VERIFIER
from tests.idp.web.test_flow import query
from tests.idp.web.visitor import PIN

HOSPITAL = "โรงพยาบาลตัวอย่าง"


def agreed(site, visitor):
    """Somchai, signed in at AAL2.1, with one consent and one notice."""
    visitor.get(site.authorize_url())
    visitor.sign_in()
    visitor.set_pin()
    visitor.send("consent-form", "allow", purpose="EHR-SHARE")
    return consent_id(site)


def consent_id(site):
    with site.work.sessions.reading() as session:
        views = records.for_subject(session, site.citizen, now=site.clock())
    return next(view.record_id for view in views if view.purpose == "EHR-SHARE")


def weak(site):
    """The same person in another browser, signed in by SMS code alone."""
    other = site.visitor()
    site.clock.tick(HOUR / 10)
    other.get("/me")
    other.sign_in()
    return other


def redeemed(site, visitor):
    """The tokens of the code that the last page carried."""
    code = query(visitor.at.refresh)["code"]
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": "https://portal.example.test/callback",
        "code_verifier": VERIFIER,
    }
    answer = site.app.test_client().post("/oauth/token", data=form, auth=("portal", SECRET))
    assert answer.status_code == 200, answer.text
    return answer.json


def test_the_first_screen_shows_live_consents_and_latest_accesses(site, visitor):
    """PAGES: first screen of the citizen."""
    agreed(site, visitor)
    page = visitor.get("/me")
    assert page.name == "me"
    assert HOSPITAL in page.text
    assert "สมชาย" in page.text
    assert "ใช้อยู่" in page.texts["live-consents"]
    assert "แจ้งให้ทราบแล้ว" not in page.texts["live-consents"]  # what was only told is no consent


def test_at_the_lower_level_no_name_of_a_place_is_shown(site, visitor):
    """Catalogue rule 4: AAL1 shows no names of places and cannot list who looked."""
    record = agreed(site, visitor)
    other = weak(site)
    for path in ("/me", "/me/consents", f"/me/consents/{record}", f"/me/consents/{record}/withdraw"):
        page = other.get(path)
        assert page.status == 200, path
        assert HOSPITAL not in page.html, path
        assert "พอร์ทัลตัวอย่าง" not in page.html, path
    assert other.get("/me/access").name == "step_up"
    other.get(other.at.links["use-pin"])
    assert other.send("pin-form", pin=PIN).name == "me_access"
    assert HOSPITAL in other.at.html


def test_a_consent_is_withdrawn_in_two_taps_even_at_the_lower_level(site, visitor):
    """PDPA s.19, catalogue WITHDRAW: as easy as giving it; letters are queued in the same transaction."""
    record = agreed(site, visitor)
    tokens = redeemed(site, visitor)
    other = weak(site)
    other.get(f"/me/consents/{record}")
    other.get(other.at.links["withdraw"])
    page = other.at

    other.send("withdraw-form")
    assert other.at.name == "withdrawn"
    other.at = page
    other.send("withdraw-form")
    assert other.at.name == "withdrawn"

    with site.work.sessions.reading() as session:
        assert len(session.scalars(select(Letter).where(Letter.consent_id == record)).all()) == 1
    checked = site.app.test_client().post(
        "/oauth/introspect", data={"token": tokens["access_token"]}, auth=("holder", SECRET)
    )
    assert checked.json == {"active": False}
    assert other.get(f"/me/consents/{record}/withdraw").name == "withdrawn"


def test_somebody_elses_consent_is_not_found(site, visitor):
    """CONVENTIONS: not found, never forbidden."""
    agreed(site, visitor)
    unknown = "01a00000-0000-7000-8000-000000000000"
    for tail in ("", "/withdraw", "/withdrawn"):
        page = visitor.get(f"/me/consents/{unknown}{tail}")
        assert (page.status, page.texts["error-code"]) == (404, "not_found")
    csrf = visitor.get("/me").forms["preferences"].fields[0][1]
    assert visitor.post(f"/me/consents/{unknown}/withdraw", {"csrf": csrf}).status == 404


def test_what_was_told_cannot_be_withdrawn(site, visitor):
    """Catalogue rule 3: a notice is told and recorded, never asked."""
    agreed(site, visitor)
    with site.work.sessions.reading() as session:
        views = records.for_subject(session, site.citizen, now=site.clock())
        told = next(view.record_id for view in views if view.purpose == "SIGNIN")
    page = visitor.get(f"/me/consents/{told}/withdraw")
    assert (page.status, page.texts["error-code"]) == (403, "not_withdrawable")


def test_the_words_that_were_shown_can_be_read_again(site, visitor):
    """PDPA s.23: exactly what stood on the page, with its fingerprint."""
    record = agreed(site, visitor)
    page = visitor.get(f"/me/consents/{record}")
    assert page.name == "me_consent"
    with site.work.sessions.reading() as session:
        assert records.get(session, record, subject_id=site.citizen).notice_sha256 in page.html


def test_an_app_and_a_passkey_can_be_added_and_a_passkey_removed(site, visitor):
    """ASVS 7.5: factors are listed, added with a stronger sign-in, removed."""
    agreed(site, visitor)
    visitor.get("/me/security")
    visitor.send("add-form", "add-passkey")
    assert visitor.at.name == "setup_passkey"
    at = visitor.at.url.removesuffix("/set-up/passkey")
    device = SoftAuthenticator(origin="http://localhost:8000")
    said = visitor.passkey(device, "register", at + "/passkey")
    assert said["status"] == 200
    assert visitor.get(said["next"]).name == "me_security"
    assert "done" in visitor.at.attributes
    remove = next(name for name in visitor.at.html.split('id="') if name.startswith("remove-")).split('"')[0]
    form = f"/me/security/passkeys/{remove.removeprefix('remove-')}/remove"
    csrf = dict(visitor.at.forms["add-form"].fields)["csrf"]
    visitor.post(form, {"csrf": csrf})
    assert "remove-" not in visitor.at.html


def test_a_factor_is_not_added_beside_another_by_whoever_holds_the_phone(site, visitor):
    """ASVS 7.5.1: with a PIN set, SMS alone adds nothing."""
    agreed(site, visitor)
    other = weak(site)
    csrf = other.get("/me/security").forms["preferences"].fields[0][1]
    assert "add-pin" not in other.at.html
    assert other.post("/me/security/add", {"csrf": csrf, "factor": "pin"}).name == "step_up"


@pytest.mark.parametrize("factor", ["pin", "fingerprint", ""])
def test_only_known_factors_are_added(site, visitor, factor):
    """Bad input gets a clear page."""
    agreed(site, visitor)
    csrf = visitor.get("/me/security").forms["preferences"].fields[0][1]
    page = visitor.post("/me/security/add", {"csrf": csrf, "factor": factor})
    assert page.name == ("setup_pin" if factor == "pin" else "error")


def test_signing_other_devices_out_ends_them_at_once(site, visitor):
    """ASVS 7.4.3, 7.5.2."""
    agreed(site, visitor)
    other = weak(site)
    csrf = visitor.get("/me/security").forms["preferences"].fields[0][1]
    visitor.post("/me/security/sessions/end-others", {"csrf": csrf})
    assert visitor.at.name == "me_security"
    assert other.get("/me").name == "login"


def test_signing_out_ends_the_session(site, visitor):
    """ASVS 7.4.1: dead on the server, not only in the browser."""
    agreed(site, visitor)
    token = visitor.client.get_cookie("yinyom").value
    csrf = visitor.get("/me").forms["preferences"].fields[0][1]
    assert visitor.post("/sign-out", {"csrf": csrf}).name == "signed_out"
    stale = site.app.test_client()
    stale.set_cookie("yinyom", token)
    assert "/sign-in" in stale.get("/me").headers["Location"]


def test_an_authenticator_app_is_set_up_by_its_first_right_code(site, visitor):
    """RFC 6238: a wrong code keeps the same secret; the right one counts at once."""
    import pyotp  # noqa: PLC0415 -- only here

    visitor.get("/me/security")
    visitor.sign_in()
    visitor.send("add-form", "add-totp")
    secret = visitor.at.texts["secret"].replace(" ", "").strip()
    wrong = visitor.send("setup-totp-form", totp="000000")
    assert (wrong.status, wrong.texts["secret"].replace(" ", "").strip()) == (400, secret)
    visitor.send("setup-totp-form", totp=pyotp.TOTP(secret).at(site.clock()))
    assert (visitor.at.name, "remove-totp" in visitor.at.html) == ("me_security", True)


def test_a_passkey_signs_in_alone_and_reaches_health_data(site, visitor):
    """DECISIONS 3: a passkey with user verification is AAL2.2; nothing more is asked."""
    visitor.get(site.authorize_url())
    visitor.sign_in()
    visitor.get(visitor.at.links["set-passkey"])
    device = SoftAuthenticator(origin="http://localhost:8000")
    at = visitor.at.url.removesuffix("/set-up/passkey")
    said = visitor.passkey(device, "register", at + "/passkey")
    assert visitor.get(said["next"]).name == "consent"
    visitor.send("consent-form", "allow", purpose="EHR-SHARE")

    other = site.visitor()
    other.get(site.authorize_url())
    at = other.at.url.removesuffix("/login")
    said = other.passkey(device, "sign-in", at + "/passkey")
    assert said["status"] == 200
    assert "code" in query(other.get(said["next"]).refresh)


def test_a_passkey_that_nobody_knows_is_refused_in_json(site, visitor):
    """WebAuthn 7.2: a code for the page's script, no stack trace."""
    visitor.get(site.authorize_url())
    at = visitor.at.url.removesuffix("/login")
    device = SoftAuthenticator(origin="http://localhost:8000", user_handle="AAAA")
    said = visitor.passkey(device, "sign-in", at + "/passkey")
    assert said["status"] == 400
    assert said["error"]
    headers = {"X-CSRF-Token": visitor.at.attributes["passkey"]["data-csrf"]}
    for body in ("{", "[]", '{"credential": 5}', '{"purpose": "register"}'):
        answer = visitor.client.post(
            at + "/passkey/verify", data=body, content_type="application/json", headers=headers
        )
        assert answer.status_code in (303, 400), body


def test_what_one_request_did_for_several_purposes_is_one_line(site, visitor):
    """PDPA s.30: the list is read by people; each purpose still stands in it with its basis and its consent."""
    agreed(site, visitor)
    redeemed(site, visitor)

    page = visitor.get("/me/access")

    acts = [act for act in page.html.split("<li ") if "timeline-what" in act]
    several = [act for act in acts if act.count("/me/consents/") > 1]
    assert several
    assert all(act.count("<time ") == 1 for act in several)
    assert ">None" not in page.html
    assert " None " not in page.html


def test_a_line_without_a_purpose_is_still_a_sentence(site, visitor):
    """PAGES: a withdrawal's own lines name no purpose; nothing empty is read aloud."""
    record = agreed(site, visitor)
    redeemed(site, visitor)
    visitor.get(f"/me/consents/{record}/withdraw")
    visitor.send("withdraw-form")

    page = visitor.get("/me/access")

    assert "ยกเลิกสิทธิเข้าถึง" in page.text
    assert "None" not in page.html
    assert '"soft"> ·' not in page.html


def test_a_consent_that_was_replaced_leads_to_the_one_that_stands(site, visitor):
    """An old link of the log never dead-ends; a stranger still gets the same 404."""
    first = agreed(site, visitor)
    site.clock.tick(HOUR / 60)
    visitor.get(site.authorize_url(prompt="consent"))
    visitor.send("consent-form", "allow", purpose="EHR-SHARE")
    second = consent_id(site)
    assert first != second

    page = visitor.get(f"/me/consents/{first}")

    assert page.name == "me_consent"
    assert str(second) in page.url


def test_a_slip_is_undone_within_a_minute_by_a_new_consent(site, visitor):
    """PDPA s.19: the withdrawal stays; agreeing again is an act of its own, in the same words."""
    record = agreed(site, visitor)
    visitor.get(f"/me/consents/{record}/withdraw")
    visitor.send("withdraw-form")
    page = visitor.at

    visitor.send("undo-form")

    assert visitor.at.name == "me_consent"
    with site.work.sessions.reading() as session:
        active = [v for v in records.for_subject(session, site.citizen, now=site.clock()) if v.state == "active"]
    assert active
    assert active[0].record_id != record
    visitor.at = page
    assert visitor.send("undo-form").name == "me_consent"  # a second tap leads to the first one's consent
    with site.work.sessions.reading() as session:
        after = [v for v in records.for_subject(session, site.citizen, now=site.clock()) if v.state == "active"]
    assert [one.record_id for one in after] == [one.record_id for one in active]


def test_after_a_minute_nothing_is_undone_and_the_page_says_what_to_do(site, visitor):
    """A withdrawal is over: whoever wants it back is asked by the service again."""
    record = agreed(site, visitor)
    visitor.get(f"/me/consents/{record}/withdraw")
    page = visitor.send("withdraw-form")
    site.clock.tick(2 * MINUTE)
    visitor.at = page

    page = visitor.send("undo-form")

    assert (page.status, page.texts["error-code"]) == (409, "undo_too_late")


def test_who_signed_in_with_one_step_confirms_before_undoing(site, visitor):
    """Catalogue rule 4: AAL1 withdraws; agreeing needs the purpose's level."""
    record = agreed(site, visitor)
    other = weak(site)
    other.get(f"/me/consents/{record}/withdraw")
    other.send("withdraw-form")

    other.send("undo-form")
    assert other.at.name == "step_up"
    other.get(other.at.links["use-pin"])

    assert other.send("pin-form", pin=PIN).name == "withdrawn"
    assert other.send("undo-form").name == "me_consent"


def test_one_kind_of_data_and_one_organisation_are_taken_back_from_the_list(site, visitor):
    """PDPA s.19: what would end and what would go on is told before the second tap."""
    agreed(site, visitor)
    page = visitor.get("/me/consents")
    kind = next(name for name in page.links if name.startswith("kind-"))
    visitor.get(page.links[kind])
    assert visitor.at.name == "withdraw_many"
    visitor.send("withdraw-many-form")
    assert (visitor.at.name, "done" in visitor.at.texts) == ("me_consents", True)

    again = visitor.get("/me/consents")
    assert kind not in again.links
    goes_on = visitor.get(f"/me/consents/{consent_id(site)}")
    assert "พอร์ทัลตัวอย่าง" in goes_on.texts["told"]
    assert "ถอนความยินยอม" in goes_on.texts["history"]  # of the wider one, which this one has replaced
    again = visitor.get("/me/consents")
    if "recipient-1" in again.links:
        visitor.get(again.links["recipient-1"])
        visitor.send("withdraw-many-form")
    assert not any(name.startswith(("kind-", "recipient-")) for name in visitor.get("/me/consents").links)


def test_the_reason_that_was_chosen_is_kept(site, visitor):
    """PDPA s.19: a reason is the person's to give; what the page offers is what the record can say."""
    record = agreed(site, visitor)
    page = visitor.get(f"/me/consents/{record}/withdraw")
    offered = set(re.findall(r'<option value="(\w*)"', page.html))
    assert offered <= REASONS
    visitor.send("withdraw-form", reason="no_trust")

    with site.work.sessions.reading() as session:
        assert session.get_one(ConsentWithdrawal, record).reason == "no_trust"


def test_a_kind_that_does_not_exist_is_not_found(site, visitor):
    """CONVENTIONS: not found."""
    agreed(site, visitor)
    assert visitor.get("/me/data/horoscope/withdraw").status == 404
