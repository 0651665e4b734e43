"""The ways to confirm it is you, page by page: staff at home, without SMS, recovery codes, names, security keys."""

import re
from dataclasses import replace

import pyotp
import pytest

from idp import directory
from idp.alerts import Notice
from idp.login import invitations
from idp.national_id import mask_national_id
from tests.fakes import MINUTE, SoftAuthenticator
from tests.idp.login.makers import Maker
from tests.idp.web.conftest import build
from tests.idp.web.visitor import PIN, SOMCHAI

ORIGIN, NOBODY, NO_ACCOUNT = "http://localhost:8000", "3999000010019", "1999000010071"


def with_pin(visitor):
    """Signed in by SMS, with a first PIN: AAL2.1, at the security page."""
    visitor.get("/me/security")
    visitor.sign_in()
    visitor.send("add-form", "add-pin")
    visitor.send("setup-pin-form", pin=PIN, pin_again=PIN)
    assert visitor.at.name == "me_security"


def with_app(site, visitor):
    """And a code app; the app."""
    with_pin(visitor)
    visitor.send("add-form", "add-totp")
    app = pyotp.TOTP(visitor.at.texts["secret"].replace(" ", "").strip())
    visitor.send("setup-totp-form", totp=app.at(site.clock()))
    site.clock.tick(MINUTE)
    return app


def with_passkey(visitor):
    """A passkey beside; the device."""
    visitor.get("/me/security")
    at = visitor.send("add-form", "add-passkey").url.removesuffix("/set-up/passkey")
    device = SoftAuthenticator(origin=ORIGIN)
    said = visitor.passkey(device, "register", at + "/passkey")
    assert said["status"] == 200, said
    visitor.get(said["next"])
    return device


def sheet(visitor):
    """Ten recovery codes, as they are shown once."""
    visitor.get("/me/security")
    page = visitor.post("/me/security/recovery-codes", {"csrf": dict(visitor.at.forms["add-form"].fields)["csrf"]})
    return re.findall(r"<code class=\"secret\">([0-9A-Z-]{11})</code>", page.html)


def enrolled(site, role, device, make=None):
    """A member of staff enrols with a code; what was said."""
    with site.work.sessions.writing() as session:
        directory.assign(session, subject_id=site.citizen, role=role, granted_by=None, now=site.clock())
        code = invitations.create(session, site.citizen, now=site.clock())
    visitor = site.visitor()
    visitor.get("/staff/enrol")
    visitor.send("enrol-form", code=code)
    return visitor.passkey(make or device, "register", "/staff/passkey")


# --- staff at home ------------------------------------------------------------------------------------------------


def test_a_clerk_with_only_the_passkey_of_the_counter_sets_up_a_factor_at_home(site, visitor):
    """No dead end: what opens the console is not asked for where it cannot be used."""
    device = SoftAuthenticator(origin=ORIGIN)
    assert enrolled(site, "auditor", device)["status"] == 200

    visitor.get(site.authorize_url())
    visitor.sign_in()

    assert visitor.at.name == "setup_choice"
    visitor.set_pin()
    assert visitor.at.name == "consent"


def test_the_passkey_of_the_counter_does_not_sign_a_citizen_in(site, visitor):
    """DECISIONS 4: two kinds of session that never stand for one another, and two kinds of passkey."""
    device = SoftAuthenticator(origin=ORIGIN)
    assert enrolled(site, "auditor", device)["status"] == 200
    visitor.get(site.authorize_url())

    said = visitor.passkey(device, "sign-in", visitor.at.url.removesuffix("/login") + "/passkey")

    assert (said["status"], said["error"]) == (400, "unknown")


# --- signing in without SMS ---------------------------------------------------------------------------------------


def test_an_app_and_a_pin_sign_in_without_any_sms(site, visitor):
    """63B-4 draft 5.1.3.3: an alternative to SMS; a possession and a knowledge are AAL2.1."""
    app = with_app(site, visitor)
    other = site.visitor()
    other.get(site.authorize_url())
    other.send("login", national_id=SOMCHAI)
    other.get(other.at.links["without-sms"])
    assert other.at.name == "other_way"

    wrong = other.send("other-way-form", other_code="000000")
    assert (wrong.status, wrong.name) == (400, "other_way")
    other.send("other-way-form", other_code=app.at(site.clock()))
    assert other.at.name == "step_up"
    other.get(other.at.links["use-pin"])
    other.send("pin-form", pin=PIN)

    assert other.at.name == "consent"


def test_a_recovery_code_signs_in_in_place_of_the_sms(site, visitor):
    """The day the phone is lost."""
    with_pin(visitor)
    codes = sheet(visitor)
    other = site.visitor()
    other.get(site.authorize_url())
    other.send("login", national_id=SOMCHAI)
    other.get(other.at.links["without-sms"])

    other.send("other-way-form", other_code=codes[0])
    other.get(other.at.links["use-pin"])
    other.send("pin-form", pin=PIN)

    assert other.at.name == "consent"
    assert "9" in visitor.get("/me/security").texts["codes-left"]


def test_sms_and_an_app_are_no_two_kinds(site, visitor):
    """ETDA 20-2564: both are something held; the PIN is asked for, the app is not even offered."""
    with_app(site, visitor)
    site.clock.tick(MINUTE)
    other = site.visitor()
    other.get(site.authorize_url())
    other.sign_in()

    assert other.at.name == "step_up"
    assert "use-pin" in other.at.links
    assert "use-totp" not in other.at.links


def test_the_page_without_sms_is_the_same_for_any_number(site, visitor):
    """O38: owner of an app, somebody unknown to us, nobody: status, headers and bytes, right to the last try."""
    with_app(site, visitor)
    seen = {}
    for number in (SOMCHAI, NO_ACCOUNT, NOBODY):
        other = site.visitor()
        other.get(site.authorize_url())
        other.send("login", national_id=number)
        seen[number] = [plain(other.get(other.at.links["without-sms"]), other, number)]
        for _ in range(6):
            csrf = dict(other.at.forms["preferences"].fields)["csrf"]
            at = other.at.url.partition("?")[0]
            seen[number].append(plain(other.post(at, {"csrf": csrf, "other_code": "123456"}), other, number))

    assert seen[SOMCHAI] == seen[NO_ACCOUNT] == seen[NOBODY]
    assert [status for status, _, _ in seen[NOBODY]] == [200, *[400] * 6]


def plain(page, visitor, number):
    """What one sees, without what is random in every page."""
    html = page.html.replace(page.url.split("/")[2], "ID")
    html = re.sub(r'(value|data-csrf)="[0-9a-f]{64}"', r'\1="CSRF"', html)
    html = re.sub(r'<code id="request-id">[^<]*</code>', "", html)
    html = html.replace(mask_national_id(number), "MASK")
    headers = {name: value for name, value in page.headers.items() if name not in ("X-Request-Id", "Content-Length")}
    assert visitor.left_for is None
    return page.status, html, sorted(headers)


def test_sms_is_never_the_only_way_and_its_risk_is_said(site, visitor):
    """O41: an alternative beside, and words about the risk, before anything is typed and where the code is."""
    visitor.get(site.authorize_url())
    assert "passkey" in visitor.at.attributes
    assert visitor.at.html.index('id="passkey"') < visitor.at.html.index('id="national_id"')
    visitor.send("login", national_id=NOBODY)

    assert "without-sms" in visitor.at.links
    assert "ยึดเบอร์โทรศัพท์" in visitor.at.text


# --- the list -----------------------------------------------------------------------------------------------------


def test_recovery_codes_are_shown_once_to_somebody_with_a_second_factor(visitor):
    """Never again by reloading; nobody prints them with the phone alone."""
    visitor.get("/me/security")
    visitor.sign_in()
    assert "print-codes" not in visitor.at.html
    assert sheet(visitor) == []
    visitor.send("add-form", "add-pin")
    visitor.send("setup-pin-form", pin=PIN, pin_again=PIN)

    codes = sheet(visitor)

    assert len(set(codes)) == 10
    assert visitor.at.name == "me_recovery_codes"
    assert visitor.at.headers["Cache-Control"] == "no-store"
    again = visitor.get("/me/security/recovery-codes")
    assert (again.name, any(code in again.html for code in codes)) == ("me_security", False)


def test_an_app_is_disconnected_and_its_owner_told(site, visitor):
    """ASVS 6.3.7: the old channel hears of it."""
    with_app(site, visitor)
    visitor.get("/me/security")
    page = visitor.post("/me/security/totp/remove", {"csrf": dict(visitor.at.forms["add-form"].fields)["csrf"]})

    assert (page.name, "remove-totp" in page.html) == ("me_security", False)
    assert told(site)[-1] == "totp_removed"
    visitor.post("/me/security/totp/remove", {"csrf": dict(visitor.at.forms["add-form"].fields)["csrf"]})
    assert told(site).count("totp_removed") == 1


def told(site):
    """The notices to the person so far."""
    with site.work.sessions.reading() as session:
        return [one.kind for one in session.query(Notice).order_by(Notice.at, Notice.id)]


def test_several_passkeys_have_names_of_their_own(site, visitor):
    """The person tells them apart: names, kind, last use; renamed and removed one by one."""
    with_pin(visitor)
    with_passkey(visitor)
    with_passkey(visitor)
    ids = re.findall(r'id="rename-([0-9a-f-]{36})"', visitor.at.html)
    assert len(ids) == 2

    visitor.send(f"rename-{ids[0]}", name="โทรศัพท์ของแม่")
    assert "โทรศัพท์ของแม่" in visitor.at.text
    csrf = dict(visitor.at.forms["add-form"].fields)["csrf"]
    visitor.post(f"/me/security/passkeys/{ids[0]}/remove", {"csrf": csrf})

    assert re.findall(r'id="rename-([0-9a-f-]{36})"', visitor.at.html) == [ids[1]]
    assert [kind for kind in told(site) if "passkey" in kind] == ["passkey_added", "passkey_added", "passkey_removed"]


def test_a_sign_in_that_leads_nowhere_can_be_begun_again(site, visitor):
    """A step-up page always has a way on: the session ends, the number is asked for, the request is still there."""
    with_pin(visitor)
    site.clock.tick(MINUTE)
    other = site.visitor()
    other.get(site.authorize_url())
    other.sign_in()
    assert other.at.name == "step_up"

    other.send("again-form", "sign-in-again")

    assert other.at.name == "login"


# --- security keys ------------------------------------------------------------------------------------------------


@pytest.fixture
def maker(tmp_path):
    """A maker whose root the operator trusts."""
    made = Maker()
    (tmp_path / "roots.pem").write_bytes(made.root_pem)
    return made


@pytest.fixture
def strict(settings, sessions, clock, ring, tmp_path, maker):  # noqa: PLR0917 -- fixtures
    """An installation where auditors need a security key."""
    assert maker
    needing = {"security_key_roots": tmp_path / "roots.pem", "security_key_roles": "auditor,administrator"}
    return build(settings.model_copy(update=needing), sessions, clock, ring)


class Attested(SoftAuthenticator):
    """A hardware key: its maker vouches."""

    maker: Maker

    def create(self, options):
        """With the maker's certificate, when the page asks for one."""
        made = super().create(options)
        return self.maker.attest(made) if options["attestation"] == "direct" else made


def test_an_auditor_needs_a_security_key_where_the_operator_says_so(strict, maker):
    """AAL3 (THAI.md 3): enrolment refuses a phone, takes the key, and the log opens."""
    phone = SoftAuthenticator(origin=ORIGIN)
    refused = enrolled(strict, "auditor", phone)
    assert (refused["status"], refused["error"]) == (400, "not_attested")

    key = Attested(origin=ORIGIN)
    key.maker = maker
    said = enrolled(strict, "auditor", key)
    assert said["status"] == 200, said

    other = strict.visitor()
    other.get("/audit")
    said = other.passkey(key, "sign-in", "/staff/passkey")
    assert other.get(said["next"]).name == "audit"


def test_a_session_from_before_the_rule_does_not_exercise_the_role(site, settings, maker, tmp_path):
    """The rule holds at the next request: a passkey's session reads no log from then on, and signs in to nothing."""
    device = SoftAuthenticator(origin=ORIGIN)
    assert enrolled(site, "auditor", device)["status"] == 200
    visitor = site.visitor()
    visitor.get("/audit")
    visitor.passkey(device, "sign-in", "/staff/passkey")
    assert visitor.get("/audit").name == "audit"
    assert maker
    needing = {"security_key_roots": tmp_path / "roots.pem", "security_key_roles": "auditor"}
    house = site.app.extensions["yinyom"]
    stricter = settings.model_copy(update=needing)
    site.app.extensions["yinyom"] = replace(house, settings=stricter)

    assert visitor.get("/audit").texts["error-code"] == "forbidden"
    other = site.visitor()
    other.get("/audit")
    said = other.passkey(device, "sign-in", "/staff/passkey")
    assert (said["status"], said["error"]) == (403, "key_needed")
