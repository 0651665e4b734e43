"""Published text: immutable, versioned, and reproducible word for word for whoever has to prove what was shown."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from consent import purposes
from consent.audit import log
from consent.db import InsertOnce, new_id
from consent.errors import NotFound
from consent.models import ConsentNotice, ConsentNoticeText
from consent.purposes import Purpose

LOCALES = ("th", "en")
_LABELS = {"th": ("ผู้รับข้อมูล", "ข้อมูล"), "en": ("Receiver", "Data")}
_UNDO = {  # PDPA s.19: the effect of a withdrawal is told before the answer, so it belongs to the words that are kept
    "th": "ถอนได้ทุกเมื่อที่ “ความยินยอมของฉัน” จากนั้นจะไม่มีการให้ข้อมูลเพิ่ม ส่วนสิ่งที่ทำไปแล้วก่อนถอนยังชอบด้วยกฎหมาย",
    "en": "Take it back at any time in “My consents”: nothing more is given then; what was done before stays lawful.",
}
PARTS = ("name", "text", "data", "if_refused", "basis")
_publish_once = InsertOnce(ConsentNotice)
_keep_once = InsertOnce(ConsentNoticeText)


@dataclass(frozen=True)
class Notice:
    """The text that the page shows, line by line, and the hash of its UTF-8 bytes. `version` is of the wording."""

    id: UUID
    purpose: str
    version: int
    locale: str
    text: str
    sha256: str

    @property
    def lines(self) -> tuple[str, ...]:
        """Title, receiver, what it does, details of the request, which data, countries abroad, what happens on no.

        What was asked, and not only told, ends with how to take it back.
        """
        return tuple(self.text.split("\n"))


@dataclass(frozen=True)
class Published:
    """One published version for everybody to read. `sha256` is of the UTF-8 bytes of `body`, which are final."""

    id: UUID
    purpose: str
    locale: str
    version: int
    body: str
    sha256: str
    published_at: datetime

    @property
    def words(self) -> dict[str, Any]:
        """The text by its PARTS: a title, what it does, the kinds of data, what happens on no; the basis is a code."""
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass(frozen=True)
class Change:
    """One line of a notice that is not as it was. `part` is one of PARTS; `basis` in the catalogue's codes."""

    part: str
    was: str
    now: str


def publish_catalogue(session: Session, *, now: datetime) -> int:
    """Publish what the shipped catalogue says and is not published yet; says how many versions are new.

    Nothing changed: nothing is written. Safe when several processes start at once. PDPA s.23: a new wording or basis
    never replaces the version that somebody agreed to.
    """
    newest = {
        (row.purpose, row.locale): (row.version, row.sha256)
        for row in session.execute(
            select(ConsentNotice.purpose, ConsentNotice.locale, ConsentNotice.version, ConsentNotice.sha256).order_by(
                ConsentNotice.version
            )
        )
    }
    published = 0
    for purpose in purposes.all():
        for locale in LOCALES:
            version, digest = newest.get((purpose.code, locale), (0, ""))
            if digest != _sha256(_body(purpose, locale)):
                published += _publish(session, purpose, locale=locale, version=version + 1, now=now)
    return published


def current(
    session: Session,
    purpose: str,
    *,
    locale: str,
    recipient_name: str,
    categories: Sequence[str],
    details: Sequence[str] = (),
    abroad: Sequence[str] = (),
    asked: bool = False,
) -> Notice:
    """The newest published text of a purpose, with this receiver and these data named in it.

    `details` are sentences of this one request, `abroad` one a country; `asked` adds how to take it back. Raises:
    NotFound when nothing is published for the purpose and language.
    """
    row = session.execute(
        select(ConsentNotice.id, ConsentNotice.version, ConsentNotice.body)
        .where(ConsentNotice.purpose == purpose, ConsentNotice.locale == locale)
        .order_by(ConsentNotice.version.desc())
        .limit(1)
    ).first()
    if row is None:
        raise NotFound("There is no published notice for this purpose.", detail=f"{purpose=} {locale=}")
    head, what, data, otherwise = _lines(
        json.loads(row.body), locale=locale, recipient_name=recipient_name, categories=categories
    )
    undo = (_UNDO[locale],) if asked else ()
    # One field, one line: a receiver's name cannot write a sentence of its own.
    text = "\n".join(" ".join(line.split()) for line in (*head, what, *details, data, *abroad, otherwise, *undo))
    return Notice(row.id, purpose, row.version, locale, text, _sha256(text))


def address(issuer: str, notice_id: UUID, version: int) -> str:
    """Where everybody can read a published version, for as long as this server stands."""
    return f"{issuer}/notices/{notice_id}/{version}"


def published(session: Session, notice_id: UUID, version: int) -> list[Published]:
    """That version first, then the others of its purpose in both languages, newest first.

    Raises: NotFound when nothing was published under this id with this number.
    """
    row = session.get(ConsentNotice, notice_id)
    if row is None or row.version != version:
        raise NotFound("There is no such notice.", detail="notice")
    rows = session.scalars(
        select(ConsentNotice)
        .where(ConsentNotice.purpose == row.purpose, ConsentNotice.id != row.id)
        .order_by(ConsentNotice.version.desc(), ConsentNotice.locale)
    )
    return [_published(one) for one in (row, *rows)]


def undo_sentence(locale: str) -> str:
    """How an answer is taken back and what that does, in the words that are kept with it."""
    return _UNDO["en" if locale == "en" else "th"]


def difference(
    session: Session, purpose: str, *, locale: str, since: datetime, categories: Sequence[str]
) -> tuple[Change, ...]:
    """What the wording says otherwise than it did at that moment, line by line, of these data only.

    Nothing when nothing that was shown has changed, though a version may be newer; nor when nothing was published then.
    """
    bodies = session.execute(
        select(ConsentNotice.body, ConsentNotice.published_at)
        .where(ConsentNotice.purpose == purpose, ConsentNotice.locale == locale)
        .order_by(ConsentNotice.version)
    ).all()
    before = [row.body for row in bodies if row.published_at <= since]
    return changes(json.loads(before[-1]), json.loads(bodies[-1].body), categories) if before else ()


def changes(was: dict[str, Any], now: dict[str, Any], categories: Sequence[str]) -> tuple[Change, ...]:
    """PURE: the lines of two published texts that differ."""

    def line(body: dict[str, Any], part: str) -> str:
        return _named(body, categories) if part == "data" else str(body[part])

    return tuple(Change(part, line(was, part), line(now, part)) for part in PARTS if line(was, part) != line(now, part))


def keep(session: Session, notice: Notice) -> None:
    """Keep the exact words, once, because somebody is answering them now."""
    _keep_once(session, {"sha256": notice.sha256, "notice_id": notice.id, "text": notice.text})


def shown(session: Session, sha256: str) -> str:
    """The exact words behind the hash in a record. Raises NotFound when nobody ever answered them."""
    text = session.scalar(select(ConsentNoticeText.text).where(ConsentNoticeText.sha256 == sha256))
    if text is None:
        raise NotFound("There is no such notice.", detail="sha256")
    return text


def _publish(session: Session, purpose: Purpose, *, locale: str, version: int, now: datetime) -> int:
    body = _body(purpose, locale)
    row = {
        "id": new_id(),
        "purpose": purpose.code,
        "locale": locale,
        "version": version,
        "body": body,
        "sha256": _sha256(body),
        "published_at": now,
    }
    # The unique key decides between two processes; the one that loses publishes and logs nothing.
    if not _publish_once(session, row):
        return 0
    log.append(
        session,
        "notice.published",
        now=now,
        actor=log.Actor.system("catalogue"),
        purpose=purpose.code,
        basis=purpose.basis,
        codes=(f"locale:{locale}", f"version:{version}"),
    )
    return 1


def _published(row: ConsentNotice) -> Published:
    return Published(row.id, row.purpose, row.locale, row.version, row.body, row.sha256, row.published_at)


def _body(purpose: Purpose, locale: str) -> str:
    members = {
        "name": purpose.name.in_(locale),
        "text": purpose.text.in_(locale),
        "if_refused": purpose.if_refused.in_(locale),
        "basis": purpose.basis,
        "data": {code: purposes.category(code).name.in_(locale) for code in purpose.data_categories},
    }
    return json.dumps(members, ensure_ascii=False, separators=(",", ":"))


def _lines(
    body: dict[str, Any], *, locale: str, recipient_name: str, categories: Sequence[str]
) -> tuple[tuple[str, str], str, str, str]:
    receiver, data = _LABELS[locale]
    head = (body["name"], f"{receiver}: {recipient_name}")
    return head, body["text"], f"{data}: {_named(body, categories)}", body["if_refused"]


def _named(body: dict[str, Any], categories: Sequence[str]) -> str:
    labels: dict[str, str] = body["data"]
    return " · ".join(labels[code] for code in labels if code in categories)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
