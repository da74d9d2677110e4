"""Consumers: registered readers of a stream, each with a throughput of its own."""

import dataclasses
import datetime
from typing import Any

from lakemill.engines.streams.errors import ConsumerExists, ConsumerMissing, StreamMissing, TooMany
from lakemill.engines.streams.registry import Registry
from lakemill.engines.streams.stream import Stream
from lakemill.ports.metadata import Transaction, prefix_end

TABLE = "stream_consumers"
CONSUMERS_MAX = 20
CONSUMERS_MAX_COMMITTED = 50
"""For on-demand streams of a scope with a throughput commitment."""
CREATING_MAX = 5


@dataclasses.dataclass(frozen=True, slots=True)
class Consumer:
    """A registered consumer. born_s tells two of the same name apart."""

    stream_id: str
    name: str
    born_s: int
    until_ms: int
    tags: dict[str, str]
    policy: dict[str, Any] | None

    @property
    def created(self) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(self.born_s, datetime.UTC)

    def status(self, now_ms: int) -> str:
        """CREATING or ACTIVE."""
        return "CREATING" if now_ms < self.until_ms else "ACTIVE"


class Consumers:
    """All consumers of all streams: a document each, under stream id and name."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def register(
        self, scope: str, stream_name: str, name: str, tags: dict[str, str], most: int = CONSUMERS_MAX
    ) -> Consumer:
        """Raises StreamMissing, ConsumerExists, TooMany."""
        stream = self._registry.usable(scope, stream_name)
        now_ms = self._registry.now_ms()

        def work(transaction: Transaction) -> dict[str, Any]:
            if self._registry.by_id(stream.id) is None:
                raise StreamMissing(scope, stream_name)
            if transaction.get(TABLE, _key(stream.id, name)) is not None:
                raise ConsumerExists(
                    f"Consumer {name} of stream {stream_name} under account {stream.account} already exists."
                )
            others = [_consumer(one) for _, one in transaction.scan(TABLE, *_range(stream.id))]
            if len(others) >= most:
                raise TooMany(f"Stream {stream_name} has {most} registered consumers, which is the limit.")
            if sum(one.status(now_ms) == "CREATING" for one in others) >= CREATING_MAX:
                raise TooMany(
                    f"{CREATING_MAX} consumers of stream {stream_name} are being created, which is the limit."
                )
            document = {
                "stream_id": stream.id,
                "name": name,
                "born_s": now_ms // 1000,
                "until_ms": now_ms + self._registry.settle_ms,
                "tags": tags,
                "policy": None,
            }
            transaction.put(TABLE, _key(stream.id, name), document)
            return document

        return _consumer(await self._registry.metadata.transact(work))

    async def deregister(self, consumer: Consumer) -> None:
        """Raises ConsumerMissing."""
        stored = _key(consumer.stream_id, consumer.name)
        if not await self._registry.metadata.transact(lambda transaction: transaction.delete(TABLE, stored)):
            raise ConsumerMissing(f"Consumer {consumer.name} not found.")

    def of(self, stream: Stream) -> list[Consumer]:
        """The consumers of a stream in the order of their names."""
        return [_consumer(one) for _, one in self._registry.metadata.scan(TABLE, *_range(stream.id))]

    def named(self, stream: Stream, name: str, born_s: int | None = None) -> Consumer:
        """The consumer of this name (and birth). Raises ConsumerMissing."""
        document = self._registry.metadata.get(TABLE, _key(stream.id, name))
        if document is None or (born_s is not None and document["born_s"] != born_s):
            whose = f"under stream {stream.name} under account {stream.account}"
            raise ConsumerMissing(f"Consumer {name}, {whose} not found.")
        return _consumer(document)

    def policy(self, stream: Stream, name: str, born_s: int) -> dict[str, Any] | None:
        """The policy of a consumer, None if it has none or is not there."""
        document = self._registry.metadata.get(TABLE, _key(stream.id, name))
        return document["policy"] if document is not None and document["born_s"] == born_s else None

    async def set_policy(self, consumer: Consumer, policy: dict[str, Any] | None) -> None:
        """Keep a policy document with the consumer, or remove it. Raises ConsumerMissing."""
        await self._change(consumer, lambda document: document.update(policy=policy))

    async def retag(self, consumer: Consumer, add: dict[str, str], remove: list[str]) -> None:
        """Add and remove tags. Raises ConsumerMissing, TooMany."""

        def change(document: dict[str, Any]) -> None:
            tags = {key: value for key, value in (document["tags"] | add).items() if key not in remove}
            if len(tags) > 50:
                raise TooMany(f"Consumer {consumer.name} would have more than 50 tags.")
            document["tags"] = tags

        await self._change(consumer, change)

    async def _change(self, consumer: Consumer, change: Any) -> None:
        def work(transaction: Transaction) -> None:
            document = transaction.get(TABLE, _key(consumer.stream_id, consumer.name))
            if document is None:
                raise ConsumerMissing(f"Consumer {consumer.name} not found.")
            change(document)
            transaction.put(TABLE, _key(consumer.stream_id, consumer.name), document)

        await self._registry.metadata.transact(work)

    def remove_in(self, transaction: Transaction, stream: Stream) -> None:
        """Remove all of a stream."""
        for key, _ in list(transaction.scan(TABLE, *_range(stream.id))):
            transaction.delete(TABLE, key)


def _key(stream_id: str, name: str) -> str:
    return f"{stream_id}/{name}"


def _range(stream_id: str) -> tuple[str, str | None]:
    return f"{stream_id}/", prefix_end(f"{stream_id}/")


def _consumer(document: dict[str, Any]) -> Consumer:
    return Consumer(**document)
