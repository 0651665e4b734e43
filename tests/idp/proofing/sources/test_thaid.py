"""The ThaID adapter against a server that speaks ThaID's own dialect, and lies when told to (THAI.md 2.5, 3b R4)."""

import ssl
from datetime import date, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from idp.ports import UpstreamRefused, UpstreamUnavailable
from idp.proofing.sources.thaid import HttpThaid, partial_date, person_of
from idp.upstream.wire import Wire
from tests.fakes import HOUR, MINUTE, NOW, Clock
from tests.servers.authority import Authority
from tests.servers.thaid import Client, open_thaid

SOMCHAI, SOMYING = "3999000010035", "3999000010043"
BACK = "https://yinyom.example.test/thaid/callback"
CLIENT = Client("yinyom", "secret-of-yinyom", (BACK,))
QUICK_S = 0.3


@pytest.fixture
def server():
    with open_thaid(clients=[CLIENT], clock=Clock(), person=SOMCHAI) as made:
        made.knows(
            SOMCHAI,
            title="นาย",
            given_name="สมชาย",
            family_name="ใจสมมติ",
            given_name_en="Somchai",
            family_name_en="Jaisommut",
            birthdate="1985-04-13",
            gender="male",
            address={"formatted": "999/35 หมู่ที่ 99"},
            date_of_expiry="2030-04-12",
        )
        yield made


def adapter(server, *, trusted=None, **changed):
    told = {"url": server.url, "client_id": "yinyom", "secret": CLIENT.secret, **changed}
    return HttpThaid(wire=Wire("thaid", timeout_s=QUICK_S, trusted=trusted), **told)


def signed_in(thaid, *, nonce="n-1", trusted=None):
    """What the browser brings back from ThaID."""
    url = thaid.sign_in_url(state="s-1", nonce=nonce, redirect_uri=BACK)
    answer = httpx.get(url, verify=trusted or True)
    returned = {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}
    assert returned["state"] == "s-1"
    return returned


def proved(server, thaid=None, *, trusted=None):
    thaid = thaid or adapter(server, trusted=trusted)
    code = signed_in(thaid, trusted=trusted)["code"]
    return thaid.redeem(code, nonce="n-1", redirect_uri=BACK, now=NOW)


def refusal(server):
    with pytest.raises(UpstreamRefused) as refused:
        proved(server)
    return refused.value.code


def test_a_person_comes_back_with_number_level_and_facts(server):
    person = proved(server)

    assert (person.national_id, person.ial) == (SOMCHAI, "2.3")
    assert (person.title_th, person.given_name_th, person.family_name_th) == ("นาย", "สมชาย", "ใจสมมติ")
    assert (person.given_name_en, person.birth_date, person.gender) == ("Somchai", "1985-04-13", "male")
    assert (person.address, person.expires_on) == ("999/35 หมู่ที่ 99", date(2030, 4, 12))
    assert len(person.check_id) == 16


def test_our_client_shows_its_secret_by_basic_and_asks_for_a_state(server):
    thaid = adapter(server)
    proved(server, thaid)

    token_call = next(call for call in server.calls if call.path.endswith("/token/"))
    assert token_call.headers["Authorization"].startswith("Basic ")
    assert "client_secret" not in token_call.form


def test_attributes_beside_the_token_fill_what_it_leaves_out(server):
    """Tolerant inward: some registrations get them flat."""
    server.claims = {"given_name": None, "ial": None}
    server.token_answer = {"given_name": "สมชาย", "ial": "2.3"}

    assert proved(server).given_name_th == "สมชาย"


@pytest.mark.parametrize(("claims", "flat"), [({"pid": SOMYING}, {}), ({}, {"pid": SOMYING})])
def test_a_number_that_differs_from_place_to_place_is_nobodys(server, claims, flat):
    server.claims, server.token_answer = claims, flat

    assert refusal(server) == "pid"


def test_a_subject_that_is_no_number_is_fine_where_the_number_stands_beside_it(server):
    server.claims = {"sub": "7f9c2ba4-e88f-427d"}

    assert proved(server).national_id == SOMCHAI


@pytest.mark.parametrize("pid", ["3999000010036", "not a number", None])
def test_without_a_good_number_there_is_nobody(server, pid):
    server.claims = {"sub": "somebody", "pid": pid}

    assert refusal(server) == "pid"


@pytest.mark.parametrize("ial", [None, "4", "high", True, 2.35])
def test_a_level_that_is_not_stated_is_not_made_up(server, ial):
    server.claims = {"ial": ial}

    assert refusal(server) == "ial"


@pytest.mark.parametrize(("signs", "code"), [("none", "alg"), ("hs256", "alg"), ("stranger", "signature")])
def test_a_token_that_thaid_did_not_sign_is_refused(server, signs, code):
    """RFC 8725 section 2.1: neither no signature, nor one by a secret that we know, too, nor a stranger's."""
    server.signs = signs

    assert refusal(server) == code


def test_a_token_by_a_key_of_another_kind_under_a_known_name_is_refused(server):
    server.signs = "rs256"

    assert refusal(server) == "key"


def test_a_token_without_the_name_of_its_key_is_proved_by_the_only_one(server):
    server.signs = "no_kid"

    assert proved(server).national_id == SOMCHAI


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"iss": "https://elsewhere.example.test"}, "iss"),
        ({"aud": "another"}, "aud"),
        ({"aud": ["yinyom", "another"]}, "aud"),
        ({"exp": int((NOW - 2 * MINUTE).timestamp())}, "exp"),
        ({"exp": None}, "exp"),
        ({"exp": "soon"}, "exp"),
        ({"iat": int((NOW + HOUR).timestamp())}, "iat"),
        ({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, "at_hash"),
        ({"sub": ""}, "sub"),
    ],
)
def test_a_token_that_is_not_for_us_now_is_refused(server, claims, code):
    """OIDC Core 3.1.3.7."""
    server.claims = claims

    assert refusal(server) == code


def test_a_nonce_may_be_left_out_but_never_be_anothers(server):
    server.nonces = "echoed"
    assert proved(server).national_id == SOMCHAI

    server.nonces = "wrong"
    assert refusal(server) == "nonce"


def test_the_name_that_thaid_calls_itself_can_be_set(server):
    server.issuer = "https://imauth.example.test"

    assert refusal(server) == "iss"
    assert proved(server, adapter(server, issuer=server.issuer)).national_id == SOMCHAI


def test_an_answer_without_a_token_is_refused(server):
    server.token_answer = {"id_token": None, "pid": SOMCHAI, "ial": "2.3"}

    assert refusal(server) == "id_token"


def test_a_code_is_good_once(server):
    thaid = adapter(server)
    code = signed_in(thaid)["code"]
    thaid.redeem(code, nonce="n-1", redirect_uri=BACK, now=NOW)

    with pytest.raises(UpstreamRefused, match="invalid_request"):
        thaid.redeem(code, nonce="n-1", redirect_uri=BACK, now=NOW)


@pytest.mark.parametrize("code", ["", "x" * 5000])
def test_a_code_that_can_be_none_is_not_sent(server, code):
    with pytest.raises(UpstreamRefused, match="code"):
        adapter(server).redeem(code, nonce="n", redirect_uri=BACK, now=NOW)

    assert server.calls == []


def test_whoever_says_no_comes_back_with_their_word(server):
    server.denies = True

    assert signed_in(adapter(server))["error"] == "user_denied"


def test_a_new_key_is_fetched_when_a_token_names_it(server):
    thaid = adapter(server)
    proved(server, thaid)
    server.rotate()
    thaid._tokens._keys._read_at -= 6  # a provider whose names are wrong is not asked again at each sign-in

    assert proved(server, thaid).national_id == SOMCHAI


def test_keys_are_not_fetched_for_each_sign_in(server):
    thaid = adapter(server)
    proved(server, thaid)
    proved(server, thaid)

    assert server.paths().count("GET /jwks/") == 1


@pytest.mark.parametrize("mood", ["down", "refuse", "reset", "flood"])
@pytest.mark.parametrize("path", ["/api/v2/oauth2/token/", "/jwks/"])
def test_a_broken_answer_takes_nobody_for_anybody(server, mood, path):
    """X16: the authority is away; nothing is assumed."""
    server.moods_at = {path: mood}

    with pytest.raises(UpstreamUnavailable):
        proved(server)


@pytest.mark.parametrize("mood", ["page", "cut", "moved"])
def test_an_answer_that_is_none_is_not_believed(server, mood):
    server.moods_at = {"/api/v2/oauth2/token/": mood}

    with pytest.raises((UpstreamUnavailable, UpstreamRefused)):
        proved(server)


@pytest.mark.parametrize("mood", ["hang", "drip"])
def test_after_one_that_hangs_the_next_does_not_wait(server, mood):
    """X16: the circuit opens."""
    thaid = adapter(server)
    code = signed_in(thaid)["code"]
    server.moods_at = {"/api/v2/oauth2/token/": mood}
    with pytest.raises(UpstreamUnavailable, match="timeout"):
        thaid.redeem(code, nonce="n", redirect_uri=BACK, now=NOW)
    asked = len(server.calls)

    with pytest.raises(UpstreamUnavailable, match="resting"):
        thaid.redeem(code, nonce="n", redirect_uri=BACK, now=NOW)

    assert len(server.calls) == asked


def test_over_tls_only_the_right_authority_is_believed(tmp_path):
    authority = Authority(tmp_path)
    trusted = ssl.create_default_context(cafile=authority.bundle)
    with open_thaid(authority=authority, clients=[CLIENT], clock=Clock(), person=SOMCHAI) as server:
        server.knows(SOMCHAI)

        assert proved(server, trusted=trusted).national_id == SOMCHAI
        with pytest.raises(UpstreamUnavailable, match="no_answer"):
            adapter(server).redeem("code", nonce="n", redirect_uri=BACK, now=NOW)


@pytest.mark.parametrize(
    ("said", "date_"),
    [
        ("1985-04-13", "1985-04-13"),
        ("19850413", "1985-04-13"),
        ("1933", "1933"),
        ("1933-00-00", "1933"),
        ("1955-03-00", "1955-03"),
        ("1955-03", "1955-03"),
        ("2476-00-00", "1933"),
        ("2567-02-29", "2024-02-29"),
        ("2023-02-29", ""),
        ("1985-13-01", ""),
        ("yesterday", ""),
        (None, ""),
        (1985, "1985"),
    ],
)
def test_a_date_is_taken_as_far_as_it_is_known(said, date_):
    assert partial_date(said) == date_


@pytest.mark.parametrize(
    ("said", "expires"), [("2030-04-12", date(2030, 4, 12)), ("9999-12-31", None), ("2030", None), (None, None)]
)
def test_a_card_for_life_has_no_end(said, expires):
    person = person_of({"sub": SOMCHAI, "ial": "2.3", "date_of_expiry": said}, {})

    assert person.expires_on == expires


def test_a_person_of_one_name_has_no_family_name():
    person = person_of({"sub": SOMCHAI, "ial": 2.3, "given_name": "หล้า", "family_name": "-"}, {})

    assert (person.given_name_th, person.family_name_th) == ("หล้า", "")


def test_what_cannot_be_printed_or_is_too_long_is_left_out():
    person = person_of({"sub": SOMCHAI, "ial": "1.3", "given_name": "a\u202eb", "family_name": "x" * 500}, {})

    assert (person.given_name_th, person.family_name_th) == ("", "")


def test_the_life_of_the_access_token_is_of_no_use_to_us(server):
    """`expire_in` is a moment, and misspelt: nothing of ours hangs on it."""
    server.token_answer = {"expire_in": int((NOW - timedelta(days=900)).timestamp())}

    assert proved(server).national_id == SOMCHAI
