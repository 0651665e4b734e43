"""What the consent page is given to show: who, what, why, until when, what if not, how to undo, and what has changed.

One sentence each, in the language of the page. What is shown here is what is kept: the notice's own words.
"""

from typing import Any

from flask import Response, g

from consent import notices, purposes, reach
from consent.decision import Reason
from consent.notices import Change
from consent.purposes import Kind, Purpose
from idp.asking import Asked
from idp.renewing import Renewal
from idp.web import acting, loop, values, visit_words
from idp.web.consent_screen import Screen, details_of, visit_of

AFRESH = frozenset({Reason.superseded_notice, Reason.revalidate})
ENDED = {Reason.expired: "expired", Reason.uses_spent: "expired", Reason.withdrawn: "withdrawn"}


def consent_page(here: Screen) -> Response:
    """Who, what, why, until when, and what happens if not."""
    return loop.page(
        "consent.html",
        here.paused,
        screen=here.mark,
        asked=[asked(here, purpose) for purpose in here.asked],
        notices=[shown(here, purpose) for purpose in here.told],
        step=here.step,
        steps=here.steps,
        person_name=here.profile.name(g.locale),
        **acting.shown(here.paused, here.signed_in, needed=here.needed),
        undo=notices.undo_sentence(g.locale),
    )


def shown(here: Screen, purpose: Purpose) -> dict[str, Any]:
    """What both kinds show. Values appear only at the level that the purpose asks for."""
    profile = here.of_whom(purpose) if here.reaches(purpose) else None
    return {
        "code": purpose.code,
        "name": purpose.name.in_(g.locale),
        "text": purpose.text.in_(g.locale),
        "if_refused": purpose.if_refused.in_(g.locale),
        "values": [values.shown(code, profile) for code in here.categories(purpose)],
        "details": details_of(here, purpose),
        "abroad": [journey.sentence(g.locale) for journey in here.journeys(purpose)],
        "until": min(filter(None, (g.now + purpose.life(None), visit_words.ends(here.asked_by, purpose)))),
        **again(here, purpose),
    }


def asked(here: Screen, purpose: Purpose) -> dict[str, Any]:
    """One question."""
    lives = [] if details_of(here, purpose) else [life for life, _ in values.lives(purpose, g.now)]
    return {
        **shown(here, purpose),
        "kind": "right" if purpose.kind is Kind.RIGHT else "consent",
        "sensitive": any(purposes.category(code).s26 for code in here.categories(purpose)),
        "max_uses": purpose.max_uses,
        "lives": lives if len(lives) > 1 else [],
        "at_visit": purpose.per_visit and visit_of(here, purpose) is not None,
        "objected": here.objected(purpose),
    }


def again(here: Screen, purpose: Purpose) -> dict[str, Any]:
    """Why somebody who answered before is asked once more, and what is otherwise than it was, line by line."""
    found = here.found.get(purpose.code)
    if found is None or found.standing is None or found.standing.record_id is None:
        return {"again": [], "changes": [], "before": None}
    if found.verdict.reason in ENDED:
        return {"again": [ENDED[found.verdict.reason]], "changes": [], "before": found.standing.moved_at}
    if not found.verdict.permit and found.verdict.reason not in AFRESH:
        return {"again": [], "changes": [], "before": None}
    more = [change for change in (wider(here, purpose, found),) if change is not None]
    why = [renewal.value for renewal in found.renewals] + ["wider"] * bool(more)
    return {"again": why, "changes": [*more, *reworded(here, purpose, found)], "before": found.standing.given_at}


def wider(here: Screen, purpose: Purpose, found: Asked) -> Change | None:
    """The data of before and of now, where the service asks for more than was agreed."""
    if set(found.covered) == set(found.scopes):
        return None
    was = [code for code in here.categories(purpose) if code in set(reach.of_scopes(purpose, found.held))]
    before, now = (values.labels(codes) for codes in (was, here.categories(purpose)))
    return Change("data", before, now) if before != now else None


def reworded(here: Screen, purpose: Purpose, found: Asked) -> tuple[Change, ...]:
    """The lines of the notice that changed since the answer that stands."""
    if Renewal.wording not in found.renewals or found.standing is None or found.standing.given_at is None:
        return ()
    since, categories = found.standing.given_at, here.categories(purpose)
    return notices.difference(g.session, purpose.code, locale=g.locale, since=since, categories=categories)
