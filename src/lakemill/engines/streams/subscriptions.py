"""Subscriptions: a consumer is sent a shard's records as they come, for up to five minutes.

One subscription per consumer and shard. Within five seconds of the last another one is refused; after that it takes
over, and the earlier one ends.
"""

import asyncio
import dataclasses
from collections.abc import AsyncIterator

from lakemill.engines.streams.consumers import Consumer
from lakemill.engines.streams.errors import StreamMissing, SubscriptionHeld
from lakemill.engines.streams.limits import READ_BYTES, Allowance
from lakemill.engines.streams.reading import Batch, Reading
from lakemill.engines.streams.registry import Registry
from lakemill.engines.streams.shards import Shard
from lakemill.engines.streams.stream import Stream

LIFE_S = 300.0
HELD_S = 5.0
QUIET_S = 5.0
"""After so long without a record an empty batch is sent, so that positions advance."""
LOOK_S = 0.5
BATCH_RECORDS = 10_000
BATCH_BYTES = 1 << 20

Place = tuple[str, str, int, int]


@dataclasses.dataclass(slots=True)
class Subscription:
    """One that was granted."""

    place: Place
    began_s: float
    over: bool = False
    """Another took its place, or the platform stops."""


class Subscriptions:
    """Those of this process. limited: no more than 2 MiB a second each."""

    def __init__(self, registry: Registry, reading: Reading, *, limited: bool) -> None:
        self._registry = registry
        self._reading = reading
        self._limited = limited
        self._last: dict[Place, Subscription] = {}
        self._closing = False

    def open(self, stream: Stream, consumer: Consumer, shard: Shard) -> Subscription:
        """A subscription, taking over from an older one. Raises SubscriptionHeld."""
        place = (stream.id, consumer.name, consumer.born_s, shard.number)
        now_s = self._registry.clock.time()
        last = self._last.get(place)
        if last is not None:
            if now_s - last.began_s < HELD_S:
                raise SubscriptionHeld(
                    f"Another active subscription exists for this consumer: {stream.account}:{stream.name}:"
                    f"{consumer.name}:{shard.id}"
                )
            last.over = True
        made = self._last[place] = Subscription(place, now_s)
        return made

    def close(self) -> None:
        """End all, so that the server can stop."""
        self._closing = True

    async def feed(
        self, subscription: Subscription, stream: Stream, shard: Shard, position: int
    ) -> AsyncIterator[Batch]:
        """Batches until the shard's end, five minutes, or the platform's stop.

        Raises SubscriptionHeld when another took over, StreamMissing, and what reading raises.
        """
        clock = self._registry.clock
        until_s = subscription.began_s + LIFE_S
        allowance = Allowance(READ_BYTES, clock.time())
        quiet_since_s = clock.time()
        while clock.time() < until_s and not self._closing:
            if subscription.over:
                raise SubscriptionHeld("Another subscription of this consumer to this shard took over.")
            batch = await self._read(stream, shard, position)
            position = batch.position
            if batch.records or batch.ended or clock.time() - quiet_since_s >= QUIET_S:
                yield batch
                quiet_since_s = clock.time()
            if batch.ended:
                return
            if batch.records and self._limited:
                allowance.use(batch.records.size())
                while not allowance.has(1, clock.time()) and not self._gone(subscription):
                    await asyncio.sleep(LOOK_S / 5)
            elif not batch.records:
                await self._reading.wait(stream, {shard.number: position}, LOOK_S)

    def _gone(self, subscription: Subscription) -> bool:
        return self._closing or subscription.over

    async def _read(self, stream: Stream, shard: Shard, position: int) -> Batch:
        if self._registry.by_id(stream.id) is None:
            raise StreamMissing(stream.scope, stream.name)
        return await self._reading.read(stream, shard, position, records=BATCH_RECORDS, size=BATCH_BYTES)
