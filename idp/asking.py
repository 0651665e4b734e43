"""PURE: one purpose of an authorization request: where it stands, what is covered, whether an answer is missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from consent import scopes
from consent.decision import Reason, Standing, Verdict
from idp.renewing import Renewal

RE_ASKED = frozenset(
    {
        *(Reason.permitted, Reason.basis_recorded, Reason.no_record, Reason.refused),
        *(Reason.withdrawn, Reason.expired, Reason.uses_spent, Reason.superseded_notice, Reason.revalidate),
        Reason.needs_cosign,
    }
)
# An answer changes nothing, but whoever asks silently must hear what they would hear if nothing were there.
ASKED_ONCE = frozenset({Reason.standing_refusal})
REST = "rest"  # the channel of what a person left when they took one kind of data back


@dataclass(frozen=True)
class Asked:
    """One purpose of a request: its scopes, where it stands, and the verdict with levels left out."""

    code: str
    scopes: tuple[str, ...]
    standing: Standing | None
    verdict: Verdict
    held: tuple[str, ...]  # scopes of the record that stands
    again: bool  # an answer from before this request is not enough
    renewals: tuple[Renewal, ...] = ()  # why the answer that stands is asked for once more
    barred: bool = False  # it is not theirs to answer who is signed in
    proposed_at: datetime | None = None  # they have signed, and it waits for the other one

    @property
    def covered(self) -> tuple[str, ...]:
        """The scopes that the standing record reaches; a purpose without a record is not limited by one."""
        if self.verdict.record_id is None:
            return self.scopes
        name = scopes.NAME_PREFIX + self.code
        return tuple(s for s in self.scopes if name in self.held or any(scopes.covers(one, s) for one in self.held))

    def waits(self, *, since: datetime) -> bool:
        """Whether an answer is missing: none, one for less or for other words, or one that must be given again."""
        if self.barred or (self.proposed_at is not None and (not self.again or self.proposed_at >= since)):
            return False
        beaten = self.verdict.reason in ASKED_ONCE and (self.verdict.asks or self.again)
        if (self.again and self.verdict.reason in RE_ASKED) or beaten:
            return self.standing is None or self.standing.moved_at < since
        return self.verdict.asks or (self.verdict.permit and set(self.covered) != set(self.scopes) and not self.rest)

    @property
    def rest(self) -> bool:
        """Whether the person themselves made this answer narrower: they are not asked for the rest again."""
        return self.standing is not None and self.standing.channel == REST


def waiting(found: Sequence[Asked], *, since: datetime, silent: bool) -> list[Asked]:
    """The purposes that wait for an answer.

    `silent` (prompt=none): what was withdrawn is an answer, as long as anything stands (DECISIONS 17); so the service
    gets the rest without anybody being asked. With nothing left, consent is what is missing (OIDC Core 3.1.2.6).
    """
    asked = [one for one in found if one.waits(since=since)]
    stands = any(one.verdict.permit and one.covered for one in found)
    return [one for one in asked if one.verdict.reason is not Reason.withdrawn] if silent and stands else asked
