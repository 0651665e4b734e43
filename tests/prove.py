"""`make prove`: take each guard away once, in a copy of the tree, and expect a red test.

A guard that can go without a test noticing is decoration. Taken away one at a time: each row of CHECKS, each
append-only trigger, each Personal or Sealed mark, each protected or layered import contract (by committing the offence
it forbids), and each condition that makes a one-time thing one-time. Prints what nobody noticed, and exits 1.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from consent.db import append_only_tables
from idp.migrations.models import metadata
from tests.prove_consent import CONSENT
from tests.prove_ladder import LADDER

ROOT = Path(__file__).parents[1]
LEFT_OUT = (".venv", ".git", "__pycache__", "node_modules", "sandbox", "screenshots", ".*_cache", ".hypothesis", "dist")
LONGEST_S = 120
AT_ONCE = max(2, os.cpu_count() or 2)
LINT = ("importlinter",)


@dataclass(frozen=True)
class Guard:
    """One guard: how it is taken away, and the tests that must notice."""

    name: str
    file: str
    old: str
    new: str
    tests: Sequence[str]


CODES = ("tests/idp/oauth/features/test_authorization_code.py", "tests/idp/oauth/test_tokens.py")
REFRESH = ("tests/idp/oauth/features/test_refresh_token.py",)
GUESS = ("tests/idp/contact/test_codes.py",)
PASSKEY = ("tests/idp/login/test_passkeys.py", "tests/idp/login/test_ceremony.py")
TRIES = ("tests/idp/login/test_pin.py", "tests/idp/login/test_totp.py")
ENROLMENT, INTERACTION = ("tests/idp/test_enrolment.py",), ("tests/idp/test_interaction.py",)
WORKPLACE = ("tests/idp/login/test_affiliations.py",)
STANDING = ("tests/consent/test_races.py", "tests/consent/test_records.py", "tests/consent/test_withdrawal.py")
INVITED = ("tests/idp/login/test_invitations.py",)
USED = "            StaffInvitation.used_at.is_(None),\n"
OPEN = "            StaffInvitation.expires_at > now,\n        )\n        .values"
ALIVE, ROTATE = ", _FAMILY.c.revoked_at.is_(None))", "\n    .values(counter"
NEWEST, LATE = "            Challenge.superseded_at.is_(None),\n", "            Challenge.expires_at > now,\n"
BROWSER, LEFT = "            Challenge.browser_hash == hashed(browser),\n", "            Challenge.tries_left > 0,\n"
SPENT = "            secret.tries_left > 0,\n"
LOCKED = "            or_(secret.locked_until.is_(None), secret.locked_until <= now),\n"
WEBAUTHN = "            WebauthnChallenge."
SEALED = ("tests/consent/audit/test_seal.py",)
PROVED = ("tests/consent/audit/test_proofs.py",)
FOUND = ("tests/consent/audit/test_search.py",)
REMEMBERED = ("tests/idp/test_seal_memory.py",)
RECEIPT, ASSERTION = ("tests/idp/test_receipts.py",), ("tests/idp/oauth/features/test_private_key_jwt.py",)
SWAPPED = ".where(_TREE.c.id == 1, *unchanged)"
MOVED = '            if self.last() != after:\n                raise Conflict("Another sealer was faster.")\n'
CODE_FIRST = "    if not knows(ring, number, code):\n        return None\n"
LOOK_UP = """    parsed = receipts.parse_number(number)
    found = history.of_record(session, parsed[0], now=now) if parsed else None
"""
SEAL, JTI = "consent/audit/seal.py", "idp/oauth/features/private_key_jwt.py"
SMALLER, VERIFIED = " or seen.size > (tree.size if tree else 0)", ".verify(signed[KEY_ID_BYTES:], signed_text)"
INSIDE = "        return merkle.verify_inclusion(merkle.leaf_hash(leaf), seq, head.size, path, head.root)"
FROM = '_AT.version == bindparam("from_version")'
ONE_TIME = (
    ("code: used once", "idp/oauth/codes.py", " _CODE.c.used_at.is_(None),", "", CODES),
    ("code: in time", "idp/oauth/codes.py", ', _CODE.c.expires_at > bindparam("now"))', ")", CODES),
    ("refresh: one successor", "idp/oauth/codes.py", ' _FAMILY.c.counter == bindparam("seen"),', "", REFRESH),
    ("refresh: family alive", "idp/oauth/codes.py", ALIVE + ROTATE, ")" + ROTATE, REFRESH),
    ("guess: tries", "idp/contact/codes.py", LEFT, "", GUESS),
    ("guess: newest only", "idp/contact/codes.py", NEWEST + LATE, LATE, GUESS),
    ("guess: in time", "idp/contact/codes.py", LATE, "", GUESS),
    ("guess: own browser", "idp/contact/codes.py", BROWSER + LEFT, LEFT, GUESS),
    ("challenge: completed once", "idp/enrolment.py", ", Challenge.completed_at.is_(None))", ")", ENROLMENT),
    ("webauthn: used once", "idp/login/challenges.py", f"{WEBAUTHN}used_at.is_(None),\n", "", PASSKEY),
    ("webauthn: own browser", "idp/login/challenges.py", f"{WEBAUTHN}browser_hash == _hash(browser),\n", "", PASSKEY),
    ("webauthn: in time", "idp/login/challenges.py", f"{WEBAUTHN}expires_at > now,\n", "", PASSKEY),
    ("totp: a step once", "idp/login/totp.py", ", Totp.last_step < step)", ")", TRIES),
    ("pin and totp: tries", "idp/login/tries.py", SPENT, "", TRIES),
    ("pin and totp: lock", "idp/login/tries.py", LOCKED, "", TRIES),
    ("invitation: used once", "idp/login/invitations.py", USED + OPEN, OPEN, INVITED),
    ("interaction: finished once", "idp/paused.py", ", _ROW.c.finished_at.is_(None)", "", INTERACTION),
    ("seal: compare-and-swap", SEAL, SWAPPED, ".where(_TREE.c.id == 1)", SEALED),
    ("seal: not smaller than remembered", SEAL, SMALLER, "", SEALED),
    ("seal: not another than remembered", SEAL, "    if root != seen.root:", "    if False:", SEALED),
    ("seal: remembered, then signed", SEAL, "    memory.remember(", "    Forgetful().remember(", SEALED),
    ("seal memory: one writer at a time", "idp/seal_memory.py", MOVED, "", REMEMBERED),
    ("proof: the signature", "consent/audit/checkpoint.py", VERIFIED, "", PROVED),
    ("proof: the entry's own bytes", "consent/audit/proofs.py", INSIDE, "        return bool(path or leaf)", PROVED),
    ("search: pages of one millisecond", "consent/audit/search.py", ", AuditEntry.id < start.id)", ")", FOUND),
    ("receipt: the code, then the look-up", "idp/receipts.py", CODE_FIRST + LOOK_UP, LOOK_UP + CODE_FIRST, RECEIPT),
    ("assertion: used once", JTI, "    if not _use_once(session, row):", "    if not row:", ASSERTION),
    ("standing: compare-and-swap", "consent/standings.py", FROM, f"({FROM}).is_not(None)", STANDING),
)
WIRE = ("tests/idp/web/test_developers.py",)
ORIGIN, SCRIPTS = ("tests/idp/oauth/test_origins.py",), ("tests/idp/web/test_protocol.py",)
READABLE = (
    ("cors: browser applications only", "idp/oauth/origins.py", '_TABLE.c.kind == "web", ', "", ORIGIN),
    ("cors: public clients only", "idp/oauth/origins.py", '_TABLE.c.auth_method == "none", ', "", ORIGIN),
    ("cors: in service", "idp/oauth/origins.py", ', _TABLE.c.status == "active"', "", ORIGIN),
    ("cors: to the letter", "idp/oauth/origins.py", "origin == origin_of(uri)", "uri.startswith(origin)", ORIGIN),
    ("cors: who is asked", "idp/web/protocol.py", " and origins.known(g.session, origin)", "", SCRIPTS),
    ("wire: kept in the sandbox only", "idp/app.py", "if settings.sandbox and", "if", WIRE),
    ("wire: page of the sandbox", "idp/web/sandbox.py", "if not gate.house().settings.sandbox:\n", "if 0:\n", WIRE),
    ("wire: persons masked", "idp/web/recorder.py", "    if describes_a_person(name):", "    if not name:", WIRE),
    ("wire: claims masked", "idp/web/recorder.py", "if describes_a_person(key) else", "if not key else", WIRE),
    ("wire: secrets masked", "idp/web/recorder.py", "name in HIDDEN or ", "", WIRE),
)
COUNTER, LAUNCH = ("tests/idp/test_visits.py", "tests/idp/test_counter.py"), ("tests/idp/test_treating.py",)
READING, HANDLE = ("tests/idp/test_readings.py",), " _TABLE.c.used_at.is_(None))\n    .values"
HELD = "(row.session_hash, row.hcode) != (desk.session_hash, desk.place.hcode) or "
AT_VISIT = "return None if self.treatment is None else self.treatment.stopped_at(now)"
ONE_TIME += (
    ("visit: ended once", "idp/visits.py", ", Visit.ended_at.is_(None))\n    .values", ")\n    .values", COUNTER),
    ("card: opens one visit", "idp/readings.py", " CardReading.used_at.is_(None),", "", COUNTER),
    ("card: its own session", "idp/readings.py", HELD, "", READING),
    ("launch: used once", "idp/oauth/launches.py", "," + HANDLE, ")\n    .values", LAUNCH),
    ("launch: own client", "idp/oauth/launches.py", '    _TABLE.c.client_id == bindparam("app"),\n', "", LAUNCH),
    ("launch: in time", "idp/oauth/launches.py", '    _TABLE.c.expires_at > bindparam("now"),\n', "", LAUNCH),
    ("launch: staff alone", "idp/treating.py", "person is None or person.kind != STAFF", "person is None", LAUNCH),
    ("citizen: no staff", "idp/authorizing.py", "person is None or person.kind != CITIZEN", "person is None", LAUNCH),
    ("treatment: asked live", "idp/oauth/live.py", AT_VISIT, "return None", LAUNCH),
    ("workplace: staff session", "idp/login/affiliations.py", "        SignInSession.kind == STAFF,\n", "", WORKPLACE),
)
OFFENCES = (
    ("withdrawing without revoking", "idp/web/errors.py", "from consent import withdrawal as taken"),
    ("writing the log past the log", "idp/outbox.py", "from consent.audit import models as taken"),
    ("minting outside the protocol room", "idp/web/errors.py", "from idp.oauth import tokens as taken"),
    ("consent that knows idp", "consent/records.py", "from idp import settings as taken"),
    ("a page that queries", "idp/web/errors.py", "import sqlalchemy as taken"),
    ("a rule that reads the clock", "idp/prompts.py", "import time as taken"),
    ("a feature that needs another", "idp/oauth/features/pkce.py", "from idp.oauth.features import scope as taken"),
    ("a relying library that does not stand alone", "idp/relying/verify.py", "from idp import settings as taken"),
    ("Authlib outside its room", "idp/login/pin.py", "import authlib as taken"),
    ("Flask below the pages", "idp/subjects.py", "import flask as taken"),
    ("a floor nobody gave", "idp/attic.py", '"""Nobody gave this module a floor."""'),
)


def guards() -> Iterator[Guard]:
    """All of them."""
    yield from checks()
    yield from triggers()
    yield from marks()
    yield from (Guard(*facts) for facts in (*ONE_TIME, *READABLE, *LADDER, *CONSENT))
    yield from (Guard(f"contract: {name}", file, "", line, LINT) for name, file, line in OFFENCES)


def checks() -> Iterator[Guard]:
    """Each row of the protocol's table, noticed by the tests of its own file or by those of the whole table."""
    file = "idp/oauth/provider.py"
    table = (ROOT / file).read_text(encoding="utf-8").partition("CHECKS = (\n")[2].partition("\n)")[0]
    for row in table.splitlines():
        name = row.strip(" (").partition(",")[0]
        own = f"test_{name.partition('.')[0]}.py"
        places = (f"tests/idp/oauth/features/{own}", f"tests/idp/oauth/{own}", "tests/idp/oauth/test_provider.py")
        yield Guard(f"CHECKS: {name}", file, row + "\n", "", [place for place in places if (ROOT / place).is_file()])


def triggers() -> Iterator[Guard]:
    """Each trigger of each append-only table."""
    metadata()
    body = "            name = f"
    for table in append_only_tables():
        for verb in ("UPDATE", "DELETE"):
            skip = f'            if (table, verb) == ("{table}", "{verb}"):\n                continue\n'
            tests = ("tests/house/test_tables.py", "-k", "append_only or guarded")
            yield Guard(f"trigger: {verb} on {table}", "consent/db.py", body, skip + body, tests)


def marks() -> Iterator[Guard]:
    """Each Personal and each Sealed column."""
    mark = re.compile(r"^    \w+: Mapped\[(Personal|Sealed)( \| None)?\].*\n", re.MULTILINE)
    bare = {"Personal": "Plain", "Sealed": "bytes"}
    for path in sorted([*ROOT.glob("idp/**/*.py"), *ROOT.glob("consent/**/*.py")]):
        for found in mark.finditer(path.read_text(encoding="utf-8")):
            line, kind = found.group(0), found.group(1)
            file = path.relative_to(ROOT).as_posix()
            taken = line.replace(kind, bare[kind], 1)
            yield Guard(
                f"mark: {file} {line.strip()}", file, line, taken, ("tests/house/test_tables.py", "-k", "holds or seal")
            )


def copy_of_the_tree(place: Path) -> Path:
    """A tree of its own for one runner."""
    tree = place / "tree"
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(*LEFT_OUT))
    return tree


def is_red(guard: Guard, tree: Path) -> bool:
    """Take the guard away, run its tests, put it back. A guard whose text moved is an error, not a pass."""
    path = tree / guard.file
    before = path.read_text(encoding="utf-8") if path.exists() else None
    path.write_text(without(guard, before or ""), encoding="utf-8")
    forget_byte_code(path)
    try:
        return run(guard.tests, tree) != 0
    finally:
        forget_byte_code(path)
        if before is None:
            path.unlink()
        else:
            path.write_text(before, encoding="utf-8")


def forget_byte_code(path: Path) -> None:
    """A file that changes twice in one second with one length would be run from its old byte code."""
    for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
        compiled.unlink()


def without(guard: Guard, before: str) -> str:
    """The file without its guard, or with the offence at its end."""
    if guard.tests == LINT:
        return f"{before}\n{guard.new}\n"
    if guard.old not in before:
        raise SystemExit(f"{guard.name}: its text is no longer in {guard.file}; tell tests/prove.py")
    return before.replace(guard.old, guard.new, 1)


def run(tests: Sequence[str], tree: Path, *, longest_s: int = LONGEST_S) -> int:
    """The exit code of the tests, or of the import linter. A run that hangs is red."""
    pytest = ["-m", "pytest", "-x", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", *tests]
    lint = ["-c", "from importlinter.cli import lint_imports_command as c; c(['--no-cache'])"]
    command = [sys.executable, *(lint if tests == LINT else pytest)]
    env = {**os.environ, "PYTHONPATH": str(tree)}
    env.pop("YINYOM_TEST_DATABASE_URL", None)
    try:
        done = subprocess.run(command, cwd=tree, env=env, capture_output=True, timeout=longest_s, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        return 1
    return done.returncode


def unnoticed(every: Sequence[Guard]) -> list[str]:
    """The names of the guards that nothing missed."""
    trees: SimpleQueue[Path] = SimpleQueue()
    with tempfile.TemporaryDirectory() as place:
        for number in range(AT_ONCE):
            trees.put(copy_of_the_tree(Path(place) / str(number)))
        refuse_a_red_start(every, trees.get(), trees)

        def prove(guard: Guard) -> str | None:
            tree = trees.get()
            red = is_red(guard, tree)
            trees.put(tree)
            say(f"{'noticed  ' if red else 'UNNOTICED'} {guard.name}")
            return None if red else guard.name

        with ThreadPoolExecutor(AT_ONCE) as pool:
            return [name for name in pool.map(prove, every) if name]


def refuse_a_red_start(every: Sequence[Guard], tree: Path, trees: "SimpleQueue[Path]") -> None:
    """Tests that are red with every guard in place prove nothing."""
    files = dict.fromkeys(test for guard in every for test in guard.tests if test.endswith(".py"))
    together = ("-n", str(AT_ONCE), *files) if files else ()
    for tests in filter(None, (together, LINT)):
        if run(tests, tree, longest_s=len(files) * LONGEST_S) != 0:
            raise SystemExit(f"red before anything was taken away: {' '.join(tests)}")
    trees.put(tree)


def say(line: str) -> None:
    """One line, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    """0 when every guard was missed by a test."""
    began = time.monotonic()
    chosen = [guard for guard in guards() if all(word in guard.name for word in sys.argv[1:])]
    left = unnoticed(chosen)
    say(f"{len(chosen) - len(left)} of {len(chosen)} guards are proved, in {time.monotonic() - began:.0f} s")
    for name in left:
        say(f"  nobody noticed: {name}")
    return 1 if left else 0


if __name__ == "__main__":
    raise SystemExit(main())
