"""What a query can read of an Iceberg table: its rows now or then, and what is told of it ("t$files")."""

import datetime
from pathlib import Path

import duckdb
from pyiceberg.table import Table
from pyiceberg.table.refs import SnapshotRefType

from lakemill.lakesql.dialects.model import Version
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.iceberg.catalog import Tables
from lakemill.lakesql.iceberg.inspecting import KINDS, Inspection
from lakemill.lakesql.iceberg.reading import Scan
from lakemill.lakesql.interface import Document, Lake


class Sources:
    """Those of one statement. folder: the statement's."""

    def __init__(self, lake: Lake, folder: Path, connection: duckdb.DuckDBPyConnection) -> None:
        self.tables, self._connection = Tables(lake, folder / "iceberg"), connection
        self._loaded: dict[tuple[str, str], Table] = {}

    def table(self, document: Document, database: str) -> Table:
        """The same for each place where a statement names it, so that all see one state. Raises SqlFailed."""
        key = (database, document["Name"])
        if key not in self._loaded:
            self._loaded[key] = self.tables.loaded(document, database)
        return self._loaded[key]

    def source(self, document: Document, database: str, kind: str, version: Version | None) -> Scan | Inspection:
        """kind: what stands behind the dollar sign, if anything. Raises SqlFailed."""
        table = self.table(document, database)
        if kind:
            if kind not in KINDS:
                name = f"awsdatacatalog.{database}.{document['Name']}${kind}"
                raise SqlFailed("TABLE_NOT_FOUND", f"Table '{name}' does not exist")
            return Inspection(table, kind, self._at(table, version))
        snapshot = self._at(table, version)
        found = table.snapshot_by_id(snapshot) if version is not None and snapshot is not None else None
        schema = table.schema()
        if found is not None and found.schema_id is not None:
            schema = table.schemas().get(found.schema_id, schema)
        return Scan(table, self.tables.io, snapshot, schema)

    def _at(self, table: Table, version: Version | None) -> int | None:
        """The snapshot that a version means; None for a table that never had rows."""
        if version is None:
            current = table.current_snapshot()
            return current.snapshot_id if current else None
        if version.kind == "timestamp":
            return self._then(table, version)
        if version.type.name in ("integer", "bigint"):
            (number,) = self._value(f"CAST({version.sql} AS BIGINT)")
            if table.snapshot_by_id(number) is None:
                raise SqlFailed("INVALID_ARGUMENTS", f"Iceberg snapshot ID does not exists: {number}")
            return int(number)
        if version.type.name == "varchar":
            (name,) = self._value(version.sql)
            ref = table.refs().get(name)
            if ref is None or ref.snapshot_ref_type not in (SnapshotRefType.TAG, SnapshotRefType.BRANCH):
                raise SqlFailed("INVALID_ARGUMENTS", f"Cannot find snapshot with reference name: {name}")
            return ref.snapshot_id
        message = f"Unsupported type for table version: {version.type.trino()}"
        raise SqlFailed("NOT_SUPPORTED", message)

    def _then(self, table: Table, version: Version) -> int:
        moments = {
            "date": f"epoch_ms(CAST({version.sql} AS TIMESTAMP))",
            "timestamp": f"epoch_ms({version.sql})",
            "timestamp with time zone": f"epoch_ms(({version.sql}).t)",
        }
        if version.type.name not in moments:
            message = f"Unsupported type for temporal table version: {version.type.trino()}"
            raise SqlFailed("NOT_SUPPORTED", message)
        (then,) = self._value(moments[version.type.name])
        moment = datetime.datetime.fromtimestamp(then / 1000, datetime.UTC)
        if moment > datetime.datetime.now(datetime.UTC):
            raise SqlFailed("INVALID_ARGUMENTS", f"Pointer value '{moment:%Y-%m-%d %H:%M:%S} UTC' is not in the past")
        found = table.snapshot_as_of_timestamp(then)
        if found is None:
            database, name = table.name()
            message = f'No version history table "{database}"."{name}" at or before {moment:%Y-%m-%dT%H:%M:%SZ}'
            raise SqlFailed("INVALID_ARGUMENTS", message)
        return found.snapshot_id

    def _value(self, expression: str) -> tuple:  # type: ignore[type-arg]
        found = self._connection.execute(f"SELECT {expression}").fetchone()
        assert found is not None
        return found
