"""The library's status lists, against an issuer made of values."""

import json
import zlib
from base64 import urlsafe_b64encode

import httpx
import pytest
from joserfc import jwt
from joserfc.jws import JWSRegistry

from idp.relying import Keys, Live, StatusLists, TokenRefused, Verifier
from idp.relying import status as library
from tests.idp.relying.issuer import HERE, ISSUER

URI = f"{ISSUER}/oauth/status/7"
PLACE = {"status_list": {"idx": 3, "uri": URI}}


class Lists:
    """What the issuer publishes; `down` makes every fetch fail."""

    def __init__(self, issuer) -> None:
        self.issuer, self.down, self.fetched, self.invalid, self.changes = issuer, False, [], set(), {}
        self.header = {"alg": "ES256", "kid": "at-1", "typ": "statuslist+jwt"}

    def fetch(self, url: str) -> str:
        """One GET."""
        self.fetched.append(url)
        if self.down:
            raise httpx.ConnectError("connection refused")
        return self.token()

    def token(self) -> str:
        """The list as it is now, changed as ordered."""
        bits = bytearray(16)
        for index in self.invalid:
            bits[index // 8] |= 1 << index % 8
        now = int(self.issuer.now)
        claims = {
            "iss": ISSUER,
            "sub": URI,
            "iat": now,
            "exp": now + 300,
            "ttl": 45,
            "status_list": {"bits": 1, "lst": packed(bytes(bits))},
            **self.changes,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        registry = JWSRegistry(algorithms=[self.header["alg"]])
        return jwt.encode(self.header, claims, self.issuer.key, registry=registry)


def packed(raw: bytes) -> str:
    return urlsafe_b64encode(zlib.compress(raw, 9)).rstrip(b"=").decode()


@pytest.fixture
def lists(issuer) -> Lists:
    return Lists(issuer)


@pytest.fixture
def strict(issuer, keys: Keys, lists) -> Verifier:
    status = StatusLists(keys, fetch=lists.fetch, clock=issuer.clock)
    return Verifier(ISSUER, HERE, keys=keys, status=status, clock=issuer.clock)


@pytest.fixture
def lenient(issuer, keys: Keys, lists) -> Verifier:
    status = StatusLists(keys, fail_closed=False, fetch=lists.fetch, clock=issuer.clock)
    return Verifier(ISSUER, HERE, keys=keys, status=status, clock=issuer.clock)


def test_a_token_whose_grant_runs_is_good(strict, issuer, lists):
    """Token Status List 8.3: 0 is valid."""
    lists.invalid = {2, 4}

    assert strict.verify(issuer.token(status=PLACE)).sub == "c0ffee"


def test_a_token_whose_grant_ended_is_refused(strict, issuer, lists):
    """Token Status List 7.1: 1 is invalid; RFC 6750 section 3.1."""
    lists.invalid = {3}

    with pytest.raises(TokenRefused, match="revoked") as refusal:
        strict.verify(issuer.token(status=PLACE))

    assert (refusal.value.error, refusal.value.status) == ("invalid_token", 401)


def test_a_list_is_kept_as_long_as_it_says_and_no_longer(strict, issuer, lists):
    """Token Status List 13.7: `ttl`, counted from the moment the list was signed."""
    strict.verify(issuer.token(status=PLACE))
    lists.invalid = {3}
    issuer.now += 44
    strict.verify(issuer.token(status=PLACE))
    assert len(lists.fetched) == 1

    issuer.now += 1
    with pytest.raises(TokenRefused, match="revoked"):
        strict.verify(issuer.token(status=PLACE))


def test_a_list_that_was_kept_on_the_way_is_no_younger_for_it(strict, issuer, lists):
    """A proxy's copy: its age counts, so that a minute stays a minute."""
    lists.changes = {"iat": int(issuer.now) - 40}
    strict.verify(issuer.token(status=PLACE))

    lists.changes, lists.invalid = {}, {3}
    issuer.now += 6
    with pytest.raises(TokenRefused, match="revoked"):
        strict.verify(issuer.token(status=PLACE))


def test_a_clock_that_is_ahead_does_not_make_every_list_too_old(strict, issuer, lists):
    """What was fetched just now is used for a moment; then it is looked at anew."""
    lists.changes = {"iat": int(issuer.now) - 60}
    strict.verify(issuer.token(status=PLACE))
    strict.verify(issuer.token(status=PLACE))
    assert len(lists.fetched) == 1

    issuer.now += 5
    strict.verify(issuer.token(status=PLACE))
    assert len(lists.fetched) == 2


def test_without_a_list_the_strict_holder_refuses_for_now(strict, issuer, lists):
    """The default: fail closed; the caller may try again (503)."""
    lists.down = True

    with pytest.raises(TokenRefused, match="cannot be read") as refusal:
        strict.verify(issuer.token(status=PLACE))

    assert (refusal.value.error, refusal.value.status) == ("temporarily_unavailable", 503)


def test_an_issuer_that_is_down_is_not_hammered(strict, issuer, lists):
    """One look in five seconds, however many tokens come."""
    lists.down = True
    for _ in range(20):
        with pytest.raises(TokenRefused):
            strict.verify(issuer.token(status=PLACE))

    assert len(lists.fetched) == 1


def test_with_leave_an_old_list_is_believed_until_its_own_end(lenient, issuer, lists):
    """`fail_closed=False`: what is known to have ended stays ended until `exp`, then the token's own life decides."""
    lists.invalid = {3}
    with pytest.raises(TokenRefused, match="revoked"):
        lenient.verify(issuer.token(status=PLACE))

    lists.down = True
    issuer.now += 299
    with pytest.raises(TokenRefused, match="revoked"):
        lenient.verify(issuer.token(status=PLACE))
    issuer.now += 1
    assert lenient.verify(issuer.token(status=PLACE)).checked == "offline"


def test_a_token_without_a_place_is_looked_up_nowhere(strict, issuer, lists):
    """A system's own token rests on no grant."""
    strict.verify(issuer.token())

    assert lists.fetched == []


@pytest.mark.parametrize(
    "status",
    [
        "x",
        {},
        {"status_list": {}},
        {"status_list": {"idx": "3", "uri": URI}},
        {"status_list": {"idx": True, "uri": URI}},
        {"status_list": {"idx": -1, "uri": URI}},
        {"status_list": {"idx": 3, "uri": "https://evil.example.test/oauth/status/7"}},
        {"status_list": {"idx": 3, "uri": f"{ISSUER}.evil.example.test/7"}},
        {"status_list": {"idx": 128, "uri": URI}},
    ],
)
def test_a_broken_reference_is_refused(strict, issuer, status):
    """Token Status List 6.2, 8.3: an index outside the list fails, and no stranger's list is fetched."""
    with pytest.raises(TokenRefused) as refusal:
        strict.verify(issuer.token(status=status))

    assert refusal.value.error == "invalid_token"


@pytest.mark.parametrize(
    "changes",
    [
        {"sub": f"{ISSUER}/oauth/status/8"},
        {"iss": "https://evil.example.test"},
        {"iat": None},
        {"exp": 1},
        {"ttl": 0},
        {"status_list": None},
        {"status_list": {"bits": 3, "lst": packed(bytes(16))}},
        {"status_list": {"bits": True, "lst": packed(bytes(16))}},
        {"status_list": {"bits": 1, "lst": "****"}},
        {"status_list": {"bits": 1, "lst": packed(bytes(16))[:-4]}},
        {"status_list": {"bits": 1, "lst": packed(bytes(library.MAX_BYTES + 1))}},
    ],
    ids=str,
)
def test_a_list_that_is_not_ours_or_not_whole_is_no_list(strict, issuer, lists, changes):
    """Token Status List 8.3 (3, 4); a packed list may not become a flood."""
    lists.changes = changes

    with pytest.raises(TokenRefused) as refusal:
        strict.verify(issuer.token(status=PLACE))

    assert refusal.value.error == "temporarily_unavailable"


def test_an_access_token_is_no_status_list(strict, issuer, lists):
    """RFC 8725 section 3.11: the type is explicit."""
    lists.header = {**lists.header, "typ": "at+jwt"}

    with pytest.raises(TokenRefused, match="cannot be read"):
        strict.verify(issuer.token(status=PLACE))


@pytest.mark.parametrize(
    ("bits", "text", "expected"),
    [
        (1, "eNrbuRgAAhcBXQ", [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]),
        (2, "eNo76fITAAPfAgc", [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]),
    ],
)
def test_the_lists_of_the_specification(bits, text, expected):
    """Token Status List 4.1 and appendix: one and two bits, least significant first."""
    read = library.StatusList(bits, library._unzipped(text), 0, 0)

    assert [read.status(index) for index in range(len(expected))] == expected


@pytest.mark.parametrize(("answer", "good"), [(httpx.Response(503), False), (httpx.Response(200), True)])
def test_while_the_issuer_answers_it_decides_and_else_the_list(issuer, keys, lists, answer, good):
    """The live answer comes first; the list stands in when nobody answers."""
    live = Live("holder", "s", transport=httpx.MockTransport(lambda _: answer_of(answer)))
    status = StatusLists(keys, fetch=lists.fetch, clock=issuer.clock)
    verifier = Verifier(ISSUER, HERE, keys=keys, live=live, status=status, clock=issuer.clock)
    lists.invalid = {3}

    if good:
        assert verifier.verify(issuer.token(status=PLACE)).checked == "live"
        assert lists.fetched == []
    else:
        with pytest.raises(TokenRefused, match="revoked"):
            verifier.verify(issuer.token(status=PLACE))


def answer_of(response: httpx.Response) -> httpx.Response:
    said = {"active": True, "scope": "openid"} if response.is_success else {}
    return httpx.Response(response.status_code, content=json.dumps(said))
