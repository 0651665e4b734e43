"""Telling a person what changed in their account, by every way that we could reach them before the change (ASVS 6.3.7).

A notice holds no link: it says what happened and carries a code for "this was not me", typed on a page of ours
(`disowning`). The code is random, kept as a keyed hash, used once, and good for a week. What services should
know of a change is told by the worker (`signals`), from the same row.
"""

import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ForeignKey, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from consent.audit import log
from consent.db import Base, Plain, new_id
from idp import alert_words, jobs, outbox, subjects
from idp.alert_words import ALWAYS_BY_SMS, SUBJECTS, TEXTS, WITHOUT_CODE
from idp.contact import line_links
from idp.keys import KeyRing
from idp.subjects import PersonSealer, Subject

SPREAD = "tell-services"
GOOD_FOR = timedelta(days=7)
KEPT_FOR = timedelta(days=90)
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"  # no I, no O: they read as 1 and 0
SIGNS = LETTERS + "23456789"
REF_LENGTH, CODE_LENGTH, GROUP = 4, 12, 4
BANGKOK = ZoneInfo("Asia/Bangkok")
TOLD_BY = log.Actor.system("idp")
WORDS, KINDS, ENDED = alert_words.WORDS, alert_words.KINDS, alert_words.ENDED
MOST_BY_SMS = 10  # notices of a day: whoever changes things without end spends no more of everybody's messages


class Notice(Base):
    """One change that a person was told of. `detail` is a code or a browser's family, nothing that names anybody."""

    __tablename__ = "notice_to_person"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    subject_id: Mapped[UUID] = mapped_column(ForeignKey("subject.id"), index=True)
    kind: Mapped[Plain]
    detail: Mapped[Plain]
    ref: Mapped[Plain]
    code_hash: Mapped[Plain] = mapped_column(unique=True)
    at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    disowned_at: Mapped[datetime | None]


class Hold(Base):
    """After "this was not me", or a phone reported lost: the ways that a phone alone opens stay shut for a while.

    No code goes by SMS before `sms_until`. `adding_since`: from then on a code alone adds nothing, until the
    person has proved more (a stronger sign-in, or who they are).
    """

    __tablename__ = "account_hold"

    subject_id: Mapped[UUID] = mapped_column(ForeignKey("subject.id"), primary_key=True)
    sms_until: Mapped[datetime]
    adding_since: Mapped[datetime | None]


def tell(
    session: Session,
    ring: KeyRing,
    *,
    subject_id: UUID,
    kind: str,
    now: datetime,
    also_to: Sequence[str] = (),
    detail_code: str = "",
) -> Notice:
    """Queue a notice to every way that reaches this person now, in this transaction. Appends alert.sent.

    Call it before the change, or name an address that the change takes away in `also_to` (E.164). `detail_code` is
    shown as it is: a level, a device's family; never what a person typed. One without any way gets the row alone.
    After ten in a day no more go by SMS: the codes that were sent take back what came after them, too.

    Raises: KeyError for a kind that is not in the list; NotFound for an unknown person.
    """
    words = WORDS[kind]
    subject = subjects.get(session, subject_id)
    code = new_code()
    notice = Notice(
        id=new_id(),
        subject_id=subject_id,
        kind=kind,
        detail=detail_code,
        ref=code[:REF_LENGTH],
        code_hash=code_hash(ring, code),
        at=now,
        expires_at=now + GOOD_FOR,
    )
    session.add(notice)
    session.flush()
    text = text_of(words, subject.locale, notice, code)
    title = SUBJECTS[subject.locale == "en"]
    quiet = kind not in ALWAYS_BY_SMS and _told_today(session, subject_id, now=now) > MOST_BY_SMS
    for n, (way, to) in enumerate(_ways(session, ring, subject, also_to)):
        if way == "sms" and quiet:
            continue
        body = f"{title}\n\n{text}" if way == "mail" else text
        key = f"notice:{notice.id}:{n}"
        outbox.enqueue(session, ring, kind=way, to=to, body=body, key=key, subject_id=subject_id, now=now)
    jobs.enqueue_job(session, SPREAD, notice.id, now=now)
    log.append(session, "alert.sent", now=now, actor=TOLD_BY, subject_id=subject_id, codes=(f"change:{kind}",))
    return notice


def reaches(session: Session, ring: KeyRing, subject_id: UUID) -> bool:
    """Whether a notice would leave by any way: a telephone, an e-mail address, LINE."""
    return next(_ways(session, ring, subjects.get(session, subject_id), ()), None) is not None


def text_of(words: tuple[str, str], locale: str, notice: Notice, code: str) -> str:
    """PURE: the message; no link, and the code only where it can still help."""
    english = locale == "en"
    template = (WITHOUT_CODE if notice.kind in ENDED else TEXTS)[english]
    return template.format(
        what=words[english],
        detail=f" ({notice.detail})" if notice.detail else "",
        time=notice.at.astimezone(BANGKOK).strftime("%d/%m %H:%M"),
        ref=notice.ref,
        code=shown(code),
    )


def new_code() -> str:
    """Four letters, which are the reference as well, and eight signs: 58 random bits."""
    ref = "".join(secrets.choice(LETTERS) for _ in range(REF_LENGTH))
    return ref + "".join(secrets.choice(SIGNS) for _ in range(CODE_LENGTH - REF_LENGTH))


def shown(code: str) -> str:
    """PURE: in groups of four, to read and to type."""
    return "-".join(code[at : at + GROUP] for at in range(0, len(code), GROUP))


def typed(text: str) -> str:
    """PURE: the signs of what a person typed, without spaces and dashes; "" when it cannot be a code of ours."""
    signs = "".join(sign for sign in text.upper() if not sign.isspace() and sign != "-")
    return signs if len(signs) == CODE_LENGTH and set(signs) <= set(SIGNS) else ""


def code_hash(ring: KeyRing, code: str) -> str:
    """What is stored of a code; a copied database guesses nothing."""
    return ring.mac("one-time-code", "not-me", code).hex()


def take_back(session: Session, ring: KeyRing, code: str, *, now: datetime) -> Notice | None:
    """Use the code of a notice, once; the notice. None: unknown, used, or too old. One conditional statement."""
    return session.scalar(
        update(Notice)
        .where(Notice.code_hash == code_hash(ring, code), Notice.disowned_at.is_(None), Notice.expires_at > now)
        .values(disowned_at=now)
        .returning(Notice)
    )


def latest(session: Session, subject_id: UUID, *, limit: int = 10) -> Sequence[Notice]:
    """The newest notices of a person first: what they were told, with the references."""
    newest = select(Notice).where(Notice.subject_id == subject_id).order_by(Notice.at.desc(), Notice.id.desc())
    return session.scalars(newest.limit(limit)).all()


def freeze_sms(session: Session, subject_id: UUID, *, until: datetime, adding_since: datetime | None = None) -> None:
    """No sign-in code by SMS before `until`; a longer hold stands. With `adding_since`, see `Hold`."""
    insert: Any = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    row = {"subject_id": subject_id, "sms_until": until, "adding_since": adding_since}
    session.execute(insert(Hold).values(row).on_conflict_do_nothing(index_elements=["subject_id"]))
    session.execute(update(Hold).where(Hold.subject_id == subject_id, Hold.sms_until < until).values(sms_until=until))
    if adding_since is not None:
        session.execute(update(Hold).where(Hold.subject_id == subject_id).values(adding_since=adding_since))


def thaw(session: Session, subject_id: UUID) -> None:
    """The person has proved more: nothing is held any more."""
    session.execute(delete(Hold).where(Hold.subject_id == subject_id).execution_options(synchronize_session=False))


def sms_frozen(session: Session, subject_id: UUID, *, now: datetime) -> bool:
    """Whether no sign-in code may go out by SMS."""
    held = select(Hold.subject_id).where(Hold.subject_id == subject_id, Hold.sms_until > now)
    return session.scalar(held) is not None


def adding_held_since(session: Session, subject_id: UUID) -> datetime | None:
    """Since when a code alone may add nothing to this account; a better proof that came later lifts it."""
    return session.scalar(select(Hold.adding_since).where(Hold.subject_id == subject_id))


def purge(session: Session, *, now: datetime) -> None:
    """Forget notices three months after their code's end, and holds that hold nothing; the log keeps what happened."""
    session.execute(delete(Notice).where(Notice.expires_at < now - KEPT_FOR))
    session.execute(delete(Hold).where(Hold.sms_until < now, Hold.adding_since.is_(None)))


def _told_today(session: Session, subject_id: UUID, *, now: datetime) -> int:
    today = select(func.count()).where(Notice.subject_id == subject_id, Notice.at > now - timedelta(days=1))
    return session.scalar(today) or 0


def _ways(session: Session, ring: KeyRing, subject: Subject, also_to: Sequence[str]) -> Iterator[tuple[str, str]]:
    sealer = PersonSealer(ring, session)
    phone = sealer.open(subject.phone, owner=subject.id, field="phone")
    for number in dict.fromkeys((phone, *also_to)):
        if number:
            yield "sms", number
    email = sealer.open(subject.email, owner=subject.id, field="email")
    if email:
        yield "mail", email
    line_user = line_links.user_of(session, ring, subject.id)
    if line_user:
        yield "line", line_user
