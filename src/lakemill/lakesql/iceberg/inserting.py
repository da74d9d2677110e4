"""INSERT INTO and CREATE TABLE AS."""

from collections.abc import Sequence

from pyiceberg.table import Table, Transaction

from lakemill.lakesql.dialects.coercion import coerce
from lakemill.lakesql.dialects.model import Parsed
from lakemill.lakesql.dialects.typed import Typed
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.fits import wanted
from lakemill.lakesql.iceberg import committing, partitioning, properties, schemas
from lakemill.lakesql.iceberg.files import DataFiles
from lakemill.lakesql.interface import Document, LakeRefused, Outcome
from lakemill.lakesql.query import Query
from lakemill.lakesql.scans.objects import is_empty, prefix_of
from lakemill.lakesql.types import Type
from lakemill.lakesql.writing.layout import check_names
from lakemill.lakesql.writing.storing import writing_refused

_CREATED = {"table_type", "is_external", "location", "partitioning", "external_location"}


def insert(query: Query, parsed: Parsed, document: Document, database: str) -> Outcome:
    """INSERT INTO. Raises SqlFailed."""
    table = query.iceberg.table(document, database)
    declared = {field.name.lower(): schemas.type_of(field.field_type) for field in table.schema().fields}
    files = DataFiles(query.connection, query.iceberg.tables.io, table.metadata, query.folder / "out")
    files.prepare()
    query.plan(parsed.tree)
    places = wanted(declared, parsed.columns, query.translated.columns)
    terms = [_term(query, places[name], type) for name, type in declared.items()]
    with files.told():
        with query.watching():
            made = files.write(terms, _relation(query))
        if made:
            committing.append(table, made)
    rows = sum(file.record_count for file in made)
    return Outcome(
        kind="DML", substatement="INSERT", form="", manifest=[file.file_path for file in made], updated=rows
    )  # fmt: skip


def create(query: Query, parsed: Parsed, database: str, name: str) -> Outcome:
    """CREATE TABLE AS with table_type = 'ICEBERG'. Raises SqlFailed."""
    given = parsed.properties
    location = given.get("location")
    if str(given.get("is_external", "true")).lower() != "false":
        raise SqlFailed("INVALID_TABLE_PROPERTY", "is_external must be false for a table of table_type ICEBERG")
    if "external_location" in given or not location:
        raise SqlFailed("INVALID_TABLE_PROPERTY", "A table of table_type ICEBERG needs a location")
    kept = properties.of_statement({key: value for key, value in given.items() if key not in _CREATED})
    query.translate(parsed.tree)
    columns = query.named_columns(parsed.tree)
    check_names(columns)
    numbers = schemas.inside(len(columns))
    schema = schemas.schema([(column, schemas.of_type(type, numbers), "") for column, type in columns])
    parts = given.get("partitioning") or []
    spec = partitioning.spec_of([parts] if isinstance(parts, str) else parts, schema)
    location = prefix_of(str(location))
    if not is_empty(query.lake, location):
        raise SqlFailed("ICEBERG_FILESYSTEM_ERROR", f"Cannot create a table on a non-empty location: {location}")
    tables = query.iceberg.tables
    table = tables.staged(database, name, schema, spec, location, {properties.FORMAT: "parquet", **kept})
    files = DataFiles(query.connection, tables.io, table.metadata, query.folder / "out")
    files.prepare()
    query.find()
    made = []
    with files.told():
        if "no_data" not in parsed.flags:
            terms = [_term(query, place, type) for place, (_, type) in enumerate(_declared(table))]
            with query.watching():
                made = files.write(terms, _relation(query))
        changes = Transaction(table)
        if made:
            committing.added(changes, made)
        try:
            tables.create(table, changes.table_metadata)
        except LakeRefused as refused:
            raise writing_refused(refused, location) from None
    uris = [file.file_path for file in made]
    rows = sum(file.record_count for file in made)
    return Outcome(kind="DDL", substatement="CREATE_TABLE_AS_SELECT", form="", manifest=uris, updated=rows)


def _declared(table: Table) -> Sequence[tuple[str, Type]]:
    return [(field.name, schemas.type_of(field.field_type)) for field in table.schema().fields]


def _relation(query: Query) -> str:
    names = ", ".join(f"c{place}" for place in range(len(query.translated.columns)))
    return f"({query.sql}) AS result ({names})"


def _term(query: Query, place: int | None, type: Type) -> str:
    """A column of the query as one of the table."""
    if place is None:
        return f"CAST(NULL AS {type.duckdb()})"
    return coerce(Typed(f"c{place}", query.translated.columns[place][1]), type).sql
