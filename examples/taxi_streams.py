"""Data in motion: a time series played into a stream, landed as Parquet, its anomalies marked by SQL while it flows.

    lakemill run -- python examples/taxi_streams.py        (needs boto3 and pyarrow)

The passengers of New York's taxis, half-hour by half-hour. Firehose reads the stream and writes Parquet files by month,
with the schema of a table in the Glue catalog. A SQL application of Kinesis Analytics gives every record a score by
RANDOM_CUT_FOREST. Five events are known; the demonstration says which of them stand out.
"""

import csv
import io
import json
import time
from pathlib import Path

import boto3
import pyarrow.parquet as parquet
from steps import Step

DATA = Path(__file__).parent / "data" / "nab"
FOREST = "100, 256, 100000, 24"
"""Trees, records in a tree, records that count, half-hours that are looked at together."""
SQL = f"""
CREATE OR REPLACE STREAM "SCORED" ("time" VARCHAR(19), "passengers" INTEGER, "score" DOUBLE);
CREATE OR REPLACE PUMP "SCORES" AS INSERT INTO "SCORED"
SELECT STREAM "time", "passengers", "ANOMALY_SCORE"
FROM TABLE(RANDOM_CUT_FOREST(CURSOR(SELECT STREAM * FROM "SOURCE_SQL_STREAM_001"), {FOREST}));
"""
COLUMNS = {"time": ("VARCHAR(19)", "timestamp"), "passengers": ("INTEGER", "int")}
"""Name: type in SQL, type in the catalog."""
SKIPPED = 0.15
"""The first records teach the forest; they are not judged."""

iam, sts, s3, glue = (boto3.client(name) for name in ("iam", "sts", "s3", "glue"))
kinesis, firehose, analytics = (boto3.client(name) for name in ("kinesis", "firehose", "kinesisanalyticsv2"))
bucket = f"taxi-lake-{sts.get_caller_identity()['Account']}"


def service_role() -> str:
    """ARN of a role that Firehose and Kinesis Analytics may take."""
    services = ["firehose.amazonaws.com", "kinesisanalytics.amazonaws.com"]
    trust = {"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"}
    rights = {"Effect": "Allow", "Action": ["s3:*", "kinesis:*", "glue:Get*", "logs:*"], "Resource": "*"}
    role = iam.create_role(
        RoleName="taxi-streams", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )["Role"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": [rights]})
    iam.put_role_policy(RoleName="taxi-streams", PolicyName="streams", PolicyDocument=policy)
    return role["Arn"]


def make_stream(name: str) -> str:
    """Its ARN."""
    kinesis.create_stream(StreamName=name, ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})
    return kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]


def make_table() -> None:
    glue.create_database(DatabaseInput={"Name": "taxi"})
    columns = [{"Name": name, "Type": kind} for name, (_, kind) in COLUMNS.items()]
    place = {
        "Columns": columns,
        "Location": f"s3://{bucket}/rides/",
        "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
        "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
        "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
    }
    table = {"Name": "rides", "StorageDescriptor": place, "PartitionKeys": [{"Name": "month", "Type": "string"}]}
    glue.create_table(DatabaseName="taxi", TableInput=table | {"TableType": "EXTERNAL_TABLE"})


def make_delivery(stream: str, role: str) -> None:
    """From the stream to Parquet files, a folder a month of the records' own time."""
    month = {"ParameterName": "MetadataExtractionQuery", "ParameterValue": "{month: .time[0:7]}"}
    engine = {"ParameterName": "JsonParsingEngine", "ParameterValue": "JQ-1.6"}
    schema = {"DatabaseName": "taxi", "TableName": "rides", "RoleARN": role, "Region": "us-east-1"}
    firehose.create_delivery_stream(
        DeliveryStreamName="taxi-to-lake",
        DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration={"KinesisStreamARN": stream, "RoleARN": role},
        ExtendedS3DestinationConfiguration={
            "RoleARN": role,
            "BucketARN": f"arn:aws:s3:::{bucket}",
            "Prefix": "rides/month=!{partitionKeyFromQuery:month}/",
            "ErrorOutputPrefix": "errors/!{firehose:error-output-type}/",
            "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 3},
            "DynamicPartitioningConfiguration": {"Enabled": True},
            "ProcessingConfiguration": {
                "Enabled": True,
                "Processors": [{"Type": "MetadataExtraction", "Parameters": [month, engine]}],
            },
            "DataFormatConversionConfiguration": {
                "Enabled": True,
                "SchemaConfiguration": schema,
                "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
                "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}},
            },
        },
    )
    while True:
        found = firehose.describe_delivery_stream(DeliveryStreamName="taxi-to-lake")["DeliveryStreamDescription"]
        if found["DeliveryStreamStatus"] == "ACTIVE":
            return
        time.sleep(0.2)


def start_application(source: str, target: str, role: str) -> None:
    """The SQL application between two streams."""
    columns = [{"Name": name, "SqlType": kind, "Mapping": f"$.{name}"} for name, (kind, _) in COLUMNS.items()]
    form = {"RecordFormatType": "JSON", "MappingParameters": {"JSONMappingParameters": {"RecordRowPath": "$"}}}
    arrives = {
        "NamePrefix": "SOURCE_SQL_STREAM",
        "KinesisStreamsInput": {"ResourceARN": source},
        "InputSchema": {"RecordFormat": form, "RecordColumns": columns},
    }
    leaves = {
        "Name": "SCORED",
        "KinesisStreamsOutput": {"ResourceARN": target},
        "DestinationSchema": {"RecordFormatType": "JSON"},
    }
    made = analytics.create_application(
        ApplicationName="taxi-anomalies",
        RuntimeEnvironment="SQL-1_0",
        ServiceExecutionRole=role,
        ApplicationConfiguration={
            "SqlApplicationConfiguration": {"Inputs": [arrives], "Outputs": [leaves]},
            "ApplicationCodeConfiguration": {"CodeContent": {"TextContent": SQL}, "CodeContentType": "PLAINTEXT"},
        },
    )["ApplicationDetail"]["ApplicationConfigurationDescription"]["SqlApplicationConfigurationDescription"]
    start = {
        "InputId": made["InputDescriptions"][0]["InputId"],
        "InputStartingPositionConfiguration": {"InputStartingPosition": "TRIM_HORIZON"},
    }
    analytics.start_application(ApplicationName="taxi-anomalies", RunConfiguration={"SqlRunConfigurations": [start]})
    while True:
        state = analytics.describe_application(ApplicationName="taxi-anomalies")["ApplicationDetail"]
        if state["ApplicationStatus"] == "RUNNING":
            return
        time.sleep(0.2)


def play(rows: list[dict], step: Step) -> None:
    """All rows into the stream, in order; what its shard has no room for in this second is sent again."""
    for start in range(0, len(rows), 250):
        left = [{"Data": json.dumps(row).encode(), "PartitionKey": "taxi"} for row in rows[start : start + 250]]
        while left:
            answers = kinesis.put_records(StreamName="taxi", Records=left)["Records"]
            left = [record for record, one in zip(left, answers, strict=True) if "ErrorCode" in one]
            if left:
                time.sleep(0.2)
        step.say(f"{start + 250:,} of {len(rows):,} records, now at {rows[start]['time']}")


def scored(count: int, step: Step) -> list[dict]:
    """What the SQL application wrote, in order."""
    shard = kinesis.list_shards(StreamName="taxi-scored")["Shards"][0]["ShardId"]
    found, iterator = [], kinesis.get_shard_iterator(
        StreamName="taxi-scored", ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]  # fmt: skip
    while len(found) < count:
        answer = kinesis.get_records(ShardIterator=iterator)
        found += [json.loads(record["Data"]) for record in answer["Records"]]
        iterator = answer["NextShardIterator"]
        step.say(f"{len(found):,} of {count:,} records have a score")
        time.sleep(0.25)
    return found


def events_found(scores: list[dict]) -> dict[str, tuple[str, float] | None]:
    """Event -> time and height of its highest score, or None if that is not above 99.5 % of the scores elsewhere."""
    events = json.loads((DATA / "nyc_taxi_events.json").read_text())
    judged = scores[int(SKIPPED * len(scores)) :]
    elsewhere = sorted(
        one["score"] for one in judged if not any(e["begins"] <= one["time"] <= e["ends"] for e in events)
    )
    limit = elsewhere[int(0.995 * len(elsewhere))]
    found = {}
    for event in events:
        best = max(
            (one for one in judged if event["begins"] <= one["time"] <= event["ends"]), key=lambda one: one["score"]
        )
        found[event["event"]] = (best["time"], best["score"]) if best["score"] > limit else None
    return found


def landed(count: int, step: Step) -> dict[str, int]:
    """Rows by folder, once all are there."""
    while True:
        rows: dict[str, int] = {}
        for one in s3.list_objects_v2(Bucket=bucket, Prefix="rides/").get("Contents", []):
            body = s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read()
            folder = one["Key"].split("/")[1]
            rows[folder] = rows.get(folder, 0) + parquet.read_metadata(io.BytesIO(body)).num_rows
        step.say(f"{sum(rows.values()):,} of {count:,} rows are in Parquet files")
        if sum(rows.values()) >= count:
            return rows
        time.sleep(0.5)


def main() -> None:
    with (DATA / "nyc_taxi.csv").open() as file:
        rows = [{"time": row["timestamp"], "passengers": int(row["value"])} for row in csv.DictReader(file)]
    with Step("prepare streams") as step:
        s3.create_bucket(Bucket=bucket)
        role = service_role()
        source, target = make_stream("taxi"), make_stream("taxi-scored")
        make_table()
        make_delivery(source, role)
        start_application(source, target, role)
        step.what = "two streams, a table, a delivery stream, a SQL application"
    with Step("play the series") as step:
        play(rows, step)
        step.what = f"{len(rows):,} half-hours of taxi rides by PutRecords"
    with Step("find anomalies by SQL") as step:
        found = events_found(scored(len(rows), step))
        seen = [f"{event} ({when[0][:16]})" for event, when in found.items() if when]
        step.what = "RANDOM_CUT_FOREST found " + (", ".join(seen) or "none of the events")
        step.quality = f"{len(seen)} of {len(found)} events"
        step.reference = "AWS's forest in Java 3 of 5"
    with Step("land in the lake") as step:
        folders = landed(len(rows), step)
        step.what = f"{sum(folders.values()):,} rows in s3://{bucket}/rides/: {', '.join(folders)}"


if __name__ == "__main__":
    main()
