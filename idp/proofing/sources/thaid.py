"""ThaID: the department's own application proves a person to us by OpenID Connect, with its ways (THAI.md 2.5, 3b R4).

Tolerant inward: a token's life is a moment in a field that is misspelt; attributes come in the ID token or flat beside
it; a nonce may or may not be echoed; a level is a word or a number; a date may lack its day. Strict about whom we
believe: signature, issuer, audience, time; a nonce that is echoed is ours; the number is the same wherever it stands.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from idp.assurance import Ial
from idp.national_id import NationalIdError, parse_national_id
from idp.ports import UpstreamRefused
from idp.providers import ThaidPerson
from idp.upstream.id_token import Expected, IdTokens, PublicKeys
from idp.upstream.wire import Wire

__all__ = ["HttpThaid", "ThaidPerson", "person_of"]

AUTH, TOKEN, JWKS = "/api/v2/oauth2/auth/", "/api/v2/oauth2/token/", "/jwks/"
SCOPES = (
    "openid pid title given_name middle_name family_name title_en given_name_en middle_name_en family_name_en "
    "birthdate gender address date_of_expiry ial"
)
ALGORITHMS = ("ES256", "RS256", "PS256")
LONGEST_CODE = 2048
LONGEST_TEXT = 200
LONGEST_ADDRESS = 400
BUDDHIST_ERA, FIRST_BUDDHIST_YEAR = 543, 2400
FOR_LIFE = 9999
NUMBER = re.compile(r"\d{13}")
DATE = re.compile(r"(\d{4})(?:[-/]?(\d{2})(?:[-/]?(\d{2}))?)?")
GENDERS = {"male": "male", "m": "male", "1": "male", "ชาย": "male"} | {
    "female": "female", "f": "female", "2": "female", "หญิง": "female"
}  # fmt: skip
LEVELS = frozenset(level.value for level in Ial)
ONE_NAME = frozenset({"-", "–"})  # what stands for the family name of somebody who has none


class HttpThaid:
    """`idp.providers.Thaid` over HTTP. `url`: the base address, which is also the issuer unless another is told."""

    offered = True

    def __init__(self, *, url: str, client_id: str, secret: str, wire: Wire, issuer: str | None = None) -> None:
        self._url, self._issuer, self._wire = url.rstrip("/"), issuer or url, wire
        self._client_id, self._secret = client_id, secret
        self._tokens = IdTokens(PublicKeys(wire, self._url + JWKS), algorithms=ALGORITHMS)

    def sign_in_url(self, *, state: str, nonce: str, redirect_uri: str) -> str:
        """The authorization endpoint (OIDC Core 3.1.2.1). `state` is a must there."""
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": redirect_uri,
            "scope": SCOPES,
            "state": state,
            "nonce": nonce,
        }
        return f"{self._url}{AUTH}?{urlencode(asked)}"

    def redeem(self, code: str, *, nonce: str, redirect_uri: str, now: datetime) -> ThaidPerson:
        """Whom the code stands for (OIDC Core 3.1.3). Raises: UpstreamUnavailable, UpstreamRefused."""
        if not 0 < len(code) <= LONGEST_CODE:
            raise UpstreamRefused("code")
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        said = self._wire.post_form(self._url + TOKEN, form, basic=(self._client_id, self._secret))
        if not said.good:
            raise UpstreamRefused(said.error)
        access_token = said.document.get("access_token")
        expected = Expected(
            issuer=self._issuer,
            audience=self._client_id,
            nonce=nonce,
            nonce_required=False,  # not described by the department; the state and our own request bind the answer
            access_token=access_token if isinstance(access_token, str) else "",
        )
        token = said.document.get("id_token")
        claims = self._tokens.read(token, expected, now=now)
        check_id = hashlib.sha256(str(token).encode()).hexdigest()[:16]  # of the signed bytes: it leads back to nobody
        return replace(person_of(claims, said.document), check_id=check_id)


def person_of(claims: Mapping[str, Any], flat: Mapping[str, Any]) -> ThaidPerson:
    """PURE: the person of a proven ID token; what it leaves out is taken from beside it.

    Raises: UpstreamRefused when the number is none, is not the same wherever it stands, or no level is stated.
    """
    told = {**{name: value for name, value in flat.items() if value not in (None, "")}, **claims}
    numbers = {_number(said) for said in (claims.get("pid"), flat.get("pid")) if said is not None}
    if not numbers or is_number(claims["sub"]):  # `sub` is the number in the department's example
        numbers.add(_number(claims["sub"]))
    if len(numbers) != 1:
        raise UpstreamRefused("pid")
    level = str(told.get("ial", ""))
    if level not in LEVELS:
        raise UpstreamRefused("ial")
    return ThaidPerson(
        national_id=numbers.pop(),
        ial=level,
        title_th=_text(told, "title"),
        given_name_th=_given(told, ""),
        family_name_th=_family(told, ""),
        title_en=_text(told, "title_en"),
        given_name_en=_given(told, "_en"),
        family_name_en=_family(told, "_en"),
        birth_date=partial_date(told.get("birthdate")),
        gender=GENDERS.get(_text(told, "gender").lower(), "unknown"),
        address=_address(told.get("address")),
        expires_on=_day(told.get("date_of_expiry")),
    )


def partial_date(said: object) -> str:
    """PURE: a date of the Christian era as far as it is known: YYYY, YYYY-MM or YYYY-MM-DD; "" for anything else.

    A year of the Buddhist era is brought down; a day or month that is not known may be absent or 00.
    """
    found = DATE.fullmatch(str(said or "").strip())
    if found is None:
        return ""
    year = int(found[1]) - (BUDDHIST_ERA if int(found[1]) >= FIRST_BUDDHIST_YEAR else 0)
    month, day = (int(found[place] or 0) for place in (2, 3))
    try:
        date(year, month or 1, day or 1)
    except ValueError:
        return ""
    parts = [f"{year:04d}", *([f"{month:02d}"] if month else []), *([f"{day:02d}"] if month and day else [])]
    return "-".join(parts)


def is_number(said: object) -> bool:
    """PURE: whether this could be meant as a national ID."""
    return isinstance(said, str) and NUMBER.fullmatch(said) is not None


def _number(said: object) -> str:
    try:
        return parse_national_id(str(said))
    except NationalIdError as error:
        raise UpstreamRefused("pid") from error


def _text(told: Mapping[str, Any], name: str, *, longest: int = LONGEST_TEXT) -> str:
    said = told.get(name)
    plain = " ".join(str(said).split()) if isinstance(said, (str, int)) else ""
    return plain if plain.isprintable() and len(plain) <= longest else ""


def _given(told: Mapping[str, Any], suffix: str) -> str:
    return " ".join(filter(None, (_text(told, f"{part}_name{suffix}") for part in ("given", "middle"))))


def _family(told: Mapping[str, Any], suffix: str) -> str:
    said = _text(told, f"family_name{suffix}")
    return "" if said in ONE_NAME else said


def _address(said: object) -> str:
    told = said if isinstance(said, Mapping) else {"formatted": said}
    return _text(told, "formatted", longest=LONGEST_ADDRESS)


def _day(said: object) -> date | None:
    known = str(said or "").strip()
    whole = partial_date(known)
    if len(whole) != len("2000-01-01") or int(known[:4]) == FOR_LIFE:
        return None
    return date.fromisoformat(whole)
