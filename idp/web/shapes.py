"""Rows of other rooms as the plain values that templates are given. Names come in the page's language."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import g

from consent import notices, purposes
from consent.audit.entry import Entry
from consent.audit.events import EVENTS
from consent.errors import NotFound
from consent.records import ConsentRecord, ConsentView
from idp import deliveries as of_letters
from idp import directory
from idp.db import Session
from idp.deliveries import Delivery
from idp.oauth import clients
from idp.oauth.clients import ClientFacts

LIVE = ("active", "noticed")


def uuid_or_none(text: str | None) -> UUID | None:
    """A UUID from a query or a form, or None."""
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def recipient_name(recipient_id: UUID) -> str | None:
    """The organisation's name, or None when it is no longer listed."""
    try:
        found = directory.recipient_of(g.session, recipient_id, now=g.now)
    except NotFound:
        return None
    return found.name_en if g.locale == "en" else found.name_th


def client_name(client_id: str) -> str | None:
    """The service's name."""
    client = clients.find(g.session, client_id) if client_id else None
    return client.name_in(g.locale) if client else None


def purpose_name(code: str) -> str:
    """The purpose's title; a code that left the catalogue stands for itself."""
    try:
        return purposes.get(code).name.in_(g.locale)
    except NotFound:
        return code


def service(client: ClientFacts, session: Session) -> dict[str, Any]:
    """Who asks: the service and the controller behind it."""
    contacts = directory.contacts_of(session, client.legal_entity_id, now=g.now)
    recipient = directory.recipient_of(session, client.legal_entity_id, now=g.now)
    until = contacts.licence_until
    return {
        "name": client.name_in(g.locale),
        "controller": recipient.name_en if g.locale == "en" else recipient.name_th,
        "kind": recipient.kind,
        "licence_until": datetime(until.year, until.month, until.day, 12, tzinfo=UTC) if until else None,
        "dpo_contact": contacts.dpo_contact or None,
        "policy_uri": client.policy_uri,
        "tos_uri": client.tos_uri,
    }


def can_withdraw(view: ConsentView) -> bool:
    """A running answer of the person's own; what the law allows without asking cannot be taken back here."""
    return view.state == "active" and purposes.get(view.purpose).asks


def consent_item(view: ConsentView, *, strong: bool) -> dict[str, Any]:
    """One line of "my consents"; without the level for it, no names of places."""
    purpose = purposes.get(view.purpose)
    return {
        "id": str(view.record_id) if view.record_id else None,
        "purpose": purpose.name.in_(g.locale),
        "text": purpose.text.in_(g.locale),
        "recipient": recipient_name(view.recipient_id) if strong else None,
        "client": client_name(view.client_id) if strong else None,
        "state": view.state,
        "given_at": view.refused_at or view.given_at,
        "expires_at": view.expires_at,
        "withdrawn_at": view.withdrawn_at,
        "can_withdraw": can_withdraw(view),
    }


def receivers(views: Sequence[ConsentView], *, strong: bool) -> list[dict[str, Any]]:
    """Who was allowed something, each once; without the level for it, no names of places."""
    ids = dict.fromkeys(view.recipient_id for view in views)
    return [{"id": str(one), "name": recipient_name(one) if strong else None} for one in ids]


def kinds(views: Sequence[ConsentView]) -> list[dict[str, str]]:
    """Every kind of data that somebody was allowed, each once, in the page's language."""
    held = [code for view in views if view.record for code in view.record.categories.split()]
    return [{"code": code, "name": purposes.category(code).name.in_(g.locale)} for code in dict.fromkeys(held)]


def notice_of(record: ConsentRecord, *, strong: bool) -> dict[str, Any] | None:
    """The text as it was shown; it names the receiver, so it needs the level for names."""
    if not strong:
        return None
    text = notices.shown(g.session, record.notice_sha256)
    return {"version": record.notice_version, "locale": record.locale, "text": text, "sha256": record.notice_sha256}


def deliveries(record_id: UUID, *, strong: bool) -> list[dict[str, Any]]:
    """When each service was told of a consent's end; their names only at the level for names."""
    return [delivery(letter, strong=strong) for letter in of_letters.deliveries(g.session, record_id)]


def delivery(letter: Delivery, *, strong: bool) -> dict[str, Any]:
    """When a service was told of a withdrawal, or that it should know by now and does not."""
    return {
        "service": client_name(letter.client_id) if strong else None,
        "state": letter.word(g.now),
        "queued_at": letter.queued_at,
        "sent_at": letter.sent_at,
        "acknowledged_at": letter.acknowledged_at,
    }


def entry(of: Entry) -> dict[str, Any]:
    """One entry of the log for a page; `parts` are the purposes that it was about."""
    part = {
        "purpose": purpose_name(of.purpose) if of.purpose else None,
        "basis": of.basis or None,
        "consent_id": str(of.consent_id) if of.consent_id else None,
    }
    return {
        "id": str(of.id),
        "at": of.at,
        "event": of.event,
        "title": EVENTS[of.event].title(g.locale),
        "who": recipient_name(of.recipient_id) if of.recipient_id else None,
        "service": client_name(of.client_id),
        "unit": unit(of.codes),
        **part,
        "parts": [part] if any(part.values()) else [],
        "outcome": of.outcome,
        "reason": of.reason,
    }


def unit(codes: Sequence[str]) -> dict[str, str] | None:
    """The facility and the role that an act at a counter or a bedside names instead of a person (PDPA: staff, too)."""
    named = dict(code.split(":", 1) for code in codes if code.startswith(("hcode:", "role:")))
    name = directory.facility_name(g.session, named["hcode"], locale=g.locale) if "hcode" in named else None
    return {"name": name, "role": named.get("role", "")} if name else None


def acts(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """The entries as acts: what one request did for several purposes is one line with several parts."""
    lines: list[dict[str, Any]] = []
    last: tuple[object, ...] = ()
    for one in entries:
        act = (one.event, one.client_id, one.recipient_id, one.outcome, one.request_id or one.id)
        if lines and act == last:
            lines[-1]["parts"] += entry(one)["parts"]
        else:
            lines.append(entry(one))
        last = act
    return lines
