"""Rows of DuckDB as files of one format."""

import bz2
import contextlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import duckdb
import pyarrow as pa
import pyarrow.orc

from lakemill.formats import compression
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.scans import sql
from lakemill.lakesql.types import Type
from lakemill.lakesql.writing import texts
from lakemill.lakesql.writing.layout import Layout

_BATCH_ROWS = 1 << 16
Columns = Sequence[tuple[str, str, Type]]
"""(expression, name, type) of each."""


def write(connection: duckdb.DuckDBPyConnection, columns: Columns, relation: str, layout: Layout, path: Path) -> int:
    """Write the rows of a relation into a file; how many there were. A file without rows may be left. Raises SqlFailed.

    relation: what stands after FROM, with its conditions.
    """
    if layout.format == "PARQUET":
        query = f"SELECT {_typed(columns)} FROM {relation}"
        copy = f"COPY ({query}) TO {sql.text(str(path))} (FORMAT parquet, COMPRESSION {layout.packing})"
        return _count(connection.execute(copy))
    if layout.format == "ORC":
        return _orc(connection.execute(f"SELECT {_typed(columns)} FROM {relation}"), layout, path)
    if layout.format == "AVRO":
        query = f"SELECT {', '.join(map(_avro, columns))} FROM {relation}"
        return _count(connection.execute(f"COPY ({query}) TO {sql.text(str(path))} (FORMAT avro)"))
    line = texts.json(columns) if layout.format == "JSON" else texts.delimited(columns, layout.text)
    return _lines(connection.execute(f"SELECT {line} FROM {relation}"), layout, path)


def _typed(columns: Columns) -> str:
    return ", ".join(f"CAST({value} AS {type.duckdb()}) AS {sql.name(name)}" for value, name, type in columns)


def _avro(column: tuple[str, str, Type]) -> str:
    """As Hive does, whole numbers have 32 bits at least."""
    value, name, type = column
    if "map(" in type.trino():
        raise SqlFailed("NOT_SUPPORTED", f"AVRO cannot be written with a column of type {type.trino()}")
    small = re.sub(r"\b(TINYINT|SMALLINT)\b", "INTEGER", type.duckdb())
    return f"CAST({value} AS {small}) AS {sql.name(name)}"


def _count(done: Any) -> int:
    return int(done.fetchone()[0])


def _orc(done: Any, layout: Layout, path: Path) -> int:
    reader = done.to_arrow_reader(_BATCH_ROWS)
    rows = 0
    with pyarrow.orc.ORCWriter(str(path), compression=layout.packing) as writer:
        for batch in reader:
            if batch.num_rows:
                writer.write(pa.Table.from_batches([batch]))
            rows += batch.num_rows
    return rows


def _lines(done: Any, layout: Layout, path: Path) -> int:
    """The texts' bytes stand one after the other in a column, so they are written as they are."""
    rows = 0
    with path.open("wb") as target, _packing(target, layout.compression) as packed:
        for batch in done.to_arrow_reader(_BATCH_ROWS):
            column = batch.column(0).cast(pa.large_string())
            if not len(column):
                continue
            rows += len(column)
            _, offsets, data = column.buffers()
            bounds = memoryview(offsets).cast("q")[column.offset : column.offset + len(column) + 1]
            packed.write(memoryview(data)[bounds[0] : bounds[-1]])
    return rows


@contextlib.contextmanager
def _packing(target: BinaryIO, kind: str) -> Iterator[Any]:
    if kind == "NONE":
        yield target
        return
    if kind == "ZSTD":
        with pa.CompressedOutputStream(pa.PythonFile(target, "w"), "zstd") as packed:
            yield packed
        return
    writer: Any
    if kind == "BZIP2":
        writer = bz2.BZ2File(target, "wb")
    else:
        writer = compression.writer(target, "GZIP" if kind == "GZIP" else "HADOOP_SNAPPY")
    yield writer
    writer.close()
