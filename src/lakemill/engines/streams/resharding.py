"""Changing the shards of a stream that is written to and read meanwhile."""

from collections.abc import Callable
from typing import Any

from lakemill.engines.streams import quotas
from lakemill.engines.streams.errors import ChangeRefused, ShardClosed, ShardsNotAdjacent, SplitOutside
from lakemill.engines.streams.layout import Layout
from lakemill.engines.streams.registry import Registry
from lakemill.engines.streams.stream import ON_DEMAND, PROVISIONED, Stream
from lakemill.engines.streams.writing import Writing
from lakemill.ports.log import Log

ON_DEMAND_SHARDS = 4
"""On-demand streams have so many at least."""

Plan = Callable[[Stream, Layout], None]


class Resharding:
    """scope is "account/region"."""

    def __init__(self, registry: Registry, log: Log, writing: Writing) -> None:
        self._registry = registry
        self._log = log
        self._writing = writing

    async def split(self, scope: str, name: str, shard_id: str, at: int) -> Stream:
        """Split a shard at a hash key. Raises ShardMissing, ShardClosed, SplitOutside, StreamBusy, TooMany."""

        def plan(stream: Stream, layout: Layout) -> None:
            shard = stream.named(shard_id, self._registry.now_ms())
            if not shard.open:
                raise ShardClosed(scope, name, shard.id)
            if not shard.low + 1 < at < shard.high:
                raise SplitOutside(scope, name, shard.id, at, shard.low, shard.high)
            layout.split(shard, at)

        return await self._reshard(scope, name, plan, "SplitShard")

    async def merge(self, scope: str, name: str, first_id: str, second_id: str) -> Stream:
        """Merge two neighbours. Raises ShardMissing, ShardClosed, ShardsNotAdjacent, StreamBusy."""

        def plan(stream: Stream, layout: Layout) -> None:
            first, second = (stream.named(one, self._registry.now_ms()) for one in (first_id, second_id))
            for shard in (first, second):
                if not shard.open:
                    raise ShardClosed(scope, name, shard.id)
            if first.high + 1 != second.low and second.high + 1 != first.low:
                raise ShardsNotAdjacent(scope, name, first.id, second.id)
            layout.merge(first, second)

        return await self._reshard(scope, name, plan, "MergeShards")

    async def scale(self, scope: str, name: str, count: int) -> tuple[int, Stream]:
        """Have so many equal shards; how many there were. Raises ChangeRefused, TooMany, StreamBusy."""
        before = len(self._registry.changeable(scope, name).open)

        def plan(stream: Stream, layout: Layout) -> None:
            quotas.check_scaling(stream, count)
            quotas.check_daily(stream, "scalings", self._registry.now_ms())
            layout.scale(count)

        return before, await self._reshard(scope, name, plan, "UpdateShardCount")

    async def warm(self, scope: str, name: str, mib_per_s: int, *, settling: bool = False) -> Stream:
        """Have room for so much writing: a shard for each MiB a second, and four at least. On-demand streams only.

        settling: right after a change of the mode. Raises ChangeRefused, TooMany, StreamBusy.
        """

        def plan(stream: Stream, layout: Layout) -> None:
            if stream.mode != ON_DEMAND:
                raise ChangeRefused(f"Warm throughput is for on-demand streams; stream {name} is provisioned.")
            layout.scale(max(ON_DEMAND_SHARDS, mib_per_s))

        return await self._reshard(scope, name, plan, None, settling=settling, warm=mib_per_s)

    async def _reshard(
        self, scope: str, name: str, plan: Plan, operation: str | None, *, settling: bool = False, **also: Any
    ) -> Stream:
        """operation: what is only for provisioned streams."""
        async with self._registry.held(scope, name, settling=settling) as stream:
            if operation and stream.mode != PROVISIONED:
                raise ChangeRefused(
                    f"Request is invalid. Stream {name} under account {stream.account} is in On-Demand mode; "
                    f"{operation} is for provisioned streams."
                )
            async with self._writing.gate(stream).closed():
                now_ms = self._registry.now_ms()
                layout = Layout(
                    stream.shards,
                    stream.document["next_number"],
                    now_ms,
                    lambda number: self._log.bounds(stream.id, number).next,
                )
                plan(stream, layout)
                added = len(layout.open()) - len(stream.open)
                if added > 0:
                    quotas.check_room(self._registry.of(scope), scope, added, PROVISIONED)
                await self._log.grow(stream.id, layout.next_number)

                def change(document: dict[str, Any]) -> None:
                    document["shards"] = [shard.packed() for shard in layout.shards]
                    document["next_number"] = layout.next_number
                    document.update(also)
                    if operation == "UpdateShardCount":
                        quotas.note(document, "scalings", now_ms)
                    self._registry.settle(document)

                return await self._registry.change(stream, change)
