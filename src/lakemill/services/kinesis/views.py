"""Streams, shards and consumers in the API's shapes."""

from typing import Any

from lakemill.engines.streams import Consumer, Shard, Stream
from lakemill.services.kinesis.naming import consumer_arn, stream_arn


def shard_view(shard: Shard) -> dict[str, Any]:
    """A Shard."""
    sequences = {"StartingSequenceNumber": shard.sequence(-1)}
    if shard.end is not None:
        sequences["EndingSequenceNumber"] = shard.sequence(shard.end)
    view: dict[str, Any] = {
        "ShardId": shard.id,
        "HashKeyRange": hash_range(shard),
        "SequenceNumberRange": sequences,
    }
    if shard.parents:
        view["ParentShardId"] = f"shardId-{shard.parents[0]:012d}"
    if len(shard.parents) > 1:
        view["AdjacentParentShardId"] = f"shardId-{shard.parents[1]:012d}"
    return view


def hash_range(shard: Shard) -> dict[str, str]:
    """A HashKeyRange."""
    return {"StartingHashKey": str(shard.low), "EndingHashKey": str(shard.high)}


def child_views(stream: Stream, shard: Shard) -> list[dict[str, Any]]:
    """The ChildShards of a shard that was read to its end."""
    return [
        {
            "ShardId": child.id,
            "ParentShards": [f"shardId-{number:012d}" for number in child.parents],
            "HashKeyRange": hash_range(child),
        }
        for child in stream.children(shard)
    ]


def common_view(stream: Stream, status: str) -> dict[str, Any]:
    """What StreamDescription and StreamDescriptionSummary share."""
    view: dict[str, Any] = {
        "StreamName": stream.name,
        "StreamARN": stream_arn(stream),
        "StreamStatus": status,
        "StreamModeDetails": {"StreamMode": stream.mode},
        "RetentionPeriodHours": stream.retention_h,
        "StreamCreationTimestamp": stream.created,
        "EnhancedMonitoring": [{"ShardLevelMetrics": []}],
        "EncryptionType": encryption(stream.key is not None),
    }
    if stream.key is not None:
        view["KeyId"] = stream.key
    return view


def encryption(sealed: bool) -> str:
    """An EncryptionType."""
    return "KMS" if sealed else "NONE"


def warm_view(stream: Stream) -> dict[str, int] | None:
    """A WarmThroughput: each open shard takes a MiB a second. None where none was set."""
    warm = stream.document["warm"]
    return None if warm is None else {"TargetMiBps": warm, "CurrentMiBps": len(stream.open)}


def consumer_view(stream: Stream, consumer: Consumer, now_ms: int) -> dict[str, Any]:
    """A Consumer."""
    return {
        "ConsumerName": consumer.name,
        "ConsumerARN": consumer_arn(stream, consumer),
        "ConsumerStatus": consumer.status(now_ms),
        "ConsumerCreationTimestamp": consumer.created,
    }
