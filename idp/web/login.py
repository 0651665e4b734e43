"""LOGIN: the national ID, then the one-time code. The same answers for every well-formed number (DECISIONS 2)."""

import time
from datetime import datetime
from uuid import UUID

from flask import Blueprint, Response, g, redirect, request

from idp import enrolment, interaction
from idp.contact import codes
from idp.contact.challenge import Challenge
from idp.contact.limits import Limited
from idp.db import Session
from idp.login import sessions as sign_ins
from idp.national_id import NationalIdError, mask_national_id, parse_national_id
from idp.oauth import grants
from idp.prompts import Prompt
from idp.proofing import phone_claims
from idp.web import arrivals, cookies, gate, hurdle, loop
from idp.web.ceremony import device
from idp.web.gate import Elsewhere, Refused, Tx, as_response, route
from idp.web.loop import Paused

bp = Blueprint("login", __name__, url_prefix="/interaction/<interaction_id>")
LONGEST_TYPED = 64
SAMPLE_ID = "3999000010035"
WORKER_LOOKS, WORKER_LOOKS_EVERY_S = 100, 0.05  # five seconds at most


@route(bp, "/login", tx=Tx.READ)
def login(interaction_id: str) -> Response:
    """One field: the number, however it is written."""
    return login_page(loop.due(interaction_id, Prompt.LOGIN))


@route(bp, "/login", methods=("POST",), tx=Tx.WRITE)
def post_login(interaction_id: str) -> Response:
    """A challenge for any well-formed number."""
    paused = loop.due(interaction_id, Prompt.LOGIN)
    typed = request.form.get("national_id", "")[:LONGEST_TYPED]
    national_id, fault = read(typed)
    if fault:
        return login_page(paused, errors={"national_id": fault}, values={"national_id": typed}, status=400)
    return asked(paused, national_id, hurdle.reason(national_id))


def asked(paused: Paused, national_id: str, why: str | None) -> Response:
    """Write the challenge and go on: to the code's page, or (`why`) to the other ways to prove oneself."""
    settings = gate.house().settings
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
        device=hurdle.known_mark(g.session, g.ring.fingerprint(national_id)),
        hurdle=why,
        network=hurdle.asks_from(),
    )
    interaction.attach_challenge(g.session, paused.interaction, challenge.id)
    return hurdle.there(paused) if why else as_response(redirect(paused.at + "/code", 303))


def read(typed: str) -> tuple[str, str | None]:
    """The number, or the code of what is wrong with it."""
    if not typed.strip():
        return "", "required"
    try:
        national_id = parse_national_id(typed)
    except NationalIdError as error:
        return "", error.code
    return national_id, None if gate.house().ports.id_policy.allows(national_id) else "not_allowed"


def login_page(
    paused: Paused, *, errors: dict[str, str] | None = None, values: dict[str, str] | None = None, status: int = 200
) -> Response:
    """The first page of the way."""
    sample = SAMPLE_ID if gate.house().settings.sandbox else None
    return loop.page("login.html", paused, errors=errors or {}, values=values or {}, sample_id=sample, status=status)


@route(bp, "/code", tx=Tx.READ)
def code(interaction_id: str) -> Response:
    """The code's page, the same whoever the number belongs to."""
    paused = loop.due(interaction_id, Prompt.LOGIN)
    sent_again = request.args.get("again") == "1"
    return code_page(paused, code_of(paused, g.session), g.session, sent_again=sent_again)


@route(bp, "/resend", methods=("POST",), tx=Tx.WRITE)
def resend(interaction_id: str) -> Response:
    """A new code, or when the next one may be asked for."""
    paused = loop.due(interaction_id, Prompt.LOGIN)
    settings, old = gate.house().settings, code_of(paused, g.session)
    national_id = codes.asked(g.ring, old)
    if why := hurdle.reason(national_id):
        return asked(paused, national_id, why)
    again = codes.resend(
        g.session,
        g.ring,
        old.id,
        browser=cookies.browser(),
        now=g.now,
        lifetime=settings.otp_lifetime,
        tries=settings.otp_tries,
        digits=hurdle.digits(g.session),
    )
    if isinstance(again, Limited):
        return code_page(paused, old, g.session, limited_until=again.until, status=429)
    if again is not None:
        phone_claims.follow(g.session, g.ring, old.id, again.id, expires_at=again.expires_at)
        interaction.attach_challenge(g.session, paused.interaction, again.id)
    return as_response(redirect(paused.at + "/code?again=1", 303))


@route(bp, "/resend", tx=Tx.NONE)
def resent(interaction_id: str) -> Response:
    """Reloading or going back to a posted address is no dead end."""
    raise Elsewhere(loop.at(interaction_id) + "/code")


@route(bp, "/code", methods=("POST",), tx=Tx.NONE)
def post_code(interaction_id: str) -> Response:
    """A guess: the try is spent and kept first, alone; only then is anything done with a right one."""
    with gate.looking() as session:
        paused = loop.due(interaction_id, Prompt.LOGIN, session=session)
        challenge = code_of(paused, session)
    typed = codes.typed(request.form.get("code", "")[:LONGEST_TYPED])
    fault = None if typed else "required"
    if typed and (len(typed) != challenge.digits or not typed.isdigit()):
        fault = "format"
    if fault:
        return code_page_again(paused, challenge.id, fault)
    if gate.house().settings.sandbox_fixed_code:
        let_the_worker_look(challenge.id)
    with gate.alone() as session:
        guessed = codes.guess(session, g.ring, challenge.id, typed, browser=cookies.browser(), now=g.now)
    if guessed.outcome != "right":
        return code_page_again(paused, challenge.id, guessed.outcome)
    return proved(paused, challenge.id)


def let_the_worker_look(challenge_id: UUID) -> None:
    """Only with a sandbox's fixed code: a program types it faster than the worker finds out whose number it is."""
    for _ in range(WORKER_LOOKS):
        with gate.looking() as session:
            challenge = codes.find(session, challenge_id, browser=cookies.browser())
        if challenge is None or not codes.is_waiting(challenge):
            return
        time.sleep(WORKER_LOOKS_EVERY_S)


def proved(paused: Paused, challenge_id: UUID) -> Response:
    """The code was right: find or make the account, sign in, and go back to the loop."""
    with gate.alone() as session:
        completed = enrolment.complete(session, g.ring, challenge_id, now=g.now)
        if completed.too_young:
            return as_response(redirect(paused.at + "/age", 303))
        if completed.subject_id is None:
            raise Refused("account_closed", 403)
        sign_in(session, completed.subject_id, "sms")
    return loop.back(paused)


def sign_in(session: Session, subject_id: UUID, factor: str) -> None:
    """Start a session, or begin this person's own afresh; somebody else's session in this browser ends."""
    settings, old = gate.house().settings, g.signed_in
    hurdle.arrived(session, subject_id)
    if old is not None and old.subject_id == subject_id:
        shared = arrivals.is_shared()
        token = sign_ins.reauthenticated(session, old, factors={factor}, settings=settings, now=g.now, shared=shared)
        arrivals.welcome(session, subject_id, sign_ins.level_of(frozenset({factor})))
        loop.new_session(token, old, session)
        return
    if old is not None:
        sign_ins.end(session, old.id_hash, now=g.now)
        grants.end_for_session(session, old.id_hash, now=g.now)
    token = sign_ins.start(
        session,
        subject_id=subject_id,
        kind="citizen",
        factors={factor},
        device=device(),
        settings=settings,
        now=g.now,
        shared=arrivals.is_shared(),
    )
    arrivals.welcome(session, subject_id, sign_ins.level_of(frozenset({factor})))
    loop.new_session(token, None, session)


def challenge_of(paused: Paused, session: Session) -> Challenge:
    """The challenge of this flow; without one, the number is asked for first."""
    found = paused.interaction.challenge_id
    challenge = codes.find(session, found, browser=cookies.browser()) if found else None
    if challenge is None:
        raise Elsewhere(paused.at + "/login")
    return challenge


def code_of(paused: Paused, session: Session) -> Challenge:
    """The challenge of this flow, if a code was sent for it; otherwise another proof comes first."""
    challenge = challenge_of(paused, session)
    if challenge.hurdle is not None:
        raise Elsewhere(paused.at + hurdle.PAGE)
    return challenge


def code_page_again(paused: Paused, challenge_id: UUID, fault: str) -> Response:
    """The page after a guess that did not open."""
    with gate.looking() as session:
        challenge = codes.find(session, challenge_id, browser=cookies.browser())
        if challenge is None:
            raise Elsewhere(paused.at + "/login")
        return code_page(paused, challenge, session, errors={"code": fault}, status=400)


def code_page(
    paused: Paused,
    challenge: Challenge,
    session: Session,
    *,
    errors: dict[str, str] | None = None,
    sent_again: bool = False,
    limited_until: datetime | None = None,
    status: int = 200,
) -> Response:
    """The page of one challenge as it stands."""
    until = limited_until or quiet_until(challenge)
    return loop.page(
        "code.html",
        paused,
        status=status,
        session=session,
        errors=errors or {},
        ref=challenge.ref,
        digits=challenge.digits,
        expires_at=challenge.expires_at,
        state=state_of(challenge),
        tries_left=challenge.tries_left,
        resend_at=challenge.next_send_at if challenge.next_send_at > g.now else None,
        limited_until=until if until is not None and until > g.now else None,
        masked_id=mask_national_id(codes.asked(g.ring, challenge)),
        typed_phone=phone_claims.of(session, g.ring, challenge.id) is not None,
        sent_again=sent_again,
    )


def quiet_until(challenge: Challenge) -> datetime | None:
    """Until when no message goes out; a fixed code needs none, so a sandbox that has one never falls silent."""
    return None if gate.house().settings.sandbox_fixed_code else challenge.quiet_until


def state_of(challenge: Challenge) -> str:
    """Whether a guess can still open it."""
    quiet = quiet_until(challenge)
    if quiet is not None and quiet > g.now:
        return "limited"
    if challenge.superseded_at is not None or challenge.expires_at <= g.now:
        return "expired"
    return "open" if challenge.tries_left > 0 and challenge.used_at is None else "spent"


@route(bp, "/age", tx=Tx.READ)
def age(interaction_id: str) -> Response:
    """Under 20: a clear stop for now; nothing was made (PDPA s.20)."""
    return loop.page("age.html", loop.look(interaction_id))
