"""Processors that look at records one by one."""

import gzip
import json

import pytest

from lakemill.engines.delivery import Prefix, Record
from lakemill.engines.delivery.pool import WorkerPool
from lakemill.engines.delivery.rows import Rows
from lakemill.services.firehose.processing import Lot, Processing
from lakemill.services.firehose.steps import Delimiter, Documents, Keys, LogMessages, Pieces, Unzip


async def through(step, *values):
    """(data that came out, codes of failures)."""
    lots, failures = await step([Lot({}, Rows.of([Record(data, 1, n) for n, data in enumerate(values)]))])
    return [record.data for lot in lots for record in lot.records], [failure.code for failure in failures]


@pytest.mark.parametrize(
    ("data", "parts"),
    [
        (b'{"a":1}{"a":2}', [b'{"a":1}', b'{"a":2}']),
        (b'{"a":1}\n  {"a": {"b": "}{"}}\n', [b'{"a":1}', b'{"a": {"b": "}{"}}']),
        ('{"ä":"€"}{}'.encode(), ['{"ä":"€"}'.encode(), b"{}"]),
        (b"  ", []),
    ],
)
async def test_json_documents_are_taken_apart(data, parts):
    assert await through(Documents(), data) == (parts, [])


@pytest.mark.parametrize("data", [b"[1]", b'{"a":1}x', b'{"a":', b"\xff", b"{" * 100_000])
async def test_what_is_no_row_of_documents_fails_whole(data):
    assert await through(Documents(), data) == ([], ["RecordDeAggregation.Failed"])


async def test_parts_keep_the_place_of_their_record():
    (lot,), _ = await Documents()([Lot({}, Rows.of([Record(b"{}{}", 5, 9, "shard")]))])
    places = [(one.sequence, one.shard, one.sub) for one in lot.records]
    assert places == [(9, "shard", 0), (9, "shard", 1)]


async def test_delimited_text_is_taken_apart():
    assert await through(Pieces(b"##"), b"a##b##", b"c") == ([b"a", b"b", b"c"], [])


async def test_a_delimiter_is_appended():
    assert await through(Delimiter(b"\n"), b"a", b"") == ([b"a\n", b"\n"], [])


async def test_records_are_unpacked():
    whole = gzip.compress(b"a" * 1000)
    assert await through(Unzip(), whole, b"plain", whole[:-9]) == ([b"a" * 1000], ["Decompression.Failed"] * 2)


async def test_messages_of_logs_are_taken_out():
    envelope = {"messageType": "DATA_MESSAGE", "logEvents": [{"message": "one"}, {"message": "two"}]}
    control = {"messageType": "CONTROL_MESSAGE", "logEvents": []}
    values = [json.dumps(one).encode() for one in (envelope, control)]
    assert await through(LogMessages(), *values, b"{}") == ([b"one", b"two"], ["CloudWatchLogProcessing.Failed"])


@pytest.fixture(scope="module")
def pool():
    pool = WorkerPool(1)
    yield pool
    pool.close()


async def test_keys_are_taken_out_by_a_query(pool):
    query = '{who: .who, day: (.at|strftime("%F")), n: .n, yes: .yes}'
    step = Keys(pool, query, ["who", "day", "n", "yes"])
    (lot,), failures = await step([Lot({}, Rows.of([Record(b'{"who":"ann","at":0,"n":7,"yes":true}', 1, 1)]))])
    assert failures == []
    assert {name.rpartition(":")[2]: value for name, value in lot.keys.items()} == {
        "who": "ann",
        "day": "1970-01-01",
        "n": "7",
        "yes": "true",
    }


KEYLESS = [b"x", b"\xff", b"[]", b'{"a":null}', b'{"a":""}', b'{"a":{}}', b'{"a":"1"}{"a":"2"}', b""]


@pytest.mark.parametrize("data", KEYLESS)
async def test_a_record_without_a_key_fails(pool, data):
    assert await through(Keys(pool, "{a:.a}", ["a"]), data) == ([], ["DynamicPartitioning.MetadataExtractionFailed"])


async def test_keys_keep_lots_apart_and_their_records_in_order(pool):
    def lot(name, *numbers):
        return Lot({"f:k": name}, Rows.of([Record(b'{"a":%d}' % (n % 2), 1, n) for n in numbers]))

    lots, _ = await Keys(pool, "{a:.a}", ["a"], b"\n")([lot("x", 1, 3, 4), lot("y", 2, 5)])
    assert [(*one.keys.values(), [record.sequence for record in one.records]) for one in lots] == [
        ("x", "1", [1, 3]),
        ("y", "0", [2]),
        ("x", "0", [4]),
        ("y", "1", [5]),
    ]
    assert lots[0].records[0].data == b'{"a":1}\n'


async def test_partitions_whose_keys_look_alike_together_are_two():
    class Given:
        async def __call__(self, lots):
            records = list(lots[0].records)
            keys = [("a\x1fb", "c"), ("a", "b\x1fc")]
            named = [{f"partitionKeyFromLambda:{n}": value for n, value in zip("kl", one, strict=True)} for one in keys]
            return [Lot(one, Rows.of([record])) for one, record in zip(named, records, strict=True)], []

    prefix = Prefix("!{partitionKeyFromLambda:k}/!{partitionKeyFromLambda:l}/")
    done = await Processing([Given()], prefix)([Record(b"1", 1, 1), Record(b"2", 1, 2)])
    assert [[one.data for one in records] for _, records in done.partitions.values()] == [[b"1"], [b"2"]]


async def test_lots_that_differ_only_in_other_keys_are_one_partition():
    class Given:
        async def __call__(self, lots):
            named = [{"partitionKeyFromLambda:k": "a", "partitionKeyFromLambda:other": other} for other in "xy"]
            return [Lot(one, Rows.of([record])) for one, record in zip(named, lots[0].records, strict=True)], []

    done = await Processing([Given()], Prefix("!{partitionKeyFromLambda:k}/"))([Record(b"1", 1, 1), Record(b"2", 1, 2)])
    assert [[one.data for one in records] for _, records in done.partitions.values()] == [[b"1", b"2"]]


async def test_records_without_a_key_of_the_function_fail():
    done = await Processing([], Prefix("!{partitionKeyFromLambda:k}/"))([Record(b"1", 1, 1)])
    assert (done.partitions, [one.code for one in done.failures]) == ({}, ["DynamicPartitioning.PartitionKeyMissing"])


async def test_steps_follow_one_another_and_failures_are_collected():
    done = await Processing([Unzip(), Documents(), Delimiter(b"\n")])(
        [Record(gzip.compress(b'{"a":1}{"a":2}'), 1, 1), Record(b"plain", 1, 2), Record(gzip.compress(b"x"), 1, 3)]
    )
    assert [one.data for one in done.partitions[""][1]] == [b'{"a":1}\n', b'{"a":2}\n']
    assert [(one.code, one.record.sequence) for one in done.failures] == [
        ("Decompression.Failed", 2),
        ("RecordDeAggregation.Failed", 3),
    ]
