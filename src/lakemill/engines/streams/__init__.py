"""Streams: ordered records in shards, kept for a time. See `engine` for how they are used."""

from lakemill.engines.streams.consumers import Consumer
from lakemill.engines.streams.engine import Streams
from lakemill.engines.streams.errors import (
    ChangeRefused,
    ConsumerExists,
    ConsumerMissing,
    HashKeyOutside,
    IteratorBroken,
    IteratorExpired,
    KeyAbsent,
    RateExceeded,
    RecordTooLarge,
    SealBroken,
    SequenceForeign,
    ShardClosed,
    ShardMissing,
    ShardsNotAdjacent,
    SplitOutside,
    StreamBusy,
    StreamError,
    StreamExists,
    StreamInUse,
    StreamMissing,
    SubscriptionHeld,
    TooMany,
)
from lakemill.engines.streams.reader import StreamReader
from lakemill.engines.streams.reading import Batch as ShardBatch
from lakemill.engines.streams.records import Placed, Put, Refused, Start, StreamRecord
from lakemill.engines.streams.shards import Shard
from lakemill.engines.streams.stream import Stream

__all__ = [
    "ChangeRefused",
    "Consumer",
    "ConsumerExists",
    "ConsumerMissing",
    "HashKeyOutside",
    "IteratorBroken",
    "IteratorExpired",
    "KeyAbsent",
    "Placed",
    "Put",
    "RateExceeded",
    "RecordTooLarge",
    "Refused",
    "SealBroken",
    "SequenceForeign",
    "Shard",
    "ShardBatch",
    "ShardClosed",
    "ShardMissing",
    "ShardsNotAdjacent",
    "SplitOutside",
    "Start",
    "Stream",
    "StreamBusy",
    "StreamError",
    "StreamExists",
    "StreamInUse",
    "StreamMissing",
    "StreamReader",
    "StreamRecord",
    "Streams",
    "SubscriptionHeld",
    "TooMany",
]
