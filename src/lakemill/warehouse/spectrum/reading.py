"""Tables of external schemas, read by a statement: each is a view of the session while the statement runs."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import duckdb

from lakemill.lakesql.dialects.model import TableUse
from lakemill.lakesql.dialects.redshift import cases
from lakemill.lakesql.dialects.redshift.model import External
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.interface import Lake, LakeRefused
from lakemill.lakesql.scans import sql
from lakemill.lakesql.scans.objects import Meter
from lakemill.lakesql.scans.table import Table, of_document
from lakemill.lakesql.scans.views import Views
from lakemill.warehouse import rights
from lakemill.warehouse.loading import history
from lakemill.warehouse.spectrum.errors import of_scan, told
from lakemill.warehouse.spectrum.lakes import of_schema, opened

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session


def relation(session: "Session", schema: str, external: dict[str, Any], name: str) -> External | None:
    """A table by its name, as the compiler asks for it; None where the catalog has none. Raises SqlFailed.

    `database` of what it gives is the schema's name, by which `reading` finds the catalog's again.
    """
    rights.check_usage(session, schema)
    name = cases.folded(name)
    with told(f'table "{schema}.{name}"'), opened(session, external) as lake:
        try:
            table = table_of(lake, external["database"], name)
        except LakeRefused as refused:
            if refused.code == "EntityNotFoundException":
                return None
            raise
    columns = [(column.name, column.type) for column in table.columns]
    return External(schema, table.name, columns, (schema, name))


def table_of(lake: Lake, database: str, name: str) -> Table:
    """A table of files. Raises SqlFailed, LakeRefused."""
    document = lake.table(database, name.lower())
    if document.get("TableType") == "VIRTUAL_VIEW":
        raise SqlFailed("0A000", f"{database}.{name} is a view of the Data Catalog, which is not supported")
    return of_document(database, document)


def refuse_iceberg(document: Mapping[str, Any]) -> None:
    """Raises SqlFailed for a table whose files must not be changed but with its metadata."""
    if (document.get("Parameters") or {}).get("table_type", "").upper() == "ICEBERG":
        raise SqlFailed("0A000", f"{document['Name']} is an Iceberg table, which is not changed by external schemas")


@contextlib.contextmanager
def reading(session: "Session", uses: Sequence[TableUse]) -> Iterator[None]:
    """A context in which the views of these tables are there. Raises SqlFailed for what cannot be read."""
    if not uses:
        yield
        return
    with contextlib.ExitStack() as stack:
        made = _Reading(session, stack)
        stack.callback(made.drop)
        try:
            with told(f'table "{uses[0].database}.{uses[0].name}"'):
                for use in uses:
                    made.make(use)
                yield
        except duckdb.Error:
            made.raise_failure()
            raise
        made.tell()


class _Reading:
    def __init__(self, session: "Session", stack: contextlib.ExitStack) -> None:
        self._session, self._stack = session, stack
        self._lakes: dict[str, Any] = {}
        self._made: list[tuple[TableUse, Table, Views, Meter]] = []
        self._began = history.now()

    def make(self, use: TableUse) -> None:
        external = of_schema(self._session, use.database)
        if use.database not in self._lakes:
            self._lakes[use.database] = self._stack.enter_context(opened(self._session, external))
        lake, meter = self._lakes[use.database], Meter()
        table = table_of(lake, external["database"], use.name)
        views = Views(self._session.connection, lake, meter, f"{use.view}_stream")
        self._made.append((use, table, views, meter))
        views.make(use, table)

    def drop(self) -> None:
        """Views go before the files that they read."""
        connection = self._session.connection
        for use, _, views, _ in self._made:
            with contextlib.suppress(duckdb.Error):
                connection.execute(f"DROP VIEW IF EXISTS temp.main.{sql.name(use.view)}")
            for name in views.relations:
                with contextlib.suppress(duckdb.Error):
                    connection.unregister(name)

    def raise_failure(self) -> None:
        """What a stream failed with, which DuckDB tells as an error of its own."""
        for _, _, views, _ in self._made:
            for stream in views.streams:
                if isinstance(stream.failure, SqlFailed):
                    raise of_scan(stream.failure) from None
                if stream.failure is not None:
                    raise stream.failure from None

    def tell(self) -> None:
        """Rows for SVL_S3QUERY_SUMMARY."""
        who = history.of_session(self._session)
        ended = history.now()
        rows = [
            who
            | {
                "segment": 0,
                "step": 0,
                "starttime": self._began,
                "endtime": ended,
                "elapsed": round((ended - self._began).total_seconds() * 1_000_000),
                "aborted": 0,
                "external_table_name": f"S3 Scan {use.database}_{use.name}",
                "file_format": table.storage.format.upper(),
                "is_partitioned": "t" if table.keys else "f",
                "is_rrscan": "f",
                "s3_scanned_bytes": meter.bytes,
            }
            for use, table, _, meter in self._made
        ]
        history.add(self._session, "svl_s3query_summary", rows)
