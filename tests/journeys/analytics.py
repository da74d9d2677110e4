"""Applications for journeys: a role, streams, an application over them, and waiting for it."""

import json
import time

SERVICE = "kinesisanalytics.amazonaws.com"
ACCOUNT = "000000000000"
WAIT_S = 60


def role(lakemill, name, actions=("*",), resources=("*",)):
    """A role that the service may take; its ARN."""
    iam = lakemill.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": SERVICE}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    allow = {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy)
    return arn


def stream(lakemill, name, shards=1):
    """A stream that is active; its ARN."""
    kinesis = lakemill.client("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=shards)
    kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})
    return f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{name}"


def json_schema(**columns):
    """An InputSchema of JSON records: name=SQL type."""
    return {
        "RecordFormat": {
            "RecordFormatType": "JSON",
            "MappingParameters": {"JSONMappingParameters": {"RecordRowPath": "$"}},
        },
        "RecordEncoding": "UTF-8",
        "RecordColumns": [{"Name": name, "Mapping": f"$.{name}", "SqlType": kind} for name, kind in columns.items()],
    }


def put(lakemill, name, rows, key="k"):
    """Rows as JSON records, 500 at a time."""
    kinesis = lakemill.client("kinesis")
    records = [{"Data": json.dumps(row).encode(), "PartitionKey": key} for row in rows]
    for start in range(0, len(records), 500):
        assert kinesis.put_records(StreamName=name, Records=records[start : start + 500])["FailedRecordCount"] == 0


class Reader:
    """Reads all of a stream from its beginning, again and again."""

    def __init__(self, lakemill, name):
        self.kinesis = lakemill.client("kinesis")
        shards = self.kinesis.list_shards(StreamName=name)["Shards"]
        self.iterators = [
            self.kinesis.get_shard_iterator(
                StreamName=name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            for shard in shards
        ]
        self.data = []

    def until(self, count, wait_s=WAIT_S):
        """The data of at least so many records."""
        ends = time.monotonic() + wait_s
        while len(self.data) < count:
            assert time.monotonic() < ends, f"{len(self.data)} of {count} records came: {self.data[-3:]}"
            self.more()
            time.sleep(0.05)
        return self.data

    def more(self):
        for place, iterator in enumerate(self.iterators):
            answer = self.kinesis.get_records(ShardIterator=iterator, Limit=10_000)
            self.iterators[place] = answer["NextShardIterator"]
            self.data += [record["Data"] for record in answer["Records"]]


def status(client, name, wanted, wait_s=WAIT_S):
    """Wait for an application's status; its description."""
    ends = time.monotonic() + wait_s
    while True:
        detail = client.describe_application(ApplicationName=name)["ApplicationDetail"]
        if detail["ApplicationStatus"] == wanted:
            return detail
        assert time.monotonic() < ends, f"{name} is {detail['ApplicationStatus']}, not {wanted}"
        time.sleep(0.05)


def start(client, name, position="TRIM_HORIZON"):
    """Start an application of the first API and wait until it runs; its description."""
    detail = client.describe_application(ApplicationName=name)["ApplicationDetail"]
    configurations = [
        {"Id": one["InputId"], "InputStartingPositionConfiguration": {"InputStartingPosition": position}}
        for one in detail["InputDescriptions"]
    ]
    client.start_application(ApplicationName=name, InputConfigurations=configurations)
    return status(client, name, "RUNNING")


def stop(client, name):
    client.stop_application(ApplicationName=name)
    return status(client, name, "READY")
