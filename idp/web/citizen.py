"""The person's own pages: what they agreed to, who did what, and taking it back in two taps.

At AAL1 no names of places are shown and the access log stays shut (catalogue rule 4); withdrawing always works.
"""

from dataclasses import dataclass
from urllib.parse import quote
from uuid import UUID

from flask import Blueprint, Response, g, render_template, request

from consent import purposes, records
from consent.audit import log
from consent.audit.entry import Entry
from consent.family import invitations
from consent.records import ConsentView
from idp import directory, family, restrictions, standing_refusals, subjects
from idp.assurance import Aal, Ial
from idp.web import gate, shapes
from idp.web.gate import Refused, Tx, Who, as_response, route

bp = Blueprint("citizen", __name__, url_prefix="/me")
STRONG_AAL, STRONG_IAL = Aal.AAL2_1, Ial.IAL1_3
LATEST = 3
PAGE = 50
LONGEST_REASON = 300


@dataclass(frozen=True)
class Sight:
    """How much this sign-in may see."""

    strong: bool
    step_up_url: str | None


def sight() -> Sight:
    """MYDATA needs AAL2.1 and IAL1.3, as both stand now; what is missing is asked for on the way back here."""
    proved = subjects.level_now(g.session, g.signed_in.subject_id, now=g.now) >= STRONG_IAL
    strong = g.signed_in.aal >= STRONG_AAL and proved
    back = quote(request.path, safe="")
    url = f"{request.script_root}/sign-in?next={back}&aal={STRONG_AAL.value}&ial={STRONG_IAL.value}"
    return Sight(strong=strong, step_up_url=None if strong else url)


def show_names() -> None:
    """Whoever does not see names yet goes where what is missing can be shown, and comes back here."""
    seen = sight()
    if seen.step_up_url is not None:
        raise gate.Elsewhere(seen.step_up_url)


@route(bp, "", tx=Tx.READ, who=Who.CITIZEN)
def me() -> Response:
    """The three latest accesses and the live consents."""
    seen = sight()
    views = [view for view in own_consents() if view.state == "active"]
    entries = log.of_subject(g.session, g.signed_in.subject_id, limit=PAGE) if seen.strong else []
    name = subjects.profile(g.session, g.ring, g.signed_in.subject_id).name(g.locale) if seen.strong else None
    return as_response(
        render_template(
            "me.html",
            name=name,
            waits=waits(),
            masked_id=None,
            strong=seen.strong,
            step_up_url=seen.step_up_url,
            consents=[shapes.consent_item(view, strong=seen.strong) for view in views],
            accesses=shapes.acts([entry for entry in entries if is_access(entry)])[:LATEST],
        )
    )


def waits() -> dict[str, bool]:
    """What waits for this person's own answer, naming nobody: a helper's yes or an invitation, a second signature."""
    person = g.signed_in.subject_id
    made = invitations.of_ward(g.session, person, now=g.now)
    typed = invitations.of_guardian(g.session, person, now=g.now)
    return {
        "helper": made is not None and made.accepted_at is not None,
        "helping": any(one.accepted_at is None for one in typed),
        "family": bool(family.inbox(g.session, person, now=g.now)),
    }


def is_access(entry: Entry) -> bool:
    """What a service did, or a member of staff about this person: not what the person did at work themselves."""
    return entry.actor_kind == "client" or (entry.actor_kind == "staff" and bool(entry.purpose))


@route(bp, "/consents", tx=Tx.READ, who=Who.CITIZEN)
def consents() -> Response:
    """Every consent: active, ended, refused, withdrawn."""
    seen = sight()
    items = [shapes.consent_item(view, strong=seen.strong) for view in own_consents()]
    own_yes = [view for view in own_consents() if shapes.can_withdraw(view)]
    page = render_template(
        "me_consents.html",
        consents=items,
        strong=seen.strong,
        step_up_url=seen.step_up_url,
        recipients=shapes.receivers(own_yes, strong=seen.strong),
        kinds=shapes.kinds(own_yes),
        done=request.args.get("done", ""),
    )
    return as_response(page)


@route(bp, "/consents/<uuid:record_id>", tx=Tx.READ, who=Who.CITIZEN)
def consent(record_id: UUID) -> Response:
    """One consent: the text as it was shown, what was shared, and who was told of its end."""
    view, seen = own(record_id), sight()
    record = records.get(g.session, record_id, subject_id=g.signed_in.subject_id)
    purpose = purposes.get(view.purpose)
    ids = [one.id for one in records.of_key(g.session, records.key_of(record))]  # with what it replaced
    history = log.of_subject(g.session, g.signed_in.subject_id, limit=log.MAX_PAGE) if seen.strong else []
    return as_response(
        render_template(
            "me_consent.html",
            consent=shapes.consent_item(view, strong=seen.strong),
            categories=[purposes.category(code).name.in_(g.locale) for code in record.categories.split()],
            basis=record.basis,
            aal=record.aal,
            ial=record.ial,
            notice=shapes.notice_of(record, strong=seen.strong),
            deliveries=[line for one in ids for line in shapes.deliveries(one, strong=seen.strong)],
            history=[shapes.entry(entry) for entry in history if entry.consent_id in ids][:PAGE],
            offline_s=purpose.offline_s or 0,
            on_paper=record.channel == "paper" and seen.strong,
            done=request.args.get("done", ""),
            paused=restrictions.covers(g.session, view, g.signed_in.subject_id, now=g.now),
            beaten=standing_refusals.beating(g.session, view, g.signed_in.subject_id, now=g.now) is not None,
            away=not directory.takes_part(g.session, view.recipient_id, now=g.now),
            strong=seen.strong,
            step_up_url=seen.step_up_url,
        )
    )


def own_consents() -> list[ConsentView]:
    """All of this person's, newest first."""
    return records.for_subject(g.session, g.signed_in.subject_id, now=g.now)


def own(record_id: UUID) -> ConsentView:
    """This person's consent, or the same 404 as for one that does not exist; a replaced one leads to what stands."""
    views = {view.record_id: view for view in own_consents()}
    if record_id in views:
        return views[record_id]
    record = records.get(g.session, record_id, subject_id=g.signed_in.subject_id)
    newer = [one.id for one in records.of_key(g.session, records.key_of(record)) if one.id in views]
    if not newer:
        raise Refused("not_found", 404)
    raise gate.Elsewhere(f"{request.script_root}/me/consents/{newer[-1]}")
