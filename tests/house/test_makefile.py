"""`make` on a machine where something is missing: one sentence that says what; half an environment does not count."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKED = "click==8.1.8 --hash=sha256:63c132bbbed01578a06712a2d1f497bb62d9c1c0d329b7903a866228027263b2\n"
NOT_LOCKED = LOCKED.replace("63c132bb", "00000000")
TOOLS = ("make", "sh", "env", "test", "touch", "chmod", "rm", "mkdir", "grep", "cat", "sed", "dirname")
OLD = """#!/bin/sh
[ "$1" = -V ] && echo "Python 3.9.2" && exit 0
exec {python} -c "import sys; sys.version_info = (3, 9, 2); exec(sys.argv[1])" "$2"
"""
WITHOUT_VENV = """#!/bin/sh
case "$*" in *ensurepip*) exit 1;; esac
exec {python} "$@"
"""
WITHOUT_ROOM = """#!/bin/sh
case "$*" in *"-m venv"*) echo "OSError: [Errno 28] No space left on device" >&2; exit 1;; esac
exec {python} "$@"
"""
# An environment whose pip says what the real one says; the real one takes its time, and a network.
PIP_SAYS = """#!/bin/sh
case "$*" in
  *"-m venv"*) mkdir -p .venv/bin; printf '#!/bin/sh\\necho "%s" >&2\\nexit 1\\n' "{words}" > .venv/bin/python
               chmod +x .venv/bin/python; exit 0;;
esac
exec {python} "$@"
"""
HASHES = "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE."
NETWORK = "ERROR: Could not find a version that satisfies the requirement click==8.1.8"


@pytest.fixture
def checkout(tmp_path):
    """The Makefile with a small lock, and a PATH on which nothing stands but what make itself needs."""
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        if found is None:
            pytest.fail(f"{tool} is missing here, and make needs it.")
        (tmp_path / "bin" / tool).symlink_to(found)
    home = tmp_path / "checkout"
    home.mkdir()
    shutil.copy(ROOT / "Makefile", home)
    (home / "requirements-dev.txt").write_text(LOCKED)
    return home


def give(checkout, script, **values):
    """A `python3` that is first and only on PATH."""
    stub = checkout.parent / "bin" / "python3"
    stub.write_text(script.format(python=sys.executable, **values) if values or "{python}" in script else script)
    stub.chmod(0o755)


def made(checkout, *arguments, **more):
    """What `make` said on standard error without its own lines, and whether the environment counts as made."""
    env = {"PATH": str(checkout.parent / "bin"), "HOME": str(checkout), **more}
    done = subprocess.run(  # noqa: S603 -- our own Makefile
        [checkout.parent / "bin" / "make", ".venv/.ok", *arguments],
        cwd=checkout,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    lines = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    return done.returncode, lines, (checkout / ".venv" / ".ok").exists()


def refused(checkout, *arguments, **more):
    """The one sentence."""
    code, lines, counts = made(checkout, *arguments, **more)
    assert (code, len(lines), counts) == (2, 1, False), lines
    return lines[0]


def test_without_python_it_says_which_is_needed_and_how_to_name_another(checkout):
    """Nothing on PATH."""
    told = refused(checkout)

    assert "Python 3.11 or newer is needed, and 'python3' was not found" in told
    assert "make PYTHON=" in told


def test_an_old_python_is_named(checkout):
    """With its own version."""
    give(checkout, OLD)

    assert "Python 3.11 or newer is needed, and this is Python 3.9.2" in refused(checkout)


def test_a_python_without_venv_names_the_package(checkout):
    """Debian ships it apart."""
    give(checkout, WITHOUT_VENV)

    assert "venv module is missing" in refused(checkout)
    assert "apt-get install python3-venv" in refused(checkout)


def test_an_environment_that_cannot_be_made_is_said(checkout):
    """Full disk, read-only folder: the tool's own words and ours."""
    give(checkout, WITHOUT_ROOM)

    code, lines, counts = made(checkout)

    assert (code, counts) == (2, False)
    assert lines[-1] == "The environment in .venv could not be made: is the disk full or the folder read-only?"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (NETWORK, "The packages could not be fetched: is there a network and a package index?"),
        (HASHES, "A package is not the one that was locked, so nothing was trusted"),
    ],
)
def test_what_pip_refuses_is_said_in_one_sentence_with_where_its_words_are(checkout, words, sentence):
    """Without its pages of output."""
    give(checkout, PIP_SAYS, words=words)

    assert sentence in refused(checkout)
    assert words in (checkout / ".venv" / "install.log").read_text()


def test_a_machine_without_an_index_is_told_so_by_the_real_pip(checkout):
    """No stub: a real environment, and an index where nobody answers."""
    give(checkout, '#!/bin/sh\nexec {python} "$@"\n')
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:1/simple", "PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1"}

    assert "The packages could not be fetched" in refused(checkout, **nowhere)
    assert "Connection refused" in (checkout / ".venv" / "install.log").read_text()
