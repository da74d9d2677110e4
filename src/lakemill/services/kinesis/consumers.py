"""Enhanced fan-out: registered consumers, and the records sent to them."""

from collections.abc import AsyncIterator
from typing import Any

from lakemill.engines.streams import Shard, Stream
from lakemill.engines.streams.consumers import CONSUMERS_MAX, CONSUMERS_MAX_COMMITTED
from lakemill.engines.streams.stream import ON_DEMAND
from lakemill.engines.streams.subscriptions import Subscription
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.kinesis import tokens
from lakemill.services.kinesis.errors import as_service_error, invalid, would_succeed
from lakemill.services.kinesis.naming import consumer_named, stream_arn
from lakemill.services.kinesis.part import Part
from lakemill.services.kinesis.records import check_start, record_views
from lakemill.services.kinesis.tagging import checked_tags
from lakemill.services.kinesis.views import child_views, consumer_view

LISTED_DEFAULT = 100


class ConsumerOperations(Part):
    """Consumers and their subscriptions."""

    @operation("RegisterStreamConsumer")
    async def register_stream_consumer(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        stream = self._stream(call, request)
        committed = stream.mode == ON_DEMAND and self._streams.commitments.of(stream.scope)["enabled"]
        consumer = await self._streams.consumers.register(
            stream.scope,
            stream.name,
            request["ConsumerName"],
            checked_tags(request.get("Tags", {})),
            CONSUMERS_MAX_COMMITTED if committed else CONSUMERS_MAX,
        )
        return {"Consumer": consumer_view(stream, consumer, self._now_ms())}

    @operation("DeregisterStreamConsumer")
    async def deregister_stream_consumer(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        _, consumer = consumer_named(call, request, self._streams)
        await self._streams.consumers.deregister(consumer)
        return {}

    @operation("DescribeStreamConsumer")
    def describe_stream_consumer(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        stream, consumer = consumer_named(call, request, self._streams)
        view = consumer_view(stream, consumer, self._now_ms()) | {"StreamARN": stream_arn(stream)}
        return {"ConsumerDescription": view}

    @operation("ListStreamConsumers")
    def list_stream_consumers(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        stream = self._stream(call, request)
        made = request.get("StreamCreationTimestamp")
        if made is not None and int(made.timestamp()) != int(stream.created.timestamp()):
            raise ServiceError("ResourceNotFoundException", f"Stream {stream.name} was created at another time.")
        after = ""
        if "NextToken" in request:
            stream_id, after = tokens.read(request["NextToken"], "ListStreamConsumers", self._now_ms())
            if stream_id != stream.id:
                raise invalid("The NextToken is one of another stream.")
        limit = request.get("MaxResults", LISTED_DEFAULT)
        found = [one for one in self._streams.consumers.of(stream) if one.name > after]
        now_ms = self._now_ms()
        answer: dict[str, Any] = {"Consumers": [consumer_view(stream, one, now_ms) for one in found[:limit]]}
        if len(found) > limit:
            answer["NextToken"] = tokens.made("ListStreamConsumers", now_ms, stream.id, found[limit - 1].name)
        return answer

    @operation("SubscribeToShard")
    async def subscribe_to_shard(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        stream, consumer = consumer_named(call, request, self._streams)
        now_ms = self._now_ms()
        if consumer.status(now_ms) != "ACTIVE":
            raise ServiceError("ResourceInUseException", f"Consumer {consumer.name} is not ACTIVE.")
        shard = stream.named(request["ShardId"], now_ms)
        start = request["StartingPosition"]
        kind, sequence, time = start["Type"], start.get("SequenceNumber"), start.get("Timestamp")
        check_start(kind, sequence, time)
        time_ms = None if time is None else int(time.timestamp() * 1000)
        position = await self._streams.reading.locate(stream, shard, kind, sequence=sequence, time_ms=time_ms)
        if request.get("DryRun"):
            raise would_succeed()
        subscription = self._streams.subscriptions.open(stream, consumer, shard)
        return {"EventStream": self._events(subscription, stream, shard, position)}

    async def _events(
        self, subscription: Subscription, stream: Stream, shard: Shard, position: int
    ) -> AsyncIterator[dict[str, Any]]:
        """SubscribeToShardEvents. Raises ServiceError."""
        feed = self._streams.subscriptions.feed(subscription, stream, shard, position)
        try:
            async for batch in feed:
                event: dict[str, Any] = {
                    "Records": record_views(shard, batch),
                    "MillisBehindLatest": batch.behind_ms,
                }
                if batch.ended:
                    newest = self._streams.registry.by_id(stream.id) or stream
                    event["ChildShards"] = child_views(newest, shard)
                else:
                    # The number before the next record's: AFTER_SEQUENCE_NUMBER goes on with that one.
                    event["ContinuationSequenceNumber"] = shard.sequence(batch.position - 1)
                yield {"SubscribeToShardEvent": event}
        except Exception as error:
            if (known := as_service_error(error)) is not None:
                raise known from None
            raise
        finally:
            await feed.aclose()  # type: ignore[attr-defined]
