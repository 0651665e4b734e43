import pytest

from idp.relying import Keys, Verifier
from tests.idp.relying.issuer import HERE, ISSUER, FakeIssuer

_ISSUER = FakeIssuer()  # one RSA key for the whole run: making one costs a tenth of a second


@pytest.fixture
def issuer() -> FakeIssuer:
    fresh = FakeIssuer.__new__(FakeIssuer)
    fresh.__dict__.update(_ISSUER.__dict__, fetched=[], published=list(_ISSUER.published))
    return fresh


@pytest.fixture
def keys(issuer: FakeIssuer) -> Keys:
    return Keys(ISSUER, fetch=issuer.fetch, clock=issuer.clock)


@pytest.fixture
def verifier(issuer: FakeIssuer, keys: Keys) -> Verifier:
    return Verifier(ISSUER, HERE, keys=keys, clock=issuer.clock)
