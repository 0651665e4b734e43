"""What may never stand in a log line or an audit entry: the names, phones and national IDs of the cast."""

import csv
import json
import re
from importlib.resources import files

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
