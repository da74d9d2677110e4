"""services/kinesis: records as they are answered, in both protocols."""

import base64
import json

import cbor2
import pytest

from lakemill.engines.streams import Shard
from lakemill.engines.streams.reading import Batch
from lakemill.gateway import models, protocols
from lakemill.ports.log import Record
from lakemill.services.kinesis.records import record_views

SHARD = Shard(3, 0, (1 << 128) - 1, (), 1_700_000_000_000, None, None)
JSON, CBOR = protocols.JSON_1_1, protocols.AMZ_CBOR


def batch(*positions):
    records = [Record(one, 1_700_000_000_500 + one, b"k" if one % 2 else b"", b"v%d" % one, b"") for one in positions]
    return Batch(records, [record.value for record in records], positions[-1] + 1 if positions else 0, False, 0)


def said(protocol):
    """The records of an answer, as a client reads them; times in milliseconds."""
    operation = models.operation_model("kinesis", "GetRecords")
    output = {"Records": record_views(SHARD, batch(8, 9)), "MillisBehindLatest": 0}
    body = protocol.encode(operation, output, "id").body
    if protocol is CBOR:
        return cbor2.loads(body, semantic_decoders={1: lambda millis, immutable=False: millis})["Records"]
    records = json.loads(body)["Records"]
    for record in records:
        record["Data"] = base64.b64decode(record["Data"])
        record["ApproximateArrivalTimestamp"] = round(record["ApproximateArrivalTimestamp"] * 1000)
    return records


@pytest.mark.parametrize("positions", [(), (0,), (7, 8), (8, 9), (98, 99, 100, 101)])
def test_sequence_numbers_of_many_are_those_of_each(positions):
    assert SHARD.sequences(list(positions)) == [SHARD.sequence(one) for one in positions]


@pytest.mark.parametrize("protocol", [JSON, CBOR], ids=["json", "cbor"])
def test_records_are_answered_alike_in_json_and_cbor(protocol):
    first, second = said(protocol)
    assert first == {
        "SequenceNumber": SHARD.sequence(8),
        "ApproximateArrivalTimestamp": 1_700_000_000_508,
        "Data": b"v8",
        "EncryptionType": "NONE",
    }
    assert second["PartitionKey"] == "k"
