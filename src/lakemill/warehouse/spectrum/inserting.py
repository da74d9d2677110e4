"""INSERT INTO an external table, and the rows of CREATE EXTERNAL TABLE AS: files, then partitions, then the catalog."""

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from lakemill.lakesql import types
from lakemill.lakesql.ddl.partitions import definition, path
from lakemill.lakesql.dialects import redshift
from lakemill.lakesql.dialects.redshift import Compiled, External
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.interface import Document, Lake
from lakemill.lakesql.scans.objects import is_empty, prefix_of
from lakemill.lakesql.scans.table import Table, of_document
from lakemill.lakesql.types import Type
from lakemill.lakesql.writing import insert as inserts
from lakemill.lakesql.writing import layout as layouts
from lakemill.lakesql.writing import rows, storing
from lakemill.lakesql.writing.layout import Layout
from lakemill.warehouse.results import Result
from lakemill.warehouse.spectrum.errors import told
from lakemill.warehouse.spectrum.lakes import of_schema, opened, outside_of_block
from lakemill.warehouse.spectrum.reading import reading, refuse_iceberg, table_of

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session

_PACKINGS = {
    "PARQUET": {"": "SNAPPY", "none": "NONE", "snappy": "SNAPPY"},
    "TEXTFILE": {"": "NONE", "none": "NONE", "gzip": "GZIP"},
}


@dataclasses.dataclass
class _Query:
    """As much of a `lakesql.query.Query` as writing rows and partitions asks for."""

    connection: duckdb.DuckDBPyConnection
    lake: Lake
    folder: Path
    translated: Any

    @property
    def sql(self) -> str:
        return str(self.translated.sql)

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        yield


def compiled(session: "Session", query: str) -> Compiled:
    """A query by its text. Raises SqlFailed."""
    parsed = redshift.parse(query)
    if parsed.kind != "query":
        raise SqlFailed("42601", "CREATE EXTERNAL TABLE AS needs a query")
    return session.compile(parsed)


def insert(session: "Session", found: Compiled) -> Result:
    """Carry out an INSERT whose target is an external table. found: its query. Raises SqlFailed."""
    outside_of_block(session, "INSERT INTO an external table")
    use = next(use for use in found.uses if use.action == "insert")
    target = use.relation
    assert isinstance(target, External)
    schema, name = target.parts
    external = of_schema(session, schema)
    with told(f'relation "{schema}.{name}"'), opened(session, external) as lake:
        table = table_of(lake, external["database"], name)
        refuse_iceberg(table.document)
        pieces = _written(session, lake, lake.folder, table, found)
        inserts.added(_query(session, lake, lake.folder, found), table, pieces)  # type: ignore[arg-type]
    count = sum(piece.rows for piece in pieces)
    return Result(f"INSERT 0 {count}", rows=count)


def made(session: "Session", external: dict[str, Any], document: Document, found: Compiled) -> int:
    """Make a table with the rows of a query; how many there are. Raises SqlFailed, LakeRefused."""
    with opened(session, external) as lake:
        table = of_document(external["database"], document)
        if not is_empty(lake, table.storage.location):
            raise SqlFailed("XX000", f"the location {table.storage.location} of CREATE EXTERNAL TABLE AS is not empty")
        pieces = _written(session, lake, lake.folder, table, found)
        places = [(piece, _place(table, piece)) for piece in pieces]
        partitions = {piece.values: definition(document, list(piece.values), place) for piece, place in places}
        with storing.stored(lake, places):
            if table.keys:
                lake.create_table(external["database"], document, list(partitions.values()))
            else:
                lake.create_table(external["database"], document)
    return sum(piece.rows for piece in pieces)


def _place(table: Table, piece: rows.Piece) -> str:
    location = prefix_of(table.storage.location)
    if not table.keys:
        return location
    values = dict(zip([key.name for key in table.keys], piece.values, strict=True))
    return f"{location}{path(values)}/"


def _query(session: "Session", lake: Lake, folder: Path, found: Compiled) -> _Query:
    return _Query(session.connection, lake, folder, found)


def _written(session: "Session", lake: Lake, folder: Path, table: Table, found: Compiled) -> list[rows.Piece]:
    layout = _layout(table)
    columns = found.columns or []
    order = {name: place for place, (name, _) in enumerate(columns)}
    wanted = [
        rows.Wanted(column.name, _type(column.type), order.get(column.name, place))
        for place, column in enumerate(table.columns)
    ]
    connection = session.connection
    with reading(session, found.external):
        for one in found.statements[:-1]:
            connection.execute(one)
        try:
            return rows.write(_query(session, lake, folder, found), wanted, layout)  # type: ignore[arg-type]
        finally:
            with contextlib.suppress(duckdb.Error):
                connection.execute(f"DROP TABLE IF EXISTS temp.main.{rows.KEPT}")


def _type(written: str) -> Type:
    return types.of_hive(written)


def _layout(table: Table) -> Layout:
    formats = {"parquet": "PARQUET", "lazy": "TEXTFILE"}
    format = formats.get(table.storage.format)
    if format is None:
        raise SqlFailed(
            "0A000", f"INSERT into an external table of {table.storage.serde} is not supported: only Parquet and text"
        )
    packing = _PACKINGS[format].get(table.parameters.get("compression_type", "").lower())
    if packing is None:
        raise SqlFailed(
            "0A000", f"compression_type '{table.parameters['compression_type']}' is not supported for {format}"
        )
    return dataclasses.replace(layouts.of_table(table), compression=packing)
