"""Token Status List: which grants have ended, for those who verify tokens offline (draft-ietf-oauth-status-list)."""

import re

from idp.oauth import slots, status_list
from idp.oauth.errors import NO_STORE, Answer
from idp.oauth.feature import Feature
from idp.oauth.pipeline import Context, ProtocolRequest

FEATURE = Feature(
    "status_list",
    "Token Status List",
    {},
    {"status_list_aggregation_endpoint": slots.PATH},
)
MEDIA_TYPE = "application/statuslist+jwt"
ACCEPTED = re.compile(
    r"(application/statuslist\+jwt|application/\*|\*/\*)\s*(;\s*q\s*=\s*(0\.0*[1-9]|1).*)?", re.IGNORECASE
)
FOR_EVERYBODY = {"Access-Control-Allow-Origin": "*"}
CACHED = {"Cache-Control": f"public, max-age={status_list.SHOWN_S}"}


def answer(context: Context, request: ProtocolRequest, number: int) -> Answer:
    """The list as a JWT (section 8.1 and 8.2). 404 unknown, 406 another form, 501 a list of the past (section 8.4)."""
    if "time" in request.args:
        return _refused(501, "lists of the past are not kept")
    if not accepts(request.headers.get("Accept")):
        return _refused(406, f"lists come as {MEDIA_TYPE}")
    token = status_list.published(context, number)
    if token is None:
        return _refused(404, "there is no such list")
    return Answer(200, token, {**CACHED, **FOR_EVERYBODY, "Vary": "Accept", "Content-Type": MEDIA_TYPE})


def aggregation(context: Context) -> Answer:
    """Where all lists are (section 9.3)."""
    return Answer(200, {"status_lists": status_list.uris(context)}, {**CACHED, **FOR_EVERYBODY})


def accepts(accept: str | None) -> bool:
    """PURE: whether a JWT is what was asked for; nothing said is known out of band (section 8.1)."""
    return not accept or any(ACCEPTED.fullmatch(part.strip()) for part in accept.split(","))


def _refused(status: int, words: str) -> Answer:
    return Answer(status, {"error": "invalid_request", "error_description": words}, {**NO_STORE, **FOR_EVERYBODY})
