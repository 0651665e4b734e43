"""The portal keeps what it was given, believes only answers it asked for, and lets go when it is told."""

import pytest

from idp.demo import fhir
from idp.demo.client import Config, Failure, RelyingParty, TokenSet
from idp.demo.folder import free_port
from idp.demo.memory import Memory, Visit
from idp.demo.portal import create_portal
from idp.demo.services import TEMPLATES
from idp.demo.words import REASONS, WHY, WORDS, why, words
from idp.relying import Keys, Receiver
from idp.relying.receive import VERIFICATION
from tests.idp.relying.issuer import ISSUER, FakeIssuer


@pytest.fixture(scope="module")
def issuer():
    return FakeIssuer()


@pytest.fixture
def portal(issuer):
    nowhere = f"http://127.0.0.1:{free_port()}"
    keys = Keys(ISSUER, fetch=issuer.fetch, clock=issuer.clock)
    config = Config(nowhere, "portal", "s3cret", "http://127.0.0.1:1/callback", nowhere, str(TEMPLATES))
    receiver = Receiver(ISSUER, "portal", keys=keys, clock=issuer.clock)
    return create_portal(config, RelyingParty(config, keys, clock=issuer.clock), receiver).test_client()


def tokens(**changes):
    facts = {"sub": "c0ffee", "claims": {}, "profile": {"email": "somchai@example.test"}, "scopes": ("openid",)}
    return TokenSet(**{**facts, "access_token": "at", "refresh_token": None, "expires_at": 0.0, **changes})


@pytest.mark.parametrize(("query", "lang"), [("", "th"), ("?lang=en", "en"), ("?lang=xx", "th")])
def test_the_page_speaks_thai_first_and_english(portal, query, lang):
    """PAGES: Thai first; no script on the page."""
    page = portal.get("/" + query)

    assert f'<html lang="{lang}">' in page.text
    assert words(lang)["sign_in"] in page.text
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


def test_every_word_stands_in_both_languages():
    """No empty cell."""
    assert all(th and en for th, en in WORDS.values())


def test_an_answer_that_nobody_asked_for_is_refused(portal):
    """Login CSRF (RFC 6749 section 10.12)."""
    portal.get("/callback?code=stolen&state=guessed")
    portal.get("/sign-in")

    portal.get("/callback?code=stolen&state=guessed")

    assert "invalid_state" in portal.get("/").text


def test_a_silent_server_is_said_so(portal):
    """Bad weather is an answer, not a stack trace."""
    assert portal.get("/sign-in").status_code == 303
    assert "temporarily_unavailable" in portal.get("/").text


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.test"}, {"Sec-Fetch-Site": "cross-site"}])
@pytest.mark.parametrize("path", ["/history", "/sign-out"])
def test_a_form_of_another_site_is_refused(portal, path, headers):
    """CSRF."""
    assert portal.post(path, headers=headers).status_code == 403


def test_a_signed_withdrawal_is_acknowledged_and_a_forged_one_is_not(portal, issuer):
    """RFC 8935 sections 2.2, 2.4."""
    content = {"content_type": "application/secevent+jwt"}

    assert portal.post("/events", data=issuer.event(), **content).status_code == 202
    refused = portal.post("/events", data=issuer.event(aud="another"), **content)

    assert (refused.status_code, refused.json["err"]) == (400, "invalid_audience")


def test_a_withdrawal_drops_the_copy_of_what_was_withdrawn_and_nothing_else():
    """PDPA s.19."""
    memory = Memory()
    memory.signed_in(None, tokens(profile={"email": "somchai@example.test", "phone_number": "+66100000035"}))
    for kind in ("Observation", "Condition"):
        memory.keep("c0ffee", kind, fhir.resources(kind, "c0ffee"))
    memory.keep("other", "Observation", fhir.resources("Observation", "other"))

    memory.drop("c0ffee", ["patient/Observation.rs", "email"], jti="event-a")

    assert set(memory.held("c0ffee")) == {"Condition"}
    assert set(memory.held("other")) == {"Observation"}
    person = memory.state()["people"]["c0ffee"]
    assert person["contact"] == ["phone_number"]
    (event,) = person["events"]
    assert (event["jti"], event["removed"]) == ("event-a", ["patient/Observation.rs", "email"])
    assert event["dropped"] == ["Observation"]


def test_an_event_of_a_stranger_changes_nothing():
    """A sub that this portal never met."""
    memory = Memory()

    memory.drop("nobody", ["patient/Observation.rs"], jti="event-a")

    assert memory.state()["people"] == {}


def test_the_cookie_changes_at_sign_in():
    """Session fixation."""
    memory = Memory()
    before, _ = memory.begin(None)

    after = memory.signed_in(before, tokens())

    assert memory.visit(after).tokens is not None
    assert memory.visit(before).tokens is None


def test_old_visits_make_room():
    """Memory is bounded."""
    memory = Memory()
    first, _ = memory.begin(None)
    for _ in range(500):
        memory.begin(None)

    assert memory.visit(first).tokens is None
    assert memory.begin(first)[0] != first


def test_the_state_tells_counts_and_codes_but_no_token_and_no_name():
    """What tests may know."""
    memory = Memory()
    key = memory.signed_in(None, tokens(access_token="at-secret", profile={"name": "สมชาย", "email": "a@example.test"}))
    memory.visit(key).failure = Failure("holder", "invalid_token")
    memory.visit(key).refused["Condition"] = Failure("holder", "invalid_token")

    state = str(memory.state())

    assert "at-secret" not in state
    assert "สมชาย" not in state
    assert "a@example.test" not in state
    assert "invalid_token" in state
    assert memory.dropped(Visit()) == []


def test_an_expired_token_without_a_refresh_token_is_not_sent():
    """The portal says so itself."""
    config = Config("http://127.0.0.1:1", "portal", "s", "http://127.0.0.1:1/callback", "http://127.0.0.1:1", "")
    party = RelyingParty(config, Keys(config.issuer), clock=lambda: 100.0)

    assert party.fresh(tokens(expires_at=200.0)).access_token == "at"
    with pytest.raises(Failure) as caught:
        party.fresh(tokens(expires_at=104.0))
    assert caught.value.error == "expired"


@pytest.mark.parametrize(
    ("error", "withdrawn", "word"),
    [
        ("invalid_token", True, "why_withdrawn"),
        ("invalid_token", False, "why_ended"),
        ("insufficient_scope", True, "why_withdrawn"),
        ("insufficient_scope", False, "why_not_given"),
        ("temporarily_unavailable", True, "why_unreachable"),
        ("server_error", True, None),
    ],
)
def test_a_refusal_is_told_in_the_words_of_a_patient(error, withdrawn, word):
    """PAGES: one sentence that says why; the code stays beside it for whoever must mend it."""
    assert why(error, withdrawn=withdrawn) == word


def test_every_reason_has_its_words():
    """Thai and English."""
    assert {*WHY.values(), *REASONS.values(), "why_withdrawn"} <= set(WORDS)


@pytest.mark.parametrize(
    ("description", "reason", "word"),
    [
        ("the grant has ended: withdrawn", "withdrawn", "why_withdrawn"),
        ("the grant has ended: narrowed", "narrowed", "why_narrowed"),
        ("the grant has ended: code_replayed", "code_replayed", "why_used_twice"),
        ("the grant has ended", "", "why_ended"),
        ("the token is bad: really bad", "", "why_ended"),
    ],
)
def test_the_servers_own_reason_code_decides_what_a_patient_reads(description, reason, word):
    """Issue: the portal says why it was refused, also before the letter of the withdrawal has come."""
    failure = Failure("token", "invalid_grant", description)

    assert failure.reason == reason
    assert why(failure.error, withdrawn=False, reason=failure.reason) == word


def test_a_letter_that_only_tries_the_endpoint_is_acknowledged_and_drops_nothing(portal, issuer):
    """SSF 1.0 section 8.1.4."""
    sub_id = {"format": "opaque", "id": "portal"}
    letter = issuer.event(events={VERIFICATION: {"state": "x"}}, sub_id=sub_id)

    answer = portal.post("/events", data=letter, content_type="application/secevent+jwt")

    assert answer.status_code == 202
    state = portal.get("/state").json
    assert len(state["trials"]) == 1
    assert state["people"] == {}


def test_a_silent_server_is_explained_in_thai(portal):
    """Not only as an error code."""
    portal.get("/sign-in")

    assert "ติดต่อปลายทางไม่ได้" in portal.get("/").text


def test_a_new_sign_in_answers_the_withdrawals_before_it():
    """Whoever agreed again is not told that they withdrew."""
    memory = Memory()
    key = memory.signed_in(None, tokens())
    memory.drop("c0ffee", ["patient/Condition.rs"], jti="1")
    assert [event["jti"] for event in memory.dropped(memory.visit(key))] == ["1"]

    key = memory.signed_in(key, tokens())

    assert memory.dropped(memory.visit(key)) == []
