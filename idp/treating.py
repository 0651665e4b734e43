"""What a clinician's authorization request asks, and the grant that ends it: care in one visit, and no consent page.

The siblings of these verbs for a citizen's request are in `authorizing`. A member of staff signs in by passkey, works
as a practitioner at the visit's facility, and holds a licence today; everything is asked again live at each use.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from consent import questions
from consent.audit import log
from consent.questions import Looked
from idp import directory, subjects, visits
from idp.assurance import Aal, Ial
from idp.circumstances import ROOMS
from idp.directory import Affiliation
from idp.login import affiliations
from idp.login.sessions import STAFF, SignedIn
from idp.oauth import clients, deciding, launches, live
from idp.oauth.features import authorization_code
from idp.oauth.pipeline import AuthorizeRequest, Context
from idp.prompts import Facts, Requirement
from idp.treatments import Treatment

FRESH_SIGN_IN = frozenset({"login", "select_account"})


@dataclass(frozen=True)
class Case:
    """A launch with all that decides about it now. `place` is where the clinician works in this session."""

    treatment: Treatment
    made_for: UUID
    clinician_id: UUID
    place: Affiliation | None
    client_entity_id: UUID
    now: datetime


def requirement(
    context: Context,  # noqa: ARG001 -- as its sibling
    request: AuthorizeRequest,
    person: SignedIn | None,  # noqa: ARG001 -- as its sibling
    *,
    since: datetime,
) -> Requirement:
    """A sign-in of staff, fresh where `prompt` or `max_age` want one (OIDC Core 3.1.2.1); `grant` asks the rest."""
    fresh = since if request.prompt & FRESH_SIGN_IN else None
    if request.max_age is not None:
        earliest = since - timedelta(seconds=min(request.max_age, 10**9))
        fresh = earliest if fresh is None else max(fresh, earliest)
    essential = [level for level in Aal if level.acr in request.acr_essential][:1]  # the weakest is enough
    return Requirement(aal=max([Aal.AAL2_1, *essential], key=lambda level: level.rank), login_after=fresh)


def facts(context: Context, request: AuthorizeRequest | None, person: SignedIn | None, *, since: datetime) -> Facts:
    """Who of the staff is signed in. A citizen's session is nobody here, whoever the citizen is (DECISIONS 4)."""
    if person is None or person.kind != STAFF:
        return Facts()
    wrong = request is not None and is_wrong_person(context, request, person)
    again = person.auth_time < since or (request is not None and "none" in request.prompt)
    return Facts(aal=person.aal, ial=Ial.IAL1_1, auth_time=person.auth_time, wrong_person=wrong and again)


def is_wrong_person(context: Context, request: AuthorizeRequest, person: SignedIn) -> bool:
    """Whether id_token_hint names somebody else (OIDC Core 3.1.2.1)."""
    client = clients.find(context.session, request.client_id)
    if request.hint_subject is None or client is None:
        return False
    return context.ring.pairwise(person.subject_id, client.sector) != request.hint_subject


def grant(context: Context, request: AuthorizeRequest, person: SignedIn) -> tuple[str | None, str]:
    """Begin the grant for the launch's visit or emergency and issue its code: (code, "granted"); it is used up by it.

    What was asked for and cannot rest on this launch is left out: care in an emergency, the emergency's in a visit.
    Refused: (None, reason), with nothing written.
    """
    case = case_of(context, request, person)
    if case is None:
        return None, "launch"
    asked = request.resolution.purposes
    care = [code for code in asked if code != live.SIGN_IN and case.treatment.fits(code)]
    if not care and set(asked) - {live.SIGN_IN}:
        return None, "other_launch"
    why = refusal(case)
    if why is not None:
        return None, why
    looked = _looked(context, case, asked, care)
    why = _against(context, person, care, looked)
    if why is not None:
        return None, why
    client = clients.find(context.session, request.client_id)
    if client is None or not launches.use(context.session, request.launch or "", now=context.now):
        return None, "launch"
    code = authorization_code.issue(
        context,
        request,
        client=client,
        subject_id=person.subject_id,
        scopes={code: of for code, of in asked.items() if code == live.SIGN_IN or code in care},
        records={code: found.record_id for code, found in looked.standings.items() if found.record_id is not None},
        signed_in=person,
        offline_access=False,
        visit=case.treatment,
    )
    _note(context, request, person, case)
    return code, "granted"


def case_of(context: Context, request: AuthorizeRequest, person: SignedIn) -> Case | None:
    """The launch as it stands for this member of staff; None when it is used up, too old, or another client's."""
    client = clients.find(context.session, request.client_id)
    found = launches.find(context.session, request.launch or "", client_id=request.client_id, now=context.now)
    if found is None or client is None:
        return None
    treatment = live.find_treatment(context, found.visit_id, found.emergency_id, clinician_id=person.subject_id)
    if treatment is None:
        return None
    place = affiliations.active(context.session, person, now=context.now)
    return Case(treatment, found.made_for, person.subject_id, place, client.legal_entity_id, context.now)


def refusal(case: Case) -> str | None:
    """PURE: why this clinician gets nothing from this launch, as a code, or None."""
    place, treatment = case.place, case.treatment
    against = (
        ("other_person", case.made_for != case.clinician_id),
        ("other_recipient", case.client_entity_id != treatment.recipient_id),
        ("own_record", treatment.patient_id == case.clinician_id),
        ("no_workplace", place is None),
        ("other_facility", place is not None and place.hcode != treatment.hcode),
        ("not_practitioner", place is not None and place.role != "practitioner"),
    )
    return next((code for code, true in against if true), None) or treatment.stopped_at(case.now)


def should_choose(context: Context, case: Case) -> bool:
    """Whether this clinician works at the visit's facility too, but in this session somewhere else, or nowhere yet."""
    if case.place is not None and case.place.hcode == case.treatment.hcode:
        return False
    places = directory.affiliations_of(context.session, case.clinician_id, now=context.now)
    return any(one.hcode == case.treatment.hcode and one.role == "practitioner" for one in places)


def _looked(context: Context, case: Case, asked: Mapping[str, Sequence[str]], care: Sequence[str]) -> Looked:
    """Where the patient's purposes stand, for this clinician in this visit."""
    treatment = case.treatment
    return questions.look(
        context.session,
        subject_id=treatment.patient_id,
        recipient=directory.recipient_of(context.session, treatment.recipient_id, now=context.now),
        purposes=care,
        aal=None,
        ial=treatment.ial,
        now=context.now,
        scopes=asked,
        asker=deciding.asker_of(treatment, case.clinician_id),
        emergency=treatment.emergency,
        rooms=ROOMS,
    )


def _against(context: Context, person: SignedIn, care: Sequence[str], looked: Looked) -> str | None:
    """The levels of clinician and patient, and the notice that must stand."""
    ial = subjects.level_now(context.session, person.subject_id, now=context.now)
    if not all(visits.may_treat(code, person.aal, ial) for code in care):
        return "level"
    return next((verdict.reason.value for verdict in looked.verdicts.values() if not verdict.permit), None)


def _note(context: Context, request: AuthorizeRequest, person: SignedIn, case: Case) -> None:
    log.append(
        context.session,
        "authz.granted",
        now=context.now,
        actor=log.Actor.staff(person.subject_id),
        subject_id=case.treatment.patient_id,
        client_id=request.client_id,
        recipient_id=case.treatment.recipient_id,
        purpose=case.treatment.purpose,
        codes=(f"hcode:{case.treatment.hcode}", "role:practitioner"),
        acr=person.aal.acr,
    )
