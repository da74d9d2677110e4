"""What cannot be compiled is refused with its place and in words."""

import pytest

from lakemill.streamsql import SqlError, compile
from tests.unit.streamsql.harness import schema

INPUTS = {
    "S": schema('A INTEGER, B VARCHAR(9), "price" REAL, T TIMESTAMP'),
    "R": schema("A INTEGER, C VARCHAR(9)"),
}
TABLES = {"TAB": schema("A INTEGER, N VARCHAR(9)")}
HEAD = "CREATE STREAM D (x INTEGER);\n"
PUMP = "CREATE PUMP P AS INSERT INTO D\n"

# What follows the pump's head (line 3 on), the message, the line and the column.
QUERIES = [
    ("SELECT STREAM a b c FROM S", "This cannot be parsed near c", 3, 19),
    ("SELECT STREAM nocolumn FROM S", "There is no column NOCOLUMN", 3, 15),
    ("SELECT STREAM price FROM S", 'names without quotes are in upper case, did you mean "price"?', 3, 15),
    ("SELECT STREAM z.a FROM S", "There is no Z in this FROM clause", 3, 15),
    ("SELECT STREAM a FROM nostream", "There is no stream or reference table NOSTREAM", 3, 22),
    ('SELECT STREAM a FROM "s"', 'There is no stream or reference table s, did you mean "S"?', 3, 22),
    ("SELECT STREAM a FROM error_stream", "error_stream cannot be queried", 3, 22),
    ("SELECT STREAM a, b FROM S", "The query has 2 columns, 1 are expected by D", 2, 30),
    ("SELECT STREAM a\n  + b FROM S", "INTEGER + VARCHAR is not possible", 3, 15),
    ("SELECT STREAM a FROM S WHERE b > 1", "A comparison cannot combine VARCHAR and INTEGER; use CAST", 3, 30),
    ("SELECT STREAM a FROM S WHERE a", "WHERE must be a condition, this is INTEGER", 3, 30),
    ("SELECT STREAM nofunction(a) FROM S", "There is no function NOFUNCTION", 3, 15),
    ("SELECT STREAM MOD(a) FROM S", "MOD takes 2 arguments, not 1", 3, 15),
    ("SELECT STREAM UPPER(a) FROM S", "UPPER takes text, not INTEGER; use CAST", 3, 15),
    ("SELECT STREAM CAST(a AS JSON) FROM S", "There is no type JSON", 3, 20),
    ("SELECT STREAM SUM(a) FROM S", "needs an expression that rises with ROWTIME", 3, 15),
    ("SELECT STREAM SUM(a) FROM S GROUP BY b", "needs an expression that rises with ROWTIME", 3, 38),
    ("SELECT STREAM a FROM S GROUP BY FLOOR(S.ROWTIME TO MINUTE)", "A must be in GROUP BY", 3, 15),
    ("SELECT STREAM SUM(b) FROM S GROUP BY ROWTIME", "SUM takes a number, not VARCHAR", 3, 15),
    ("SELECT STREAM SUM(MAX(a)) FROM S GROUP BY ROWTIME", "An aggregate cannot stand inside another", 3, 15),
    ("SELECT STREAM SUM(a) FROM S WHERE MAX(a) > 1 GROUP BY ROWTIME", "Aggregates are not possible in WHERE", 3, 35),
    ("SELECT STREAM a FROM S HAVING a > 1", "HAVING needs GROUP BY", 3, 31),
    ("SELECT STREAM COUNT(*) OVER w FROM S", "There is no window W", 3, 29),
    ("SELECT STREAM COUNT(*) OVER (PARTITION BY a) FROM S", "A window needs an end", 3, 15),
    ("SELECT STREAM COUNT(*) OVER (ROWS UNBOUNDED PRECEDING) FROM S", "A window without an end", 3, 15),
    (
        "SELECT STREAM COUNT(*) OVER (ORDER BY a ROWS 2 PRECEDING) FROM S",
        "ORDER BY is not possible in it",
        3,
        15,
    ),
    (
        "SELECT STREAM COUNT(*) OVER (ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING) FROM S",
        "A window ends with the current row",
        3,
        15,
    ),
    ("SELECT STREAM COUNT(*) OVER (RANGE INTERVAL '1' MONTH PRECEDING) FROM S", "A window is measured in days", 3, 45),
    ("SELECT STREAM UPPER(b) OVER (ROWS 1 PRECEDING) FROM S", "UPPER cannot have OVER", 3, 15),
    ("SELECT STREAM EXP_AVG(a, INTERVAL '1' SECOND) OVER (ROWS 1 PRECEDING) FROM S", "needs a window of time", 3, 15),
    ("SELECT STREAM DISTINCT a FROM S", "DISTINCT on a stream needs a column that rises with ROWTIME", 3, 24),
    ("SELECT STREAM a FROM S ORDER BY a", "ORDER BY on a stream begins with an expression that rises", 3, 33),
    ("SELECT STREAM a FROM S ORDER BY ROWTIME DESC", "DESC is not possible there", 3, 33),
    ("SELECT STREAM a FROM S LIMIT 3", "LIMIT is not part of this dialect", 3, 30),
    ("SELECT STREAM a FROM S UNION SELECT STREAM a FROM R", "UNION of streams is UNION ALL", 3, 15),
    ("SELECT STREAM a FROM S UNION ALL SELECT STREAM a, c FROM R", "UNION ALL of 1 and 2 columns", 3, 48),
    ("SELECT STREAM a FROM S UNION ALL SELECT STREAM c FROM R", "cannot combine INTEGER and VARCHAR", 3, 48),
    ("SELECT STREAM A FROM S JOIN R ON S.A = R.A", "The column A is in S and in R; say which", 3, 15),
    ("SELECT STREAM S.A FROM S JOIN R USING (A)", "Joins are written with ON", 3, 31),
    ("SELECT STREAM S.A FROM S JOIN S ON TRUE", "S is there twice", 3, 31),
    ("SELECT STREAM S.A FROM S RIGHT JOIN TAB ON S.A = TAB.A", "INNER or LEFT JOIN", 3, 37),
    ("SELECT STREAM TAB.A FROM TAB", "FROM begins with a stream", 3, 26),
    (
        "SELECT STREAM S.A FROM S OVER (ROWS 2 PRECEDING) JOIN R ON S.A = R.A",
        "The window of a stream in a join is one of time",
        3,
        26,
    ),
    ("SELECT STREAM a FROM TABLE(NO_FUNCTION(CURSOR(SELECT STREAM * FROM S)))", "no table function NO_FUNCTION", 3, 28),
    ("SELECT STREAM a FROM TABLE(HOTSPOTS(a))", "The first argument of HOTSPOTS is CURSOR", 3, 28),
    ("SELECT STREAM a FROM S WHERE a IN (SELECT a FROM R)", "IN with a query is not part of this dialect", 3, 30),
    ("SELECT STREAM STEP(S.ROWTIME BY INTERVAL '0' SECOND) FROM S", "STEP takes a positive interval", 3, 15),
    ("SELECT STREAM FLOOR(S.ROWTIME TO WEEK) FROM S", "FLOOR knows YEAR, MONTH", 3, 21),
    ("SELECT STREAM b LIKE 'a%' ESCAPE '!!' FROM S", "ESCAPE takes one character", 3, 15),
    ("SELECT STREAM T FROM S", "Column X: TIMESTAMP cannot become INTEGER", 3, 15),
    ("SELECT STREAM INTERVAL 'x' SECOND FROM S", "'x' is no interval of SECOND", 3, 24),
    ("SELECT STREAM a FROM S WINDOWED BY TUMBLE (b)", "WINDOWED BY must be followed by STAGGER", 3, 24),
    ("SELECT STREAM a FROM S WINDOWED BY STAGGER (PARTITION BY a)", "STAGGER needs its length", 3, 24),
    ("SELECT STREAM REGEX_LOG_PARSE(b, '(a') FROM S", "'(a' is no regular expression", 3, 15),
    ("SELECT STREAM FLOOR(a, 2) FROM S", "DECIMALS is not part of this dialect", 3, 24),
    ("SELECT STREAM a FROM S WHERE a BETWEEN SYMMETRIC 1 AND 2", "SYMMETRIC is not part of this dialect", 3, 30),
    ("SELECT STREAM * EXCEPT (a) FROM S", "EXCEPT is not part of this dialect", 3, 15),
    ("SELECT STREAM a FROM S TABLESAMPLE (10 PERCENT)", "SAMPLE is not part of this dialect", 3, 37),
    ("SELECT STREAM DISTINCT ON (a) a FROM S", "ON is not part of this dialect", 3, 28),
    ("SELECT STREAM a FROM S QUALIFY a > 1", "QUALIFY is not part of this dialect", 3, 32),
    ("SELECT STREAM CAST(a AS VARCHAR(3) FORMAT 'x') FROM S", "FORMAT is not part of this dialect", 3, 43),
    ("SELECT STREAM COUNT(*) FILTER (WHERE a > 1) FROM S", "needs an expression that rises", 3, 15),
    ("WITH w AS (SELECT a FROM S) SELECT STREAM a FROM w", "A pump needs SELECT STREAM", 2, 30),
    ("SELECT STREAM a FROM S, D", "The stream D would be filled from itself", 3, 25),
]


@pytest.mark.parametrize(("query", "message", "line", "column"), QUERIES, ids=[query[0] for query in QUERIES])
def test_a_query_that_cannot_run_is_refused_at_its_place(query, message, line, column):
    with pytest.raises(SqlError) as raised:
        compile(HEAD + PUMP + query, INPUTS, TABLES)
    assert message in raised.value.message
    assert (raised.value.line, raised.value.column) == (line, column)


STATEMENTS = [
    ("SELECT STREAM a FROM S", "Only CREATE STREAM, CREATE PUMP", 1, 1),
    ("CREATE VIEW v AS SELECT 1", "CREATE VIEW is not part of this dialect", 1, 8),
    ("CREATE STREAM D (x FOO)", "There is no type FOO", 1, 20),
    ("CREATE STREAM D (x INTEGER,\n x INTEGER)", "The column X is there twice", 2, 2),
    ("CREATE STREAM D (x INTEGER); CREATE STREAM D (x INTEGER)", "The stream D exists already", 1, 44),
    ("CREATE STREAM S (x INTEGER)", "S exists already", 1, 15),
    ("CREATE STREAM D (x DECIMAL(40, 2))", "at most 38 digits", 1, 20),
    ("CREATE STREAM D (x INTEGER) OPTIONS (y 1)", "OPTIONS is not possible in CREATE STREAM", 1, 29),
    ("CREATE STREAM D (x VARCHAR(3)); CREATE PUMP P AS INSERT INTO D SELECT 'a", "A quote", 1, 71),
    ("CREATE PUMP P AS INSERT INTO D SELECT STREAM a FROM S", "The stream D does not exist", 1, 30),
    ("CREATE PUMP P AS INSERT INTO S SELECT STREAM a FROM S", "The stream S would be filled from itself", 1, 53),
    ("CREATE PUMP P AS INSERT INTO R SELECT STREAM a FROM S", "The stream R is an input stream", 1, 30),
    ("CREATE PUMP P AS SELECT STREAM a FROM S", "A pump must be AS INSERT INTO a stream", 1, 18),
    ("CREATE STREAM D (x INTEGER); CREATE PUMP P AS INSERT INTO D (y) SELECT STREAM a FROM S", "no column Y", 1, 62),
    ("ALTER PUMP P START", "There is no pump P", 1, 12),
    ("CREATE STREAM D (x INTEGER); CREATE PUMP P AS INSERT INTO D", "A pump needs SELECT STREAM", 1, 59),
    ("CREATE STREAM D (x INTEGER", "The statement ends too early", 1, 20),
]


@pytest.mark.parametrize(("code", "message", "line", "column"), STATEMENTS, ids=[s[0] for s in STATEMENTS])
def test_a_statement_that_is_none_is_refused_at_its_place(code, message, line, column):
    with pytest.raises(SqlError) as raised:
        compile(code, INPUTS, TABLES)
    assert message in raised.value.message
    assert (raised.value.line, raised.value.column) == (line, column)


def test_pumps_may_not_run_in_a_circle():
    code = """CREATE STREAM A (x INTEGER); CREATE STREAM B (x INTEGER);
    CREATE PUMP P AS INSERT INTO A SELECT STREAM x FROM B;
    CREATE PUMP Q AS INSERT INTO B SELECT STREAM x FROM A;"""
    with pytest.raises(SqlError, match="would be filled from itself") as raised:
        compile(code, INPUTS)
    assert raised.value.line == 2


def test_an_expression_without_end_is_refused():
    with pytest.raises(SqlError, match="nested too deeply"):
        compile(HEAD + PUMP + "SELECT STREAM " + "(" * 3000 + "a" + ")" * 3000 + " FROM S", INPUTS)


def test_a_long_expression_compiles():
    compile(HEAD + PUMP + "SELECT STREAM " + " + ".join(["a"] * 60) + " FROM S", INPUTS)


def test_a_stopped_pump_must_compile_too():
    with pytest.raises(SqlError, match="There is no column NOTHING"):
        compile(
            "CREATE STREAM D (x INTEGER); CREATE PUMP P STOPPED AS INSERT INTO D SELECT STREAM nothing FROM S", INPUTS
        )
