"""What a statement is, what it reads, and what cannot be smuggled into it."""

import re

import duckdb
import pytest

from lakemill.lakesql import types
from lakemill.lakesql.dialects import athena
from lakemill.lakesql.dialects.functions import registry
from lakemill.lakesql.errors import SqlFailed, of_duckdb

COLUMNS = [("id", "int"), ("name", "string"), ("price", "double"), ("day", "date"), ("region", "string")]


def schema(database, name):
    if name == "recent":
        return athena.View("SELECT id, region FROM sales WHERE day > DATE '2020-01-01'", "shop")
    if name == "loop":
        return athena.View("SELECT * FROM loop", "shop")
    if name != "sales":
        raise SqlFailed("TABLE_NOT_FOUND", f"Table 'awsdatacatalog.{database}.{name}' does not exist")
    return COLUMNS


def uses(sql):
    return athena.translate(athena.parse(sql).tree, schema, "shop").tables


def conditions(use):
    return [(c.column, c.operator, c.values) for c in use.predicates]


@pytest.mark.parametrize(
    ("sql", "kind", "target"),
    [
        ("SELECT 1;", "query", ("", "")),
        ("(SELECT 1) UNION (SELECT 2)", "query", ("", "")),
        ("with a as (select 1) select * from a", "query", ("", "")),
        ("VALUES 1", "query", ("", "")),
        ("CREATE OR REPLACE VIEW shop.V AS SELECT 1 a", "create_view", ("shop", "v")),
        ("CREATE TABLE t WITH (format='ORC', partitioned_by = ARRAY['a','b']) AS SELECT 1", "ctas", ("", "t")),
        ("CREATE TABLE IF NOT EXISTS a.t AS SELECT 1 WITH NO DATA", "ctas", ("a", "t")),
        ("INSERT INTO awsdatacatalog.a.t (x, y) VALUES (1, 2)", "insert", ("a", "t")),
        ("INSERT INTO t (SELECT 1)", "insert", ("", "t")),
        ("UNLOAD (SELECT 1) TO 's3://b/p/' WITH (format = 'JSON')", "unload", ("", "")),
        ("EXPLAIN ANALYZE SELECT 1", "explain", ("", "")),
        ("PREPARE p FROM SELECT ?", "prepare", ("", "p")),
        ("EXECUTE p USING 1, 'a,b', f(2, 3)", "execute", ("", "p")),
        ("DEALLOCATE PREPARE p", "deallocate", ("", "p")),
        ("CREATE EXTERNAL TABLE t (a int) LOCATION 's3://b/p/'", "ddl", ("", "")),
        ("CREATE DATABASE d", "ddl", ("", "")),
        ("CREATE TABLE t (a int)", "ddl", ("", "")),
        ("DROP VIEW v", "ddl", ("", "")),
        ("MSCK REPAIR TABLE `a`.`t`", "ddl", ("", "")),
        ("SHOW TABLES", "ddl", ("", "")),
    ],
)
def test_the_kind_of_a_statement(sql, kind, target):
    parsed = athena.parse(sql)
    assert (parsed.kind, parsed.target) == (kind, target)


def test_what_stands_around_a_query():
    made = athena.parse("CREATE TABLE t WITH (format='ORC', bucket_count=4, partitioned_by=ARRAY['a','b']) AS SELECT 1")
    assert made.properties == {"format": "ORC", "bucket_count": 4, "partitioned_by": ["a", "b"]}
    assert athena.parse("CREATE TABLE IF NOT EXISTS t AS SELECT 1 WITH NO DATA").flags == {"if_not_exists", "no_data"}
    assert athena.parse("INSERT INTO t (x, Y) SELECT 1, 2").columns == ["x", "y"]
    assert athena.parse("UNLOAD (SELECT 1) TO 's3://b/p/'").location == "s3://b/p/"
    assert athena.parse("EXECUTE p USING 1, 'a,b', f(2, 3)").using == ["1", "'a,b'", "f(2, 3)"]
    assert athena.parse("CREATE VIEW v AS SELECT 1  AS a").body == "SELECT 1  AS a"
    assert athena.parse("PREPARE p FROM SELECT ? + ?").parameters == 2


def test_places_are_those_of_the_whole_statement():
    parsed = athena.parse("CREATE TABLE t AS\n  SELECT nope FROM sales")
    with pytest.raises(SqlFailed, match=r"COLUMN_NOT_FOUND: line 2:10: Column 'nope' cannot be resolved"):
        athena.translate(parsed.tree, schema)


def test_parameters_become_expressions():
    parsed = athena.parse("SELECT ?, name FROM sales WHERE id = ? AND name = ?", ["1", "-2", "'it''s'"])
    sql = athena.translate(parsed.tree, schema).sql
    assert "-2" in sql and "'it''s'" in sql


@pytest.mark.parametrize(
    "text", ["1; DROP TABLE t", "1, 2", "1 FROM sales", "id", "(SELECT 1)", "1 AS x", "*", "", "'a", "1 -- x\n FROM t"]
)
def test_a_parameter_stays_one_expression(text):
    with pytest.raises(SqlFailed, match="INVALID_PARAMETER_USAGE"):
        athena.parse("SELECT ?", [text])


def test_parameters_stand_where_their_question_marks_do():
    text = (
        "WITH w AS (SELECT ? AS a) SELECT ?, a FROM w WHERE a > ? GROUP BY a HAVING a < ? ORDER BY ? OFFSET ? LIMIT ?"
    )
    tree = athena.parse(text, [str(number) for number in range(7)]).tree
    assert re.findall(r"\d", tree.sql("trino")) == list("0123456")


def test_parameters_are_counted():
    with pytest.raises(SqlFailed) as caught:
        athena.parse("SELECT ?, ?", ["1"])
    assert str(caught.value) == "INVALID_PARAMETER_USAGE: Incorrect number of parameters: expected 2 but found 1"


def test_the_columns_that_are_used():
    assert uses("SELECT id FROM sales WHERE price > 1 ORDER BY name")[0].columns == ["price", "id", "name"]
    assert uses("SELECT count(*) FROM sales")[0].columns == []
    assert uses("SELECT * FROM sales")[0].columns == [name for name, _ in COLUMNS]
    assert uses('SELECT "$path" FROM sales')[0].columns == ["$path"]
    assert uses("SELECT a.id FROM sales a JOIN sales b USING (region)")[1].columns == ["region"]


def test_each_place_of_a_table_has_a_view():
    assert [u.view for u in uses("SELECT a.id FROM sales a, sales b")] == ["scan_0", "scan_1"]


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ("region = 'eu' AND id > 5", [("region", "=", ["eu"]), ("id", ">", ["5"])]),
        ("'eu' = region", [("region", "=", ["eu"])]),
        ("3 < id", [("id", ">", ["3"])]),
        ("region IN ('a', 'b')", [("region", "in", ["a", "b"])]),
        ("id BETWEEN 1 AND 3", [("id", ">=", ["1"]), ("id", "<=", ["3"])]),
        ("day >= DATE '2020-01-31'", [("day", ">=", ["2020-01-31"])]),
        ("(region = 'a' AND (id = -1))", [("region", "=", ["a"]), ("id", "=", ["-1"])]),
        ("region = 'a' OR id = 1", []),
        ("NOT region = 'a'", []),
        ("upper(region) = 'A'", []),
        ("region = name", []),
        ("region IS NULL", []),
    ],
)
def test_the_conditions_on_columns(where, kept):
    assert conditions(uses(f"SELECT name FROM sales WHERE {where}")[0]) == kept


def test_conditions_reach_through_plain_sub_queries_only():
    assert conditions(uses("SELECT 1 FROM (SELECT region AS r FROM sales) WHERE r = 'a'")[0]) == [
        ("region", "=", ["a"])
    ]
    assert conditions(uses("SELECT 1 FROM recent WHERE region = 'a'")[0])[-1] == ("region", "=", ["a"])
    for inner in ("SELECT region r FROM sales LIMIT 1", "SELECT region r, count(*) OVER () FROM sales"):
        assert conditions(uses(f"SELECT 1 FROM ({inner}) WHERE r = 'a'")[0]) == []
    outer = uses("SELECT 1 FROM sales s WHERE EXISTS (SELECT 1 FROM sales t WHERE s.region = 'a')")
    assert [conditions(u) for u in outer] == [[], []]


def test_views_are_put_in_with_their_own_database():
    tables = athena.translate(athena.parse("SELECT id FROM other.recent").tree, schema, "elsewhere").tables
    assert [(u.database, u.name) for u in tables] == [("shop", "sales")]


class Shop:
    """A catalog of two databases."""

    def __init__(self):
        self.asked = []

    def databases(self):
        return ["default", "shop"]

    def tables(self, database):
        self.asked.append(database)
        if database == "shop":
            return [("sales", False, COLUMNS), ("recent", True, COLUMNS[:1])]
        return []


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT schema_name FROM information_schema.schemata ORDER BY 1", [("default",), ("shop",)]),
        (
            "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = 'shop' ORDER BY 1",
            [("recent", "VIEW"), ("sales", "BASE TABLE")],
        ),
        (
            "SELECT column_name, ordinal_position, data_type FROM awsdatacatalog.information_schema.columns "
            "WHERE table_schema = 'shop' AND table_name = 'sales' AND ordinal_position < 3 ORDER BY 2",
            [("id", 1, "integer"), ("name", 2, "varchar")],
        ),
        ("SELECT table_name FROM information_schema.tables WHERE table_schema = 'none'", []),
    ],
)
def test_information_schema(sql, rows):
    with duckdb.connect(":memory:") as connection:
        translated = athena.translate(athena.parse(sql).tree, schema, "shop", Shop())
        assert connection.execute(translated.sql).fetchall() == rows
        assert translated.tables == []


def test_information_schema_asks_only_for_the_databases_that_matter():
    catalog = Shop()
    sql = "SELECT 1 FROM information_schema.tables WHERE table_schema IN ('shop')"
    athena.translate(athena.parse(sql).tree, schema, "shop", catalog)
    assert catalog.asked == ["shop"]
    with pytest.raises(SqlFailed, match="NOT_SUPPORTED: information_schema"):
        athena.translate(athena.parse(sql).tree, schema)


def test_a_view_of_itself_is_refused():
    with pytest.raises(SqlFailed, match="View is recursive"):
        uses("SELECT * FROM loop")


def test_only_functions_of_the_registry_reach_duckdb():
    with duckdb.connect(":memory:") as connection:
        query = "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type <> 'pragma'"
        theirs = {row[0] for row in connection.execute(query).fetchall() if row[0].isidentifier()}
    for name in sorted(theirs - registry.names()):
        if name in {"row", "unnest", "cast", "map", "if", "try", "list_value", "struct_pack"}:
            continue
        with pytest.raises(SqlFailed) as caught:
            athena.translate(athena.parse(f"SELECT {name}('x')").tree, schema)
        assert caught.value.code in {"FUNCTION_NOT_FOUND", "NOT_SUPPORTED", "SYNTAX_ERROR"}, name


def test_translated_statements_run_where_files_are_closed(tmp_path):
    with duckdb.connect(":memory:") as connection:
        athena.prelude(connection)
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        sql = athena.translate(athena.parse('SELECT json_format(json_parse(\'{"b":1,"a":2}\'))').tree, schema).sql
        assert connection.execute(sql).fetchall() == [('{"a":2,"b":1}',)]


def test_deep_and_long_statements():
    with pytest.raises(SqlFailed, match="STACK_OVERFLOW"):
        athena.translate(athena.parse("SELECT " + "abs(" * 400 + "1" + ")" * 400).tree, schema)
    many = " OR ".join(f"id = {i}" for i in range(2000))
    assert uses(f"SELECT id FROM sales WHERE {many}")
    assert athena.translate(athena.parse(" UNION ALL ".join(["SELECT 1"] * 300)).tree, schema).columns
    with pytest.raises(SqlFailed, match="QUERY_TEXT_TOO_LARGE"):
        athena.parse("SELECT '" + "x" * 262144 + "'")


@pytest.mark.parametrize(
    ("hive", "trino", "duck"),
    [
        ("string", "varchar", "VARCHAR"),
        ("varchar(5)", "varchar(5)", "VARCHAR"),
        ("decimal", "decimal(10,0)", "DECIMAL(10,0)"),
        ("decimal( 12 , 3 )", "decimal(12,3)", "DECIMAL(12,3)"),
        ("float", "real", "FLOAT"),
        ("binary", "varbinary", "BLOB"),
        ("array<map<string,int>>", "array(map(varchar, integer))", "MAP(VARCHAR, INTEGER)[]"),
        ("struct<A:int,`b c`:array<date>>", "row(a integer, b c array(date))", 'STRUCT("a" INTEGER, "b c" DATE[])'),
    ],
)
def test_types_of_the_catalog(hive, trino, duck):
    kind = types.of_hive(hive)
    assert (kind.trino(), kind.duckdb()) == (trino, duck)


@pytest.mark.parametrize("text", ["", "text", "array<int", "struct<a>", "int)", "decimal(a)", "map<int>", "int int"])
def test_what_is_no_type(text):
    with pytest.raises(SqlFailed, match="Column type is unknown"):
        types.of_hive(text)


def test_hive_types_come_back():
    for text in ("array<struct<a:int,b:string>>", "map<string,decimal(10,2)>", "float", "char(3)", "timestamp"):
        assert types.of_hive(text).hive() == text


def test_errors_of_duckdb_in_trinos_words():
    with duckdb.connect(":memory:") as connection, pytest.raises(duckdb.Error) as caught:
        connection.execute("SELECT 2147483647::INTEGER - (-1)::INTEGER")
    assert str(of_duckdb(caught.value)) == "NUMERIC_VALUE_OUT_OF_RANGE: integer subtraction overflow: 2147483647 - -1"
