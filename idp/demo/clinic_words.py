"""The words of the clinic's system, Thai and English."""

from collections.abc import Mapping

WORDS: Mapping[str, tuple[str, str]] = {
    "title": ("ระบบห้องตรวจตัวอย่าง", "Example clinic system"),
    "lead": (
        "ระบบของโรงพยาบาลสำหรับผู้ให้การรักษา (ข้อมูลสมมติทั้งหมด)",
        "A hospital's system for clinicians (all data made up)",
    ),
    "empty": ("ยังไม่มีผู้ป่วย", "No patient yet"),
    "how": (
        "เปิดจากหน้าการรับบริการของยินยอม แล้วประวัติของผู้ป่วยที่อยู่ตรงหน้าจะแสดงที่นี่",
        "Open it from a visit in Yinyom, and the record of the patient in front of you is shown here.",
    ),
    "patient": ("ผู้ป่วยในการรับบริการนี้", "The patient of this visit"),
    "emergency": ("ผู้ป่วยในเหตุฉุกเฉินนี้", "The patient of this emergency"),
    "told": (
        "แสดงเฉพาะข้อมูลที่จำเป็นต่อการช่วยชีวิต เจ้าของข้อมูลได้รับแจ้งแล้ว และจะมีผู้ตรวจสอบ",
        "Only what is needed to save a life. The person has been told, and it will be reviewed.",
    ),
    "pseudonym": ("รหัสของผู้ป่วยที่ผู้เก็บข้อมูลรู้จัก", "How the record holder knows the patient"),
    "again": ("ถามผู้เก็บข้อมูลอีกครั้ง", "Ask the record holder again"),
    "close": ("ปิดผู้ป่วยนี้", "Close this patient"),
    "refused": ("ถูกปฏิเสธ", "Refused"),
    "counter": ("ไปหน้าการรับบริการ", "To the visits at the counter"),
    "tour": ("กลับไปหน้านำชม", "Back to the tour"),
    "other": ("English", "ไทย"),
    "other_code": ("en", "th"),
    "Encounter": ("การมารับบริการ", "Visits"),
    "Condition": ("การวินิจฉัย", "Diagnoses"),
    "Observation": ("ผลตรวจและสัญญาณชีพ", "Measurements"),
    "MedicationStatement": ("ยา", "Medicines"),
    "AllergyIntolerance": ("การแพ้", "Allergies"),
}
OVER = ("การรับบริการสิ้นสุดแล้ว จึงเปิดประวัติไม่ได้อีก", "The visit is over, so the record cannot be opened any more.")
NO_EMERGENCY = (
    "การเปิดดูฉุกเฉินสิ้นสุดแล้ว จึงเปิดข้อมูลไม่ได้อีก",
    "The emergency access is over, so nothing can be opened any more.",
)
LAUNCH = (
    "ลิงก์เปิดระบบนี้ใช้แล้วหรือเก่าเกินไป โปรดเปิดใหม่จากหน้าการรับบริการ",
    "This launch was used or is too old. Open it again from the visit.",
)
BECAUSE: Mapping[str, tuple[str, str]] = {
    "invalid_token": OVER,
    "invalid_grant": OVER,
    "visit_over": OVER,
    "emergency_over": NO_EMERGENCY,
    "launch": LAUNCH,
    "invalid_request": LAUNCH,
    "not_practitioner": ("ต้องปฏิบัติงานเป็นผู้ให้การรักษาที่นี่", "You must work here as a clinician."),
    "licence": ("ใบอนุญาตประกอบวิชาชีพของคุณใช้ไม่ได้ในวันนี้", "Your professional licence does not hold today."),
    "facility_licence": ("ใบอนุญาตของสถานพยาบาลใช้ไม่ได้ในวันนี้", "The facility's licence does not hold today."),
    "other_facility": ("การรับบริการนี้เปิดที่สถานพยาบาลอื่น", "This visit was opened at another facility."),
    "other_person": (
        "เพื่อนร่วมงานเป็นผู้เปิดระบบนี้ โปรดเปิดเองจากหน้าการรับบริการ",
        "A colleague launched this. Open it yourself from the visit.",
    ),
    "own_record": ("เปิดประวัติของตัวเองในฐานะผู้ให้การรักษาไม่ได้", "You cannot open your own record as a clinician."),
    "temporarily_unavailable": ("ติดต่อปลายทางไม่ได้ ลองใหม่ภายหลัง", "The other side cannot be reached. Try again later."),
}


def because(code: str, locale: str) -> str:
    """What a clinician is told of a refusal; nothing for one that only programmers can mend."""
    said = BECAUSE.get(code)
    return "" if said is None else said[1 if locale == "en" else 0]


def words(locale: str) -> dict[str, str]:
    """All words in one language; anything but `en` is Thai."""
    return {key: pair[1 if locale == "en" else 0] for key, pair in WORDS.items()}
