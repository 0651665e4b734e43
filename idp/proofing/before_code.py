"""What is printed on a card, asked of somebody who is not signed in, before a code goes out to their phone.

It proves nothing for any account: it only shows that whoever types a number holds that person's card, so that a code
may be sent to the phone of record. The answer depends on the card alone, never on whether there is an account here.
Counted apart from the look-ups of R2, so that strangers close nothing that a signed-in person needs.
"""

from dataclasses import asdict
from datetime import datetime
from typing import Literal

from idp.db import Sessions
from idp.keys import KeyRing
from idp.ports import CardStatusUnavailable, Ports
from idp.proofing import looks
from idp.proofing.card_data import Typed

Said = Literal["good", "mismatch", "quiet", "unavailable"]


def check(sessions: Sessions, ring: KeyRing, ports: Ports, *, national_id: str, typed: Typed, now: datetime) -> Said:
    """Ask the issuer, outside any transaction, after the look-up was paid for: three a day for each number."""
    key = ring.mac("fingerprint", "card-before-code", national_id).hex()
    with sessions.writing() as session:
        quiet = looks.take(session, key, now=now)
    if quiet is not None:
        return "quiet"
    try:
        said = ports.card_status.by_laser(national_id=national_id, **asdict(typed))
    except CardStatusUnavailable:
        with sessions.writing() as session:
            looks.give_back(session, key)
        return "unavailable"
    with sessions.writing() as session:
        if said == "good":
            looks.forgive(session, key)
        else:
            looks.missed(session, key, now=now)
    return "good" if said == "good" else "mismatch"
