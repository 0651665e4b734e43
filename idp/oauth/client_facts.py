"""PURE: what a request may rely on about a client, as a value; the methods are those that Authlib asks."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from authlib.oauth2.rfc6749 import ClientMixin

from idp.assurance import Aal, Ial
from idp.oauth import registration


@dataclass(frozen=True)
class ClientFacts(ClientMixin):
    """One client as it was a moment ago."""

    id: str
    name_th: str
    name_en: str
    legal_entity_id: UUID
    kind: str
    profile: str
    auth_method: str
    secret_hash: str | None = field(repr=False)
    jwks: str | None = field(repr=False)
    sector: str
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    grant_types: frozenset[str]
    purposes: Mapping[str, tuple[str, ...]]
    default_resource: str | None
    event_endpoint: str | None
    id_token_alg: str
    logo_uri: str | None
    policy_uri: str | None
    tos_uri: str | None
    status: str
    created_at: datetime
    min_aal: str | None = None
    min_ial: str | None = None
    xb_country: str | None = None
    xb_safeguard: str | None = None
    takes_transfers_since: datetime | None = None

    @property
    def floors(self) -> tuple[Aal, Ial]:
        """The levels below which nobody signs in to it."""
        return Aal(self.min_aal or Aal.AAL1.value), Ial(self.min_ial or Ial.IAL1_1.value)

    @property
    def active(self) -> bool:
        """Whether it may ask for anything."""
        return self.status == "active"

    @property
    def public(self) -> bool:
        """Whether it cannot keep a secret (RFC 6749 section 2.1)."""
        return self.auth_method == "none"

    def name_in(self, locale: str) -> str:
        """Its name for people."""
        return self.name_en if locale == "en" else self.name_th

    def get_client_id(self) -> str:
        """Its id."""
        return self.id

    def get_default_redirect_uri(self) -> None:
        """Never: the request must say where to go."""

    def get_allowed_scope(self, scope: str) -> str:
        """Left to the catalogue's resolution."""
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Exact string match; for a native client on loopback the port may differ (RFC 8252 section 7.3)."""
        return any(
            registration.same_target(redirect_uri, known, native=self.kind == "native") for known in self.redirect_uris
        )

    def check_client_secret(self, client_secret: str) -> bool:
        """Constant-time comparison of hashes; False for a client without a secret."""
        given = secret_hash(client_secret)
        return hmac.compare_digest(given, self.secret_hash or "") and self.secret_hash is not None

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:  # noqa: ARG002
        """One registered method on every endpoint; a secret may travel in the header or in the body."""
        if self.secret_hash is None:
            return method == self.auth_method
        return method in ("client_secret_basic", "client_secret_post")

    def check_response_type(self, response_type: str) -> bool:
        """Only `code`."""
        return response_type == "code" and self.check_grant_type("authorization_code")

    def check_grant_type(self, grant_type: str) -> bool:
        """Whether it registered this grant type."""
        return grant_type in self.grant_types


def secret_hash(secret: str) -> str:
    """SHA-256 in hex; any text can be hashed, whatever a stranger sent."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
