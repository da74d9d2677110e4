"""Streams: made, described, listed, deleted, and what is set on them."""

from typing import Any

from lakemill.engines.streams import Stream
from lakemill.engines.streams.resharding import ON_DEMAND_SHARDS
from lakemill.engines.streams.stream import ON_DEMAND, PROVISIONED
from lakemill.services.base import Call, operation
from lakemill.services.kinesis import tokens
from lakemill.services.kinesis.errors import invalid, null
from lakemill.services.kinesis.naming import scope_of, stream_arn
from lakemill.services.kinesis.part import Part
from lakemill.services.kinesis.tagging import checked_tags
from lakemill.services.kinesis.views import common_view, shard_view, warm_view

DESCRIBED_SHARDS_MAX = 100
LISTED_DEFAULT = 100


class StreamOperations(Part):
    """The life of streams."""

    @operation("CreateStream")
    async def create_stream(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        mode = request.get("StreamModeDetails", {}).get("StreamMode", PROVISIONED)
        shards, warm = request.get("ShardCount"), request.get("WarmThroughputMiBps")
        evenly = request.get("RecordDistributionStrategy", "USER_PARTITION_KEY") == "AUTO"
        if mode == PROVISIONED:
            if shards is None:
                raise null("shardCount")
            if warm is not None or evenly:
                raise invalid("WarmThroughputMiBps and the strategy AUTO are for on-demand streams.")
        elif shards is not None:
            raise invalid("ShardCount is for provisioned streams; on-demand streams manage their shards.")
        else:
            if warm is not None:
                self._check_commitment(scope_of(call))
            shards = max(ON_DEMAND_SHARDS, warm or 0)
        await self._streams.create(
            scope_of(call),
            request["StreamName"],
            mode=mode,
            shards=shards,
            tags=checked_tags(request.get("Tags", {})),
            record_kib_max=request.get("MaxRecordSizeInKiB", 1024),
            evenly=evenly,
            warm=warm,
        )
        return {}

    @operation("DeleteStream")
    async def delete_stream(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        with_consumers = request.get("EnforceConsumerDeletion", False)
        await self._streams.delete(*self._place(call, request), with_consumers=with_consumers)
        return {}

    @operation("DescribeStream")
    def describe_stream(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        stream = self._stream(call, request)
        limit = min(request.get("Limit", DESCRIBED_SHARDS_MAX), DESCRIBED_SHARDS_MAX)
        after = request.get("ExclusiveStartShardId", "")
        shards = [shard for shard in stream.kept(self._now_ms()) if shard.id > after]
        description = common_view(stream, self._streams.registry.status(stream)) | {
            "Shards": [shard_view(shard) for shard in shards[:limit]],
            "HasMoreShards": len(shards) > limit,
        }
        return {"StreamDescription": description}

    @operation("DescribeStreamSummary")
    def describe_stream_summary(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        stream = self._stream(call, request)
        summary = common_view(stream, self._streams.registry.status(stream)) | {
            "StreamId": stream.id,
            "OpenShardCount": len(stream.open),
            "ConsumerCount": len(self._streams.consumers.of(stream)),
            "MaxRecordSizeInKiB": stream.record_bytes_max // 1024,
        }
        if stream.mode == ON_DEMAND:
            summary["RecordDistributionStrategy"] = "AUTO" if stream.evenly else "USER_PARTITION_KEY"
        if (warm := warm_view(stream)) is not None:
            summary["WarmThroughput"] = warm
        return {"StreamDescriptionSummary": summary}

    @operation("ListStreams")
    def list_streams(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        after = request.get("ExclusiveStartStreamName", "")
        if "NextToken" in request:
            (after,) = tokens.read(request["NextToken"], "ListStreams", self._now_ms())
        limit = request.get("Limit", LISTED_DEFAULT)
        found = [stream for stream in self._streams.registry.of(scope_of(call)) if stream.name > after]
        page = found[:limit]
        answer: dict[str, Any] = {
            "StreamNames": [stream.name for stream in page],
            "HasMoreStreams": len(found) > limit,
            "StreamSummaries": [self._summary(stream) for stream in page],
        }
        if len(found) > limit:
            answer["NextToken"] = tokens.made("ListStreams", self._now_ms(), page[-1].name)
        return answer

    def _summary(self, stream: Stream) -> dict[str, Any]:
        return {
            "StreamName": stream.name,
            "StreamARN": stream_arn(stream),
            "StreamStatus": self._streams.registry.status(stream),
            "StreamModeDetails": {"StreamMode": stream.mode},
            "StreamCreationTimestamp": stream.created,
        }

    @operation("UpdateStreamMode")
    async def update_stream_mode(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope, name = self._place(call, request)
        mode, warm = request["StreamModeDetails"]["StreamMode"], request.get("WarmThroughputMiBps")
        if warm is not None:
            if mode != ON_DEMAND:
                raise invalid("WarmThroughputMiBps is only for a change to on-demand mode.")
            self._check_commitment(scope)
        await self._streams.configuring.switch_mode(scope, name, mode)
        if warm is not None:
            await self._streams.resharding.warm(scope, name, warm, settling=True)
        return {}

    @operation("UpdateStreamWarmThroughput")
    async def update_stream_warm_throughput(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope, name = self._place(call, request)
        self._check_commitment(scope)
        stream = await self._streams.resharding.warm(scope, name, request["WarmThroughputMiBps"])
        return {"StreamARN": stream_arn(stream), "StreamName": name, "WarmThroughput": warm_view(stream)}

    def _check_commitment(self, scope: str) -> None:
        if not self._streams.commitments.of(scope)["enabled"]:
            raise invalid(
                "Warm throughput needs an account with MinimumThroughputBillingCommitment; "
                "UpdateAccountSettings enables it."
            )
