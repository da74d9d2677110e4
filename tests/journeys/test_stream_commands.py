"""`lakemill stream put` and `lakemill stream tail`."""

import json
import subprocess
import sys
import threading

import pytest


def command(lakemill, *arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "lakemill", "stream", *arguments, "--data", str(lakemill.data)],
        capture_output=True,
        text=True,
        timeout=60,
        **options,
    )


def test_lines_go_in_by_a_field_and_come_out_again(lakemill):
    lines = "".join(json.dumps({"user": f"u{i % 3}", "n": i}) + "\n" for i in range(1200))
    done = command(lakemill, "put", "lines", "--key", "user", "--create", "2", input=lines)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("Put 1,200 records")
    plain = command(lakemill, "tail", "lines", "--from-start", "--no-follow")
    assert sorted(plain.stdout.splitlines()) == sorted(lines.splitlines())
    rich = [
        json.loads(line)
        for line in command(lakemill, "tail", "lines", "--from-start", "--no-follow", "--json").stdout.splitlines()
    ]
    assert {(one["partition_key"], json.loads(one["data"])["user"]) for one in rich} == {
        (f"u{i}",) * 2 for i in range(3)
    }
    for user in ("u0", "u1", "u2"):
        own = [json.loads(one["data"])["n"] for one in rich if one["partition_key"] == user]
        assert own == sorted(own) and len(own) == 400


def test_tail_prints_records_as_they_come_across_a_split(lakemill):
    kinesis = lakemill.client("kinesis")
    kinesis.create_stream(StreamName="live", ShardCount=1)
    place = ["--data", str(lakemill.data)]
    with subprocess.Popen(
        [sys.executable, "-m", "lakemill", "stream", "tail", "live", "--from-start", *place],
        stdout=subprocess.PIPE,
        text=True,
    ) as tail:
        stop = threading.Timer(60, tail.kill)
        stop.start()
        try:
            for i in range(6):
                if i == 3:
                    kinesis.split_shard(
                        StreamName="live", ShardToSplit="shardId-000000000000", NewStartingHashKey=str(1 << 127)
                    )
                kinesis.put_record(StreamName="live", Data=b"line %d" % i, PartitionKey="k")
                assert tail.stdout.readline() == f"line {i}\n"
        finally:
            stop.cancel()
            tail.kill()


@pytest.mark.parametrize(
    ("arguments", "given", "says"),
    [
        (["tail", "none"], "", "Stream none under account 000000000000 not found."),
        (["put", "none"], "line\n", "the records were refused: Stream none under account"),
        (["put", "none", "--key", "user"], '{"name": 1}\n', "line 1 is no JSON object with a field user"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(lakemill, arguments, given, says):
    done = command(lakemill, *arguments, input=given)
    assert done.returncode == 1 and says in done.stderr and "Traceback" not in done.stderr
