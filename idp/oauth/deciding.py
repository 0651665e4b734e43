"""The decision on a grant's purposes, live, with its entry in the log: about the person, a ward, or a patient.

Asked at every issue, refresh, introspection and UserInfo; never remembered (DECISIONS 11).
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select

from consent import access, standings
from consent.audit import log
from consent.db import table_of
from consent.decision import Asker, Reason, Verdict
from consent.family import helping
from consent.family.rules import Kind, Needed
from idp import directory, proxies, visits
from idp.circumstances import ROOMS
from idp.oauth.grants import GrantConsent
from idp.oauth.live import SIGN_IN, GrantFacts
from idp.oauth.pipeline import Context
from idp.proxies import Proxy
from idp.treatments import Treatment

_C = table_of(GrantConsent).c
_RECORDS = select(_C.record_id).where(_C.grant_id == bindparam("grant"))


def decide(
    context: Context,
    grant: GrantFacts,
    wanted: Mapping[str, tuple[str, ...]],
    *,
    event: str,
    asker: str,
    levels: bool,
    write: bool = True,
) -> dict[str, tuple[str, ...]]:
    """Ask the live decision and log it; what of `wanted` stands at this moment.

    `levels` asks the sign-in's level again (issuing); a token that is already made carries its own. When a part is
    refused, that refusal is logged, and what is left is asked (and logged, and counted) on its own.
    """
    if grant.treatment is not None:
        return _decide_treatment(context, grant, grant.treatment, wanted, event=event, asker=asker, write=write)
    if grant.proxy is not None:
        return _decide_proxy(context, grant, grant.proxy, wanted, event=event, asker=asker, levels=levels, write=write)
    return _decide_for(context, grant, wanted, event=event, asker=asker, levels=levels, write=write)


def _decide_for(
    context: Context,
    grant: GrantFacts,
    wanted: Mapping[str, tuple[str, ...]],
    *,
    event: str,
    asker: str,
    levels: bool,
    write: bool,
    ward: Proxy | None = None,
) -> dict[str, tuple[str, ...]]:
    """About one person: who signed in, or their `ward`."""
    verdicts = _ask(context, grant, wanted, event=event, asker=asker, levels=levels, write=write, ward=ward)
    stands = {code: of for code, of in wanted.items() if verdicts[code].permit}
    if write and stands and len(stands) < len(wanted):
        verdicts = _ask(context, grant, stands, event=event, asker=asker, levels=levels, write=True, ward=ward)
        stands = {code: of for code, of in stands.items() if verdicts[code].permit}
    return stands


def _ask(
    context: Context,
    grant: GrantFacts,
    wanted: Mapping[str, tuple[str, ...]],
    *,
    event: str,
    asker: str,
    levels: bool,
    write: bool,
    ward: Proxy | None = None,
) -> dict[str, Verdict]:
    ial = grant.ial if ward is None else proxies.weaker(grant.ial, ward.ial)
    mark = () if ward is None else (f"proxy:{ward.kind}",)
    return access.request_access(
        context.session,
        subject_id=grant.subject_id if ward is None else ward.patient_id,
        recipient=directory.recipient_of(context.session, grant.recipient_id, now=context.now),
        purposes=list(wanted),
        client_id=asker,
        aal=grant.aal.value if levels else None,
        ial=ial.value if levels else None,
        event=event,
        scopes={code: (*of, *mark) for code, of in wanted.items()} if mark else wanted,
        acr=grant.aal.acr,
        write=write,
        now=context.now,
        asker=context.stated.asker,
        about=context.stated.about,
        rooms=ROOMS,
    ).verdicts


def _decide_proxy(
    context: Context,
    grant: GrantFacts,
    proxy: Proxy,
    wanted: Mapping[str, tuple[str, ...]],
    *,
    event: str,
    asker: str,
    levels: bool,
    write: bool,
) -> dict[str, tuple[str, ...]]:
    """The same about the ward; the sign-in alone is the guardian's own, and stands only beside something of the ward's.

    Asked again here and not only at the door: whoever may act for nobody any more gets nothing (PDPA s.20).
    """
    if proxy.stopped_at(context.now) is not None:
        return {}
    told: dict[str, Any] = {"event": event, "asker": asker, "levels": levels, "write": write}
    of_ward = {code: of for code, of in wanted.items() if code != SIGN_IN}
    if proxy.kind == Kind.helper:
        of_ward = {code: of for code, of in of_ward.items() if helping.opens(proxy.link, code)}
    if proxy.link.needed == Needed.both:
        of_ward = _as_signed(context, grant, proxy, of_ward, event=event, asker=asker)
    stands = _decide_for(context, grant, of_ward, ward=proxy, **told) if of_ward else {}
    own = {code: of for code, of in wanted.items() if code == SIGN_IN}
    own = _decide_for(context, grant, own, **told) if own and stands else {}
    return {code: of for code, of in {**own, **stands}.items() if code in wanted}


def asker_of(treatment: Treatment, clinician_id: UUID, *, unit: str = "") -> Asker:
    """PURE: who would look, where a clinician treats: this is known here, whatever the asking side states."""
    visit = "" if treatment.visit_id is None else str(treatment.visit_id)
    return Asker(person=str(clinician_id), unit=unit, hcode=treatment.hcode, visit=visit)


def _as_signed(
    context: Context,
    grant: GrantFacts,
    proxy: Proxy,
    wanted: Mapping[str, tuple[str, ...]],
    *,
    event: str,
    asker: str,
) -> dict[str, tuple[str, ...]]:
    """Where both sign, a guardian's grant opens what rests on the very records that both signed.

    The ward's own later answer to the same service is not the guardian's to use; each such refusal has an entry.
    """
    records = set(context.session.scalars(_RECORDS, {"grant": grant.id}))
    found = standings.standings(
        context.session, subject_id=proxy.patient_id, recipient_id=grant.recipient_id, purposes=list(wanted)
    )
    others = {code for code in wanted if code in found and found[code].record_id not in records}
    for code in others:
        log.append(
            context.session,
            access.DENIED.get(event, "token.denied"),
            now=context.now,
            actor=log.Actor.client(asker),
            subject_id=proxy.patient_id,
            client_id=asker,
            recipient_id=grant.recipient_id,
            purpose=code,
            codes=(*wanted[code], f"proxy:{proxy.kind}"),
            outcome="denied",
            reason=Reason.needs_cosign.value,
        )
    return {code: of for code, of in wanted.items() if code not in others}


def _decide_treatment(
    context: Context,
    grant: GrantFacts,
    treatment: Treatment,
    wanted: Mapping[str, tuple[str, ...]],
    *,
    event: str,
    asker: str,
    write: bool,
) -> dict[str, tuple[str, ...]]:
    """The same about the patient: the notice must stand, and the clinician reach the staff levels of the row (rule 4).

    The entry is about the patient and names facility and role. Without care nothing is left, not even the sign-in.
    """
    care = {code: of for code, of in wanted.items() if code != SIGN_IN and treatment.fits(code)}
    marks = (f"hcode:{treatment.hcode}", "role:practitioner")
    actor = log.Actor.staff(grant.subject_id) if asker == grant.client_id else None
    if not all(visits.may_treat(code, grant.aal, grant.ial) for code in care):
        return {}
    verdicts = access.request_access(
        context.session,
        subject_id=treatment.patient_id,
        recipient=directory.recipient_of(context.session, treatment.recipient_id, now=context.now),
        purposes=list(care),
        client_id=asker,
        aal=None,  # the card at the counter stands for the patient's sign-in
        ial=treatment.ial,
        event=event,
        scopes={code: (*of, *marks) for code, of in care.items()},
        acr=grant.aal.acr,
        write=write,
        now=context.now,
        actor=actor,
        emergency=treatment.emergency,
        asker=asker_of(treatment, grant.subject_id, unit=context.stated.asker.unit),
        about=context.stated.about,
        rooms=ROOMS,
    ).verdicts
    stands = {code: of for code, of in care.items() if code in verdicts and verdicts[code].permit}
    return {code: of for code, of in wanted.items() if code in stands or (code == SIGN_IN and stands)}
