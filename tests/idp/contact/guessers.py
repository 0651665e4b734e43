"""Several processes that guess at the same challenges at once, as several servers do (RELIABILITY X20)."""

import multiprocessing
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from uuid import UUID

from sqlalchemy import select, update

from idp import keys
from idp.contact import codes
from idp.contact.challenge import Challenge
from idp.db import DatabaseUnavailable, Sessions, make_engine, make_sessions
from idp.keys import KeyRing
from tests.fakes import NOW
from tests.stories.people import numbers

CODE, BROWSER = "482915", "b"


def opened(sessions: Sessions, ring: KeyRing, size: int) -> list[UUID]:
    """That many challenges of as many people, each with the same known code."""
    ids = []
    with sessions.writing() as session:
        for number in numbers(9_200_000, size):
            facts = {"browser": BROWSER, "interaction_id": number, "locale": "th", "now": NOW}
            ids.append(codes.begin(session, ring, national_id=number, **facts).id)
        for one in session.scalars(select(Challenge.id)).all():
            found = {"state": "resolved", "code_hash": codes.code_hash(ring, one, CODE)}
            session.execute(update(Challenge).where(Challenge.id == one).values(found))
    return ids


def guess_at_all(url: str, kek: bytes, ids: list[UUID], guesses: range) -> Counter[tuple[UUID, str]]:
    """What one process is told about each challenge; no guess is right."""
    engine = make_engine(url)
    sessions = make_sessions(engine)
    with sessions.reading() as session:
        ring = keys.load(session, kek)
    told: Counter[tuple[UUID, str]] = Counter()
    for n in guesses:
        for one in ids:
            told[one, guessed(sessions, ring, one, f"{n:06}")] += 1
    engine.dispose()
    return told


def guessed(sessions: Sessions, ring: KeyRing, challenge_id: UUID, code: str) -> str:
    """One guess; a database that was too busy (a 503 of the server) is asked again, as an attacker would."""
    while True:
        with suppress(DatabaseUnavailable), sessions.writing() as session:
            return codes.guess(session, ring, challenge_id, code, browser=BROWSER, now=NOW).outcome


def besiege(sessions: Sessions, kek: bytes, ids: list[UUID], *, processes: int, each: int) -> Counter[tuple[UUID, str]]:
    """All of them at once; what they were told together."""
    url = sessions.engine.url.render_as_string(hide_password=False)
    shares = [range(n * each, (n + 1) * each) for n in range(processes)]
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = [pool.submit(guess_at_all, url, kek, ids, share) for share in shares]
        return sum((one.result() for one in waiting), Counter())
