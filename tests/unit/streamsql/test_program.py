"""How a program is fed and emptied."""

import datetime
import json

import pyarrow as pa
import pytest

from lakemill.streamsql import TableFunction, compile, register
from tests.unit.streamsql.harness import batch, plain, schema

INPUT = schema("A INTEGER, B VARCHAR(9)")
COPY = "CREATE STREAM D (a INTEGER); CREATE PUMP P AS INSERT INTO D SELECT STREAM a FROM S;"


def timed(rows: list[tuple[int, int]]) -> pa.RecordBatch:
    times, values = zip(*rows, strict=True)
    return pa.RecordBatch.from_pydict(
        {
            "ROWTIME": pa.array(times, pa.timestamp("ms")),
            "A": pa.array(values, pa.int32()),
            "B": pa.array(["x"] * len(rows)),
        }
    )


def test_streams_are_named_with_their_columns():
    program = compile(COPY, {"S": INPUT})
    assert list(program.streams) == ["S", "D", "error_stream"]
    assert program.streams["S"].names == ["ROWTIME", "A", "B"]
    assert program.streams["D"].field("A").type == pa.int32()


def test_a_row_out_of_order_goes_to_the_error_stream_with_its_data():
    program = compile(COPY, {"S": INPUT})
    program.push("S", timed([(5, 1), (9, 2), (7, 3), (9, 4)]), 10)
    taken = program.take()
    assert taken["D"].column("A").to_pylist() == [1, 2, 4]
    (error,) = taken["error_stream"].to_pylist()
    assert error["ERROR_TIME"] == datetime.datetime(1970, 1, 1, 0, 0, 0, 10_000)
    assert json.loads(bytes.fromhex(error["DATA_ROW"])) == {"ROWTIME": "1970-01-01 00:00:00.007000", "A": 3, "B": "x"}


def test_the_error_stream_names_the_pump():
    code = "CREATE STREAM D (a INTEGER); CREATE PUMP P AS INSERT INTO D SELECT STREAM 1 / a FROM S;"
    program = compile(code, {"S": INPUT})
    program.push("S", batch(INPUT, [[0, "x"], [1, "x"]]), 10)
    (error,) = program.take()["error_stream"].to_pylist()
    assert (error["PUMP_NAME"], error["MESSAGE"], error["ERROR_LEVEL"]) == ("P", "division by zero", "ERROR")


def test_what_is_not_kept_is_not_taken():
    program = compile(COPY, {"S": INPUT})
    program.keep(["S"])
    program.push("S", batch(INPUT, [[1, "x"]]), 10)
    assert list(program.take()) == ["S"]
    assert program.take() == {}
    with pytest.raises(KeyError):
        program.keep(["NONE"])


def test_a_record_that_never_was_a_row_can_be_told_of():
    program = compile(COPY, {"S": INPUT})
    program.reject("This is no JSON", b"{oops", now=10)
    (error,) = program.take()["error_stream"].to_pylist()
    assert (error["MESSAGE"], bytes.fromhex(error["DATA_ROW"])) == ("This is no JSON", b"{oops")


def test_hidden_columns_can_be_named_but_are_not_in_the_star():
    columns = [*INPUT, pa.field("PARTITION_KEY", pa.string(), metadata={"hidden": "1"})]
    code = """CREATE STREAM D (a INTEGER, b VARCHAR(9)); CREATE STREAM E (p VARCHAR(9));
    CREATE PUMP P AS INSERT INTO D SELECT STREAM * FROM S;
    CREATE PUMP Q AS INSERT INTO E SELECT STREAM partition_key FROM S;"""
    program = compile(code, {"S": pa.schema(columns)})
    program.push("S", batch(pa.schema(columns), [[1, "x", "key"]]), 1000)
    taken = program.take()
    assert [row[1:] for row in plain(taken["D"])] == [[1, "x"]]
    assert [row[1:] for row in plain(taken["E"])] == [["key"]]


def test_a_reference_table_can_be_loaded_anew():
    table = schema("K INTEGER, NAME VARCHAR(9)")
    code = """CREATE STREAM D (name VARCHAR(9));
    CREATE PUMP P AS INSERT INTO D SELECT STREAM t.name FROM S JOIN T AS t ON S.a = t.k;"""
    program = compile(code, {"S": INPUT}, {"T": table})
    program.push("S", batch(INPUT, [[1, "x"]]), 1000)
    assert program.take() == {}
    for name in ("one", "uno"):
        program.set_reference("T", pa.Table.from_batches([batch(table, [[1, name]])]))
        program.push("S", batch(INPUT, [[1, "x"]]), 1000)
        assert program.take()["D"].column("NAME").to_pylist() == [name]


def test_an_advancing_clock_closes_windows_over_several_streams():
    code = """CREATE STREAM D (n BIGINT); CREATE STREAM E (n BIGINT);
    CREATE PUMP P AS INSERT INTO D SELECT STREAM COUNT(*) FROM S GROUP BY STEP(S.ROWTIME BY INTERVAL '1' SECOND);
    CREATE PUMP Q AS INSERT INTO E SELECT STREAM SUM(n) FROM D GROUP BY STEP(D.ROWTIME BY INTERVAL '10' SECOND);"""
    program = compile(code, {"S": INPUT})
    for second in range(5):
        program.push("S", batch(INPUT, [[1, "x"]] * 2), second * 1000)
    program.advance(9_999)
    assert "E" not in program.take()
    program.advance(10_000)
    assert plain(program.take()["E"])[0][1:] == [10]


def test_the_time_of_the_query_stays_and_that_of_the_row_goes_on():
    code = """CREATE STREAM D (a TIMESTAMP, b TIMESTAMP);
    CREATE PUMP P AS INSERT INTO D SELECT STREAM LOCALTIMESTAMP, CURRENT_ROW_TIMESTAMP FROM S;"""
    program = compile(code, {"S": INPUT})
    for now in (1000, 2000):
        program.push("S", batch(INPUT, [[1, "x"]]), now)
    rows = program.take()["D"].to_pylist()
    assert [row["A"].second for row in rows] == [1, 1]
    assert [row["B"].second for row in rows] == [1, 2]


class EveryOther:
    """Lets every other row pass."""

    def __init__(self):
        self.odd = False

    def push(self, batch, now):
        keep = []
        for _ in range(batch.num_rows):
            self.odd = not self.odd
            keep.append(self.odd)
        result = batch.filter(pa.array(keep))
        return [result] if result.num_rows else []

    def advance(self, now):
        return []

    def snapshot(self):
        return bytes([self.odd])

    def restore(self, state):
        self.odd = bool(state[0])


def test_a_table_function_joins_the_dialect(monkeypatch):
    def bind(arguments, schema):
        assert arguments == [2.5, 1000, "x"]
        return schema, EveryOther()

    monkeypatch.setattr("lakemill.streamsql.interface._functions", {})
    register(TableFunction("EVERY_OTHER", bind))
    code = """CREATE STREAM D (b VARCHAR(9)); CREATE PUMP P AS INSERT INTO D
    SELECT STREAM t.b FROM TABLE(EVERY_OTHER(CURSOR(SELECT STREAM b FROM S), 2.5, INTERVAL '1' SECOND, 'x')) AS t;"""
    program = compile(code, {"S": INPUT})
    program.push("S", batch(INPUT, [[1, "x"], [2, "y"], [3, "z"]]), 1000)
    state = program.snapshot()
    again = compile(code, {"S": INPUT})
    again.restore(state)
    again.push("S", batch(INPUT, [[1, "u"], [2, "v"]]), 2000)
    assert [row[1:] for row in plain(program.take()["D"])] == [["x"], ["z"]]
    assert [row[1:] for row in plain(again.take()["D"])] == [["v"]]


def test_windows_are_forgotten_when_they_are_over():
    code = """CREATE STREAM D (n BIGINT); CREATE STREAM E (n BIGINT); CREATE STREAM F (a INTEGER);
    CREATE PUMP P AS INSERT INTO D SELECT STREAM COUNT(*) FROM S GROUP BY a, STEP(S.ROWTIME BY INTERVAL '1' SECOND);
    CREATE PUMP Q AS INSERT INTO E SELECT STREAM COUNT(*) OVER w FROM S
      WINDOW w AS (PARTITION BY a RANGE INTERVAL '1' SECOND PRECEDING);
    CREATE PUMP R AS INSERT INTO F SELECT STREAM x.a FROM S OVER (RANGE INTERVAL '1' SECOND PRECEDING) AS x
      JOIN S OVER (RANGE INTERVAL '1' SECOND PRECEDING) AS y ON x.a = y.a;"""
    program = compile(code, {"S": INPUT})
    program.advance(0)
    small = len(program.snapshot())
    for step in range(30):
        program.push("S", batch(INPUT, [[step * 100 + i, "x"] for i in range(100)]), step * 100)
    program.take()
    grown = len(program.snapshot())
    program.advance(10_000)
    program.take()
    assert len(program.snapshot()) < small + 200 < grown
