"""One HTTP SMS gateway.

What we send: `POST <url>`, `Authorization: Bearer <token>`, `Idempotency-Key: <key>`, and JSON
`{"from": sender, "to": "+66…", "text": …}` in UTF-8. What we understand: 200, 201 and 202 took the message; 402, 408,
425, 429 and 5xx mean again later; any other status will not get better by trying. No answer within the time limit means
that we do not know: the same key is sent again, and the gateway sees that it is the same message.

What a gateway may tell later, of each key, is `idp.contact.passages`' part.
"""

import re

import httpx

from idp.fetcher import ONE_EACH, Cut
from idp.ports import FetchFailed, Sms, SmsFailed

__all__ = ["HttpSms", "Sms", "SmsFailed"]

TIMEOUT_S = 10.0
TAKEN = (200, 201, 202)
AGAIN = (402, 408, 425, 429)  # 402: without credit, which somebody will buy
SERVER_ERROR = 500
THAI_MOBILE = re.compile(r"\+66[1689]\d{8}")


class HttpSms:
    """`idp.ports.Sms` over the protocol above; to Thai mobile numbers only, which ends toll fraud."""

    def __init__(self, *, url: str, token: str, sender: str, timeout_s: float = TIMEOUT_S) -> None:
        self._url, self._sender, self._longest_s = url, sender, timeout_s
        self._client = httpx.Client(
            timeout=timeout_s,
            follow_redirects=False,
            trust_env=False,
            limits=ONE_EACH,  # a connection that is taken up again could not be cut
            headers={"Authorization": f"Bearer {token}"},
        )

    def send(self, to: str, text: str, *, key: str) -> None:
        """Hand one message to the gateway, in `timeout_s` all in all.

        Raises: SmsFailed, with `temporary` telling whether to try again, and `maybe_taken` whether the gateway may have
        the message nevertheless.
        """
        if THAI_MOBILE.fullmatch(to) is None:
            raise SmsFailed("number", temporary=False)
        status = self._post({"from": self._sender, "to": to, "text": text}, key)
        if status not in TAKEN:
            again = status in AGAIN or status >= SERVER_ERROR
            raise SmsFailed(f"status_{status}", temporary=again, maybe_taken=status >= SERVER_ERROR)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def _post(self, message: dict[str, str], key: str) -> int:
        """The status that the gateway answered; its body is not waited for."""
        cut = Cut()
        headers, extensions = {"Idempotency-Key": key}, {"trace": cut.follow}
        try:
            with (
                cut.after(self._longest_s),
                self._client.stream("POST", self._url, json=message, headers=headers, extensions=extensions) as answer,
            ):
                return answer.status_code
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise SmsFailed("no_answer") from error
        except (httpx.TimeoutException, FetchFailed) as error:
            raise SmsFailed("timeout", maybe_taken=True) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise SmsFailed("no_answer", maybe_taken=True) from error
