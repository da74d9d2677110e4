"""Lines of JSON, by one of the two JSON SerDes."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakemill.formats import hive, jit, moments
from lakemill.formats.jsoncolumns import ColumnReader
from lakemill.formats.jsonserde import HiveJson, OpenX, Serde
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.scans import lines
from lakemill.lakesql.scans.lazy import skipped_lines
from lakemill.lakesql.scans.objects import File
from lakemill.lakesql.scans.table import OPENX, Column, Storage


def serde_of(storage: Storage) -> Serde:
    """The SerDe with the options that a table gives it."""
    options = storage.options
    if storage.serde != OPENX:
        formats = options.get("timestamp.formats", "")
        return HiveJson([one.strip() for one in formats.split(",") if one.strip()])
    keys = {name.removeprefix("mapping."): key for name, key in options.items() if name.startswith("mapping.")}
    return OpenX(
        case_insensitive=_flag(options, "case.insensitive", True),
        dots_to_underscores=_flag(options, "dots.in.keys", False),
        keys={column.lower(): key for column, key in keys.items()},
    )


def reader(
    storage: Storage, columns: Sequence[Column], size_bytes: int
) -> Callable[[File], Iterator[pa.Table]]:  # fmt: skip
    """What makes tables of the lines of a file. Raises SqlFailed.

    size_bytes: of all files; whether compiled code is worth its loading depends on it.

    Where `ignore.malformed.json` is true, a line that is no row of the table is a row of nulls.
    """
    lenient = _flag(storage.options, "ignore.malformed.json", False)
    skipped = skipped_lines(storage.options)
    try:
        large = size_bytes >= jit.COLD_BYTES
        made = ColumnReader(columns, serde_of(storage), "us", compiled=True if large else None)
    except (hive.TypeUnknown, moments.PatternRefused) as wrong:
        raise SqlFailed("HIVE_INVALID_METADATA", str(wrong)) from None

    def tables(file: File) -> Iterator[pa.Table]:
        before = skipped
        for block in lines.arrays(file, skipped):
            filled = pc.greater(pc.binary_length(block), 0)
            found, failures = made.read(block.filter(filled))
            if failures and not lenient:
                wrong = min(failures, key=lambda failure: failure.index)
                line = before + int(np.flatnonzero(filled)[wrong.index]) + 1
                raise SqlFailed("HIVE_BAD_DATA", f"Error parsing line {line} of {file.uri}: {wrong.message}")
            before += len(block)
            yield found
            if failures:
                yield pa.table([pa.nulls(len(failures), field.type) for field in made.schema], schema=made.schema)

    return tables


def _flag(options: Mapping[str, str], name: str, default: bool) -> bool:
    return options.get(name, str(default)).strip().lower() == "true"
