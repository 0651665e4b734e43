"""Who may change the ways into an account: whoever just used a second factor, or has none yet (ASVS 7.5.1, O47).

Just: within ten minutes. A sign-in that is older is made anew, measured from the moment of asking, so it is asked once.
"""

from datetime import datetime, timedelta

from flask import g, request

from idp import alerts
from idp.assurance import Aal
from idp.db import Session
from idp.login import factors
from idp.login.sessions import SignedIn
from idp.proofing import cases
from idp.web.gate import Refused, SignInNeeded, Who

FRESH_FOR = timedelta(minutes=10)
SECURITY = "/me/security"


def is_fresh(signed_in: SignedIn, *, now: datetime) -> bool:
    """PURE: whether something was proved within the last ten minutes."""
    return now - signed_in.auth_time <= FRESH_FOR


def sure_enough(session: Session | None = None, *, back: str = SECURITY) -> None:
    """Nothing, or the way to a sign-in that is sure and new enough, and then to `back`.

    Raises: SignInNeeded; Refused("adding_held") where a code alone may add nothing (`alerts.Hold`).
    """
    own = session or g.session
    have = factors.available(own, g.signed_in.subject_id)
    if not factors.may_add(have, g.signed_in.factors):
        raise SignInNeeded(who=Who.CITIZEN, aal=Aal.AAL2_1, back=back, fresh=not is_fresh(g.signed_in, now=g.now))
    just_now(own, back=back)


def strong(*, back: str = SECURITY) -> None:
    """Nothing, or the way to a fresh sign-in by two factors: for what nobody may do with a code by SMS alone.

    Raises: SignInNeeded.
    """
    if g.signed_in.aal < Aal.AAL2_1 or not is_fresh(g.signed_in, now=g.now):
        raise SignInNeeded(who=Who.CITIZEN, aal=Aal.AAL2_1, back=back, fresh=not is_fresh(g.signed_in, now=g.now))


def of_staff(*, back: str) -> None:
    """Nothing, or the way to a staff sign-in that is new enough, and then to `back`: for what leaves the house (O47).

    Raises: SignInNeeded.
    """
    if not is_fresh(g.signed_in, now=g.now):
        raise SignInNeeded(who=Who.STAFF, back=back, fresh=True)


def just_now(session: Session, *, back: str | None = None) -> None:
    """The same for somebody of whom it is known that they may add: only how old the sign-in is, and what is held.

    Raises: SignInNeeded; Refused("adding_held").
    """
    signed_in: SignedIn = g.signed_in
    if not is_fresh(signed_in, now=g.now):
        here = request.path if back is None else back
        strongest = min(signed_in.aal, Aal.AAL2_1, key=lambda level: level.rank)
        raise SignInNeeded(who=Who.CITIZEN, aal=strongest, back=here, fresh=True)
    since = alerts.adding_held_since(session, signed_in.subject_id)
    if since is None or signed_in.aal >= Aal.AAL2_1:
        return
    if cases.standing(session, signed_in.subject_id, now=g.now).at <= since:
        raise Refused("adding_held", 403)
