"""Processors that look at each record by itself: unpacking, taking apart, adding a delimiter, partition keys."""

import asyncio
import gzip
import json
import zlib
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import msgspec

from lakemill.engines.delivery import Failure, Record
from lakemill.engines.delivery.pool import WorkerPool
from lakemill.engines.delivery.prefixes import QUERY
from lakemill.engines.delivery.queries import keys_of
from lakemill.services.firehose.processing import Item

RECORD_BYTES_MAX = 32 << 20
"""What a record may unpack to."""
QUERY_S_MAX = 60.0
_SPACE = " \t\r\n"


def _with(item: Item, parts: Sequence[bytes]) -> list[Item]:
    """One record's parts, numbered."""
    record = item.record
    return [
        Item(Record(part, record.arrival_ms, record.sequence, record.shard, record.key, sub), item.keys)
        for sub, part in enumerate(parts)
    ]


class _Apart:
    """A step that makes any number of records of one. code: of its failures."""

    code: str

    def parts(self, data: bytes) -> Sequence[bytes]:
        """Raises ValueError."""
        raise NotImplementedError

    async def __call__(self, items: list[Item]) -> tuple[list[Item], list[Failure]]:
        return await asyncio.to_thread(self._all, items)

    def _all(self, items: list[Item]) -> tuple[list[Item], list[Failure]]:
        made: list[Item] = []
        failures: list[Failure] = []
        for item in items:
            try:
                parts = self.parts(item.record.data)
            except ValueError as wrong:
                failures.append(item.failure(self.code, str(wrong)))
            else:
                made += _with(item, parts)
        return made, failures


class Unzip(_Apart):
    """Decompression: records are GZIP."""

    code = "Decompression.Failed"

    def parts(self, data: bytes) -> Sequence[bytes]:
        try:
            whole = zlib.decompressobj(wbits=31)
            unpacked = whole.decompress(data, RECORD_BYTES_MAX)
            if whole.unconsumed_tail:
                raise ValueError(f"The record unpacks to more than {RECORD_BYTES_MAX} bytes")
            if whole.unused_data:
                unpacked += gzip.decompress(whole.unused_data)
        except (zlib.error, EOFError, OSError) as wrong:
            raise ValueError(f"The record is not GZIP: {wrong}") from None
        if not whole.eof:
            raise ValueError("The record is not GZIP: it is cut off")
        return [unpacked]


class LogMessages(_Apart):
    """CloudWatchLogProcessing: only the messages of what CloudWatch Logs sends to subscribers."""

    code = "CloudWatchLogProcessing.Failed"

    def parts(self, data: bytes) -> Sequence[bytes]:
        try:
            envelope = msgspec.json.decode(data)
            if envelope["messageType"] == "CONTROL_MESSAGE":
                return []
            return [event["message"].encode() for event in envelope["logEvents"]]
        except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
            raise ValueError("The record is no message of CloudWatch Logs") from None


class Documents(_Apart):
    """RecordDeAggregation of JSON: documents back to back, with or without white space between them."""

    code = "RecordDeAggregation.Failed"
    _decoder = json.JSONDecoder()

    def parts(self, data: bytes) -> Sequence[bytes]:
        try:
            text = data.decode()
        except UnicodeDecodeError:
            raise ValueError("The record is not UTF-8 text") from None
        found: list[bytes] = []
        position, end = 0, len(text)
        while True:
            while position < end and text[position] in _SPACE:
                position += 1
            if position == end:
                return found
            if text[position] != "{":
                raise ValueError(f"No JSON object begins at character {position} of the record")
            try:
                _, after = self._decoder.raw_decode(text, position)
            except (json.JSONDecodeError, RecursionError) as wrong:
                raise ValueError(f"The record is no row of JSON objects: {wrong}") from None
            found.append(text[position:after].encode())
            position = after


class Pieces(_Apart):
    """RecordDeAggregation of delimited text; the delimiters are dropped."""

    code = "RecordDeAggregation.Failed"

    def __init__(self, delimiter: bytes) -> None:
        self._delimiter = delimiter

    def parts(self, data: bytes) -> Sequence[bytes]:
        return [part for part in data.split(self._delimiter) if part]


class Delimiter:
    """AppendDelimiterToRecord."""

    def __init__(self, delimiter: bytes) -> None:
        self._delimiter = delimiter

    async def __call__(self, items: list[Item]) -> tuple[list[Item], list[Failure]]:
        end = self._delimiter
        for item in items:
            one = item.record
            item.record = Record(one.data + end, one.arrival_ms, one.sequence, one.shard, one.key, one.sub)
        return items, []


class Keys:
    """MetadataExtraction: partition keys by a jq query."""

    def __init__(self, pool: WorkerPool, query: str, names: Sequence[str]) -> None:
        self._pool, self._query, self._names = pool, query, list(names)

    async def __call__(self, items: list[Item]) -> tuple[list[Item], list[Failure]]:
        values = [item.record.data for item in items]
        try:
            found: list[Any] = await self._pool.run(keys_of, self._query, self._names, values, timeout_s=QUERY_S_MAX)
        except TimeoutError:
            found = [f"The query did not end within {QUERY_S_MAX:g} seconds for {len(values)} records"] * len(values)
        except BrokenProcessPool:
            found = ["The query ended its process"] * len(values)
        made, failures = [], []
        same: dict[tuple[str, ...], dict[str, str]] = {}
        """Records without other keys share theirs: there are few of them."""
        for item, keys in zip(items, found, strict=True):
            if isinstance(keys, str):
                failures.append(item.failure("DynamicPartitioning.MetadataExtractionFailed", keys))
                continue
            named = same.get(keys)
            if named is None:
                named = same[keys] = {f"{QUERY}:{n}": key for n, key in zip(self._names, keys, strict=True)}
            item.keys = item.keys | named if item.keys else named
            made.append(item)
        return made, failures
