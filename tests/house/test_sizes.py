"""Sizes, names, door-plates and clocks: what keeps the house readable."""

import ast
import re

import pytest

from tests.house.source import ROOT, modules, name_of, tree

MODULE_LINES = 300
FUNCTION_LINES = 40
NOWHERE = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "handlers", "core", "shared", "tools"}
CLOCKS = re.compile(r"\b(datetime\.now|datetime\.utcnow|date\.today|time\.time|time_ns)\b")  # monotonic only measures
READ_A_CLOCK = {"idp/wiring.py", "consent/db.py"}  # consent/db.py: UUIDv7, which decides nothing


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_a_module_is_read_in_one_sitting(path):
    """ARCHITECTURE: at most 300 lines."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MODULE_LINES


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines that do something: without the signature, where facts stand one a line, and without the docstring."""
    body = function.body[1:] if ast.get_docstring(function) and len(function.body) > 1 else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1


def test_no_function_is_longer_than_forty_lines():
    """ARCHITECTURE: about 10, none over 40."""
    long = [
        f"{name_of(path)}:{node.lineno} {node.name} {body_lines(node)}"
        for path in modules()
        for node in ast.walk(tree(path))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and body_lines(node) > FUNCTION_LINES
    ]

    assert long == []


def test_no_room_is_named_after_nothing():
    """CONVENTIONS: one obvious place per thing."""
    nowhere = [name_of(path) for path in modules() if NOWHERE & {part.removesuffix(".py") for part in path.parts}]

    assert nowhere == []


@pytest.mark.parametrize("path", [path for path in modules() if path.name == "__init__.py"], ids=name_of)
def test_every_package_has_a_door_plate(path):
    """Three to sixteen lines that say what the room answers."""
    plate = ast.get_docstring(tree(path)) or ""

    assert "to come" not in plate
    assert 1 <= len(plate.splitlines()) <= 16
    assert len(plate) > 60


@pytest.mark.parametrize("path", [path for path in modules() if path.name != "__init__.py"], ids=name_of)
def test_every_module_says_what_it_is(path):
    """A module is a noun with a docstring."""
    assert ast.get_docstring(tree(path))


def test_only_the_edge_reads_a_clock():
    """CONVENTIONS: `now` is passed in; elsewhere a clock needs a reason on its line."""
    readers = [
        f"{name_of(path)}:{number}"
        for path in modules()
        if name_of(path) not in READ_A_CLOCK
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if CLOCKS.search(line.partition('"')[0]) and not re.search(r"noqa: \S+ -- \w+", line)
    ]

    assert readers == []


def test_every_exception_to_a_linter_gives_its_reason():
    """`noqa` without a reason teaches nobody."""
    bare = [
        f"{name_of(path)}:{number}"
        for path in modules()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if "# noqa" in line and not re.search(r"# noqa: [A-Z0-9, ]+( -- .+)?", line)
    ]

    assert bare == []


def test_nothing_unfinished_is_left_behind():
    """CONVENTIONS: a TODO carries an issue number."""
    unfinished = re.compile(r"\b(TODO|FIXME|XXX)\b(?! ?#\d)")
    found = [name_of(path) for path in modules() if unfinished.search(path.read_text(encoding="utf-8"))]
    pages = [path.name for path in (ROOT / "templates").rglob("*.html") if unfinished.search(path.read_text("utf-8"))]

    assert found + pages == []
