"""PURE: what a person is asked next. A page never knows; it posts, comes back, and this is asked again.

OIDC Core 3.1.2.3 (prompt, max_age, acr_values); DECISIONS 3 (levels).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from idp.assurance import Aal, Ial


class Prompt(Enum):
    """One thing that a person can be asked to do."""

    LOGIN = "login"
    STEP_UP = "step_up"
    FOR_WHOM = "for_whom"
    PROOFING = "proofing"
    CONSENT = "consent"


@dataclass(frozen=True)
class Requirement:
    """What a paused request needs. `login_after`: the sign-in must not be older (prompt=login, max_age)."""

    aal: Aal = Aal.AAL1
    ial: Ial = Ial.IAL1_1
    purposes: tuple[str, ...] = ()
    login_after: datetime | None = None
    prompt_consent: bool = False
    for_whom: bool = False  # the client wants to know for whom, and this person may act for somebody


@dataclass(frozen=True)
class Facts:
    """What is there. `missing`: purposes that wait for an answer. `wrong_person`: not whom the client named."""

    aal: Aal | None = None
    ial: Ial | None = None
    auth_time: datetime | None = None
    missing: tuple[str, ...] = ()
    wrong_person: bool = False
    chosen: bool = False  # for whom


def next_prompt(need: Requirement, facts: Facts) -> Prompt | None:
    """The first thing that is missing, in the order in which one makes the next possible; None when all is there."""
    if facts.aal is None or facts.auth_time is None:
        return Prompt.LOGIN
    stale = need.login_after is not None and facts.auth_time < need.login_after
    due = (
        (Prompt.LOGIN, stale or facts.wrong_person),
        (Prompt.STEP_UP, facts.aal < need.aal),
        (Prompt.FOR_WHOM, need.for_whom and not facts.chosen),
        (Prompt.PROOFING, facts.ial is None or facts.ial < need.ial),
        (Prompt.CONSENT, bool(facts.missing)),
    )
    return next((prompt for prompt, missing in due if missing), None)


def silent_error(prompt: Prompt) -> str:
    """What prompt=none answers instead of asking (OIDC Core 3.1.2.6)."""
    return {Prompt.LOGIN: "login_required", Prompt.CONSENT: "consent_required"}.get(prompt, "interaction_required")
