"""The agent follows files into a running lakemill."""

import json
import signal
import subprocess
import sys
import time

import pytest


def command(lakemill, config, *options):
    return [sys.executable, "-m", "lakemill", "agent", str(config), "--data", str(lakemill.data), *options]


def records(kinesis, stream):
    found = []
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        iterator = kinesis.get_shard_iterator(
            StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        found += [one["Data"] for one in kinesis.get_records(ShardIterator=iterator)["Records"]]
    return found


def made(lakemill, stream):
    kinesis = lakemill.client("kinesis")
    kinesis.create_stream(StreamName=stream, ShardCount=2)
    kinesis.get_waiter("stream_exists").wait(StreamName=stream, WaiterConfig={"Delay": 1})
    return kinesis


@pytest.mark.long
def test_lines_that_are_appended_arrive_while_the_agent_runs_and_after_it_was_killed(lakemill, tmp_path):
    kinesis = made(lakemill, "agent-follows")
    log, config = tmp_path / "app.log", tmp_path / "agent.json"
    log.write_text("before\n")
    flow = {"filePattern": str(log), "kinesisStream": "agent-follows", "maxBufferAgeMillis": 1000}
    config.write_text(json.dumps({"flows": [flow]}))
    checkpoints = ["--checkpoints", str(tmp_path / "checkpoints.sqlite")]
    agent = subprocess.Popen(command(lakemill, config, *checkpoints), stdout=subprocess.PIPE, text=True)
    assert "goes to the stream agent-follows" in agent.stdout.readline()
    time.sleep(0.5)  # It has seen the end of the file.
    with log.open("a") as file:
        file.write("one\ntwo\n")
    deadline = time.monotonic() + 20
    while sorted(records(kinesis, "agent-follows")) != [b"one\n", b"two\n"]:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    agent.send_signal(signal.SIGKILL)
    agent.wait()
    with log.open("a") as file:
        file.write("three\n")
    done = subprocess.run(
        command(lakemill, config, *checkpoints, "--once"), capture_output=True, text=True, timeout=60, check=True
    )
    assert "1 records read" in done.stdout
    assert sorted(records(kinesis, "agent-follows")) == [b"one\n", b"three\n", b"two\n"]


def test_a_stream_that_is_missing_is_said_and_ends_the_agent(lakemill, tmp_path):
    log, config = tmp_path / "app.log", tmp_path / "agent.json"
    log.write_text("line\n")
    flow = {"filePattern": str(log), "kinesisStream": "agent-none", "initialPosition": "START_OF_FILE"}
    config.write_text(json.dumps({"flows": [flow], "checkpointFile": str(tmp_path / "checkpoints")}))
    done = subprocess.run(command(lakemill, config, "--once"), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "agent-none under account" in done.stdout


def test_a_configuration_that_cannot_be_honoured_is_refused(lakemill, tmp_path):
    config = tmp_path / "agent.json"
    config.write_text(json.dumps({"flows": [{"filePattern": "/x", "kinesisStream": "s", "colour": 1}]}))
    done = subprocess.run(command(lakemill, config), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "colour, which this agent does not honour" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
