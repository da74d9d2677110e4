"""Shards: listed, split, merged, counted."""

from typing import Any

from lakemill.engines.streams import Shard, Stream
from lakemill.engines.streams.stream import HOUR_MS
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.kinesis import tokens
from lakemill.services.kinesis.errors import invalid
from lakemill.services.kinesis.naming import stream_arn
from lakemill.services.kinesis.part import Part
from lakemill.services.kinesis.views import shard_view

LISTED_MAX = 1000


class ShardOperations(Part):
    """The shards of a stream."""

    @operation("ListShards")
    def list_shards(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        stream, after, wanted = self._listing(call, request)
        limit = min(request.get("MaxResults", LISTED_MAX), LISTED_MAX)
        shards = [shard for shard in filtered(stream, wanted, self._now_ms()) if shard.number > after]
        answer: dict[str, Any] = {"Shards": [shard_view(shard) for shard in shards[:limit]]}
        if len(shards) > limit:
            last = shards[limit - 1].number
            answer["NextToken"] = tokens.made("ListShards", self._now_ms(), stream.id, last, *wanted)
        return answer

    def _listing(self, call: Call, request: dict[str, Any]) -> tuple[Stream, int, tuple[str, int, int]]:
        """The stream, the number of the last shard seen, and the filter: its type, shard number, time in ms."""
        if "NextToken" in request:
            for member in ("StreamName", "ExclusiveStartShardId", "StreamCreationTimestamp", "ShardFilter"):
                if member in request:
                    raise invalid(f"NextToken and {member} cannot be provided together.")
            state = tokens.read(request["NextToken"], "ListShards", self._now_ms())
            stream_id, after, kind, number, time_ms = state
            found = self._streams.registry.by_id(stream_id)
            if found is None:
                raise ServiceError("ResourceNotFoundException", "The stream of this NextToken was deleted.")
            if {"StreamARN", "StreamId"} & request.keys() and self._stream(call, request) is not found:
                raise invalid("The NextToken is one of another stream.")
            return found, after, (kind, number, time_ms)
        stream = self._stream(call, request)
        made = request.get("StreamCreationTimestamp")
        if made is not None and int(made.timestamp()) != int(stream.created.timestamp()):
            raise ServiceError(
                "ResourceNotFoundException", f"No stream {stream.name} was created at {made:%Y-%m-%d %H:%M:%S} UTC."
            )
        after = -1
        if "ExclusiveStartShardId" in request:
            after = number_of(request["ExclusiveStartShardId"])
        return stream, after, _filter_of(request.get("ShardFilter"))

    @operation("SplitShard")
    async def split_shard(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        at = int(request["NewStartingHashKey"])
        await self._streams.resharding.split(*self._place(call, request), request["ShardToSplit"], at)
        return {}

    @operation("MergeShards")
    async def merge_shards(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        first, second = request["ShardToMerge"], request["AdjacentShardToMerge"]
        await self._streams.resharding.merge(*self._place(call, request), first, second)
        return {}

    @operation("UpdateShardCount")
    async def update_shard_count(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        count = request["TargetShardCount"]
        if request["ScalingType"] != "UNIFORM_SCALING":
            raise invalid("ScalingType must be UNIFORM_SCALING.")
        before, stream = await self._streams.resharding.scale(*self._place(call, request), count)
        return {
            "StreamName": stream.name,
            "StreamARN": stream_arn(stream),
            "CurrentShardCount": before,
            "TargetShardCount": count,
        }


def number_of(shard_id: str) -> int:
    """The number in a shard's id; one that is none comes before all.

    >>> number_of("shardId-000000000012")
    12
    """
    digits = shard_id.rpartition("-")[2]
    return int(digits) if digits.isdecimal() and len(digits) <= 20 else -1


def _filter_of(given: dict[str, Any] | None) -> tuple[str, int, int]:
    """Type, shard number and time of a ShardFilter. Raises ServiceError."""
    if given is None:
        return "FROM_TRIM_HORIZON", -1, 0
    kind = given["Type"]
    by_id, by_time = kind == "AFTER_SHARD_ID", kind in ("AT_TIMESTAMP", "FROM_TIMESTAMP")
    if by_id != ("ShardId" in given) or by_time != ("Timestamp" in given):
        raise invalid(
            f"ShardFilter of type {kind} takes "
            f"{'a ShardId' if by_id else 'a Timestamp' if by_time else 'neither ShardId nor Timestamp'} alone."
        )
    number = number_of(given["ShardId"]) if by_id else -1
    return kind, number, int(given["Timestamp"].timestamp() * 1000) if by_time else 0


def filtered(stream: Stream, wanted: tuple[str, int, int], now_ms: int) -> list[Shard]:
    """The shards a ShardFilter lets through, in the order of their numbers."""
    kind, number, time_ms = wanted
    kept = stream.kept(now_ms)
    horizon_ms = max(now_ms - stream.retention_h * HOUR_MS, min(shard.born_ms for shard in stream.shards))
    time_ms = min(max(time_ms, horizon_ms), now_ms)
    if kind == "AT_LATEST":
        return [shard for shard in kept if shard.open]
    if kind == "AFTER_SHARD_ID":
        return [shard for shard in kept if shard.number > number]
    if kind in ("AT_TIMESTAMP", "AT_TRIM_HORIZON"):
        at_ms = time_ms if kind == "AT_TIMESTAMP" else horizon_ms
        return [s for s in kept if s.born_ms <= at_ms and (s.closed_ms is None or s.closed_ms > at_ms)]
    if kind == "FROM_TIMESTAMP":
        return [shard for shard in kept if shard.closed_ms is None or shard.closed_ms >= time_ms]
    return kept
