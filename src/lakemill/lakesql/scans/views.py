"""What stands for the tables that a translated statement reads from."""

from collections.abc import Iterator, Sequence

import duckdb
import pyarrow as pa

from lakemill.lakesql import types
from lakemill.lakesql.dialects.model import TableUse
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.interface import Lake
from lakemill.lakesql.scans import avro, objects, opencsv, orc, parquet, sql, textual
from lakemill.lakesql.scans.columnar import Format
from lakemill.lakesql.scans.constants import Constants
from lakemill.lakesql.scans.delimited import Delimited
from lakemill.lakesql.scans.objects import File, Meter
from lakemill.lakesql.scans.partitions import Part, parts
from lakemill.lakesql.scans.streams import Stream
from lakemill.lakesql.scans.table import Column, Table

_WHOLE = ("parquet", "orc", "avro")
"""Formats whose files are there before the statement runs."""
_FETCHED_TOGETHER = 16


class Views:
    """Tables as queries over their files, in one connection.

    paths: the local files that DuckDB itself reads. streams: what is read in Python, under the names of `relations`.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, lake: Lake, meter: Meter, prefix: str = "stream") -> None:
        self._connection, self._lake, self._meter, self._prefix = connection, lake, meter, prefix
        self.relations: list[str] = []
        self.paths: list[str] = []
        self.streams: list[Stream] = []
        self._quoted: list[tuple[Delimited, Sequence[File]]] = []

    def queries(self, uses: Sequence[tuple[TableUse, Table]]) -> list[str]:
        """For each use of a table, the query that gives its rows. Raises SqlFailed."""
        found = [parts(self._lake, table, use.predicates) for use, table in uses]
        whole = [part for some in found for part in some if part.storage.format in _WHOLE]
        objects.fetch(self._lake, [file for part in whole for file in part.files])
        self.paths += [file.path for part in whole for file in part.files]
        return [self._query(use, table, some) for (use, table), some in zip(uses, found, strict=True)]

    def make(self, use: TableUse, table: Table) -> None:
        """Make a view of a table under the name by which a statement uses it. Raises SqlFailed."""
        (query,) = self.queries([(use, table)])
        self._connection.execute(f"CREATE TEMP VIEW {sql.name(use.view)} AS {query}")

    def located(self, failure: SqlFailed) -> SqlFailed:
        """A failure of a value in a text, with its line where that can be found."""
        for form, files in self._quoted:
            failure = opencsv.located(failure, form, files)
        return failure

    def _query(self, use: TableUse, table: Table, found: Sequence[Part]) -> str:
        names = [column.name for column in table.columns] if use.columns is None else use.columns
        columns = [column for column in table.storage.columns if column.name in names]
        constants = Constants(table, names)
        selects: list[str] = []
        for part in found:
            selects += self._selects(part, columns, constants)
        return " UNION ALL ".join(selects) or _nothing(columns, constants)

    def _selects(self, part: Part, columns: Sequence[Column], constants: Constants) -> list[str]:
        kind = part.storage.format
        if kind not in _WHOLE:
            return [self._text(part, columns, constants)]
        return self._format(kind, part).selects(part.storage, part.files, columns, constants, self._meter)

    def _format(self, kind: str, part: Part) -> Format:
        if kind == "parquet":
            return parquet.of_storage(part.storage)
        if kind == "orc":
            return orc.of_storage(part.storage, self._register)
        return avro.of_connection(self._connection)

    def _text(self, part: Part, columns: Sequence[Column], constants: Constants) -> str:
        size = sum(file.source.size for file in part.files)
        reading = textual.reading(part.storage, columns, size)
        names = [f"$constant {place}" for place in range(len(constants.columns))]
        schema = pa.schema([*reading.fields, *(pa.field(name, pa.string()) for name in (textual.FILE, *names))])

        def batches() -> Iterator[pa.RecordBatch]:
            for file in self._local(part.files):
                for arrays in reading.batches(file):
                    rows = len(arrays[0])
                    path = pa.repeat(pa.scalar(file.uri, pa.string()), rows)
                    yield pa.record_batch([*arrays, path, *constants.arrays(file, rows)], schema=schema)

        if part.storage.format == "opencsv":
            self._quoted.append((opencsv.of_options(part.storage.options), part.files))
        relation = self._register(Stream(schema, batches))
        terms = [_term(column, reading.values.get(column.name)) for column in columns]
        terms += constants.typed([sql.name(name) for name in names])
        return f"SELECT {', '.join(terms) or '1 AS one'} FROM {relation}"

    def _register(self, stream: Stream) -> str:
        self.streams.append(stream)
        name = f"{self._prefix}_{len(self.streams)}"
        self.relations.append(name)
        self._connection.register(name, stream)
        return name

    def _local(self, files: Sequence[File]) -> Iterator[File]:
        """The files, fetched some at a time, and counted once."""
        for start in range(0, len(files), _FETCHED_TOGETHER):
            some = files[start : start + _FETCHED_TOGETHER]
            absent = [file for file in some if not file.path]
            objects.fetch(self._lake, absent)
            for file in absent:
                self._meter.add(file.source.size)
            yield from some


def _term(column: Column, value: str | None) -> str:
    return f"{value or f'NULL::{types.of_hive(column.type).duckdb()}'} AS {sql.name(column.name)}"


def _nothing(columns: Sequence[Column], constants: Constants) -> str:
    terms = [_term(column, None) for column in (*columns, *constants.columns)]
    return f"SELECT {', '.join(terms) or '1 AS one'} WHERE false"
