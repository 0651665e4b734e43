"""`make prove`: take each guard away once, in a copy of the tree, and expect a red test.

A guard that can go without a test noticing is decoration. Taken away one at a time: each row of CHECKS, each
append-only trigger, each Personal or Sealed mark, each protected or layered import contract (by committing the offence
it forbids), and each condition that makes a one-time thing one-time. Prints what nobody noticed, and exits 1.

All their tests are run once before, with every guard in place. YINYOM_TESTS_ARE_GREEN=1 says that somebody just did
(`.ci/run`): then they are only looked for.
"""

import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from consent.db import append_only_tables
from idp.migrations.models import metadata
from tests.prove_acting import ACTING
from tests.prove_consent import CONSENT
from tests.prove_ladder import LADDER
from tests.prove_rights import RIGHTS
from tests.prove_runner import LINT, LONGEST_S, ROOT, Runner

AT_ONCE = max(2, os.cpu_count() or 2)
GREEN_VARIABLE = "YINYOM_TESTS_ARE_GREEN"


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
    yield from (Guard(*facts) for facts in (*ONE_TIME, *READABLE, *LADDER, *CONSENT, *RIGHTS, *ACTING))
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
            tests = ("tests/house/test_tables.py", "-k", f"(append_only or guarded) and {table}")
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


def is_red(guard: Guard, runner: Runner) -> bool:
    """Take the guard away, run its tests, put it back."""
    path = runner.tree / guard.file
    before = path.read_text(encoding="utf-8") if path.exists() else None
    path.write_text(without(guard, before or ""), encoding="utf-8")
    forget_byte_code(path)
    try:
        return runner.red(guard.tests)
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
    return f"{before}\n{guard.new}\n" if guard.tests == LINT else before.replace(guard.old, guard.new, 1)


def refuse_what_moved(every: Sequence[Guard]) -> None:
    """A guard whose text is no longer there is an error, not a pass."""
    moved = [
        f"{guard.name}: its text is no longer in {guard.file}; tell tests/prove.py"
        for guard in every
        if guard.tests != LINT and guard.old not in (ROOT / guard.file).read_text(encoding="utf-8")
    ]
    if moved:
        raise SystemExit("\n".join(moved))


def refuse_a_red_start(every: Sequence[Guard], runner: Runner) -> None:
    """Tests that are red with every guard in place, or that are not there, prove nothing."""
    tests = dict.fromkeys(test for guard in every for test in guard.tests if ".py" in test)
    how = ("--collect-only",) if os.environ.get(GREEN_VARIABLE) == "1" else ("-n", str(AT_ONCE))
    lint = LINT if any(guard.tests == LINT for guard in every) else ()
    for chosen in filter(None, ((*how, *tests) if tests else (), lint)):
        if runner.red(chosen, longest_s=max(1, len(tests)) * LONGEST_S):
            raise SystemExit(f"red before anything was taken away: {' '.join(chosen)}")


def unnoticed(every: Sequence[Guard]) -> list[str]:
    """The names of the guards that nothing missed."""
    runners: SimpleQueue[Runner] = SimpleQueue()
    with tempfile.TemporaryDirectory() as place, ExitStack() as until_all_is_proved:
        made = [until_all_is_proved.enter_context(Runner(Path(place), number)) for number in range(AT_ONCE)]
        refuse_a_red_start(every, made[0])
        for runner in made:
            runners.put(runner)

        def prove(guard: Guard) -> str | None:
            runner = runners.get()
            red = is_red(guard, runner)
            runners.put(runner)
            say(f"{'noticed  ' if red else 'UNNOTICED'} {guard.name}")
            return None if red else guard.name

        with ThreadPoolExecutor(AT_ONCE) as pool:
            return [name for name in pool.map(prove, every) if name]


def say(line: str) -> None:
    """One line, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    """0 when every guard was missed by a test."""
    began = time.monotonic()
    chosen = [guard for guard in guards() if all(word in guard.name for word in sys.argv[1:])]
    refuse_what_moved(chosen)
    left = unnoticed(chosen)
    say(f"{len(chosen) - len(left)} of {len(chosen)} guards are proved, in {time.monotonic() - began:.0f} s")
    for name in left:
        say(f"  nobody noticed: {name}")
    return 1 if left else 0


if __name__ == "__main__":
    raise SystemExit(main())
