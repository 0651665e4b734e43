"""Passkeys: what opens the door and every way that does not (WebAuthn Level 3 sections 7.1, 7.2; O44)."""

import base64
import json
from collections import Counter

import pytest
from sqlalchemy import select, update

from consent.errors import NotFound
from idp.login import challenges, passkeys
from idp.login.passkeys import PasskeyRefused
from tests.fakes import MINUTE, NOW, SECOND
from tests.idp.login.authenticator import BE, BS, EDDSA, ES256, UP, UV, Authenticator

ORIGIN, RP = "http://localhost:8000", "localhost"
HERE = {"rp_id": RP, "origin": ORIGIN, "browser": "this browser", "now": NOW}


@pytest.fixture
def create(session):
    """Options to register with."""

    def ask(person, **other):
        facts = {"rp_id": RP, "browser": "this browser", "now": NOW} | other
        return passkeys.registration_options(session, subject_id=person, display_name="บัญชีของฉัน", **facts)

    return ask


@pytest.fixture
def register(session, create):
    """Register an authenticator for a person."""

    def run(person, device=None, name="โทรศัพท์", **other):
        credential = (device or Authenticator(ORIGIN)).create(create(person))
        return passkeys.register(session, subject_id=person, credential=credential, name=name, **HERE | other)

    return run


@pytest.fixture
def options(session):
    """Options to sign in with."""

    def ask(**other):
        return passkeys.sign_in_options(session, **{"rp_id": RP, "browser": "this browser", "now": NOW} | other)

    return ask


@pytest.fixture
def code_of(session):
    """The code with which an assertion is refused, or None; by `attempt`, that keeps what it leaves behind."""

    def run(credential, **other):
        answer = passkeys.attempt(session, credential=credential, **HERE | other)
        return answer.code if isinstance(answer, PasskeyRefused) else None

    return run


@pytest.fixture
def phone(register, somchai):
    """Somchai's registered authenticator."""
    device = Authenticator(ORIGIN)
    register(somchai, device)
    return device


@pytest.mark.parametrize("alg", [ES256, EDDSA])
@pytest.mark.parametrize("flags", [UP | UV, UP | UV | BE, UP | UV | BE | BS])
def test_a_passkey_registers_and_then_says_who_it_is(session, register, options, somchai, told, alg, flags):  # noqa: PLR0917 -- fixtures
    """Section 7.1 and 7.2; Level AAL2.2 comes from user verification."""
    device = Authenticator(ORIGIN, alg=alg, flags=flags)

    kept = register(somchai, device, name="  โทรศัพท์\x00 ของ\nฉัน ")
    who = passkeys.verify(session, credential=device.get(options()), **HERE)

    assert who == somchai
    assert (kept.name, kept.transports) == ("โทรศัพท์ ของ ฉัน", "hybrid internal")
    assert (kept.device_type, kept.backed_up) == (
        "multi_device" if flags & BE else "single_device",
        bool(flags & BS),
    )
    assert told(session) == ["passkey.added", "passkey.used"]


def test_the_options_ask_for_a_discoverable_credential_and_user_verification(create, somchai, phone):
    """LIBRARIES 3: the library's default would accept UV=0."""
    asked = create(somchai)

    assert asked["authenticatorSelection"]["residentKey"] == "required"
    assert asked["authenticatorSelection"]["userVerification"] == "required"
    assert asked["attestation"] == "none"
    assert asked["rp"] == {"name": "Yinyom", "id": "localhost"}
    assert asked["timeout"] == 600_000
    assert [row["type"] for row in asked["excludeCredentials"]] == ["public-key"]
    assert [param["alg"] for param in asked["pubKeyCredParams"]] == [-8, -7, -257]
    assert json.dumps(asked)
    assert phone.user_handle == asked["user"]["id"]


def test_signing_in_starts_the_same_for_everybody(session, options, phone):
    """O38: options of a discoverable credential depend on nobody; one row whoever asks."""
    first, second = options(), options(browser="another")

    assert first.pop("challenge") != second.pop("challenge")
    assert first == second == {"timeout": 600_000, "rpId": RP, "allowCredentials": [], "userVerification": "required"}
    rows = session.execute(select(challenges.WebauthnChallenge.purpose, challenges.WebauthnChallenge.subject_id))
    assert Counter(tuple(row) for row in rows)[("sign-in", None)] == 2
    assert phone.count == 0


def test_stepping_up_names_the_persons_own_passkeys(session, options, phone, register, somchai, manee):  # noqa: PLR0917 -- fixtures
    """Section 5.4.4: a bound challenge; the user handle may then be missing."""
    other = Authenticator(ORIGIN)
    register(manee, other)
    asked = options(subject_id=somchai)

    assert [row["id"] for row in asked["allowCredentials"]] == [
        base64.urlsafe_b64encode(phone.credential_id).rstrip(b"=").decode()
    ]
    phone.user_handle = None
    assert passkeys.verify(session, credential=phone.get(asked), **HERE) == somchai


def test_challenges_are_long_and_never_alike(options, session):
    """O44: at least 64 bits, unique; here 512 at random, stored as hashes."""
    issued = {options()["challenge"] for _ in range(200)}

    assert len(issued) == 200
    assert min(len(base64.urlsafe_b64decode(one + "==")) for one in issued) >= 32
    assert not issued & set(session.scalars(select(challenges.WebauthnChallenge.challenge_hash)))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"flags": UP}, "not_verified"),
        ({"flags": UV}, "not_verified"),
        ({"flags": UP | UV | BE}, "not_verified"),
        ({"flags": UP | UV | BS}, "not_verified"),
        ({"origin": "https://evil.example"}, "not_verified"),
        ({"origin": "http://localhost:8001"}, "not_verified"),
        ({"origin": "http://localhost:8000/"}, "not_verified"),
        ({"told": {"type": "webauthn.create"}}, "not_verified"),
        ({"told": {"crossOrigin": True}}, "framed"),
        ({"told": {"crossOrigin": "false"}}, "framed"),
        ({"told": {"crossOrigin": 0}}, "framed"),
        ({"told": {"topOrigin": "https://evil.example"}}, "framed"),
        ({"told": {"topOrigin": ORIGIN}}, "framed"),
        ({"told": {"challenge": "AAAA"}}, "challenge"),
        ({"told": {"challenge": "*" * 43}}, "challenge"),
        ({"told": {"challenge": 7}}, "malformed"),
        ({"told": {"challenge": None}}, "malformed"),
        ({"told": {"challenge": "A" * 1000}}, "malformed"),
        ({"told": {"origin": 7}}, "not_verified"),
        ({"key": Authenticator(ORIGIN).key}, "not_verified"),
        ({"user_handle": None}, "unknown"),
        ({"user_handle": "AAAA"}, "unknown"),
        ({"credential_id": b"x" * 32}, "unknown"),
        ({"credential_id": b""}, "malformed"),
        ({"credential_id": b"x" * 1024}, "malformed"),
    ],
)
def test_a_changed_assertion_is_refused(options, phone, code_of, change, code):
    """Section 7.2: user verified and present, origin, frames, challenge, key, user handle, credential."""
    for name, value in change.items():
        setattr(phone, name, value)

    assert code_of(phone.get(options())) == code


def test_an_assertion_without_cross_origin_is_fine(session, options, phone, somchai):
    """Older browsers do not say it (section 5.8.1)."""
    phone.told = {"crossOrigin": None}

    assert passkeys.verify(session, credential=phone.get(options()), **HERE) == somchai


def test_an_assertion_for_another_rp_id_is_refused(options, phone, code_of):
    """Section 7.2 step 15."""
    assert code_of(phone.get(options(), rp_id="evil.example")) == "not_verified"


def test_a_production_origin_works_alike(session, somchai):
    """Settings.rp_id and Settings.origin."""
    here = {"rp_id": "id.example.test", "origin": "https://id.example.test", "browser": "b", "now": NOW}
    asks = {"rp_id": "id.example.test", "browser": "b", "now": NOW}
    device = Authenticator("https://id.example.test")
    asked = passkeys.registration_options(session, subject_id=somchai, display_name="x", **asks)
    passkeys.register(session, subject_id=somchai, credential=device.create(asked), name="", **here)

    assert passkeys.verify(session, credential=device.get(passkeys.sign_in_options(session, **asks)), **here) == somchai


def test_the_handle_of_another_person_is_refused(options, phone, code_of, manee):
    """LIBRARIES 3: the library accepts a foreign userHandle."""
    phone.user_handle = base64.urlsafe_b64encode(manee.bytes).rstrip(b"=").decode()

    assert code_of(phone.get(options())) == "unknown"


def test_another_persons_passkey_does_not_answer_a_bound_challenge(options, phone, register, code_of, manee, somchai):  # noqa: PLR0917 -- fixtures
    """Stepping up as Somchai takes Somchai's passkey, even from the same browser."""
    other = Authenticator(ORIGIN)
    register(manee, other)

    assert code_of(other.get(options(subject_id=somchai))) == "challenge"
    assert code_of(phone.get(options(subject_id=somchai))) is None


def test_a_challenge_is_used_up_by_its_first_answer_right_or_wrong(options, phone, code_of):
    """O44: single use."""
    right, wrong = options(), options()

    assert code_of(phone.get(right)) is None
    assert code_of(phone.get(right)) == "challenge"
    phone.flags = UP
    assert code_of(phone.get(wrong)) == "not_verified"
    phone.flags = UP | UV
    assert code_of(phone.get(wrong)) == "challenge"


def test_a_replayed_assertion_of_an_authenticator_without_counter_is_refused(options, register, manee, code_of):
    """O44: synced passkeys say 0 for ever, so the challenge alone stops a replay."""
    device = Authenticator(ORIGIN, counts=False)
    register(manee, device)
    said = device.get(options())

    assert code_of(said) is None
    assert code_of(said) == "challenge"
    assert code_of(device.get(options())) is None


def test_a_challenge_lives_ten_minutes(options, phone, code_of):
    """O44."""
    in_time, late = options(), options()

    assert code_of(phone.get(in_time), now=NOW + 10 * MINUTE - SECOND) is None
    assert code_of(phone.get(late), now=NOW + 10 * MINUTE) == "challenge"


def test_a_challenge_belongs_to_its_browser(options, phone, code_of):
    """O48: a sign-in begun in the attacker's browser does not end in the victim's."""
    assert code_of(phone.get(options()), browser="another browser") == "challenge"


def test_a_challenge_belongs_to_its_purpose(session, create, options, phone, code_of, somchai):  # noqa: PLR0917 -- fixtures
    """O40 for passkeys: what was made to register does not sign in, nor the reverse."""
    assert code_of(phone.get({**create(somchai), "rpId": RP})) == "challenge"
    device = Authenticator(ORIGIN)
    mixed = {**create(somchai), "challenge": options()["challenge"]}
    with pytest.raises(PasskeyRefused) as refused:
        passkeys.register(session, subject_id=somchai, credential=device.create(mixed), name="", **HERE)
    assert refused.value.code == "challenge"


@pytest.mark.parametrize("told_count", [5, 4, 0])
def test_a_counter_that_does_not_grow_is_refused_and_remembered(options, phone, code_of, session, told, told_count):  # noqa: PLR0917 -- fixtures
    """Section 7.2 step 22: a copy may exist."""
    phone.count = 4
    assert code_of(phone.get(options())) is None
    phone.count, phone.counts = told_count, False

    assert code_of(phone.get(options())) == "counter"

    assert told(session) == ["passkey.added", "passkey.used", "signin.failed counter"]
    assert session.scalar(select(passkeys.Passkey.sign_count)) == 5
    phone.count = 6
    assert code_of(phone.get(options())) is None


def test_nobody_without_the_key_can_spoil_the_counter(options, phone, code_of, session):
    """The counter moves after the signature is proved."""
    forger = Authenticator(ORIGIN, credential_id=phone.credential_id, count=2**31)
    forger.user_handle = phone.user_handle

    assert code_of(forger.get(options())) == "not_verified"
    assert session.scalar(select(passkeys.Passkey.sign_count)) == 0


def test_a_refusal_of_a_known_passkey_is_remembered_and_an_unknown_one_names_nobody(
    options, phone, code_of, session, told
):
    """ASVS 16.3.1; an unknown credential is nobody's failure."""
    phone.flags = UP
    code_of(phone.get(options()))
    code_of(Authenticator(ORIGIN).get(options()))

    assert told(session) == ["passkey.added", "signin.failed not_verified"]


def test_a_removed_passkey_opens_nothing(session, options, phone, code_of, somchai, manee, told):  # noqa: PLR0917 -- fixtures
    """O46: factor change; somebody else's passkey is not found."""
    asked, kept = options(subject_id=somchai), passkeys.of(session, somchai)[0]
    with pytest.raises(NotFound):
        passkeys.remove(session, kept.id, subject_id=manee, now=NOW)
    with pytest.raises(NotFound):
        passkeys.rename(session, kept.id, subject_id=manee, name="x", now=NOW)

    passkeys.remove(session, kept.id, subject_id=somchai, now=NOW)
    passkeys.remove(session, kept.id, subject_id=somchai, now=NOW)

    assert passkeys.of(session, somchai) == []
    assert code_of(phone.get(asked)) == "unknown"
    assert options(subject_id=somchai)["allowCredentials"] == []
    assert told(session) == ["passkey.added", "passkey.removed"]


def test_a_passkey_can_be_renamed(session, phone, somchai, told):
    """The name is for the person alone; one line, 64 characters."""
    kept = passkeys.of(session, somchai)[0]

    passkeys.rename(session, kept.id, subject_id=somchai, name="  กุญแจ\n" + "ก" * 100, now=NOW)

    assert passkeys.of(session, somchai)[0].name == "กุญแจ " + "ก" * 58
    assert told(session) == ["passkey.added", "passkey.renamed"]
    assert phone.count == 0


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"flags": UP}, "not_verified"),
        ({"flags": UV}, "not_verified"),
        ({"origin": "https://evil.example"}, "not_verified"),
        ({"told": {"type": "webauthn.get"}}, "not_verified"),
        ({"told": {"crossOrigin": True}}, "framed"),
        ({"told": {"topOrigin": "https://evil.example"}}, "framed"),
        ({"told": {"challenge": "AAAA"}}, "challenge"),
        ({"credential_id": b"x" * 1024}, "malformed"),
    ],
)
def test_a_changed_registration_is_refused(register, session, somchai, change, code):
    """Section 7.1."""
    device = Authenticator(ORIGIN)
    for name, value in change.items():
        setattr(device, name, value)

    with pytest.raises(PasskeyRefused) as refused:
        register(somchai, device)

    assert refused.value.code == code
    assert passkeys.of(session, somchai) == []


@pytest.mark.parametrize("other", [{"browser": "another"}, {"now": NOW + 10 * MINUTE}, {"rp_id": "evil.example"}])
def test_a_registration_elsewhere_or_too_late_is_refused(register, session, somchai, other):
    """Section 7.1, O44."""
    with pytest.raises(PasskeyRefused):
        register(somchai, **other)

    assert passkeys.of(session, somchai) == []


def test_a_registration_begun_by_one_person_does_not_end_at_another(session, create, somchai, manee):
    """The challenge is bound to who asked."""
    said = Authenticator(ORIGIN).create(create(somchai))

    with pytest.raises(PasskeyRefused) as refused:
        passkeys.register(session, subject_id=manee, credential=said, name="", **HERE)

    assert refused.value.code == "challenge"


def test_a_credential_id_is_taken_once_even_after_removal(session, register, somchai, manee):
    """Section 7.1 step 26: else a stolen id would shadow its owner."""
    device = Authenticator(ORIGIN)
    kept = register(somchai, device)
    passkeys.remove(session, kept.id, subject_id=somchai, now=NOW)

    for person in (somchai, manee):
        with pytest.raises(PasskeyRefused) as refused:
            register(person, device)
        assert refused.value.code == "already_registered"


def test_old_challenges_are_forgotten(session, options):
    """They are written for everybody who opens the page."""
    options(now=NOW - 10 * MINUTE)
    options()

    challenges.purge(session, now=NOW)

    assert session.scalars(select(challenges.WebauthnChallenge.expires_at)).all() == [NOW + 10 * MINUTE]


def _enrolled(sessions, person, **device):
    """A committed passkey and its authenticator."""
    made = Authenticator(ORIGIN, **device)
    asks = {"rp_id": RP, "browser": "this browser", "now": NOW}
    with sessions.writing() as session:
        asked = passkeys.registration_options(session, subject_id=person, display_name="x", **asks)
        passkeys.register(session, subject_id=person, credential=made.create(asked), name="", **HERE)
        return made, [passkeys.sign_in_options(session, **asks) for _ in range(8)]


def test_of_many_answers_to_one_challenge_one_is_believed(sessions, somchai, at_once):
    """RELIABILITY rule 1."""
    device, asked = _enrolled(sessions, somchai, counts=False)
    said = device.get(asked[0])

    answers = at_once(8, lambda session: passkeys.attempt(session, credential=said, **HERE))

    assert answers.count(somchai) == 1
    assert Counter(answer.code for answer in answers if answer != somchai) == {"challenge": 7}


def test_of_many_answers_with_one_count_one_is_believed(sessions, somchai, at_once):
    """RELIABILITY rule 1: the counter, too, is compared by the statement that moves it."""
    device, asked = _enrolled(sessions, somchai, counts=False)
    device.count = 3
    said = [device.get(options) for options in asked]

    answers = at_once(8, lambda session: passkeys.attempt(session, credential=said.pop(), **HERE))

    assert answers.count(somchai) == 1
    assert Counter(answer.code for answer in answers if answer != somchai) == {"counter": 7}


def test_a_broken_public_key_is_a_refusal(session, options, phone, code_of):
    """Bad bytes in the table are not a stack trace on the page."""
    session.execute(update(passkeys.Passkey).values(public_key=b"\xff"))

    assert code_of(phone.get(options())) == "not_verified"


@pytest.mark.parametrize("status", ["closed", "deceased"])
def test_a_passkey_of_a_shut_account_opens_nothing(session, register, options, code_of, account, status):  # noqa: PLR0917 -- fixtures
    """ASVS 6.3.4: every way in asks the same; what no SMS opens, no passkey opens."""
    device = Authenticator(ORIGIN)
    register(account.id, device)
    assert code_of(device.get(options())) is None

    account.status = status
    session.flush()

    assert code_of(device.get(options())) == "unknown"


def test_only_a_passkey_from_an_invitation_is_one_for_staff(register, options, code_of, somchai):
    """DECISIONS 4: whoever holds a member of staff's phone cannot add their own way into the console."""
    own, invited = Authenticator(ORIGIN), Authenticator(ORIGIN)
    register(somchai, own)
    register(somchai, invited, for_staff=True)

    assert code_of(own.get(options()), for_staff=True) == "unknown"
    assert code_of(invited.get(options()), for_staff=True) is None
    assert code_of(invited.get(options())) is None
