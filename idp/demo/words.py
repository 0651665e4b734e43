"""The portal's words, Thai and English."""

from collections.abc import Mapping

WORDS: Mapping[str, tuple[str, str]] = {
    "title": ("โรงพยาบาลตัวอย่าง", "Example Hospital"),
    "lead": ("เว็บสำหรับผู้ป่วย (ระบบทดลอง ข้อมูลสมมติทั้งหมด)", "Patient portal (sandbox, all data made up)"),
    "sign_in": ("เข้าสู่ระบบด้วยยินยอม", "Sign in with Yinyom"),
    "sign_in_hint": (
        "เราจะขอชื่อ ข้อมูลติดต่อ และประวัติการรักษาจากที่อื่น คุณเลือกได้ว่าจะให้อะไร",
        "We ask for your name, contact details and records from elsewhere. You choose what to share.",
    ),
    "hello": ("สวัสดี", "Hello"),
    "sign_out": ("ออกจากเว็บนี้", "Sign out here"),
    "fetch": ("ดึงประวัติการรักษา", "Fetch history"),
    "ask_again": ("ขอความยินยอมอีกครั้ง", "Ask for consent again"),
    "learned": ("สิ่งที่เรารู้เกี่ยวกับคุณ (ตรวจลายเซ็นแล้ว)", "What we know of you (signature proven)"),
    "granted": ("สิ่งที่คุณให้เราใช้", "What you let us use"),
    "our_copy": ("สำเนาประวัติที่เราเก็บไว้", "Our copy of your history"),
    "nothing": ("เราไม่มีประวัติของคุณ", "We hold none of your history."),
    "refused": ("ถูกปฏิเสธ", "Refused"),
    "why": ("เหตุผล", "Why"),
    "withdrawn": (
        "คุณถอนความยินยอมแล้ว เราลบสำเนาและตอบรับแล้ว",
        "You withdrew your consent. We deleted our copy and said so.",
    ),
    "other": ("English", "ไทย"),
    "other_code": ("en", "th"),
    "Encounter": ("การมารับบริการ", "Visits"),
    "Condition": ("การวินิจฉัย", "Diagnoses"),
    "Observation": ("ผลตรวจและสัญญาณชีพ", "Measurements"),
    "MedicationStatement": ("ยา", "Medicines"),
    "AllergyIntolerance": ("การแพ้", "Allergies"),
}


def words(locale: str) -> dict[str, str]:
    """All words in one language; anything but `en` is Thai."""
    return {key: pair[1 if locale == "en" else 0] for key, pair in WORDS.items()}
