"""The leak guard of conftest.py and the searcher of the stories, proved from inside: each kind of leak is planted."""

import base64
import hashlib
import json
import os
from functools import cache
from urllib.parse import quote

import pytest

from tests import leaks
from tests.house.source import ROOT


@pytest.mark.parametrize(
    "text",
    [
        "signed in as 1999000010047",
        '{"event": "request", "name": "Somchai"}',
        '{"name": "\\u0e2a\\u0e21\\u0e0a\\u0e32\\u0e22"}',
        "sent to 010-000-0001",
        "sent to +66100000001",
        "นาย สมชาย ใจสมมติ",
    ],
)
def test_a_persona_is_found_however_it_is_spelt(text):
    """ARCHITECTURE: after every test, no persona's name or national ID in log lines or audit entries."""
    assert leaks.found_in(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "request_id=018f3c2e-9990-7000-8000-1999000010047a",
        "POST /oauth/token 200",
        '{"subject": "a1b2c3", "purpose": "SIGNIN"}',
    ],
)
def test_ordinary_lines_pass(text):
    """Random ids and codes are no persons."""
    assert not leaks.found_in(text)


def test_log_lines_are_told_from_other_output():
    """The sandbox prints people to try; that is not a log."""
    sections = [("call", "stdout", '{"event": "x"}\nTry: Somchai'), ("call", "log", "INFO logged")]

    assert leaks.log_lines(sections) == 'INFO logged\n{"event": "x"}'


MANEE = {
    "national_id": "2999000010053",
    "given_name_th": "มานี",
    "family_name_th": "ทดสอบสุข",
    "given_name_en": "Manee",
    "family_name_en": "Thotsopsuk",
    "birth_date": "1988-02-29",
    "phone": "010-000-0053",
    "email": "manee@example.test",
    "address": "999/3 หมู่ที่ 99 ตำบลในเมือง อำเภอเมืองร้อยเอ็ด จังหวัดร้อยเอ็ด 45000",
}
VALUES = {
    "national ID": ["2999000010053", "2-9990-00010-05-3", "2 9990 00010 05 3", "๒๙๙๙๐๐๐๐๑๐๐๕๓"],
    "phone": ["010-000-0053", "0100000053", "+66100000053", "66100000053", "+66 10 000 0053", "๐๑๐-๐๐๐-๐๐๕๓"],
    "name": ["มานี", "ทดสอบสุข", "มานี ทดสอบสุข", "Thotsopsuk", "THOTSOPSUK", "Manee Thotsopsuk", "manee thotsopsuk"],
    "e-mail": ["manee@example.test", "MANEE@EXAMPLE.TEST"],
    "address": [MANEE["address"], "หมู่ที่ 99 ตำบลในเมือง"],
    "birth date": ["1988-02-29", "29/02/1988", "29/02/2531", "29 กุมภาพันธ์ 2531", "29 February 1988", "25310229"],
}
DISGUISES = {
    "UTF-8": str.encode,
    "UTF-16": lambda text: text.encode("utf-16"),
    "cp874": lambda text: text.encode("cp874", "replace"),
    "backwards": lambda text: text[::-1].encode(),
    "base64": lambda text: base64.b64encode(text.encode()),
    "base64 after one byte": lambda text: base64.b64encode(b"x" + text.encode() + b"yz"),
    "base64 after two bytes": lambda text: base64.b64encode(b"xx" + text.encode() + b"y"),
    "base64url": lambda text: base64.urlsafe_b64encode(text.encode()).rstrip(b"="),
    "hex": lambda text: text.encode().hex().encode(),
    "HEX": lambda text: text.encode().hex().upper().encode(),
    "percent": lambda text: quote(text, safe="").encode(),
    "every byte in percent": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()).encode(),
    "JSON": lambda text: json.dumps({"a": text}).encode(),
    "every sign as JSON": lambda text: "".join(f"\\u{ord(sign):04x}" for sign in text).encode(),
    "HTML": lambda text: "".join(f"&#{ord(sign)};" for sign in text).encode(),
    "repr of bytes": lambda text: repr(text.encode()).encode(),
    "base64 of backwards": lambda text: base64.b64encode(text[::-1].encode()),
    "hex of UTF-16": lambda text: text.encode("utf-16-le").hex().encode(),
}
KEYLESS = ("md5", "sha1", "sha256", "sha512", "sha3_256", "blake2b", "blake2s")


@cache
def searcher() -> leaks.Searcher:
    """Knows one person."""
    return leaks.Searcher([MANEE])


def among(needle: bytes) -> bytes:
    """In the middle of random bytes."""
    return os.urandom(40) + needle + os.urandom(40)


@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize("kind", VALUES)
def test_the_searcher_finds_every_value_in_every_disguise(kind, disguise):
    """Issue 3: tried in clear and encoded."""
    texts = [text for text in VALUES[kind] if disguise != "cp874" or len(text) >= leaks.HEAD]  # fewer turn up by chance
    found = {text: searcher().found(among(DISGUISES[disguise](text))) for text in texts}

    assert [text for text, said in found.items() if not any(kind in one for one in said)] == []


@pytest.mark.parametrize("algorithm", KEYLESS)
@pytest.mark.parametrize("text", ["2999000010053", "+66100000053", "0100000053", "ทดสอบสุข", "manee@example.test"])
def test_the_searcher_finds_a_hash_that_needs_no_key(text, algorithm):
    """Issue 3: thirteen digits have too few values for a plain hash to hide them; also when it is cut short."""
    digest = hashlib.new(algorithm, text.encode()).digest()

    for stored in (digest, digest.hex().encode(), base64.b64encode(digest), digest[:12], digest.hex()[:24].encode()):
        assert searcher().found(among(stored))


def test_the_searcher_finds_nobody_in_random_and_ordinary_bytes():
    """A finding is a finding: keys, ciphertexts and our own source stay silent."""
    ordinary = b"".join(path.read_bytes() for path in sorted((ROOT / "idp" / "web").glob("*.py")))
    noise = os.urandom(200_000)

    assert not searcher().found(ordinary + noise + base64.b64encode(noise) + noise.hex().encode())
    assert not searcher().found("2999000010054 xxx-xxx-0053 บริการทดสอบ manee@example.org".encode())


def test_the_searcher_never_repeats_what_it_found():
    """A failing test must not print the value that it found."""
    said = str(searcher().found(b"2999000010053 manee@example.test"))

    assert not leaks.found_in(said)
    assert "manee" not in said
