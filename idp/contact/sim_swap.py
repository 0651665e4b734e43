"""Whether a phone's SIM card was changed of late, asked of the operators (CAMARA SIM Swap, `POST …/check`).

What we send: a bearer token and JSON `{"phoneNumber": "+66…", "maxAge": hours}`, 1 to 2,400. What we understand: 200
with `{"swapped": true|false}`; 404 and 422 mean that this operator knows nothing of the number, which is no answer to
the question and counts as no change. Anything else is no answer: nobody is assumed (RELIABILITY 3, SP 800-63B).
"""

from datetime import timedelta

from idp.ports import UpstreamUnavailable
from idp.upstream.wire import Wire

HOURS = range(1, 2401)
NOT_THEIRS = (404, 422)


class CamaraSimSwap:
    """`idp.providers.SimSwap` over the protocol above. `url` ends before `/check`."""

    def __init__(self, *, url: str, token: str, wire: Wire) -> None:
        self._url, self._token, self._wire = url, token, wire

    def changed(self, phone: str, *, within: timedelta) -> bool:
        """Whether the SIM card was changed. Raises: UpstreamUnavailable."""
        hours = min(max(within // timedelta(hours=1), HOURS[0]), HOURS[-1])
        asked = {"phoneNumber": phone, "maxAge": hours}
        said = self._wire.post_json(f"{self._url}/check", asked, headers={"Authorization": f"Bearer {self._token}"})
        if said.status in NOT_THEIRS:
            return False
        swapped = said.document.get("swapped") if said.good else None
        if not isinstance(swapped, bool):
            raise UpstreamUnavailable("bad_answer" if said.good else f"status_{said.status}")
        return swapped


class SandboxSimSwap:
    """The sandbox's operator: 010-999-… got a new SIM card today, of 010-998-… nobody can say anything."""

    def changed(self, phone: str, *, within: timedelta) -> bool:  # noqa: ARG002 -- the port's signature
        """By the number itself. Raises: UpstreamUnavailable."""
        if phone.startswith("+6610998"):
            raise UpstreamUnavailable("no_answer")
        return phone.startswith("+6610999")
