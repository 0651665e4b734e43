"""OIDC Core 5.1 and 5.4: which claims a scope opens, built from the person's own sealed data."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select

from idp import subjects
from idp.oauth.live import GrantFacts
from idp.oauth.pipeline import Context
from idp.subjects import NationalId, PersonSealer

LOCALES = {"th": "th-TH", "en": "en-GB"}

# Scope -> claims. A scope stands here only with the purpose that owns it: email, phone and address are CONTACT's,
# birth date and gender DEMO's, the number PID's (catalogue rule 2).
BY_SCOPE: dict[str, Callable[[subjects.Profile], dict[str, Any]]] = {
    "profile": lambda p: {
        "name": p.name_th,
        "given_name": p.given_name_th,
        "family_name": p.family_name_th,
        "name#en": p.name_en,
        "given_name#en": p.given_name_en,
        "family_name#en": p.family_name_en,
        "locale": LOCALES.get(p.locale, p.locale),
    },
    "email": lambda p: {"email": p.email, "email_verified": False} if p.email else {},
    "phone": lambda p: {"phone_number": p.phone, "phone_number_verified": True} if p.phone else {},
    "address": lambda p: {"address": {"formatted": p.address, "country": "TH"}} if p.address else {},
    "moph.demographics": lambda p: {"birthdate": p.birth_date, "gender": p.gender},
}
PID = "moph.pid"
NAMES = {  # scope -> the claims that it opens, for who asks what a grant is good for
    "openid": ("sub", "ial", "ial_at", "ial_method", "ial_expires"),
    "profile": ("name", "given_name", "family_name", "locale"),
    "email": ("email", "email_verified"),
    "phone": ("phone_number", "phone_number_verified"),
    "address": ("address",),
    "moph.demographics": ("birthdate", "gender"),
    PID: ("pid",),
}
OPENING = frozenset({"openid", PID, *BY_SCOPE})  # the scopes that UserInfo has a use for
_NUMBER = select(NationalId.number).where(NationalId.subject_id == bindparam("subject"), NationalId.proved)
SUPPORTED = (
    *("iss", "sub", "aud", "exp", "iat", "auth_time", "acr", "amr", "azp", "nonce", "at_hash"),
    *("ial", "ial_at", "ial_method", "ial_expires"),
    *("name", "given_name", "family_name", "locale", "email", "email_verified", "phone_number"),
    *("phone_number_verified", "address", "birthdate", "gender", "pid"),
)


def userinfo(context: Context, grant: GrantFacts, *, sector: str, scopes: frozenset[str]) -> dict[str, Any]:
    """The claims of these scopes; `sub` is the ID token's (OIDC Core 5.3.2). Empty values are left out."""
    claims: dict[str, Any] = {}
    opened = [build for scope, build in BY_SCOPE.items() if scope in scopes]
    if opened:
        profile = subjects.profile(context.session, context.ring, grant.subject_id)
        for build in opened:
            claims |= build(profile)
    if PID in scopes:
        claims["pid"] = _number(context, grant.subject_id)
    known = {name: value for name, value in claims.items() if value not in ("", None)}
    return {"sub": context.ring.pairwise(grant.subject_id, sector), **grant.proofing, **known}


def _number(context: Context, subject_id: UUID) -> str | None:
    sealed = context.session.scalar(_NUMBER, {"subject": subject_id})
    if sealed is None:
        return None
    return PersonSealer(context.ring, context.session).open(sealed, owner=subject_id, field="national_id")
