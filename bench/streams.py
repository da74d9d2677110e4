"""Kinesis Data Streams beside moto_server, kinesalite and MiniStack: writing, reading, latency.

wrk sends one signed request again and again; records of a PutRecords call have keys that spread over four shards. The
peers keep records in memory; lakemill's are on disk when the call is answered, so the limit beside its PutRecord is
what the log alone gives as many callers, on the disk at hand and on one that flushes more slowly; and what it gives
through a socket, before any HTTP. The shards' own limits are switched off, since no peer has them. Subscribing and
latency go through boto3, which is slower than any of the servers.
"""

import asyncio
import base64
import contextlib
import json
import statistics
import tempfile
import threading
import time
from pathlib import Path

import boto3
import botocore.exceptions
import psutil
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from tests.running import Lakemill

from bench import peers, socket_and_log
from bench.slow_disk import slower
from lakemill.ports.clock import SystemClock
from lakemill.ports.log import EmbeddedLog, Entry

SECONDS = 4
ROUNDS = 5
SHARDS = 4
CALL_RECORDS, CALL_BYTES = 500, 200
READ_RECORDS, READ_BYTES = 1000, 1000
SLOWER_MS = 1.5
"""A flush that takes so much longer is one of an ordinary disk of a server."""


class System:
    """A server of the Kinesis API, prepared: a stream to write to, and one with records to read."""

    def __init__(self, name: str, endpoint: str, key: str, secret: str, pid: int | None = None) -> None:
        self.name, self.endpoint, self.pid = name, endpoint, pid
        self._credentials = Credentials(key, secret)
        self.client = boto3.client(
            "kinesis",
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            config=Config(retries={"total_max_attempts": 1}, read_timeout=60),
        )
        for stream, shards in (("write", SHARDS), ("read", 1), ("latency", 1)):
            self.client.create_stream(StreamName=stream, ShardCount=shards)
            self.wait_active(stream)
        for _ in range(READ_RECORDS // 250):
            records = [{"Data": b"r" * READ_BYTES, "PartitionKey": "a"}] * 250
            assert self.client.put_records(StreamName="read", Records=records)["FailedRecordCount"] == 0

    def wait_active(self, stream: str) -> None:
        while self.client.describe_stream(StreamName=stream)["StreamDescription"]["StreamStatus"] != "ACTIVE":
            time.sleep(0.05)

    def script(self, folder: Path, operation: str, members: dict) -> Path:
        """A wrk script of one signed call."""
        body = json.dumps(members)
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"Kinesis_20131202.{operation}"}
        request = AWSRequest("POST", self.endpoint + "/", data=body, headers=headers)
        SigV4Auth(self._credentials, "kinesis", "us-east-1").add_auth(request)
        lines = ['wrk.method = "POST"', f"wrk.body = {json.dumps(body)}"]
        lines += [f"wrk.headers[{json.dumps(k)}] = {json.dumps(str(v))}" for k, v in request.headers.items()]
        path = folder / f"{self.name}-{operation}.lua"
        path.write_text("\n".join(lines))
        return path

    def rate(self, script: Path, callers: int) -> float:
        """Calls a second."""
        peers.quiet()
        lenient = self.name != "lakemill"
        return peers.wrk(self.endpoint + "/", connections=callers, seconds=SECONDS, script=script, lenient=lenient)

    def calls(self, folder: Path) -> dict[str, tuple[Path, int]]:
        """Script and callers of what is measured, by name."""
        text = base64.b64encode(b"x" * CALL_BYTES).decode()
        batch = [{"Data": text, "PartitionKey": f"key-{i}"} for i in range(CALL_RECORDS)]
        iterator = self.client.get_shard_iterator(
            StreamName="read",
            ShardId=self.client.list_shards(StreamName="read")["Shards"][0]["ShardId"],
            ShardIteratorType="TRIM_HORIZON",
        )["ShardIterator"]
        one = self.script(folder, "PutRecord", {"StreamName": "write", "Data": text, "PartitionKey": "key"})
        return {
            "PutRecords": (self.script(folder, "PutRecords", {"StreamName": "write", "Records": batch}), 8),
            "PutRecord, 8": (one, 8),
            "PutRecord, 256": (one, 256),
            "GetRecords": (
                self.script(folder, "GetRecords", {"ShardIterator": iterator, "Limit": READ_RECORDS}),
                2,
            ),
        }

    def latency(self, records: int = 400) -> tuple[float, float] | None:
        """Milliseconds from the call of PutRecord to the reader's having the record: median and 99th percentile.

        None for a server that fails when it is read and written at the same time.
        """
        shard = self.client.list_shards(StreamName="latency")["Shards"][0]["ShardId"]
        iterator = self.client.get_shard_iterator(StreamName="latency", ShardId=shard, ShardIteratorType="LATEST")
        seen: list[float] = []

        def read(iterator: str) -> None:
            while len(seen) < records:
                try:
                    answer = self.client.get_records(ShardIterator=iterator)
                except botocore.exceptions.ClientError:
                    return
                now = time.perf_counter()
                seen.extend(1000 * (now - float(record["Data"])) for record in answer["Records"])
                iterator = answer["NextShardIterator"]

        reader = threading.Thread(target=read, args=(iterator["ShardIterator"],), daemon=True)
        reader.start()
        for _ in range(records):
            self.client.put_record(StreamName="latency", Data=f"{time.perf_counter()}".encode(), PartitionKey="a")
        reader.join(30)
        if len(seen) < records:
            return None
        return statistics.median(seen), statistics.quantiles(seen, n=100)[98]


def log_rate(folder: Path, callers: int) -> float:
    """Records a second of callers that each append one and wait for the disk, with nothing around it."""
    done = 0

    async def caller(log: EmbeddedLog, number: int, until: float) -> None:
        nonlocal done
        while time.perf_counter() < until:
            await log.append("limit", [Entry(number % SHARDS, int(time.time() * 1000), b"key", b"x" * CALL_BYTES)])
            done += 1

    async def everyone() -> None:
        log = EmbeddedLog(folder / f"limit-{callers}", SystemClock())
        await log.create("limit", SHARDS)
        until = time.perf_counter() + SECONDS
        await asyncio.gather(*(caller(log, number, until) for number in range(callers)))
        log.close()

    asyncio.run(everyone())
    return done / SECONDS


def on_a_slower_disk(folder: Path) -> dict:
    """PutRecord of 8 callers beside the log alone, where a flush takes longer."""
    rates: list[float] = []
    alone: list[float] = []
    options = ("--no-log-requests", "--stream-limits", "off")
    with Lakemill(folder / "slower", *options, program=("bench.slow_disk", str(SLOWER_MS))) as ours:
        system = System("lakemill", ours.endpoint, ours.access_key_id, ours.secret)
        script, callers = system.calls(folder)["PutRecord, 8"]
        for number in range(ROUNDS):
            rates.append(system.rate(script, callers))
            with slower(SLOWER_MS):
                alone.append(log_rate(folder / f"slower-{number}", callers))
    name = f"PutRecord, 8, a flush takes {SLOWER_MS:g} ms more"
    note = "peer: the log alone, which waits as long"
    return row(name, statistics.median(rates), statistics.median(alone), "records/s", 0.7, note)


def subscribed(system: System) -> float:
    """Megabytes a second that boto3 reads from a subscription, of what the stream holds."""
    for _ in range(40):
        system.client.put_records(
            StreamName="latency", Records=[{"Data": b"s" * READ_BYTES, "PartitionKey": "a"}] * 500
        )
    arn = system.client.describe_stream_summary(StreamName="latency")["StreamDescriptionSummary"]["StreamARN"]
    consumer = system.client.register_stream_consumer(StreamARN=arn, ConsumerName="bench")["Consumer"]["ConsumerARN"]
    while True:
        found = system.client.describe_stream_consumer(ConsumerARN=consumer)["ConsumerDescription"]
        if found["ConsumerStatus"] == "ACTIVE":
            break
        time.sleep(0.05)
    shard = system.client.list_shards(StreamName="latency")["Shards"][0]["ShardId"]
    began, size = time.perf_counter(), 0
    events = system.client.subscribe_to_shard(
        ConsumerARN=consumer, ShardId=shard, StartingPosition={"Type": "TRIM_HORIZON"}
    )["EventStream"]
    for event in events:
        size += sum(len(record["Data"]) for record in event["SubscribeToShardEvent"]["Records"])
        if event["SubscribeToShardEvent"]["MillisBehindLatest"] == 0:
            break
    return size / (time.perf_counter() - began) / 1e6


def cpu_ms(system: System, script: Path, callers: int) -> float:
    """Milliseconds of the server's CPU for a call."""
    times = psutil.Process(system.pid).cpu_times()
    rate = system.rate(script, callers)
    after = psutil.Process(system.pid).cpu_times()
    return 1000 * (after.user + after.system - times.user - times.system) / (rate * SECONDS)


def row(name: str, ours: float, peer: float | None, unit: str, target: float | None, note: str = "") -> dict:
    ratio = ours / peer if peer else None
    return {
        "name": name,
        "ours": ours,
        "peer": peer,
        "ratio": ratio,
        "unit": unit,
        "target": f">= {target:g}x" if target else "",
        "met": ratio >= target if target and ratio else None,
        "note": note,
    }


def run() -> list[dict]:
    """The rows of docs/benchmarks.md."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        options = ("--no-log-requests", "--stream-limits", "off")
        ours = stack.enter_context(Lakemill(folder / "data", *options))
        systems = [System("lakemill", ours.endpoint, ours.access_key_id, ours.secret, ours.process.pid)]
        for peer in (peers.moto, peers.kinesalite, peers.ministack):
            try:
                systems.append(System(peer.__name__, stack.enter_context(peer()), "testing", "testing"))
            except peers.Missing as missing:
                print(f"left out: {missing}")
        rates: dict[tuple[str, str], list[float]] = {}
        for _ in range(ROUNDS):
            calls = {system.name: system.calls(folder) for system in systems}  # Signatures hold for five minutes.
            for what in calls["lakemill"]:
                for system in systems:
                    script, callers = calls[system.name][what]
                    rates.setdefault((system.name, what), []).append(system.rate(script, callers))
        made = []
        for what, times, unit, target in (
            ("PutRecords", CALL_RECORDS, "records/s", 5),
            ("PutRecord, 8", 1, "records/s", None),
            ("PutRecord, 256", 1, "records/s", 3),
            ("GetRecords", READ_RECORDS, "records/s", 5),
        ):
            medians = {system.name: times * statistics.median(rates[system.name, what]) for system in systems}
            mine = medians.pop("lakemill")
            peer = max(medians, key=medians.get) if medians else None
            note = "; ".join(f"{name} {rate:,.0f}" for name, rate in medians.items())
            goal, best = (target, medians[peer]) if peer else (None, None)
            if what == "PutRecord, 256" and "kinesalite" in medians:
                best = medians["kinesalite"]
            made.append(row(what, mine, best, unit, goal, note))
        alone = {callers: log_rate(folder, callers) for callers in (8, 256)}
        for callers, target in ((8, 0.7), (256, None)):
            mine = statistics.median(rates["lakemill", f"PutRecord, {callers}"])
            note = "peer: the log alone"
            if callers == 8:
                note += "; where a flush takes far less than the Python of eight requests, the processor is the limit"
            made.append(row(f"PutRecord, {callers}", mine, alone[callers], "records/s", target, note))
        bare = socket_and_log.rate(folder, 8, seconds=SECONDS, value_bytes=CALL_BYTES)
        note = "peer: the log alone; instead of lakemill a socket that reads no HTTP and answers always the same"
        made.append(row("8 callers of the log through a socket", bare, alone[8], "records/s", None, note))
        for what, most in (("PutRecords", CALL_RECORDS), ("GetRecords", READ_RECORDS)):
            spent = cpu_ms(systems[0], *calls["lakemill"][what])
            made.append(row(f"{what}: CPU of the server", 1000 * spent / most, None, "us a record", None))
        found = {system.name: system.latency() for system in systems}
        for place, which in enumerate(("median", "99th percentile")):
            others = {name: one[place] for name, one in found.items() if one and name != "lakemill"}
            peer = min(others.values()) if others else None
            note = "; ".join(f"{name} {value:.1f}" for name, value in others.items())
            made.append(row(f"PutRecord to GetRecords, {which}", found["lakemill"][place], peer, "ms", None, note))
        made.append(row("SubscribeToShard, read by boto3", subscribed(systems[0]), None, "MB/s", None))
    with tempfile.TemporaryDirectory() as name:
        made.append(on_a_slower_disk(Path(name)))
    return made
