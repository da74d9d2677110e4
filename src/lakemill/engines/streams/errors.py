"""What can go wrong with streams.

StreamError
    StreamMissing        no stream has this name
    StreamExists         one has it already
    StreamBusy           it is being created, changed or deleted, so it cannot be changed now
    StreamInUse          consumers are registered, so it is not deleted
    ShardMissing         the stream has no such shard, or it has expired
    ShardClosed          it was split or merged already
    ShardsNotAdjacent    two shards that do not touch cannot be merged
    SplitOutside         a shard cannot be split at this hash key
    HashKeyOutside       an explicit hash key beyond 128 bits
    KeyAbsent            a record without partition key, where the stream places by it
    RecordTooLarge       data and partition key are more than the stream takes
    SequenceForeign      a sequence number that is not of this shard or stream
    IteratorBroken       an iterator that is none of ours
    IteratorExpired      one that is too old
    RateExceeded         a shard was written to or read from faster than its limit
    ChangeRefused        a change that the stream's present state does not allow
    TooMany              more of something than there may be
    ConsumerMissing      no consumer of this name or identity
    ConsumerExists       one has the name already
    SubscriptionHeld     another subscription of this consumer to this shard is active
    SealBroken           a record cannot be opened with its data key
"""


class StreamError(Exception):
    """Base of all."""


def _whose(scope: str, name: str) -> str:
    return f"{name} under account {scope.partition('/')[0]}"


class StreamMissing(StreamError):
    """Fields: scope, name."""

    def __init__(self, scope: str, name: str) -> None:
        super().__init__(f"Stream {_whose(scope, name)} not found.")
        self.scope, self.name = scope, name


class StreamExists(StreamError):
    def __init__(self, scope: str, name: str) -> None:
        super().__init__(f"Stream {_whose(scope, name)} already exists.")


class StreamBusy(StreamError):
    """Field: status."""

    def __init__(self, scope: str, name: str, status: str) -> None:
        super().__init__(f"Stream {_whose(scope, name)} not ACTIVE, instead in state {status}")
        self.status = status


class StreamInUse(StreamError):
    def __init__(self, scope: str, name: str) -> None:
        super().__init__(f"Stream {_whose(scope, name)} has registered consumers; they must be deleted first.")


class ShardMissing(StreamError):
    def __init__(self, scope: str, name: str, shard: str) -> None:
        super().__init__(f"Shard {shard} in stream {_whose(scope, name)} does not exist")


class ShardClosed(StreamError):
    def __init__(self, scope: str, name: str, shard: str) -> None:
        super().__init__(
            f"Shard {shard} in stream {_whose(scope, name)} has already been merged or split, "
            "and thus is not eligible for merging or splitting."
        )


class ShardsNotAdjacent(StreamError):
    def __init__(self, scope: str, name: str, first: str, second: str) -> None:
        super().__init__(
            f"Shards {first} and {second} in stream {_whose(scope, name)} "
            "are not an adjacent pair of shards eligible for merging"
        )


class SplitOutside(StreamError):
    def __init__(self, scope: str, name: str, shard: str, key: int, low: int, high: int) -> None:
        super().__init__(
            f"NewStartingHashKey {key} used in SplitShard() on shard {shard} in stream {_whose(scope, name)} "
            f"is not both greater than one plus the shard's StartingHashKey {low} "
            f"and less than the shard's EndingHashKey {high}."
        )


class HashKeyOutside(StreamError):
    def __init__(self, key: int) -> None:
        super().__init__(
            f"Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was {key}"
        )


class KeyAbsent(StreamError):
    def __init__(self) -> None:
        super().__init__(
            "1 validation error detected: Value null at 'partitionKey' failed to satisfy constraint: "
            "Member must not be null"
        )


class RecordTooLarge(StreamError):
    """Fields: size, size_max (bytes)."""

    def __init__(self, size: int, size_max: int) -> None:
        super().__init__(
            f"1 validation error detected: Value 'java.nio.HeapByteBuffer[pos=0 lim={size} cap={size}]' at 'data' "
            f"failed to satisfy constraint: Member must have length less than or equal to {size_max}"
        )
        self.size, self.size_max = size, size_max


class SequenceForeign(StreamError):
    pass


class IteratorBroken(StreamError):
    def __init__(self) -> None:
        super().__init__("Invalid ShardIterator.")


class IteratorExpired(StreamError):
    def __init__(self, made: str, now: str) -> None:
        super().__init__(
            f"Iterator expired. The iterator was created at time {made} while right now it is {now} "
            "which is further in the future than the tolerated delay of 300000 milliseconds."
        )


class RateExceeded(StreamError):
    def __init__(self, scope: str, name: str, shard: str) -> None:
        super().__init__(f"Rate exceeded for shard {shard} in stream {_whose(scope, name)}.")


class ChangeRefused(StreamError):
    pass


class TooMany(StreamError):
    pass


class ConsumerMissing(StreamError):
    pass


class ConsumerExists(StreamError):
    pass


class SubscriptionHeld(StreamError):
    pass


class SealBroken(StreamError):
    pass
