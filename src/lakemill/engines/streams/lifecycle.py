"""The life of a stream: made, deleted, and cleaned up after."""

import contextlib
import secrets
from typing import Any

from lakemill.engines.streams import quotas
from lakemill.engines.streams.consumers import Consumers
from lakemill.engines.streams.errors import StreamBusy, StreamExists, StreamInUse, StreamMissing
from lakemill.engines.streams.limits import Limits
from lakemill.engines.streams.registry import Registry
from lakemill.engines.streams.sealing import Sealing
from lakemill.engines.streams.shards import Shard, uniform
from lakemill.engines.streams.stream import BY_KEY, EVENLY, PROVISIONED, Stream
from lakemill.engines.streams.writing import Writing
from lakemill.ports.log import Log, LogMissing
from lakemill.ports.metadata import Transaction

RECORD_KIB = 1024


class Lifecycle:
    """scope is "account/region"."""

    def __init__(
        self,
        registry: Registry,
        log: Log,
        writing: Writing,
        consumers: Consumers,
        sealing: Sealing | None,
        limits: Limits | None,
    ) -> None:
        self._registry = registry
        self._log = log
        self._writing = writing
        self._consumers = consumers
        self._sealing = sealing
        self._limits = limits

    async def create(
        self,
        scope: str,
        name: str,
        *,
        mode: str = PROVISIONED,
        shards: int = 1,
        tags: dict[str, str] | None = None,
        record_kib_max: int = RECORD_KIB,
        evenly: bool = False,
        warm: int | None = None,
    ) -> Stream:
        """Make a stream. Raises StreamExists, TooMany, TooManyTags."""
        if self._registry.find(scope, name) is not None:
            raise StreamExists(scope, name)
        quotas.check_room(self._registry.of(scope), scope, shards, mode)
        now_ms = self._registry.now_ms()
        made = [Shard(i, low, high, (), now_ms) for i, (low, high) in enumerate(uniform(shards))]
        document: dict[str, Any] = {
            "id": self._registry.new_id(),
            "revision": 0,
            "mode": mode,
            "status": "CREATING",
            "until_ms": now_ms + self._registry.settle_ms,
            "shards": [shard.packed() for shard in made],
            "next_number": shards,
            "retention_h": quotas.RETENTION_H[0],
            "floor_ms": 0,
            "record_kib_max": record_kib_max,
            "distribution": EVENLY if evenly else BY_KEY,
            "warm": warm,
            "key": None,
            "policy": None,
            "secret": secrets.token_bytes(32),
            "history": {},
        }
        # Written down before the log is made, so that a crash in between leaves nothing that is never deleted.
        await self._registry.mark_garbage(document["id"])
        await self._log.create(document["id"], shards)
        try:
            return await self._registry.create(scope, name, document, tags or {})
        except BaseException:
            await self._discard(document["id"])
            raise

    async def delete(self, scope: str, name: str, *, with_consumers: bool = False) -> None:
        """Remove a stream with all records. Raises StreamMissing, StreamBusy, StreamInUse."""
        stream = self._registry.get(scope, name)
        if (status := self._registry.status(stream)) not in ("ACTIVE", "CREATING"):
            raise StreamBusy(scope, name, status)
        if not with_consumers and self._consumers.of(stream):
            raise StreamInUse(scope, name)

        def also(transaction: Transaction) -> None:
            self._consumers.remove_in(transaction, stream)
            if self._sealing is not None:
                self._sealing.forget_in(transaction, stream.id)

        async with self._writing.gate(stream).closed():
            await self._registry.remove(stream, also)
        await self._discard(stream.id)
        self._writing.forget(stream.id)
        if self._sealing is not None:
            self._sealing.forget(stream.id)
        if self._limits is not None:
            self._limits.forget(stream.id)

    async def _discard(self, stream_id: str) -> None:
        await self._log.delete(stream_id)
        await self._registry.unmark_garbage(stream_id)

    async def clean(self) -> int:
        """Delete the logs an interrupted creation or deletion left; how many there were."""
        left = self._registry.garbage()
        for stream_id in left:
            await self._discard(stream_id)
        return len(left)

    async def expire(self) -> None:
        """Free records past their retention, and forget closed shards that hold none any more."""
        for stream in self._registry.everywhere():
            with contextlib.suppress(LogMissing, StreamMissing):  # Deleted meanwhile.
                await self._expire(stream)

    async def _expire(self, stream: Stream) -> None:
        now_ms = self._registry.now_ms()
        await self._log.trim(stream.id, stream.horizon_ms(now_ms))
        kept = {shard.number for shard in stream.kept(now_ms)}
        if len(kept) < len(stream.shards) and self._registry.status(stream) == "ACTIVE":
            await self._registry.change(stream, lambda document: _keep(document, kept))


def _keep(document: dict[str, Any], numbers: set[int]) -> None:
    """Only these of the shards it had; a newer one is above them all."""
    newest = max(numbers, default=-1)
    document["shards"] = [one for one in document["shards"] if one[0] in numbers or one[0] > newest]
