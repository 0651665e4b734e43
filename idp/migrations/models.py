"""Every module that maps a table, in one list: what a migration, a test and the server must have imported."""

from importlib import import_module

from sqlalchemy import MetaData

from consent.db import Base

MODULES = (
    "consent.models",
    "consent.audit.models",
    "consent.family.models",
    "consent.rights.models",
    "idp.db",
    "idp.keys",
    "idp.people",
    "idp.proofing.models",
    "idp.jobs",
    "idp.upstream.attempts",
    "idp.outbox",
    "idp.alerts",
    "idp.exchanges",
    "idp.abuse.tallies",
    "idp.abuse.alarms",
    "idp.abuse.failures",
    "idp.directory.models",
    "idp.visits",
    "idp.emergency_access",
    "idp.paper_scans",
    "idp.card_agents",
    "idp.readings",
    "idp.papers",
    "idp.desk_cases",
    "idp.desk_phone",
    "idp.four_eyes",
    "idp.handover",
    "idp.contact.challenge",
    "idp.contact.fake",
    "idp.contact.limits",
    "idp.contact.line_links",
    "idp.contact.passages",
    "idp.contact.spend",
    "idp.login.session_rows",
    "idp.login.devices",
    "idp.login.pin",
    "idp.login.totp",
    "idp.login.challenges",
    "idp.login.held",
    "idp.login.invitations",
    "idp.login.recovery_codes",
    "idp.login.other_way",
    "idp.oauth.clients",
    "idp.oauth.resources",
    "idp.oauth.grants",
    "idp.oauth.codes",
    "idp.oauth.details",
    "idp.oauth.launches",
    "idp.oauth.tokens",
    "idp.oauth.uses",
    "idp.oauth.known_as",
    "idp.reports",
    "idp.silence",
    "idp.watching",
    "idp.oauth.features.private_key_jwt",
    "idp.recoveries",
    "idp.paused",
)


def metadata() -> MetaData:
    """All tables of both packages, whatever was imported before."""
    for name in MODULES:
        import_module(name)
    return Base.metadata
