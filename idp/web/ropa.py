"""The records of processing (PDPA s.39): what is registered, as a page and as a table for a spreadsheet."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, g, render_template, request

from consent.errors import NotFound
from consent.purposes import Bilingual
from consent.rights import cases, ropa
from consent.rights.ropa import Service
from idp import directory
from idp.oauth import clients
from idp.web.dpo import DPO
from idp.web.gate import Tx, Who, as_response, route
from idp.web.rights import download

bp = Blueprint("ropa", __name__, url_prefix="/dpo")
CSV = "text/csv; charset=utf-8"
BOM = b"\xef\xbb\xbf"  # a spreadsheet reads Thai as UTF-8 only with it
OWN_COLUMNS = ("code", "what", "kept_since", "days", "why", "let_go_by")


@route(bp, "/ropa", tx=Tx.READ, who=Who.STAFF, role=DPO)
def page() -> Response:
    """The records by organisation and service, what this server keeps itself, and what was refused."""
    lines = ropa.lines(services())
    shown: dict[str, Any] = {
        "lines": lines,
        "own": ropa.own_table(locale=g.locale),
        "refusals": sorted(cases.refusals(g.session).items()),
        "unverified": sum(not line.verified for line in lines),
    }
    return as_response(render_template("dpo_ropa.html", **shown))


@route(bp, "/ropa.csv", tx=Tx.READ, who=Who.STAFF, role=DPO)
def table() -> Response:
    """The same as a table; `?own=1`: what this server keeps itself."""
    if request.args.get("own") == "1":
        return download(written(OWN_COLUMNS, ropa.own_table(locale=g.locale)), CSV, "ropa-own.csv")
    rows = ropa.table(ropa.lines(services()), refusals=cases.refusals(g.session), locale=g.locale)
    return download(written(ropa.COLUMNS, rows), CSV, "ropa.csv")


def written(columns: tuple[str, ...], rows: list[list[str]]) -> bytes:
    """A table as a spreadsheet opens it."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows(rows)
    return BOM + out.getvalue().encode()


def services() -> Iterator[Service]:
    """Every registered service, suspended ones too, with who answers for it."""
    for client in clients.everyone(g.session):
        try:
            who = directory.recipient_of(g.session, client.legal_entity_id, now=g.now)
            contacts = directory.contacts_of(g.session, client.legal_entity_id, now=g.now)
        except NotFound:
            continue
        yield Service(
            client_id=client.id,
            name=Bilingual(client.name_th, client.name_en),
            controller=Bilingual(who.name_th, who.name_en),
            controller_kind=who.kind,
            own_app=who.own_app,
            contact=contacts.controller_contact,
            dpo_contact=contacts.dpo_contact,
            agreement=contacts.agreement or "",
            purposes=client.purposes,
            active=client.active,
        )
