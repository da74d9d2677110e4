"""CREATE TABLE ... AS SELECT."""

from collections.abc import Sequence

from lakemill.lakesql.ddl.context import now
from lakemill.lakesql.ddl.partitions import definition, path
from lakemill.lakesql.ddl.storage import FORMATS
from lakemill.lakesql.dialects.model import Parsed
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.interface import Document, LakeRefused, Outcome
from lakemill.lakesql.query import Query
from lakemill.lakesql.scans.objects import prefix_of
from lakemill.lakesql.types import Type
from lakemill.lakesql.writing import layout as layouts
from lakemill.lakesql.writing import rows, storing
from lakemill.lakesql.writing.layout import Layout


def carry_out(query: Query, parsed: Parsed) -> Outcome:
    """Raises SqlFailed."""
    database, name = parsed.target[0].lower() or query.statement.database, parsed.target[1].lower()
    if _is_there(query, database, name):
        if "if_not_exists" in parsed.flags:
            return _outcome([], 0)
        raise SqlFailed("TABLE_ALREADY_EXISTS", f"Table 'awsdatacatalog.{database}.{name}' already exists", 1, 1)
    if str(parsed.properties.get("table_type", "")).upper() == "ICEBERG":
        from lakemill.lakesql.iceberg import inserting

        return inserting.create(query, parsed, database, name)
    layout = layouts.of_properties(parsed.properties, ctas=True)
    location = _location(query, parsed)
    rows.prepare(query, layout)
    query.plan(parsed.tree)
    columns = query.named_columns(parsed.tree)
    layouts.check_columns(layout, columns)
    storing.check_empty(query.lake, location, f"table '{database}.{name}'")
    document = _document(name, location, layout, columns)
    pieces = []
    if "no_data" not in parsed.flags:
        wanted = [rows.Wanted(column, type, place) for place, (column, type) in enumerate(columns)]
        pieces = rows.write(query, wanted, layout)
    places = [(piece, _folder(location, layout, piece.values)) for piece in pieces]
    partitions = {piece.values: definition(document, list(piece.values), folder) for piece, folder in places}
    with storing.stored(query.lake, places) as uris:
        if layout.keys and partitions:
            query.lake.create_table(database, document, list(partitions.values()))
        else:
            query.lake.create_table(database, document)
    return _outcome(uris, sum(piece.rows for piece in pieces))


def _outcome(uris: list[str], count: int) -> Outcome:
    return Outcome(kind="DDL", substatement="CREATE_TABLE_AS_SELECT", form="", manifest=uris, updated=count)


def _is_there(query: Query, database: str, name: str) -> bool:
    try:
        query.lake.database(database)
    except LakeRefused as refused:
        if refused.code != "EntityNotFoundException":
            raise
        raise SqlFailed("SCHEMA_NOT_FOUND", f"Schema '{database}' does not exist", 1, 1) from None
    try:
        query.lake.table(database, name)
    except LakeRefused as refused:
        if refused.code != "EntityNotFoundException":
            raise
        return False
    return True


def _location(query: Query, parsed: Parsed) -> str:
    given = parsed.properties.get("external_location")
    if given and query.statement.options.get("location") == "enforced":
        message = (
            "The Create Table As Select query failed because it was submitted with an 'external_location' property to "
            "an Athena Workgroup that enforces a centralized output location for all queries."
        )
        raise SqlFailed("INVALID_TABLE_PROPERTY", message)
    if given:
        return prefix_of(str(given))
    folder, _, id = query.statement.output.rpartition("/")
    if not folder:
        raise SqlFailed("INVALID_TABLE_PROPERTY", "external_location is needed where results have no location")
    return f"{folder}/tables/{id}/"


def _folder(location: str, layout: Layout, values: Sequence[str]) -> str:
    if not layout.keys:
        return location
    return f"{prefix_of(location)}{path(dict(zip(layout.keys, values, strict=True)))}/"


def _document(name: str, location: str, layout: Layout, columns: Sequence[tuple[str, Type]]) -> Document:
    source, target, serde = FORMATS[layout.format]
    options = {"serialization.format": "1"}
    if layout.format == "TEXTFILE":
        separator = layout.text.separators[0]
        options = {"serialization.format": separator, "field.delim": separator}
    documents = [{"Name": column, "Type": type.hive()} for column, type in columns]
    plain = len(columns) - len(layout.keys)
    return {
        "Name": name,
        "Owner": "hadoop",
        "Retention": 0,
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": documents[plain:],
        "Parameters": {
            "EXTERNAL": "TRUE",
            "has_encrypted_data": "false",
            "transient_lastDdlTime": now(),
            "write.compression": layout.compression,
        },
        "StorageDescriptor": {
            "Columns": documents[:plain],
            "Location": location,
            "InputFormat": source,
            "OutputFormat": target,
            "Compressed": False,
            "NumberOfBuckets": layout.bucket_count or -1,
            "BucketColumns": list(layout.bucket_columns),
            "SortColumns": [],
            "Parameters": {},
            "StoredAsSubDirectories": False,
            "SerdeInfo": {"SerializationLibrary": serde, "Parameters": options},
        },
    }
