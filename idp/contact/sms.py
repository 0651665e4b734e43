"""The HTTP SMS gateway.

What we send: `POST <url>`, `Authorization: Bearer <token>`, `Idempotency-Key: <key>`, and JSON
`{"from": sender, "to": "+66…", "text": …}` in UTF-8. What we understand: 200, 201 and 202 took the message; 408, 425,
429 and 5xx mean again later; any other status will not get better by trying. No answer within the time limit means
that we do not know: the same key is sent again, and the gateway sees that it is the same message.
"""

import re

import httpx

from idp.ports import Sms, SmsFailed

__all__ = ["HttpSms", "Sms", "SmsFailed"]

TIMEOUT_S = 10.0
TAKEN = (200, 201, 202)
AGAIN = (408, 425, 429)
SERVER_ERROR = 500
THAI_NUMBER = re.compile(r"\+66\d{9}")


class HttpSms:
    """`idp.ports.Sms` over the protocol above; to Thai mobile numbers only, which ends toll fraud abroad."""

    def __init__(self, *, url: str, token: str, sender: str, timeout_s: float = TIMEOUT_S) -> None:
        self._url, self._sender = url, sender
        self._client = httpx.Client(
            timeout=timeout_s,
            follow_redirects=False,
            trust_env=False,
            headers={"Authorization": f"Bearer {token}"},
        )

    def send(self, to: str, text: str, *, key: str) -> None:
        """Hand one message to the gateway. Raises: SmsFailed, with `temporary` telling whether to try again."""
        if THAI_NUMBER.fullmatch(to) is None:
            raise SmsFailed("number", temporary=False)
        message = {"from": self._sender, "to": to, "text": text}
        try:
            # The status decides; the body is not waited for.
            with self._client.stream("POST", self._url, json=message, headers={"Idempotency-Key": key}) as answer:
                status = answer.status_code
        except httpx.TimeoutException as error:
            raise SmsFailed("timeout") from error
        except httpx.HTTPError as error:
            raise SmsFailed("no_answer") from error
        if status not in TAKEN:
            raise SmsFailed(f"status_{status}", temporary=status in AGAIN or status >= SERVER_ERROR)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()
