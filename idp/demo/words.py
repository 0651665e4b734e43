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
    "let_go": ("สิ่งที่เราลบตามคำขอของคุณ", "What we let go of"),
    "told_at": ("ได้รับแจ้งเมื่อ", "told at"),
    "deleted": ("ลบสำเนา", "deleted our copy of"),
    "nothing_held": ("เราไม่ได้เก็บสำเนาไว้", "we held no copy"),
    "acknowledged": ("ตอบรับแล้ว (202)", "acknowledged (202)"),
    "reason_code": ("รหัสเหตุผล", "reason code"),
    "on_the_wire": ("ดูสิ่งที่ส่งกันจริง (สำหรับผู้พัฒนา)", "See what went over the wire (for developers)"),
    "tour": ("กลับไปหน้านำชม", "Back to the tour"),
    "why_withdrawn": (
        "เพราะคุณถอนความยินยอมแล้ว เราจึงดูไม่ได้อีก จนกว่าคุณจะให้ความยินยอมใหม่",
        "You withdrew your consent, so we may not look any more, unless you agree again.",
    ),
    "why_ended": (
        "เพราะสิทธิที่คุณให้สิ้นสุดแล้ว (ถอนหรือหมดเวลา) ขอความยินยอมอีกครั้งได้",
        "The permission has ended (withdrawn or run out). You can be asked again.",
    ),
    "why_narrowed": (
        "เพราะคุณให้ใช้ข้อมูลน้อยลงกว่าเดิม สิทธิเดิมจึงสิ้นสุด ขอความยินยอมอีกครั้งได้",
        "You now agree to less than before, so the old permission has ended. You can be asked again.",
    ),
    "why_used_twice": (
        "เพราะรหัสหรือกุญแจถูกใช้ซ้ำ เราจึงถูกตัดสิทธิเพื่อความปลอดภัย เข้าสู่ระบบใหม่ได้",
        "A code or key came twice, so our permission was ended to keep you safe. You can sign in again.",
    ),
    "why_not_given": ("เพราะคุณไม่ได้ให้เราใช้ข้อมูลนี้", "You did not let us use this."),
    "why_stopped": ("คุณไม่ได้ให้ข้อมูล หรือกดย้อนกลับ จึงไม่มีการส่งข้อมูล", "You said no or went back, so nothing was sent."),
    "why_unreachable": ("ติดต่อปลายทางไม่ได้ ลองใหม่ภายหลัง", "The other side cannot be reached. Try again later."),
    "other": ("English", "ไทย"),
    "other_code": ("en", "th"),
    "Encounter": ("การมารับบริการ", "Visits"),
    "Condition": ("การวินิจฉัย", "Diagnoses"),
    "Observation": ("ผลตรวจและสัญญาณชีพ", "Measurements"),
    "MedicationStatement": ("ยา", "Medicines"),
    "AllergyIntolerance": ("การแพ้", "Allergies"),
}


WHY: Mapping[str, str] = {
    "invalid_token": "why_ended",
    "invalid_grant": "why_ended",
    "expired": "why_ended",
    "insufficient_scope": "why_not_given",
    "access_denied": "why_stopped",
    "temporarily_unavailable": "why_unreachable",
}


REASONS: Mapping[str, str] = {  # the reason code that the token endpoint gives
    "withdrawn": "why_withdrawn",
    "narrowed": "why_narrowed",
    "revoked_by_client": "why_ended",
    "code_replayed": "why_used_twice",
    "refresh_replayed": "why_used_twice",
}


def why(error: str, *, withdrawn: bool, reason: str = "") -> str | None:
    """The word that tells a patient what this refusal means here; None for one that only programmers can mend.

    The server's own reason code decides; without one, the error and whether we were told of a withdrawal.
    """
    if reason in REASONS:
        return REASONS[reason]
    said = WHY.get(error)
    return "why_withdrawn" if withdrawn and said in ("why_ended", "why_not_given") else said


def words(locale: str) -> dict[str, str]:
    """All words in one language; anything but `en` is Thai."""
    return {key: pair[1 if locale == "en" else 0] for key, pair in WORDS.items()}
