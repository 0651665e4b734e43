"""A paused request goes on in another browser, once (PAGES: inside LINE's own browser)."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from consent.errors import NotFound
from idp import interaction, onward
from idp.assurance import Aal
from idp.onward import LIFETIME
from tests.fakes import NOW, SECOND

INSIDE, OUTSIDE, THIRD = "i" * 43, "o" * 43, "t" * 43


@pytest.fixture
def paused(sessions, ring, settings):
    with sessions.writing() as session:
        return interaction.begin(
            session,
            ring,
            kind="console",
            request=None,
            return_to="/me/consents",
            browser=INSIDE,
            now=NOW,
            settings=settings,
            aal=Aal.AAL2_1,
        )


def word(ring, paused, browser=INSIDE):
    return onward.word_for(ring, paused, browser=browser, now=NOW)


def take(sessions, ring, said, *, browser=OUTSIDE, now=NOW):
    with sessions.writing() as session:
        return onward.take_over(session, ring, said, browser=browser, now=now)


def resume(sessions, ring, paused, browser):
    with sessions.reading() as session:
        return interaction.resume(session, ring, paused, browser=browser, now=NOW)


def test_what_was_begun_inside_goes_on_outside_with_its_state(sessions, ring, paused):
    assert take(sessions, ring, word(ring, paused)) == paused

    found = resume(sessions, ring, paused, OUTSIDE)
    assert (found.return_to, found.aal) == ("/me/consents", Aal.AAL2_1)
    with pytest.raises(NotFound):
        resume(sessions, ring, paused, INSIDE)


def test_a_word_is_good_for_one_browser(sessions, ring, paused):
    said = word(ring, paused)
    take(sessions, ring, said)

    with pytest.raises(NotFound):
        take(sessions, ring, said, browser=THIRD)
    assert resume(sessions, ring, paused, OUTSIDE)


def test_opening_it_again_where_it_went_changes_nothing(sessions, ring, paused):
    """A reload, or LINE that opened it inside all the same."""
    said = word(ring, paused)

    assert take(sessions, ring, said, browser=INSIDE) == paused
    assert take(sessions, ring, said) == paused
    assert take(sessions, ring, said) == paused


def test_of_many_browsers_one_gets_it(sessions, ring, paused):
    said = word(ring, paused)

    def try_it(n):
        try:
            return take(sessions, ring, said, browser=str(n) * 43) == paused
        except NotFound:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(try_it, range(8))) == 1


@pytest.mark.parametrize("said", ["", "x", "A" * 4000, "ก", "AAAA"])
def test_a_word_that_is_not_ours_leads_nowhere(sessions, ring, paused, said):  # noqa: ARG001
    with pytest.raises(NotFound):
        take(sessions, ring, said)


def test_a_word_is_good_for_ten_minutes(sessions, ring, paused):
    said = word(ring, paused)

    with pytest.raises(NotFound):
        take(sessions, ring, said, now=NOW + LIFETIME)
    assert take(sessions, ring, said, now=NOW + LIFETIME - SECOND) == paused


def test_a_word_of_another_browser_takes_nothing(sessions, ring, paused):
    """Only the browser that has the request can have made the word."""
    with pytest.raises(NotFound):
        take(sessions, ring, word(ring, paused, browser=THIRD))


def test_an_answered_request_does_not_move(sessions, ring, paused):
    with sessions.writing() as session:
        found = interaction.resume(session, ring, paused, browser=INSIDE, now=NOW)
        interaction.finish(session, ring, found, answer="/me", now=NOW)

    with pytest.raises(NotFound):
        take(sessions, ring, word(ring, paused))


def test_the_address_names_neither_the_request_nor_the_browser(ring, paused):
    said = word(ring, paused)

    assert paused not in said
    assert INSIDE not in said
    assert said != word(ring, paused)
