"""Makes the views that a translated statement reads from."""

from collections.abc import Iterator, Sequence

import duckdb
import pyarrow as pa

from lakemill.lakesql import types
from lakemill.lakesql.dialects.model import TableUse
from lakemill.lakesql.interface import Lake
from lakemill.lakesql.scans import lazy, objects, opencsv, parquet, sql
from lakemill.lakesql.scans.constants import Constants
from lakemill.lakesql.scans.objects import File, Meter
from lakemill.lakesql.scans.partitions import Part, parts
from lakemill.lakesql.scans.streams import Stream
from lakemill.lakesql.scans.table import Column, Table

_FETCHED_TOGETHER = 16


class Views:
    """Views over tables in one connection. paths: the local files that they read."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, lake: Lake, meter: Meter) -> None:
        self._connection, self._lake, self._meter = connection, lake, meter
        self.paths: list[str] = []
        self.streams: list[Stream] = []

    def make(self, use: TableUse, table: Table) -> None:
        """Make the view by which a statement uses a table. Raises SqlFailed."""
        names = [column.name for column in table.columns] if use.columns is None else use.columns
        columns = [column for column in table.storage.columns if column.name in names]
        constants = Constants(table, names)
        selects: list[str] = []
        for part in parts(self._lake, table, use.predicates):
            if part.files:
                selects += self._selects(part, columns, constants)
        selects = selects or [_nothing(columns, constants)]
        self._connection.execute(f"CREATE TEMP VIEW {sql.name(use.view)} AS {' UNION ALL '.join(selects)}")

    def _selects(self, part: Part, columns: Sequence[Column], constants: Constants) -> list[str]:
        kind = part.storage.format
        if kind == "parquet":
            objects.fetch(self._lake, part.files)
            self.paths += [file.path for file in part.files]
            return parquet.selects(part.storage, part.files, columns, constants, self._meter)
        return [self._delimited(part, columns, constants)]

    def _delimited(self, part: Part, columns: Sequence[Column], constants: Constants) -> str:
        storage = part.storage
        order = {column.name: place for place, column in enumerate(storage.columns)}
        there = [column for column in columns if column.name in order]
        places = [order[column.name] for column in there]
        if storage.format == "lazy":
            form = lazy.of_options(storage.options)
            text = form.text
            values = {column.name: form.value(sql.name(column.name), types.of_hive(column.type)) for column in there}
        else:
            text = opencsv.of_options(storage.options)
            values = {
                column.name: opencsv.value(sql.name(column.name), types.of_hive(column.type), place, '"$file"')
                for column, place in zip(there, places, strict=True)
            }
        schema = pa.schema([(column.name, pa.string()) for column in there])
        name = self._stream(part, schema, constants, lambda file: text.batches(file, places or [0]))
        return _select(columns, values, constants, name)

    def _stream(self, part: Part, schema: pa.Schema, constants: Constants, read) -> str:
        """Register a stream of these columns, the name of the file, and constants."""
        whole = pa.schema(
            [
                *schema,
                ("$file", pa.string()),
                *((f"$constant {place}", pa.string()) for place in range(len(constants.columns))),
            ]
        )

        def batches() -> Iterator[pa.RecordBatch]:
            for file in self._local(part.files):
                for arrays in read(file):
                    rows = len(arrays[0])
                    path = pa.repeat(pa.scalar(file.uri, pa.string()), rows)
                    found = [*arrays[: len(schema)], path, *constants.arrays(file, rows)]
                    yield pa.record_batch(found, schema=whole)

        stream = Stream(whole, batches)
        self.streams.append(stream)
        name = f"stream_{len(self.streams)}"
        self._connection.register(name, stream)
        return name

    def _local(self, files: Sequence[File]) -> Iterator[File]:
        """The files, fetched some at a time, and counted once."""
        for start in range(0, len(files), _FETCHED_TOGETHER):
            some = [file for file in files[start : start + _FETCHED_TOGETHER] if not file.path]
            objects.fetch(self._lake, some)
            for file in some:
                self._meter.add(file.source.size)
            yield from files[start : start + _FETCHED_TOGETHER]


def _select(columns: Sequence[Column], values: dict[str, str], constants: Constants, relation: str) -> str:
    terms = []
    for column in columns:
        value = values.get(column.name) or f"NULL::{types.of_hive(column.type).duckdb()}"
        terms.append(f"{value} AS {sql.name(column.name)}")
    terms += constants.typed([sql.name(f"$constant {place}") for place in range(len(constants.columns))])
    return f"SELECT {', '.join(terms) or '1 AS one'} FROM {relation}"


def _nothing(columns: Sequence[Column], constants: Constants) -> str:
    terms = [
        f"NULL::{types.of_hive(column.type).duckdb()} AS {sql.name(column.name)}"
        for column in (*columns, *constants.columns)
    ]
    return f"SELECT {', '.join(terms) or '1 AS one'} WHERE false"
