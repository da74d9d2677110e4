"""`lakemill stream`: put lines into a stream, and see what comes out of one."""

import contextlib
import itertools
import json
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import typer

from lakemill.cli import options
from lakemill.cli.output import fail, strong

commands = typer.Typer(help="Put lines into a stream, and see what comes out of one.", no_args_is_help=True)

BATCH_RECORDS = 500
BATCH_BYTES = 4 << 20
TRIES = 8
POLL_S = 0.5
SAID_EVERY_S = 0.5


@commands.command()
def put(
    name: Annotated[str, typer.Argument(help="The stream.")],
    key: Annotated[
        str | None, typer.Option(help="Field of the JSON lines that holds the partition key [default: by turns].")
    ] = None,
    create: Annotated[int | None, typer.Option(help="Make the stream with so many shards if it is not there.")] = None,
    port: options.Port = None,
    data: options.Data = None,
    region: options.Region = None,
) -> None:
    """Put each line of standard input as a record: lakemill stream put clicks < clicks.jsonl."""
    from lakemill.cli.target import target

    client = target(options.settings(port=port, data=data, region=region), port_given=port is not None).client(
        "kinesis"
    )
    if create is not None:
        with contextlib.suppress(client.exceptions.ResourceInUseException):
            client.create_stream(StreamName=name, ShardCount=create)
    progress = Progress()
    for batch in batches(records_of(sys.stdin.buffer, key)):
        put_all(client, name, batch)
        progress.add(batch)
    progress.end(name)


@commands.command()
def tail(
    name: Annotated[str, typer.Argument(help="The stream.")],
    from_start: Annotated[bool, typer.Option("--from-start", help="Begin with the oldest record.")] = False,
    follow: Annotated[bool, typer.Option("--follow/--no-follow", help="Go on waiting for more.")] = True,
    port: options.Port = None,
    data: options.Data = None,
    region: options.Region = None,
    json: options.Json = False,
) -> None:
    """Print the records of a stream as they come, a line each."""
    from lakemill.cli.target import target

    client = target(options.settings(port=port, data=data, region=region), port_given=port is not None).client(
        "kinesis"
    )
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        for shard, record in following(client, name, from_start=from_start, follow=follow):
            typer.echo(as_line(shard, record) if json else as_text(record["Data"]))


def records_of(lines: Iterable[bytes], key: str | None) -> Iterator[dict[str, Any]]:
    """PutRecords entries of lines, their ends and empty ones left out. Ends the command for a line without the key.

    >>> list(records_of([b'{"user": 7}\\n', b"\\n"], "user"))
    [{'Data': b'{"user": 7}', 'PartitionKey': '7'}]
    """
    for number, line in enumerate(lines, start=1):
        text = line.rstrip(b"\r\n")
        if text:
            yield {"Data": text, "PartitionKey": str(number) if key is None else _key_of(text, key, number)}


def _key_of(text: bytes, key: str, number: int) -> str:
    try:
        found = json.loads(text)[key]
    except (ValueError, KeyError, TypeError):
        fail(f"line {number} is no JSON object with a field {key}", "without --key, keys are given by turns")
    return (found if isinstance(found, str) else json.dumps(found))[:256] or " "


def batches(records: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Records in groups that one PutRecords takes."""
    batch: list[dict[str, Any]] = []
    size = 0
    for record in records:
        more = len(record["Data"]) + len(record["PartitionKey"].encode())
        if batch and (len(batch) == BATCH_RECORDS or size + more > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += more
    if batch:
        yield batch


def put_all(client: Any, name: str, batch: list[dict[str, Any]]) -> None:
    """Put a batch, the throttled records again and again. Ends the command if that does not help."""
    import botocore.exceptions

    for attempt in range(TRIES):
        try:
            answer = client.put_records(StreamName=name, Records=batch)
        except botocore.exceptions.ClientError as wrong:
            fail(f"the records were refused: {wrong.response['Error']['Message']}")
        if not answer.get("FailedRecordCount"):
            return
        batch = [one for one, result in zip(batch, answer["Records"], strict=True) if "ErrorCode" in result]
        time.sleep(min(0.1 * 2**attempt, 2))
    fail(f"{len(batch)} records were throttled {TRIES} times", "the stream needs more shards")


class Progress:
    """Says on standard error how far it is, where people look at it."""

    def __init__(self) -> None:
        self._began = self._said = time.monotonic()
        self._records = self._bytes = 0

    def add(self, batch: list[dict[str, Any]]) -> None:
        self._records += len(batch)
        self._bytes += sum(len(record["Data"]) for record in batch)
        if sys.stderr.isatty() and time.monotonic() - self._said > SAID_EVERY_S:
            self._said = time.monotonic()
            typer.echo(f"\r{self._figures()}\x1b[K", err=True, nl=False)

    def _figures(self) -> str:
        seconds = max(time.monotonic() - self._began, 1e-6)
        return (
            f"{self._records:,} records, {self._bytes / 1e6:,.1f} MB in {seconds:.1f} s "
            f"({self._records / seconds:,.0f} records a second)"
        )

    def end(self, name: str) -> None:
        start = "\r\x1b[K" if sys.stderr.isatty() else ""
        typer.echo(f"{start}{strong('Put')} {self._figures()} into {name}", err=True)


def following(client: Any, name: str, *, from_start: bool, follow: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """Shard and record, all shards by turns, children after their parents."""
    kind = "TRIM_HORIZON" if from_start else "LATEST"
    try:
        shards = _shards(client, name, latest=not from_start)
    except client.exceptions.ResourceNotFoundException as wrong:
        fail(wrong.response["Error"]["Message"], "lakemill status says what there is")
    iterators = {shard["ShardId"]: _iterator(client, name, shard["ShardId"], kind) for shard in shards}
    waiting = {shard["ShardId"]: _parents(shard) & iterators.keys() for shard in shards}
    while iterators:
        quiet = True
        for shard in [one for one in iterators if not waiting[one]]:
            try:
                answer = client.get_records(ShardIterator=iterators[shard], Limit=1000)
            except client.exceptions.ProvisionedThroughputExceededException:
                continue  # Where limits are kept, a little later will do.
            yield from zip(itertools.repeat(shard), answer["Records"])
            quiet = quiet and not answer["Records"]
            if "NextShardIterator" in answer:
                iterators[shard] = answer["NextShardIterator"]
                continue
            quiet = False
            del iterators[shard]
            for child in answer.get("ChildShards", []):
                if child["ShardId"] not in iterators:
                    iterators[child["ShardId"]] = _iterator(client, name, child["ShardId"], "TRIM_HORIZON")
                    waiting[child["ShardId"]] = set(child["ParentShards"]) & iterators.keys()
            waiting = {one: parents - {shard} for one, parents in waiting.items()}
        if quiet and not follow:
            return
        if quiet:
            time.sleep(POLL_S)


def _shards(client: Any, name: str, *, latest: bool) -> list[dict[str, Any]]:
    wanted: dict[str, Any] = {"StreamName": name}
    if latest:
        wanted["ShardFilter"] = {"Type": "AT_LATEST"}
    shards = []
    while True:
        answer = client.list_shards(**wanted)
        shards += answer["Shards"]
        if "NextToken" not in answer:
            return shards
        wanted = {"NextToken": answer["NextToken"]}


def _parents(shard: dict[str, Any]) -> set[str]:
    return {shard[name] for name in ("ParentShardId", "AdjacentParentShardId") if name in shard}


def _iterator(client: Any, name: str, shard: str, kind: str) -> str:
    answer = client.get_shard_iterator(StreamName=name, ShardId=shard, ShardIteratorType=kind)
    text: str = answer["ShardIterator"]
    return text


def as_text(data: bytes) -> str:
    """Data for people: as text where it is text.

    >>> as_text(b"caf\\xc3\\xa9\\n"), as_text(b"\\xff\\x00")
    ('café', '\\\\xff\\x00')
    """
    return data.decode("utf-8", "backslashreplace").rstrip("\n")


def as_line(shard: str, record: dict[str, Any]) -> str:
    """A record for programs, as one JSON line; data that is no text as base64 under `base64`."""
    import base64

    line = {
        "shard": shard,
        "sequence_number": record["SequenceNumber"],
        "arrival": record["ApproximateArrivalTimestamp"].isoformat(),
        "partition_key": record.get("PartitionKey"),
    }
    try:
        line["data"] = record["Data"].decode()
    except UnicodeDecodeError:
        line["base64"] = base64.b64encode(record["Data"]).decode()
    return json.dumps(line)
