"""R2: what is printed on a card, checked by its issuer: form → look-up → one answer for every field (THAI.md 3b).

The issuer is asked outside any transaction, after the look-up was paid for and what was typed was kept, so that a
crash or a slow issuer loses neither. Whoever types wrongly learns that it does not match, never what.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from consent.audit import log
from consent.audit.log import Actor
from consent.errors import Conflict
from idp import provisional, subjects
from idp.db import Sessions
from idp.keys import KeyRing
from idp.ports import CardStatusUnavailable, Ports, RegistryPerson, RegistryUnavailable
from idp.proofing import cases, drafts, looks, steps
from idp.proofing.evidence import Evidence
from idp.proofing.looks import Quiet
from idp.subjects import NationalId, PersonSealer, age_on

RECIPE = "card_data"
HELD, TYPED = frozenset({"hold"}), frozenset({"hold", "type"})  # steps done when the form is shown, and once it is sent
SOURCE = "issuer"
OF_AGE = 20  # Civil and Commercial Code s.19
BUDDHIST_ERA = 543
ERAS_APART = 2300  # a year above is of the Buddhist era, as on the card; one below is of the common era
OLDEST_YEARS = 130
LASER = re.compile(r"[A-Z]{2}[0-9]{10}")
SEPARATORS = str.maketrans("", "", " -\u00a0\u200b\u2010\u2011\u2012\u2013")
LONGEST_NAME = 100
NAMELESS = re.compile(r"[0-9<>@/\\]")

Kind = Literal["passed", "mismatch", "quiet", "unavailable", "bound", "too_young", "deceased"]


@dataclass(frozen=True)
class Typed:
    """What a person read from their card. `birth_date` is CE and partial as far as the card is; one name is enough."""

    given_name: str
    family_name: str
    birth_date: str
    laser: str = field(repr=False)  # a secret of the card, in no trace


@dataclass(frozen=True)
class Outcome:
    """What came of it. `until`: when the issuer may be asked again."""

    kind: Kind
    until: datetime | None = None


# --- reading a form ------------------------------------------------------------------------------------------------


def read(form: Mapping[str, str], *, today: date) -> tuple[Typed | None, dict[str, str]]:
    """PURE: the form of the page, or a code for each field that cannot be sent as it is.

    Fields: given_name, family_name, one_name, day, month, year, laser. Only the form of what is typed is looked at.
    """
    faults = {}
    given, family = (_name(form.get(field, "")) for field in ("given_name", "family_name"))
    if not given:
        faults["given_name"] = "required" if not form.get("given_name", "").strip() else "format"
    if not family and not form.get("one_name"):
        faults["family_name"] = "required" if not form.get("family_name", "").strip() else "format"
    born = birth_date(form.get("day", ""), form.get("month", ""), form.get("year", ""), today=today)
    if not born:
        faults["year"] = "format" if form.get("year", "").strip() else "required"
    secret = laser(form.get("laser", ""))
    if not secret:
        faults["laser"] = "format" if form.get("laser", "").strip() else "required"
    return (None if faults else Typed(given, "" if form.get("one_name") else family, born, secret)), faults


def birth_date(day: str, month: str, year: str, *, today: date) -> str:
    """PURE: CE as YYYY[-MM[-DD]], or "" for no date. Empty or zero: unknown, as `00` on a card; era by size.

    A day without its month is no date; nor is tomorrow.
    """
    numbers = [_number(part) for part in (year, month, day)]
    if None in numbers or not numbers[0]:
        return ""
    whole, of_year, of_month = (number or 0 for number in numbers)
    whole -= BUDDHIST_ERA if whole > ERAS_APART else 0
    if of_month and not of_year:
        return ""
    try:
        born = date(whole, of_year or 1, of_month or 1)
    except ValueError:
        return ""
    if born > today or today.year - born.year > OLDEST_YEARS:
        return ""
    parts = [f"{whole:04}", *([f"{of_year:02}"] if of_year else []), *([f"{of_month:02}"] if of_month else [])]
    return "-".join(parts)


def laser(text: str) -> str:
    """PURE: two letters and ten digits as they are asked for, or "". Dashes, spaces, small letters, Thai digits go."""
    plain = unicodedata.normalize("NFKC", text[:40]).translate(SEPARATORS).upper()
    code = "".join(str(unicodedata.decimal(sign, sign)) for sign in plain)
    return code if LASER.fullmatch(code) else ""


def _name(text: str) -> str:
    name = " ".join(unicodedata.normalize("NFC", text).split())
    return name if name.isprintable() and len(name) <= LONGEST_NAME and not NAMELESS.search(name) else ""


def _number(text: str) -> int | None:
    digits = "".join(str(unicodedata.decimal(sign, sign)) for sign in text.strip()[:8])
    if not digits:
        return 0
    return int(digits) if digits.isascii() and digits.isdigit() else None


# --- asking the issuer ---------------------------------------------------------------------------------------------


def check(
    sessions: Sessions,
    ring: KeyRing,
    ports: Ports,
    *,
    subject_id: UUID,
    typed: Typed,
    kept: Mapping[str, str],
    now: datetime,
) -> Outcome:
    """Ask the issuer about this person's card, and move their account when it is good. Keeps everything it decides.

    `kept` is the form as it is shown again to whoever comes back; it must not hold the card's secret.
    Three look-ups a day for each number, a break after three answers of "no"; one that is not answered does not count.
    Appends proofing.failed for every "no".
    """
    with sessions.writing() as session:
        number = _number_of(session, ring, subject_id)
        step = steps.due(RECIPE, TYPED) or ""
        drafts.keep(session, ring, subject_id=subject_id, recipe=RECIPE, step=step, typed=kept, now=now)
        counted_as = _counted_as(session, ring, subject_id, number)
        quiet = looks.take(session, counted_as, now=now)
    if quiet is not None:
        return Outcome("quiet", quiet.until)
    try:
        said = ports.card_status.by_laser(national_id=number, **asdict(typed))
        person = _authority(sessions, ports, subject_id, number) if said == "good" else None
    except (CardStatusUnavailable, RegistryUnavailable):
        with sessions.writing() as session:
            looks.give_back(session, counted_as)
        return Outcome("unavailable")
    if said != "good":
        return _missed(sessions, subject_id, counted_as, now=now)
    with sessions.writing() as session:
        return _passed(session, ring, subject_id, number, typed=typed, person=person, now=now)


def rests(session: Session, ring: KeyRing, subject_id: UUID, *, now: datetime) -> Quiet | None:
    """Until when this person's card is not asked about, or None. Raises: as `check`."""
    number = _number_of(session, ring, subject_id)
    return looks.quiet(session, _counted_as(session, ring, subject_id, number), now=now)


def _counted_as(session: Session, ring: KeyRing, subject_id: UUID, number: str) -> str:
    """All accounts that only claim a number have three look-ups together; its own account has three of its own.

    Otherwise whoever has a phone could close this way for the person of any number.
    """
    if provisional.is_provisional(session, subject_id):
        return ring.fingerprint(number)
    return ring.mac("fingerprint", "card-of-owner", number).hex()


def _missed(sessions: Sessions, subject_id: UUID, counted_as: str, *, now: datetime) -> Outcome:
    """Mismatched, cancelled, incomplete: one answer. It says nothing against the account: anybody may type wrongly."""
    with sessions.writing() as session:
        quiet = looks.missed(session, counted_as, now=now)
        _note(session, subject_id, "mismatch", now=now)
    return Outcome("mismatch", None if quiet is None else quiet.until)


def _authority(sessions: Sessions, ports: Ports, subject_id: UUID, number: str) -> RegistryPerson | None:
    """What the register holds of somebody who has just shown a good card; only for an account that knows nothing yet.

    One that does not answer is waited for: it might know another phone of this person, and nobody is assumed (X16).
    Raises: RegistryUnavailable.
    """
    with sessions.reading() as session:
        if not provisional.is_provisional(session, subject_id):
            return None
    return ports.registry.look_up(number)


def _passed(
    session: Session,
    ring: KeyRing,
    subject_id: UUID,
    number: str,
    *,
    typed: Typed,
    person: RegistryPerson | None,
    now: datetime,
) -> Outcome:
    looks.forgive(session, _counted_as(session, ring, subject_id, number))
    why: Kind | None = refusal(typed.birth_date, person, now=now)
    newcomer = provisional.is_provisional(session, subject_id)
    if why is None and newcomer and _is_others(session, ring, subject_id, number, person):
        why = "bound"
    if why is not None:
        drafts.close(session, subject_id=subject_id, recipe=RECIPE, outcome=drafts.FAILED, now=now)
        _note(session, subject_id, why, now=now)
        return Outcome(why)
    good = [Evidence("card_data", SOURCE, now)]
    citizen = Actor.citizen(subject_id)
    try:
        with session.begin_nested():
            cases.record(session, ring, subject_id=subject_id, evidence=good, actor=citizen, now=now)
    except Conflict:  # somebody else proved this number at the same moment
        return Outcome("bound")
    if newcomer:
        subjects.rewrite(session, ring, subject_id, person or _as_typed(typed))
    drafts.close(session, subject_id=subject_id, recipe=RECIPE, outcome=drafts.PASSED, now=now)
    return Outcome("passed")


def _is_others(session: Session, ring: KeyRing, subject_id: UUID, number: str, person: RegistryPerson | None) -> bool:
    """Whether the number has another account, or its person another phone of record (DECISIONS 1).

    Every shop has photographed the card: whoever has the picture must not take the number before its person comes.
    """
    if subjects.find_by_national_id(session, ring, number) is not None:
        return True
    phone = subjects.e164(person.phone) if person is not None else ""
    return phone not in ("", subjects.profile(session, ring, subject_id).phone)


def refusal(born: str, person: RegistryPerson | None, *, now: datetime) -> Literal["too_young", "deceased"] | None:
    """PURE: why a good card opens nothing, or None. Nobody under 20 decides alone until guardians can (PDPA s.20)."""
    if person is not None and person.status == "deceased":
        return "deceased"
    age = age_on(person.birth_date if person is not None else born, now)
    return "too_young" if age is None or age < OF_AGE else None


def _as_typed(typed: Typed) -> RegistryPerson:
    return RegistryPerson(
        title_th="",
        given_name_th=typed.given_name,
        family_name_th=typed.family_name,
        title_en="",
        given_name_en="",
        family_name_en="",
        birth_date=typed.birth_date,
        gender="unknown",
        phone="",
    )


def _number_of(session: Session, ring: KeyRing, subject_id: UUID) -> str:
    sealed = session.scalars(select(NationalId.number).where(NationalId.subject_id == subject_id)).one()
    return PersonSealer(ring, session).open(sealed, owner=subject_id, field="national_id")


def _note(session: Session, subject_id: UUID, reason: str, *, now: datetime) -> None:
    log.append(
        session,
        "proofing.failed",
        now=now,
        actor=Actor.citizen(subject_id),
        subject_id=subject_id,
        codes=(f"recipe:{RECIPE}",),
        outcome="failed",
        reason=reason,
    )
