"""SHOW and DESCRIBE of an Iceberg table: what its metadata tells, in Athena's layout."""

from collections.abc import Callable

from pyiceberg.table import Table

from lakemill.lakesql.ddl.context import Context
from lakemill.lakesql.iceberg import partitioning, properties, schemas
from lakemill.lakesql.iceberg.catalog import METADATA, PREVIOUS, Tables
from lakemill.lakesql.interface import Document

_OF_THE_CATALOG = ("EXTERNAL", "table_type", "transient_lastDdlTime")


def columns(context: Context, database: str, document: Document) -> list[Document]:
    """Its columns, as a document of the catalog has them. Raises SqlFailed."""
    return _columns(Tables(context.lake, context.folder).loaded(document, database))


def told(context: Context, database: str, document: Document) -> dict[str, str]:
    """Its properties. Raises SqlFailed."""
    table = Tables(context.lake, context.folder).loaded(document, database)
    of_catalog = {key: value for key, value in (document.get("Parameters") or {}).items() if key not in _OF_THE_CATALOG}
    return {**of_catalog, **properties.shown(table.properties)}


def described(context: Context, database: str, document: Document) -> list[str]:
    """The lines of DESCRIBE. Raises SqlFailed."""
    table = Tables(context.lake, context.folder).loaded(document, database)
    lines = ["# Table schema:\t\t", "# col_name\tdata_type\tcomment"]
    lines += ["\t".join((one["Name"], one["Type"], one.get("Comment") or "")) for one in _columns(table)]
    lines += ["\t\t", "# Partition spec:\t\t", "# field_name\tfield_transform\tcolumn_name"]
    for part in table.spec().fields:
        lines.append("\t".join((part.name, str(part.transform), str(table.schema().find_column_name(part.source_id)))))
    return lines


def statement(context: Context, database: str, document: Document, quoted: Callable[[str], str]) -> list[str]:
    """The lines of SHOW CREATE TABLE. quoted: makes a literal. Raises SqlFailed."""
    table = Tables(context.lake, context.folder).loaded(document, database)
    kept = {key: value for key, value in properties.shown(table.properties).items() if key not in (METADATA, PREVIOUS)}
    comment = kept.pop("comment", "")
    lines = [f"CREATE TABLE `{database}.{document['Name']}`("]
    shown = _columns(table)
    for place, one in enumerate(shown, 1):
        note = f" COMMENT {quoted(one['Comment'])}" if one.get("Comment") else ""
        lines.append(f"  `{one['Name']}` {one['Type']}{note}{')' if place == len(shown) else ', '}")
    if comment:
        lines.append(f"COMMENT {quoted(comment)}")
    if table.spec().fields:
        parts = ", ".join(partitioning.shown(part, table.schema()) for part in table.spec().fields)
        lines.append(f"PARTITIONED BY ({parts})")
    pairs = [f"  {quoted(key)}={quoted(value)}" for key, value in sorted(kept.items())]
    lines += ["LOCATION", f"  {quoted(table.location())}", "TBLPROPERTIES ("]
    return lines + [f"{pair}, " for pair in pairs[:-1]] + [f"{pairs[-1]})"]


def _columns(table: Table) -> list[Document]:
    return [
        {"Name": field.name, "Type": schemas.hive(field.field_type), "Comment": field.doc or ""}
        for field in table.schema().fields
    ]
