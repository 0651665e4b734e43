"""A browser without JavaScript: cookies, redirects, meta refresh, forms by id."""

import json
from typing import Any
from urllib.parse import urljoin

import httpx

from tests.stories.pages import Page, read

HOPS = 12
NOT_NOW = ("yinyom-not-now", "__Host-yinyom-not-now")  # a device whose owner wants no offer of a passkey
REDIRECTS = (301, 302, 303, 307, 308)


class Browser:
    """One person's device. Addresses that begin with `stops` are not visited: that is where a test takes over."""

    def __init__(self, *, locale: str = "th", stops: tuple[str, ...] = ()) -> None:
        self.http = httpx.Client(timeout=20, headers={"Accept-Language": locale, "User-Agent": "Mozilla/5.0 Firefox/1"})
        for name in NOT_NOW:
            self.http.cookies.set(name, "1")
        self.stops = stops
        self.seen: list[Page] = []

    def get(self, url: str) -> Page:
        """Open an address and follow where it leads."""
        return self._travel("GET", url, None)

    def click(self, page: Page, link: str) -> Page:
        """Follow the link of this id."""
        return self.get(urljoin(page.url, page.links[link]))

    def submit(
        self,
        page: Page,
        form: str,
        button: str | None = None,
        *,
        ticks: tuple[str, ...] = (),
        **fields: str,
    ) -> Page:
        """Fill in and post the form of this id; `ticks` are ids of checkboxes and radios."""
        chosen = page.forms[form]
        pairs = [(name, value) for name, value in chosen.fields if name not in fields]
        pairs += [chosen.choices[tick] for tick in ticks] + list(fields.items())
        unknown = set(fields) - chosen.inputs
        assert not unknown, f"the form {form} has no field {unknown}"
        if button is not None and chosen.buttons[button][0]:
            pairs.append(chosen.buttons[button])
        return self._travel(chosen.method.upper(), urljoin(page.url, chosen.action or page.url), pairs)

    def post_json(self, page: Page, path: str, body: dict[str, Any]) -> httpx.Response:
        """What a page's script posts: JSON with the page's CSRF token."""
        token = page.attributes["passkey"]["data-csrf"]
        return self.http.post(urljoin(page.url, path), json=body, headers={"X-CSRF-Token": token})

    def close(self) -> None:
        """Close the device."""
        self.http.close()

    def _travel(self, method: str, url: str, pairs: list[tuple[str, str]] | None) -> Page:
        for _ in range(HOPS):
            if url.startswith(self.stops) and self.stops:
                return Page(url)
            answer = self._request(method, url, pairs)
            page = read(str(answer.url), answer.status_code, answer.text, dict(answer.headers))
            self.seen.append(page)
            if answer.status_code in REDIRECTS:
                onward = answer.headers["Location"]
            elif page.refresh is not None:
                onward = page.refresh
            else:
                return page
            method, pairs, url = "GET", None, urljoin(url, onward)
        raise AssertionError(f"more than {HOPS} hops; last at {url}")

    def _request(self, method: str, url: str, pairs: list[tuple[str, str]] | None) -> httpx.Response:
        if method == "GET" or pairs is None:
            return self.http.request(method, url)
        grouped: dict[str, Any] = {}
        for name, value in pairs:
            grouped.setdefault(name, []).append(value)
        return self.http.request(method, url, data=grouped)


def as_json(answer: httpx.Response) -> Any:
    """The body of a JSON answer; a page where JSON belongs is a failure with its text."""
    try:
        return answer.json()
    except json.JSONDecodeError as error:
        raise AssertionError(f"{answer.status_code} {answer.text[:300]}") from error
