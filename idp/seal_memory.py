"""What the sealer signed last, in a small file outside the database: a restored backup must not make it sign a fork.

One line of JSON: size and root. Written whole, flushed to the disk and renamed before anything is signed; writers
take turns by a lock on a file beside it. Every machine that seals has a file of its own, and none needs another's.
"""

import fcntl
import json
import os
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from consent.audit.memory import NOTHING, Mark
from consent.audit.seal import SealFault
from consent.errors import Conflict

FORMAT = "yinyom-signed/1"
ROOT_BYTES = 32


@dataclass(frozen=True)
class SealMemory:
    """The file, as `consent.audit.memory.Memory`."""

    path: Path

    def last(self) -> Mark:
        """The newest mark; of a file that is not there, nothing. Raises: SealFault for a file that cannot be read."""
        try:
            kept = json.loads(self.path.read_text(encoding="ascii"))
            mark = Mark(int(kept["size"]), b64decode(kept["root"], validate=True))
            whole = kept["format"] == FORMAT and mark.size >= 0 and len(mark.root) == ROOT_BYTES
        except FileNotFoundError:
            return NOTHING
        except (OSError, ValueError, KeyError, TypeError):
            whole, mark = False, NOTHING
        if not whole:
            raise SealFault(f"The sealer's memory {self.path} cannot be read: compare, then run `idp log accept`.")
        return mark

    def last_or_none(self) -> Mark | None:
        """The newest mark, or None for a file that nobody can read any more."""
        try:
            return self.last()
        except SealFault:
            return None

    def remember(self, mark: Mark, *, after: Mark) -> None:
        """Keep it before it is signed. Raises: Conflict when another has kept one since; SealFault on a full disk."""
        with self._turn():
            if self.last() != after:
                raise Conflict("Another sealer was faster.")
            self._write(mark)

    def replace(self, mark: Mark) -> None:
        """Start from this mark, whatever was kept: for an operator who knows why (`idp log accept`)."""
        with self._turn():
            self._write(mark)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """One writer at a time. The lock is on a file of its own: the other is renamed away under its holder."""
        try:
            lock = os.open(f"{self.path}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _write(self, mark: Mark) -> None:
        kept = {"format": FORMAT, "size": mark.size, "root": b64encode(mark.root).decode()}
        part = self.path.with_name(f"{self.path.name}.part")
        try:
            with part.open("w", encoding="ascii") as file:
                file.write(json.dumps(kept) + "\n")
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.path)
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)  # the new name, too, must outlive a power cut
            finally:
                os.close(folder)
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> SealFault:
        return SealFault(
            f"The sealer's memory {self.path} cannot be written, so nothing is signed: set YINYOM_SEAL_MEMORY_FILE.",
            detail=type(error).__name__,
        )
