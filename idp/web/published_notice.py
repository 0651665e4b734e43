"""The published words of one purpose, for everybody and for ever: where `policy.uri`, receipts and papers point.

The page wears this browser's form token, so it is kept by nobody; the file beside it is the exact bytes that were
hashed, the same for everybody, and may be kept for ever. What one person answered names a receiver as well: those
words stand in their receipt, not here.
"""

from collections.abc import Sequence
from uuid import UUID

from flask import Blueprint, Response, g, render_template, request

from consent import notices
from consent.errors import NotFound
from consent.notices import Published
from idp.web import gate
from idp.web.gate import Refused, Tx, Who, as_response, route

bp = Blueprint("published_notice", __name__)
AT = "/notices/<uuid:notice_id>/<int:version>"
FOR_EVER = "public, max-age=31536000, immutable"


@route(bp, AT, tx=Tx.READ)
def page(notice_id: UUID, version: int) -> Response:
    """The words, their hash and where to take the bytes; the same in the other language, and other versions."""
    found, *others = published(notice_id, version)
    newest = max((one.version for one in others if one.locale == found.locale), default=0)
    issuer = gate.house().settings.issuer
    shown = render_template(
        "published_notice.html",
        notice=found,
        words=found.words,
        address=notices.address(issuer, found.id, found.version),
        newest=found.version > newest,
        same=in_the_other_language(found, others),
        versions=[one for one in others if one.locale == found.locale],
    )
    return as_response(shown)


@route(bp, f"{AT}.json", tx=Tx.READ, who=Who.CLIENT, json=True)
def document(notice_id: UUID, version: int) -> Response:
    """The bytes as they were published: `sha256sum` gives the hash that the page shows. They never change."""
    found = published(notice_id, version)[0]
    response = Response(found.body.encode("utf-8"), mimetype="application/json")
    response.set_etag(found.sha256)
    response.headers["Content-Language"] = found.locale
    response.headers["Cache-Control"] = FOR_EVER
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.make_conditional(request)
    return response


def published(notice_id: UUID, version: int) -> list[Published]:
    """That version and the others of its purpose; for whoever mistyped it, a page that says what to compare."""
    try:
        return notices.published(g.session, notice_id, version)
    except NotFound as error:
        raise Refused("notice_unknown", 404) from error


def in_the_other_language(found: Published, others: Sequence[Published]) -> Published | None:
    """PURE: what held in the other language when this was published; `others` are newest first."""
    theirs = [one for one in others if one.locale != found.locale]
    then = (one for one in theirs if one.published_at <= found.published_at)
    return next(then, theirs[-1] if theirs else None)
