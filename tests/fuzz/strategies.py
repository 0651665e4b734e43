"""What an attacker, a broken library or a cat on the keyboard sends: texts, queries, bodies, headers, paths."""

import base64
import json
import re
from dataclasses import dataclass, field
from urllib.parse import quote

from hypothesis import strategies as st

NASTY = [
    "", "0", "-1", "1e400", "NaN", "9" * 400, "\x00", "\x00\x01\x1f\x7f", "\r\nSet-Cookie: yinyom=x", "\u2028",
    "\ufeff",
    "ก" * 300, "😀" * 40, "\u202eนาย", "ï", "%", "%00", "%zz", "%c0%ae%c0%ae/", "%ff%fe", "../../../etc/passwd", "\\",
    "'",
    '"', "' OR '1'='1", "{{7*7}}", "${7*7}", "<script>alert(1)</script>", "//evil.example", "https://evil.example/",
    "http://localhost:8000@evil.example/", "javascript:alert(1)", "/\\evil.example", "a" * 5000, "x y\tz", "true",
    "null",
    "[]", "{}", "2999000010053", "๒๙๙๙๐๐๐๐๑๐๐๕๓", "openid profile", "purpose:EHR-SHARE", "code", "none", "S256",
    "portal",
    "authorization_code", "refresh_token", "client_credentials", "yr1..0.", "yr1.0.99999999999999999999.x",
    "00000000-0000-0000-0000-000000000000", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "allow", "refuse",
    "register", "sign-in", "pin", "passkey", "th", "en", "2026-02-30", "0001-01-01", "9999-12-31", "audit.searched",
]  # fmt: skip
NAMES = [
    "client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce", "prompt", "max_age",
    "display", "ui_locales", "acr_values", "login_hint", "id_token_hint", "claims", "resource", "code_challenge",
    "code_challenge_method", "request", "request_uri", "registration", "grant_type", "code", "code_verifier", "token",
    "token_type_hint", "refresh_token", "client_secret", "client_assertion", "client_assertion_type", "access_token",
    "national_id", "pin", "pin_again", "totp", "factor", "decision", "purpose", "screen", "life-EHR-SHARE", "reason",
    "event", "since", "until", "before", "next", "aal", "lang", "done", "again", "receipt", "verify_code", "jws",
    "jws_code", "act", "name", "locale", "size", "csrf", "launch", "a[b]", "",
]  # fmt: skip
TYPES = [
    "application/x-www-form-urlencoded", "application/json", "application/json; charset=tis-620", "text/plain",
    "multipart/form-data", "multipart/form-data; boundary=x", "application/jwt", "application/secevent+jwt", "",
    "x/y;;=",
]  # fmt: skip
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"]
BUILD_UP = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>")


def b64(data: bytes) -> str:
    """As JOSE writes it."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


texts = st.one_of(st.sampled_from(NASTY), st.sampled_from(NASTY), st.text(max_size=30))
names = st.one_of(st.sampled_from(NAMES), st.sampled_from(NAMES), texts)
raw = st.one_of(
    texts.map(lambda text: quote(text.encode("utf-8", "surrogatepass"), safe="")),
    st.binary(max_size=12).map(lambda data: quote(data, safe="")),
    st.sampled_from(["%", "%0", "%zz", "%ed%a0%80", "%c3%28", "+", "a=b", ";", "%26"]),
)
queries = st.lists(st.tuples(names.map(lambda name: quote(name, safe="", errors="replace")), raw), max_size=5).map(
    lambda pairs: "&".join(f"{name}={value}" for name, value in pairs)
)
leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.just(10**400), st.floats(), texts, st.just("\ud800"), st.just("\x00")
)
objects = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)
PASSKEY = ["purpose", "credential", "name", "id", "rawId", "type", "response", "clientDataJSON", "attestationObject"]
credentials = st.fixed_dictionaries(
    {},
    optional={
        name: st.one_of(leaves, texts.map(lambda text: b64(text.encode("utf-8", "surrogatepass"))), objects)
        for name in (*PASSKEY, "authenticatorData", "signature", "userHandle", "transports")
    },
)
said = st.fixed_dictionaries(
    {"purpose": st.one_of(st.sampled_from(["register", "sign-in"]), leaves)},
    optional={
        "name": leaves,
        "credential": st.one_of(
            objects,
            credentials,
            st.builds(lambda outer, inner: {**outer, "response": inner}, credentials, credentials),
        ),
    },
)
DEEP = "[" * 5000 + "]" * 5000
jsons = st.one_of(
    st.one_of(said, objects).map(json.dumps), st.sampled_from([DEEP, '{"a":' * 3000, "NaN", '{"a":NaN}', "{"])
)
heads = st.fixed_dictionaries(
    {"alg": st.one_of(st.sampled_from(["none", "HS256", "ES256", "PS256", "RS256", "EdDSA", "dir"]), leaves)},
    optional={
        "kid": leaves,
        "typ": leaves,
        "crit": objects,
        "b64": leaves,
        "jku": st.just("http://127.0.0.1:1/"),
        "jwk": objects,
        "x5c": objects,
        "zip": st.just("DEF"),
    },
)
claims = st.one_of(
    st.dictionaries(
        st.sampled_from(["iss", "sub", "aud", "exp", "iat", "nbf", "jti", "events", "nonce", "acr", "sub_id"]), objects
    ),
    objects,
)
tokens = st.one_of(
    texts,
    st.builds(
        lambda head, body, tail: ".".join([b64(json.dumps(head).encode()), b64(json.dumps(body).encode()), b64(tail)]),
        heads,
        claims,
        st.binary(max_size=64),
    ),
    st.builds(lambda parts: ".".join(b64(part) for part in parts), st.lists(st.binary(max_size=9), max_size=6)),
    st.builds(lambda junk: f"{b64(junk)}.{b64(DEEP.encode())}.x", st.binary(max_size=5)),
)
ascii_line = re.compile(r"[^\x20-\x7e\xa0-\xff]")
values = st.one_of(texts, tokens).map(lambda text: ascii_line.sub("", text)[:6000])
basic = st.builds(
    lambda name, secret: base64.b64encode(f"{name}:{secret}".encode("utf-8", "surrogatepass")).decode(), texts, texts
)
authorizations = st.one_of(
    values,
    tokens.map(lambda token: "Bearer " + ascii_line.sub("", token)[:6000]),
    basic.map("Basic {}".format),
    st.binary(max_size=9).map(lambda data: "basic " + base64.b64encode(data).decode()),
    st.sampled_from(["Basic", "Bearer", "bearer  ", "DPoP x", "Basic =", "Digest a=b", "Bearer a b"]),
)
headers = st.fixed_dictionaries(
    {},
    optional={
        "Authorization": authorizations,
        "Accept-Language": values,
        "Accept": values,
        "Origin": st.sampled_from(["null", "https://evil.example", "http://localhost:8000", "x"]),
        "Referer": values,
        "Sec-Fetch-Site": st.sampled_from(["same-origin", "cross-site", "none", "x"]),
        "X-Forwarded-For": values,
        "X-Forwarded-Host": st.just("evil.example"),
        "X-Forwarded-Prefix": st.just("//evil.example"),
        "Host": st.sampled_from(["evil.example", "localhost:8000", "", "a b", "[::1"]),
        "User-Agent": values,
        "Range": values,
        "If-None-Match": values,
        "X-HTTP-Method-Override": st.just("DELETE"),
        "Content-Encoding": st.sampled_from(["gzip", "x"]),
        "DPoP": values,
    },
)
cookies = st.dictionaries(
    st.sampled_from(["yinyom", "yinyom-staff", "yinyom-browser", "yinyom-lang", "yinyom-size", "yinyom-enrol", "x"]),
    st.one_of(values, st.just("a" * 4000)).map(lambda text: re.sub(r'[;,"\\\s]', "", text)),
    max_size=3,
)
bodies = st.one_of(
    queries.map(lambda query: (TYPES[0], query.encode())),
    st.tuples(st.just("application/json"), jsons.map(str.encode)),
    st.tuples(
        st.sampled_from(TYPES), st.one_of(st.binary(max_size=60), queries.map(str.encode), jsons.map(str.encode))
    ),
    st.just((TYPES[0], b"&".join(b"a=%d" % n for n in range(700)))),
    st.just(
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="national_id"\r\n\r\n\x00\r\n--x--',
        )
    ),
)


@dataclass(frozen=True)
class Asked:
    """One request, whoever sends it. `csrf` says whether the sender adds its token."""

    rule: str
    path: str
    method: str
    query: str = ""
    kind: str = ""
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    csrf: bool = False


def paths(rule: str, known: dict[str, list[str]]) -> st.SearchStrategy[str]:
    """A path of a rule: each part one that exists, or one that does not."""
    filled = st.just("")
    end = 0
    for part in BUILD_UP.finditer(rule):
        some = [quote(one, safe="") for one in known.get(part["name"], [])]
        junk = st.uuids().map(str) if part["kind"] == "uuid" else raw.filter(lambda text: "/" not in text)
        choice = st.one_of(st.sampled_from(some), junk) if some else junk
        filled = st.tuples(filled, st.just(rule[end : part.start()]), choice).map("".join)
        end = part.end()
    return st.tuples(filled, st.just(rule[end:])).map("".join)


@st.composite
def requests(draw: st.DrawFn, rules: list[tuple[str, tuple[str, ...]]], known: dict[str, list[str]]) -> Asked:
    """A request to one of these rules, by one of its methods or by another."""
    rule, methods = draw(st.sampled_from(rules))
    method = draw(st.one_of(st.sampled_from(methods), st.sampled_from(methods), st.sampled_from(METHODS)))
    kind, body = draw(bodies) if method not in ("GET", "HEAD") else ("", b"")
    path, query, told = draw(paths(rule, known)), draw(queries), draw(headers)
    return Asked(rule, path, method, query, kind, body, told, csrf=draw(st.booleans()))
