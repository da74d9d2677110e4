"""The Kinesis Client Library 3 (Java), unmodified: fan-out and polling, a shard that is split, a restart."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
CONSUME_S_MAX = 150
JARS = "from pathlib import Path; import amazon_kclpy; print(Path(amazon_kclpy.__file__).parent / 'jars')"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(shutil.which("java") is None, reason="the library is written in Java"),
]


class Daemon:
    """The library's process, with the example's consumer."""

    def __init__(self, lakemill, folder: Path, mode: str) -> None:
        self.output = folder / "output.jsonl"
        self.log = folder / f"{mode}.log"
        text = (EXAMPLES / "kcl_consumer.properties").read_text()
        text = text.replace("python kcl_consumer.py", f"{sys.executable} {EXAMPLES / 'kcl_consumer.py'}")
        properties = folder / "kcl.properties"
        properties.write_text(text.replace("retrievalMode = FANOUT", f"retrievalMode = {mode}"))
        jars = subprocess.run([sys.executable, "-c", JARS], capture_output=True, text=True, check=True).stdout.strip()
        command = ["java", "-Xmx384m", "-cp", f"{jars}/*", "software.amazon.kinesis.multilang.MultiLangDaemon"]
        environment = {
            "AWS_ACCESS_KEY_ID": lakemill.access_key_id,
            "AWS_SECRET_ACCESS_KEY": lakemill.secret,
            "AWS_ENDPOINT_URL": lakemill.endpoint,
            "AWS_REGION": "us-east-1",
            "KCL_OUTPUT": str(self.output),
        }
        self._log = self.log.open("w")
        self.process = subprocess.Popen(
            [*command, "--properties-file", str(properties)],
            stdout=self._log,
            stderr=self._log,
            cwd=folder,
            env={**os.environ, **environment},
        )

    def told(self) -> list[list]:
        """What the consumers have written."""
        lines = self.output.read_text().splitlines() if self.output.exists() else []
        return [json.loads(line) for line in lines]

    def wait_for(self, records: int) -> list[list]:
        """Until so many records have come; all that was told."""
        deadline = time.monotonic() + CONSUME_S_MAX
        while time.monotonic() < deadline and self.process.poll() is None:
            told = self.told()
            if sum(one[1] == "record" for one in told) >= records:
                return told
            time.sleep(0.3)
        count = sum(one[1] == "record" for one in self.told())
        raise AssertionError(f"{count} records of {records} came:\n{self.log.read_text()[-3000:]}")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._log.close()


def put(kinesis, numbers) -> None:
    """Numbers as records, ten partition keys taking turns."""
    numbers = list(numbers)
    for at in range(0, len(numbers), 100):
        records = [{"Data": str(n).encode(), "PartitionKey": f"key-{n % 10}"} for n in numbers[at : at + 100]]
        assert kinesis.put_records(StreamName="clicks", Records=records)["FailedRecordCount"] == 0


def checkpoints(db) -> dict[str, str]:
    items = db.scan(TableName="clicks-reader", ConsistentRead=True)["Items"]
    return {item["leaseKey"]["S"]: item["checkpoint"]["S"] for item in items}


def test_the_client_library_reads_in_order_through_a_split_and_a_restart(fresh, tmp_path):
    lakemill = fresh()
    kinesis, db = lakemill.client("kinesis"), lakemill.client("dynamodb")
    kinesis.create_stream(StreamName="clicks", ShardCount=2)
    kinesis.get_waiter("stream_exists").wait(StreamName="clicks")
    put(kinesis, range(500))

    first = Daemon(lakemill, tmp_path, "FANOUT")
    try:
        told = first.wait_for(500)
        assert len({one[0] for one in told if one[1] == "record"}) == 2
        shard = kinesis.list_shards(StreamName="clicks")["Shards"][0]
        low, high = (int(shard["HashKeyRange"][name]) for name in ("StartingHashKey", "EndingHashKey"))
        kinesis.split_shard(
            StreamName="clicks", ShardToSplit=shard["ShardId"], NewStartingHashKey=str((low + high) // 2 + 1)
        )
        kinesis.get_waiter("stream_exists").wait(StreamName="clicks")
        put(kinesis, range(500, 800))
        told = first.wait_for(800)
    finally:
        first.stop()
    children = {
        one["ShardId"]
        for one in kinesis.list_shards(StreamName="clicks")["Shards"]
        if one.get("ParentShardId") == shard["ShardId"]
    }
    assert len(children) == 2
    ended = next(at for at, one in enumerate(told) if one[:2] == [shard["ShardId"], "end"])
    assert all(at > ended for at, one in enumerate(told) if one[0] in children)
    kept = checkpoints(db)
    assert kept.get(shard["ShardId"], "SHARD_END") == "SHARD_END"  # Ended leases are cleared away after a while.

    put(kinesis, range(800, 900))
    second = Daemon(lakemill, tmp_path, "POLLING")
    try:
        told = second.wait_for(900)
    finally:
        second.stop()
    records = [one for one in told if one[1] == "record"]
    assert sorted(int(one[3]) for one in records) == list(range(900))  # Each once: the second began at the checkpoints.
    for key in {one[2] for one in records}:
        numbers = [int(one[3]) for one in records if one[2] == key]
        assert numbers == sorted(numbers)
    for shard_id in {one[0] for one in records}:
        sequence = [int(one[4]) for one in records if one[0] == shard_id]
        assert sequence == sorted(sequence)
    last = {one[0]: one[4] for one in records}
    kept = checkpoints(db)
    assert all(
        kept[shard_id] == last[shard_id] for shard_id in kept if kept[shard_id] != "SHARD_END" and shard_id in last
    )
    calls = {line.split()[1] for line in lakemill.requests if len(line.split()) > 1}
    assert {"kinesis.SubscribeToShard", "kinesis.GetRecords", "dynamodb.UpdateItem"} <= calls
