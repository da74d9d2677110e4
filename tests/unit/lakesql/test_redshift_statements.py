"""What the compiler of Redshift's language tells about statements."""

import duckdb
import pytest

from lakemill.lakesql.dialects import redshift
from lakemill.lakesql.dialects.redshift import names
from lakemill.lakesql.dialects.redshift.names import shown
from lakemill.lakesql.dialects.typed import Typed
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import BIGINT, DATE, INTEGER, VARCHAR, Type, decimal
from tests.unit.lakesql.redshift_session import Session

MERGE = "merge into t using u on t.id = u.id when matched then delete when not matched then insert values (1, '', null)"


@pytest.fixture(scope="module")
def session():
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        made = Session(connection)
        made.create(
            "t", [["id", "integer", "not null"], ["name", "varchar(10)"], ["day", "date"]], "VALUES (1, 'a', NULL)"
        )
        made.create("u", [["id", "integer"], ["amount", "decimal(10,2)"]])
        made.view("v", "SELECT id AS number FROM t WHERE name IS NOT NULL")
        yield made


@pytest.mark.parametrize(
    "text, kind, target",
    [
        ("select 1;", "query", ()),
        ("(select 1) union (select 2)", "query", ()),
        ("with a as (select 1) select * from a", "query", ()),
        ("insert into t values (1)", "insert", ()),
        ("UPDATE t SET id = 1", "update", ()),
        ("delete from t", "delete", ()),
        (MERGE, "merge", ()),
        ("create table S.x distkey(a) as select 1 as a", "ctas", ("s", "x")),
        ('create temp table if not exists "X" (a) as (select 1)', "ctas", ("x",)),
        ("select 1 as a into #y from t", "ctas", ("#y",)),
        ("explain select 1", "explain", ()),
        ("create table x (a int default (1))", "command", ()),
        ("copy t from 's3://b/select' iam_role default", "command", ()),
        ("-- nothing\n begin; ", "command", ()),
        ("", "command", ()),
    ],
)
def test_kinds(text, kind, target):
    parsed = redshift.parse(text)
    assert (parsed.kind, parsed.target) == (kind, target)


def test_what_stands_around_a_query():
    parsed = redshift.parse("create temp table x (a, b) diststyle all sortkey (a) as select 1, 2 with no data")
    assert (parsed.columns, parsed.head) == (["a", "b"], "diststyle all sortkey (a)")
    assert parsed.flags == {"temporary", "no_data"}
    assert redshift.parse("select 1 into temp x").flags == {"into", "temporary"}
    assert redshift.parse("drop table if exists x").words == ["DROP", "TABLE", "IF", "EXISTS"]


def test_statements_apart():
    text = "select ';'; -- a; b\n select $$;$$ ;; /* ; /* ; */ */ select \"a;b\", 'it''s;', 'a\\';'"
    assert redshift.split(text) == [
        "select ';'",
        "-- a; b\n select $$;$$",
        "/* ; /* ; */ */ select \"a;b\", 'it''s;', 'a\\';'",
    ]
    with pytest.raises(SqlFailed, match="unterminated quoted string"):
        redshift.split("select 'a")


def test_types_of_parameters_are_found(session):
    text = "select $1 + 1, $2, name from t where id = $3 and day > $4 and name like $5 limit $6"
    found = redshift.compile(redshift.parse(text), session)
    assert [shown(kind) for kind in found.parameters] == [
        *("integer", "character varying", "integer", "date", "character varying", "bigint")
    ]
    assert [(name, shown(kind)) for name, kind in found.columns] == [
        *(("?column?", "integer"), ("?column?", "character varying"), ("name", "character varying(10)"))
    ]
    given = redshift.Parameters({1: BIGINT})
    assert redshift.compile(redshift.parse("select $1 + 1"), session, given).parameters == [BIGINT]
    inserted = redshift.compile(redshift.parse("insert into t values ($1, $2, $3)"), session)
    assert inserted.parameters == [INTEGER, Type("varchar", (10,)), DATE]


@pytest.mark.parametrize("value", ["x'; drop table t; --", "it''s", "\\", "$1", "", "ü\n"])
def test_values_never_become_sql(session, value):
    assert session.run("select $1, $1 || '!'", values=[value])[1] == [(value, value + "!")]
    assert session.run("select :p, ':p', 1::int", named={"p": value})[1] == [(value, ":p", 1)]


def test_values_are_of_the_type_that_is_needed(session):
    _, rows = session.run("select $1 + 1, $2::date, $3", types={3: INTEGER}, values=["41", "2020-01-31", "7"])
    assert rows[0][::2] == (42, 7)
    assert session.run("select :a + 1, nvl(:b, 'x')", named={"a": "1", "b": None})[1] == [(2, "x")]
    with pytest.raises(SqlFailed) as failed:
        session.run("select 1 + $1", values=["x"])
    assert (failed.value.code, failed.value.position) == ("22P02", 8)
    with pytest.raises(SqlFailed, match="there is no parameter"):
        session.run("select $2", values=["x"])
    with pytest.raises(SqlFailed, match='syntax error at or near ":q"'):
        session.run("select :q")


def test_what_a_statement_does_with_relations(session):
    def uses(text):
        found = redshift.compile(redshift.parse(text), session).uses
        return [(u.relation.parts[-1], u.action, sorted(u.columns), u.through and u.through.parts[-1]) for u in found]

    assert uses("select number from v where exists (select 1 from u)") == [
        ("v", "read", [], None),
        ("t", "read", ["id", "name"], "v"),
        ("u", "read", [], None),
    ]
    assert ("t", "insert", ["id"], None) in uses("insert into t (id) select id from u")
    assert ("t", "update", ["name"], None) in uses("update t set name = 'x' where id = 1")
    assert uses("delete from t") == [("t", "delete", [], None)]
    assert uses("delete from t where id = 1")[1] == ("t", "read", ["id"], None)


def test_columns_of_a_table_made_of_a_query(session):
    text = "create table x (a) as select 'abc', id + 1 as b, name, id / 2.5 from t"
    found = redshift.compile(redshift.parse(text), session)
    assert [(name, shown(kind)) for name, kind in found.columns] == [
        ("a", "character varying(3)"),
        ("b", "integer"),
        ("name", "character varying(10)"),
        ("?column?", "numeric(15,4)"),
    ]
    with pytest.raises(SqlFailed, match='column "id" specified more than once'):
        redshift.compile(redshift.parse("create table x as select id, id from t"), session)


def test_an_external_table_is_read_by_a_view(session):
    columns = [("id", "int"), ("tags", "array<string>"), ("day", "string")]
    session.relations["lake"] = redshift.External("glue", "clicks", columns, ("spectrum", "lake"))
    found = redshift.compile(redshift.parse("select id, tags[0] from lake where day = '2020-01-01'"), session)
    (use,) = found.external
    assert (use.database, use.name, sorted(use.columns)) == ("glue", "clicks", ["day", "id", "tags"])
    assert [(c.column, c.operator, c.values) for c in use.predicates] == [("day", "=", ["2020-01-01"])]
    session.connection.execute(
        f"CREATE OR REPLACE TEMP VIEW {use.view} AS SELECT 1 AS id, ['x', 'y'] AS tags, '2020-01-01' AS \"day\""
    )
    assert session.connection.execute(found.sql).fetchall() == [(1, '"x"')]
    written = redshift.compile(redshift.parse("insert into lake select id, null, name from t"), session)
    assert written.uses[0].action == "insert" and [name for name, _ in written.columns] == ["id", "tags", "day"]


def test_expressions_by_themselves(session):
    made = redshift.expression("upper(name) || '!'", [("name", VARCHAR)], session)
    assert session.connection.execute(f"SELECT {made.sql} FROM (SELECT 'a' AS name)").fetchone() == ("A!",)
    stored = redshift.assigned(Typed("'12.345'", VARCHAR), decimal(4, 2))
    assert str(session.connection.execute(f"SELECT {stored.sql}").fetchone()[0]) == "12.35"
    with pytest.raises(SqlFailed, match="does not exist"):
        redshift.expression("nothing + 1", [], session)


def test_names_of_types():
    kinds = [
        names.of_text(t) for t in ("int8", "varchar", "char(3)", "numeric(5,1)", "timestamp with time zone", "super")
    ]
    assert [names.pg_name(k) for k in kinds] == ["int8", "varchar", "bpchar", "numeric", "timestamptz", "super"]
    assert [names.oid(k) for k in kinds] == [20, 1043, 1042, 1700, 1184, 4000]
    assert [names.typmod(k) for k in kinds] == [-1, 260, 7, 327685, -1, -1]
    assert names.of_oid(1700, 327685) == decimal(5, 1) and names.of_oid(705) is None
    for wrong in ("varchar(0)", "varchar(65536)", "decimal(39)", "foo", "int(3)"):
        with pytest.raises(SqlFailed):
            names.of_text(wrong)


def test_the_instance_serves_every_cursor(session):
    cursor = session.connection.cursor()
    found = redshift.compile(redshift.parse("select sha2('a', 384), initcap('ab'), regexp_count('aa', 'a')"), session)
    assert cursor.execute(found.sql).fetchone()[1:] == ("Ab", 2)
