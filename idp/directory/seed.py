"""The sandbox's directory: organisations, facilities from hcode 99001 on, licences and staff, all made up.

Facility codes in use end at 89999, and licence numbers from 990001 (nurses 9999000001) were never given to anybody.
"""

from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from idp.directory import staff
from idp.directory.models import Facility, LegalEntity, Practitioner, StaffAssignment

OPERATOR_ID = UUID("01980000-0000-7000-8000-000000000001")
HOSPITAL_ID = UUID("01980000-0000-7000-8000-000000000002")
INSURER_ID = UUID("01980000-0000-7000-8000-000000000003")
HOLDER_ID = UUID("01980000-0000-7000-8000-000000000004")
CLINIC_ID = UUID("01980000-0000-7000-8000-000000000005")
DRUGSTORE_ID = UUID("01980000-0000-7000-8000-000000000006")

DOCTOR, NURSE, AUDITOR, ADMINISTRATOR = "3999000010183", "3999000010191", "5999000010091", "4999000010173"
CLERK, OFFICER, HEAD = "2999000010053", "1999000010071", "0999000010138"
SECOND_OFFICER = "6999000010102"
STAFF = (DOCTOR, NURSE, AUDITOR, ADMINISTRATOR, CLERK, OFFICER, HEAD, SECOND_OFFICER)
VALID_UNTIL = date(2099, 12, 31)
LAPSED = date(2026, 6, 30)

# id, kind, Thai name, English name
ENTITIES = (
    (OPERATOR_ID, "own_app", "ศูนย์ยินยอมสุขภาพตัวอย่าง", "Sample Health Consent Centre"),
    (HOSPITAL_ID, "hospital", "โรงพยาบาลตัวอย่างแพร่", "Sample Hospital Phrae"),
    (INSURER_ID, "insurer", "บริษัท ตัวอย่างประกันสุขภาพ จำกัด", "Sample Health Insurance Co., Ltd."),
    (HOLDER_ID, "primary_care", "คลังเวชระเบียนตัวอย่าง", "Sample Record House"),
    (CLINIC_ID, "clinic_medical", "คลินิกเวชกรรมตัวอย่างสบายใจ", "Sample Sabaijai Clinic"),
    (DRUGSTORE_ID, "drugstore", "ร้านยาตัวอย่างร้อยเอ็ด", "Sample Drugstore Roi Et"),
)
# hcode, entity, kind, Thai name, English name, province, licence until
FACILITIES = (
    ("99001", HOSPITAL_ID, "hospital", "โรงพยาบาลตัวอย่างแพร่", "Sample Hospital Phrae", "แพร่", VALID_UNTIL),
    ("99002", HOSPITAL_ID, "primary_care", "รพ.สต.ตัวอย่างในเวียง", "Sample Health Centre Nai Wiang", "แพร่", VALID_UNTIL),
    ("99003", HOLDER_ID, "primary_care", "คลังเวชระเบียนตัวอย่าง", "Sample Record House", "เพชรบุรี", VALID_UNTIL),
    ("99004", CLINIC_ID, "clinic_medical", "คลินิกเวชกรรมตัวอย่างสบายใจ", "Sample Sabaijai Clinic", "นราธิวาส", LAPSED),
    ("99005", DRUGSTORE_ID, "drugstore", "ร้านยาตัวอย่างร้อยเอ็ด", "Sample Drugstore Roi Et", "ร้อยเอ็ด", VALID_UNTIL),
)
# national ID, issuer, number, kind
PRACTITIONERS = (
    (DOCTOR, "01", "990001", "แพทย์"),
    (NURSE, "02", "9999000001", "พยาบาล"),
)
# national ID, role, hcode
ASSIGNMENTS = (
    (DOCTOR, "practitioner", "99001"),
    (NURSE, "practitioner", "99001"),
    (NURSE, "practitioner", "99002"),
    (CLERK, "clerk", "99001"),
    (AUDITOR, "auditor", None),
    (ADMINISTRATOR, "administrator", None),
    (OFFICER, "dpo", None),
    (SECOND_OFFICER, "dpo", None),
    (HEAD, "head", "99001"),
)


def seed(session: Session, people: Mapping[str, UUID], *, now: datetime) -> None:
    """Write the directory; `people` gives the account of each national ID in `STAFF`. Safe to run at each start."""
    for entity_id, kind, name_th, name_en in ENTITIES:
        session.merge(
            LegalEntity(
                id=entity_id,
                kind=kind,
                name_th=name_th,
                name_en=name_en,
                controller_contact=f"{name_th} 999 หมู่ที่ 99 โทร. 010-000-0900",
                dpo_contact="dpo@example.test",
                own_app=kind == "own_app",
            )
        )
    session.flush()
    for hcode, entity_id, kind, name_th, name_en, province, until in FACILITIES:
        session.merge(
            Facility(
                hcode=hcode,
                legal_entity_id=entity_id,
                kind=kind,
                name_th=name_th,
                name_en=name_en,
                province=province,
                licence_valid_until=until,
            )
        )
    session.flush()
    _staff(session, people, now=now)


def _staff(session: Session, people: Mapping[str, UUID], *, now: datetime) -> None:
    for national_id, issuer, number, kind in PRACTITIONERS:
        subject_id = people[national_id]
        session.merge(
            Practitioner(subject_id=subject_id, issuer=issuer, number=number, kind=kind, valid_until=VALID_UNTIL)
        )
    for national_id, role, hcode in ASSIGNMENTS:
        subject_id = people[national_id]
        have = select(StaffAssignment.id).where(
            StaffAssignment.subject_id == subject_id, StaffAssignment.role == role, StaffAssignment.hcode == hcode
        )
        if session.scalar(have) is None:
            staff.assign(session, subject_id=subject_id, role=role, hcode=hcode, granted_by=None, now=now)
