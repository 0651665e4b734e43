"""Keys that a maker vouches for: what counts as AAL3 and what does not (WebAuthn Level 3, 7.1 steps 21 to 24)."""

import pytest

from idp.login import passkeys, security_keys
from idp.login.passkeys import PasskeyRefused
from tests.fakes import NOW
from tests.idp.login.authenticator import BE, BS, UP, UV, Authenticator
from tests.idp.login.makers import Maker

ORIGIN = "http://localhost:8000"
HERE = {"rp_id": "localhost", "browser": "this browser", "now": NOW}


@pytest.fixture
def enrol(session, ring, account):
    """A member of staff enrols a key; the row."""

    def run(made, **told):
        asked = passkeys.registration_options(
            session, subject_id=account.id, display_name="x", for_staff=True, attest=True, **HERE
        )
        facts = {"ring": ring, "name": "", "for_staff": True, "origin": ORIGIN, **HERE, **told}
        return passkeys.register(session, subject_id=account.id, credential=made(asked), **facts)

    return run


def test_a_key_of_a_known_maker_is_one_and_signs_in_as_one(session, ring, account, enrol):
    """7.1 step 24: the chain ends at a root that the operator named."""
    maker, device = Maker(), Authenticator(ORIGIN)

    kept = enrol(lambda asked: maker.attest(device.create(asked)), roots=(maker.root_pem,), must_be_attested=True)

    assert kept.attested
    said = device.get(passkeys.sign_in_options(session, **HERE))
    told = {"ring": ring, "for_staff": True, "origin": ORIGIN}
    assert passkeys.attempt(session, credential=said, **told, **HERE) == account.id
    assert passkeys.factor_of(session, said) == "key"


def test_the_options_ask_for_an_attestation_only_of_staff_with_known_makers(session, account):
    """5.4.7: nobody's device is asked who made it without need."""
    asked = passkeys.registration_options(session, subject_id=account.id, display_name="x", attest=True, **HERE)
    plain = passkeys.registration_options(session, subject_id=account.id, display_name="x", **HERE)

    assert (asked["attestation"], plain["attestation"]) == ("direct", "none")


KINDS = {
    "no attestation": (lambda _maker, device, asked: device.create(asked), UP | UV, "not_attested"),
    "by itself": (
        lambda maker, device, asked: maker.attest(device.create(asked), by_itself=True, key=device.key),
        UP | UV,
        "not_attested",
    ),
    "may be copied": (lambda maker, device, asked: maker.attest(device.create(asked)), UP | UV | BE, "not_attested"),
    "is copied": (lambda maker, device, asked: maker.attest(device.create(asked)), UP | UV | BE | BS, "not_attested"),
    "another maker": (
        lambda _maker, device, asked: Maker().attest(device.create(asked)),
        UP | UV,
        "not_attested",
    ),
    "user not verified": (lambda maker, device, asked: maker.attest(device.create(asked)), UP, "not_verified"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_anything_else_is_refused_where_a_key_is_needed(enrol, kind):
    """AAL3 is hardware: a synced key, one without a maker's word and one of an unknown maker are none."""
    made, flags, code = KINDS[kind]
    maker, device = Maker(), Authenticator(ORIGIN, flags=flags)

    with pytest.raises(PasskeyRefused) as refused:
        enrol(lambda asked: made(maker, device, asked), roots=(maker.root_pem,), must_be_attested=True)

    assert refused.value.code == code


@pytest.mark.parametrize("kind", ["no attestation", "by itself", "may be copied", "another maker"])
def test_where_no_key_is_needed_it_is_an_ordinary_passkey(session, enrol, kind):
    """A clerk's phone stays welcome."""
    made, flags, _ = KINDS[kind]
    maker, device = Maker(), Authenticator(ORIGIN, flags=flags)

    kept = enrol(lambda asked: made(maker, device, asked), roots=(maker.root_pem,))

    assert not kept.attested
    assert passkeys.factor_of(session, device.get(passkeys.sign_in_options(session, **HERE))) == "passkey"


def test_without_roots_no_chain_counts(enrol):
    """The library passes every chain when it has no roots to compare with."""
    maker, device = Maker(), Authenticator(ORIGIN)

    assert not enrol(lambda asked: maker.attest(device.create(asked))).attested


@pytest.mark.parametrize(("names_model", "attested"), [(None, True), (bytes(16), False)])
def test_a_certificate_for_another_model_vouches_for_nothing(enrol, names_model, attested):
    """8.2.1: where the certificate names a model, the authenticator data must name the same."""
    maker, device = Maker(names_model=names_model), Authenticator(ORIGIN)

    kept = enrol(lambda asked: maker.attest(device.create(asked)), roots=(maker.root_pem,))

    assert kept.attested is attested


def test_a_credential_that_nobody_knows_counts_as_a_passkey(session):
    """Never the stronger word by mistake."""
    assert passkeys.factor_of(session, {"id": "unknown"}) == "passkey"
    assert passkeys.factor_of(session, {}) == "passkey"


def test_roots_are_read_from_one_file(tmp_path):
    """Several makers, one after the other, with words between."""
    one, two = Maker("One").root_pem, Maker("Two").root_pem
    file = tmp_path / "roots.pem"
    file.write_bytes(b"# one\n" + one + b"# two\n" + two)

    assert [pem.strip() for pem in security_keys.read_roots(file)] == [one.strip(), two.strip()]
    assert security_keys.read_roots(None) == ()


@pytest.mark.parametrize(
    "content", [None, b"", b"nothing", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_file_without_roots_is_refused_in_a_sentence(tmp_path, content):
    """An empty list would let every chain pass."""
    file = tmp_path / "roots.pem"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(ValueError, match=r"^the file .*roots\.pem"):
        security_keys.read_roots(file)
