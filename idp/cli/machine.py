"""What `idp doctor` looks at on this machine itself: files of secrets, room on the disks. Loads next to nothing."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from idp.cli.findings import FAIL, OK, WARN, Checks, Finding
from idp.settings import Settings

MEGABYTE = 1024 * 1024
TOO_LITTLE, LITTLE = 64 * MEGABYTE, 1024 * MEGABYTE  # SQLite needs room for its WAL and for a VACUUM


def check_key_file(settings: Settings) -> Finding:
    """The key-encryption key: there, whole, and for its owner only."""
    settings.kek()
    if open_to_others(settings.kek_file):
        return Finding(WARN, "key_file", f"others may read it: chmod 600 {settings.kek_file}")
    return Finding(OK, "key_file", "readable by its owner only; is there a copy of it apart from the backups?")


def check_files(settings: Settings) -> Finding:
    """The other files that nobody else may read: tokens, and the database when it is a file."""
    settings.metrics_token()
    database = settings.sqlite_file
    files = (settings.metrics_token_file, *settings.outside_secrets, database)
    wide = [str(path) for path in files if _wide(path)]
    if wide:
        return Finding(WARN, "files", f"others may read what is not theirs: chmod 600 {' '.join(wide)}")
    return Finding(OK, "files", "tokens and database are readable by their owner only")


def check_disks(settings: Settings) -> Finding:
    """Room where this server writes: its database when that is a file, what the sealer remembers, temporary files."""
    found = []
    for folder in written(settings):
        if not os.access(folder, os.W_OK | os.X_OK):
            return Finding(FAIL, "disks", f"this user may not write in {folder}: look at its owner and mode")
        found.append((shutil.disk_usage(folder).free, folder))
    free, folder = min(found)
    words = f"{free // MEGABYTE} MB are free in {folder}"
    if free < TOO_LITTLE:
        return Finding(FAIL, "disks", f"only {words}: writes end in 503 until there is room")
    if free < LITTLE:
        return Finding(WARN, "disks", f"only {words}: make room before writes end in 503")
    return Finding(OK, "disks", f"at least {words}")


def written(settings: Settings) -> Iterator[Path]:
    """Folders that this server writes to."""
    database = settings.sqlite_file
    for folder in (database.parent if database else None, settings.seal_memory.parent, Path(tempfile.gettempdir())):
        if folder is not None and folder.is_dir():
            yield folder


def open_to_others(path: Path) -> bool:
    """Whether anybody but the owner may do anything with it."""
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def _wide(path: Path | None) -> bool:
    return path is not None and path.is_file() and open_to_others(path)


CHECKS: Checks = {"key_file": check_key_file, "files": check_files, "disks": check_disks}
