"""Avro: its fields as texts, matched to columns by their names or by paths."""

import json
from collections.abc import Iterator

import duckdb
import pyarrow as pa

from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.scans import avro, sql
from lakemill.lakesql.scans.streams import Stream
from lakemill.warehouse.loading import documents
from lakemill.warehouse.loading.inputs import CODE, LINE, RAW, REASON, Input, Relations
from lakemill.warehouse.loading.sources import Object
from lakemill.warehouse.loading.statement import Copy

_BATCH_ROWS = 1 << 14


class Avro(Input):
    """Files of Avro as objects of JSON, which an instance of DuckDB of its own makes of them.

    The extension that reads Avro is loaded there, since the warehouse's instance loads nothing any more.
    """

    def __init__(
        self, objects: list[Object], copy: Copy, columns: list[str], supers: list[bool], paths: str,
        connection: duckdb.DuckDBPyConnection,
    ) -> None:  # fmt: skip
        self._objects = [one for one in objects if one.size]
        self._reader = duckdb.connect(":memory:", config={"autoload_known_extensions": False})
        try:
            avro.load(self._reader)
        except SqlFailed as wrong:
            raise SqlFailed("0A000", wrong.message) from None
        copied = Copy(copy.table, mode=copy.mode)
        if copy.mode == "auto ignorecase":
            copied.mode = "auto"
            there = {name.lower(): name for one in self._objects for name in self._names(one)}
            columns = [there.get(name, name) for name in columns]
        super().__init__(documents.Documents([], copied, columns, supers, paths, self._reader).fields)

    def quick(self, relations: Relations) -> str | None:
        schema = pa.schema([pa.field("json", pa.string())])
        relation = relations.add(Stream(schema, lambda: self._batches(schema)))
        return f"(SELECT CAST(json AS JSON) AS json FROM {relation})"

    def precise(self, connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[Object, pa.Table]]:
        for one in self._objects:
            line = 1
            for batch in self._rows(one):
                count = batch.num_rows
                yield (
                    one,
                    pa.table(
                        {
                            LINE: pa.array(range(line, line + count), pa.int64()),
                            RAW: batch.column(0),
                            CODE: pa.nulls(count, pa.int32()),
                            REASON: pa.nulls(count, pa.string()),
                            "json": batch.column(0),
                        }
                    ),
                )
                line += count

    def _batches(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        for one in self._objects:
            for batch in self._rows(one):
                yield pa.record_batch([batch.column(0)], schema=schema)

    def _rows(self, one: Object) -> Iterator[pa.RecordBatch]:
        query = f"SELECT CAST(to_json(r) AS VARCHAR) AS json FROM read_avro({sql.text(one.path)}) AS r"
        try:
            yield from self._reader.cursor().execute(query).to_arrow_reader(_BATCH_ROWS)
        except duckdb.Error as wrong:
            raise SqlFailed("XX000", f"Invalid AVRO file {one.uri}: {str(wrong).splitlines()[0]}") from None

    def _names(self, one: Object) -> list[str]:
        for batch in self._rows(one):
            if batch.num_rows:
                return list(json.loads(batch.column(0)[0].as_py()))
        return []
