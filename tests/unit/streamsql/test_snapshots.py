"""A program that is stopped and started again gives what one gives that never stopped, wherever the cut is."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakemill.streamsql import Program, compile
from tests.unit.streamsql.harness import batch, plain, schema

INPUT = schema("K VARCHAR(2), N INTEGER, X DOUBLE, D DECIMAL(8, 2)")
OTHER = schema("K VARCHAR(2), M INTEGER")
TABLE = schema("K VARCHAR(2), NAME VARCHAR(9)")

PROGRAMS = {
    "tumbling": """
        CREATE STREAM O (k VARCHAR(2), c BIGINT, s DOUBLE, d DECIMAL(12, 2), v DOUBLE, u BIGINT, f INTEGER);
        CREATE PUMP P AS INSERT INTO O
        SELECT STREAM k, COUNT(*), SUM(x), AVG(d), VAR_SAMP(x), COUNT(DISTINCT n), LAST_VALUE(n) FROM S
        GROUP BY k, STEP(S.ROWTIME BY INTERVAL '10' SECOND);""",
    "stagger": """CREATE STREAM O (k VARCHAR(2), c BIGINT, m DOUBLE);
        CREATE PUMP P AS INSERT INTO O SELECT STREAM k, SUM(n), MAX(x) FROM S
        WINDOWED BY STAGGER (PARTITION BY k RANGE INTERVAL '10' SECOND);""",
    "sliding": """CREATE STREAM O (k VARCHAR(2), s DOUBLE, r DOUBLE, l INTEGER, e DOUBLE, c BIGINT, v DOUBLE);
        CREATE PUMP P AS INSERT INTO O SELECT STREAM k, SUM(x) OVER w, SUM(x) OVER (PARTITION BY k ROWS 2 PRECEDING),
        LAG(n) OVER w, EXP_AVG(x, INTERVAL '3' SECOND) OVER w, COUNT(DISTINCT n) OVER w, STDDEV_SAMP(x) OVER w
        FROM S WINDOW w AS (PARTITION BY k RANGE INTERVAL '10' SECOND PRECEDING);""",
    "joins": """CREATE STREAM O (k VARCHAR(2), n INTEGER, m INTEGER, name VARCHAR(9));
        CREATE PUMP P AS INSERT INTO O SELECT STREAM S.k, S.n, R.m, T.name
        FROM S OVER (RANGE INTERVAL '10' SECOND PRECEDING)
        FULL JOIN R OVER (RANGE INTERVAL '5' SECOND PRECEDING) ON S.k = R.k AND S.n > R.m
        LEFT JOIN T ON S.k = T.k;""",
    "order": """CREATE STREAM O (k VARCHAR(2), n INTEGER);
        CREATE PUMP P AS INSERT INTO O SELECT STREAM k, n FROM S ORDER BY STEP(S.ROWTIME BY INTERVAL '5' SECOND), n, k;
        CREATE STREAM U (t TIMESTAMP, k VARCHAR(2));
        CREATE PUMP Q AS INSERT INTO U SELECT STREAM DISTINCT FLOOR(O.ROWTIME TO MINUTE), k FROM O;""",
    "errors": """CREATE STREAM O (q INTEGER, m INTEGER);
        CREATE PUMP P AS INSERT INTO O SELECT STREAM 6 / n, 0 FROM S UNION ALL SELECT STREAM m, 1 FROM R;
        CREATE STREAM U (t TIMESTAMP, q INTEGER);
        CREATE PUMP Q AS INSERT INTO U
        SELECT STREAM TO_TIMESTAMP(CAST(q AS BIGINT)) AS ROWTIME, O.ROWTIME, q FROM O;""",
}

KEYS = st.sampled_from(["a", "b", None])
NUMBERS = st.one_of(st.none(), st.integers(-3, 3))
FRACTIONS = st.one_of(st.none(), st.floats(-1e6, 1e6))
ROWS = st.lists(st.tuples(KEYS, NUMBERS, FRACTIONS, NUMBERS).map(list), min_size=1, max_size=4)
OTHERS = st.lists(st.tuples(KEYS, NUMBERS).map(list), min_size=1, max_size=3)
GAPS = st.sampled_from([0, 0, 1, 500, 3000, 12_000])
STEPS = st.lists(st.tuples(GAPS, st.one_of(ROWS, st.none(), OTHERS)), min_size=1, max_size=14)


def compiled(code: str) -> Program:
    program = compile(code, {"S": INPUT, "R": OTHER}, {"T": TABLE})
    program.set_reference("T", pa.Table.from_batches([batch(TABLE, [["a", "first"], ["a", "also"], ["c", "third"]])]))
    return program


def feed(program: Program, steps: list, now: int) -> tuple[list, int]:
    """Everything that comes out, step by step, and the time after the last."""
    results = []
    for gap, rows in steps:
        now += gap
        if rows is None:
            program.advance(now)
        else:
            name, columns = ("S", INPUT) if len(rows[0]) == 4 else ("R", OTHER)
            program.push(name, batch(columns, rows), now)
        results.append({name: plain(taken) for name, taken in program.take().items()})
    return results, now


@pytest.mark.parametrize("name", PROGRAMS)
@settings(max_examples=10, deadline=None)
@given(steps=STEPS, cut=st.integers(0, 14))
def test_a_cut_at_any_batch_changes_nothing(name, steps, cut):
    steps = [*steps, (60_000, None)]
    whole, _ = feed(compiled(PROGRAMS[name]), steps, 1_000)

    first = compiled(PROGRAMS[name])
    before, now = feed(first, steps[:cut], 1_000)
    state = first.snapshot()
    second = compiled(PROGRAMS[name])
    second.restore(state)
    assert second.snapshot() == state
    after, _ = feed(second, steps[cut:], now)

    assert before + after == whole


def test_a_snapshot_of_another_program_is_refused():
    state = compiled(PROGRAMS["order"]).snapshot()
    with pytest.raises(ValueError, match="another program"):
        compiled(PROGRAMS["errors"]).restore(state)
