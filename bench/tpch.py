"""TPC-H asked of Athena and of Redshift, beside DuckDB itself (LAKEMILL_BENCH_TPCH: the scale factor).

Athena and DuckDB read the same Parquet files; Redshift and DuckDB have the tables in a database of their own. All have
the machine's processors. A query's time is that from the call to the answer: of Athena, from StartQueryExecution until
the end that it tells (CompletionDateTime), the rows in S3; of Redshift and DuckDB, until all rows are fetched. They
answer a query in turn, three times; the best counts, and the sum of all 22 is compared. A wrong answer fails the run.
"""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
from tests import tpch
from tests.running import Lakemill

SCALE = float(os.environ.get("LAKEMILL_BENCH_TPCH", "1"))
ROUNDS = 3
Ask = Callable[[str], tuple[list[list[str]], float]]
"""The rows of a query as text, and the seconds that it took."""


def run() -> list[dict]:
    """The rows of docs/benchmarks.md."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        connection = tpch.generated(folder, SCALE)
        with Lakemill(folder / "data", "--no-log-requests") as running:
            athena = tpch.Athena(running, connection, folder)

            def ask_athena(text: str) -> tuple[list[list[str]], float]:
                execution, took = athena.ask(text)
                return athena.rows(execution), took

            rows = [_compared("Athena", ask_athena, connection, "directly")]
            redshift = tpch.Redshift(running, connection, folder)
            with duckdb.connect(str(folder / "native.duckdb")) as native:
                native.execute("SET enable_progress_bar = false")
                for table in tpch.TABLES:
                    native.execute(f"CREATE TABLE {table} AS SELECT * FROM '{folder / table}.parquet'")
                rows.append(_compared("Redshift", redshift.ask, native, "on tables of its own", connection))
            redshift.close()
        connection.close()
    return rows


def _compared(
    what: str, ask: Ask, peer: duckdb.DuckDBPyConnection, how: str, queries: duckdb.DuckDBPyConnection | None = None
) -> dict:
    ours, direct = dict.fromkeys(range(1, 23), float("inf")), dict.fromkeys(range(1, 23), float("inf"))
    for _ in range(ROUNDS):
        for number, text in tpch.queries(queries or peer):
            began = time.perf_counter()
            theirs = peer.execute(text).fetchall()
            direct[number] = min(direct[number], time.perf_counter() - began)
            rows, took = ask(text)
            ours[number] = min(ours[number], took)
            assert tpch.same(rows, theirs), f"query {number} answers otherwise than DuckDB"
    ratio = sum(ours.values()) / sum(direct.values())
    slowest = max(ours, key=lambda number: ours[number] / direct[number])
    note = f"all answers right; the largest ratio is that of query {slowest}: {ours[slowest] / direct[slowest]:.1f}"
    return {
        "name": f"TPC-H at scale {SCALE:g}, 22 queries through {what}, beside DuckDB {how}",
        "ours": sum(ours.values()),
        "peer": sum(direct.values()),
        "ratio": ratio,
        "unit": "s",
        "target": "<= 1.3x",
        "met": ratio <= 1.3,
        "note": note,
    }
