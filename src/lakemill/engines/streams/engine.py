"""Streams: ordered records in shards, written by many, read by many, kept for a time.

streams = Streams(metadata, log, clock)
await streams.create("000000000000/us-east-1", "clicks", shards=2)
await streams.put("000000000000/us-east-1", "clicks", [Put("user-7", b"...")])
reader = streams.reader("000000000000/us-east-1", "clicks", Start.horizon())
records = await reader.read()
"""

from collections.abc import Coroutine, Sequence
from typing import Any

from lakemill.engines.keys import Key, Keys
from lakemill.engines.streams.commitments import Commitments
from lakemill.engines.streams.configuring import Configuring
from lakemill.engines.streams.consumers import Consumers
from lakemill.engines.streams.lifecycle import Lifecycle
from lakemill.engines.streams.limits import Limits
from lakemill.engines.streams.reader import StreamReader
from lakemill.engines.streams.reading import Reading
from lakemill.engines.streams.records import Placed, Put, Refused, Start
from lakemill.engines.streams.registry import Registry
from lakemill.engines.streams.resharding import Resharding
from lakemill.engines.streams.sealing import Sealing
from lakemill.engines.streams.stream import Stream
from lakemill.engines.streams.subscriptions import Subscriptions
from lakemill.engines.streams.writing import Writing
from lakemill.ports.clock import Clock
from lakemill.ports.log import Log
from lakemill.ports.metadata import Metadata


class Streams:
    """All streams of a lakemill. scope is "account/region"; names are unique within it.

    keys: the key engine; without one, streams cannot be encrypted. limited: whether shards take and give only as much a
    second as AWS's do. settle_ms: how long a change goes on to look unfinished.
    """

    def __init__(
        self,
        metadata: Metadata,
        log: Log,
        clock: Clock,
        keys: Keys | None = None,
        *,
        limited: bool = False,
        settle_ms: int = 0,
    ) -> None:
        limits = Limits() if limited else None
        sealing = Sealing(metadata, clock, keys) if keys is not None else None
        self.keys = keys
        self._log = log
        self._sealing = sealing
        self.limited = limited
        self.registry = Registry(metadata, clock, settle_ms)
        self.consumers = Consumers(self.registry)
        self.commitments = Commitments(metadata, clock)
        self.writing = Writing(self.registry, log, sealing, limits)
        self.reading = Reading(self.registry, log, sealing, limits)
        self.subscriptions = Subscriptions(self.registry, self.reading, limited=limited)
        self.lifecycle = Lifecycle(self.registry, log, self.writing, self.consumers, sealing, limits)
        self.resharding = Resharding(self.registry, log, self.writing)
        self.configuring = Configuring(self.registry, log, self.writing, sealing)

    def find(self, scope: str, name: str) -> Stream | None:
        """The stream of this name, None if there is none."""
        return self.registry.find(scope, name)

    async def create(self, scope: str, name: str, *, shards: int = 1, **settings: Any) -> Stream:
        """Make a stream; see `Lifecycle.create`. Durable on return. Raises StreamExists, TooMany, TooManyTags."""
        return await self.lifecycle.create(scope, name, shards=shards, **settings)

    async def delete(self, scope: str, name: str, *, with_consumers: bool = False) -> None:
        """Remove a stream with all records. Raises StreamMissing, StreamBusy, StreamInUse."""
        await self.lifecycle.delete(scope, name, with_consumers=with_consumers)

    def put(self, scope: str, name: str, puts: Sequence[Put]) -> Coroutine[Any, Any, list[Placed | Refused]]:
        """Write records; see `Writing.put`. Durable on return. The answers stand in the order of the records."""
        return self.writing.put(scope, name, puts)

    def reader(self, scope: str, name: str, start: Start) -> StreamReader:
        """A reader of the whole stream. Where it starts is fixed now. Raises StreamMissing."""
        stream = self.registry.usable(scope, name)
        made = StreamReader(self.registry, self._log, self.reading, stream)
        made.begin(stream, start)
        return made

    def key_of(self, stream: Stream) -> Key | None:
        """The key an encrypted stream's records are sealed under. Raises KeyMissing if it is gone."""
        return None if self._sealing is None or stream.key is None else self._sealing.key_of(stream)

    async def recover(self) -> list[str]:
        """Finish what a crash interrupted, and free what has expired; a sentence about each."""
        left = await self.lifecycle.clean()
        await self.lifecycle.expire()
        return [f"removed the records of {left} stream(s) whose deletion was cut off"] if left else []

    async def expire(self) -> None:
        """Free records past their retention. To be called now and then."""
        await self.lifecycle.expire()

    def close(self) -> None:
        """End subscriptions."""
        self.subscriptions.close()
