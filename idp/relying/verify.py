"""Is this access token good here, now? RFC 9068 section 4, RFC 8725; live when that was asked for (RFC 7662).

Offline in this order: size and form, algorithm and header, type `at+jwt`, key, signature, issuer, audience, times,
required claims. Then, with `live`, the issuer itself is asked, and its answer decides whenever there is one. Where it
is not asked, or does not answer, the status list says whether the grant has ended (`status`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from idp.relying import jws, levels, visits
from idp.relying.keys import Clock, IssuerUnavailable, Keys, wall_clock
from idp.relying.live import Live, LiveUnavailable
from idp.relying.scopes import missing
from idp.relying.status import StatusLists, StatusUnavailable

ALGORITHM = "ES256"
TYPE = "at+jwt"


class TokenRefused(Exception):  # noqa: N818 -- an answer, not a fault
    """RFC 6750 section 3.1: an error code, a sentence for the caller, and the HTTP status.

    `acr` and `max_age_s` are what to ask the issuer for, with insufficient_user_authentication (RFC 9470 section 3).
    """

    def __init__(
        self, error: str, description: str, status: int, *, scope: str = "", acr: str = "", max_age_s: int | None = None
    ) -> None:
        super().__init__(description)
        self.error, self.description, self.status, self.scope = error, description, status, scope
        self.acr, self.max_age_s = acr, max_age_s


@dataclass(frozen=True)
class VerifiedToken:
    """What a proven token says. `checked` is "live" when the issuer was asked and agreed, else "offline"."""

    sub: str
    scopes: tuple[str, ...]
    purpose: tuple[str, ...]
    client_id: str
    exp: float
    claims: Mapping[str, Any] = field(repr=False)
    checked: str = "offline"
    said: Mapping[str, Any] | None = field(default=None, repr=False)  # the issuer's live answer

    @property
    def patient(self) -> str | None:
        """Whose record it opens, as this holder knows people (SMART App Launch 2.2).

        A `user/…` token's `patient`, a `patient/…` token's `sub`; None when it opens nobody's, or says both.
        """
        kinds = {scope.partition("/")[0] for scope in self.scopes} & {"patient", "user"}
        if kinds == {"user"}:
            named = self.claims.get("patient")
            return named if isinstance(named, str) and named else None
        return self.sub if kinds == {"patient"} else None

    @property
    def details(self) -> tuple[Mapping[str, Any], ...]:
        """The visits that it is for, as the issuer told them (RFC 9396); live, what is left of them."""
        return visits.details_of(self.said or self.claims)

    @property
    def hcode(self) -> str | None:
        """The facility of a clinician's token."""
        named = self.claims.get("hcode")
        return named if isinstance(named, str) and named else None


class Verifier:
    """Verifies access tokens of one issuer for one audience (this service's registered identifier)."""

    def __init__(
        self,
        issuer: str,
        audience: str,
        *,
        keys: Keys | None = None,
        live: Live | None = None,
        status: StatusLists | None = None,
        clock: Clock = wall_clock,
    ) -> None:
        self.issuer, self.audience = issuer, audience
        self._keys = keys or Keys(issuer, clock=clock)
        self._live, self._status, self._clock = live, status, clock

    def verify(self, token: str, *needed: str, acr: str | None = None, max_age_s: int | None = None) -> VerifiedToken:
        """The token, proven, and covering every scope of `needed`, from a sign-in that is strong and new enough.

        Raises: TokenRefused with invalid_token (401), insufficient_user_authentication (401, RFC 9470),
        insufficient_scope (403) or, when nothing can be decided, temporarily_unavailable (503).
        """
        try:
            claims = jws.claims_of(token, keys=self._keys, alg=ALGORITHM, typ=TYPE)
            verified = self._checked_claims(claims)
        except jws.Refused as refusal:
            raise TokenRefused("invalid_token", str(refusal), 401) from refusal
        except IssuerUnavailable as down:
            raise TokenRefused("temporarily_unavailable", str(down), 503) from down
        verified = self._listed(verified) if self._live is None else self._asked(token, verified, self._live)
        weak = levels.fault(verified.claims, acr=acr, max_age_s=max_age_s, now=self._clock())
        if weak:
            raise TokenRefused("insufficient_user_authentication", weak, 401, acr=acr or "", max_age_s=max_age_s)
        lacking = missing(verified.scopes, needed)
        if lacking:
            scope = " ".join(lacking)
            raise TokenRefused("insufficient_scope", f"the token does not cover {scope}", 403, scope=" ".join(needed))
        return verified

    def verify_record(
        self, token: str, letters: str, *, acr: str | None = None, max_age_s: int | None = None
    ) -> VerifiedToken:
        """The token, proven, of whoever may open one person's record: `patient` says whose.

        `letters` is a type with letters, such as `Observation.s`. Raises: TokenRefused, as `verify`.
        """
        verified = self.verify(token, acr=acr, max_age_s=max_age_s)
        either = (f"patient/{letters}", f"user/{letters}")
        if verified.patient is None or all(missing(verified.scopes, [scope]) for scope in either):
            said = f"the token opens no record by {' or '.join(either)}"
            raise TokenRefused("insufficient_scope", said, 403, scope=" ".join(either))
        return verified

    def verify_visit(self, token: str, letters: str, *, system: str, number: str) -> VerifiedToken:
        """The token, proven, of whoever may use the records of this one visit (`th_health_visit`, RFC 9396).

        `letters` is a type with letters, such as `Observation.s`; `system` and `number` name the visit as the holder
        knows it. Raises: TokenRefused, as `verify`.
        """
        verified = self.verify(token)
        kind, _, wanted = letters.partition(".")
        if verified.patient is None or not visits.opens(verified.details, kind, wanted, system=system, number=number):
            raise TokenRefused("insufficient_scope", "the token does not open this visit", 403)
        return verified

    def _checked_claims(self, claims: Mapping[str, Any]) -> VerifiedToken:
        now = self._clock()
        jws.check_issued(claims, issuer=self.issuer, audience=self.audience, now=now)
        jws.check_not_expired(claims, now=now)
        jws.text(claims, "jti")
        return VerifiedToken(
            sub=jws.text(claims, "sub"),
            scopes=_words(claims.get("scope")),
            purpose=_words(claims.get("purposes")),
            client_id=jws.text(claims, "client_id"),
            exp=jws.instant(claims, "exp"),
            claims=claims,
        )

    def _listed(self, offline: VerifiedToken) -> VerifiedToken:
        """The same token, if the status list does not say that its grant has ended."""
        try:
            if self._status is not None:
                self._status.check(offline.claims)
        except jws.Refused as refusal:
            raise TokenRefused("invalid_token", str(refusal), 401) from refusal
        except StatusUnavailable as down:
            raise TokenRefused("temporarily_unavailable", str(down), 503) from down
        return offline

    def _asked(self, token: str, offline: VerifiedToken, live: Live) -> VerifiedToken:
        try:
            said = live.ask(token, self._keys)
        except LiveUnavailable as silence:
            if live.offline_fallback and not silence.misconfigured:
                return self._listed(offline)
            raise TokenRefused("temporarily_unavailable", str(silence), 503) from silence
        if not said["active"]:
            raise TokenRefused("invalid_token", "the token is no longer active", 401)
        return VerifiedToken(
            sub=offline.sub,
            scopes=_words(said.get("scope")),  # the live decision may have narrowed what the token was minted with
            purpose=_words(said.get("purposes")) or offline.purpose,
            client_id=offline.client_id,
            exp=offline.exp,
            claims=offline.claims,
            checked="live",
            said=said,
        )


def _words(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(value.split())
    return tuple(word for word in value if isinstance(word, str)) if isinstance(value, list) else ()
