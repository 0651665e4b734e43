"""What a signer knows from outside the database: a log that was set back to a backup must not be signed as a fork."""

from dataclasses import dataclass
from typing import Protocol

from consent.audit import merkle


@dataclass(frozen=True)
class Mark:
    """The largest tree that a signer remembers having been asked to sign. Of nothing: size 0."""

    size: int = 0
    root: bytes = merkle.EMPTY_ROOT


NOTHING = Mark()


class Memory(Protocol):
    """Where the mark is kept."""

    def last(self) -> Mark:
        """The newest mark."""
        ...

    def remember(self, mark: Mark, *, after: Mark) -> None:
        """Keep it for good before it is signed. Raises: Conflict when the newest mark is no longer `after`."""
        ...


class Forgetful:
    """A memory for one call: it protects nothing that the database does not know itself."""

    def last(self) -> Mark:
        """Nothing."""
        return NOTHING

    def remember(self, mark: Mark, *, after: Mark) -> None:
        """Forget it."""
