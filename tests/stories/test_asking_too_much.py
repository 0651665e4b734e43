"""A clinic that asks too much: the catalogue refuses some of it, the citizen the rest; nobody is shut out for a no."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from idp.demo import seed, supervisor
from tests.stories.relying import RelyingParty, claims

ROOT = Path(__file__).parents[2]
CLINIC = ("--name-th", "คลินิกตัวอย่างขอหมด", "--name-en", "Sample Grasping Clinic", "--kind", "clinic_medical")
WHO = ("--controller-contact", "010-000-0901", "--dpo-contact", "dpo@clinic.example.test")
LICENCE = ("--hcode", "99140", "--province", "แพร่", "--licence-until", "2099-12-31")
WISHES = ("SIGNIN", "CONTACT", "DEMO", "EHR-SHARE", "NOTIFY")
ALLERGIES, CONDITIONS = "patient/AllergyIntolerance.rs", "patient/Condition.rs"
EVERYTHING = f"openid profile email phone address moph.demographics {ALLERGIES} {CONDITIONS} purpose:NOTIFY"


def idp(live, *arguments: str) -> str:
    """What an `idp` command says beside the running sandbox."""
    env = {**os.environ, **supervisor.environment(live.world.settings), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(  # noqa: S603 -- our own interpreter
        [sys.executable, "-m", "idp.cli", *arguments], env=env, capture_output=True, text=True, check=False, timeout=120
    )
    return done.stdout + done.stderr


def add(live, *purposes: str) -> str:
    """Register a service of the clinic for these purposes."""
    wished = [word for code in purposes for word in ("--purpose", code)]
    names = ("--name-th", "แอปคลินิกขอหมด", "--name-en", "Grasping clinic app", "--entity", "Sample Grasping Clinic")
    about = ("--redirect", live.world.callback, "--resource", seed.HOLDER_IDENTIFIER)
    return idp(live, "client", "add", *names, *about, *wished)


@pytest.fixture
def clinic(live) -> RelyingParty:
    """The clinic's service, registered for all that its kind may ask at all; once for each running system."""
    idp(live, "entity", "add", *CLINIC, *WHO, *LICENCE)
    given = dict(re.findall(r"(?m)^(client_id|client_secret) +(\S+)$", add(live, *WISHES)))
    usual = live.service(EVERYTHING)
    told = (live.issuer, given["client_id"], given["client_secret"], live.world.callback, EVERYTHING)
    return RelyingParty(*told, holder=usual.holder, http=usual.http)


def test_s21_s22_a_clinic_that_asks_too_much_gets_what_was_agreed_to_and_the_person_still_signs_in(live, clinic):
    """PDPA s.19, s.21, s.22; catalogue rules 1, 5 and 12: refused at the register, in the request, by the person."""
    assert "may not ask for INSURE" in add(live, "SIGNIN", "INSURE")
    citizen = live.citizen(otherwise=False)

    more = clinic.ask(scope=f"{EVERYTHING} purpose:PHR-SELF")
    assert clinic.answered(citizen.browser.get(more.url), more).params["error"] == "invalid_scope"

    asked = clinic.ask()
    tokens = clinic.tokens(citizen.walk(citizen.browser.get(asked.url)), asked)
    seen = [page for page in citizen.browser.seen if page.name == "consent"]
    assert {name for page in seen for name in page.texts if name.startswith("ask-")} == {
        *("ask-CONTACT", "ask-EHR-SHARE", "ask-NOTIFY", "ask-DEMO"),
    }
    assert set(tokens["scope"].split()) == {"openid", "profile"}
    told = clinic.userinfo(tokens["access_token"]).json()
    assert "name" in told
    assert not {"email", "phone_number", "address", "birthdate", "gender"} & set(told)
    assert live.records(tokens["access_token"]).status_code in (401, 403)

    citizen.walked.clear()
    again = clinic.ask()
    assert clinic.tokens(citizen.walk(citizen.browser.get(again.url)), again)["access_token"]
    assert citizen.walked == [], "a refusal was asked again"

    citizen.answers = {"EHR-SHARE": True}
    narrow = clinic.ask(scope=f"openid {ALLERGIES}", prompt="consent")
    tokens = clinic.tokens(citizen.walk(citizen.browser.get(narrow.url)), narrow)
    assert set(tokens["scope"].split()) == {"openid", ALLERGIES}
    assert CONDITIONS not in str(claims(tokens["access_token"]))
    assert CONDITIONS not in str(clinic.introspect(tokens["access_token"]))

    wide = clinic.ask(scope=f"openid {ALLERGIES} {CONDITIONS}")
    page = citizen.walk(citizen.browser.get(wide.url), until="consent")
    assert "เดิม: การแพ้ยาและสิ่งอื่น" in page.texts["again-EHR-SHARE"]
    assert "การวินิจฉัยโรค" in page.texts["again-EHR-SHARE"]
