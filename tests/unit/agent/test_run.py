"""The agent over files that grow, are renamed and cut; the service is a double that refuses as told."""

import threading

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from lakemill.agent.checkpoints import Checkpoints
from lakemill.agent.config import parse_config
from lakemill.agent.run import FlowRun


class Stream:
    """Takes records as `put_records` does. failures: what the next calls raise, or the places they refuse."""

    def __init__(self, failures=()):
        self.taken, self.keys, self.failures = [], [], list(failures)

    def put_records(self, StreamName, Records):
        failure = self.failures.pop(0) if self.failures else set()
        if isinstance(failure, Exception):
            raise failure
        answers = []
        for place, record in enumerate(Records):
            if place in failure:
                answers.append({"ErrorCode": "ProvisionedThroughputExceededException"})
            else:
                self.taken.append(record["Data"])
                self.keys.append(record["PartitionKey"])
                answers.append({"SequenceNumber": "1", "ShardId": "shardId-000000000000"})
        return {"Records": answers}


class Delivery:
    def __init__(self):
        self.taken = []

    def put_record_batch(self, DeliveryStreamName, Records):
        self.taken += [record["Data"] for record in Records]
        return {"RequestResponses": [{"RecordId": "1"} for _ in Records]}


@pytest.fixture
def world(tmp_path):
    """A factory: `world(service, **flow)` runs the flow over tmp_path/logs/*.log until everything there is sent."""
    (tmp_path / "logs").mkdir()

    def run(service, **flow):
        where = {"deliveryStream": "d"} if isinstance(service, Delivery) else {"kinesisStream": "s"}
        given = {"filePattern": str(tmp_path / "logs" / "*.log"), "initialPosition": "START_OF_FILE",
                 "retryInitialBackoffMillis": 1, "retryMaxBackoffMillis": 1} | where | flow  # fmt: skip
        config = parse_config({"flows": [given]})
        checkpoints = Checkpoints(tmp_path / "state" / "checkpoints.sqlite")
        made = FlowRun(config.flows[0], service, checkpoints, threading.Event(), lambda line: None)
        made.run(once=True)
        checkpoints.close()
        return made

    run.logs = tmp_path / "logs"
    return run


def test_lines_are_sent_once_over_several_runs(world):
    stream, log = Stream(), world.logs / "a.log"
    log.write_bytes(b"one\ntwo\nhal")
    world(stream)
    assert stream.taken == [b"one\n", b"two\n"]
    with log.open("ab") as file:
        file.write(b"f\nthree\n")
    world(stream)
    assert stream.taken == [b"one\n", b"two\n", b"half\n", b"three\n"]


def test_a_file_renamed_between_runs_is_read_on(world):
    stream, log = Stream(), world.logs / "a.log"
    log.write_bytes(b"one\n")
    world(stream)
    with log.open("ab") as file:
        file.write(b"two\n")
    log.rename(world.logs / "a.log.1")
    log.write_bytes(b"three\n")
    world(stream)
    assert sorted(stream.taken) == [b"one\n", b"three\n", b"two\n"]


def test_a_file_cut_to_nothing_begins_anew(world):
    stream, log = Stream(), world.logs / "a.log"
    log.write_bytes(b"one\ntwo\n")
    world(stream)
    log.write_bytes(b"three\n")
    world(stream)
    assert stream.taken[2:] == [b"three\n"]


def test_at_the_end_of_file_only_what_comes_later_is_sent(world):
    stream, log = Stream(), world.logs / "a.log"
    log.write_bytes(b"old\npart")
    world(stream, initialPosition="END_OF_FILE")
    with log.open("ab") as file:
        file.write(b"ial\nnew\n")
    world(stream, initialPosition="END_OF_FILE")
    assert stream.taken == [b"partial\n", b"new\n"]


def test_refused_records_and_failed_calls_are_sent_again(world):
    limited = ClientError({"Error": {"Code": "ProvisionedThroughputExceededException"}}, "PutRecords")
    stream = Stream([EndpointConnectionError(endpoint_url="http://x"), limited, {0, 2}])
    (world.logs / "a.log").write_bytes(b"1\n2\n3\n")
    made = world(stream)
    assert sorted(stream.taken) == [b"1\n", b"2\n", b"3\n"]
    assert made.sender.service_errors == 2


def test_a_stream_that_is_missing_ends_the_flow_and_loses_nothing(world):
    missing = ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "no s"}}, "PutRecords")
    (world.logs / "a.log").write_bytes(b"1\n")
    assert "no s" in world(Stream([missing])).refused
    stream = Stream()
    world(stream)
    assert stream.taken == [b"1\n"]


def test_records_of_several_lines(world):
    stream = Stream()
    (world.logs / "a.log").write_bytes(b"2024 a\n  at b\n2024 c\n")
    world(stream, multiLineStartPattern="\\d{4} ")
    assert stream.taken == [b"2024 a\n  at b\n", b"2024 c\n"]


def test_header_lines_are_skipped_and_what_does_not_match_is_left_out(world):
    stream = Stream()
    (world.logs / "a.log").write_bytes(b"name\nMar 12 12:00:08 h p: m\njunk\n")
    made = world(stream, skipHeaderLines=1, dataProcessingOptions=[{"optionName": "LOGTOJSON", "logFormat": "SYSLOG"}])
    assert len(stream.taken) == 1
    assert made.left_out == 1


def test_a_record_beyond_the_limit_is_cut_and_the_next_one_whole(world):
    stream = Stream()
    (world.logs / "a.log").write_bytes(b"x" * (2 << 20) + b"\nnext\n")
    world(stream, truncatedRecordTerminator="!")
    assert [len(one) for one in stream.taken] == [(1 << 20) - 36, 5]
    assert stream.taken[0].endswith(b"x!")


def test_equal_records_get_equal_keys_when_asked(world):
    stream = Stream()
    (world.logs / "a.log").write_bytes(b"a\na\nb\n")
    world(stream, partitionKeyOption="DETERMINISTIC")
    assert stream.keys[0] == stream.keys[1] != stream.keys[2]


def test_records_for_a_delivery_stream_are_joined(world):
    delivery = Delivery()
    (world.logs / "a.log").write_bytes(b"aaaa\nbbbb\ncccc\n")
    world(delivery, aggregatedRecordSizeBytes=10)
    assert delivery.taken == [b"aaaa\nbbbb\n", b"cccc\n"]


def test_batches_keep_to_the_number_of_records(world):
    stream = Stream()
    (world.logs / "a.log").write_bytes(b"".join(b"%d\n" % i for i in range(1203)))
    world(stream)
    assert stream.taken == [b"%d\n" % i for i in range(1203)]
