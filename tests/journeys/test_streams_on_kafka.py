"""Kinesis with its records in a Kafka cluster."""

import subprocess
import sys

import pytest
from tests.kafka_broker import kafka_broker
from tests.running import Lakemill

pytest.importorskip("confluent_kafka")


def records_of(kinesis):
    (shard,) = kinesis.list_shards(StreamName="clicks")["Shards"]
    where = {"StreamName": "clicks", "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    found = kinesis.get_records(ShardIterator=kinesis.get_shard_iterator(**where)["ShardIterator"])
    return [(record["SequenceNumber"], record["PartitionKey"], record["Data"]) for record in found["Records"]]


def test_records_are_kept_in_kafka_and_outlive_kill_9_of_lakemill(tmp_path):
    options = ("--stream-limits", "off", "--log-url")
    with kafka_broker() as broker, Lakemill(tmp_path, *options, f"kafka://{broker}") as lakemill:
        kinesis = lakemill.client("kinesis")
        kinesis.create_stream(StreamName="clicks", ShardCount=1)
        kinesis.get_waiter("stream_exists").wait(StreamName="clicks")
        sent = []
        for i in range(20):
            data = b"click %d" % i
            answer = kinesis.put_record(StreamName="clicks", Data=data, PartitionKey=f"user-{i}")
            sent.append((answer["SequenceNumber"], f"user-{i}", data))
        assert records_of(kinesis) == sent
        lakemill.kill()
        lakemill.start()
        kinesis = lakemill.client("kinesis")
        answer = kinesis.put_record(StreamName="clicks", Data=b"later", PartitionKey="user")
        assert records_of(kinesis) == [*sent, (answer["SequenceNumber"], "user", b"later")]
        assert int(answer["SequenceNumber"]) > int(sent[-1][0])
        assert not (tmp_path / "log").exists()


@pytest.mark.parametrize(("url", "reason"), [("mysql://db", "must be empty or kafka"), ("kafka://", "must be kafka")])
def test_a_log_url_that_cannot_be_used_is_refused_at_the_start(tmp_path, url, reason):
    command = [sys.executable, "-m", "lakemill", "up", "--port", "0", "--data", str(tmp_path), "--log-url", url]
    outcome = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert outcome.returncode == 1
    assert reason in outcome.stderr
    assert "Traceback" not in outcome.stderr
