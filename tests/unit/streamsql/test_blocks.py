"""How rows are cut into batches makes no difference."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakemill.streamsql import compile
from lakemill.streamsql.interface import ROWTIME_FIELD
from tests.unit.streamsql.harness import plain, schema

INPUT = pa.schema([ROWTIME_FIELD, *schema("K VARCHAR(1), N INTEGER")])
WINDOW = "WINDOW w AS (PARTITION BY k RANGE INTERVAL '2' SECOND PRECEDING)"
QUERIES = [
    "SELECT STREAM k, COUNT(*), SUM(n), MIN(n) FROM S GROUP BY k, STEP(S.ROWTIME BY INTERVAL '1' SECOND)",
    "SELECT STREAM 'x', COUNT(DISTINCT n), AVG(n), LAST_VALUE(n) FROM S GROUP BY FLOOR(S.ROWTIME TO SECOND)",
    """SELECT STREAM k, COUNT(n), SUM(n), FIRST_VALUE(n) FROM S
       WINDOWED BY STAGGER (PARTITION BY k RANGE INTERVAL '1' SECOND)""",
    f"SELECT STREAM k, COUNT(*) OVER w, LAG(n) OVER w, SUM(n) OVER (ROWS 2 PRECEDING) FROM S {WINDOW}",
    "SELECT STREAM k, n, 0, 0 FROM S ORDER BY STEP(S.ROWTIME BY INTERVAL '500' SECOND), n, k",
    "SELECT STREAM DISTINCT k, n, UNIX_TIMESTAMP(FLOOR(S.ROWTIME TO SECOND)), 0 FROM S",
    """SELECT STREAM a.k, a.n, b.n, 0 FROM S OVER (RANGE INTERVAL '1' SECOND PRECEDING) AS a
       LEFT JOIN (SELECT STREAM * FROM S WHERE n > 1) OVER (RANGE INTERVAL '1' SECOND PRECEDING) AS b ON a.k = b.k""",
    "SELECT STREAM k, 12 / n, 0, 0 FROM S WHERE n <> 2 UNION ALL SELECT STREAM k, n, 1, 1 FROM S",
]
ROWS = st.lists(
    st.tuples(st.sampled_from([0, 0, 1, 300, 1000, 2600]), st.sampled_from(["a", "b", None]), st.integers(0, 3)),
    min_size=1,
    max_size=60,
)


def results(query: str, rows: list, sizes: list[int]) -> dict[str, list]:
    code = f"CREATE STREAM D (k VARCHAR(1), a BIGINT, b BIGINT, c BIGINT); CREATE PUMP P AS INSERT INTO D {query};"
    program = compile(code, {"S": pa.schema(list(INPUT)[1:])})
    start = 0
    for size in [*sizes, len(rows)]:
        block = rows[start : start + size]
        start += size
        if block:
            columns = [
                pa.array(values, field.type) for values, field in zip(zip(*block, strict=True), INPUT, strict=True)
            ]
            program.push("S", pa.RecordBatch.from_arrays(columns, schema=INPUT), now=0)
    program.advance(10_000_000)
    taken = {name: plain(batch) for name, batch in program.take().items()}
    if "UNION" in query or "JOIN" in query:
        # Rows of one ROWTIME have no order among two streams.
        taken["D"] = sorted(taken.get("D", []), key=repr)
    errors = sorted(row[4:7] for row in taken.pop("error_stream", []))
    return {**taken, "errors": errors}


@pytest.mark.parametrize("query", QUERIES)
@settings(max_examples=6, deadline=None)
@given(rows=ROWS, sizes=st.lists(st.integers(1, 30), max_size=8))
def test_one_batch_many_batches_and_single_rows_give_the_same(query, rows, sizes):
    time, timed = 0, []
    for gap, key, number in rows:
        time += gap
        timed.append((time, key, number))
    whole = results(query, timed, [])
    assert results(query, timed, sizes) == whole
    assert results(query, timed, [1] * len(timed)) == whole
