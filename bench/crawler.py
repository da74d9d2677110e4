"""A crawl of a million keys (LAKEMILL_BENCH_KEYS: another number): seconds, those of CPU, and how much memory lakemill
takes for it.

The keys are rows of the metadata store that all refer to the same bytes, written before lakemill starts; they lie in a
folder for each of a thousand days. Memory of a tenth of the keys stands beside that of all: it must not grow with them.
"""

import asyncio
import dataclasses
import json
import os
import tempfile
import threading
import time
from pathlib import Path

import psutil
from tests.running import Lakemill

from lakemill.engines.objects import Objects, rows
from lakemill.engines.objects.records import document
from lakemill.ports.blobs import EmbeddedBlobs
from lakemill.ports.metadata import EmbeddedMetadata

KEYS = int(os.environ.get("LAKEMILL_BENCH_KEYS", "1000000"))
FOLDERS, BATCH = 1000, 10_000
BODY = b"id,name,price\n" + b"".join(b"%d,name %d,%d.5\n" % (number, number, number) for number in range(20))
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
RIGHTS = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def fill(folder: Path, bucket: str, count: int) -> None:
    """A bucket with so many keys, as an earlier run of lakemill would have left it."""
    folder.mkdir(parents=True, exist_ok=True)
    metadata = EmbeddedMetadata(folder / "metadata.sqlite")
    objects = Objects(metadata, EmbeddedBlobs(folder / "blobs"))

    async def write() -> None:
        await objects.buckets.create(bucket, "000000000000", "us-east-1")
        built = document(await objects.put(bucket, "lake/first", BODY))
        await objects.delete(bucket, "lake/first")
        again = document(await objects.put(bucket, "kept", BODY))
        built["data"] = again["data"]
        for start in range(0, count, BATCH):
            some = range(start, min(count, start + BATCH))
            keys = [f"lake/day={number * FOLDERS // count:04}/part-{number:08}.csv" for number in some]
            await metadata.transact(
                lambda transaction, keys=keys: [
                    transaction.put(rows.OBJECTS, rows.object_row(bucket, key), built) for key in keys
                ]
            )

    asyncio.run(write())
    objects.close()
    metadata.close()


class Watched:
    """CPU seconds and the most resident memory of a process and those it started, while it is looked at."""

    def __init__(self, pid: int) -> None:
        self._process, self._over = psutil.Process(pid), threading.Event()
        self.own_mib = self.children_mib = self.own_cpu_s = self.children_cpu_s = 0.0
        self._before_s = _cpu_s(self._process)
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "Watched":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.own_cpu_s = _cpu_s(self._process) - self._before_s
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.05):
            self.own_mib = max(self.own_mib, self._process.memory_info().rss / (1 << 20))
            children, cpu_s = 0, 0.0
            for child in self._process.children(recursive=True):
                try:
                    children += child.memory_info().rss
                    cpu_s += _cpu_s(child)
                except psutil.NoSuchProcess:
                    continue
            self.children_mib = max(self.children_mib, children / (1 << 20))
            self.children_cpu_s = max(self.children_cpu_s, cpu_s)


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


@dataclasses.dataclass
class Crawled:
    """Of a crawl: seconds, those of CPU, and MiB: how many lakemill took more than before, and its worker."""

    seconds: float
    own_cpu_s: float
    worker_cpu_s: float
    own_mib: float
    worker_mib: float


def crawled(folder: Path, bucket: str, count: int) -> Crawled:
    """Make a lake of so many keys and crawl it."""
    fill(folder, bucket, count)
    with Lakemill(folder, "--no-log-requests") as running:
        iam, glue = running.client("iam"), running.client("glue")
        role = iam.create_role(RoleName="crawl", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        iam.put_role_policy(RoleName="crawl", PolicyName="all", PolicyDocument=json.dumps(RIGHTS))
        places = {"S3Targets": [{"Path": f"s3://{bucket}/lake/"}]}
        glue.create_crawler(Name="c", Role=role, DatabaseName="d", Targets=places)
        before = psutil.Process(running.process.pid).memory_info().rss / (1 << 20)
        with Watched(running.process.pid) as watched:
            began = time.perf_counter()
            glue.start_crawler(Name="c")
            while (crawler := glue.get_crawler(Name="c")["Crawler"])["State"] != "READY":
                time.sleep(0.05)
            seconds = time.perf_counter() - began
        assert crawler["LastCrawl"]["Status"] == "SUCCEEDED", crawler["LastCrawl"]
        table = glue.get_table(DatabaseName="d", Name="lake")["Table"]
        assert table["Parameters"]["objectCount"] == str(count), table["Parameters"]
        memory = watched.own_mib - before, watched.children_mib
        return Crawled(seconds, watched.own_cpu_s, watched.children_cpu_s, *memory)


def run() -> list[dict]:
    """The rows of docs/benchmarks.md."""
    with tempfile.TemporaryDirectory() as name:
        small = crawled(Path(name) / "small", "small", KEYS // 10)
        large = crawled(Path(name) / "large", "large", KEYS)
    cpu_s = large.own_cpu_s + large.worker_cpu_s
    return [
        {"name": f"a crawl of {KEYS:,} keys in {FOLDERS:,} folders", "ours": large.seconds, "unit": "s"},
        {
            "name": "CPU for it",
            "ours": cpu_s,
            "unit": "s",
            "note": f"of it {large.worker_cpu_s:.1f} s looking at files; {KEYS // 10:,} keys: "
            f"{small.own_cpu_s + small.worker_cpu_s:.1f} s",
        },
        {"name": "keys a CPU second", "ours": KEYS / cpu_s, "unit": "1/s"},
        {
            "name": f"memory of lakemill for it, beside that for {KEYS // 10:,} keys",
            "ours": large.own_mib,
            "peer": small.own_mib,
            "unit": "MiB",
            "note": f"the process that looks at files: {large.worker_mib:.0f} MiB",
        },
    ]


if __name__ == "__main__":
    for row in run():
        print(row)
