"""Where each purpose of a request stands for one person, and why an answer that stands is asked for once more."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from consent import questions
from consent.decision import Reason, Recipient, Verdict
from idp import renewing
from idp.asking import Asked
from idp.circumstances import ROOMS
from idp.oauth.clients import ClientFacts
from idp.oauth.pipeline import AuthorizeRequest, Context
from idp.renewing import Renewal


def about(
    context: Context,
    request: AuthorizeRequest,
    *,
    client: ClientFacts,
    recipient: Recipient,
    subject_id: UUID,
    asked: Mapping[str, Sequence[str]],
) -> list[Asked]:
    """These purposes with their scopes, about one person; levels are not part of the verdict."""
    looked = questions.look(
        context.session,
        subject_id=subject_id,
        recipient=recipient,
        purposes=list(asked),
        aal=None,
        ial=None,
        now=context.now,
        rooms=ROOMS,
    )
    found = looked.standings
    ids = [standing.record_id for standing in found.values() if standing.record_id is not None]
    answers = renewing.answers(
        context.session, context.ring, ids, kept_in=(client.xb_country, client.xb_safeguard), now=context.now
    )
    renewed = {code: answers[at.record_id].renewals for code, at in found.items() if at.record_id in answers}
    verdicts = {
        code: looked.verdict(
            code,
            notice_changed=bool({Renewal.wording, Renewal.abroad} & set(renewed.get(code, ()))),
            values_changed=bool({Renewal.values, Renewal.proofing} & set(renewed.get(code, ()))),
        )
        for code in asked
    }
    again = set(asked) if "consent" in request.prompt else _confirmed(request, client, verdicts)
    return [
        Asked(
            code,
            tuple(of),
            standing := found.get(code),
            verdicts[code],
            answers[standing.record_id].scopes if standing and standing.record_id in answers else (),
            again=code in again,
            renewals=renewed.get(code, ()),
        )
        for code, of in asked.items()
    ]


def _confirmed(request: AuthorizeRequest, client: ClientFacts, verdicts: Mapping[str, Verdict]) -> set[str]:
    """What a person confirms each time before a client that any app on the device could pose as gets a code.

    A public client is known by its https redirect alone (RFC 8252 section 8.6). One tap is enough: what is told is told
    again; consents are asked again only where nothing is told.
    """
    if not client.public or request.redirect_uri.startswith("https://"):
        return set()
    told = {code for code, verdict in verdicts.items() if verdict.reason is Reason.basis_recorded}
    return told or {code for code, verdict in verdicts.items() if verdict.permit}
