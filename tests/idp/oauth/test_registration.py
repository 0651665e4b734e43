import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.errors import NotAllowed
from idp.oauth import registration


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        ("https://a.example.test/cb", "web"),
        ("https://a.example.test/cb?x=1", "web"),
        ("http://127.0.0.1:8000/cb", "web"),
        ("http://localhost/cb", "native"),
        ("http://[::1]/cb", "native"),
        ("org.example.app:/cb", "native"),
    ],
)
def test_redirect_uris_that_may_be_registered(uri, kind):
    """RFC 9700 section 2.1; RFC 8252 sections 7.1 to 7.3."""
    registration.check_redirect(uri, kind=kind)


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        ("http://a.example.test/cb", "web"),
        ("https://a.example.test/cb#f", "web"),
        ("https://*.example.test/cb", "web"),
        ("https://user@a.example.test/cb", "web"),
        ("https://user:pw@a.example.test/", "web"),
        ("https:///cb", "web"),
        ("javascript:alert(1)", "native"),
        ("javascript://x/%0aalert(1)", "native"),
        ("data:text/html,x", "native"),
        ("myapp:/cb", "native"),
        ("org.example.app:/cb", "web"),
        ("org.example.app:", "native"),
        ("https://a.example.test/ cb", "web"),
        ("https://a.example.test/\u0e01", "web"),
        ("https://[", "web"),
        ("https://a.example.test:99999/", "web"),
        ("", "web"),
    ],
)
def test_quirk_20_redirect_uris_that_may_not(uri, kind):
    """LIBRARIES 1.3 (20)."""
    with pytest.raises(NotAllowed) as refused:
        registration.check_redirect(uri, kind=kind)
    assert refused.value.code == "invalid_redirect_uri"


@pytest.mark.parametrize(
    ("asked", "known", "native", "same"),
    [
        ("https://a.test/cb", "https://a.test/cb", False, True),
        ("https://a.test:1/cb", "https://a.test/cb", True, False),
        ("http://127.0.0.1:5000/cb", "http://127.0.0.1/cb", True, True),
        ("http://127.0.0.1:5000/cb", "http://127.0.0.1/cb", False, False),
        ("http://[::1]:5000/cb", "http://[::1]/cb", True, True),
        ("http://localhost:5000/cb", "http://127.0.0.1/cb", True, False),
        ("http://127.0.0.1:5000/cb2", "http://127.0.0.1/cb", True, False),
        ("http://127.0.0.1:5000/cb?x", "http://127.0.0.1/cb", True, False),
        ("http://u@127.0.0.1:5000/cb", "http://127.0.0.1/cb", True, False),
        ("http://127.0.0.1:x/cb", "http://127.0.0.1/cb", True, False),
        ("https://127.0.0.1:5000/cb", "http://127.0.0.1/cb", True, False),
        ("http://a.test:1/cb", "http://a.test/cb", True, False),
        ("http://127.0.0.1:5000/cb#", "http://127.0.0.1/cb", True, False),
        ("http://127.0.0.1:5000/cb?", "http://127.0.0.1/cb", True, False),
        ("http://127.0.0.1:5000/cb?#", "http://127.0.0.1/cb", True, False),
        ("http://127.0.0.1:5000/cb\n", "http://127.0.0.1/cb", True, False),
        ("http://127.0.0.1:5000/c\tb", "http://127.0.0.1/cb", True, False),
        ("http://127.0.0.1:\t5000/cb", "http://127.0.0.1/cb", True, False),
        ("http://127.0.0.1:/cb", "http://127.0.0.1/cb", True, False),
        ("http://127.0.0.1:0/cb", "http://127.0.0.1/cb", True, False),
        ("http://127.0.0.1:99999/cb", "http://127.0.0.1/cb", True, False),
        ("http://127.0.0.1:5000@a.test/cb", "http://127.0.0.1/cb", True, False),
        ("http://127.0.0.1:5000/cb?x=1", "http://127.0.0.1:1/cb?x=1", True, True),
    ],
)
def test_the_port_may_differ_for_native_clients_on_loopback_only(asked, known, native, same):
    """RFC 8252 section 7.3."""
    assert registration.same_target(asked, known, native=native) is same


@given(st.text())
def test_no_text_makes_the_comparison_fail(text):
    """Whatever a stranger sends, it is a yes or a no."""
    assert registration.same_target(text, "http://127.0.0.1/cb", native=True) in (True, False)
    registration.readable_id(text)
    registration.is_person_shaped(text)


def test_two_apps_on_loopback_do_not_share_a_sector():
    """OIDC Core 8.1: 127.0.0.1 is everybody's host, and two makers must not learn the same `sub`."""
    assert registration.default_sector("one", ["http://127.0.0.1/cb", "http://[::1]/cb"]) == "one"
    assert registration.default_sector("two", ["https://two.example.test/cb", "http://localhost/cb"]) == (
        "two.example.test"
    )
