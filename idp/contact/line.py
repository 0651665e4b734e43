"""Messages by our LINE Official Account: the Messaging API's push (THAI.md 2.9).

What we send: `POST <api>/v2/bot/message/push`, `Authorization: Bearer <channel access token>`, `X-Line-Retry-Key` and
JSON `{"to": "U…", "messages": [{"type": "text", "text": …}]}`. The retry key is a UUID made from the letter's own key,
so the same letter again is the same message: LINE answers 409 to one that it took before. 429 and 5xx mean again later;
any other status will not get better by trying: a token that is wrong, a person who blocked us or is no friend any more.
"""

from uuid import NAMESPACE_URL, uuid5

from idp.ports import LineFailed, LinePush, UpstreamUnavailable
from idp.upstream.wire import Wire

__all__ = ["HttpLinePush", "LineFailed", "LinePush"]

PUSH = "/v2/bot/message/push"
TAKEN = (200, 202, 409)  # 409: this retry key was accepted before
AGAIN = (408, 425, 429)
LONGEST_TEXT = 5000


class HttpLinePush:
    """`idp.ports.LinePush` over HTTP."""

    def __init__(self, *, api: str, token: str, wire: Wire) -> None:
        self._url, self._token, self._wire = api.rstrip("/") + PUSH, token, wire

    def send(self, to: str, text: str, *, key: str) -> None:
        """Hand one message to LINE. Raises: LineFailed, with `temporary` telling whether to try again."""
        headers = {"Authorization": f"Bearer {self._token}", "X-Line-Retry-Key": retry_key(key)}
        message = {"to": to, "messages": [{"type": "text", "text": text[:LONGEST_TEXT]}]}
        try:
            said = self._wire.post_json(self._url, message, headers=headers)
        except UpstreamUnavailable as failure:
            raise LineFailed(failure.code) from failure
        if said.status not in TAKEN:
            raise LineFailed(f"status_{said.status}", temporary=said.status in AGAIN)


def retry_key(key: str) -> str:
    """PURE: a UUID for a letter's key; the same letter has the same."""
    return str(uuid5(NAMESPACE_URL, f"yinyom:letter:{key}"))
