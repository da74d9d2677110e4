"""JSON records made into Parquet or ORC files. The work is done in a worker process."""

import array
import asyncio
import itertools
from collections.abc import Callable, Sequence
from typing import Any

from lakemill.engines.delivery.bucketsink import Encode, NotEncodable
from lakemill.engines.delivery.pool import WorkerPool
from lakemill.engines.delivery.records import Failure, Record
from lakemill.formats.hive import NamedColumn
from lakemill.formats.jsonserde import HiveJson, OpenX, Serde

__all__ = ["Columns", "HiveJson", "OpenX", "Serde", "columnar"]

Columns = Sequence[tuple[str, str]]
"""Names and Hive's types."""


def columnar(
    pool: WorkerPool,
    columns: Callable[[], Columns],
    serde: Serde,
    kind: str,
    options: dict[str, Any],
    codes: Callable[[str], str],
) -> Encode:
    """Records to one file.

    columns: those of the table at this moment; may raise NotEncodable. kind: Parquet or Orc, with its options by
    name. codes: what an error of conversion is called.
    """

    async def encode(records: list[Record]) -> tuple[bytes, list[Failure]]:
        asked = list(columns())
        joined, lengths = await asyncio.to_thread(_joined, records)
        body, failed, unfit = await pool.run(_convert, joined, lengths, asked, serde, kind, options)
        if unfit:
            raise NotEncodable(codes("InvalidSchema"), unfit)
        return body, [Failure(records[index], codes(code), message) for index, code, message in failed]

    return encode


def _joined(records: list[Record]) -> tuple[bytes, bytes]:
    """The data of records as two buffers, which go to another process several times as fast as many small ones."""
    values = [record.data for record in records]
    return b"".join(values), array.array("I", map(len, values)).tobytes()


def _apart(joined: bytes, lengths: bytes) -> list[bytes]:
    """What was joined."""
    values, begin = [], 0
    for end in itertools.accumulate(array.array("I", lengths)):
        values.append(joined[begin:end])
        begin = end
    return values


def _convert(
    joined: bytes, lengths: bytes, columns: Columns, serde: Serde, kind: str, options: dict[str, Any]
) -> tuple[bytes, list[tuple[int, str, str]], str]:
    """The file, what failed as (index, code, message), and why nothing can be converted at all."""
    from lakemill.formats import conversion, hive, moments

    output = {"Parquet": conversion.Parquet, "Orc": conversion.Orc}[kind](**options)
    try:
        done = conversion.convert(
            _apart(joined, lengths), [NamedColumn(name, type) for name, type in columns], serde, output
        )
    except (conversion.OptionRefused, hive.TypeUnknown, moments.PatternRefused) as wrong:
        return b"", [], str(wrong)
    return done.body, [(one.index, one.code, one.message) for one in done.failures], ""
