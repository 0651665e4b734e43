"""The grammar of plain scopes: SMART App Launch 2.x without wildcards."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent import scopes

letters = st.sets(st.sampled_from("cruds"), min_size=1).map(lambda s: "".join(c for c in "cruds" if c in s))
values = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=2, unique=True).map(",".join)
params = st.dictionaries(st.sampled_from(["category", "code"]), values, max_size=2)
plain = st.builds(
    lambda context, resource, can, of: (
        f"{context}/{resource}.{can}" + ("?" + "&".join(f"{k}={v}" for k, v in of.items()) if of else "")
    ),
    st.sampled_from(["patient", "user"]),
    st.sampled_from(["Observation", "Condition"]),
    letters,
    params,
)


@pytest.mark.parametrize(
    ("wide", "narrow", "covered"),
    [
        ("patient/Observation.rs", "patient/Observation.rs", True),
        ("patient/Observation.rs", "patient/Observation.r", True),
        ("patient/Observation.r", "patient/Observation.rs", False),
        ("patient/Observation.rs", "patient/Observation.rs?category=vital-signs", True),
        ("patient/Observation.rs?category=vital-signs", "patient/Observation.rs", False),
        ("patient/Observation.rs?category=vital-signs", "patient/Observation.r?category=vital-signs&code=1", True),
        ("patient/Observation.rs?category=vital-signs", "patient/Observation.rs?category=laboratory", False),
        ("patient/Observation.rs?category=a,b", "patient/Observation.rs?category=b", True),
        ("patient/Observation.rs?category=b", "patient/Observation.rs?category=a,b", False),
        ("patient/Observation.rs", "user/Observation.rs", False),
        ("patient/Observation.rs", "patient/Condition.rs", False),
        ("patient/Observation.rs", "patient/*.rs", False),
        ("openid", "openid", True),
        ("openid", "profile", False),
        ("moph.pid", "moph.pid", True),
    ],
)
def test_a_scope_covers_what_is_the_same_or_narrower(wide, narrow, covered):
    """Catalogue rule 1: narrower in letters or parameters."""
    assert scopes.covers(wide, narrow) is covered


@pytest.mark.parametrize(
    "word",
    [
        "patient/Observation.sr",
        "patient/Observation.",
        "patient/Observation.read",
        "patient/observation.r",
        "patient/Observation.rs?",
        "patient/Observation.rs?category",
        "patient/Observation.rs?category=",
        "patient/Observation.rs?category=a&",
        "everyone/Observation.r",
        "launch/patient",
        "patient/Observation.rs x",
        "",
    ],
)
def test_what_is_not_in_the_grammar_is_no_plain_scope(word):
    """SMART 2.x section 3.0.2: letters in the order cruds."""
    assert scopes.parse(word) is None
    assert not scopes.is_plain(word)


@given(plain, plain, plain)
def test_covering_is_an_order_and_implies_overlap(one, two, three):
    """Narrowing twice is narrowing; what is covered by both makes two scopes overlap."""
    assert scopes.covers(one, one)
    if scopes.covers(one, two) and scopes.covers(two, three):
        assert scopes.covers(one, three)
    if scopes.covers(one, three) and scopes.covers(two, three):
        assert scopes.overlap(one, two)
        assert scopes.overlap(two, one)


@given(st.text(max_size=80))
def test_any_text_can_be_looked_at(text):
    """A request may hold anything."""
    scopes.parse(text)
    scopes.is_fit(text)


@pytest.mark.parametrize(
    "word",
    ["patient/Patient.r?identifier=1999000010012", "patient/Patient.r?email=a@b.example", "ขอ", "a b", "", "x" * 201],
)
def test_a_scope_that_names_a_person_or_is_malformed_is_unfit(word):
    """RFC 6749 section 3.3; scopes stand in the log, national IDs never do."""
    assert not scopes.is_fit(word)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("patient/Observation.read", "patient/Observation.rs"),
        ("user/Observation.write", "user/Observation.cud"),
        ("system/Observation.*", "system/Observation.cruds"),
        ("patient/*.read", "patient/*.rs"),
        ("patient/Observation.rs", "patient/Observation.rs"),
        ("patient/Observation.reads", "patient/Observation.reads"),
        ("patient/observation.read", "patient/observation.read"),
        ("openid", "openid"),
        ("launch/patient.read", "launch/patient.read"),
    ],
)
def test_words_of_smart_v1_are_read_as_letters_of_v2(old, new):
    """SMART App Launch 2.2: `.read` is `.rs`, `.write` is `.cud`, `.*` is all of them; nothing else changes."""
    assert scopes.v2(old) == new


@given(plain)
def test_a_scope_of_v2_stays_as_it_is(scope):
    """What is new already is not touched."""
    assert scopes.v2(scope) == scope
