"""PURE: what may be registered, and which redirect URI matches (RFC 6749 3.1.2, RFC 8252, RFC 9700 section 2.1)."""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from consent.errors import NotAllowed
from idp.assurance import Aal, Ial
from idp.settings import is_loopback

KINDS = ("web", "native", "system", "resource_server")
PROFILES = ("standard", "compat", "fapi2")
CONFIDENTIAL = ("client_secret_basic", "client_secret_post", "private_key_jwt")
AUTH_METHODS = (*CONFIDENTIAL, "none")
MACHINES = ("system", "resource_server")  # act for themselves
GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials")
ID_TOKEN_ALGORITHMS = ("ES256", "RS256")
LONGEST_ID = 128
LOOPBACK = re.compile(r"(http://([a-z.]+|[0-9.]+|\[[0-9a-f:.]+\]))(?::([0-9]{1,5}))?(|[/?].*)")
HIGHEST_PORT = 65535


def check_redirect(uri: str, *, kind: str) -> None:
    """Https exact; http on loopback only; for native clients also a private-use scheme with a dot (RFC 8252 7.1).

    Raises: NotAllowed with code invalid_redirect_uri.
    """
    if not uri.isascii() or not uri.isprintable() or any(char in uri for char in ' *"\\<>#'):
        raise refused("a redirect URI holds a fragment, a wildcard or odd characters")
    try:
        parts = urlsplit(uri)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise refused("a redirect URI cannot be read") from error
    if parts.username is not None or parts.password is not None:
        raise refused("a redirect URI names a user")
    web = parts.scheme == "https" and bool(host)
    local = parts.scheme == "http" and is_loopback(host)
    private = kind == "native" and "." in parts.scheme and bool(parts.path)
    if not (web or local or private):
        raise refused("a redirect URI must be https")


def check_addresses(
    kind: str,
    redirect_uris: Sequence[str],
    post_logout_redirect_uris: Sequence[str],
    grant_types: Sequence[str],
    links: Sequence[str | None],
) -> None:
    """All addresses of a client. Raises: NotAllowed."""
    if kind in ("web", "native") and "authorization_code" in grant_types and not redirect_uris:
        raise refused("it has no redirect URI", code="invalid_redirect_uri")
    for uri in (*redirect_uris, *post_logout_redirect_uris):
        check_redirect(uri, kind=kind)
    for link in links:
        check_link(link)


def check_link(link: str | None) -> None:
    """Links and endpoints of a client are https, or http on loopback. Raises: NotAllowed."""
    if link is None:
        return
    parts = urlsplit(link)
    if not (parts.scheme == "https" and parts.hostname) and not (
        parts.scheme == "http" and is_loopback(parts.hostname)
    ):
        raise refused("a link must be https", code="invalid_client_metadata")


def default_sector(client_id: str, redirect_uris: Sequence[str]) -> str:
    """The host of its redirect URIs (OIDC Core 8.1). Raises: NotAllowed when there are several.

    Loopback is everybody's host: two apps that listen there must not share a `sub`, so the client_id stands for it.
    """
    hosts = {urlsplit(uri).hostname or urlsplit(uri).scheme for uri in redirect_uris}
    hosts = {host for host in hosts if not is_loopback(host)}
    if len(hosts) > 1:
        raise refused("with several hosts the sector must be named", code="invalid_client_metadata")
    return next(iter(hosts), client_id)


def same_target(asked: str, known: str, *, native: bool) -> bool:
    """Exact string match; for a native client on loopback the port may differ (RFC 8252 section 7.3)."""
    if asked == known:
        return True
    here, there = LOOPBACK.fullmatch(asked), LOOPBACK.fullmatch(known)
    if not native or here is None or there is None or not is_loopback(there[2].strip("[]")):
        return False
    return here.group(1, 4) == there.group(1, 4) and 0 < int(here[3] or 80) <= HIGHEST_PORT


def refused(why: str, *, code: str = "invalid_redirect_uri") -> NotAllowed:
    """The refusal of a registration, with its RFC 7591 error code."""
    return NotAllowed(f"This client cannot be registered: {why}.", code=code)


def check_words(kind: str, profile: str, auth_method: str, grant_types: Sequence[str], id_token_alg: str) -> None:
    """Closed vocabularies, and who may go without a secret or act for itself. Raises: NotAllowed."""
    for word, known in (
        (kind, KINDS),
        (profile, PROFILES),
        (auth_method, AUTH_METHODS),
        (id_token_alg, ID_TOKEN_ALGORITHMS),
        *((grant_type, GRANT_TYPES) for grant_type in grant_types),
    ):
        if word not in known:
            raise refused(f"it must be one of {', '.join(known)}", code="invalid_client_metadata")
    if auth_method == "none" and (kind not in ("native", "web") or "client_credentials" in grant_types):
        raise refused("this kind of client must authenticate", code="invalid_client_metadata")
    manages = kind == "web" and "authorization_code" in grant_types  # a service that looks after its own grants
    if "client_credentials" in grant_types and kind not in MACHINES and not manages:
        raise refused("client_credentials is for systems", code="invalid_client_metadata")


def check_levels(min_aal: str | None, min_ial: str | None) -> None:
    """Levels that a citizen can reach: hardware keys are staff's, IAL3 nobody gives. Raises: NotAllowed."""
    reachable = {level.value for level in Aal if level < Aal.AAL3}, {level.value for level in Ial if level < Ial.IAL3}
    for level, known in zip((min_aal, min_ial), reachable, strict=True):
        if level is not None and level not in known:
            raise refused(f"a level must be one of {', '.join(sorted(known))}", code="invalid_client_metadata")


def readable_id(client_id: str) -> bool:
    """Whether this can be a client_id at all: printable ASCII without spaces, at most 128 (RFC 6749 A.1)."""
    return 0 < len(client_id) <= LONGEST_ID and all("!" <= char <= "~" for char in client_id)


def is_person_shaped(client_id: str) -> bool:
    """A client_id that could be mistaken for a person's `sub` (RFC 9700 section 4.15): a pairwise hex or a UUID."""
    bare = client_id.replace("-", "").lower()
    return len(bare) in (32, 64) and all(char in "0123456789abcdef" for char in bare)
