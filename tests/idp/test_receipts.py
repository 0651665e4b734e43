"""Signing, checking and looking up receipts: what is believed, what is not, and what is given away."""

import base64
import json
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from consent import notices, purposes, records, withdrawal
from consent import receipts as documents
from consent.errors import NotFound
from consent.receipts import Act
from consent.records import Choice, Key
from consent.standings import ANY_HOLDER
from idp import keys, receipts
from tests.fakes import HOUR, NOW
from tests.idp.web.stage import set_up

CHECKER = Path(__file__).parents[1] / "peers" / "receipt_checker.py"


class World:
    """One citizen, one consent, one database."""

    def __init__(self, session, ring, settings):
        self.session, self.ring, self.settings = session, ring, settings
        stage = set_up(session, ring)
        self.citizen = stage.citizen
        row = purposes.get("EHR-SHARE")
        notice = notices.current(
            session, row.code, locale="th", recipient_name="โรงพยาบาลตัวอย่าง", categories=row.data_categories
        )
        self.record = records.give(
            session,
            Choice(
                key=Key(stage.citizen, stage.hospital, ANY_HOLDER, row.code),
                client_id="portal",
                actor_id=stage.citizen,
                notice=notice,
                scopes=row.scopes[:2],
                categories=row.data_categories,
                basis=row.basis,
                explicit=row.explicit,
                aal="2.2",
                ial="1.3",
                channel="web",
                lives_for=None,
            ),
            now=NOW,
        )

    def own(self, **asked):
        """The citizen's own receipt."""
        known = {"subject_id": self.citizen, "now": NOW} | asked
        return receipts.of_own(self.session, self.ring, self.settings, self.record.id, **known)

    def look_up(self, number, code):
        """What anybody can see."""
        return receipts.look_up(self.session, self.ring, self.settings, number, code, now=NOW)

    def withdraw(self):
        """It is over, an hour later."""
        withdrawal.withdraw(
            self.session,
            self.record.id,
            subject_id=self.citizen,
            actor_id=self.citizen,
            reason=None,
            now=NOW + HOUR,
        )


@pytest.fixture
def world(session, ring, settings):
    return World(session, ring, settings)


def parts_of(token):
    return [json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2]]


def coded(document):
    return documents._base64url(json.dumps(document, separators=(",", ":")).encode())


def test_a_receipt_is_read_back_as_it_was_signed(world):
    """RFC 7515 5.2; spaces and line ends from copying are forgiven."""
    receipt = world.own()
    token = receipts.sign(world.ring, receipt)

    for text in (token, f"  {token}\n", "\n".join(token[at : at + 60] for at in range(0, len(token), 60))):
        assert receipts.read(world.ring, text) == receipts.Reading("valid", receipt.document)


def test_the_payload_of_two_copies_is_the_same(world):
    """Deterministic from the record; only an ECDSA signature differs."""
    one, two = (receipts.sign(world.ring, world.own(now=NOW + step * HOUR)) for step in (0, 5))

    assert one.rpartition(".")[0] == two.rpartition(".")[0]


def changed(token, name):
    """The receipt, tampered with in one way."""
    head, body, tail = token.split(".")
    header, document = parts_of(token)
    # 64 bytes leave four spare bits in the last letter: set, they spell the same signature another way (RFC 4648 3.5).
    spare = tail[:-1] + {"A": "B", "Q": "R", "g": "h", "w": "x"}[tail[-1]]
    return {
        "purpose": f"{head}.{coded(document | {'jti': 'X'})}.{tail}",
        "spaces": f"{head}.{documents._base64url(json.dumps(document).encode())}.{tail}",
        "one letter": f"{head}.{body[:100]}{'A' if body[100] != 'A' else 'B'}{body[101:]}.{tail}",
        "last letter of the signature": f"{head}.{body}.{spare}",
        "no signature": f"{head}.{body}.",
        "short signature": f"{head}.{body}.{tail[:40]}",
        "empty body": f"{head}..{tail}",
        "alg none": f"{coded(header | {'alg': 'none'})}.{body}.",
        "alg HS256": f"{coded(header | {'alg': 'HS256'})}.{body}.{tail}",
        "other type": f"{coded(header | {'typ': 'JWT'})}.{body}.{tail}",
        "crit": f"{coded(header | {'crit': ['exp']})}.{body}.{tail}",
        "own key": f"{coded(header | {'jwk': {'kty': 'EC'}})}.{body}.{tail}",
        "not base64url": f"{head}.{body}.{'+' * 86}",
    }[name]


@pytest.mark.parametrize(
    "name",
    [
        "purpose", "spaces", "one letter", "last letter of the signature", "no signature", "short signature",
        "empty body", "alg none", "alg HS256", "other type", "crit", "own key", "not base64url",
    ],
)  # fmt: skip
def test_a_receipt_that_was_changed_is_called_altered(world, name):
    """O36 of the attack matrix: only our key, our algorithm, our header; one spelling; nothing of it is shown."""
    token = receipts.sign(world.ring, world.own())

    assert receipts.read(world.ring, changed(token, name)) == receipts.Reading("altered")


@pytest.mark.parametrize(
    "text",
    [
        "", "hello", "a.b.c", "...", "ก.ข.ค", ".." * 3, "e30.e30.e30", "bnVsbA.e30.e30", "W10.e30.e30",
        "eyJraWQiOjF9.e30.e30", "A" * 40_000, "[" * 9_000 + ".a.b",
        base64.urlsafe_b64encode(b"[" * 9_000).decode() + ".a.b",
    ],
)  # fmt: skip
def test_what_is_no_receipt_of_ours_is_unknown(ring, text):
    """Whatever is pasted gets an answer."""
    assert receipts.read(ring, text) == receipts.Reading("unknown")


def test_a_key_of_another_use_signs_no_receipt(world):
    """DECISIONS 6: an access token's or a stranger's key says nothing here, whatever the type claims."""
    other = world.ring.signer("access_token")
    assert receipts.read(world.ring, documents.issue(other, world.own().document)).outcome == "unknown"
    stranger = keys.JwtSigner("receipt-of-mine", "ES256", other.key)
    assert receipts.read(world.ring, documents.issue(stranger, world.own().document)).outcome == "unknown"
    forger = keys.JwtSigner(world.ring.signer("receipt").kid, "ES256", other.key)
    assert receipts.read(world.ring, documents.issue(forger, world.own().document)).outcome == "altered"


def test_the_right_code_opens_a_receipt_and_nothing_else_does(world):
    """A wrong code and a number that never was get the same answer: None."""
    receipt = world.own()
    assert world.look_up(receipt.number.lower(), receipt.code.replace("-", " ").lower()).document == receipt.document

    unknown = documents.number(uuid4(), Act.GIVEN)
    ended = documents.number(world.record.id, Act.WITHDRAWN)
    for number, code in (
        (receipt.number, "0000-0000"),
        (receipt.number, ""),
        (receipt.number, "ก"),
        (unknown, receipt.code),
        (unknown, receipts.code_of(world.ring, unknown)),
        (ended, receipts.code_of(world.ring, ended)),
        ("nonsense", receipts.code_of(world.ring, "nonsense")),
    ):
        assert world.look_up(number, code) is None, number


def test_a_wrong_code_is_refused_before_any_record_is_looked_at(world, monkeypatch):
    """No time to measure: known and unknown numbers do the same work."""
    monkeypatch.setattr("idp.receipts.history.of_record", lambda *_, **__: pytest.fail("looked"))

    assert world.look_up(documents.number(world.record.id, Act.GIVEN), "0000-0000") is None
    assert world.look_up(documents.number(uuid4(), Act.GIVEN), "0000-0000") is None


def test_codes_of_two_numbers_have_nothing_in_common(world):
    """40 bits each, made by a key: the code of the consent is not the code of its withdrawal."""
    given, ended = (documents.number(world.record.id, act) for act in Act)

    assert receipts.code_of(world.ring, given) != receipts.code_of(world.ring, ended)
    assert len(receipts.code_of(world.ring, given)) == 8


def test_a_withdrawal_gives_a_second_receipt_and_the_first_stays(world):
    """The first proves what was agreed, the second that it ended; both say withdrawn when asked today."""
    first = world.own()
    with pytest.raises(NotFound):
        world.own(act=Act.WITHDRAWN)
    world.withdraw()

    second = world.own()

    assert second.act is Act.WITHDRAWN
    assert second.document["events"][-1]["event_state"] == "consent_withdrawn"
    assert world.own(act=Act.GIVEN).document == first.document
    assert {world.look_up(one.number, one.code).state for one in (first, second)} == {"withdrawn"}


def test_two_receipts_of_one_person_cannot_be_told_to_be_one_persons(world):
    """The pseudonym is pairwise for the record; the person's id is nowhere."""
    document = world.own().document
    principal = document["record_header"]["pii_principal_id"]

    assert principal == world.ring.pairwise(world.citizen, f"receipt:{world.record.id}")
    assert principal == document["events"][0]["entity_id"]
    text = documents.payload(document).decode()
    for told in (str(world.citizen), "สมชาย", "Somchai", "3999000010035", "ใจสมมติ"):
        assert told not in text


def test_a_receipt_of_somebody_else_is_not_found(world):
    """CONVENTIONS: not found, never forbidden."""
    with pytest.raises(NotFound):
        world.own(subject_id=uuid4())


def test_a_receipt_outlives_its_key(world):
    """A key that signs no more still proves what it signed."""
    token = receipts.sign(world.ring, world.own())
    row = world.session.get(keys.SigningKey, world.ring.signer("receipt").kid)
    row.retired_at = NOW
    world.session.flush()
    keys.ensure(world.session, world.ring.kek, now=NOW + HOUR)
    after = keys.load(world.session, world.ring.kek)

    assert after.signer("receipt").kid != row.kid
    assert receipts.read(after, token).outcome == "valid"
    assert [key["kid"] for key in receipts.public_keys(after)["keys"]] == [row.kid, after.signer("receipt").kid]


def checked(tmp_path, token, published):
    """What the stranger's program says, run where nothing of ours can be imported."""
    (tmp_path / "receipt.jws").write_text(token)
    (tmp_path / "keys.json").write_text(json.dumps(published))
    program = tmp_path / "checker.py"
    program.write_text(CHECKER.read_text())
    done = subprocess.run(  # noqa: S603 -- our own interpreter
        [sys.executable, "-I", str(program), "receipt.jws", "keys.json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, json.loads(done.stdout)


def test_a_program_that_imports_nothing_of_ours_verifies_a_receipt(world, tmp_path):
    """Issue 3: standard library and `cryptography` are enough, signature, RFC 8785 bytes and mandatory fields."""
    published = receipts.public_keys(world.ring)
    world.withdraw()
    for act, state in ((Act.GIVEN, "consent_given"), (Act.WITHDRAWN, "consent_withdrawn")):
        receipt = world.own(act=act)
        told = {"receipt": receipt.number, "state": state, "imported_of_yinyom": []}
        assert checked(tmp_path, receipts.sign(world.ring, receipt), published) == (0, told)


@pytest.mark.parametrize(
    ("name", "fault"), [("purpose", "signature"), ("alg none", "header"), ("last letter of the signature", "base64url")]
)
def test_that_program_refuses_what_was_changed(world, tmp_path, name, fault):
    """And says what is wrong."""
    token = changed(receipts.sign(world.ring, world.own()), name)

    assert checked(tmp_path, token, receipts.public_keys(world.ring)) == (1, {"fault": fault})
