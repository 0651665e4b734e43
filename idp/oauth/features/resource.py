"""RFC 8707: resource indicators. A token is for one data holder, chosen from what was asked at /authorize."""

from idp.oauth import resources
from idp.oauth.errors import AuthorizeError, InvalidTargetError
from idp.oauth.feature import Feature
from idp.oauth.pipeline import Context, Draft

FEATURE = Feature("resource", "RFC 8707", {"resource_indicators_supported": True})
MOST = 8


def check(context: Context, draft: Draft) -> None:
    """Every `resource` is an absolute URI that we know (section 2)."""
    asked = tuple(dict.fromkeys(draft.params.getlist("resource")))
    if len(asked) > MOST:
        raise AuthorizeError("invalid_target", "too many resources")
    try:
        resources.check(context, asked)
    except InvalidTargetError as error:
        raise AuthorizeError("invalid_target", "the resource is unknown") from error
    draft.sure["resource"] = asked
