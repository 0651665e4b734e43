"""PURE: what this server keeps, for how long, and why: one table for the worker, the privacy notice and the ROPA.

`by` says who lets go: `worker` (a purge at least every ten minutes), `person` (on erasure), `operator` (outside the
database), or `nobody` where what is left names nobody. No lawyer has read a reason yet, so none cites a section.
"""

from dataclasses import dataclass
from datetime import timedelta

from consent.rows import Bilingual

DAY = timedelta(days=1)
YEAR = timedelta(days=365)


@dataclass(frozen=True)
class Rule:
    """One kind of data. `kept` counts from `since`; None: as long as `since` says."""

    code: str
    what: Bilingual
    since: Bilingual
    kept: timedelta | None
    why: Bilingual
    by: str

    @property
    def days(self) -> int | None:
        """The time in whole days."""
        return None if self.kept is None else self.kept // DAY


RULES: tuple[Rule, ...] = (
    Rule(
        "account",
        Bilingual("ชื่อ เลขประจำตัว วันเกิด เบอร์โทร อีเมล ที่อยู่", "Name, ID number, birth date, phone, e-mail, address"),
        Bilingual("ตราบที่มีบัญชี หรือจนกว่าคุณขอลบ", "as long as the account is there, or until you ask for erasure"),
        None,
        Bilingual("เพื่อรู้ว่าเป็นคุณ", "to know that it is you"),
        "person",
    ),
    Rule(
        "closed_account",
        Bilingual("บัญชีที่ปิดแล้ว", "An account that was closed"),
        Bilingual("วันที่ปิดบัญชี", "the day it was closed"),
        90 * DAY,
        Bilingual("เผื่อปิดโดยผิดพลาด", "in case it was closed by mistake"),
        "worker",
    ),
    Rule(
        "codes",
        Bilingual("การขอรหัสครั้งเดียว", "Requests for one-time codes"),
        Bilingual("เวลาที่รหัสหมดอายุ", "the code’s end"),
        DAY,
        Bilingual("เพื่อกันการเดารหัส", "against guessing"),
        "worker",
    ),
    Rule(
        "messages",
        Bilingual("ข้อความที่ส่งถึงคุณ (เนื้อความลบทันทีที่ส่งแล้ว)", "Messages to you (the text goes as soon as it is sent)"),
        Bilingual("วันที่เข้าคิวส่ง", "the day it was queued"),
        30 * DAY,
        Bilingual("เพื่อตอบได้ว่าส่งถึงหรือไม่", "to say whether it arrived"),
        "worker",
    ),
    Rule(
        "notices",
        Bilingual("รายการแจ้งการเปลี่ยนแปลงในบัญชี", "The list of changes that we told you of"),
        Bilingual("วันที่รหัส “ไม่ใช่ฉัน” หมดอายุ", "the end of its “not me” code"),
        90 * DAY,
        Bilingual("เพื่อให้คุณทักท้วงได้", "so that you can object"),
        "worker",
    ),
    Rule(
        "rights_words",
        Bilingual("ข้อความที่คุณเขียนในคำขอใช้สิทธิ และคำตอบของเรา", "What you wrote in a request, and our answer"),
        Bilingual("วันที่ตอบคำขอ", "the day of the answer"),
        3 * YEAR,
        Bilingual("เผื่อมีข้อโต้แย้งเรื่องคำตอบ", "in case the answer is disputed"),
        "worker",
    ),
    Rule(
        "breach_texts",
        Bilingual("รายละเอียดของเหตุละเมิดข้อมูล", "What was written about a breach"),
        Bilingual("วันที่ปิดเรื่อง", "the day it was closed"),
        10 * YEAR,
        Bilingual("เพื่อแสดงต่อหน่วยงานกำกับว่าเราทำอะไรไป", "to show the authority what we did"),
        "worker",
    ),
    Rule(
        "consents",
        Bilingual("บันทึกความยินยอม (ไม่มีชื่อหรือเลขประจำตัว)", "Records of consent (without name or ID number)"),
        Bilingual("ไม่ลบ เมื่อลบบัญชีแล้วไม่เชื่อมโยงถึงใคร", "never deleted; after erasure they lead to nobody"),
        None,
        Bilingual("เป็นหลักฐานว่าใครได้รับอนุญาตอะไร", "as proof of who was allowed what"),
        "nobody",
    ),
    Rule(
        "log",
        Bilingual("บันทึกเหตุการณ์ (ไม่มีชื่อหรือเลขประจำตัว)", "The log (without name or ID number)"),
        Bilingual("ไม่ลบ เมื่อลบบัญชีแล้วไม่เชื่อมโยงถึงใคร", "never deleted; after erasure it leads to nobody"),
        None,
        Bilingual("เพื่อพิสูจน์ว่าไม่มีใครแก้ไข", "to prove that nobody changed it"),
        "nobody",
    ),
    Rule(
        "log_names",
        Bilingual("สิ่งที่เชื่อมบันทึกเหตุการณ์กับบัญชีของคุณ", "What connects the log with your account"),
        Bilingual("วันสิ้นไตรมาส", "the end of the quarter"),
        10 * YEAR,
        Bilingual("เพื่อให้คุณดูได้ว่าใครเปิดข้อมูลของคุณ", "so that you can see who opened your data"),
        "worker",
    ),
    Rule(
        "traffic",
        Bilingual("บันทึกการใช้งานของเครื่อง (ไม่มีชื่อหรือเลขประจำตัว)", "The server’s own lines (no name or ID number)"),
        Bilingual("วันที่บันทึก", "the day of the line"),
        90 * DAY,
        Bilingual("เพื่อสืบหาการบุกรุก", "to find out about break-ins"),
        "operator",
    ),
    Rule(
        "backups",
        Bilingual("สำเนาสำรอง (เข้ารหัส)", "Backups (encrypted)"),
        Bilingual("วันที่สำรองข้อมูล", "the day of the backup"),
        90 * DAY,
        Bilingual("เพื่อกู้ระบบ หากกู้คืน การลบจะทำซ้ำทันที", "to bring the service back; erasures are then done again"),
        "operator",
    ),
)  # fmt: skip


_BY_CODE = {one.code: one for one in RULES}


def rule(code: str) -> Rule:
    """The rule of this code. Raises: KeyError."""
    return _BY_CODE[code]
