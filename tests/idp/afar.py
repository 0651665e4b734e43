"""Somebody who is signed in for real on the protocol's stage, for what happens to sessions from afar."""

from dataclasses import dataclass, replace

from sqlalchemy import select

from idp import alerts
from idp.login import sessions as sign_ins
from idp.outbox import Letter
from tests.fakes import NOW
from tests.idp.oauth.stage import SCOPE, Stage, claims_of

PHONE = "+66100000035"


@dataclass
class Afar:
    """The stage's citizen; `at(now)` is another moment."""

    stage: Stage

    @property
    def person(self):
        """Whose account it is."""
        return self.stage.citizen

    @property
    def what(self):
        """Transaction, keys and settings, as the stories take them."""
        context = self.stage.context
        return context.session, context.ring, context.settings

    def sign_in(self, *, factors=("sms", "pin"), now=NOW, kind="citizen"):
        """A session; its token."""
        session, _, settings = self.what
        facts = {"kind": kind, "factors": factors, "device": "Firefox", "settings": settings}
        return sign_ins.start(session, subject_id=self.person, now=now, **facts)

    def alive(self, token, *, now=NOW, kind="citizen"):
        """Whether that session still works."""
        session, _, settings = self.what
        return sign_ins.find(session, token, settings=settings, now=now, kind=kind) is not None

    def granted(self, token, *, offline=False, now=NOW):
        """Tokens of the portal, granted in that session."""
        session, _, settings = self.what
        signed_in = sign_ins.find(session, token, settings=settings, now=now)
        here = replace(self.stage.at(now), signed_in=signed_in)
        return here.tokens(scope=f"{SCOPE} offline_access" if offline else SCOPE)

    def sets(self):
        """The signed events that are queued: client, type and content."""
        session, ring, _ = self.what
        found = []
        for letter in session.scalars(select(Letter).where(Letter.kind == "set").order_by(Letter.id)):
            claims = claims_of(ring.open(letter.body_sealed, place=f"letter:{letter.id}:body"))
            ((event, body),) = claims["events"].items()
            found.append((letter.client_id, event.rpartition("/")[2], body, claims))
        return found

    def messages(self, kind="sms"):
        """Address and text of what is queued to people, oldest first."""
        session, ring, _ = self.what
        return [
            (
                ring.open(one.to_sealed, place=f"letter:{one.id}:to"),
                ring.open(one.body_sealed, place=f"letter:{one.id}:body"),
            )
            for one in session.scalars(select(Letter).where(Letter.kind == kind).order_by(Letter.id))
        ]

    def notice(self, kind, *, now=NOW):
        """Tell of a change; the code of the notice."""
        session, ring, _ = self.what
        alerts.tell(session, ring, subject_id=self.person, kind=kind, now=now)
        text = self.messages()[-1][1]
        return next(word for word in text.split() if alerts.typed(word))

    def told(self, name):
        """Entries of one event."""
        return self.stage.events(name)
