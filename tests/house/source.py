"""The source tree as the house tests read it."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("idp", "consent")


def modules() -> list[Path]:
    """Every Python file of both packages, migrations' frozen revisions aside."""
    found = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return [path for path in found if "versions" not in path.parts]


def name_of(path: Path) -> str:
    """`idp/web/gate.py` as it is read in a failure."""
    return path.relative_to(ROOT).as_posix()


def tree(path: Path) -> ast.Module:
    """The parsed file."""
    return ast.parse(path.read_text(encoding="utf-8"))
