"""A paused request: begun at /authorize, continued by pages, finished once. And what it needs and what is there.

How it is kept stands in `paused`; here it meets the rooms that know what is asked, and of whom.
"""

from dataclasses import dataclass, replace
from typing import Any

from consent.audit import log
from consent.errors import NotAllowed
from consent.reasons import at_the_end, outward
from idp import authorizing, proxies, treating
from idp.assurance import Aal
from idp.login.sessions import SignedIn
from idp.oauth import provider
from idp.oauth.pipeline import AuthorizeRequest, Context
from idp.paused import (
    AUTHORIZE,
    CONSOLE,
    STAFF,
    Interaction,
    InteractionRow,
    attach_challenge,
    begin,
    choose,
    claim,
    finish,
    first_answer,
    hold,
    keep,
    purge,
    resume,
)
from idp.prompts import Facts, Prompt, Requirement, next_prompt, silent_error
from idp.proxies import Proxy

__all__ = [
    "AUTHORIZE",
    "CONSOLE",
    "STAFF",
    "Conclusion",
    "Interaction",
    "InteractionRow",
    "acting",
    "at_once",
    "attach_challenge",
    "begin",
    "choose",
    "conclude",
    "deny",
    "facts",
    "finish",
    "hold",
    "purge",
    "requirement",
    "resume",
    "undecided",
]


@dataclass(frozen=True)
class Conclusion:
    """Where the browser goes in the end. `reason` is a code: granted, or why not."""

    location: str
    granted: bool
    reason: str


def acting(context: Context, interaction: Interaction, signed_in: SignedIn | None) -> Proxy | None:
    """The ward that was chosen, if whoever is signed in may act for them at this moment."""
    if signed_in is None or interaction.acting_for is None:
        return None
    return proxies.running(context.session, interaction.acting_for, guardian_id=signed_in.subject_id, now=context.now)


def requirement(context: Context, interaction: Interaction, signed_in: SignedIn | None = None) -> Requirement:
    """What this paused request needs, measured from its beginning, so that no re-prompt can loop."""
    if interaction.request is None:
        since = interaction.created_at if interaction.fresh else None
        return Requirement(aal=interaction.aal or Aal.AAL1, ial=interaction.ial, login_after=since)
    need: Requirement = _of(interaction.request).requirement(
        context,
        interaction.request,
        signed_in,
        since=interaction.created_at,
        **_for(context, interaction, signed_in),
    )
    return replace(need, for_whom=need.for_whom or interaction.acting_for is not None)


def facts(context: Context, interaction: Interaction, signed_in: SignedIn | None) -> Facts:
    """What is there."""
    whose = _for(context, interaction, signed_in)
    told = {"since": interaction.created_at, **whose}
    there: Facts = _of(interaction.request).facts(context, interaction.request, signed_in, **told)
    # A choice that holds no longer is none: nobody falls back to their own record, or on to another's, unasked.
    return replace(there, chosen=interaction.chosen_at is not None and (interaction.acting_for is None or bool(whose)))


def _for(context: Context, interaction: Interaction, signed_in: SignedIn | None) -> dict[str, Any]:
    whose = acting(context, interaction, signed_in)
    return {} if whose is None else {"acting": whose}


def _of(request: AuthorizeRequest | None) -> Any:
    """The verbs of a clinician's launch, or of a citizen's request: two rooms that never stand for one another."""
    return treating if request is not None and request.launch is not None else authorizing


def undecided(context: Context, interaction: Interaction, signed_in: SignedIn) -> tuple[str, ...]:
    """The purposes that wait for this person's answer, in the order asked."""
    return facts(context, interaction, signed_in).missing


def at_once(context: Context, request: AuthorizeRequest, signed_in: SignedIn | None) -> Conclusion | None:
    """Answer a request that needs nobody: all is there, or prompt=none forbids asking. None: begin an interaction."""
    of, seen = _of(request), {}
    if of is authorizing and signed_in is not None:  # nothing is written before the grant, so one look is enough
        seen = {"found": authorizing.looked_up(context, request, signed_in)}
    need = of.requirement(context, request, signed_in, since=context.now, **seen)
    prompt = next_prompt(need, of.facts(context, request, signed_in, since=context.now, **seen))
    if prompt is None and signed_in is not None:
        return _grant(context, request, signed_in, **seen)
    if "none" in request.prompt:
        return _refuse(context, request, signed_in, silent_error(prompt or Prompt.LOGIN), "prompt_none")
    return None


def conclude(context: Context, interaction: Interaction, signed_in: SignedIn) -> Conclusion:
    """Finish: start the grant on what stands and issue the code, once; a second tap gets the first one's answer.

    Raises: NotAllowed(code="unfinished") when something is still to be asked; NotFound when expired.
    """
    request = interaction.request
    if request is None:
        raise NotAllowed("Nothing waits for this.", code="unfinished")
    if not claim(context.session, interaction, now=context.now):
        return Conclusion(first_answer(context.session, context.ring, interaction), granted=True, reason="repeated")
    need = requirement(context, interaction, signed_in)
    if next_prompt(need, facts(context, interaction, signed_in)) is not None:
        raise NotAllowed("Something is still to be answered.", code="unfinished")
    end = _grant(context, request, signed_in, **_for(context, interaction, signed_in))
    keep(context.session, context.ring, interaction, end.location, None if end.granted else end.reason)
    return end


def deny(
    context: Context, interaction: Interaction, signed_in: SignedIn | None, *, reason: str = "cancelled"
) -> Conclusion:
    """Finish with access_denied, or its sibling where a level was essential: they turned back, or cannot go on."""
    request = interaction.request
    if request is None:
        raise NotAllowed("Nothing waits for this.", code="unfinished")
    if not claim(context.session, interaction, now=context.now):
        return Conclusion(first_answer(context.session, context.ring, interaction), granted=False, reason="repeated")
    end = _refuse(context, request, signed_in, authorizing.given_up(context, request, signed_in), reason)
    keep(context.session, context.ring, interaction, end.location, reason)
    return end


def _grant(context: Context, request: AuthorizeRequest, signed_in: SignedIn, **seen: Any) -> Conclusion:
    of = _of(request)
    if of.is_wrong_person(context, request, signed_in):
        return _refuse(context, request, signed_in, "login_required", "wrong_person")
    code, reason = of.grant(context, request, signed_in, **seen)
    if code is None:
        return _refuse(context, request, signed_in, authorizing.refused_as(reason), reason)
    return Conclusion(provider.success_redirect(context, request, code=code), granted=True, reason=reason)


def _refuse(
    context: Context, request: AuthorizeRequest, signed_in: SignedIn | None, error: str, reason: str
) -> Conclusion:
    log.append(
        context.session,
        "authz.denied",
        now=context.now,
        actor=log.Actor.client(request.client_id),
        subject_id=None if signed_in is None else signed_in.subject_id,
        client_id=request.client_id,
        codes=[error],
        outcome="denied",
        reason=reason,
    )
    heard = at_the_end(reason) if request.launch is None else outward(reason)  # a clinician was asked nothing
    return Conclusion(provider.error_redirect(context, request, error, heard), granted=False, reason=heard)
