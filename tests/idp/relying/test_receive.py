"""RFC 8417, RFC 8935: a letter is proven, acted on once, acknowledged every time."""

from typing import Any

import pytest
from joserfc import jwk

from idp.relying import Event, EventRefused, Keys, Receiver
from tests.idp.relying.issuer import ISSUER, FakeIssuer


@pytest.fixture
def receiver(issuer: FakeIssuer, keys: Keys) -> Receiver:
    return Receiver(ISSUER, "portal", keys=keys, clock=issuer.clock)


def refusal(receiver: Receiver, body: bytes) -> EventRefused:
    acted: list[Event] = []
    with pytest.raises(EventRefused) as caught:
        receiver.accept(body, acted.append)
    assert acted == []
    return caught.value


def test_a_withdrawal_is_acted_on_once_and_acknowledged_twice(issuer: FakeIssuer, receiver: Receiver) -> None:
    """RFC 8935 section 2: the transmitter may send again when the acknowledgement was lost."""
    acted: list[Event] = []

    first = receiver.accept(issuer.event(), acted.append)
    again = receiver.accept(issuer.event(), acted.append)

    assert (first.repeated, again.repeated) == (False, True)
    assert [event.subject for event in acted] == ["c0ffee"]


def test_a_crash_while_acting_lets_the_letter_come_again(issuer: FakeIssuer, receiver: Receiver) -> None:
    """Remembered only after the act: failed and not kept."""

    def crash(_event: Event) -> None:
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError):
        receiver.accept(issuer.event(), crash)
    acted: list[Event] = []
    receiver.accept(issuer.event(), acted.append)

    assert len(acted) == 1


@pytest.mark.parametrize(
    ("changes", "err"),
    [
        ({"iss": "https://evil.test"}, "invalid_issuer"),
        ({"aud": "another"}, "invalid_audience"),
        ({"exp": 1_895_000_000}, "invalid_request"),
        ({"sub": "c0ffee"}, "invalid_request"),
        ({"events": {}}, "invalid_request"),
        ({"events": {"x": 1}}, "invalid_request"),
        ({"jti": None}, "invalid_request"),
        ({"iat": 1_795_000_000 - 5 * 86_400}, "invalid_request"),
        ({"iat": 1_795_000_000 + 60}, "invalid_request"),
    ],
)
def test_a_wrong_letter_is_refused_with_its_code(
    issuer: FakeIssuer, receiver: Receiver, changes: dict[str, Any], err: str
) -> None:
    """RFC 8935 section 2.4."""
    assert refusal(receiver, issuer.event(**changes)).err == err


def test_an_access_token_is_no_event(issuer: FakeIssuer, receiver: Receiver) -> None:
    """RFC 8417 section 4: types are kept apart."""
    assert refusal(receiver, issuer.token().encode()).err == "invalid_key"
    assert refusal(receiver, issuer.event({"typ": "JWT"})).err == "invalid_key"


def test_a_forged_letter_is_refused(issuer: FakeIssuer, receiver: Receiver) -> None:
    """O36."""
    assert refusal(receiver, issuer.event(None, jwk.RSAKey.generate_key(2048))).err == "invalid_key"
    assert refusal(receiver, issuer.unsigned().encode()).err == "invalid_key"
    assert refusal(receiver, b"\xff\x00").err == "invalid_request"


def test_a_silent_issuer_asks_for_another_try(issuer: FakeIssuer, receiver: Receiver) -> None:
    """503: the transmitter keeps the letter."""
    issuer.down = True

    assert refusal(receiver, issuer.event()).status == 503


def test_a_subject_of_another_issuer_is_nobody(issuer: FakeIssuer, receiver: Receiver) -> None:
    """RFC 9493 section 3.2.3."""
    stranger = {"format": "iss_sub", "iss": "https://evil.test", "sub": "c0ffee"}

    assert receiver.accept(issuer.event(sub_id=stranger), lambda _event: None).subject == ""
