"""What a tap on the line and a browser's store would keep: addresses and headers, never what a page shows."""

from dataclasses import dataclass, field

import httpx

KEPT_OF_REQUESTS = ("cookie", "referer")


@dataclass
class Wire:
    """Records clients; `lines` holds one line for each address and each header that is kept or passed on."""

    lines: list[str] = field(default_factory=list)
    back_to: str = ""  # a client's own address: the parameters that it gave come back to it there (RFC 6749 4.1.2)

    def record(self, client: httpx.Client, *, asked: bool = True) -> httpx.Client:
        """Listen to a client from now on; without `asked` only to the answers, because the test wrote the requests."""
        if asked:
            client.event_hooks["request"] = [*client.event_hooks["request"], self._request]
        client.event_hooks["response"] = [*client.event_hooks["response"], self._response]
        return client

    def _request(self, request: httpx.Request) -> None:
        self.lines.append(f"{request.method} {request.url}")
        self.lines += [f"{name}: {request.headers.get(name, '')}" for name in KEPT_OF_REQUESTS]

    def _response(self, response: httpx.Response) -> None:
        for name, value in response.headers.multi_items():
            if name != "location" or not self.back_to or not value.startswith(self.back_to):
                self.lines.append(f"{name}: {value}")
