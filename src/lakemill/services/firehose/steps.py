"""Processors that look at each record by itself: unpacking, taking apart, adding a delimiter, partition keys."""

import asyncio
import gzip
import json
import zlib
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool

import msgspec

from lakemill.engines.delivery import Failure, Record
from lakemill.engines.delivery.grouping import Query, grouped
from lakemill.engines.delivery.pool import WorkerPool
from lakemill.engines.delivery.prefixes import QUERY
from lakemill.engines.delivery.rows import Rows
from lakemill.services.firehose.processing import Lot

RECORD_BYTES_MAX = 32 << 20
"""What a record may unpack to."""
QUERY_S_MAX = 60.0
_SPACE = " \t\r\n"


class _Apart:
    """A step that makes any number of records of one. code: of its failures."""

    code: str

    def parts(self, data: bytes) -> Sequence[bytes]:
        """Raises ValueError."""
        raise NotImplementedError

    async def __call__(self, lots: list[Lot]) -> tuple[list[Lot], list[Failure]]:
        return await asyncio.to_thread(self._all, lots)

    def _all(self, lots: list[Lot]) -> tuple[list[Lot], list[Failure]]:
        made: list[Lot] = []
        failures: list[Failure] = []
        for lot in lots:
            found: list[Record] = []
            for one in lot.records:
                try:
                    parts = self.parts(one.data)
                except ValueError as wrong:
                    failures.append(Failure(one, self.code, str(wrong)))
                else:
                    found += [
                        Record(part, one.arrival_ms, one.sequence, one.shard, one.key, sub)
                        for sub, part in enumerate(parts)
                    ]
            if found:
                made.append(Lot(lot.keys, Rows.of(found)))
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

    async def __call__(self, lots: list[Lot]) -> tuple[list[Lot], list[Failure]]:
        return await asyncio.to_thread(self._all, lots), []

    def _all(self, lots: list[Lot]) -> list[Lot]:
        return [Lot(lot.keys, Rows([part.ended(self._delimiter) for part in lot.records.parts])) for lot in lots]


class Keys:
    """MetadataExtraction: partition keys by a jq query. delimiter: AppendDelimiterToRecord's, if that follows."""

    code = "DynamicPartitioning.MetadataExtractionFailed"

    def __init__(self, pool: WorkerPool, query: str, names: Sequence[str], delimiter: bytes = b"") -> None:
        self._pool, self._query = pool, Query(query, list(names), delimiter)

    async def __call__(self, lots: list[Lot]) -> tuple[list[Lot], list[Failure]]:
        try:
            found = await grouped(self._pool, self._query, [lot.records for lot in lots], QUERY_S_MAX)
        except TimeoutError:
            count = sum([len(lot.records) for lot in lots])
            return [], self._failures(lots, f"The query did not end within {QUERY_S_MAX:g} seconds for {count} records")
        except BrokenProcessPool:
            return [], self._failures(lots, "The query ended its process")
        made = []
        for number, keys, records in found.groups:
            named = {f"{QUERY}:{name}": key for name, key in zip(self._query.names, keys, strict=True)}
            made.append(Lot(lots[number].keys | named, records))
        if len(lots) > 1:  # Where there is room for some partitions only, those of the first records get it.
            made.sort(key=lambda lot: (lot.records[0].sequence, lot.records[0].sub))
        return made, [Failure(record, self.code, message) for record, message in found.refused]

    def _failures(self, lots: list[Lot], message: str) -> list[Failure]:
        return [failure for lot in lots for failure in lot.failures(self.code, message)]
