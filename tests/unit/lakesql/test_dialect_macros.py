"""Macros of a connection, made when they are first called."""

import duckdb
import pytest

from lakemill.lakesql.dialects.macros import Macros, statements


@pytest.fixture
def connection():
    with duckdb.connect(":memory:", config={"threads": 1}) as made:
        yield made


def made(connection):
    rows = connection.execute("SELECT DISTINCT function_name FROM duckdb_functions() WHERE NOT internal").fetchall()
    return {name for (name,) in rows}


def test_a_statement_gets_what_it_calls_and_what_that_calls(connection):
    macros = Macros(connection, set())
    macros.make("SELECT 1, blanks, 'x'")
    assert made(connection) == set()
    macros.make("SELECT java_real(a), coalesce(b) FROM t")
    assert made(connection) == {"java_real", "java_number", "double_sci", "double_digits", "double_exp"}
    macros.make("SELECT java_double(a), json_sorted(b) FROM t")
    assert made(connection) >= {"java_real", "java_double"}
    assert connection.execute("SELECT java_double(1e20), json_sorted('[1, 2]')").fetchall() == [("1.0E20", "[1,2]")]


def test_the_next_connection_has_what_statements_called(connection):
    called = set()
    with duckdb.connect(":memory:") as earlier:
        Macros(earlier, called).make("SELECT java_double(a)")
    assert "java_double" in called
    Macros(connection, called)
    assert connection.execute("SELECT java_double(1e20)").fetchall() == [("1.0E20",)]


def test_each_can_be_made_without_the_others(connection):
    for place, statement in enumerate(statements()):
        connection.execute(f"CREATE SCHEMA s{place}")
        connection.execute(f"USE s{place}")
        head = statement.removeprefix("CREATE OR REPLACE MACRO ").partition("(")[0]
        Macros(connection, set()).make(f"SELECT {head}(1)")
    assert len(made(connection)) == len(statements())
