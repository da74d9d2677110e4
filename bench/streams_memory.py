"""Memory while records stream in and out at full rate for ten minutes (LAKEMILL_BENCH_MINUTES: another time).

wrk sends PutRecords of 500 records of 200 bytes over four connections; a second one reads each 1,000 again and again, a
delivery stream follows the stream into a bucket. The resident memory of lakemill, its children left out, is looked at
every five seconds: that of the second half must be no more than a tenth above that of the first.
"""

import contextlib
import json
import os
import statistics
import tempfile
import threading
import time
from pathlib import Path

import psutil
from tests.running import Lakemill

from bench import peers
from bench.streams import CALL_RECORDS, READ_RECORDS, System

MINUTES = float(os.environ.get("LAKEMILL_BENCH_MINUTES", "10"))
EVERY_S, SLICE_S = 5, 120
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "firehose.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
RIGHTS = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def follow(running: Lakemill) -> None:
    """A delivery stream from the stream `write` into a bucket."""
    iam, kinesis = running.client("iam"), running.client("kinesis")
    role = iam.create_role(RoleName="memory", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    iam.put_role_policy(RoleName="memory", PolicyName="all", PolicyDocument=json.dumps(RIGHTS))
    running.client("s3").create_bucket(Bucket="memory")
    stream = kinesis.describe_stream_summary(StreamName="write")["StreamDescriptionSummary"]["StreamARN"]
    running.client("firehose").create_delivery_stream(
        DeliveryStreamName="memory",
        DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration={"KinesisStreamARN": stream, "RoleARN": role},
        ExtendedS3DestinationConfiguration={
            "RoleARN": role,
            "BucketARN": "arn:aws:s3:::memory",
            "BufferingHints": {"SizeInMBs": 16, "IntervalInSeconds": 10},
            "CompressionFormat": "GZIP",
        },
    )


def run() -> list[dict]:
    """The rows of docs/benchmarks.md."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        ours = stack.enter_context(Lakemill(folder / "data", "--no-log-requests", "--stream-limits", "off"))
        system = System("lakemill", ours.endpoint, ours.access_key_id, ours.secret, ours.process.pid)
        follow(ours)
        for what in ("PutRecords", "GetRecords"):
            (folder / what).mkdir()
        rates: dict[str, list[float]] = {"PutRecords": [], "GetRecords": []}
        until = time.monotonic() + 60 * MINUTES

        def load(what: str, callers: int) -> None:
            while (left := until - time.monotonic()) > 1:  # Iterators are good for five minutes.
                script = system.calls(folder / what)[what][0]
                seconds = int(min(left, SLICE_S))
                rates[what].append(peers.wrk(ours.endpoint + "/", connections=callers, seconds=seconds, script=script))

        threads = [threading.Thread(target=load, args=one) for one in (("PutRecords", 4), ("GetRecords", 1))]
        for thread in threads:
            thread.start()
        process, seen = psutil.Process(ours.process.pid), []
        while time.monotonic() < until:
            time.sleep(EVERY_S)
            seen.append(process.memory_info().rss / 1e6)
        for thread in threads:
            thread.join()
        half = len(seen) // 2
        first, second = statistics.median(seen[half // 4 : half]), statistics.median(seen[half:])
        written, read = (statistics.mean(rates[what]) for what in rates)
        note = f"{written * CALL_RECORDS:,.0f} records/s in, {read * READ_RECORDS:,.0f} out; highest {max(seen):.0f} MB"
        return [
            {
                "name": f"resident memory over {MINUTES:g} minutes, second half beside the first",
                "ours": second,
                "peer": first,
                "ratio": second / first,
                "unit": "MB",
                "target": "<= 1.1x",
                "met": second <= 1.1 * first,
                "note": note,
            }
        ]
