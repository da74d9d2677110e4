"""Results as clients read them."""

import duckdb
import pytest

from lakemill.lakesql import results
from lakemill.lakesql.dialects import athena


@pytest.fixture
def connection():
    with duckdb.connect(":memory:") as made:
        athena.prelude(made)
        yield made


def written(connection, sql, path, form="csv"):
    translated = athena.translate(athena.parse(sql).tree, lambda database, name: [])
    columns, rows = results.write(connection, translated.sql, path, form, translated.columns)
    return columns, rows, path.read_bytes().decode()


def test_everything_is_in_quotes_and_null_is_empty(connection, tmp_path):
    sql = """SELECT 1 a, 'x"y,z' "B c", CAST(NULL AS varchar) c, '' d, 'two' || chr(10) || 'lines' e"""
    _, rows, text = written(connection, sql, tmp_path / "r.csv")
    assert rows == 1
    assert text == '"a","B c","c","d","e"\n"1","x""y,z",,"","two\nlines"\n'


def test_names_may_repeat_and_be_missing(connection, tmp_path):
    columns, _, text = written(connection, "SELECT 1 a, 2 a, 3, 4 WHERE false", tmp_path / "r.csv")
    assert text == '"a","a","_col2","_col3"\n'
    assert [c.name for c in columns] == ["a", "a", "_col2", "_col3"]


def test_columns_as_athena_tells_them(connection, tmp_path):
    sql = "SELECT 'a' a, 1 b, 2147483648 c, 1.5 d, CAST(1 AS real) e, DECIMAL '1.50' f, ARRAY[1] g, DATE '2020-01-01' h"
    columns, _, _ = written(connection, sql, tmp_path / "r.csv")
    assert [(c.type, c.precision, c.scale, c.case_sensitive) for c in columns] == [
        ("varchar", 1, 0, True),
        ("integer", 10, 0, False),
        ("bigint", 19, 0, False),
        ("double", 17, 0, False),
        ("float", 17, 0, False),
        ("decimal", 3, 2, False),
        ("array", 0, 0, False),
        ("date", 0, 0, False),
    ]


def test_nested_values(connection, tmp_path):
    row = "CAST(ROW(1.5, 'x') AS row(a double, b varchar))"
    sql = f"SELECT ARRAY[ARRAY[1, NULL], NULL], MAP(ARRAY[1], ARRAY[{row}]), ARRAY[]"
    _, _, text = written(connection, sql, tmp_path / "r.csv")
    assert text.splitlines()[1] == '"[[1, null], null]","{1={a=1.5, b=x}}","[]"'


def test_lines_have_tabs_and_no_header(connection, tmp_path):
    _, rows, text = written(
        connection, "SELECT 1, CAST(NULL AS varchar), 'b' UNION ALL SELECT 2, 'x', 'c'", tmp_path / "r.txt", "txt"
    )
    assert (rows, text) == (2, "1\t\tb\n2\tx\tc\n")
    assert results.write_lines(["a\tint", "b"], tmp_path / "d.txt") == 2
    assert (tmp_path / "d.txt").read_text() == "a\tint\nb\n"


def test_many_rows(connection, tmp_path):
    sql = "SELECT x, y FROM UNNEST(sequence(1, 300)) a(x) CROSS JOIN UNNEST(sequence(1, 200)) b(y)"
    _, rows, text = written(connection, sql, tmp_path / "r.csv")
    assert rows == 60_000
    assert text.count("\n") == 60_001
