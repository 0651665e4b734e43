"""Passkeys: what opens the door and every way that does not (WebAuthn Level 3 sections 7.1, 7.2; O44)."""

import base64
import json
from collections import Counter

import pytest
from sqlalchemy import select, update

from consent.db import new_id
from consent.errors import NotFound
from idp import subjects
from idp.alerts import Notice
from idp.login import challenges, held, passkeys
from idp.login.passkeys import PasskeyRefused
from idp.proofing.sources.fake import SandboxRegistry
from idp.subjects import PersonSealer
from tests.fakes import MINUTE, NOW, SECOND
from tests.idp.login.authenticator import BE, BS, EDDSA, ES256, UP, UV, Authenticator

ORIGIN, RP = "http://localhost:8000", "localhost"
HERE = {"rp_id": RP, "origin": ORIGIN, "browser": "this browser", "now": NOW}

PEOPLE = ("3999000010043", "2999000010053")


@pytest.fixture(autouse=True)
def people(sessions, ring):
    """Two accounts: names of passkeys are sealed under keys of their owners."""
    registry = SandboxRegistry().people
    with sessions.writing() as session:
        return [subjects.create(session, ring, number, registry[number], now=NOW).id for number in PEOPLE]


@pytest.fixture
def somchai(people):
    """The first of them."""
    return people[0]


@pytest.fixture
def manee(people):
    """The second."""
    return people[1]


@pytest.fixture
def create(session):
    """Options to register with."""

    def ask(person, **other):
        facts = {"rp_id": RP, "browser": "this browser", "now": NOW} | other
        return passkeys.registration_options(session, subject_id=person, display_name="บัญชีของฉัน", **facts)

    return ask


@pytest.fixture
def register(session, ring, create):
    """Register an authenticator for a person."""

    def run(person, device=None, name="โทรศัพท์", **other):
        credential = (device or Authenticator(ORIGIN)).create(create(person))
        told = {"ring": ring, "credential": credential, "name": name}
        return passkeys.register(session, subject_id=person, **told, **HERE | other)

    return run


@pytest.fixture
def options(session):
    """Options to sign in with."""

    def ask(**other):
        return passkeys.sign_in_options(session, **{"rp_id": RP, "browser": "this browser", "now": NOW} | other)

    return ask


@pytest.fixture
def code_of(session, ring):
    """The code with which an assertion is refused, or None; by `attempt`, that keeps what it leaves behind."""

    def run(credential, **other):
        answer = passkeys.attempt(session, ring=ring, credential=credential, **HERE | other)
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
def test_a_passkey_registers_and_then_says_who_it_is(ring, session, register, options, somchai, told, alg, flags):  # noqa: PLR0917 -- fixtures
    """Section 7.1 and 7.2; Level AAL2.2 comes from user verification."""
    device = Authenticator(ORIGIN, alg=alg, flags=flags)

    kept = register(somchai, device, name="  โทรศัพท์\x00 ของ\nฉัน ")
    who = passkeys.verify(session, ring=ring, credential=device.get(options()), **HERE)

    assert who == somchai
    name = held.name_of(PersonSealer(ring, session), kept)
    assert (name, kept.transports) == ("โทรศัพท์ ของ ฉัน", "hybrid internal")
    assert (kept.name, "โทรศัพท์".encode() in kept.sealed_name) == ("", False)
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


def test_stepping_up_names_the_persons_own_passkeys(ring, session, options, phone, register, somchai, manee):  # noqa: PLR0917 -- fixtures
    """Section 5.4.4: a bound challenge; the user handle may then be missing."""
    other = Authenticator(ORIGIN)
    register(manee, other)
    asked = options(subject_id=somchai)

    assert [row["id"] for row in asked["allowCredentials"]] == [
        base64.urlsafe_b64encode(phone.credential_id).rstrip(b"=").decode()
    ]
    phone.user_handle = None
    assert passkeys.verify(session, ring=ring, credential=phone.get(asked), **HERE) == somchai


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


def test_an_assertion_without_cross_origin_is_fine(ring, session, options, phone, somchai):
    """Older browsers do not say it (section 5.8.1)."""
    phone.told = {"crossOrigin": None}

    assert passkeys.verify(session, ring=ring, credential=phone.get(options()), **HERE) == somchai


def test_an_assertion_for_another_rp_id_is_refused(options, phone, code_of):
    """Section 7.2 step 15."""
    assert code_of(phone.get(options(), rp_id="evil.example")) == "not_verified"


def test_a_production_origin_works_alike(ring, session, somchai):
    """Settings.rp_id and Settings.origin."""
    here = {"rp_id": "id.example.test", "origin": "https://id.example.test", "browser": "b", "now": NOW}
    asks = {"rp_id": "id.example.test", "browser": "b", "now": NOW}
    device = Authenticator("https://id.example.test")
    asked = passkeys.registration_options(session, subject_id=somchai, display_name="x", **asks)
    passkeys.register(session, ring=ring, subject_id=somchai, credential=device.create(asked), name="", **here)

    credential = device.get(passkeys.sign_in_options(session, **asks))
    assert passkeys.verify(session, ring=ring, credential=credential, **here) == somchai


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


def test_a_challenge_belongs_to_its_purpose(ring, session, create, options, phone, code_of, somchai):  # noqa: PLR0917 -- fixtures
    """O40 for passkeys: what was made to register does not sign in, nor the reverse."""
    assert code_of(phone.get({**create(somchai), "rpId": RP})) == "challenge"
    device = Authenticator(ORIGIN)
    mixed = {**create(somchai), "challenge": options()["challenge"]}
    with pytest.raises(PasskeyRefused) as refused:
        passkeys.register(session, ring=ring, subject_id=somchai, credential=device.create(mixed), name="", **HERE)
    assert refused.value.code == "challenge"


@pytest.mark.parametrize("flags", [UP | UV, UP | UV | BE | BS])
@pytest.mark.parametrize("told_count", [5, 4, 0])
def test_a_counter_that_does_not_grow_is_refused_and_the_owner_told(  # noqa: PLR0917 -- fixtures
    options, register, code_of, session, told, somchai, told_count, flags
):
    """Section 7.2 step 22: a copy may exist, of a synced key as of one that stays; refused, logged, told."""
    phone = Authenticator(ORIGIN, flags=flags, count=4)
    register(somchai, phone)
    assert code_of(phone.get(options())) is None
    phone.count, phone.counts = told_count, False

    assert code_of(phone.get(options())) == "counter"

    assert told(session) == ["alert.sent", "passkey.added", "passkey.used", "signin.failed counter"]
    assert [(one.kind, one.subject_id) for one in session.scalars(select(Notice))] == [("passkey_copied", somchai)]
    assert session.scalar(select(passkeys.Passkey.sign_count)) == 5
    phone.counts = True
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


def test_a_removed_passkey_opens_nothing(ring, session, options, phone, code_of, somchai, manee, told):  # noqa: PLR0917 -- fixtures
    """O46: factor change; somebody else's passkey is not found."""
    asked, kept = options(subject_id=somchai), passkeys.of(session, somchai)[0]
    with pytest.raises(NotFound):
        passkeys.remove(session, kept.id, subject_id=manee, now=NOW)
    with pytest.raises(NotFound):
        passkeys.rename(session, PersonSealer(ring, session), kept.id, subject_id=manee, name="x", now=NOW)

    passkeys.remove(session, kept.id, subject_id=somchai, now=NOW)
    passkeys.remove(session, kept.id, subject_id=somchai, now=NOW)

    assert passkeys.of(session, somchai) == []
    assert code_of(phone.get(asked)) == "unknown"
    assert options(subject_id=somchai)["allowCredentials"] == []
    assert told(session) == ["passkey.added", "passkey.removed"]


def test_a_passkey_can_be_renamed(ring, session, phone, somchai, told):
    """The name is for the person alone; one line, 64 characters."""
    kept = passkeys.of(session, somchai)[0]

    sealer = PersonSealer(ring, session)

    passkeys.rename(session, sealer, kept.id, subject_id=somchai, name="  กุญแจ\n" + "ก" * 100, now=NOW)

    assert held.name_of(sealer, passkeys.of(session, somchai)[0]) == "กุญแจ " + "ก" * 58
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


def test_a_registration_begun_by_one_person_does_not_end_at_another(ring, session, create, somchai, manee):
    """The challenge is bound to who asked."""
    said = Authenticator(ORIGIN).create(create(somchai))

    with pytest.raises(PasskeyRefused) as refused:
        passkeys.register(session, ring=ring, subject_id=manee, credential=said, name="", **HERE)

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


def _enrolled(sessions, ring, person, **device):
    """A committed passkey and its authenticator."""
    made = Authenticator(ORIGIN, **device)
    asks = {"rp_id": RP, "browser": "this browser", "now": NOW}
    with sessions.writing() as session:
        asked = passkeys.registration_options(session, subject_id=person, display_name="x", **asks)
        passkeys.register(session, ring=ring, subject_id=person, credential=made.create(asked), name="", **HERE)
        return made, [passkeys.sign_in_options(session, **asks) for _ in range(8)]


def test_of_many_answers_to_one_challenge_one_is_believed(ring, sessions, somchai, at_once):
    """RELIABILITY rule 1."""
    device, asked = _enrolled(sessions, ring, somchai, counts=False)
    said = device.get(asked[0])

    answers = at_once(8, lambda session: passkeys.attempt(session, ring=ring, credential=said, **HERE))

    assert answers.count(somchai) == 1
    assert Counter(answer.code for answer in answers if answer != somchai) == {"challenge": 7}


def test_of_many_answers_with_one_count_one_is_believed(ring, sessions, somchai, at_once):
    """RELIABILITY rule 1: the counter, too, is compared by the statement that moves it."""
    device, asked = _enrolled(sessions, ring, somchai, counts=False)
    device.count = 3
    said = [device.get(options) for options in asked]

    answers = at_once(8, lambda session: passkeys.attempt(session, ring=ring, credential=said.pop(), **HERE))

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


def test_a_passkey_opens_the_citizens_side_or_the_staffs_never_both(register, options, code_of, somchai):
    """DECISIONS 4: whoever holds a member of staff's phone cannot add a way into the console."""
    own, invited = Authenticator(ORIGIN), Authenticator(ORIGIN)
    register(somchai, own)
    register(somchai, invited, for_staff=True)

    assert code_of(own.get(options()), for_staff=True) == "unknown"
    assert code_of(invited.get(options()), for_staff=True) is None
    assert code_of(invited.get(options())) == "unknown"
    assert code_of(own.get(options())) is None


def test_a_passkey_of_staff_is_none_of_the_citizens(session, register, options, somchai):
    """A clerk who has only the passkey of the counter is, at home, somebody without a second factor: no dead end."""
    kept = register(somchai, Authenticator(ORIGIN), for_staff=True)

    assert passkeys.of(session, somchai) == []
    assert passkeys.of(session, somchai, for_staff=True) == [kept]
    assert options(subject_id=somchai)["allowCredentials"] == []
    with pytest.raises(NotFound):
        passkeys.remove(session, kept.id, subject_id=somchai, now=NOW)


def test_one_authenticator_holds_both_of_a_member_of_staff(create, register, somchai):
    """Section 6.3.2: a discoverable credential replaces the one of the same user handle; so there are two handles."""
    at_home, at_work = create(somchai), create(somchai, for_staff=True)
    assert at_home["user"]["id"] != at_work["user"]["id"]

    register(somchai, Authenticator(ORIGIN))

    assert len(create(somchai)["excludeCredentials"]) == 1
    assert create(somchai, for_staff=True)["excludeCredentials"] == []


def test_a_passkey_of_staff_says_its_own_handle_or_the_older_one(session, ring, create, options, code_of, somchai):  # noqa: PLR0917 -- fixtures
    """Section 7.2 step 6; those from before the second handle go on working, another's handle never does."""
    asked, device = create(somchai, for_staff=True), Authenticator(ORIGIN)
    said = {"ring": ring, "credential": device.create(asked), "name": "", "for_staff": True}
    passkeys.register(session, subject_id=somchai, **said, **HERE)
    handles = {"own": device.user_handle, "older": create(somchai)["user"]["id"], "foreign": "AAAA"}

    answers = {}
    for name, device.user_handle in handles.items():
        answers[name] = code_of(device.get(options()), for_staff=True)

    assert answers == {"own": None, "older": None, "foreign": "unknown"}


def test_an_older_name_is_read_until_it_is_sealed(session, ring, register, somchai):
    """Yesterday's rows have their name in the open; renaming seals it, removing forgets it."""
    kept, sealer = register(somchai), PersonSealer(ring, session)
    kept.name, kept.sealed_name = "โทรศัพท์เก่า", None
    assert held.name_of(sealer, kept) == "โทรศัพท์เก่า"

    passkeys.rename(session, sealer, kept.id, subject_id=somchai, name="ใหม่", now=NOW)
    assert (kept.name, held.name_of(sealer, kept)) == ("", "ใหม่")

    passkeys.remove(session, kept.id, subject_id=somchai, now=NOW)
    session.refresh(kept)
    assert (kept.name, kept.sealed_name) == ("", None)


def test_the_browsers_list_shows_a_masked_number_and_no_name(session, ring, somchai):
    """Labels are copied to clouds: enough to tell a family's accounts apart, too little to name anybody."""
    shown = held.label(session, PersonSealer(ring, session), somchai)

    assert shown.count("x") >= 9
    assert PEOPLE[0] not in shown
    assert sum(sign.isdigit() for sign in shown) <= 3


def test_names_of_before_are_sealed_by_the_worker(session, ring):
    """DECISIONS 5: what a person typed is readable under their own key alone; an erased person's is gone."""
    sealer = PersonSealer(ring, session)
    known = subjects.create(session, ring, "3999000010043", SandboxRegistry().people["3999000010043"], now=NOW).id
    told = {"public_key": b"", "sign_count": 0, "device_type": "", "backed_up": False, "for_staff": False}
    told |= {"aaguid": "", "transports": "", "created_at": NOW}
    old = [
        held.Passkey(id=new_id(), subject_id=owner, credential_id=name, name="โทรศัพท์ของสมชาย", **told)
        for owner, name in ((known, "a"), (known, "b"), (new_id(), "c"))
    ]
    session.add_all(old)
    session.flush()

    assert [held.seal_old(session, sealer, most=2) for _ in range(3)] == [2, 1, 0]
    assert [(one.name, one.sealed_name is None) for one in old] == [("", False), ("", False), ("", True)]
    assert held.name_of(sealer, old[0]) == "โทรศัพท์ของสมชาย"
