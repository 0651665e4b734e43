"""RFC 9396: rich authorization requests of one type, a purpose narrowed to one visit (`idp.oauth.visit_detail`)."""

from consent import purposes
from consent import scopes as grammar
from consent.errors import ScopeError
from idp import directory
from idp.oauth import details, resources
from idp.oauth.errors import AuthorizeError
from idp.oauth.feature import Feature
from idp.oauth.pipeline import Context, Draft, Resolved
from idp.oauth.visit_detail import TYPE, Detail, DetailRefused, canonical, narrowed, parsed, tag_of

FEATURE = Feature("authorization_details", "RFC 9396", {"authorization_details_types_supported": [TYPE]})
PARAMETER, REFUSED = "authorization_details", "invalid_authorization_details"
OF_CITIZENS = "patient/"


def check(context: Context, draft: Draft) -> None:
    """Every detail is whole, about a purpose of this client's and a visit at its own facility (section 5).

    Under the purpose it narrows, only what the details say is asked for (DECISIONS 9). A clinician's request has none.
    """
    if any(tag_of(scope) for scope in draft.sure["scopes"]):
        raise AuthorizeError("invalid_scope", "one visit is asked for by authorization_details")
    text = draft.get(PARAMETER)
    if text is None:
        return
    if draft.sure.get("launch"):
        raise AuthorizeError(REFUSED, "a launch is for a visit already")
    try:
        found = [details.tagged(context.ring, content) for content in parsed(text)]
        for detail in found:
            _of_this_client(context, draft, detail)
        asked = _resolved(draft, found)
    except DetailRefused as refusal:
        raise AuthorizeError(REFUSED, str(refusal)) from refusal
    draft.sure["resolution"] = asked
    draft.sure["details"] = tuple(canonical(detail.content) for detail in found)


def _of_this_client(context: Context, draft: Draft, detail: Detail) -> None:
    if directory.entity_of(context.session, detail.hcode) != draft.client.legal_entity_id:
        raise DetailRefused("the visit is at a facility of somebody else")
    if not detail.runs_at(context.now):
        raise DetailRefused("a detail has ended")
    if any(resources.find(context.session, place) is None for place in detail.locations):
        raise DetailRefused("a location is unknown")


def _resolved(draft: Draft, found: list[Detail]) -> Resolved:
    before: Resolved = draft.sure["resolution"]
    narrow: dict[str, tuple[str, ...]] = {}
    for detail in found:
        held = before.purposes.get(detail.purpose) or _whole(draft, detail.purpose)
        narrow[detail.purpose] = narrow.get(detail.purpose, ()) + narrowed(detail, held)
    offline = before.offline_access or (
        "offline_access" in draft.sure["scopes"] and any(purposes.get(code).refresh for code in narrow)
    )
    return Resolved({**before.purposes, **narrow}, offline, before.ignored)


def _whole(draft: Draft, code: str) -> tuple[str, ...]:
    """What the client would get by naming the purpose, as far as a citizen can give it. Raises: DetailRefused."""
    try:
        found = purposes.resolve([grammar.NAME_PREFIX + code], draft.client.purposes)
    except ScopeError as error:
        raise DetailRefused("a purpose is not registered for this client") from error
    held = tuple(scope for scope in found.purposes.get(code, ()) if scope.startswith(OF_CITIZENS))
    if not held:
        raise DetailRefused("a purpose has no records to narrow")
    return held
