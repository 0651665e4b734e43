"""People whom a passport or a hospital names: found again, one account a paper, no national ID."""

import pytest

from idp import papers, subjects
from tests.fakes import NOW
from tests.idp.ward import set_up
from tests.idp.web.stage import person

PASSPORT = {"kind": "passport", "issuer": "MMR", "number": "MB123456"}


@pytest.fixture
def ward(session, ring, settings):
    """A hospital with a clerk and a doctor."""
    return set_up(session, ring, settings)


@pytest.mark.parametrize(
    ("typed", "number"),
    [("mb 123-456", "MB123456"), ("๑๒๓/๒๕๖๙", "1232569"), ("ab", None), ("x" * 21, None), ("ก123", None), ("", None)],
)
def test_a_number_is_tidied_or_refused(typed, number):
    """Spaces, dashes, small letters and Thai digits are how people write."""
    assert papers.tidy(typed) == number


def made(ward, **changes):
    nobody = person(attested_ial="1.1", phone="", email="", address="")
    return papers.create(ward.session, ward.ring, nobody, **(PASSPORT | changes), now=NOW)


def test_a_paper_opens_one_account_and_finds_it_again(ward):
    """A second counter gets the first one's account; another country's number is another person."""
    first = made(ward)

    assert made(ward).id == first.id
    assert made(ward, issuer="LAO").id != first.id
    assert papers.find(ward.session, ward.ring, **PASSPORT).id == first.id
    assert papers.find(ward.session, ward.ring, "passport", issuer="KHM", number="MB123456") is None


def test_such_an_account_has_no_national_id(ward):
    """Nobody asks for a code by it, and no claim says one."""
    account = made(ward)

    assert subjects.find_by_national_id(ward.session, ward.ring, "MB123456") is None
    assert papers.number_of(ward.session, ward.ring, account.id) == "MB123456"
    assert papers.number_of(ward.session, ward.ring, ward.stage.citizen) is None
    assert account.ial == "1.1"


def test_the_number_is_sealed(ward):
    """A copied database names nobody."""
    made(ward)

    row = ward.session.query(papers.IdentityPaper).one()
    assert b"MB123456" not in row.number
    assert "MB123456" not in row.fingerprint
