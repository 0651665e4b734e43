"""What a receipt says, as a table, and the numbers that people type."""

import json
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent import history, receipts, records, standings, withdrawal
from consent.models import ConsentRecord
from consent.purposes import Bilingual
from consent.receipts import Act, Around, Organisation, Withdrawn
from tests.consent.cast import CLINIC, PERSON, choice
from tests.fakes import DAY, HOUR, NOW

RECORD = UUID("019ab000-0000-7000-8000-0000000000a1")
WORDS = "สมุดสุขภาพของฉัน\nผู้รับข้อมูล: โรงพยาบาลทดลอง"


def record(**changes):
    facts = {
        "id": RECORD,
        "kind": "consent",
        "subject_id": PERSON,
        "recipient_id": CLINIC,
        "holder": standings.ANY_HOLDER,
        "purpose": "PHR-SELF",
        "client_id": "portal",
        "actor_id": PERSON,
        "scopes": "patient/Patient.r patient/Encounter.rs",
        "categories": "visits allergies",
        "basis": "C26",
        "explicit": True,
        "notice_id": UUID("019ab000-0000-7000-8000-0000000000b1"),
        "notice_version": 3,
        "notice_sha256": "ab" * 32,
        "locale": "th",
        "aal": "2.1",
        "ial": "1.3",
        "channel": "web",
        "given_at": NOW + timedelta(microseconds=123_456),
        "expires_at": NOW + 90 * DAY + timedelta(microseconds=123_456),
        "max_uses": None,
    }
    return ConsentRecord(**facts | changes)


AROUND = Around(
    issuer="https://id.example.test",
    recipient=Organisation(
        CLINIC, "hospital", Bilingual("โรงพยาบาลทดลอง", "Test Hospital"), "c@example.test", "dpo@example.test"
    ),
    service=Bilingual("พอร์ทัล", "Portal"),
    principal="p" * 64,
    actor="a" * 64,
    words=WORDS,
)


class Signs:
    """Keeps what it was given to sign."""

    kid = "receipt-1"

    def sign(self, payload):
        """A signature of the right length."""
        self.signed = payload
        return b"\x01" * 64


def test_a_receipt_has_the_sections_and_words_of_the_standard():
    """ISO/IEC TS 27560:2023 6.3: header, PII processing, party identification, events."""
    document = receipts.render(record(), AROUND)

    assert list(document) == [
        "iss", "jti", "iat", "receipt", "record_header", "pii_processing", "party_identification", "events",
    ]  # fmt: skip
    (purpose,) = document["pii_processing"]["purposes"]
    assert document["pii_processing"]["privacy_notice"] == {
        "notice_id": "019ab000-0000-7000-8000-0000000000b1",
        "version": 3,
        "sha256": "ab" * 32,
        "text": WORDS,
    }
    assert (purpose["purpose"], purpose["lawful_basis"], purpose["jurisdiction"]) == ("PHR-SELF", "C26", "TH")
    assert [one["pii_type"] for one in purpose["pii_information"]] == ["visits", "allergies"]
    assert purpose["pii_controllers"] == [document["party_identification"][0]["party_id"]] == [str(CLINIC)]
    assert document["events"] == [
        {
            "event_time": "2026-11-23T03:00:00.123Z",
            "validity_duration": "P90D",
            "valid_until": "2027-02-21T03:00:00.123Z",
            "entity_id": "a" * 64,
            "event_type": "explicit_consent",
            "event_state": "consent_given",
            "channel": "web",
            "assurance": {"aal": "2.1", "ial": "1.3"},
        }
    ]


@pytest.mark.parametrize(
    ("changes", "kind", "state", "way_out"),
    [
        ({}, "explicit_consent", "consent_given", True),
        ({"explicit": False, "basis": "C19", "purpose": "CONTACT"}, "expressed_consent", "consent_given", True),
        ({"kind": "right", "basis": "RIGHT30"}, "exercise_of_right", "right_confirmed", True),
        ({"kind": "notice", "basis": "CON", "purpose": "SIGNIN"}, "notice", "notice_given", False),
        ({"kind": "notice", "basis": "TREAT", "explicit": True}, "notice", "notice_given", False),
    ],
)
def test_a_receipt_calls_the_act_by_its_name(changes, kind, state, way_out):
    """PDPA s.19, s.27: what was told is not passed off as a consent, and what can be withdrawn says where."""
    document = receipts.render(record(**changes), AROUND)

    (event,) = document["events"]
    assert (event["event_type"], event["event_state"]) == (kind, state)
    way = document["pii_processing"]["purposes"][0]["withdrawal_method"]
    assert way == (f"https://id.example.test/me/consents/{RECORD}/withdraw" if way_out else "none")


def test_a_withdrawal_has_a_receipt_of_its_own_that_says_so():
    """The second receipt: another number, the moment of the withdrawal, both events."""
    first = receipts.render(record(), AROUND)
    second = receipts.render(record(), AROUND, ended=Withdrawn(NOW + DAY, "b" * 64))

    assert second["jti"] != first["jti"]
    assert second["iat"] - first["iat"] == 86_400
    assert second["record_header"] == first["record_header"]
    assert second["events"][0] == first["events"][0]
    assert second["events"][1] == {
        "event_time": "2026-11-24T03:00:00.000Z",
        "validity_duration": "PT0S",
        "entity_id": "b" * 64,
        "event_type": "explicit_consent",
        "event_state": "consent_withdrawn",
    }


def test_a_receipt_names_nobody():
    """The person stands as a pseudonym; neither their id nor who acted for them is in the document."""
    text = receipts.payload(receipts.render(record(), AROUND, ended=Withdrawn(NOW + DAY, "b" * 64))).decode()

    assert str(PERSON) not in text
    assert PERSON.hex not in text


def test_every_copy_of_a_receipt_has_the_same_payload():
    """Nothing of a receipt is stored: the record is enough."""
    one, two = (receipts.payload(receipts.render(record(), AROUND)) for _ in range(2))

    assert one == two
    assert one != receipts.payload(receipts.render(record(notice_version=4), AROUND))


def test_limited_uses_and_a_named_holder_are_said():
    """What narrows the consent stands in its receipt."""
    document = receipts.render(record(max_uses=1, holder="https://records.example.test"), replace(AROUND, service=None))

    (purpose,) = document["pii_processing"]["purposes"]
    assert purpose["max_uses"] == 1
    assert purpose["collection_method"] == "from https://records.example.test"
    assert purpose["services"] == []
    assert "max_uses" not in receipts.render(record(), AROUND)["pii_processing"]["purposes"][0]


@pytest.mark.parametrize(
    ("life", "written"),
    [(90 * DAY, "P90D"), (12 * HOUR, "PT12H"), (timedelta(minutes=10), "PT600S")],
)
def test_the_life_is_written_as_iso_8601_writes_it(life, written):
    """validity_duration is an ISO 8601 duration."""
    document = receipts.render(record(expires_at=NOW + timedelta(microseconds=123_456) + life), AROUND)

    assert document["events"][0]["validity_duration"] == written


def test_what_is_signed_is_the_canonical_document_under_its_own_type():
    """RFC 7515 7.1, RFC 8785: header and payload without spaces, names in order, Thai as it is."""
    signer = Signs()

    token = receipts.issue(signer, receipts.render(record(), AROUND))

    header, body, signature = token.split(".")
    assert receipts._base64url(b'{"alg":"ES256","kid":"receipt-1","typ":"consent-receipt+jwt"}') == header
    assert signer.signed == f"{header}.{body}".encode()
    assert len(signature) == 86
    payload = receipts.payload(receipts.render(record(), AROUND))
    assert receipts._base64url(payload) == body
    assert (
        payload == json.dumps(json.loads(payload), ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    )
    assert "โรงพยาบาลทดลอง" in payload.decode()


@given(st.uuids(), st.sampled_from(Act))
def test_a_number_stands_for_its_record_and_act_however_it_is_typed(record_id, act):
    """Typed from paper: small letters, no dashes, O for 0, I and L for 1."""
    own = receipts.number(record_id, act)

    assert receipts.parse_number(own) == (record_id, act)
    typed = own.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert receipts.parse_number(typed) == (record_id, act)
    assert receipts.plain(own) == receipts.plain(typed)


@pytest.mark.parametrize(
    "text", ["", "x", "-" * 26, "U" * 26, "0" * 25, "0" * 27, "0" * 25 + "2", "0" * 25 + "3", "ก" * 26]
)
def test_what_is_no_number_stands_for_nothing(text):
    """Also an act that there is not."""
    assert receipts.parse_number(text) is None


def test_thai_digits_are_digits():
    """PAGES: Thai digits are accepted wherever digits are."""
    assert receipts.plain("๐๑๒-๙") == "0129"


def test_what_became_of_a_record_is_known_to_who_may_know(session):
    """Active, replaced by a newer answer, ended by time, withdrawn; None for a record that never was."""
    first = records.give(session, choice(session), now=NOW)
    assert history.of_record(session, first.id, now=NOW).state == "active"
    second = records.give(session, choice(session), now=NOW + HOUR)
    assert history.of_record(session, first.id, now=NOW + HOUR).state == "replaced"
    assert history.of_record(session, second.id, now=NOW + HOUR).state == "active"
    assert history.of_record(session, second.id, now=second.expires_at).state == "ended"
    withdrawal.withdraw(session, second.id, subject_id=PERSON, actor_id=PERSON, reason=None, now=NOW + 2 * HOUR)
    found = history.of_record(session, second.id, now=NOW + 2 * HOUR)
    assert (found.state, found.withdrawal.withdrawn_at) == ("withdrawn", NOW + 2 * HOUR)
    assert history.of_record(session, RECORD, now=NOW) is None


def test_what_was_told_and_what_is_used_up_are_told_apart(session):
    """A notice is in force without having been asked; a consent for one use ends with that use."""
    told = records.note(session, choice(session, "SIGNIN"), now=NOW)
    assert history.of_record(session, told.id, now=NOW).state == "noticed"
    once = records.give(session, choice(session, "PID"), now=NOW)
    assert history.of_record(session, once.id, now=NOW).state == "active"
    assert standings.use(session, once.id, client_id="portal", most=1, now=NOW)
    assert history.of_record(session, once.id, now=NOW).state == "ended"


def test_a_receipt_tells_who_acted_as_what_for_which_time_and_where_the_data_go():
    """PDPA s.20, s.28: capacity, second signature, paper, visit, time range, country; nobody by name or id."""
    visit, second = UUID("019ab000-0000-7000-8000-0000000000c1"), UUID("019ab000-0000-7000-8000-0000000000c2")
    told = record(
        capacity="parent",
        guardianship_id=second,
        co_actor_id=second,
        co_capacity="self",
        co_signed_at=NOW + HOUR,
        visit_id=visit,
        data_from=date(2025, 1, 1),
        evidence="cd" * 32,
        xb_country="JP",
        xb_safeguard="contract",
        proofing_at=NOW - DAY,
    )

    document = receipts.render(told, replace(AROUND, co_actor="c" * 64))

    (purpose,) = document["pii_processing"]["purposes"]
    assert purpose["data_time_range"] == {"from": "2025-01-01"}
    assert purpose["ends_with_visit"] is True
    assert purpose["cross_border"] == {"country": "JP", "safeguard": "contract"}
    (act,) = document["events"]
    assert (act["acted_as"], act["evidence"]) == ("parent", "cd" * 32)
    assert act["identity_proved_at"] == "2026-11-22T03:00:00.000Z"
    assert act["co_signature"] == {
        "entity_id": "c" * 64,
        "acted_as": "self",
        "event_time": "2026-11-23T04:00:00.000Z",
    }
    said = receipts.payload(document).decode()
    assert str(visit) not in said
    assert str(second) not in said


def test_what_was_not_said_is_not_in_a_receipt():
    """Receipts from before these facts were kept have the same bytes as ever."""
    old, own = record(), record(capacity="self")
    assert receipts.payload(receipts.render(old, AROUND)) == receipts.payload(receipts.render(own, AROUND))
    absent = ("acted_as", "co_signature", "data_time_range", "ends_with_visit", "cross_border")
    assert not any(word in receipts.payload(receipts.render(old, AROUND)).decode() for word in absent)
