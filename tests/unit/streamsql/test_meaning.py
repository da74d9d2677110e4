"""Windows and joins beside their definitions, written out row by row."""

from hypothesis import given, settings
from hypothesis import strategies as st

from lakemill.streamsql import compile
from tests.unit.streamsql.harness import EPOCH, batch, schema

INPUT = schema("K VARCHAR(1), N INTEGER")
EVENTS = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 1, 400, 999, 1000, 2500]),
        st.sampled_from("ST"),
        st.sampled_from("ab"),
        st.integers(0, 4),
    ),
    max_size=25,
)


def run(code: str, events: list, names: str = "S") -> list[tuple]:
    """Result rows as (ROWTIME in ms, columns...); the events are pushed one by one, as time goes on."""
    program = compile(code, {name: INPUT for name in names})
    now, rows = 0, []
    for gap, name, key, number in events:
        now += gap
        if name in names:
            program.push(name, batch(INPUT, [[key, number]]), now)
    program.advance(now + 100_000)
    for row in program.take().get("D", batch(program.streams["D"], [])).to_pylist():
        time, *values = row.values()
        rows.append((round((time - EPOCH).total_seconds() * 1000), *values))
    return rows


def timed(events: list, names: str = "S") -> list[tuple]:
    """(ROWTIME, stream, key, number) of what is pushed."""
    now, rows = 0, []
    for gap, name, key, number in events:
        now += gap
        if name in names:
            rows.append((now, name, key, number))
    return rows


@settings(max_examples=20, deadline=None)
@given(EVENTS)
def test_a_sliding_window_of_time_holds_what_is_not_older_than_its_length(events):
    code = """CREATE STREAM D (k VARCHAR(1), n INTEGER, s BIGINT, m INTEGER); CREATE PUMP P AS INSERT INTO D
    SELECT STREAM k, n, SUM(n) OVER w, MIN(n) OVER w FROM S
    WINDOW w AS (PARTITION BY k RANGE INTERVAL '2' SECOND PRECEDING);"""
    rows = timed(events)
    expected = []
    for time, _, key, number in rows:
        window = [n for t, _, k, n in rows if k == key and time - 2000 < t <= time]
        expected.append((time, key, number, sum(window), min(window)))
    assert run(code, events) == expected


@settings(max_examples=20, deadline=None)
@given(EVENTS)
def test_a_sliding_window_of_rows_holds_the_row_and_those_before(events):
    code = """CREATE STREAM D (n INTEGER, s BIGINT, m INTEGER); CREATE PUMP P AS INSERT INTO D
    SELECT STREAM n, SUM(n) OVER w, MAX(n) OVER w FROM S WINDOW w AS (PARTITION BY k ROWS 2 PRECEDING);"""
    rows = timed(events)
    expected = []
    for place, (time, _, key, number) in enumerate(rows):
        window = [n for _, _, k, n in rows[: place + 1] if k == key][-3:]
        expected.append((time, number, sum(window), max(window)))
    assert run(code, events) == expected


@settings(max_examples=20, deadline=None)
@given(EVENTS)
def test_a_tumbling_window_holds_what_has_its_beginning(events):
    code = """CREATE STREAM D (k VARCHAR(1), c BIGINT, s BIGINT); CREATE PUMP P AS INSERT INTO D
    SELECT STREAM k, COUNT(*), SUM(n) FROM S GROUP BY k, STEP(S.ROWTIME BY INTERVAL '2' SECOND);"""
    groups: dict[tuple, list] = {}
    for time, _, key, number in timed(events):
        groups.setdefault((time // 2000, key), []).append(number)
    expected = [((start + 1) * 2000, key, len(ns), sum(ns)) for (start, key), ns in groups.items()]
    assert sorted(run(code, events)) == sorted(expected)


@settings(max_examples=20, deadline=None)
@given(EVENTS)
def test_a_stagger_window_holds_what_follows_its_first_row(events):
    code = """CREATE STREAM D (k VARCHAR(1), c BIGINT, s BIGINT); CREATE PUMP P AS INSERT INTO D
    SELECT STREAM k, COUNT(*), SUM(n) FROM S WINDOWED BY STAGGER (PARTITION BY k RANGE INTERVAL '2' SECOND);"""
    windows: dict[str, list[tuple[int, list]]] = {}
    for time, _, key, number in timed(events):
        mine = windows.setdefault(key, [])
        if not mine or time >= mine[-1][0] + 2000:
            mine.append((time, []))
        mine[-1][1].append(number)
    expected = [(t + 2000, key, len(ns), sum(ns)) for key, mine in windows.items() for t, ns in mine]
    result = run(code, events)
    assert sorted(result) == sorted(expected)
    assert [row[0] for row in result] == sorted(row[0] for row in result)


@settings(max_examples=20, deadline=None)
@given(EVENTS)
def test_a_join_pairs_rows_that_are_in_each_others_windows(events):
    code = """CREATE STREAM D (k VARCHAR(1), a INTEGER, b INTEGER); CREATE PUMP P AS INSERT INTO D
    SELECT STREAM COALESCE(x.k, y.k), x.n, y.n FROM S OVER (RANGE INTERVAL '2' SECOND PRECEDING) AS x
    FULL JOIN T OVER (RANGE INTERVAL '1' SECOND PRECEDING) AS y ON x.k = y.k AND x.n <= y.n;"""
    rows = timed(events, "ST")
    expected, met = [], set()
    for i, (t, one, key, n) in enumerate(rows):
        for j, (u, other, k, m) in enumerate(rows):
            near = t <= u < t + 2000 or u <= t < u + 1000
            if (one, other) == ("S", "T") and key == k and n <= m and near:
                expected.append((max(t, u), key, n, m))
                met |= {i, j}
    for i, (t, one, key, n) in enumerate(rows):
        if i not in met:
            expected.append((t + 2000, key, n, None) if one == "S" else (t + 1000, key, None, n))
    result = run(code, events, "ST")
    assert sorted(result, key=repr) == sorted(expected, key=repr)
    assert [row[0] for row in result] == sorted(row[0] for row in result)
