"""PURE: why a use is permitted or refused, as one closed list of words, and which of them leave the house.

Pages, OAuth errors, the log and the developer's view all use these.
"""

from enum import StrEnum


class Reason(StrEnum):
    """Why. The first two permit; the rest refuse."""

    permitted = "permitted"
    basis_recorded = "basis_recorded"
    no_record = "no_record"
    refused = "refused"
    withdrawn = "withdrawn"
    expired = "expired"
    uses_spent = "uses_spent"
    aal_too_low = "aal_too_low"
    ial_too_low = "ial_too_low"
    recipient_kind = "recipient_kind"
    licence_invalid = "licence_invalid"
    not_onboarded = "not_onboarded"
    standing_refusal = "standing_refusal"
    restricted = "restricted"
    guardian_ended = "guardian_ended"
    of_age = "of_age"
    needs_guardian = "needs_guardian"
    needs_cosign = "needs_cosign"
    visit_over = "visit_over"
    emergency_over = "emergency_over"
    categories = "categories"
    data_range = "data_range"
    superseded_notice = "superseded_notice"
    revalidate = "revalidate"


ANSWER_WOULD_HELP = frozenset(
    {
        *(Reason.no_record, Reason.withdrawn, Reason.expired, Reason.uses_spent),
        *(Reason.guardian_ended, Reason.of_age, Reason.visit_over),
        *(Reason.superseded_notice, Reason.revalidate),
        Reason.standing_refusal,  # asked as if nothing were there: whoever asks must not see that something is
    }
)
OUTWARD = {
    **dict.fromkeys((Reason.standing_refusal, Reason.needs_guardian, Reason.needs_cosign), Reason.no_record),
    **dict.fromkeys((Reason.superseded_notice, Reason.revalidate), Reason.no_record),
    **dict.fromkeys((Reason.of_age, Reason.guardian_ended), Reason.expired),
    Reason.restricted: Reason.refused,  # like a no it is not asked again; what is disputed is nobody else's business
}


def outward(reason: str) -> str:
    """The word that a client, a data holder or a developer may hear: no refusal in general, no family, no age.

    "Not this hospital" sounds like nothing there, so that nobody is asked why. Words of other rooms pass.
    """
    return OUTWARD[Reason(reason)].value if reason in OUTWARD else str(reason)


def at_the_end(reason: str) -> str:
    """The same where a request ends without a grant: whoever was asked on a page has said no.

    A yes that a standing refusal beats, or that waits for a second signature, must not sound like anything else.
    """
    heard = outward(reason)
    return Reason.refused.value if heard == Reason.no_record else heard
