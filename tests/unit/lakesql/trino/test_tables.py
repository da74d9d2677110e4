import pytest

from lakemill.lakesql.dialects import grammar
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.trino.tables import reads


def names(text):
    return sorted({f"{read.database}.{read.name}" for read in reads(grammar.parse(text), "here")})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("SELECT 1", []),
        ("SELECT * FROM t, d.U, awsdatacatalog.e.v, hive.f.w", ["d.u", "e.v", "f.w", "here.t"]),
        ("SELECT (SELECT max(a) FROM t) FROM u WHERE b IN (SELECT c FROM v)", ["here.t", "here.u", "here.v"]),
        ("TABLE t", ["here.t"]),
        ('SELECT * FROM "T$snapshots"', ["here.t$snapshots"]),
        ("WITH a AS (SELECT 1 AS x) SELECT * FROM a", []),
        ("WITH a AS (SELECT 1 AS x) SELECT * FROM d.a", ["d.a"]),
        ("WITH a AS (SELECT * FROM a) SELECT * FROM a", ["here.a"]),
        ("WITH a AS (SELECT * FROM b), b AS (SELECT 1 AS x) SELECT * FROM a, b", ["here.b"]),
        ("WITH b AS (SELECT 1 AS x), a AS (SELECT * FROM b) SELECT * FROM a", []),
        ("WITH RECURSIVE a (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM a) SELECT * FROM a", []),
        ("SELECT * FROM (WITH a AS (SELECT 1 AS x) SELECT * FROM a) AS s, a", ["here.a"]),
        ("WITH a AS (SELECT 1 AS x) SELECT (SELECT max(x) FROM a) FROM b", ["here.b"]),
        ("SELECT * FROM t UNION ALL (SELECT * FROM u EXCEPT SELECT * FROM v)", ["here.t", "here.u", "here.v"]),
        ("SELECT * FROM t CROSS JOIN LATERAL (SELECT * FROM u WHERE u.a = t.a)", ["here.t", "here.u"]),
        ("SELECT * FROM t TABLESAMPLE BERNOULLI (10)", ["here.t"]),
        ("SELECT * FROM t FOR VERSION AS OF 7", ["here.t"]),
        ("SELECT x FROM UNNEST((SELECT array_agg(a) FROM t)) AS u (x)", ["here.t"]),
        ("SELECT * FROM information_schema.tables", ["information_schema.tables"]),
    ],
)
def test_tables_are_found_wherever_they_stand(text, found):
    assert names(text) == found


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("SELECT * FROM system.runtime.queries", "CATALOG_NOT_FOUND: line 1:15: Catalog 'system' does not exist"),
        ("SELECT * FROM jdbc.public.t", "CATALOG_NOT_FOUND"),
        ("SELECT * FROM TABLE(jdbc.system.query(query => 'SELECT 1'))", "FUNCTION_NOT_FOUND"),
        ("SELECT * FROM TABLE(sequence(1, 3))", "FUNCTION_NOT_FOUND"),
        ("SELECT jdbc.public.f(1)", "NOT_SUPPORTED"),
        ("SELECT a.f(1) FROM t", "NOT_SUPPORTED"),
    ],
)
def test_what_lies_outside_the_lake_is_refused(text, reason):
    with pytest.raises(SqlFailed) as failed:
        names(text)
    assert str(failed.value).startswith(reason)
