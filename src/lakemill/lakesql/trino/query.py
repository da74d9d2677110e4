"""A query that a cluster runs, for whoever has its rows written: results, CREATE TABLE AS, INSERT, UNLOAD, views."""

import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pyarrow as pa
from sqlglot import exp

from lakemill.lakesql import instances, results
from lakemill.lakesql.arrow import arrow_type
from lakemill.lakesql.dialects.model import Parsed, Translated
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.interface import Cluster, Column, Lake, Outcome, Statement
from lakemill.lakesql.query import Query
from lakemill.lakesql.scans.objects import Meter
from lakemill.lakesql.scans.streams import Stream
from lakemill.lakesql.trino import rights, tables
from lakemill.lakesql.trino.client import Client, Page, Stats
from lakemill.lakesql.trino.failures import of_error
from lakemill.lakesql.trino.rows import batch, of_signature
from lakemill.lakesql.trino.sending import Text
from lakemill.lakesql.types import Type

KINDS = ("query", "explain", "ctas", "insert", "unload", "create_view")
"""What the cluster runs the query of."""
_ROWS = "cluster_rows"


def is_for_cluster(parsed: Parsed, statement: Statement) -> bool:
    """Whether the cluster runs it. What only asks the catalog (information_schema) is answered here.

    Raises SqlFailed for what may not reach a cluster.
    """
    if statement.cluster is None or parsed.kind not in KINDS or parsed.tree is None:
        return False
    return not tables.reads_catalog(tables.reads(parsed.tree, statement.database.lower()))


class ClusterQuery(Query):
    """Made for one statement whose query the cluster runs."""

    def __init__(self, statement: Statement, lake: Lake, meter: Meter, parsed: Parsed) -> None:
        super().__init__(statement, lake, meter)
        assert statement.cluster is not None
        self._cluster: Cluster = statement.cluster
        self.connection.execute("SET preserve_insertion_order = true")  # ORDER BY is the cluster's.
        self._parsed, self._database = parsed, statement.database.lower()
        self._text = Text(parsed.query, statement.parameters, self._cluster.catalog)
        self._client = Client(self._cluster, self._database, _properties(statement))
        self._pages: Iterator[Page] = iter(())
        self._stats = Stats()
        self._scanned = 0
        self._column_names: set[str] = set()

    def __exit__(self, *wrong: Any) -> None:
        self._close()
        self._client.close()
        super().__exit__(*wrong)

    # What callers of Query ask for

    def translate(self, tree: exp.Expr | None, *, wide: bool = True) -> None:
        """Have the cluster begin, and know the columns of its rows. Raises SqlFailed."""
        self._check()
        text = self._text
        if self._parsed.kind == "create_view" or "no_data" in self._parsed.flags:
            text = text.around("SELECT * FROM (\n", "\n) LIMIT 0")
        columns, first = self._begin(text)
        kinds = [of_signature(column.type_signature) for column in columns]
        names = [f"c{place}" for place in range(len(kinds))]
        waiting = [first]
        schema = pa.schema([(name, arrow_type(kind)) for name, kind in zip(names, kinds, strict=True)])

        def batches() -> Iterator[pa.RecordBatch]:
            if not waiting:
                raise SqlFailed("GENERIC_INTERNAL_ERROR", "The cluster gives its rows only once")
            for page in self._take(waiting.pop(), text):
                if rows := page.rows:
                    yield batch(rows, kinds, schema)

        stream = Stream(schema, batches)
        self.views.streams.append(stream)
        self.connection.register(_ROWS, stream)
        named = [(column.name, kind) for column, kind in zip(columns, kinds, strict=True)]
        self.translated = Translated(f"SELECT {', '.join(names)} FROM {_ROWS}", [], named)

    def find(self) -> None:
        """Let nothing be opened any more."""
        instances.close(self.connection, [], self.folder / "out")
        self.planned = time.monotonic()

    def named_columns(self, tree: exp.Expr | None) -> list[tuple[str, Type]]:
        """See `Query`."""
        assert tree is not None
        known = self._column_names | {identifier.name.lower() for identifier in tree.find_all(exp.Identifier)}
        return [
            ("" if name == f"_col{place}" and name not in known else name.lower(), type)
            for place, (name, type) in enumerate(self.translated.columns)
        ]

    def select(self, tree: exp.Expr | None) -> Outcome:
        """Run it, and write its result as CSV. Raises SqlFailed."""
        self.plan(tree)
        return self.result()

    def explained(self, tree: exp.Expr | None, analyze: bool) -> Outcome:
        """How the cluster would run it, or has run it, as lines of text."""
        self._check()
        lines = [line for text in self._told(f"EXPLAIN {'ANALYZE ' if analyze else ''}") for line in text.split("\n")]
        path = self.folder / "result.txt"
        rows = results.write_lines([line.rstrip() for line in lines], path)
        return Outcome(
            kind="UTILITY", substatement="EXPLAIN", form="txt", columns=[Column("Query Plan", "varchar")], rows=rows,
            result=str(path),
        )  # fmt: skip

    def times(self, outcome: Outcome, started: float) -> None:
        """As the cluster tells them."""
        stats = self._stats
        outcome.queued_ms, outcome.planning_ms = stats.queued_time_millis, stats.planning_time_millis
        outcome.execution_ms = max(0, stats.elapsed_time_millis - outcome.queued_ms - outcome.planning_ms)

    # The cluster

    def _check(self) -> None:
        """That the caller may read every table, and that the cluster will read no other. Raises SqlFailed."""
        assert self._parsed.tree is not None
        known = set()
        for found in tables.documents(self.lake, tables.reads(self._parsed.tree, self._database)):
            rights.check(self.lake, found, self.folder)
            known.add((found.database, found.document["Name"].lower()))
            self._column_names |= found.columns
        for catalog, database, name in _inputs("".join(self._told("EXPLAIN (TYPE IO, FORMAT JSON)\n"))):
            table = (database.lower(), name.lower().partition("$")[0] or name.lower())
            if catalog not in (self._cluster.catalog, self._cluster.iceberg) or table not in known:
                raise rights.refused(f"{catalog}.{database}.{name}")

    def _told(self, before: str) -> list[str]:
        """The texts that an EXPLAIN answers with."""
        text = self._text.around(before)
        _, first = self._begin(text, noted="ANALYZE" in before)
        told: list[str] = []
        for page in self._take(first, text):
            if rows := page.rows:
                told += [str(row[0]) for row in msgspec.json.decode(rows, type=list[list[Any]])]
        return told

    def _begin(self, text: Text, *, noted: bool = True) -> tuple[Any, Page]:
        """Send it, and wait for its columns. noted: it is to be ended with the statement."""
        self._close()
        self._pages = self._client.pages(str(text), *([self.lake.began_at] if noted else []))
        for page in self._pages:
            self._count(page, text)
            if page.columns is not None:
                return page.columns, page
        raise SqlFailed("GENERIC_INTERNAL_ERROR", "The cluster has ended the statement without columns")

    def _take(self, first: Page, text: Text) -> Iterator[Page]:
        """The pages from this one on."""
        yield first
        for page in self._pages:
            self._count(page, text)
            yield page

    def _count(self, page: Page, text: Text) -> None:
        """Note what it tells. Raises SqlFailed for an error, or where too much was read."""
        self._stats = page.stats
        more, self._scanned = page.stats.scanned_bytes - self._scanned, page.stats.scanned_bytes
        self.meter.add(max(0, more))
        if page.error is not None:
            raise of_error(page.error, text, self._cluster)

    def _close(self) -> None:
        """End what is under way there."""
        with contextlib.suppress(AttributeError):
            self._pages.close()  # type: ignore[attr-defined]
        self._scanned = 0


def _properties(statement: Statement) -> dict[str, str]:
    """Of the session there."""
    if statement.scan_bytes_max is None:
        return {}
    return {"query_max_scan_physical_bytes": f"{statement.scan_bytes_max}B"}


def _inputs(text: str) -> list[tuple[str, str, str]]:
    """Catalog, schema and table of all that a plan reads. Raises SqlFailed where that cannot be told."""
    try:
        plan = json.loads(text)
        if plan.get("outputTable"):
            raise SqlFailed("GENERIC_INTERNAL_ERROR", "The cluster would write a table")
        found = [one["table"] for one in plan["inputTableColumnInfos"]]
        return [(one["catalog"], one["schemaTable"]["schema"], one["schemaTable"]["table"]) for one in found]
    except (ValueError, KeyError, TypeError, AttributeError):
        message = f"The cluster does not tell what it would read, but: {text[:200]}"
        raise SqlFailed("GENERIC_INTERNAL_ERROR", message) from None
