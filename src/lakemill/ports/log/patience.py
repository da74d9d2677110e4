"""How long a group of appends is waited for.

Whoever was answered with the last group and has more to append comes within some turns of the loop, one after another.
The first of them alone would make the others wait for a flush of its own.
"""

from time import perf_counter

TIMES_MAX = 20
"""A group that took longer than so many times the patience was held up, and says nothing about flushes."""


class Patience:
    """Says whether to wait for more callers. patience_s: for how long at most, or half of what the last group took."""

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._seen = 0
        """How many waited at the last look."""
        self._looks_until_s = 0.0
        self._came = 0
        """How many were there when the last group ended, those it answered among them."""
        self._waits_until_s = 0.0
        """Until when as many are waited for."""

    def begin(self) -> None:
        """Look for callers from now on."""
        self._seen = 0
        self._looks_until_s = perf_counter() + self._patience_s

    def expects_more(self, waiting: int) -> bool:
        """Whether more are coming than wait now: some came since the last look, or not as many as were there before."""
        now_s = perf_counter()
        more = waiting > self._seen and now_s < self._looks_until_s
        self._seen = waiting
        return more or (waiting < self._came and now_s < self._waits_until_s)

    def answered(self, came: int, took_s: float) -> None:
        """A group ended. came: how many it answered, and how many wait already; took_s: since it was taken."""
        self._came = came
        half_s = min(took_s, TIMES_MAX * self._patience_s) / 2
        self._waits_until_s = perf_counter() + max(self._patience_s, half_s)
