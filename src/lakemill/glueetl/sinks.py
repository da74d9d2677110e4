"""Where dynamic frames go: S3 by path, tables of the catalog; and what becomes of the catalog.

https://docs.aws.amazon.com/glue/latest/dg/update-from-job.html
"""

from collections.abc import Mapping
from typing import Any

from lakemill.glueetl import catalog, gluetypes, inference, textfiles, writing
from lakemill.glueetl.gluetypes import StructType

OPTIONS = {"path", "partitionKeys", "enableUpdateCatalog", "updateBehavior", "compression"}
BEHAVIORS = ("UPDATE_IN_DATABASE", "LOG")
S3_TYPES = ("s3", "parquet", "orc")
"""The last two are S3 with a format."""


class Sink:
    """A sink of S3, as getSink gives it."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        unknown = set(options) - OPTIONS
        if unknown:
            raise ValueError(f"The option {sorted(unknown)[0]} is not supported for a sink of S3.")
        if not options.get("path"):
            raise ValueError("A sink of S3 needs a path.")
        self._path, self._compression = options["path"], options.get("compression")
        self._keys = [str(name) for name in options.get("partitionKeys") or []]
        self._updates = textfiles.flag(options, "enableUpdateCatalog")
        self._behavior = options.get("updateBehavior") or BEHAVIORS[0]
        if self._behavior not in BEHAVIORS:
            raise ValueError(f"updateBehavior must be one of {', '.join(BEHAVIORS)}; got {self._behavior}.")
        self._format: str | None = None
        self._format_options: dict[str, Any] = {}
        self._table: tuple[str, str] | None = None

    def setFormat(self, format: str, **options: Any) -> "Sink":
        self._format, self._format_options = writing.format_of(format), options
        return self

    def setCatalogInfo(self, catalogDatabase: str, catalogTableName: str, catalogId: str = "") -> "Sink":
        """The table that is made or changed, with enableUpdateCatalog. Raises ValueError."""
        if catalogId:
            raise ValueError("catalogId is not supported for a sink: the table is one of the account's own catalog.")
        self._table = catalogDatabase, catalogTableName
        return self

    def setAccumulableSize(self, size: int) -> "Sink":
        """Errors are not counted by accumulators here."""
        return self

    def writeFrame(self, dynamic_frame: Any, info: str = "") -> Any:
        """Store the rows, then tell the catalog. Gives the frame back."""
        if self._format is None:
            raise ValueError("A sink needs a format: setFormat.")
        if self._updates and self._table is None:
            raise ValueError("enableUpdateCatalog needs a table: setCatalogInfo.")
        frame, schema = dynamic_frame._frame, dynamic_frame._schema
        written = writing.write(
            frame, schema, self._path, self._format, self._format_options, self._keys, self._compression
        )
        if self._updates and self._table is not None:
            self._tell(self._table, _without_choices(schema), written)
        return dynamic_frame

    write = writeFrame

    def _tell(self, name: tuple[str, str], schema: StructType, written: list[writing.Written]) -> None:
        if self._format is None or not schema.fields:
            return
        if catalog.find(*name) is None:
            catalog.create(*name, self._path, self._format, schema, self._keys)
        elif self._behavior == "UPDATE_IN_DATABASE":
            catalog.update(catalog.table(*name), schema)
        if self._keys and written:
            found = catalog.table(*name)
            catalog.add_partitions(found, [one.values for one in written], [one.location for one in written])


def sink(
    context: Any,
    connection_type: str,
    format: str | None,
    connection_options: Mapping[str, Any],
    format_options: Mapping[str, Any] | None = None,
) -> Sink:
    """A sink by a connection's type. Raises ValueError for one that is not provided."""
    if connection_type not in S3_TYPES:
        raise ValueError(f"The connection type {connection_type} is not supported: sinks write to S3.")
    made = Sink(connection_options)
    kind = connection_type if connection_type != "s3" else format
    return made.setFormat(kind, **(format_options or {})) if kind else made


def to_table(
    dynamic_frame: Any, database: str, name: str, additional: Mapping[str, Any], catalog_id: str | None = None
) -> Any:
    """Write where a table's data are, in its format and partitions. Raises ValueError."""
    table = catalog.table(database, name, catalog_id)
    keys = additional.get("partitionKeys") or [key.name for key in table.keys]
    updates = textfiles.flag(additional, "enableUpdateCatalog")
    options = {**additional, "path": table.location, "partitionKeys": keys}
    made = Sink(options).setFormat(table.format, **_format_options(table)).setCatalogInfo(database, name)
    if not updates:
        _check_fits(dynamic_frame._schema, table)
    return made.writeFrame(dynamic_frame)


def _format_options(table: catalog.Table) -> dict[str, Any]:
    if table.format != "csv":
        return {}
    return {**table.options, "writeHeader": bool(table.skipped_lines)}


def _check_fits(schema: StructType, table: catalog.Table) -> None:
    missing = [key.name for key in table.keys if key.name not in schema.field_map]
    if missing:
        raise ValueError(f"The frame has no field {missing[0]}, a partition key of {table.database}.{table.name}.")


def _without_choices(schema: StructType) -> StructType:
    """As it lies in the files: a choice is a struct there."""
    found = gluetypes.of_spark(gluetypes.to_spark(inference.without_nulls(schema)))
    assert isinstance(found, StructType)
    return found
