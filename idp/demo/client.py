"""The portal's side of OpenID Connect: discovery, code with PKCE, refresh, UserInfo, and asking the record holder."""

import hmac
import re
import secrets
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.deprecate import AuthlibDeprecationWarning

from idp.demo.fhir import Resource
from idp.relying.id_token import verify_id_token
from idp.relying.jws import Refused
from idp.relying.keys import Clock, IssuerUnavailable, Keys, wall_clock

with warnings.catch_warnings():  # Authlib would rather have httpx2; httpx is what the rest of the house uses
    warnings.simplefilter("ignore", AuthlibDeprecationWarning)
    from authlib.integrations.httpx_client import OAuth2Client  # noqa: TID251 -- the demo plays a foreign client

SCOPES = (
    "openid profile email phone offline_access patient/Encounter.rs patient/Condition.rs patient/Observation.rs "
    "patient/MedicationStatement.rs patient/AllergyIntolerance.rs moph.entitlement.read"
)
REASON = re.compile(r"[a-z_]{1,40}")
TIMEOUT = httpx.Timeout(10.0)
RENEW_BEFORE_S = 5.0
OK = 200


@dataclass(frozen=True)
class Config:
    """What the portal is told when it starts."""

    issuer: str
    client_id: str
    secret: str = field(repr=False)
    redirect_uri: str
    holder: str
    templates: str


class Failure(Exception):  # noqa: N818 -- an answer to be shown
    """Why something was refused, in the words of whoever refused: where, error code, description."""

    def __init__(self, where: str, error: str, description: str = "") -> None:
        super().__init__(f"{where}: {error}")
        self.where, self.error, self.description = where, error, description

    @property
    def reason(self) -> str:
        """The reason code that a refusal of the token endpoint ends with, as in `the grant has ended: withdrawn`."""
        _, colon, code = self.description.rpartition(": ")
        return code if colon and REASON.fullmatch(code) else ""


@dataclass(frozen=True)
class Pending:
    """A sign-in under way: what the answer must match."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True)
class TokenSet:
    """What one sign-in gave. `claims` are proven; `expires_at` is seconds since 1970."""

    sub: str
    claims: Mapping[str, Any]
    profile: Mapping[str, Any]
    scopes: tuple[str, ...]
    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_at: float


class RelyingParty:
    """One client of one issuer. Holds no state of a person."""

    def __init__(self, config: Config, keys: Keys, *, clock: Clock = wall_clock) -> None:
        self._config, self._keys, self._clock = config, keys, clock

    def start(self, *, ui_locales: str, prompt: str | None) -> tuple[str, Pending]:
        """Where to send the browser (OIDC Core 3.1.2.1, RFC 7636), and what to remember. Raises: Failure."""
        pending = Pending(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48))
        extra = {"nonce": pending.nonce, "ui_locales": ui_locales, **({"prompt": prompt} if prompt else {})}
        endpoint = self._metadata()["authorization_endpoint"]
        with self._oauth() as client:
            url, _state = client.create_authorization_url(
                endpoint, state=pending.state, code_verifier=pending.verifier, **extra
            )
        return str(url), pending

    def finish(self, url: str, answer: Mapping[str, str], pending: Pending | None) -> TokenSet:
        """Redeem the answer and prove the ID token. Raises: Failure with the server's own error where it sent one."""
        if pending is None or not hmac.compare_digest(answer.get("state", "").encode(), pending.state.encode()):
            raise Failure("sign-in", "invalid_state", "this answer belongs to no sign-in of this browser")
        if not hmac.compare_digest(answer.get("iss", "").encode(), self._config.issuer.encode()):  # RFC 9207
            raise Failure("sign-in", "invalid_issuer", "the answer does not come from the server that was asked")
        if "error" in answer:
            raise Failure("sign-in", answer["error"], answer.get("error_description", ""))
        metadata = self._metadata()
        with self._oauth() as client:
            token = self._asked(
                lambda: client.fetch_token(
                    metadata["token_endpoint"],
                    authorization_response=url,
                    state=pending.state,
                    code_verifier=pending.verifier,
                )
            )
        return self._proven(token, pending, metadata["userinfo_endpoint"])

    def fresh(self, tokens: TokenSet) -> TokenSet:
        """The same tokens while they last, else renewed ones (RFC 6749 section 6). Raises: Failure."""
        return tokens if self._clock() < tokens.expires_at - RENEW_BEFORE_S else self.renewed(tokens)

    def renewed(self, tokens: TokenSet) -> TokenSet:
        """New tokens for the old ones: also what a client tries once when a holder refuses. Raises: Failure."""
        if tokens.refresh_token is None:
            raise Failure("refresh", "expired", "the token has expired and there is no refresh token")
        endpoint = self._metadata()["token_endpoint"]
        with self._oauth() as client:
            token = self._asked(lambda: client.refresh_token(endpoint, refresh_token=tokens.refresh_token))
        return TokenSet(
            sub=tokens.sub,
            claims=tokens.claims,
            profile=tokens.profile,
            scopes=tuple(token.get("scope", " ".join(tokens.scopes)).split()),
            access_token=token["access_token"],
            refresh_token=token.get("refresh_token", tokens.refresh_token),
            expires_at=self._clock() + float(token.get("expires_in", 0)),
        )

    def records(self, kind: str, tokens: TokenSet) -> list[Resource]:
        """All resources of one type from the record holder. Raises: Failure with the holder's own words."""
        document = self._get(f"{self._config.holder}/fhir/{kind}", tokens.access_token, where="holder")
        return [entry["resource"] for entry in document.get("entry", [])]

    def _proven(self, token: Mapping[str, Any], pending: Pending, userinfo: str) -> TokenSet:
        access = str(token["access_token"])
        try:
            claims = verify_id_token(
                str(token.get("id_token", "")),
                keys=self._keys,
                client_id=self._config.client_id,
                nonce=pending.nonce,
                access_token=access,
                clock=self._clock,
            )
        except (Refused, IssuerUnavailable) as refusal:
            raise Failure("sign-in", "invalid_id_token", str(refusal)) from refusal
        profile = self._get(userinfo, access, where="userinfo")
        if profile.get("sub") != claims["sub"]:  # OIDC Core 5.3.2
            raise Failure("userinfo", "wrong_subject", "UserInfo speaks of another person")
        return TokenSet(
            sub=claims["sub"],
            claims=claims,
            profile=profile,
            scopes=tuple(str(token.get("scope", SCOPES)).split()),
            access_token=access,
            refresh_token=token.get("refresh_token"),
            expires_at=self._clock() + float(token.get("expires_in", 0)),
        )

    def take_over(self, handle: str) -> Mapping[str, Any]:
        """What a person had sent to this service, fetched once with the handle of the event. Raises: Failure."""
        url, proof = f"{self._config.issuer}/portability/v1/fetch", (self._config.client_id, self._config.secret)
        try:
            answer = httpx.post(url, json={"handle": handle}, auth=proof, timeout=TIMEOUT)
            document: Any = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise Failure("portability", "temporarily_unavailable", "no usable answer") from error
        if answer.status_code != OK or not isinstance(document, dict):
            raise Failure("portability", str(answer.status_code))
        return document

    def _metadata(self) -> Mapping[str, Any]:
        try:
            answer = httpx.get(f"{self._config.issuer}/.well-known/openid-configuration", timeout=TIMEOUT)
            document: Mapping[str, Any] = answer.raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise Failure("sign-in", "temporarily_unavailable", "the sign-in server cannot be reached") from error
        if document.get("issuer") != self._config.issuer:
            raise Failure("sign-in", "invalid_issuer", "the metadata is another server's")
        return document

    def _oauth(self) -> Any:
        return OAuth2Client(
            client_id=self._config.client_id,
            client_secret=self._config.secret,
            scope=SCOPES,
            redirect_uri=self._config.redirect_uri,
            token_endpoint_auth_method="client_secret_basic",
            code_challenge_method="S256",
            timeout=TIMEOUT,
        )

    @staticmethod
    def _asked(ask: Callable[[], Any]) -> Mapping[str, Any]:
        try:
            token: Mapping[str, Any] = ask()
        except AuthlibBaseError as error:
            raise Failure("token", str(error.error), str(error.description or "")) from error
        except (httpx.HTTPError, ValueError) as error:
            raise Failure("token", "temporarily_unavailable", "the sign-in server cannot be reached") from error
        return token

    @staticmethod
    def _get(url: str, access_token: str, *, where: str) -> Mapping[str, Any]:
        try:
            answer = httpx.get(url, headers={"Authorization": f"Bearer {access_token}"}, timeout=TIMEOUT)
            document: Any = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise Failure(where, "temporarily_unavailable", "no usable answer") from error
        if answer.status_code != OK or not isinstance(document, dict):
            said = document if isinstance(document, dict) else {}
            raise Failure(where, str(said.get("error", answer.status_code)), str(said.get("error_description", "")))
        return document
