"""services/kinesis: records as they are answered, in both protocols."""

import base64
import json

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakemill.engines.streams import Shard
from lakemill.engines.streams.reading import Batch
from lakemill.gateway import models, protocols
from lakemill.ports.log import Record, Records
from lakemill.services.kinesis.records import record_views

SHARD = Shard(3, 0, (1 << 128) - 1, (), 1_700_000_000_000, None, None)
JSON, CBOR = protocols.JSON_1_1, protocols.AMZ_CBOR


def batch(records):
    found = Records.of(records)
    return Batch(found, found.values, 0, False, 0)


def said(protocol, records):
    """The records of an answer, as a client reads them; times in milliseconds."""
    operation = models.operation_model("kinesis", "GetRecords")
    output = {"Records": record_views(SHARD, batch(records)), "MillisBehindLatest": 0}
    body = protocol.encode(operation, output, "id").body
    if protocol is CBOR:
        return cbor2.loads(body, semantic_decoders={1: lambda millis, immutable=False: millis})["Records"]
    found = json.loads(body)["Records"]
    for record in found:
        record["Data"] = base64.b64decode(record["Data"], validate=True)
        record["ApproximateArrivalTimestamp"] = round(record["ApproximateArrivalTimestamp"] * 1000)
    return found


def expected(record):
    """What a client should read."""
    view = {
        "SequenceNumber": SHARD.sequence(record.position),
        "ApproximateArrivalTimestamp": record.time_ms,
        "Data": record.value,
        "PartitionKey": record.key.decode(),
        "EncryptionType": "KMS" if record.note else "NONE",
    }
    return {name: value for name, value in view.items() if name != "PartitionKey" or value}


@pytest.mark.parametrize("positions", [(), (0,), (7, 8), (8, 9), (98, 99, 100, 101)])
def test_sequence_numbers_of_many_are_those_of_each(positions):
    assert SHARD.sequences(list(positions)) == [SHARD.sequence(one) for one in positions]


KEYS = st.one_of(st.just("k"), st.text(max_size=5))
DATA = st.one_of(st.binary(max_size=5), st.builds(bytes, st.integers(0, 2000)))
NOTES = st.sampled_from([b"", b"", b"sealed"])


@pytest.mark.parametrize("protocol", [JSON, CBOR], ids=["json", "cbor"])
@given(rows=st.lists(st.tuples(KEYS, DATA, NOTES), max_size=6))
def test_records_are_answered_alike_in_json_and_cbor(protocol, rows):
    records = [
        Record(97 + n, 1_700_000_000_500 + n // 2, key.encode(), data, note) for n, (key, data, note) in enumerate(rows)
    ]
    assert said(protocol, records) == [expected(record) for record in records]


@pytest.mark.parametrize("protocol", [JSON, CBOR], ids=["json", "cbor"])
@pytest.mark.parametrize("keys", ["", "a", "ab", 'a "', "a\\", "a\n", "aä", "a\x00\x7f", "日本"])
def test_any_partition_key_is_answered_beside_long_data(protocol, keys):
    records = [Record(8 + n, 5, key.encode(), bytes(range(256)) * 4, b"") for n, key in enumerate(["", *keys])]
    for some in (records, records[1:]):
        assert said(protocol, some) == [expected(record) for record in some]
