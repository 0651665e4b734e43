"""Whose expired rows the worker drops, ten minutes apart: every room that keeps something for a while."""

from datetime import datetime
from typing import Protocol

from sqlalchemy.orm import Session

from consent.family import invitations, links
from idp import alerts, card_agents, counter, interaction, keeping, recovery
from idp.abuse import failures, tallies
from idp.contact import fake, passages, spend
from idp.emergencies import purge as end_lapsed_emergencies
from idp.login import challenges, devices, other_way
from idp.login import sessions as sign_ins
from idp.oauth import codes as grants_in_transit
from idp.oauth import launches, tokens
from idp.oauth.features import private_key_jwt
from idp.proofing import drafts, phone_claims
from idp.upstream import attempts


class Purge(Protocol):
    """Drops a room's expired rows."""

    def __call__(self, session: Session, *, now: datetime) -> object:
        """In this transaction."""
        ...


PURGES: tuple[Purge, ...] = (
    tallies.purge,
    failures.purge,
    fake.purge,
    passages.purge,
    spend.purge,
    grants_in_transit.purge,
    tokens.purge,
    private_key_jwt.purge,
    challenges.purge,
    attempts.purge,
    other_way.purge,
    sign_ins.purge,
    devices.purge,
    alerts.purge,
    recovery.purge,
    interaction.purge,
    launches.purge,
    counter.purge,
    end_lapsed_emergencies,
    drafts.purge,
    phone_claims.purge,
    card_agents.purge,
    keeping.purge,
    links.purge,
    invitations.purge,
)
