"""Data Firehose beside moto_server and MiniStack: records taken in, and carried to S3.

wrk sends one signed PutRecordBatch again and again. The peers keep records in memory; lakemill's are on disk when the
call is answered, and in the bucket a second later. Processor time is that of all lakemill's processes.
"""

import array
import asyncio
import base64
import contextlib
import io
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pyarrow.parquet
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.journeys.firehose_site import Site
from tests.running import Lakemill

from bench import peers
from lakemill.engines.delivery import Channel, Hints, Outcome, Plan
from lakemill.engines.delivery.parts import Logged
from lakemill.engines.delivery.progress import Progress
from lakemill.engines.delivery.rows import Batch, Rows
from lakemill.engines.delivery.worker import Worker
from lakemill.ports.clock import SystemClock
from lakemill.ports.log import Stretch

SECONDS, ROUNDS, CALLERS = 3, 2, 8
CALL_RECORDS, CALL_BYTES = 500, 200
WORKER_RECORDS = 500_000
JSON_BYTES = 40_000_000
PARTITIONS = 50
COLUMNS = {"id": "bigint", "user": "string", "at": "timestamp", "amount": "double", "page": "string", "ok": "boolean"}


def script(folder: Path, endpoint: str, key: str, secret: str, stream: str) -> Path:
    """A wrk script of one signed PutRecordBatch."""
    data = base64.b64encode(b"x" * CALL_BYTES).decode()
    members = {"DeliveryStreamName": stream, "Records": [{"Data": data}] * CALL_RECORDS}
    return signed(folder, endpoint, Credentials(key, secret), "Firehose_20150804.PutRecordBatch", members)


def signed(folder: Path, endpoint: str, credentials: Credentials, target: str, members: dict) -> Path:
    """A wrk script of one signed call."""
    body = json.dumps(members)
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target}
    request = AWSRequest("POST", endpoint + "/", data=body, headers=headers)
    SigV4Auth(credentials, target.partition("_")[0].lower(), "us-east-1").add_auth(request)
    lines = ['wrk.method = "POST"', f"wrk.body = {json.dumps(body)}"]
    lines += [f"wrk.headers[{json.dumps(k)}] = {json.dumps(str(v))}" for k, v in request.headers.items()]
    path = folder / f"{endpoint.rpartition(':')[2]}-{target}.lua"
    path.write_text("\n".join(lines))
    return path


def peer_script(folder: Path, endpoint: str) -> Path:
    """The same for a peer, with a bucket and a stream."""
    options = {"endpoint_url": endpoint, "region_name": "us-east-1"}
    options |= {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    boto3.client("s3", **options).create_bucket(Bucket="lake")
    destination = {"RoleARN": "arn:aws:iam::123456789012:role/r", "BucketARN": "arn:aws:s3:::lake"}
    boto3.client("firehose", **options).create_delivery_stream(
        DeliveryStreamName="s", ExtendedS3DestinationConfiguration=destination
    )
    return script(folder, endpoint, "testing", "testing", "s")


def bytes_below(site: Site, prefix: str) -> int:
    pages = site.s3.get_paginator("list_objects_v2").paginate(Bucket=site.bucket, Prefix=prefix)
    return sum(one["Size"] for page in pages for one in page.get("Contents", []))


def carrying(site: Site, pid: int, wrk_script: Path, prefix: str) -> float:
    """Microseconds of processor time for a record, from the call to the object."""
    before, spent = bytes_below(site, prefix), peers.cpu_seconds(pid)
    rate = peers.wrk(site.running.endpoint + "/", connections=CALLERS, seconds=SECONDS, script=wrk_script)
    wanted = rate * SECONDS * CALL_RECORDS * CALL_BYTES
    while (arrived := bytes_below(site, prefix) - before) < wanted:
        time.sleep(0.5)
    return 1e6 * (peers.cpu_seconds(pid) - spent) / (arrived / CALL_BYTES)


def data_stream(site: Site, name: str) -> dict:
    """A new data stream, as the source of a delivery stream."""
    kinesis = site.running.client("kinesis")
    kinesis.create_stream(StreamName=name, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})
    arn = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
    source = {"KinesisStreamARN": arn, "RoleARN": site.role}
    return {"DeliveryStreamType": "KinesisStreamAsSource", "KinesisStreamSourceConfiguration": source}


def following(site: Site, pid: int, folder: Path) -> float:
    """The same of records that are put into a data stream, which a delivery stream follows."""
    running, source = site.running, data_stream(site, "followed")
    site.stream(source=source, Prefix="followed/", BufferingHints={"SizeInMBs": 5, "IntervalInSeconds": 1})
    data = base64.b64encode(b"x" * CALL_BYTES).decode()
    records = [{"Data": data, "PartitionKey": f"key-{number}"} for number in range(CALL_RECORDS)]
    credentials = Credentials(running.access_key_id, running.secret)
    members = {"StreamName": "followed", "Records": records}
    wrk_script = signed(folder, running.endpoint, credentials, "Kinesis_20131202.PutRecords", members)
    return carrying(site, pid, wrk_script, "followed/")


def documents() -> list[bytes]:
    """JSON documents of about 170 bytes."""
    made, size, number = [], 0, 0
    while size < JSON_BYTES:
        number += 1
        document = {
            "id": number,
            "user": f"user-{number * 7919 % 100_003}",
            "at": "2026-01-02 03:04:05",
            "amount": number % 9973 / 7,
            "page": f"/shop/item/{number % 997}",
            "agent": "Mozilla/5.0 (X11; Linux x86_64)",
            "ok": number % 3 == 0,
            "shop": f"s{number * 31 % PARTITIONS}",
        }
        made.append(json.dumps(document).encode())
        size += len(made[-1])
    return made


def clicks(site: Site) -> None:
    """The table by which documents are converted."""
    glue = site.running.client("glue")
    glue.create_database(DatabaseInput={"Name": "bench"})
    columns = [{"Name": name, "Type": kind} for name, kind in COLUMNS.items()]
    glue.create_table(DatabaseName="bench", TableInput={"Name": "clicks", "StorageDescriptor": {"Columns": columns}})


def conversion(
    site: Site, pid: int, records: list[bytes], folder: Path, followed: str | None = None
) -> tuple[float, float]:
    """MB of JSON for a second of processor time, from the log to a Parquet file in the bucket, and the same of DuckDB.

    Each the best of three, by turns. followed: the name of a data stream, through which the records go.
    """
    prefix = f"columns-{followed}/"
    stream = site.stream(
        source=data_stream(site, followed) if followed else None,
        Prefix=prefix,
        BufferingHints={"SizeInMBs": 64, "IntervalInSeconds": 900},
        DataFormatConversionConfiguration={
            "SchemaConfiguration": {"RoleARN": site.role, "DatabaseName": "bench", "TableName": "clicks"},
            "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
            "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}},
        },
    )
    rows: dict[str, int] = {}

    def arrived() -> tuple[int, float]:
        """Rows of all files, and the processor time before they were read here."""
        new = [key for key in site.keys(prefix) if key not in rows]
        spent = peers.cpu_seconds(pid)
        for key in new:
            body = site.s3.get_object(Bucket=site.bucket, Key=key)["Body"].read()
            rows[key] = pyarrow.parquet.read_metadata(io.BytesIO(body)).num_rows
        return sum(rows.values()), spent

    duckdb = duckdb_conversion(folder, records)
    put = putting(site, stream, followed)
    found = [(ours, duckdb()) for ours in delivering(site, pid, stream, put, records, arrived, len)]
    return max(ours for ours, _ in found), max(theirs for _, theirs in found)


def partitioning(site: Site, pid: int, records: list[bytes]) -> float:
    """MB of JSON for a second of processor time, from the log to an object of each partition; the best of three."""
    parameters = {"MetadataExtractionQuery": "{shop: .shop}", "JsonParsingEngine": "JQ-1.6"}
    processor = {
        "Type": "MetadataExtraction",
        "Parameters": [{"ParameterName": name, "ParameterValue": value} for name, value in parameters.items()],
    }
    stream = site.stream(
        Prefix="parts/!{partitionKeyFromQuery:shop}/",
        ErrorOutputPrefix="errors/",
        BufferingHints={"SizeInMBs": 64, "IntervalInSeconds": 900},
        DynamicPartitioningConfiguration={"Enabled": True},
        ProcessingConfiguration={"Enabled": True, "Processors": [processor]},
    )

    def arrived() -> tuple[int, float]:
        return bytes_below(site, "parts/"), peers.cpu_seconds(pid)

    put = putting(site, stream, None)
    return max(delivering(site, pid, stream, put, records, arrived, lambda some: sum(map(len, some))))


def putting(site: Site, stream: str, followed: str | None) -> Callable[[list[bytes]], None]:
    """What puts records, into the delivery stream or the data stream that it follows."""
    kinesis = site.running.client("kinesis")

    def put(records: list[bytes]) -> None:
        for begin in range(0, len(records), CALL_RECORDS):
            some = records[begin : begin + CALL_RECORDS]
            if followed is None:
                batch = [{"Data": data} for data in some]
                failed = site.firehose.put_record_batch(DeliveryStreamName=stream, Records=batch)["FailedPutCount"]
            else:
                entries = [{"Data": data, "PartitionKey": f"key-{number}"} for number, data in enumerate(some)]
                failed = kinesis.put_records(StreamName=followed, Records=entries)["FailedRecordCount"]
            assert failed == 0

    return put


def delivering(
    site: Site, pid: int, stream: str, put: Callable[[list[bytes]], None], records: list[bytes], arrived, amount
) -> Iterator[float]:
    """MB for a second of processor time, from the log to the bucket, three times.

    arrived: how much is there, and the processor time until then; amount: how much records are. A change makes the
    stream begin again with what waits.
    """

    def deliver(version: int, interval_s: int, wanted: int) -> float:
        """The processor time when it had arrived."""
        site.firehose.update_destination(
            DeliveryStreamName=stream,
            CurrentDeliveryStreamVersionId=str(version),
            DestinationId="destinationId-000000000001",
            ExtendedS3DestinationUpdate={"BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": interval_s}},
        )
        while True:
            there, spent = arrived()
            if there >= wanted:
                return spent
            time.sleep(1)  # Looking costs processor time as well.

    # Now the worker process is there, and has compiled what it compiles.
    first = records[: 12_000_000 * len(records) // sum(map(len, records))]
    put(first)
    wanted, version = amount(first), 1
    deliver(version, 1, wanted)
    for _ in range(ROUNDS + 1):
        deliver(version + 1, 900, wanted)
        put(records)
        wanted, version = wanted + amount(records), version + 2
        spent = peers.cpu_seconds(pid)
        yield sum(map(len, records)) / 1e6 / (deliver(version, 1, wanted) - spent)


def duckdb_conversion(folder: Path, records: list[bytes]) -> Callable[[], float]:
    """The same of DuckDB, one thread, from a file of lines in the page cache to a Parquet file, as often as called."""
    import duckdb

    source, target = folder / "clicks.json", folder / "clicks.parquet"
    source.write_bytes(b"\n".join(records))
    kinds = {
        "bigint": "BIGINT",
        "string": "VARCHAR",
        "timestamp": "TIMESTAMP",
        "double": "DOUBLE",
        "boolean": "BOOLEAN",
    }
    columns = ", ".join(f"\"{name}\": '{kinds[kind]}'" for name, kind in COLUMNS.items())
    connection = duckdb.connect()
    connection.execute("set threads = 1")

    def convert() -> float:
        began = time.process_time()
        connection.execute(
            f"copy (select * from read_json('{source}', format = 'newline_delimited', columns = {{{columns}}}))"
            f" to '{target}' (format parquet, compression snappy)"
        )
        return sum(map(len, records)) / 1e6 / (time.process_time() - began)

    convert()
    return convert


class Stretches:
    """A source that has all records at hand, as the log gives them."""

    def __init__(self) -> None:
        self.left = WORKER_RECORDS

    async def read(self, wait_s: float) -> Batch | None:
        if not self.left:
            return None
        self.left -= 5000
        begin = WORKER_RECORDS - self.left
        ends = array.array("I", range(CALL_BYTES, 500 * CALL_BYTES + 1, CALL_BYTES))
        times = array.array("q", [1]) * 500
        data = b"x" * (500 * CALL_BYTES)
        rows = Rows([Logged.of(Stretch(begin + n, times, data, ends)) for n in range(0, 5000, 500)])
        return Batch(rows, begin, self.left == 0)


class Joined:
    """A sink that makes the bytes of objects and drops them."""

    retry_s, error = 0.0, ""

    async def deliver(self, load) -> Outcome:
        assert Rows.of(load.records).size == len(b"".join(part.joined()[0] for part in Rows.of(load.records).parts))
        return Outcome()


def worker() -> float:
    """Microseconds of processor time for a record in the worker alone: buffers, names, progress."""

    async def nothing(*_) -> None:
        pass

    async def carry() -> None:
        hints = Hints(5 << 20, 60)
        plan = Plan(Channel(hints, Joined()), Channel(hints, Joined()), lambda kind, failures: [], nothing)
        one = Worker("bench", plan, Stretches(), Progress(None), nothing, SystemClock())
        for _ in range(WORKER_RECORDS // 5000 + 1):
            await one.turn(0)
        await one.settle()

    began = time.process_time()
    asyncio.run(carry())
    return 1e6 * (time.process_time() - began) / WORKER_RECORDS


def run() -> list[dict]:
    """The rows of docs/benchmarks.md."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        ours = stack.enter_context(Lakemill(folder / "data", "--no-log-requests"))
        site = Site(ours, "lake")
        stream = site.stream(Prefix="plain/", BufferingHints={"SizeInMBs": 5, "IntervalInSeconds": 1})
        scripts = {"lakemill": (ours.endpoint, script(folder, ours.endpoint, ours.access_key_id, ours.secret, stream))}
        for peer in (peers.moto, peers.ministack):
            try:
                endpoint = stack.enter_context(peer())
                scripts[peer.__name__] = endpoint, peer_script(folder, endpoint)
            except peers.Missing as missing:
                print(f"left out: {missing}")
        rates: dict[str, list[float]] = {}
        for _ in range(ROUNDS):
            for system, (endpoint, path) in scripts.items():
                rate = peers.wrk(
                    endpoint + "/", connections=CALLERS, seconds=SECONDS, script=path, lenient=system != "lakemill"
                )
                rates.setdefault(system, []).append(CALL_RECORDS * rate)
        medians = {system: statistics.median(found) for system, found in rates.items()}
        mine = medians.pop("lakemill")
        best = max(medians.values(), default=None)
        ratio = mine / best if best else None
        carried = carrying(site, ours.process.pid, scripts["lakemill"][1], "plain/")
        followed = following(site, ours.process.pid, folder)
        records = documents()
        alone = worker()
        partitioned = partitioning(site, ours.process.pid, records)
        clicks(site)
        converted, duckdb = conversion(site, ours.process.pid, records, folder)
        streamed, duckdb_then = conversion(site, ours.process.pid, records, folder, "documents")
        return [
            {
                "name": "PutRecordBatch",
                "ours": mine,
                "peer": best,
                "ratio": ratio,
                "unit": "records/s",
                "target": ">= 3x",
                "met": ratio and ratio >= 3,
                "note": "; ".join(f"{system} {rate:,.0f}" for system, rate in medians.items()),
            },
            {
                "name": "PutRecordBatch to object: CPU of the server",
                "ours": carried,
                "unit": "us a record",
            },
            {
                "name": "PutRecords to a data stream, on to object: CPU of the server",
                "ours": followed,
                "unit": "us a record",
            },
            {
                "name": "jq partitioning: CPU",
                "ours": partitioned,
                "unit": "MB by CPU-second",
                "target": ">= 100",
                "met": partitioned >= 100,
                "note": f"from log to object, {PARTITIONS} partitions",
            },
            {
                "name": "the worker alone: CPU",
                "ours": alone,
                "unit": "us a record",
                "target": "<= 0.5",
                "met": alone <= 0.5,
            },
            {
                "name": "JSON to Parquet: ours from log to object, DuckDB from file to file",
                "ours": converted,
                "peer": duckdb,
                "ratio": converted / duckdb,
                "unit": "MB by CPU-second",
                "target": ">= 0.7x",
                "met": converted / duckdb >= 0.7,
            },
            {
                "name": "the same from the log of a data stream",
                "ours": streamed,
                "peer": duckdb_then,
                "ratio": streamed / duckdb_then,
                "unit": "MB by CPU-second",
                "target": ">= 0.7x",
                "met": streamed / duckdb_then >= 0.7,
                "note": "on demand, 4 shards",
            },
        ]
