"""Where a delivery stream's records come from."""

import array
import asyncio
import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Protocol

from lakemill.engines.delivery.errors import SourceRefused
from lakemill.engines.delivery.packed import taken_apart
from lakemill.engines.delivery.parts import Logged, Origin, Part
from lakemill.engines.delivery.rows import Batch, Rows
from lakemill.engines.streams import Shard, ShardBatch, StreamReader
from lakemill.ports.log import Located, Log, Records, Stretch, as_records

RECORDS_MAX = 5_000
BYTES_MAX = 4 << 20
"""What is read at a time."""

Opened = Callable[[Records], Sequence[bytes]]


class Source(Protocol):
    """Records in order, from a mark on."""

    async def read(self, wait_s: float) -> Batch | None:
        """What there is; None if nothing came within the time."""
        ...


class LogSource:
    """The records that were put into a delivery stream itself. A mark is the position to go on at.

    opened: what the values of records say (those that were encrypted are decrypted there). located: leave records
    where they are as far as one can, for other processes.
    """

    def __init__(
        self, log: Log, name: str, mark: int | None, opened: Opened | None = None, *, located: bool = False
    ) -> None:
        self._log, self._name, self._position = log, name, mark or 0
        self._opened = opened
        self._read = log.locate if located else log.read_stretches

    async def read(self, wait_s: float) -> Batch | None:
        """See Source. Raises LogMissing, LogDamaged."""
        bounds = self._log.bounds(self._name, 0)
        self._position = max(self._position, bounds.first)
        if bounds.next <= self._position and not await self._log.wait(self._name, {0: self._position}, wait_s):
            return None
        found = await self._read(self._name, 0, self._position, size=BYTES_MAX)
        if not found:
            return None
        records = Rows([Logged.of(self._unsealed(one)) for one in found])
        self._position = found[-1].position + len(found[-1].ends)
        return Batch(records, self._position, self._log.bounds(self._name, 0).next <= self._position)

    def _unsealed(self, stretch: Stretch | Located) -> Stretch | Located:
        """The stretch with what its records say."""
        if self._opened is None or isinstance(stretch, Located) or not stretch.notes:
            return stretch
        values = self._opened(as_records(stretch))
        ends = array.array("I", itertools.accumulate(map(len, values)))
        return Stretch(stretch.position, stretch.times, b"".join(values), ends)


class StreamSource:
    """Records of a data stream, through its reader. A mark is the reader's positions.

    Records that a producer packed together are taken apart. refusal: why the stream may not be read, or None; asked
    before every reading. keys: whether records are to have their partition keys. located: without keys, leave records
    where they are as far as one can, for other processes; then those must take them apart.
    """

    def __init__(
        self,
        reader: StreamReader,
        refusal: Callable[[], str | None] = lambda: None,
        *,
        keys: bool = True,
        located: bool = False,
    ) -> None:
        self._reader, self._refusal = reader, refusal
        self._read = reader.read_batches if keys else functools.partial(reader.read_stretches, located=located)

    async def read(self, wait_s: float) -> Batch | None:
        """See Source. Raises SourceRefused, and what the reader raises."""
        reason = self._refusal()
        if reason is not None:
            raise SourceRefused(reason)
        found = await self._read(limit=RECORDS_MAX, size=BYTES_MAX, wait_s=wait_s)
        if not found:
            await asyncio.sleep(0)
            return None
        rows = Rows([part for shard, some in found for logged in _logged(shard, some) for part in _apart(logged)])
        return Batch(rows, self._reader.positions(), self._reader.caught_up())


def _apart(logged: Logged) -> Sequence[Part]:
    return taken_apart(logged) if logged.unread() is None else [logged]


def _logged(shard: Shard, found: Sequence[Stretch | Located] | ShardBatch) -> list[Logged]:
    """What was read of a shard."""
    origin = Origin(shard.id, shard.base + 1)
    if isinstance(found, ShardBatch):
        return [Logged.with_keys(found.records, found.data, origin)]
    return [Logged.of(one, origin) for one in found]
