"""A page as a person without JavaScript meets it: forms, links, texts by their ids, and where it moves on to."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


@dataclass
class Form:
    """One form: where it posts, what its fields hold now, and its buttons by id."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    choices: dict[str, tuple[str, str]] = field(default_factory=dict)  # id of a checkbox or radio -> name, value
    buttons: dict[str, tuple[str, str]] = field(default_factory=dict)  # id -> name, value
    inputs: set[str] = field(default_factory=set)


@dataclass
class Page:
    """What came back. `name` is the template's (body data-page); `status` 0 means that no request was made."""

    url: str
    status: int = 0
    html: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    name: str = ""
    forms: dict[str, Form] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, dict[str, str]] = field(default_factory=dict)
    refresh: str | None = None
    lang: str = ""

    @property
    def text(self) -> str:
        """Everything that can be read."""
        return self.texts.get("", "")


class Reader(HTMLParser):
    """Fills a Page from its HTML."""

    def __init__(self, page: Page) -> None:
        super().__init__(convert_charrefs=True)
        self.page = page
        self.form: Form | None = None
        self.open: list[tuple[str, str]] = []
        self.select: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what an element is, and remember that it is open."""
        told = {name: value or "" for name, value in attrs}
        name = told.get("id", "")
        if name:
            self.page.attributes[name] = told
        if tag not in VOID:
            self.open.append((tag, name))
        reader = getattr(self, f"_{tag}", None)
        if reader is not None:
            reader(told, name)

    def handle_endtag(self, tag: str) -> None:
        """Close the nearest open element of this tag."""
        if tag == "form":
            self.form = None
        for index in range(len(self.open) - 1, -1, -1):
            if self.open[index][0] == tag:
                del self.open[index:]
                return

    def handle_data(self, data: str) -> None:
        """Give text to every open element that has an id."""
        if {"style", "script"} & {tag for tag, _ in self.open}:
            return
        for name in {name for _, name in self.open if name} | {""}:
            self.page.texts[name] = self.page.texts.get(name, "") + data

    def _html(self, told: dict[str, str], _name: str) -> None:
        self.page.lang = told.get("lang", "")

    def _body(self, told: dict[str, str], _name: str) -> None:
        self.page.name = told.get("data-page", "")

    def _meta(self, told: dict[str, str], _name: str) -> None:
        wait, _, target = told.get("content", "").lower().partition(";")
        at_once = told.get("http-equiv", "").lower() == "refresh" and wait.strip() == "0"  # later: the reader is faster
        if at_once and "url=" in target:
            self.page.refresh = told["content"].split("=", 1)[1].strip("'\" ")

    def _a(self, told: dict[str, str], name: str) -> None:
        if name and "href" in told:
            self.page.links[name] = told["href"]

    def _form(self, told: dict[str, str], name: str) -> None:
        self.form = Form(told.get("action", ""), told.get("method", "get").lower())
        self.page.forms[name or f"form{len(self.page.forms)}"] = self.form

    def _input(self, told: dict[str, str], name: str) -> None:
        kind = told.get("type", "text")
        if self.form is None or "name" not in told:
            return
        self.form.inputs.add(told["name"])
        pair = (told["name"], told.get("value", "on" if kind in ("checkbox", "radio") else ""))
        if kind in ("checkbox", "radio"):
            self.form.choices[name] = pair
            if "checked" in told:
                self.form.fields.append(pair)
        elif kind in ("submit", "image"):
            self.form.buttons[name] = pair
        else:
            self.form.fields.append(pair)

    def _button(self, told: dict[str, str], name: str) -> None:
        if self.form is not None and told.get("type", "submit") == "submit":
            self.form.buttons[name] = (told.get("name", ""), told.get("value", ""))

    def _textarea(self, told: dict[str, str], _name: str) -> None:
        if self.form is not None and "name" in told:
            self.form.inputs.add(told["name"])
            self.form.fields.append((told["name"], ""))

    def _select(self, told: dict[str, str], _name: str) -> None:
        if self.form is not None and "name" in told:
            self.form.inputs.add(told["name"])
            self.form.fields.append((told["name"], ""))


def read(url: str, status: int, html: str, headers: dict[str, str]) -> Page:
    """Parse one answer."""
    page = Page(url, status, html, headers)
    reader = Reader(page)
    reader.feed(html)
    reader.close()
    return page
