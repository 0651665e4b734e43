"""What may never stand in a log line or an audit entry: the names, phones and national IDs of the cast.

`found_in` reads text as people do. `Searcher` reads bytes as a thief does: every spelling, encoding and keyless hash.
"""

import base64
import csv
import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from unicodedata import normalize
from urllib.parse import quote_from_bytes

WORDS = "ใจสมมติ ตัวอย่างดี ทดสอบสุข สมมติวงศ์ ตัวอย่างกุล ลองระบบ ไม่มีจริง จำลองชัย สมชาย สมหญิง ชูใจ กัญญา นูรีซัน อามีนะห์ ธนกร บุญมี"
LATIN = (
    "Jaisommut Tuayangdee Thotsopsuk Sommutwong Tuayangkun Longrabop Maimeejing Chamlongchai "
    "Somchai Somying Choojai Weera Kanya Nurisan Aminah Bunmee Thanakorn"
)
NATIONAL_ID = r"(?<![0-9a-fA-F])[0-8]9990\d{8}(?![0-9a-fA-F])"
PHONE = r"(?<![0-9a-fA-F])(?:\+?66|0)10[ -]?000[ -]?\d{4}(?![0-9a-fA-F])"


def _cast() -> set[str]:
    """Thai and Latin names of four letters or more of the sandbox's people."""
    people = files("idp.demo") / "people.tsv"
    if not people.is_file():
        return set()
    rows = csv.DictReader(people.read_text(encoding="utf-8").splitlines(), delimiter="\t")
    names = {cell for row in rows for column, cell in row.items() if column and "name" in column and cell}
    return {name for name in names if len(name) > 3}


def _pattern() -> re.Pattern[str]:
    names = _cast() | set(WORDS.split()) | set(LATIN.split())
    forms = {form for name in names for form in (name, json.dumps(name)[1:-1])}
    thai = sorted(re.escape(form) for form in forms if not form.isascii() or "\\u" in form)
    latin = sorted(rf"\b{re.escape(form)}\b" for form in forms if form.isascii() and "\\u" not in form)
    return re.compile("|".join([NATIONAL_ID, PHONE, *thai, *latin]))


PATTERN = _pattern()


def found_in(text: str) -> list[str]:
    """Everything in `text` that names one of the cast."""
    return PATTERN.findall(text)


def log_lines(sections: list[tuple[str, str, str]]) -> str:
    """What a test logged: the log section, and those lines of its output that are structured log lines."""
    logged = [text for _, kind, text in sections if kind == "log"]
    printed = [line for _, kind, text in sections if kind in ("stdout", "stderr") for line in text.splitlines()]
    return "\n".join(logged + [line for line in printed if line.startswith("{") or "event=" in line])


# --- the searcher: one person's values in every spelling, encoding and keyless hash ---------------------------------

HEAD = 5  # bytes by which a place is looked at more closely
SHORTEST_WORD = 6  # letters of a Latin name; shorter ones turn up by chance in random text
SHORTEST_CODED = 7  # signs of Base64
SHORTEST_HEX = 10
DIGEST_BYTES = 10  # so much of a hash names it, also when it is stored cut short
THAI_DIGITS = str.maketrans("0123456789", "๐๑๒๓๔๕๖๗๘๙")
MONTHS_TH = "มกราคม กุมภาพันธ์ มีนาคม เมษายน พฤษภาคม มิถุนายน กรกฎาคม สิงหาคม กันยายน ตุลาคม พฤศจิกายน ธันวาคม"
MONTHS_EN = "January February March April May June July August September October November December"
BUDDHIST_ERA = 543
TEXT_ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "cp874")
HASHES = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3_256", "sha3_512", "blake2b", "blake2s")


def people(registry: str) -> Iterator[dict[str, str]]:
    """The rows of a registry of made-up people, as TSV."""
    yield from csv.DictReader(registry.splitlines(), delimiter="\t")


def values_of(person: Mapping[str, str]) -> dict[str, set[str]]:
    """What a registry row says about somebody, by kind, in every spelling that people and programs use."""
    names = {person.get(f"{part}_name_{tongue}", "") for part in ("given", "family") for tongue in ("th", "en")}
    for tongue in ("th", "en"):
        names.add(f"{person.get(f'given_name_{tongue}', '')} {person.get(f'family_name_{tongue}', '')}".strip())
    address, email = person.get("address", ""), person.get("email", "")
    spelt = {
        "national ID": numbers(person.get("national_id", "")),
        "phone": phones(person.get("phone", "")),
        "name": {form for name in names for form in (name, name.upper(), name.lower(), normalize("NFKD", name))},
        "e-mail": {email, email.upper(), email.title()},
        "address": {address, " ".join(address.split()[1:4]), address.translate(THAI_DIGITS)},
        "birth date": dates(person.get("birth_date", "")),
    }
    return {kind: {form for form in forms if is_telling(form)} for kind, forms in spelt.items()}


def is_telling(form: str) -> bool:
    """Whether a text is long enough not to turn up by chance."""
    return len(form) >= SHORTEST_WORD or (not form.isascii() and len(form.encode()) > SHORTEST_WORD)


def numbers(number: str) -> set[str]:
    """A national ID: plain, with dashes and with blanks as on the card, in Thai digits."""
    parts = [number[:1], number[1:5], number[5:10], number[10:12], number[12:]]
    forms = {separator.join(parts) for separator in ("", "-", " ", ".")} if number else set()
    return forms | {form.translate(THAI_DIGITS) for form in forms}


def phones(phone: str) -> set[str]:
    """A phone: local and E.164, with and without separators, in Thai digits."""
    digits = re.sub(r"\D", "", phone)
    if not digits:
        return set()
    rest = digits[1:]
    groups = [(digits[:3], digits[3:6], digits[6:]), ("+66", rest[:2], rest[2:5], rest[5:]), (digits[:3], digits[3:])]
    forms = {separator.join(group) for group in groups for separator in ("", "-", " ")} | {f"66{rest}", f"0066{rest}"}
    return forms | {form.translate(THAI_DIGITS) for form in forms}


def dates(known: str) -> set[str]:
    """A full birth date in both eras, as databases, forms and people write it; a bare year says too little."""
    if len(known) != len("YYYY-MM-DD"):
        return set()
    year, month, day = (int(part) for part in known.split("-"))
    names = [months.split()[month - 1] for months in (MONTHS_TH, MONTHS_EN)]
    forms = set()
    for era in (year, year + BUDDHIST_ERA):
        forms |= {f"{era}{month:02}{day:02}", f"{day:02}{month:02}{era}"} | {f"{day} {name} {era}" for name in names}
        for sign in "-/.":
            forms |= {f"{era}{sign}{month:02}{sign}{day:02}", f"{day:02}{sign}{month:02}{sign}{era}"}
    return forms | {form.translate(THAI_DIGITS) for form in forms}


def coded(form: str) -> Iterator[tuple[str, bytes]]:
    """One spelling as bytes, in each encoding, with the encoding's name; also backwards."""
    for direction, text in (("", form), (" backwards", form[::-1])):
        for encoding in TEXT_ENCODINGS:
            try:
                raw = text.encode(encoding)
            except UnicodeEncodeError:
                continue
            yield f"{encoding}{direction}", raw
            yield from ((f"{name} of {encoding}{direction}", one) for name, one in wrapped(raw))
        yield from ((f"{name}{direction}", one.encode()) for name, one in escaped(text))


def wrapped(raw: bytes) -> Iterator[tuple[str, bytes]]:
    """Base64 wherever it may begin, hex, percent-encoding and its cousins."""
    yield from (("base64", one) for one in base64_cores(raw))
    if len(raw.hex()) >= SHORTEST_HEX:
        yield "hex", raw.hex().encode()
        yield "hex", raw.hex().upper().encode()
    for mark, spelt in (("%", "percent"), ("\\x", "escaped bytes"), ("=", "quoted-printable")):
        for digits in ("02x", "02X"):
            yield spelt, "".join(f"{mark}{byte:{digits}}" for byte in raw).encode()
    yield "escaped bytes", repr(raw)[2:-1].encode()
    for safe in ("/", "", "/+@:"):
        quoted = quote_from_bytes(raw, safe=safe)
        for form in (quoted, quoted.replace("%20", "+")):
            yield "percent", form.encode()
            yield "percent", re.sub("%..", lambda code: code[0].lower(), form).encode()


def base64_cores(raw: bytes, *, shortest: int = SHORTEST_CODED) -> Iterator[bytes]:
    """What stays the same of these bytes in Base64 at each of the three places where they can begin."""
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + raw)
        core = whole[-(-shift * 8 // 6) : (shift + len(raw)) * 8 // 6]
        if len(core) >= shortest:
            yield core
            yield core.replace(b"+", b"-").replace(b"/", b"_")


def escaped(text: str) -> Iterator[tuple[str, str]]:
    """As JSON and HTML write what they cannot or will not write plainly."""
    yield "JSON", json.dumps(text)[1:-1]
    for digits in ("04x", "04X"):
        yield "JSON", "".join(f"\\u{ord(sign):{digits}}" for sign in text)
        yield "HTML", "".join(f"&#x{ord(sign):{digits[-1]}};" for sign in text)
    yield "HTML", "".join(f"&#{ord(sign)};" for sign in text)


def hashed(form: str) -> Iterator[tuple[str, bytes]]:
    """What anybody can compute of a spelling without a key: raw, in hex, in Base64; the first bytes tell."""
    raw = form.encode()
    digests = {name: hashlib.new(name, raw).digest() for name in HASHES}
    digests |= {"HMAC without a key": hmac.digest(b"", raw, "sha256"), "sha256 of sha256": sha256(sha256(raw))}
    for name, digest in digests.items():
        yield name, digest[:DIGEST_BYTES]
        yield f"{name} in hex", digest.hex()[: 2 * DIGEST_BYTES].encode()
        yield f"{name} in hex", digest.hex()[: 2 * DIGEST_BYTES].upper().encode()
        yield from ((f"{name} in base64", core) for core in base64_cores(digest[: DIGEST_BYTES + 2]))


def sha256(raw: bytes) -> bytes:
    """One round."""
    return hashlib.sha256(raw).digest()


class Searcher:
    """Finds what is known about people in any bytes. Pure: bytes in, descriptions out; no value is repeated."""

    def __init__(self, rows: Iterable[Mapping[str, str]]) -> None:
        self._by_head: dict[bytes, dict[bytes, str]] = {}
        for number, row in enumerate(rows):
            for kind, forms in values_of(row).items():
                for form in forms:
                    for how, needle in (*coded(form), *hashed(form)):
                        self._learn(needle, f"{kind} of person {number} as {how}")

    def _learn(self, needle: bytes, said: str) -> None:
        if len(needle) >= HEAD:
            self._by_head.setdefault(needle[:HEAD], {}).setdefault(needle, said)

    def found(self, data: bytes) -> set[str]:
        """Descriptions of everything in `data` that is known of somebody."""
        heads = self._by_head
        close = (place for place in range(len(data) - HEAD + 1) if data[place : place + HEAD] in heads)
        return {
            said
            for place in close
            for needle, said in heads[data[place : place + HEAD]].items()
            if data.startswith(needle, place)
        }
