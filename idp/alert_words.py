"""What a person is told of a change: the words in both languages, which carry a code, and which always go by SMS.

Data alone, so that a new kind is one line. A message holds no link, and nothing that names anybody.
"""

WORDS = {
    "new_device": ("มีการเข้าสู่ระบบจากอุปกรณ์ใหม่", "A new device signed in"),
    "passkey_added": ("เพิ่มพาสคีย์ในบัญชีแล้ว", "A passkey was added"),
    "passkey_removed": ("ลบพาสคีย์ออกจากบัญชีแล้ว", "A passkey was removed"),
    "passkey_copied": ("ไม่รับพาสคีย์ที่อาจถูกทำสำเนา", "A passkey that may be a copy was refused"),
    "pin_set": ("ตั้งรหัส PIN ใหม่แล้ว", "A new PIN was set"),
    "totp_added": ("เชื่อมแอปสร้างรหัสแล้ว", "A code app was connected"),
    "totp_removed": ("ลบแอปสร้างรหัสแล้ว", "A code app was removed"),
    "recovery_codes": ("ออกรหัสกู้คืนชุดใหม่แล้ว", "New recovery codes were made"),
    "key_added": ("เพิ่มกุญแจความปลอดภัยแล้ว", "A security key was added"),
    "phone_changed": ("เปลี่ยนหมายเลขโทรศัพท์ของบัญชีแล้ว", "The account's phone number was changed"),
    "line_linked": ("เชื่อมบัญชี LINE แล้ว", "A LINE account was linked"),
    "line_removed": ("ยกเลิกการเชื่อมบัญชี LINE แล้ว", "A LINE account was unlinked"),
    "phone_change_started": ("มีการขอเปลี่ยนเบอร์โทรศัพท์ของบัญชีคุณ", "A new phone was asked for in your account"),
    "recovery_started": ("มีการขอกู้คืนบัญชีของคุณ", "Recovery of your account was asked for"),
    "recovery_done": ("กู้คืนบัญชีเสร็จแล้ว", "Your account was recovered"),
    "account_superseded": ("ปิดบัญชีชั่วคราวนี้แล้ว", "This provisional account was closed"),
    "emergency_opened": (
        "มีการเปิดดูข้อมูลของคุณในเหตุฉุกเฉิน เปิดบริการยินยอมเองเพื่อดูว่าใครเปิด",
        "Your data was opened in an emergency; open Yinyom yourself to see by whom",
    ),
    "emergency_of_ward": (
        "มีการเปิดดูข้อมูลของผู้ที่คุณกระทำการแทน ในเหตุฉุกเฉิน",
        "Data of somebody you act for was opened in an emergency",
    ),
    "emergency_unjustified": (
        "ผู้ตรวจสอบเห็นว่าการเปิดดูข้อมูลของคุณในเหตุฉุกเฉินไม่ชอบ และเปิดเรื่องแทนคุณแล้ว",
        "An emergency opening of your data was found unjustified, and a case was opened for you",
    ),
    "first_access": (
        "มีหน่วยงานเปิดข้อมูลของคุณเป็นครั้งแรก เปิดบริการยินยอมเองเพื่อดูว่าใครเปิด",
        "An organisation opened your data for the first time; open Yinyom yourself to see which",
    ),
    "accessed": (
        "มีการเปิดข้อมูลของคุณ เปิดบริการยินยอมเองเพื่อดูว่าใครเปิด",
        "Your data was opened; open Yinyom yourself to see by whom",
    ),
    "consent_reminder": (
        "คุณมีความยินยอมที่ยังใช้อยู่ เปิดบริการยินยอมเองเพื่อดูหรือถอน",
        "You have consents in force; open Yinyom yourself to see or withdraw them",
    ),
    "guardian_added": ("มีการตั้งผู้ทำแทนในบัญชีของคุณ", "Acting for another person was set up in your account"),
    "helper_waits": (
        "มีผู้ตอบรับเป็นผู้ช่วยของคุณแล้ว รอคุณตัดสินใจ เปิดบริการยินยอมเองเพื่อดูว่าใคร",
        "Somebody took up being your helper and waits for your answer; open Yinyom yourself to see who",
    ),
    "guardian_ended": ("การทำแทนในบัญชีของคุณสิ้นสุดแล้ว", "Acting for another person has ended in your account"),
    "ward_acted": (
        "ผู้ที่ทำแทนคุณได้ทำรายการในชื่อของคุณ เปิดบริการยินยอมเองเพื่อดูหรือหยุดรายการนั้น",
        "Somebody who acts for you did something in your name; open Yinyom yourself to see or stop it",
    ),
    "ward_answered": (
        "มีคำตอบของคำขอที่คุณยื่นแทนผู้อื่น",
        "There is an answer to a request that you made for somebody else",
    ),
    "ward_copy": (
        "มีการดาวน์โหลดสำเนาข้อมูลของผู้ที่คุณทำแทน",
        "A copy of the data of somebody you act for was downloaded",
    ),
    "ward_erasure": (
        "มีคำขอลบข้อมูลของผู้ที่คุณทำแทน เปิดบริการยินยอมเองเพื่อดูหรือหยุดคำขอ",
        "Erasure of the data of somebody you act for was asked for; open Yinyom yourself to see or stop it",
    ),
    "turned_twenty": ("คุณอายุครบ 20 ปี ต่อไปนี้คุณตัดสินใจเอง", "You are 20 now and decide alone from today"),
    "cosign_wanted": ("มีเรื่องรอให้คุณร่วมลงนาม", "Something waits for your signature"),
    "consent_on_paper": (
        "บันทึกความยินยอมที่ลงชื่อบนกระดาษที่สถานพยาบาลแล้ว",
        "A consent signed on paper at a facility was recorded",
    ),
    "consent_taken_back": (
        "ถอนความยินยอมของคุณที่จุดบริการแล้ว ตามที่ขอต่อเจ้าหน้าที่",
        "A consent of yours was taken back at a counter, as asked of the staff there",
    ),
    "level_changed": ("ระดับการยืนยันตัวตนของคุณเปลี่ยนแล้ว", "The level of your proved identity has changed"),
    "rights_answered": ("เราตอบคำขอใช้สิทธิของคุณแล้ว", "We answered your request about your data"),
    "rights_entered": (
        "มีการบันทึกคำขอใช้สิทธิของคุณ ที่ยื่นที่จุดบริการหรือทางไปรษณีย์",
        "A request about your data, made at a counter or by post, was written down",
    ),
    "restriction_begun": (
        "เราระงับการใช้ข้อมูลของคุณตามคำขอแล้ว",
        "We paused the use of your data, as you asked",
    ),
    "restriction_ending": (
        "การระงับการใช้ข้อมูลของคุณจะสิ้นสุดในอีก 3 วัน เปิดบริการยินยอมเองเพื่ออ่านหรือคัดค้าน",
        "The pause in the use of your data ends in 3 days; open Yinyom yourself to read more or to object",
    ),
    "transfer_asked": (
        "มีการขอส่งข้อมูลของคุณไปยังบริการอื่น",
        "Sending your data to another service was asked for",
    ),
    "transfer_fetched": (
        "บริการที่คุณเลือกรับข้อมูลของคุณไปแล้ว",
        "The service that you chose took over your data",
    ),
    "rights_extended": ("คำขอใช้สิทธิของคุณต้องใช้เวลาเพิ่ม", "Your request about your data needs more time"),
    "export_made": ("มีการดาวน์โหลดสำเนาข้อมูลของคุณ", "A copy of your data was downloaded"),
    "erasure_asked": ("มีคำขอลบข้อมูลและบัญชีของคุณ", "Erasure of your data and account was asked for"),
    "erased": ("ลบข้อมูลและปิดบัญชีของคุณแล้ว", "Your data was erased and your account closed"),
    "breach": (
        "อาจมีผู้อื่นเห็นข้อมูลของคุณ โปรดเปิดบริการยินยอมเพื่ออ่านรายละเอียด",
        "Others may have seen your data; open Yinyom to read more",
    ),
}  # fmt: skip
KINDS = tuple(WORDS)
ENDED = frozenset({"account_superseded", "emergency_opened", "emergency_unjustified"})  # no code could undo it
ENDED |= {"emergency_of_ward", "consent_on_paper", "consent_taken_back"}
ENDED |= {"first_access", "accessed", "consent_reminder"}  # a permission is taken back on its own page
ENDED |= {"ward_acted", "ward_answered"}  # stopped on one's own page, not by a code
ALWAYS_BY_SMS = frozenset(
    {"recovery_started", "phone_change_started", "recovery_done", "phone_changed"}
)  # few by themselves, and weighty
ENDED |= {"rights_answered", "rights_extended", "erased", "breach"}
ENDED |= {"restriction_begun", "restriction_ending", "transfer_fetched"}
ALWAYS_BY_SMS |= {"erasure_asked", "ward_erasure", "breach"}
ALWAYS_BY_SMS |= {"emergency_opened", "emergency_of_ward", "emergency_unjustified"}  # however many others came that day
TEXTS = (
    "{what}{detail} เมื่อ {time} น. อ้างอิง {ref} ถ้าไม่ใช่คุณ ให้เปิดบริการยินยอมเอง แล้วกรอกรหัส {code} ในหน้า “ไม่ใช่ฉัน”",
    "{what}{detail}, {time}. Ref {ref}. Not you? Open Yinyom yourself and type {code} on the page “This was not me”.",
)
WITHOUT_CODE = ("{what}{detail} เมื่อ {time} น. อ้างอิง {ref}", "{what}{detail}, {time}. Ref {ref}.")
SUBJECTS = ("แจ้งการเปลี่ยนแปลงในบัญชียินยอม", "A change in your Yinyom account")
