"""Who the consent tests are about, and one way to answer a screen."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from consent import notices, purposes
from consent.db import Base  # noqa: F401 -- the tables
from consent.decision import Recipient
from consent.records import Choice, Key
from consent.standings import ANY_HOLDER
from idp.db import Session
from tests.fakes import NOW

PERSON = UUID("019ab000-0000-7000-8000-000000000011")
ANOTHER = UUID("019ab000-0000-7000-8000-000000000012")
AUDITOR = UUID("019ab000-0000-7000-8000-000000000013")
CLINIC = UUID("019ab000-0000-7000-8000-000000000021")
HOSPITAL = Recipient(
    CLINIC, "hospital", licence_valid=True, own_app=False, name_th="โรงพยาบาลทดลอง", name_en="Test Hospital"
)
APP = replace(HOSPITAL, kind="third_party_app")


def key(purpose: str = "PHR-SELF", subject_id: UUID = PERSON) -> Key:
    return Key(subject_id, CLINIC, ANY_HOLDER, purpose)


def choice(session: Session, purpose: str = "PHR-SELF", *, now: datetime = NOW, **changes: object) -> Choice:
    """An answer at good levels to the published notice of a purpose, about all of its data."""
    row = purposes.get(purpose)
    notices.publish_catalogue(session, now=now)
    notice = notices.current(
        session, purpose, locale="th", recipient_name=HOSPITAL.name_th, categories=row.data_categories
    )
    answer = Choice(
        key=key(purpose),
        client_id="portal",
        actor_id=PERSON,
        notice=notice,
        scopes=row.scopes[:2],
        categories=row.data_categories,
        basis=row.basis,
        explicit=row.explicit,
        aal="2.2",
        ial="2.1",
        channel="web",
        lives_for=None,
    )
    return replace(answer, **changes)  # type: ignore[arg-type]
