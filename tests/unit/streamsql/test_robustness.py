"""Whatever code is put together: it is refused, or its rows come out or fail one by one. Nothing else happens."""

import datetime
import decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakemill.streamsql import SqlError, aggregates, compile
from lakemill.streamsql.functions import function_names
from tests.unit.streamsql.harness import schema

INPUT = schema(
    "I INTEGER, B BIGINT, T TINYINT, R REAL, F DOUBLE, D DECIMAL(8, 2), V VARCHAR(20), C CHAR(2), X VARBINARY(4), "
    "O BOOLEAN, DT DATE, TM TIME, TS TIMESTAMP, N INTERVAL DAY TO SECOND"
)
VALUES = {
    "I": [0, 1, -7, 2**31 - 1, None],
    "B": [0, 3, 2**63 - 1, -(2**63), None],
    "T": [0, 127, -128, 5, None],
    "R": [0.0, 1.5, -1e30, float("nan"), None],
    "F": [0.0, 0.5, 1e300, float("inf"), None],
    "D": [decimal.Decimal(text) for text in ("0", "1.25", "-999999.99", "7")] + [None],
    "V": ["", "12", "a,b c", "2024-01-31 12:00:00", None],
    "C": ["a", "%", "0", "é", None],
    "X": [b"", b"a", b"\xff\x00", b"1", None],
    "O": [True, False, True, None, None],
    "DT": [datetime.date(1970, 1, 1), datetime.date(2024, 2, 29), datetime.date(1, 1, 1), None, None],
    "TM": [datetime.time(0), datetime.time(23, 59, 59, 999_000), datetime.time(12), None, None],
    "TS": [
        datetime.datetime(1970, 1, 1),
        datetime.datetime(2024, 1, 31, 12),
        datetime.datetime(9999, 12, 31),
        None,
        None,
    ],
    "N": [datetime.timedelta(0), datetime.timedelta(days=2), datetime.timedelta(seconds=-5), None, None],
}
LEAVES = [
    *VALUES,
    *("NULL", "1", "-3", "0", "2.50", "1e2", "'7'", "'a%'", "'yyyy-MM-dd'", "TRUE", "ROWTIME", "DATE '2024-01-31'"),
    *("INTERVAL '1' DAY", "INTERVAL '2' MONTH", "TIME '10:00:00'"),
]
SHAPES = [
    *("{} + {}", "{} - {}", "{} * {}", "{} / {}", "{} % {}", "{} = {}", "{} < {}", "{} || {}", "{} LIKE {}"),
    *("{} SIMILAR TO {}", "{} IS DISTINCT FROM {}", "{} AND {}", "{} OR NOT {}", "{} IN ({}, 1)", "- {}", "{} IS NULL"),
    *("CASE WHEN {} THEN {} ELSE {} END", "CASE {} WHEN {} THEN {} END", "{} BETWEEN {} AND {}"),
    *("CAST({} AS VARCHAR(5))", "CAST({} AS TINYINT)", "CAST({} AS DECIMAL(6, 1))", "CAST({} AS TIMESTAMP)"),
    *("CAST({} AS BOOLEAN)", "CAST({} AS DATE)", "CAST({} AS REAL)", "CAST({} AS TIME)", "CAST({} AS VARBINARY(2))"),
    *("FLOOR({} TO HOUR)", "CEIL({} TO MONTH)", "STEP({} BY INTERVAL '7' SECOND)", "STEP({} BY 3)", "FLOOR({})"),
    *("EXTRACT(DAY FROM {})", "EXTRACT(EPOCH FROM {})", "SUBSTRING({} FROM {} FOR {})", "POSITION({} IN {})"),
    *("OVERLAY({} PLACING {} FROM {})", "TRIM(BOTH 'a' FROM {})", "({} - {}) HOUR"),
    *(f"{name}({{}})" for name in function_names()),
    *(f"{name}({{}}, {{}})" for name in function_names()),
]


def filled(shapes: list[str]) -> st.SearchStrategy[str]:
    def deeper(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        parts = st.tuples(st.sampled_from(shapes), inner, inner, inner)
        return parts.map(lambda part: f"({part[0].format(*part[1:])})")

    return st.recursive(st.sampled_from(LEAVES), deeper, max_leaves=5)


def rows(times: int) -> pa.RecordBatch:
    arrays = [pa.array(VALUES[field.name] * times, field.type) for field in INPUT]
    return pa.RecordBatch.from_arrays(arrays, schema=INPUT)


def outcome(code: str) -> None:
    try:
        program = compile(code, {"S": INPUT})
    except SqlError as error:
        assert error.line >= 1
        return
    for now, times in ((1000, 1), (2500, 8)):
        program.push("S", rows(times), now)
    program.advance(1_000_000)
    program.take()
    program.snapshot()


@settings(max_examples=120, deadline=None)
@given(filled(SHAPES))
def test_an_expression_is_refused_or_runs(expression):
    outcome(
        f"""CREATE STREAM D (r VARCHAR(50)); CREATE PUMP P AS INSERT INTO D
        SELECT STREAM {expression} FROM S;"""
    )


@pytest.mark.parametrize("name", [*sorted(aggregates.NAMES), "LAG"])
@pytest.mark.parametrize("column", [*VALUES, "NULL", "REGEX_LOG_PARSE(V, '(.)')"])
def test_an_aggregate_of_every_type_is_refused_or_runs(name, column):
    queries = [
        f"SELECT STREAM {name}({column}) OVER (PARTITION BY {column} RANGE INTERVAL '2' SECOND PRECEDING) FROM S"
    ]
    queries += [f"SELECT STREAM {name}({column}) OVER (ROWS 3 PRECEDING) FROM S"]
    if name != "LAG":
        queries += [f"SELECT STREAM {name}({column}) FROM S GROUP BY {column}, FLOOR(S.ROWTIME TO SECOND)"]
        queries += [f"SELECT STREAM {name}(DISTINCT {column}) FROM S GROUP BY FLOOR(S.ROWTIME TO SECOND)"]
    for query in queries:
        outcome(f"CREATE STREAM D (r VARCHAR(50)); CREATE PUMP P AS INSERT INTO D {query};")


@pytest.mark.parametrize("column", [*VALUES, "NULL", "REGEX_LOG_PARSE(V, '(.)')"])
def test_order_distinct_union_and_joins_of_every_type_are_refused_or_run(column):
    rows = f"(SELECT STREAM {column} AS r FROM S)"
    distinct = f"(SELECT STREAM DISTINCT FLOOR(S.ROWTIME TO HOUR), {column} AS r FROM S)"
    for query in (
        f"SELECT STREAM I FROM S ORDER BY FLOOR(S.ROWTIME TO SECOND), {column} DESC",
        f"SELECT STREAM MAX(r) FROM {distinct} AS q GROUP BY ROWTIME",
        f"SELECT STREAM {column} FROM S UNION ALL SELECT STREAM {column} FROM S",
        f"SELECT STREAM a.I FROM S AS a FULL JOIN {rows} AS b ON a.I = a.I AND b.r = b.r",
        f"SELECT STREAM 1 FROM {rows} AS a JOIN {rows} AS b ON a.r = b.r",
        f"SELECT STREAM 1 FROM S WINDOWED BY STAGGER (PARTITION BY {column} RANGE INTERVAL '1' SECOND)",
    ):
        outcome(f"CREATE STREAM D (r VARCHAR(50)); CREATE PUMP P AS INSERT INTO D {query};")
