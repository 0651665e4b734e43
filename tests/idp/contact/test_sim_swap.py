"""Whether a SIM card was changed of late, asked as CAMARA describes it; no answer is never "no"."""

from datetime import timedelta

import pytest

from idp.contact.sim_swap import CamaraSimSwap, SandboxSimSwap
from idp.ports import UpstreamUnavailable
from idp.upstream.wire import Wire
from tests.fakes import HOUR
from tests.servers.sim_swap import open_sim_swap

PHONE = "+66100000035"


@pytest.fixture
def server():
    with open_sim_swap() as made:
        yield made


def ask(server, phone=PHONE, *, token="sim-token", within=72 * HOUR):
    made = CamaraSimSwap(url=server.url, token=token, wire=Wire("sim-swap", timeout_s=1))
    return made.changed(phone, within=within)


@pytest.mark.parametrize(("hours", "changed"), [(1, True), (72, True), (73, False)])
def test_a_sim_card_that_was_changed_within_three_days_is_told(server, hours, changed):
    server.swapped[PHONE] = hours

    assert ask(server) is changed


def test_the_time_that_is_asked_for_keeps_to_what_the_operators_take(server):
    assert ask(server, within=timedelta(0)) is False
    assert ask(server, within=timedelta(days=1000)) is False


@pytest.mark.parametrize("status", [404, 422])
def test_a_number_that_the_operator_does_not_serve_counts_as_unchanged(server, status):
    """Nothing is known of it; every other way to check it is the same as without this one."""
    server.faults[PHONE] = status

    assert ask(server) is False


@pytest.mark.parametrize("answer", [{}, {"swapped": "no"}, {"swapped": None}, [], "true"])
def test_an_answer_that_says_neither_yes_nor_no_is_none(server, answer):
    server.answers = answer

    with pytest.raises(UpstreamUnavailable, match="bad_answer"):
        ask(server)


@pytest.mark.parametrize("mood", ["down", "page", "busy", "hang", "moved", "refuse"])
def test_operators_that_do_not_answer_have_said_nothing(server, mood):
    """RELIABILITY 3: fail closed, for devices that the person never used."""
    server.mood = mood

    with pytest.raises(UpstreamUnavailable):
        ask(server)


def test_a_wrong_token_is_no_answer(server):
    with pytest.raises(UpstreamUnavailable, match="status_401"):
        ask(server, token="another")


def test_the_sandbox_answers_by_the_number():
    sandbox = SandboxSimSwap()

    assert sandbox.changed("+66109990001", within=HOUR)
    assert not sandbox.changed(PHONE, within=HOUR)
    with pytest.raises(UpstreamUnavailable):
        sandbox.changed("+66109980001", within=HOUR)
