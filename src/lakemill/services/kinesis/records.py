"""Records: put, and read through iterators."""

from collections.abc import Sequence
from typing import Any

import msgspec

from lakemill.engines.streams import Placed, Put, RateExceeded, Shard, ShardMissing, Stream, iterators
from lakemill.engines.streams.reading import Batch
from lakemill.services.base import Call, Columns, operation
from lakemill.services.kinesis.errors import invalid, would_succeed
from lakemill.services.kinesis.naming import place_of
from lakemill.services.kinesis.part import Part
from lakemill.services.kinesis.views import child_views, encryption

PUT_BYTES_MAX = 10 << 20
GET_BYTES_MAX = 10 << 20
GET_RECORDS_MAX = 10_000
BY_SEQUENCE = ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER")


class RecordOperations(Part):
    """What a stream is for."""

    @operation("PutRecord")
    async def put_record(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope, name = self._place(call, request)
        stream = self._streams.registry.usable(scope, name)
        put = _put_of(request)
        if (before := request.get("SequenceNumberForOrdering")) is not None:
            # What is written later has a larger number anyway.
            self._streams.writing.check_order(stream, before)
        if request.get("DryRun"):
            self._check(stream, [put])
            raise would_succeed()
        (answer,) = await self._streams.put(scope, name, [put])
        if not isinstance(answer, Placed):
            raise RateExceeded(scope, name, answer.shard_id)
        sealed = encryption(stream.key is not None)
        return {"ShardId": answer.shard_id, "SequenceNumber": answer.sequence, "EncryptionType": sealed}

    @operation("PutRecords")
    async def put_records(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope, name = self._place(call, request)
        stream = self._streams.registry.usable(scope, name)
        puts = [_put_of(record) for record in request["Records"]]
        if sum([len(put.data) + len(put.partition_key or "") for put in puts]) > PUT_BYTES_MAX:
            raise invalid("Records size exceeds 10 MB limit")
        if request.get("DryRun"):
            self._check(stream, puts)
            raise would_succeed()
        failed, results = 0, []
        for answer in await self._streams.put(scope, name, puts):
            if isinstance(answer, Placed):
                shard = answer.shard
                results.append({"SequenceNumber": shard.sequence(answer.position), "ShardId": shard.id})
            else:
                failed += 1
                results.append({"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": answer.message})
        sealed = encryption(stream.key is not None)
        return {"FailedRecordCount": failed, "Records": results, "EncryptionType": sealed}

    def _check(self, stream: Stream, puts: list[Put]) -> None:
        """Raise what writing these would raise, short of limits."""
        self._streams.writing.check(stream, puts)

    @operation("GetShardIterator")
    async def get_shard_iterator(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        stream = self._streams.registry.usable(*self._place(call, request))
        now_ms = self._now_ms()
        shard = stream.named(request["ShardId"], now_ms)
        kind = request["ShardIteratorType"]
        sequence, time = request.get("StartingSequenceNumber"), request.get("Timestamp")
        check_start(kind, sequence, time)
        self._streams.reading.check_iterators(stream, shard)
        time_ms = None if time is None else int(time.timestamp() * 1000)
        position = await self._streams.reading.locate(stream, shard, kind, sequence=sequence, time_ms=time_ms)
        if request.get("DryRun"):
            raise would_succeed()
        return {"ShardIterator": iterators.made(stream, shard, position, now_ms)}

    @operation("GetRecords")
    async def get_records(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        stream, shard, position = place_of(call, request["ShardIterator"], self._streams)
        if {"StreamARN", "StreamId"} & request.keys() and self._stream(call, request) is not stream:
            raise invalid("The ShardIterator is one of another stream.")
        if stream.expired(shard, self._now_ms()):
            raise ShardMissing(stream.scope, stream.name, shard.id)
        if request.get("DryRun"):
            raise would_succeed()
        limit = request.get("Limit", GET_RECORDS_MAX)
        batch = await self._streams.reading.read_within_limits(
            stream, shard, position, records=limit, size=GET_BYTES_MAX
        )
        answer: dict[str, Any] = {
            "Records": record_views(shard, batch),
            "MillisBehindLatest": batch.behind_ms,
        }
        if batch.ended:
            newest = self._streams.registry.by_id(stream.id) or stream
            answer["ChildShards"] = child_views(newest, shard)
        else:
            answer["NextShardIterator"] = iterators.made(stream, shard, batch.position, self._now_ms())
        return answer


def _put_of(record: dict[str, Any]) -> Put:
    explicit = record.get("ExplicitHashKey")
    return Put(record.get("PartitionKey"), record["Data"], None if explicit is None else int(explicit))


def record_views(shard: Shard, batch: Batch) -> Columns:
    """Records as the API gives them."""
    records = batch.records
    members: dict[str, Sequence[Any]] = {
        "SequenceNumber": shard.sequences(records.positions),
        "ApproximateArrivalTimestamp": [time_ms / 1000 for time_ms in records.times],
        "Data": batch.data,
        "PartitionKey": [key.decode() or msgspec.UNSET for key in records.keys],
    }
    gaps = not all(records.keys)  # Some were written without a partition key.
    if not records.notes:
        return Columns(members, {"EncryptionType": "NONE"}, gaps=gaps)
    members["EncryptionType"] = ["KMS" if note else "NONE" for note in records.notes]
    return Columns(members, gaps=gaps)


def check_start(kind: str, sequence: str | None, time: Any) -> None:
    """Whether what a starting position needs is given, and nothing else. Raises ServiceError."""
    if kind == "AT_TIMESTAMP" and time is None:
        raise invalid(
            "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. "
            "Current request has no timestamp parameter."
        )
    if (kind in BY_SEQUENCE) != (sequence is not None):
        had = "no StartingSequenceNumber" if sequence is None else "also a StartingSequenceNumber"
        raise invalid(
            "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or "
            f"(2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified {kind} and {had}."
        )
