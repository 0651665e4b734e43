from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import func, select, update

from consent.audit import log
from consent.errors import NotFound
from idp import subjects
from idp.proofing.sources.fake import SandboxRegistry
from idp.subjects import NationalId, PersonSealer, Subject
from tests.fakes import NOW

SOMCHAI = "3999000010035"
PEOPLE = SandboxRegistry().people


def test_a_person_is_found_again_by_their_number_and_only_by_it(session, ring):
    """DECISIONS 5: look-up is by a keyed fingerprint."""
    made = subjects.create(session, ring, SOMCHAI, PEOPLE[SOMCHAI], now=NOW)

    assert subjects.find_by_national_id(session, ring, SOMCHAI).id == made.id
    assert subjects.find_by_national_id(session, ring, "3999000010043") is None


def test_a_profile_gives_back_what_the_registry_attested(session, ring):
    """DECISIONS 1 and 3: data of record, level as attested."""
    made = subjects.create(session, ring, SOMCHAI, PEOPLE[SOMCHAI], now=NOW, locale="en")

    profile = subjects.profile(session, ring, made.id)

    assert (profile.name_th, profile.name_en, profile.name("en")) == (
        "สมชาย ใจสมมติ",
        "Somchai Jaisommut",
        "Somchai Jaisommut",
    )
    assert (profile.phone, profile.email, profile.birth_date) == ("+66100000035", "somchai@example.test", "1979-04-13")
    assert (made.ial, made.status, profile.locale) == ("1.3", "active", "en")


def test_somebody_with_one_name_keeps_one_name(session, ring):
    """THAI 6.4: หล้า has no surname."""
    made = subjects.create(session, ring, "6999000010102", PEOPLE["6999000010102"], now=NOW)

    assert subjects.profile(session, ring, made.id).name_th == "หล้า"


def test_nothing_that_names_a_person_stands_in_clear(session, ring):
    """DECISIONS 5: sealed, padded, and different each time."""
    made = subjects.create(session, ring, SOMCHAI, PEOPLE[SOMCHAI], now=NOW)
    twin = subjects.create(session, ring, "3999000010043", PEOPLE[SOMCHAI], now=NOW)
    session.flush()

    rows = [tuple(row) for table in (Subject, NationalId) for row in session.execute(select(table.__table__))]
    text = repr(rows).encode() + b"".join(cell for row in rows for cell in row if isinstance(cell, bytes))

    for secret in (SOMCHAI, "สมชาย", "Somchai", "0000035", "example.test", "1979"):
        assert secret.encode() not in text
    assert made.name_th != twin.name_th
    assert len(made.name_th) == len(subjects.get(session, twin.id).name_th)


def test_destroying_the_key_erases_the_person(session, ring):
    """PDPA s.33: without the data key the sealed text is gone."""
    made = subjects.create(session, ring, SOMCHAI, PEOPLE[SOMCHAI], now=NOW)
    session.execute(update(Subject).where(Subject.id == made.id).values(data_key=None))

    with pytest.raises(KeyError):
        subjects.profile(session, ring, made.id)


def test_sealed_text_opens_for_its_owner_and_field_only(session, ring):
    """DECISIONS 5: ciphertext is bound to its place."""
    made = subjects.create(session, ring, SOMCHAI, PEOPLE[SOMCHAI], now=NOW)
    sealer = PersonSealer(ring, session)
    sealed = sealer.seal("ลับ", owner=made.id, field="note")

    assert sealer.open(sealed, owner=made.id, field="note") == "ลับ"
    with pytest.raises(ValueError, match="does not open"):
        sealer.open(sealed, owner=made.id, field="other")
    with pytest.raises(KeyError):
        sealer.open(sealed, owner=uuid4(), field="note")


def test_an_unknown_person_is_not_found(session, ring):
    """CONVENTIONS: somebody else's is not found."""
    with pytest.raises(NotFound):
        subjects.profile(session, ring, uuid4())


def test_a_deceased_person_never_becomes_active(session, ring):
    """THAI 6.4: the deceased persona."""
    gone = replace(PEOPLE[SOMCHAI], status="deceased")

    assert subjects.create(session, ring, SOMCHAI, gone, now=NOW).status == "deceased"


def test_many_at_once_make_one_account_and_one_entry(sessions, ring):
    """RELIABILITY rule 1: the unique fingerprint decides the race."""

    def make(_):
        with sessions.writing() as session:
            return subjects.create(session, ring, SOMCHAI, PEOPLE[SOMCHAI], now=NOW).id

    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(make, range(16)))

    with sessions.reading() as session:
        assert len(ids) == session.scalar(select(func.count()).select_from(Subject)) == 1
        assert [entry.event for entry in log.of_subject(session, ids.pop())] == ["account.created"]


@pytest.mark.parametrize(
    ("phone", "international"),
    [("010-000-0035", "+66100000035"), ("+66 10 000 0035", "+66100000035"), ("", "")],
)
def test_a_phone_number_becomes_international(phone, international):
    """OIDC Core 5.1: phone_number in E.164."""
    assert subjects.e164(phone) == international


def test_every_persons_values_are_as_long_as_everybodys(session, ring):
    """DECISIONS 5: with lengths alone nobody is picked out of a copied database, the longest name or none at all."""
    short = replace(PEOPLE[SOMCHAI], given_name_th="ก", family_name_th="", family_name_en="", email="", address="")
    long = replace(PEOPLE[SOMCHAI], given_name_th="ก" * 30, family_name_th="ข" * 40, address="ค" * 300)
    made = [
        subjects.create(session, ring, number, person, now=NOW)
        for number, person in {SOMCHAI: short, "3999000010043": long}.items()
    ]

    for field in ("name_th", "name_en", "birth_date", "phone", "email", "address"):
        assert len({len(getattr(subject, field)) for subject in made}) == 1, field
    assert subjects.profile(session, ring, made[1].id).address == "ค" * 300
