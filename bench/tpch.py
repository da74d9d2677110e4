"""TPC-H asked of Athena, beside DuckDB itself on the same Parquet files (LAKEMILL_BENCH_TPCH: the scale factor).

Both have the machine's processors. A query's time is that from the call to the answer: through lakemill, from
StartQueryExecution until the end that Athena tells (CompletionDateTime), the rows in S3; directly, until all rows are fetched. Both
answer a query in turn, three times; the best counts, and the sum of all 22 is compared. A wrong answer fails the run.
"""

import os
import tempfile
import time
from pathlib import Path

from tests import tpch
from tests.running import Lakemill

SCALE = float(os.environ.get("LAKEMILL_BENCH_TPCH", "1"))
ROUNDS = 3


def run() -> list[dict]:
    """The rows of docs/benchmarks.md."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        connection = tpch.generated(folder, SCALE)
        with Lakemill(folder / "data", "--no-log-requests") as running:
            athena = tpch.Athena(running, connection, folder)
            queries = list(tpch.queries(connection))
            ours, direct = dict.fromkeys(range(1, 23), float("inf")), dict.fromkeys(range(1, 23), float("inf"))
            for _ in range(ROUNDS):
                for number, text in queries:
                    began = time.perf_counter()
                    theirs = connection.execute(text).fetchall()
                    direct[number] = min(direct[number], time.perf_counter() - began)
                    execution, took = athena.ask(text)
                    ours[number] = min(ours[number], took)
                    assert tpch.same(athena.rows(execution), theirs), f"query {number} answers otherwise than DuckDB"
        connection.close()
    ratio = sum(ours.values()) / sum(direct.values())
    slowest = max(ours, key=lambda number: ours[number] / direct[number])
    note = f"all answers right; the largest ratio is that of query {slowest}: {ours[slowest] / direct[slowest]:.1f}"
    return [
        {
            "name": f"TPC-H at scale {SCALE:g}, 22 queries through Athena, beside DuckDB directly",
            "ours": sum(ours.values()),
            "peer": sum(direct.values()),
            "ratio": ratio,
            "unit": "s",
            "target": "<= 1.3x",
            "met": ratio <= 1.3,
            "note": note,
        }
    ]
