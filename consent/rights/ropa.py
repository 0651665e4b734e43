"""PURE: the records of processing (PDPA s.39), drawn from what is registered: services × purposes × scopes.

Nobody keeps this paper by hand, so it cannot say less than the server does: a purpose that a service may ask for is
a line, and what no service is registered for is none.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from consent import purposes
from consent.purposes import LICENSED_KINDS, Bilingual, Kind, Purpose
from consent.rights.retention import RULES

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a cell that begins so is a program to a spreadsheet
SECURITY = Bilingual(
    "เข้ารหัสด้วยกุญแจของแต่ละคน สิทธิเท่าที่จำเป็น ยืนยันตัวหลายปัจจัย บันทึกทุกการเข้าถึงแบบแก้ไขไม่ได้",
    "Encrypted under a key per person; least privilege; several factors; every access in a log that cannot be changed",
)
RIGHTS = Bilingual(
    "ขอดู ขอสำเนา คัดค้าน ลบ ระงับ แก้ไข ได้ที่หน้า “สิทธิของฉัน” ที่จุดบริการ หรือทางไปรษณีย์",
    "Access, copy, objection, erasure, restriction, rectification on “My rights”, at a counter, or by post",
)
COLUMNS = (
    *("controller", "contact", "dpo_contact", "agreement", "client_id", "service", "registered"),
    *("purpose", "title", "text", "data"),
    *("section_26", "basis", "legal_reading", "scopes", "abroad", "longest_days", "evidence_days", "access_levels"),
    *("used_without_consent", "rights", "security", "refused_requests"),
)


@dataclass(frozen=True)
class Service:
    """A registered service and the legal entity behind it. `purposes`: code to the scopes it is registered for."""

    client_id: str
    name: Bilingual
    controller: Bilingual
    controller_kind: str
    own_app: bool
    contact: str
    dpo_contact: str
    agreement: str
    purposes: Mapping[str, tuple[str, ...]]
    active: bool = True


@dataclass(frozen=True)
class Line:
    """One line of the records. Lists are joined with blanks; texts are in both languages."""

    controller: Bilingual
    contact: str
    dpo_contact: str
    agreement: str
    client_id: str
    service: Bilingual
    active: bool
    purpose: str
    title: Bilingual
    text: Bilingual
    data: tuple[Bilingual, ...]
    sensitive: bool
    basis: str
    verified: bool
    scopes: tuple[str, ...]
    abroad: bool
    longest: timedelta | None
    evidence: timedelta | None
    levels: str
    without_consent: bool


def lines(services: Iterable[Service]) -> list[Line]:
    """Every purpose of every service, by controller, service and the catalogue's order."""
    order = {purpose.code: n for n, purpose in enumerate(purposes.all())}
    found = [_line(one, purposes.get(code), scopes) for one in services for code, scopes in one.purposes.items()]
    return sorted(found, key=lambda line: (line.controller.en, line.client_id, order[line.purpose]))


def _line(service: Service, purpose: Purpose, scopes: tuple[str, ...]) -> Line:
    facility = service.controller_kind in LICENSED_KINDS
    basis = purposes.basis_for(purpose, own_app=service.own_app, facility=facility)
    held = [purposes.category(code) for code in purpose.data_categories]
    return Line(
        controller=service.controller,
        contact=service.contact,
        dpo_contact=service.dpo_contact,
        agreement=service.agreement,
        client_id=service.client_id,
        service=service.name,
        active=service.active,
        purpose=purpose.code,
        title=purpose.name,
        text=purpose.text,
        data=tuple(one.name for one in held),
        sensitive=any(one.s26 for one in held),
        basis=basis,
        verified=purpose.status == "verified",
        scopes=tuple(scopes) or (f"purpose:{purpose.code}",),
        abroad=purpose.cross_border,
        longest=purpose.max_life,
        evidence=purpose.evidence_kept,
        levels=" ".join(
            f"{who} {value}"
            for who, value in (
                ("IAL", purpose.citizen_ial),
                ("AAL", purpose.citizen_aal),
                ("staff-IAL", purpose.staff_ial),
                ("staff-AAL", purpose.staff_aal),
            )
            if value
        ),
        without_consent=purpose.kind not in (Kind.PUBLIC, Kind.RIGHT) and not purposes.is_asked(basis),
    )


def table(found: Iterable[Line], *, refusals: Mapping[tuple[str, str], int], locale: str) -> list[list[str]]:
    """The lines as rows of COLUMNS, in one language; what a spreadsheet would run as a formula is plain text.

    `refusals`: refused requests by kind and reason (s.39(7)); they are the same on each line.
    """
    refused = " ".join(f"{kind}:{reason}={count}" for (kind, reason), count in sorted(refusals.items())) or "0"
    return [[tame(cell) for cell in _cells(line, refused, locale)] for line in found]


def own_table(*, locale: str) -> list[list[str]]:
    """What this server itself keeps, for how long and why: code, what, since when, days, why, who lets go."""
    return [
        [one.code, one.what.in_(locale), one.since.in_(locale), str(one.days or "-"), one.why.in_(locale), one.by]
        for one in RULES
    ]


def tame(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if len(cell) > 1 and cell.startswith(FORMULA) else cell


def _cells(line: Line, refused: str, locale: str) -> list[str]:
    return [
        line.controller.in_(locale),
        line.contact,
        line.dpo_contact,
        line.agreement or "-",
        line.client_id,
        line.service.in_(locale),
        "yes" if line.active else "suspended",
        line.purpose,
        line.title.in_(locale),
        line.text.in_(locale),
        ", ".join(one.in_(locale) for one in line.data),
        "yes" if line.sensitive else "no",
        line.basis,
        "verified" if line.verified else "unverified",
        " ".join(line.scopes),
        "yes" if line.abroad else "no",
        _days(line.longest),
        _days(line.evidence),
        line.levels,
        "yes" if line.without_consent else "no",
        RIGHTS.in_(locale),
        SECURITY.in_(locale),
        refused,
    ]


def _days(span: timedelta | None) -> str:
    return "-" if span is None else f"{span / timedelta(days=1):g}"
