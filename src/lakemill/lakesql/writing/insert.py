"""INSERT INTO."""

from collections.abc import Sequence

from lakemill.lakesql import types
from lakemill.lakesql.ddl.partitions import definition
from lakemill.lakesql.dialects.model import Parsed
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.fits import wanted
from lakemill.lakesql.interface import LakeRefused, Outcome
from lakemill.lakesql.query import Query, table_document
from lakemill.lakesql.scans.table import Table, is_iceberg, of_document
from lakemill.lakesql.types import Type
from lakemill.lakesql.writing import layout as layouts
from lakemill.lakesql.writing import rows, storing


def carry_out(query: Query, parsed: Parsed) -> Outcome:
    """Raises SqlFailed."""
    database, name = parsed.target[0].lower() or query.statement.database, parsed.target[1].lower()
    document = table_document(query.lake, database, name)
    if is_iceberg(document):
        from lakemill.lakesql.iceberg import inserting

        return inserting.insert(query, parsed, document, database)
    if document.get("TableType") == "VIRTUAL_VIEW":
        raise SqlFailed("NOT_SUPPORTED", "Inserting into views is not supported", 1, 1)
    table = of_document(database, document)
    if table.parameters.get("projection.enabled", "").lower() == "true" and table.parameters.get(
        "storage.location.template"
    ):
        raise SqlFailed("NOT_SUPPORTED", "Inserting into a table with storage.location.template is not supported")
    if document["StorageDescriptor"].get("BucketColumns"):
        raise SqlFailed("NOT_SUPPORTED", f"Inserting into the bucketed table {database}.{name} is not supported")
    layout = layouts.of_table(table)
    rows.prepare(query, layout)
    query.plan(parsed.tree)
    pieces = rows.write(query, _wanted(table, parsed.columns, query.translated.columns), layout)
    uris = added(query, table, pieces)
    return Outcome(
        kind="DML", substatement="INSERT", form="", manifest=uris, updated=sum(piece.rows for piece in pieces)
    )  # fmt: skip


def added(query: Query, table: Table, pieces: list[rows.Piece]) -> list[str]:
    """Store the pieces where their partitions are, and add the partitions that are new."""
    if not table.keys:
        with storing.stored(query.lake, [(piece, table.storage.location) for piece in pieces]) as uris:
            return uris
    document = dict(table.document)
    there: dict[tuple[str, ...], str] = {}
    if pieces and table.parameters.get("projection.enabled", "").lower() != "true":
        known = query.lake.partitions(table.database, table.name, None)
        there = {tuple(one["Values"]): one["StorageDescriptor"]["Location"] for one in known}
    new = {
        piece.values: definition(document, list(piece.values), None) for piece in pieces if piece.values not in there
    }  # fmt: skip
    places = [
        (piece, there.get(piece.values) or new[piece.values]["StorageDescriptor"]["Location"]) for piece in pieces
    ]
    with storing.stored(query.lake, places) as uris:
        if new and table.parameters.get("projection.enabled", "").lower() != "true":
            codes = query.lake.add_partitions(table.database, table.name, list(new.values()))
            for code in codes:
                if code not in (None, "AlreadyExistsException"):
                    raise LakeRefused(code, "a partition was not added")
    return uris


def _wanted(table: Table, names: list[str] | None, columns: Sequence[tuple[str, Type]]) -> list[rows.Wanted]:
    declared = {column.name: types.of_hive(column.type) for column in table.columns}
    places = wanted(declared, names, columns)
    return [rows.Wanted(name, type, places[name]) for name, type in declared.items()]
