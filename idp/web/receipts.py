"""The person's receipts: a page to read and print, the document, the signed file; and the keys for everybody.

They name places, so they need the level for names, like the access log (catalogue rule 4).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, render_template, request
from markupsafe import Markup

from consent import receipts as documents
from consent.receipts import Act
from idp import log_keys, receipts
from idp.receipts import Receipt
from idp.web import gate
from idp.web.citizen import STRONG_AAL, show_names
from idp.web.gate import Refused, Tx, Who, as_response, route
from idp.web.protocol import KEYS_S, public

bp = Blueprint("receipts", __name__)
ACTS = {"given": Act.GIVEN, "withdrawn": Act.WITHDRAWN}
AT = "/me/consents/<uuid:record_id>/receipt"


@route(bp, AT, tx=Tx.READ, who=Who.CITIZEN, aal=STRONG_AAL)
def page(record_id: UUID) -> Response:
    """The receipt to read and to print."""
    receipt = own(record_id)
    svg = Markup(receipts.qr_svg(receipt.address))  # noqa: S704 -- drawn by segno from our own address
    return as_response(
        render_template(
            "receipt.html",
            consent_url=f"{request.script_root}/me/consents/{record_id}",
            act=receipt.act.name.lower(),
            ended=receipt.ended,
            number=receipt.number,
            code=receipt.code,
            verify_url=f"{gate.house().settings.issuer}/verify",
            qr_svg=svg,
            about=about(receipt.document),
        )
    )


@route(bp, f"{AT}.json", tx=Tx.READ, who=Who.CITIZEN, aal=STRONG_AAL)
def document(record_id: UUID) -> Response:
    """The document: exactly the bytes that the signed file carries."""
    receipt = own(record_id)
    return download(receipt, documents.payload(receipt.document), "application/json", "json")


@route(bp, f"{AT}.jws", tx=Tx.READ, who=Who.CITIZEN, aal=STRONG_AAL)
def signed(record_id: UUID) -> Response:
    """The signed file."""
    receipt = own(record_id)
    return download(receipt, receipts.sign(g.ring, receipt).encode("ascii"), "application/jwt", "jws")


@route(bp, "/receipts/keys.json", tx=Tx.NONE, who=Who.CLIENT, json=True)
def keys() -> Response:
    """Every key that ever signed a receipt; never in the JWKS of the tokens."""
    return public(receipts.public_keys(g.ring), KEYS_S)


@route(bp, log_keys.ADDRESS, tx=Tx.READ, who=Who.CLIENT)
def of_the_log() -> Response:
    """The log's public keys, their fingerprints and how to verify: a second way to the same keys."""
    text = log_keys.text(g.session, g.ring, gate.house().settings, now=g.now)
    response = Response(text, mimetype="text/plain")
    response.headers["Cache-Control"] = f"public, max-age={KEYS_S}"
    return response


def own(record_id: UUID) -> Receipt:
    """This person's receipt: of the act that `?act=` names, else of the latest."""
    show_names()
    asked = request.args.get("act")
    if asked is not None and asked not in ACTS:
        raise Refused("not_found", 404)
    who, settings = g.signed_in.subject_id, gate.house().settings
    act = ACTS[asked] if asked else None
    return receipts.of_own(g.session, g.ring, settings, record_id, subject_id=who, now=g.now, act=act)


def download(receipt: Receipt, content: bytes, mimetype: str, ending: str) -> Response:
    """A file to keep."""
    response = Response(content, mimetype=mimetype)
    response.headers["Content-Disposition"] = f'attachment; filename="receipt-{receipt.number}.{ending}"'
    return response


def about(found: Mapping[str, Any]) -> dict[str, Any]:
    """What a receipt says, in the page's language. It names nobody, because the document does not."""
    processing, given, last = found["pii_processing"], found["events"][0], found["events"][-1]
    purpose, controller = processing["purposes"][0], found["party_identification"][0]
    notice = processing["privacy_notice"]
    return {
        "state": last["event_state"],
        "purpose": purpose["purpose_name"][g.locale],
        "recipient": controller["party_name"][g.locale],
        "service": purpose["services"][0][g.locale] if purpose["services"] else None,
        "contact": controller["party_contact"],
        "dpo_contact": controller["dpo_contact"],
        "categories": [one["name"][g.locale] for one in purpose["pii_information"]],
        "basis": purpose["lawful_basis"],
        "since": moment(given["event_time"]),
        "until": moment(given["valid_until"]),
        "withdrawn_at": moment(last["event_time"]) if last is not given else None,
        "aal": given["assurance"]["aal"],
        "ial": given["assurance"]["ial"],
        "acted_as": given.get("acted_as"),
        "second": given.get("co_signature", {}).get("acted_as"),
        "ends_with_visit": purpose.get("ends_with_visit", False),
        "time": {name: moment(f"{day}T05:00:00+00:00") for name, day in purpose.get("data_time_range", {}).items()},
        "abroad": purpose.get("cross_border"),
        "notice": {**notice, "locale": processing["language"]},
        "principal": found["record_header"]["pii_principal_id"],
    }


def moment(text: str) -> datetime:
    """A moment as receipts write it."""
    return datetime.fromisoformat(text)
