"""Another proof before a code: what is printed on the card. The same answers whoever the number belongs to."""

from flask import Blueprint, Response, g, request

from idp.contact import codes
from idp.contact.challenge import Challenge
from idp.db import Session
from idp.national_id import mask_national_id
from idp.prompts import Prompt
from idp.proofing import before_code, card_data
from idp.web import gate, hurdle, locale, loop
from idp.web.gate import Elsewhere, Tx, route
from idp.web.login import asked, challenge_of
from idp.web.loop import Paused
from idp.web.proofing import FIELDS, LONGEST_TYPED, today

bp = Blueprint("hurdle_card", __name__, url_prefix="/interaction/<interaction_id>" + hurdle.PAGE)
STATUS = {"mismatch": 400, "quiet": 429, "unavailable": 503}


@route(bp, "/card", tx=Tx.READ)
def card(interaction_id: str) -> Response:
    """The form."""
    paused, challenge = due(interaction_id, g.session)
    return page(paused, challenge, g.session)


@route(bp, "/card", methods=("POST",), tx=Tx.NONE)
def post_card(interaction_id: str) -> Response:
    """Ask the issuer; a good card gets the code that was held back."""
    with gate.looking() as session:
        paused, challenge = due(interaction_id, session)
        form = {field: request.form.get(field, "")[:LONGEST_TYPED] for field in FIELDS}
        typed, faults = card_data.read(form, today=today())
        if typed is None:
            return page(paused, challenge, session, errors=faults, values=form, status=400)
    house, number = gate.house(), codes.asked(g.ring, challenge)
    said: str = "quiet"
    if hurdle.may_look_up():
        said = before_code.check(house.sessions, g.ring, house.ports, national_id=number, typed=typed, now=g.now)
    if said != "good":
        with gate.looking() as session:
            return page(paused, challenge, session, values=form, said=said, status=STATUS[said])
    with gate.alone() as g.session:
        return asked(paused, number, None)


def due(interaction_id: str, session: Session) -> tuple[Paused, Challenge]:
    """The paused request whose code is held back."""
    paused = loop.due(interaction_id, Prompt.LOGIN, session=session)
    challenge = challenge_of(paused, session)
    if challenge.hurdle is None or not hurdle.has_issuer():
        raise Elsewhere(paused.at + hurdle.PAGE)
    return paused, challenge


def page(
    paused: Paused,
    challenge: Challenge,
    session: Session,
    *,
    values: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    said: str | None = None,
    status: int = 200,
) -> Response:
    """The form once more, without the card's secret."""
    kept = {field: (values or {}).get(field, "") for field in FIELDS if field != "laser"}
    return loop.page(
        "another_proof_card.html",
        paused,
        session=session,
        values=kept,
        errors=errors or {},
        said=said,
        months=locale.months(g.locale),
        sandbox_laser=gate.house().settings.sandbox,
        masked_id=mask_national_id(codes.asked(g.ring, challenge)),
        status=status,
    )
