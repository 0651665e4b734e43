"""Sliding windows in memory, shares of processes that count apart, and a shared store that comes and goes."""

from datetime import timedelta

import pytest
from limits.errors import StorageError

from idp.abuse import counters
from idp.abuse.counters import Count, Windows, keys_of
from tests.fakes import HOUR, MINUTE, NOW, SECOND


class Store:
    """A store of several processes that can be told to be away."""

    def __init__(self):
        self.kept, self.away, self.asked = {}, False, 0

    def incr(self, key, expiry, amount=1):
        """Add, or be away."""
        self.asked += 1
        if self.away:
            raise StorageError(OSError("away"))
        assert isinstance(expiry, int)
        self.kept[key] = self.kept.get(key, 0) + amount
        return self.kept[key]

    def get(self, key):
        """Look, or be away."""
        self.asked += 1
        if self.away:
            raise StorageError(OSError("away"))
        return self.kept.get(key, 0)


def test_a_window_slides():
    """The window before counts by as much of it as is still within reach."""
    windows = Windows()
    for _ in range(10):
        windows.add("n", window=HOUR, now=NOW)

    assert windows.seen("n", window=HOUR, now=NOW + HOUR - SECOND) == Count(10)
    assert windows.seen("n", window=HOUR, now=NOW + HOUR + 15 * MINUTE).number == pytest.approx(7.5)
    assert windows.add("n", window=HOUR, now=NOW + HOUR + 30 * MINUTE).number == pytest.approx(6)
    assert windows.seen("n", window=HOUR, now=NOW + 2 * HOUR).number == pytest.approx(1)
    assert windows.seen("n", window=HOUR, now=NOW + 3 * HOUR) == Count(0)


def test_the_first_of_a_window_is_known():
    """Distinct people are counted by it."""
    windows = Windows()

    assert [windows.first("n", window=HOUR, now=NOW + n * 30 * MINUTE) for n in range(4)] == [True, False, True, False]


def test_processes_that_count_together_see_each_other():
    """Redis: the limit is one for all."""
    store = Store()
    one, other = Windows(lambda: store, share=2), Windows(lambda: store, share=2)

    one.add("n", window=HOUR, now=NOW)

    assert other.add("n", window=HOUR, now=NOW) == Count(2, share=1)


def test_a_process_that_lost_the_others_allows_its_share_and_asks_again_after_a_second():
    """RELIABILITY 3: local at limit/N: not open, not closed."""
    store = Store()
    windows = Windows(lambda: store, share=4)
    store.away = True

    assert windows.add("n", window=HOUR, now=NOW) == Count(1, share=4)
    asked = store.asked
    windows.add("n", window=HOUR, now=NOW + timedelta(milliseconds=900))
    assert store.asked == asked == 1

    store.away = False
    assert windows.add("n", window=HOUR, now=NOW + SECOND) == Count(1, share=1)


def test_memory_is_bounded_and_swept(monkeypatch):
    """An attacker with many networks fills no memory: newcomers share one count, and old ones go."""
    monkeypatch.setattr(counters, "MOST_KNOWN", 3)
    windows = Windows()
    for n in range(6):
        windows.add(f"n{n}", window=HOUR, now=NOW)

    assert windows.seen("n2", window=HOUR, now=NOW) == Count(1)
    assert windows.add("n7", window=HOUR, now=NOW) == Count(4)  # n3, n4, n5 and itself
    windows.add("n8", window=HOUR, now=NOW + 3 * HOUR)
    assert len(windows._memory._kept) == 1


def test_windows_of_all_processes_begin_at_the_same_moment():
    """Keys come from the clock alone."""
    this, before, gone = keys_of("n", HOUR, NOW + 15 * MINUTE)

    assert (this, before, gone) == (keys_of("n", HOUR, NOW)[0], keys_of("n", HOUR, NOW - HOUR)[0], 0.25)


@pytest.mark.parametrize("shared", [False, True])
def test_a_rest_grows_with_each_excess_and_ends_by_itself(shared):
    """RELIABILITY 3: person and network; counted in memory, or by all processes together."""
    windows = Windows(Expiring if shared else None)

    def rests(now, *, again=False):
        windows.add("n", window=MINUTE, now=now)
        Expiring.now = now
        return windows.rests("n", again=again, rest=lambda nth: nth * HOUR, longest=100 * HOUR, now=now)

    assert not rests(NOW)
    assert rests(NOW, again=True)
    assert rests(NOW + 30 * MINUTE)
    assert not rests(NOW + HOUR + 2 * MINUTE)
    assert rests(NOW + 2 * HOUR, again=True)
    assert rests(NOW + 4 * HOUR - 2 * MINUTE)
    assert not rests(NOW + 4 * HOUR + 2 * MINUTE)


class Expiring(Store):
    """A store that forgets, as Redis does: when a key was made decides."""

    now = NOW

    def incr(self, key, expiry, amount=1):
        """Add; the first one says when it is forgotten."""
        number, until = self.kept.get(key, (0, self.now + expiry * SECOND))
        if until <= self.now:
            number, until = 0, self.now + expiry * SECOND
        self.kept[key] = (number + amount, until)
        return number + amount

    def get(self, key):
        """How many, if it is not forgotten."""
        number, until = self.kept.get(key, (0, self.now))
        return number if until > self.now else 0
