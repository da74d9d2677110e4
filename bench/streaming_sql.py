"""SQL on streams beside DuckDB asked once for every batch.

Both get the same batches of stock prices, in turns, on one thread; processor time counts. DuckDB has no windows on
streams, so its program is written by hand: a query on each batch, its sums kept in a table, and merged at the end of a
window. What DuckDB pays is mostly planning, which is why expressions here are evaluated by Arrow's kernels instead.
"""

import statistics
import time
from collections.abc import Callable

import duckdb
import numpy as np
import pyarrow as pa

from bench.formats import row
from lakemill.streamsql import compile

SCHEMA = pa.schema(
    [("TICKER", pa.string()), ("SECTOR", pa.string()), ("CHANGE", pa.float64()), ("PRICE", pa.float64())]
)
BATCH, BATCHES, ROUNDS = 1000, 100, 3
WINDOW_MS, STEP_MS = 10_000, 100

FILTER = """CREATE STREAM D (ticker VARCHAR(8), price DOUBLE);
CREATE PUMP P AS INSERT INTO D SELECT STREAM ticker, price * 2 FROM S WHERE price > 10 AND sector = 'TECH';"""
TUMBLING = """CREATE STREAM D (ticker VARCHAR(8), n BIGINT, mean DOUBLE, low DOUBLE, high DOUBLE);
CREATE PUMP P AS INSERT INTO D SELECT STREAM ticker, COUNT(*), AVG(price), MIN(price), MAX(price)
FROM S WHERE price > 10 AND sector = 'TECH' GROUP BY ticker, STEP(S.ROWTIME BY INTERVAL '10' SECOND);"""
SLIDING = """CREATE STREAM D (ticker VARCHAR(8), n BIGINT, mean DOUBLE);
CREATE PUMP P AS INSERT INTO D SELECT STREAM ticker, COUNT(*) OVER w, AVG(price) OVER w FROM S
WINDOW w AS (PARTITION BY ticker RANGE INTERVAL '10' SECOND PRECEDING);"""


def batches(rows: int, count: int, tickers: int) -> list[pa.RecordBatch]:
    random = np.random.default_rng(7)
    return [
        pa.RecordBatch.from_arrays(
            [
                pa.array([f"T{number}" for number in random.integers(0, tickers, rows)]),
                pa.array(random.choice(["TECH", "ENERGY"], rows)),
                pa.array(random.normal(size=rows)),
                pa.array(random.random(rows) * 100),
            ],
            schema=SCHEMA,
        )
        for _ in range(count)
    ]


def ours(code: str, data: list[pa.RecordBatch]) -> Callable[[], object]:
    def work() -> None:
        program = compile(code, {"S": SCHEMA})
        for number, batch in enumerate(data):
            program.push("S", batch, number * STEP_MS)
            program.take()
        program.advance(len(data) * STEP_MS + WINDOW_MS)
        program.take()

    return work


def duckdb_filter(data: list[pa.RecordBatch]) -> Callable[[], object]:
    def work() -> None:
        base = duckdb.connect(config={"threads": 1, "enable_external_access": False})
        for batch in data:
            base.register("s", batch)
            base.execute("SELECT ticker, price * 2 FROM s WHERE price > 10 AND sector = 'TECH'").to_arrow_table()

    return work


def duckdb_tumbling(data: list[pa.RecordBatch]) -> Callable[[], object]:
    sums = "SELECT ticker, count(*) n, sum(price) s, min(price) low, max(price) high FROM s"

    def work() -> None:
        base = duckdb.connect(config={"threads": 1, "enable_external_access": False})
        base.execute("CREATE TABLE w (ticker VARCHAR, n BIGINT, s DOUBLE, low DOUBLE, high DOUBLE)")
        for number, batch in enumerate(data, 1):
            base.register("s", batch)
            base.execute(f"INSERT INTO w {sums} WHERE price > 10 AND sector = 'TECH' GROUP BY ticker")
            if number * STEP_MS % WINDOW_MS == 0:
                merged = "SELECT ticker, sum(n), sum(s) / sum(n), min(low), max(high) FROM w GROUP BY ticker"
                base.execute(merged).to_arrow_table()
                base.execute("DELETE FROM w")

    return work


def rate(works: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Rows a second of processor time, the best of several rounds in turns."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(ROUNDS):
        for name, work in works.items():
            began = time.process_time()
            work()
            times[name].append(time.process_time() - began)
    return {name: BATCH * BATCHES / min(found) for name, found in times.items()}


def latency(code: str, count: int = 400) -> float:
    """Milliseconds from a row's coming to its result's being there, at the median."""
    program = compile(code, {"S": SCHEMA})
    (one,) = batches(1, 1, 1)
    times = []
    for number in range(count):
        began = time.perf_counter()
        program.push("S", one, number)
        program.take()
        times.append(time.perf_counter() - began)
    return 1000 * statistics.median(times)


def run() -> list[dict]:
    pa.set_cpu_count(1)
    rows = []
    for tickers in (20, 1000):
        data = batches(BATCH, BATCHES, tickers)
        rates = rate(
            {
                "filter": ours(FILTER, data),
                "DuckDB filter": duckdb_filter(data),
                "tumbling": ours(TUMBLING, data),
                "DuckDB tumbling": duckdb_tumbling(data),
                "sliding": ours(SLIDING, data),
            }
        )
        name = f"batches of {BATCH:,}, {tickers:,} keys"
        note = "peer: DuckDB; processor time of one thread"
        rows.append(
            row(f"filter and expression, {name}", rates["filter"], rates["DuckDB filter"], "rows/s", None, "", note)
        )
        pair, least = (rates["tumbling"], rates["DuckDB tumbling"]), "at least 100,000 rows/s"
        windows = row(f"filter and tumbling window, {name}", *pair, "rows/s", None, least, note)
        rows.append(windows | {"met": rates["tumbling"] >= 100_000})
        rows.append(row(f"sliding window, {name}", rates["sliding"], None, "rows/s", None, "", ""))
    slowest = max(latency(code) for code in (FILTER, TUMBLING, SLIDING))
    one = row("a batch of one row, to its result", slowest, None, "ms", None, "below 5 ms", "the slowest of the three")
    return [*rows, one | {"met": slowest < 5}]


if __name__ == "__main__":
    for line in run():
        print(line)
