"""What is known of a log's shards: where each begins and goes on, and who waits for records of it."""

import array
import asyncio
import contextlib
from collections.abc import Iterable, Mapping, Sequence

from lakemill.ports.log.port import Bounds, LogMissing
from lakemill.ports.log.segment import FIRST_POSITION


class Shards:
    """Of each shard: first (oldest kept position), next (position that comes), last_ms (newest time ever)."""

    def __init__(self, name: str, firsts: Sequence[int]) -> None:
        self._name = name
        self.first = array.array("Q", firsts)
        self.next = array.array("Q", [FIRST_POSITION]) * len(firsts)
        self.last_ms = array.array("q", [0]) * len(firsts)
        self._waiters: dict[int, dict[asyncio.Future[bool], int]] = {}
        """By shard: who waits, and for which position."""

    def __len__(self) -> int:
        return len(self.last_ms)

    def grow(self, count: int) -> None:
        """Have at least so many."""
        more = max(0, count - len(self))
        self.first.extend([FIRST_POSITION] * more)
        self.next.extend([FIRST_POSITION] * more)
        self.last_ms.extend([0] * more)

    def check(self, shards: Iterable[int]) -> None:
        """Raises LogMissing if one of these is not there."""
        for shard in shards:
            if not 0 <= shard < len(self):
                raise LogMissing(f"log {self._name} has no shard {shard}; it has {len(self)}")

    def bounds(self, shard: int) -> Bounds:
        return Bounds(self.first[shard], self.next[shard], self.last_ms[shard])

    async def wait(self, positions: Mapping[int, int], timeout_s: float) -> bool:
        """Until some shard has a record at its position or later; False if none came in time."""
        if any(self._has(shard, position) for shard, position in positions.items()):
            return True
        waiter: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        for shard, position in positions.items():
            self._waiters.setdefault(shard, {})[waiter] = position
        try:
            async with asyncio.timeout(timeout_s):
                return await waiter
        except TimeoutError:
            return False
        finally:
            for shard in positions:
                waiters = self._waiters[shard]
                del waiters[waiter]
                if not waiters:
                    del self._waiters[shard]

    def wake(self, shards: Iterable[int]) -> None:
        """Tell those who wait for what these shards have now."""
        for shard in shards:
            for waiter, position in self._waiters.get(shard, {}).items():
                if not waiter.done() and self._has(shard, position):
                    waiter.set_result(True)

    def _has(self, shard: int, position: int) -> bool:
        """Whether a record is there at this position or later."""
        return self.next[shard] > max(position, self.first[shard])

    def give_up(self, error: Exception | None) -> None:
        """Nothing comes any more: raise the error to those who wait, or tell them that nothing came."""
        for waiters in self._waiters.values():
            for waiter in waiters:
                if waiter.done():
                    continue
                with contextlib.suppress(RuntimeError):  # Its loop is closed.
                    if error:
                        waiter.set_exception(type(error)(*error.args))
                    else:
                        waiter.set_result(False)
