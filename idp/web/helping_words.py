"""What is entrusted to a helper, in words that fit both: for the form, their pages, and the consent, which keeps them.

They name nobody and no date, so that they are the same bytes when the answer comes back as when they were read.
"""

from collections.abc import Sequence

from flask import g

from consent import purposes
from consent.family.helping import DAYS, KINDS, POWERS, Wanted
from idp.web.shapes import purpose_name

MAY = {
    "see": {
        "th": "ดู: ใช้บริการแทน ดูข้อมูลที่อนุญาตไว้แล้ว และดูว่าใครเปิดข้อมูล",
        "en": "See: use services as the helper, see what is already allowed, and who opened it",
    },
    "answer": {
        "th": "ตอบ: ให้หรือไม่ให้ความยินยอมแทน (ผู้ที่ตอบแทนจะดูได้ด้วย)",
        "en": "Answer: say yes or no to services as the helper (who answers can also see)",
    },
    "withdraw": {
        "th": "ถอน: ถอนความยินยอมที่ให้ไว้แล้ว",
        "en": "Take back: end consents that were given",
    },
}
KIND = {
    "record": {"th": "ประวัติสุขภาพ", "en": "Health record"},
    "care": {"th": "การรับบริการ", "en": "Getting care"},
    "papers": {"th": "ใบรับรองและสิทธิ", "en": "Certificates and benefits"},
    "sensitive": {"th": "เรื่องละเอียดอ่อน", "en": "Sensitive topics"},
}
LASTS = {
    30: {"th": "30 วัน", "en": "30 days"},
    90: {"th": "90 วัน", "en": "90 days"},
    180: {"th": "180 วัน", "en": "180 days"},
    365: {"th": "1 ปี", "en": "1 year"},
}
HEAD = {"th": "ให้ผู้ช่วยหนึ่งคนทำแทนได้ ดังนี้", "en": "One chosen helper may do this."}
IN = {"th": "เฉพาะเรื่อง: {kinds}", "en": "Only about: {kinds}."}
FOR = {"th": "เป็นเวลา {time} นับจากวันที่ตกลง", "en": "For {time} from the day of the agreement."}
ENDS = {
    "th": "เมื่อสิ้นสุด สิ่งที่ผู้ช่วยตกลงแทนจะถูกถอนด้วย",
    "en": "When it ends, what the helper has agreed to is taken back as well.",
}


def language() -> str:
    """Of the page."""
    return "en" if g.locale == "en" else "th"


def sentences(wanted: Wanted) -> tuple[str, ...]:
    """What the consent says of this helper, in the language of the page."""
    of = language()
    names = ", ".join(KIND[kind][of] for kind in wanted.kinds)
    powers = " · ".join(MAY[one][of] for one in wanted.may)
    return (f"{HEAD[of]} {powers}", IN[of].format(kinds=names), FOR[of].format(time=LASTS[wanted.days][of]), ENDS[of])


def powers(words: Sequence[str]) -> list[str]:
    """The same of a link."""
    return [MAY[one][language()] for one in POWERS if one in words]


def names(codes: Sequence[str]) -> list[str]:
    """The purposes of a link by their names."""
    return [purpose_name(code) for code in codes]


def offered() -> dict[str, list[dict[str, str]]]:
    """What the form offers. Each kind says which purposes it holds."""
    of = language()
    return {
        "powers": [{"code": one, "label": MAY[one][of]} for one in POWERS],
        "kinds": [{"code": one, "label": KIND[one][of], "hint": held(one)} for one in KINDS],
        "days": [{"code": str(one), "label": LASTS[one][of]} for one in DAYS],
    }


def held(kind: str) -> str:
    """The purposes of a kind, in one line."""
    return " · ".join(purposes.get(code).name.in_(g.locale) for code in KINDS[kind])
