"""One statement, from its text to its outcome."""

import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import cast

import duckdb

from lakemill.lakesql import ddl, errors, instances
from lakemill.lakesql.dialects import athena
from lakemill.lakesql.dialects.model import Parsed
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.interface import Failure, Lake, LakeRefused, Outcome, Statement
from lakemill.lakesql.query import Query
from lakemill.lakesql.scans.objects import Meter
from lakemill.lakesql.trino.failures import ClusterFailed
from lakemill.lakesql.writing import create, insert, rowchanges, unload, views

_MEMORY = ("Out of Memory", "bad_alloc", "realloc of size", "malloc of size", "cannot allocate memory")


def carry_out(statement: Statement, lake: Lake, told: Callable[[int], None] = lambda count: None) -> Outcome | Failure:
    """Carry a statement out. told: is called with the bytes that were read so far."""
    meter = Meter(statement.scan_bytes_max, told)
    Path(statement.folder).mkdir(parents=True, exist_ok=True)
    kind = substatement = ""
    parsing = True
    try:
        parsed = _parsed(statement)
        parsing = False
        if parsed is None:
            return ddl.carry_out(statement, lake)
        meter.begin()
        kind, substatement, carried_out = _KINDS[parsed.kind]
        return _carried_out(parsed, carried_out, statement, lake, meter)
    except Exception as wrong:
        failure = _failure(wrong)
        failure.at_start = isinstance(wrong, ddl.ParseFailed) or (parsing and str(wrong).startswith("SYNTAX_ERROR"))
        failure.kind, failure.substatement = failure.kind or kind, substatement
        failure.scanned_bytes = meter.bytes
        return failure


def warm() -> None:
    """Load and try what every statement needs, and have an instance ready."""
    with tempfile.TemporaryDirectory() as folder:
        statement = Statement(text="", dialect="athena", folder=folder)
        with Query(statement, cast(Lake, None), Meter()) as query:
            query.plan(athena.parse("SELECT count(*) AS n FROM (VALUES (1, 'x')) AS t (a, b) WHERE a = 1").tree)
            query.result()
    instances.prepare()


def _parsed(statement: Statement) -> Parsed | None:
    """None for DDL, which is taken apart elsewhere. Raises SqlFailed."""
    if statement.dialect != "athena":
        raise SqlFailed("NOT_SUPPORTED", f"The dialect {statement.dialect!r} is not supported")
    if ddl.is_ddl(statement.text):
        return None
    parsed = athena.parse(statement.text, statement.parameters)
    if parsed.kind == "ddl":
        return None
    if parsed.kind not in _KINDS:
        raise SqlFailed("NOT_SUPPORTED", f"{parsed.kind.upper()} is not supported")
    return parsed


def _carried_out(
    parsed: Parsed, carried_out: Callable[[Query, Parsed], Outcome], statement: Statement, lake: Lake, meter: Meter
) -> Outcome:
    started = time.monotonic()
    with _query(parsed, statement, lake, meter) as query:
        outcome = carried_out(query, parsed)
        query.times(outcome, started)
    outcome.scanned_bytes = meter.bytes
    return outcome


def _query(parsed: Parsed, statement: Statement, lake: Lake, meter: Meter) -> Query:
    """Whatever runs the statement's query. Raises SqlFailed."""
    if statement.cluster is not None:
        from lakemill.lakesql.trino.query import ClusterQuery, is_for_cluster

        if is_for_cluster(parsed, statement):
            return ClusterQuery(statement, lake, meter, parsed)
    return Query(statement, lake, meter)


def _select(query: Query, parsed: Parsed) -> Outcome:
    return query.select(parsed.tree)


def _explain(query: Query, parsed: Parsed) -> Outcome:
    return query.explained(parsed.tree, "analyze" in parsed.flags)


_KINDS: dict[str, tuple[str, str, Callable[[Query, Parsed], Outcome]]] = {
    "query": ("DML", "SELECT", _select),
    "explain": ("UTILITY", "EXPLAIN", _explain),
    "ctas": ("DDL", "CREATE_TABLE_AS_SELECT", create.carry_out),
    "insert": ("DML", "INSERT", insert.carry_out),
    "delete": ("DML", "DELETE", rowchanges.change),
    "update": ("DML", "UPDATE", rowchanges.change),
    "merge": ("DML", "MERGE", rowchanges.change),
    "optimize": ("DML", "OPTIMIZE", rowchanges.optimize),
    "vacuum": ("DML", "VACUUM", rowchanges.vacuum),
    "unload": ("DML", "UNLOAD", unload.carry_out),
    "create_view": ("DDL", "CREATE_VIEW", views.create),
}
"""Athena's names of a kind of statement, and what carries it out."""


def _failure(wrong: Exception) -> Failure:
    if isinstance(wrong, MemoryError) or any(sign in str(wrong) for sign in _MEMORY):
        wrong = SqlFailed("EXCEEDED_MEMORY_LIMIT", "Query exhausted resources at this scale factor")
    elif isinstance(wrong, LakeRefused):
        wrong = SqlFailed("HIVE_METASTORE_ERROR", f"{wrong.message} ({wrong.code})")
    elif isinstance(wrong, duckdb.Error):
        wrong = errors.of_duckdb(wrong)
    if isinstance(wrong, ddl.DdlFailed):
        return Failure(message=str(wrong), kind="DDL")
    if isinstance(wrong, ClusterFailed):
        return Failure(message=str(wrong), category=wrong.category, type=wrong.type, retryable=wrong.retryable)
    if isinstance(wrong, SqlFailed):
        return Failure(message=str(wrong), category=1 if wrong.code == "GENERIC_INTERNAL_ERROR" else 2)
    traceback.print_exception(wrong)
    return Failure(message=f"GENERIC_INTERNAL_ERROR: {type(wrong).__name__}: {wrong}", category=1)
