"""The SMS gateways together: the first takes every message, the second those that the first surely did not.

Whether the first has a message is not always known: no answer in time, or an error after taking it. Such a message is
tried again under its key, at the second only if the first has stopped answering altogether; then a person may get the
same text twice, which is better than no code while a gateway is away. Each call is charged before it is made.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from idp.breaker import Breaker
from idp.contact.spend import Ledger
from idp.ports import Sms, SmsFailed

FIRST, SECOND = "first", "second"
ABOUT_THE_MESSAGE = ("number", "status_400", "status_413", "status_422")  # another gateway would say the same
AWAY = "gateways_away"


@dataclass(frozen=True)
class Gateway:
    """One way to phones. `name` stands in receipts' address, in metrics and in the table of passages."""

    name: str
    sms: Sms
    breaker: Breaker


class Gateways:
    """`idp.ports.Sms` over one or more gateways, in order of preference."""

    def __init__(self, ways: Sequence[Gateway], ledger: Ledger) -> None:
        self._ways, self._ledger = ways, ledger

    def send(self, to: str, text: str, *, key: str) -> None:
        """Hand one message to the first gateway that takes it.

        Raises: SmsFailed: the message's own fault, or `spend_cap`, or a gateway that may have taken it, or nobody did.
        """
        failure = SmsFailed(AWAY)
        for way in self._ways:
            if not way.breaker.admits():
                continue
            self._ledger.charge(key, way.name, text)
            try:
                way.sms.send(to, text, key=key)
            except SmsFailed as refused:
                failure = refused
                if note(way.breaker, refused):
                    raise
            else:
                way.breaker.worked()
                return
        raise failure


def note(breaker: Breaker, failure: SmsFailed) -> bool:
    """Tell the breaker what happened; whether the other gateways must not be asked."""
    if failure.code in ABOUT_THE_MESSAGE:
        breaker.worked()
        return True
    breaker.failed(timed_out=failure.code == "timeout")
    return failure.maybe_taken
