"""A query in an instance of DuckDB of its own."""

import functools
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
from sqlglot import exp

from lakemill.lakesql import errors, instances, results, viewing
from lakemill.lakesql.catalog import LakeCatalog
from lakemill.lakesql.dialects import athena
from lakemill.lakesql.dialects.model import Translated, Version, View
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.interface import Column, Lake, LakeRefused, Outcome, Statement
from lakemill.lakesql.scans.objects import Meter
from lakemill.lakesql.scans.table import Table, is_iceberg, of_document
from lakemill.lakesql.scans.views import Views
from lakemill.lakesql.types import Type, quoted

if TYPE_CHECKING:
    from lakemill.lakesql.iceberg.sources import Sources


class Query:
    """Tables, plan and result of a query; a context that closes its instance."""

    def __init__(self, statement: Statement, lake: Lake, meter: Meter) -> None:
        self.statement, self.lake, self.meter = statement, lake, meter
        self.folder = Path(statement.folder)
        self.connection = instances.take(statement, self.folder)
        self.views = Views(self.connection, lake, meter)
        self.translated = Translated("", [])
        self.planned: float | None = None
        """When everything was ready to run, by the monotonic clock."""
        self._scans: dict[str, str] = {}
        self._found: dict[tuple[str, str, Version | None], Any] = {}

    def __enter__(self) -> "Query":
        return self

    def __exit__(self, *_: Any) -> None:
        instances.give_up(self.connection)
        shutil.rmtree(self.folder / "spill", ignore_errors=True)

    def plan(self, tree: exp.Expr | None, *, wide: bool = True) -> None:
        """Translate it, and find what it reads from. Raises SqlFailed.

        wide: False for products of decimals in 64 bits, where the result can be computed again if one does not fit.
        """
        self.translate(tree, wide=wide)
        self.find()

    def find(self) -> None:
        """Find what the translated query reads from, and let nothing else be opened. Raises SqlFailed."""
        tables = []
        for use in self.translated.tables:
            found = self._found[use.database.lower(), use.name.lower(), use.version]
            if isinstance(found, Table):
                tables.append((use, found))
            else:
                self.views.paths += found.make(use, self.connection, self.meter)
        names = (use.view for use, _ in tables)
        self._scans = dict(zip(names, self.views.queries(tables), strict=True))
        instances.close(self.connection, self.views.paths, self.folder / "out")
        self.planned = time.monotonic()

    def translate(self, tree: exp.Expr | None, *, wide: bool = True) -> None:
        """Know the query for DuckDB, and its columns. Raises SqlFailed."""
        assert tree is not None
        catalog = LakeCatalog(self.lake)
        self.translated = athena.translate(tree, self.schema, self.statement.database, catalog, wide=wide)

    @property
    def sql(self) -> str:
        """The query as DuckDB is given it, once it is planned; stands alone, also in parentheses."""
        # DuckDB would read every footer once more to make a view.
        scans = [f"{quoted(name)} AS NOT MATERIALIZED ({query})" for name, query in self._scans.items()]
        return f"WITH {', '.join(scans)} ({self.translated.sql})" if scans else self.translated.sql

    def named_columns(self, tree: exp.Expr | None) -> list[tuple[str, Type]]:
        """The columns of the planned query, names in lower case; empty where the statement gives none."""
        assert tree is not None
        known = {name for use in self.translated.tables for name in use.columns or ()}
        known |= {identifier.name.lower() for identifier in tree.find_all(exp.Identifier)}
        return [
            ("" if name == f"_col{place}" and name not in known else name.lower(), type)
            for place, (name, type) in enumerate(self.translated.columns)
        ]

    def select(self, tree: exp.Expr | None) -> Outcome:
        """Plan it, run it, and write its result as CSV. Raises SqlFailed."""
        self.plan(tree, wide=False)
        try:
            return self.result()
        except duckdb.OutOfRangeException as failure:
            if not errors.too_narrow(failure):
                raise
        self.translate(tree)
        return self.result()

    def result(self) -> Outcome:
        """Run what is planned, and write its result as CSV."""
        path = self.folder / "result.csv"
        with self.watching():
            columns, rows = results.write(self.connection, self.sql, path, "csv", self.translated.columns)
        return Outcome(kind="DML", substatement="SELECT", form="csv", columns=columns, rows=rows, result=str(path))

    def explained(self, tree: exp.Expr | None, analyze: bool) -> Outcome:
        """How DuckDB would run it, or has run it, as lines of text."""
        self.plan(tree)
        path = self.folder / "result.txt"
        with self.watching():
            plan = self.connection.execute(f"EXPLAIN {'ANALYZE ' if analyze else ''}{self.sql}").fetchall()
        lines = [line for _, text in plan for line in text.rstrip().split("\n")]
        rows = results.write_lines(lines, path)
        return Outcome(
            kind="UTILITY", substatement="EXPLAIN", form="txt", columns=[Column("Query Plan", "varchar")], rows=rows,
            result=str(path),
        )  # fmt: skip

    def reader(self) -> Any:
        """The result as batches of Arrow."""
        with self.watching():
            return self.connection.execute(self.sql).to_arrow_reader(1 << 16)

    def times(self, outcome: Outcome, started: float) -> None:
        """Enter how long it took, of which a part was planning. started: by the monotonic clock."""
        planned = self.planned or time.monotonic()
        outcome.planning_ms = round(1000 * (planned - started))
        outcome.execution_ms = round(1000 * (time.monotonic() - planned))

    def watching(self) -> "_Watching":
        """A context in which a stream's failure is raised as what it is."""
        return _Watching(self.views)

    @functools.cached_property
    def iceberg(self) -> "Sources":
        """Iceberg tables. What they need is loaded when the first one is met: most statements read none."""
        from lakemill.lakesql.iceberg.sources import Sources

        return Sources(self.lake, self.folder, self.connection)

    def source(self, database: str, name: str, version: Version | None = None) -> Any:
        """What was found of a table that the statement names."""
        return self._found[database, name, version]

    def schema(
        self, database: str, name: str, version: Version | None = None
    ) -> Sequence[tuple[str, str | Type]] | View:
        """What the translation asks for: see `dialects.model.Schema`. Raises SqlFailed."""
        database, name = database.lower(), name.lower()
        base, _, kind = name.partition("$")
        document = table_document(self.lake, database, base or name)
        if is_iceberg(document):
            source = self.iceberg.source(document, database, kind, version)
            self._found[database, name, version] = source
            return source.columns
        if kind:
            raise SqlFailed("TABLE_NOT_FOUND", f"Table 'awsdatacatalog.{database}.{name}' does not exist")
        if version is not None:
            raise SqlFailed("NOT_SUPPORTED", "This connector does not support versioned tables")
        if document.get("TableType") == "VIRTUAL_VIEW":
            return viewing.decoded(document)
        table = of_document(database, document)
        self._found[database, name, version] = table
        return [(column.name, column.type) for column in table.columns]


class _Watching:
    def __init__(self, views: Views) -> None:
        self._views = views

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, wrong: BaseException | None, trace: Any) -> None:
        if wrong is not None:
            for stream in self._views.streams:
                if stream.failure is not None:
                    raise stream.failure from None
            if isinstance(wrong, duckdb.Error) and (failure := errors.of_duckdb(wrong)).code == "HIVE_BAD_DATA":
                raise self._views.located(failure) from None


def table_document(lake: Lake, database: str, name: str) -> dict[str, Any]:
    """A table of the catalog. Raises SqlFailed with TABLE_NOT_FOUND or SCHEMA_NOT_FOUND."""
    try:
        return lake.table(database, name)
    except LakeRefused as refused:
        if refused.code != "EntityNotFoundException":
            raise
    try:
        lake.database(database)
    except LakeRefused as refused:
        if refused.code == "EntityNotFoundException":
            raise SqlFailed("SCHEMA_NOT_FOUND", f"Schema '{database}' does not exist") from None
        raise
    raise SqlFailed("TABLE_NOT_FOUND", f"Table 'awsdatacatalog.{database}.{name}' does not exist")
