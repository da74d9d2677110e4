"""The platform is killed while JSON is made into Parquet: what was acknowledged arrives, in files that are whole."""

import io
import json
import random
import time

import pyarrow.parquet
import pytest
from aws_kinesis_agg.aggregator import RecordAggregator
from tests.journeys import crash, crash_streams
from tests.journeys.firehose_site import Site

KILLS = 6
COLUMNS = [{"Name": "n", "Type": "bigint"}, {"Name": "said", "Type": "string"}]


class Documents(crash_streams.Deliveries):
    """Documents in batches of all sizes: some are small enough to be read at once, others stay in the log."""

    delivery = "converts"

    def step(self):
        numbers = list(range(self.number + 1, self.number + 1 + self.draw.choice([1, 30, 400])))
        self.number = numbers[-1]
        self.pending = numbers
        self.put([json.dumps({"n": n, "said": "x" * (n % 500)}).encode() for n in numbers])
        self.truth.update(numbers)

    def put(self, values):
        records = [{"Data": value} for value in values]
        answer = self.firehose.put_record_batch(DeliveryStreamName=self.delivery, Records=records)
        assert answer["FailedPutCount"] == 0


class Streamed(Documents):
    """Documents that come through a data stream, some of them packed into one record."""

    def connect(self, lakemill):
        super().connect(lakemill)
        self.kinesis = lakemill.client("kinesis")

    def put(self, values):
        aggregator = RecordAggregator()
        for value in values[1:4]:
            aggregator.add_user_record("k", value)
        values = [values[0], *([aggregator.clear_and_get().get_contents()[2]] if values[1:4] else []), *values[4:]]
        records = [{"Data": value, "PartitionKey": f"key-{number}"} for number, value in enumerate(values)]
        answer = self.kinesis.put_records(StreamName="converted", Records=records)
        assert answer["FailedRecordCount"] == 0


def followed(site):
    """A data stream, as a source."""
    kinesis = site.running.client("kinesis")
    kinesis.create_stream(StreamName="converted", StreamModeDetails={"StreamMode": "ON_DEMAND"})
    kinesis.get_waiter("stream_exists").wait(StreamName="converted", WaiterConfig={"Delay": 1})
    arn = kinesis.describe_stream_summary(StreamName="converted")["StreamDescriptionSummary"]["StreamARN"]
    source = {"KinesisStreamARN": arn, "RoleARN": site.role}
    return {"DeliveryStreamType": "KinesisStreamAsSource", "KinesisStreamSourceConfiguration": source}


def converting(site, source):
    glue = site.running.client("glue")
    glue.create_database(DatabaseInput={"Name": "crash"})
    glue.create_table(DatabaseName="crash", TableInput={"Name": "said", "StorageDescriptor": {"Columns": COLUMNS}})
    site.stream(
        Documents.delivery,
        source=source,
        Prefix="said/",
        BufferingHints={"SizeInMBs": 64, "IntervalInSeconds": 1},
        DataFormatConversionConfiguration={
            "SchemaConfiguration": {"RoleARN": site.role, "DatabaseName": "crash", "TableName": "said"},
            "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
            "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}},
        },
    )


class Arrived:
    """The rows of all files, each of which is read once."""

    def __init__(self, site):
        self.site, self.files = site, {}

    def numbers(self):
        for key in set(self.site.keys("said/")) - set(self.files):
            body = self.site.s3.get_object(Bucket=self.site.bucket, Key=key)["Body"].read()
            rows = pyarrow.parquet.read_table(io.BytesIO(body)).to_pylist()
            assert all(one["said"] == "x" * (one["n"] % 500) for one in rows)
            self.files[key] = {one["n"] for one in rows}
        return set().union(*self.files.values())


@pytest.mark.slow
@pytest.mark.parametrize("kind", [Documents, Streamed])
def test_acknowledged_documents_are_converted_whenever_the_platform_is_killed(fresh, kind):
    running, draw = fresh(), random.Random(3)
    site = Site(running, "crash-converted")
    converting(site, followed(site) if kind is Streamed else None)
    documents = kind(4)
    load = crash.Load(documents)
    load.connect(running)
    for _ in range(KILLS):
        load.go()
        time.sleep(draw.uniform(0.5, 2.5))
        running.kill()
        load.halt()
        running.start()
        load.connect(running)
    arrived = Arrived(Site(running, "crash-converted"))
    assert len(documents.truth) > 1000
    crash_streams.until(lambda: documents.truth <= arrived.numbers())
    assert [text for text in running.requests if "Traceback" in text] == []
