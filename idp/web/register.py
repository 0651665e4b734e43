"""LOGIN without a phone of record (R1): a phone is typed, a code goes there, a provisional account opens.

The same page and the same steps for every number, known, unknown or nobody's; the same again at the next sign-in.
"""

from flask import Blueprint, Response, g, redirect, request

from idp import desk_phone, interaction, provisional
from idp.contact import codes
from idp.contact.challenge import Challenge
from idp.national_id import mask_national_id
from idp.prompts import Prompt
from idp.proofing import phone_claims
from idp.web import cookies, gate, hurdle, loop
from idp.web.gate import Tx, as_response, route
from idp.web.login import challenge_of
from idp.web.loop import Paused

bp = Blueprint("register", __name__, url_prefix="/interaction/<interaction_id>/phone")
LONGEST_TYPED = 32
DEMO_PHONE = "010-000-0777"


@route(bp, "", tx=Tx.READ)
def ask(interaction_id: str) -> Response:
    """One field, and what such an account is good for."""
    paused = loop.due(interaction_id, Prompt.LOGIN)
    return page(paused, challenge_of(paused, g.session))


@route(bp, "", methods=("POST",), tx=Tx.WRITE)
def post(interaction_id: str) -> Response:
    """A challenge of its own: what is guessed at this phone's code counts nothing against the number's own account."""
    paused = loop.due(interaction_id, Prompt.LOGIN)
    before = challenge_of(paused, g.session)
    typed = request.form.get("phone", "")[:LONGEST_TYPED]
    phone = desk_phone.mobile(typed)
    errors = {} if phone else {"phone": "format" if typed.strip() else "required"}
    if request.form.get("of_age") != "yes":
        errors["of_age"] = "required"
    if errors or phone is None:
        return page(paused, before, errors=errors, values={"phone": typed}, status=400)
    national_id = codes.asked(g.ring, before)
    return asked(paused, national_id, phone, hurdle.reason(national_id) or hurdle.typed_phone())


def asked(paused: Paused, national_id: str, phone: str, why: str | None) -> Response:
    """Write the challenge and where its code goes; on to the code's page, or (`why`) to the other ways."""
    settings, claim = gate.house().settings, provisional.claim_of(g.ring, national_id, phone)
    challenge = codes.begin(
        g.session,
        g.ring,
        national_id=national_id,
        browser=cookies.browser(),
        interaction_id=paused.interaction.id,
        locale=g.locale,
        now=g.now,
        service=(loop.service_of(paused.interaction) or {}).get("name", ""),
        lifetime=settings.otp_lifetime,
        tries=settings.otp_tries,
        at_once=settings.sandbox_fixed_code is not None,
        digits=hurdle.digits(g.session),
        device=hurdle.known_mark(g.session, claim),
        hurdle=why,
        counted_as=claim,
    )
    phone_claims.keep(g.session, g.ring, challenge.id, phone, expires_at=challenge.expires_at)
    interaction.attach_challenge(g.session, paused.interaction, challenge.id)
    return hurdle.there(paused) if why else as_response(redirect(paused.at + "/code", 303))


def page(
    paused: Paused,
    challenge: Challenge,
    *,
    errors: dict[str, str] | None = None,
    values: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    """The page, the same whoever the number belongs to."""
    return loop.page(
        "phone.html",
        paused,
        errors=errors or {},
        values=values or {},
        masked_id=mask_national_id(codes.asked(g.ring, challenge)),
        sample_phone=DEMO_PHONE if gate.house().settings.sandbox else None,
        status=status,
    )
