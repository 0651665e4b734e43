"""What a relying service imports. It stands alone: httpx, joserfc and Flask, nothing else of ours.

verify    an access token, offline: signature, issuer, audience, type, expiry, scope      keys     the JWKS, kept
live      the same token asked about live, when our server can be reached                 scopes   PURE: SMART letters
status    whether the grant behind a token has ended: status lists, kept a minute          visits   PURE: for one visit
guard     a Flask decorator that answers as RFC 6750 says                                 receive  a signed event (SET)
id_token  what a client checks at sign-in                                                 jws      one strict JWS check
levels    PURE: a sign-in that is strong and new enough (RFC 9470)                         reporter  what was opened

    verifier = Verifier("https://id.example.go.th", "https://records.example.go.th")
    @app.get("/fhir/Observation")
    @require(verifier, "patient/Observation.s")
    def observations(): ...
"""

from idp.relying.guard import require, require_record
from idp.relying.keys import IssuerUnavailable, Keys
from idp.relying.live import Live
from idp.relying.receive import Event, EventRefused, Receiver
from idp.relying.reporter import Reporter
from idp.relying.status import StatusLists
from idp.relying.verify import TokenRefused, VerifiedToken, Verifier

__all__ = [
    "Event",
    "EventRefused",
    "IssuerUnavailable",
    "Keys",
    "Live",
    "Receiver",
    "Reporter",
    "StatusLists",
    "TokenRefused",
    "VerifiedToken",
    "Verifier",
    "require",
    "require_record",
]
