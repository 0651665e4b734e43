"""Everything that this package refuses, as one tree.

ConsentError
├── NotFound              unknown, or somebody else's: the caller cannot tell which
├── NotAllowed            the law or the catalogue forbids the act
│   └── ScopeError        a scope that the client may not ask for, with the candidates
├── Conflict              somebody else moved the same row first; nothing was written
└── CatalogueFault        the shipped catalogue contradicts itself: the server does not start

`str(error)` is for the person; `detail` is for the log line and holds no personal data; `code` is stable.
"""


class ConsentError(Exception):
    """A refusal with a sentence for the person, a stable code, and a detail for the log."""

    code = "consent_error"

    def __init__(self, message: str, *, detail: str = "", code: str | None = None) -> None:
        super().__init__(message)
        self.detail = detail
        if code is not None:
            self.code = code


class NotFound(ConsentError):  # noqa: N818 -- the word of the page
    """There is no such thing, or it is not yours."""

    code = "not_found"


class NotAllowed(ConsentError):  # noqa: N818 -- the word of the law
    """The catalogue or the law forbids it."""

    code = "not_allowed"


class ScopeError(NotAllowed):
    """A requested scope cannot be resolved to exactly one registered purpose (catalogue rule 1)."""

    code = "invalid_scope"

    def __init__(self, message: str, *, scope: str, candidates: tuple[str, ...] = ()) -> None:
        super().__init__(message, detail=f"{scope=} {candidates=}")
        self.scope = scope
        self.candidates = candidates


class Conflict(ConsentError):  # noqa: N818 -- the word of RFC 9110
    """A compare-and-swap lost its race."""

    code = "conflict"


class CatalogueFault(ConsentError):  # noqa: N818 -- not an error of a request
    """The purpose catalogue or the event list is broken."""

    code = "catalogue_fault"
