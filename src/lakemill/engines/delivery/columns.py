"""JSON records made into Parquet or ORC files. The work is done in a worker process."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from lakemill.engines.delivery.bucketsink import Encode, NotEncodable, Pieces
from lakemill.engines.delivery.handing import Handed, append, taken, write
from lakemill.engines.delivery.packed import Packed, unpacked
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

    packed = False
    """Whether some records were packed; then one looks for them first."""

    async def encode(records: Sequence[Record]) -> tuple[Pieces, list[Failure]]:
        nonlocal packed
        asked = list(columns())
        if packed:
            records = await asyncio.to_thread(unpacked, records)
        with pool.files.borrowed() as file:
            given = await asyncio.to_thread(write, records, file, unread=True)
            try:
                size, failed, unfit = await pool.run(_convert, given, asked, serde, kind, options)
            except (FileNotFoundError, Packed) as told:  # Some records are too old: their file has no name any more.
                packed = packed or isinstance(told, Packed)
                records = await asyncio.to_thread(unpacked, records)
                given = await asyncio.to_thread(write, records, file)
                size, failed, unfit = await pool.run(_convert, given, asked, serde, kind, options)
            body = await asyncio.to_thread(taken, file, given, size)
        if unfit:
            raise NotEncodable(codes("InvalidSchema"), unfit)
        if not failed:
            return [body], []
        wrong = await asyncio.to_thread(lambda: [records[index] for index, _, _ in failed])  # It may lie in the log.
        return [body], [Failure(one, codes(code), say) for one, (_, code, say) in zip(wrong, failed, strict=True)]

    return encode


def _convert(
    given: Handed, columns: Columns, serde: Serde, kind: str, options: dict[str, Any]
) -> tuple[int, list[tuple[int, str, str]], str]:
    """How many bytes the file has, which follows the records; what failed as (index, code, message).

    And why nothing can be converted at all.
    """
    from lakemill.engines.delivery.handedblocks import HandedBlocks
    from lakemill.formats import conversion, hive, moments

    output = {"Parquet": conversion.Parquet, "Orc": conversion.Orc}[kind](**options)
    try:
        done = conversion.convert(
            HandedBlocks(given), [NamedColumn(name, type) for name, type in columns], serde, output
        )
    except (conversion.OptionRefused, hive.TypeUnknown, moments.PatternRefused) as wrong:
        return 0, [], str(wrong)
    append(given, done.body)
    return len(done.body), [(one.index, one.code, one.message) for one in done.failures], ""
