"""Time, handed in: whoever needs the time takes a Clock, so that tests can hold it still."""

import datetime
import time
from typing import Protocol


class Clock(Protocol):
    """Where the platform reads the time."""

    def time(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        ...

    def now(self) -> datetime.datetime:
        """The same moment as an aware datetime in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def time(self) -> float:
        return time.time()

    def now(self) -> datetime.datetime:
        return datetime.datetime.now(datetime.UTC)


class ManualClock:
    """A clock that moves only when told to.

    >>> clock = ManualClock(0)
    >>> clock.advance(90)
    >>> clock.now().isoformat()
    '1970-01-01T00:01:30+00:00'
    """

    def __init__(self, time_s: float = 1_700_000_000.0) -> None:
        self._time_s = time_s

    def time(self) -> float:
        return self._time_s

    def now(self) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(self._time_s, datetime.UTC)

    def advance(self, seconds: float) -> None:
        self._time_s += seconds
