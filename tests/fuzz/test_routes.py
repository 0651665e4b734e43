"""Every route of the map, by itself: a new page is fuzzed the day it is made."""

from dataclasses import replace
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.clean import refuse_unclean
from tests.fuzz.conftest import BROWSER, COOKIE, looked_for
from tests.fuzz.strategies import cookies, raw, requests

EXAMPLES = {None: 200, "citizen": 250, "staff": 150}


@pytest.mark.parametrize("who", EXAMPLES)
def test_whatever_is_sent_to_a_route_gets_a_clean_answer(surface, who):
    """No 5xx, no insides, nobody else's data, strict headers, an id, and no way to another site."""

    @looked_for(EXAMPLES[who])
    @given(requests(surface.rules(), surface.known), cookies if who is None else st.just({}))
    def sent(asked, brought):
        refuse_unclean(surface.send(asked, who=who, cookies=brought), to_owner=who is not None)

    sent()


def test_no_form_changes_anything_without_its_token(surface):
    """CSRF: signed in, with every field and header but the token, and nothing is stored that was not there before."""
    brought = {"yinyom-browser": BROWSER} | {COOKIE[who]: surface.sign_in(who) for who in COOKIE}
    before = surface.rows()

    @looked_for(120)
    @given(requests(surface.rules(unsafe=True), surface.known))
    def sent(asked):
        answer = surface.send(replace(asked, csrf=False, method="POST"), cookies=brought)
        assert answer.status_code >= 400

    sent()

    assert surface.rows() == before


def test_a_path_that_nobody_made_gets_a_clean_answer(surface):
    """Doubled slashes, dots, bytes that are no text, control characters: a page that says not found."""

    @looked_for(120)
    @given(
        st.lists(st.one_of(raw, st.sampled_from(["..", ".", "", "me", "oauth", "static", "%2e%2e", "%2F"])), max_size=6)
    )
    def sent(parts):
        path = unquote_to_bytes("/" + "/".join(parts)).decode("latin-1")  # as a WSGI server hands it over
        answer = surface.app.test_client().get(
            "/", environ_overrides={"PATH_INFO": path}, headers={"Host": "evil.example"}
        )
        refuse_unclean(answer)

    sent()
