"""Every room of pages, in one list."""

from idp.web import (
    auditor,
    authorize,
    citizen,
    consent,
    health,
    login,
    passkey,
    preferences,
    proofing,
    protocol,
    sandbox,
    security,
    setup,
    staff,
    steps,
)

BLUEPRINTS = (
    health.bp,
    protocol.bp,
    authorize.bp,
    login.bp,
    steps.bp,
    setup.bp,
    passkey.bp,
    proofing.bp,
    consent.bp,
    citizen.bp,
    security.bp,
    staff.bp,
    auditor.bp,
    preferences.bp,
    sandbox.bp,
)
