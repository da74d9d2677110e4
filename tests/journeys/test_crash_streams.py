"""The platform is killed while records stream in: none that was acknowledged is lost, and work goes on."""

import json
import random
import time

import pytest
from tests.journeys import crash, crash_streams

KILLS_DAILY, KILLS_SLOW = 6, 100
SQL = """
CREATE OR REPLACE STREAM "SEEN" ("w" VARCHAR(16), "n" INTEGER);
CREATE OR REPLACE PUMP "P" AS INSERT INTO "SEEN" SELECT STREAM "w", "n" FROM "SOURCE_SQL_STREAM_001";
"""
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": ["firehose.amazonaws.com", "kinesisanalytics.amazonaws.com"]},
            "Action": "sts:AssumeRole",
        }
    ],
}
ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


class Line:
    """A stream, a delivery stream of its own and one that follows the stream, and a SQL application."""

    def __init__(self, running, seed):
        self.running, self.draw = running, random.Random(seed)
        iam, s3, kinesis = (running.client(name) for name in ("iam", "s3", "kinesis"))
        role = iam.create_role(RoleName="line", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        iam.put_role_policy(RoleName="line", PolicyName="all", PolicyDocument=json.dumps(ALL))
        for bucket in ("crash-delivered", "crash-followed"):
            s3.create_bucket(Bucket=bucket)
        self.arns = {}
        for stream, shards in (("crash", 2), ("seen", 1)):
            kinesis.create_stream(StreamName=stream, ShardCount=shards)
            kinesis.get_waiter("stream_exists").wait(StreamName=stream, WaiterConfig={"Delay": 1})
            self.arns[stream] = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"][
                "StreamARN"
            ]
        self._deliver(role)
        self._analyse(role)
        self.records = [crash_streams.Records(seed + i, name=f"w{i}") for i in range(3)]
        self.deliveries = crash_streams.Deliveries(seed + 8)
        self.load = crash.Load(*self.records, self.deliveries, crash_streams.Reshaper(seed + 9))
        self.load.connect(running)

    def _deliver(self, role):
        firehose = self.running.client("firehose")
        for name, bucket, source in (("crash", "crash-delivered", None), ("follows", "crash-followed", "crash")):
            where = {
                "RoleARN": role,
                "BucketARN": f"arn:aws:s3:::{bucket}",
                "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 1},
                "CompressionFormat": "GZIP",
            }
            options = {"DeliveryStreamType": "DirectPut"}
            if source:
                from_stream = {"KinesisStreamARN": self.arns[source], "RoleARN": role}
                options = {
                    "DeliveryStreamType": "KinesisStreamAsSource",
                    "KinesisStreamSourceConfiguration": from_stream,
                }
            firehose.create_delivery_stream(
                DeliveryStreamName=name, ExtendedS3DestinationConfiguration=where, **options
            )
            crash_streams.until(
                lambda name=name: (
                    firehose.describe_delivery_stream(DeliveryStreamName=name)["DeliveryStreamDescription"][
                        "DeliveryStreamStatus"
                    ]
                    == "ACTIVE"
                )
            )

    def _analyse(self, role):
        analytics = self.running.client("kinesisanalyticsv2")
        columns = [{"Name": "w", "SqlType": "VARCHAR(16)"}, {"Name": "n", "SqlType": "INTEGER"}]
        columns.append({"Name": "padding", "SqlType": "VARCHAR(4)"})
        csv = {
            "MappingParameters": {"CSVMappingParameters": {"RecordRowDelimiter": "\n", "RecordColumnDelimiter": " "}}
        }
        schema = {"RecordFormat": {"RecordFormatType": "CSV", **csv}, "RecordColumns": columns}
        source = {
            "NamePrefix": "SOURCE_SQL_STREAM",
            "KinesisStreamsInput": {"ResourceARN": self.arns["crash"]},
            "InputSchema": schema,
        }
        target = {
            "Name": "SEEN",
            "KinesisStreamsOutput": {"ResourceARN": self.arns["seen"]},
            "DestinationSchema": {"RecordFormatType": "JSON"},
        }
        made = analytics.create_application(
            ApplicationName="crash",
            RuntimeEnvironment="SQL-1_0",
            ServiceExecutionRole=role,
            ApplicationConfiguration={
                "SqlApplicationConfiguration": {"Inputs": [source], "Outputs": [target]},
                "ApplicationCodeConfiguration": {"CodeContent": {"TextContent": SQL}, "CodeContentType": "PLAINTEXT"},
            },
        )["ApplicationDetail"]
        inputs = made["ApplicationConfigurationDescription"]["SqlApplicationConfigurationDescription"]
        start = {
            "InputId": inputs["InputDescriptions"][0]["InputId"],
            "InputStartingPositionConfiguration": {"InputStartingPosition": "TRIM_HORIZON"},
        }
        analytics.start_application(ApplicationName="crash", RunConfiguration={"SqlRunConfigurations": [start]})

    def killed(self):
        """Let them work, kill, start again on the same folder and port, and look at everything."""
        self.load.go()
        time.sleep(self.draw.uniform(0.1, 1.2))
        self.running.kill()
        self.load.halt()
        self.running.start()
        self.load.connect(self.running)
        self.load.check()

    def seen(self):
        """(writer, number) of all that the SQL application wrote."""
        kinesis, found = self.running.client("kinesis"), set()
        shard = kinesis.list_shards(StreamName="seen")["Shards"][0]["ShardId"]
        iterator = kinesis.get_shard_iterator(StreamName="seen", ShardId=shard, ShardIteratorType="TRIM_HORIZON")
        iterator = iterator["ShardIterator"]
        while True:
            answer = kinesis.get_records(ShardIterator=iterator)
            rows = [json.loads(record["Data"]) for record in answer["Records"]]
            found |= {(row["w"], row["n"]) for row in rows}
            iterator = answer["NextShardIterator"]
            if not answer["Records"] and not answer["MillisBehindLatest"]:
                return found


def killed_many_times(running, kills, seed):
    line = Line(running, seed)
    for _ in range(kills):
        line.killed()
    acknowledged = {(one.name, number) for one in line.records for number in one.truth}
    assert len(acknowledged) > 50 * kills
    s3 = running.client("s3")
    crash_streams.until(lambda: not line.deliveries.missing())
    crash_streams.until(lambda: acknowledged <= set(crash_streams.delivered(s3, "crash-followed")))
    crash_streams.until(lambda: acknowledged <= line.seen())
    assert [text for text in running.requests if "Traceback" in text] == []
    return len(acknowledged) + len(line.deliveries.truth)


@pytest.mark.long
def test_acknowledged_records_survive_kills_at_any_moment(fresh):
    print(killed_many_times(fresh(), KILLS_DAILY, seed=1))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_acknowledged_records_survive_a_hundred_kills(fresh):
    print(killed_many_times(fresh(), KILLS_SLOW, seed=2))
