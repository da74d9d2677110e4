"""Tables of databases. With LAKEMILL_TEST_POSTGRESQL (`//127.0.0.1:5432/shop`, user `lake`), of PostgreSQL, too."""

import os
import sqlite3

import pytest
import sqlalchemy
from sqlalchemy import types
from sqlalchemy.dialects import postgresql

from lakemill.classifiers.databases import DatabaseFailed, hive_type, tables
from lakemill.classifiers.worker import answer

PLACE = os.environ.get("LAKEMILL_TEST_POSTGRESQL", "")


@pytest.mark.parametrize(
    ("type", "expected"),
    [
        (postgresql.SMALLINT(), "smallint"), (postgresql.INTEGER(), "int"), (postgresql.BIGINT(), "bigint"),
        (postgresql.NUMERIC(12, 3), "decimal(12,3)"), (postgresql.NUMERIC(), "decimal(38,18)"),
        (postgresql.NUMERIC(50, 40), "decimal(38,38)"), (postgresql.REAL(), "float"),
        (postgresql.DOUBLE_PRECISION(), "double"), (postgresql.VARCHAR(9), "string"), (postgresql.TEXT(), "string"),
        (postgresql.BOOLEAN(), "boolean"), (postgresql.TIMESTAMP(timezone=True), "timestamp"),
        (postgresql.DATE(), "date"), (postgresql.TIME(), "string"), (postgresql.BYTEA(), "binary"),
        (postgresql.UUID(), "string"), (postgresql.JSONB(), "string"), (types.NullType(), "string"),
        (postgresql.ARRAY(postgresql.BIGINT()), "array<bigint>"),
    ],
)  # fmt: skip
def test_types_are_those_of_hive(type, expected):
    assert hive_type(type) == expected


def sqlite(folder, script):
    path = folder / "shop.db"
    with sqlite3.connect(path) as database:
        database.executescript(script)
    return str(path)


def test_tables_and_views_of_sqlite(tmp_path):
    place = sqlite(tmp_path, "CREATE TABLE T_one (ID INTEGER, x REAL); CREATE VIEW v AS SELECT x FROM T_one;")
    found = tables("sqlite", place, "", "", False, ["%"])
    assert [(one.path, one.kind, one.columns) for one in found] == [
        (["T_one"], "table", [("id", "bigint"), ("x", "double")]),
        (["v"], "view", [("x", "double")]),
    ]
    assert [one.path for one in tables("sqlite", place, "", "", False, ["T%e"])] == [["T_one"]]
    assert tables("sqlite", place, "", "", False, ["t_one"]) == []


def test_what_cannot_be_read_is_said(tmp_path):
    asked = {"engine": "sqlite", "place": str(tmp_path / "none.db"), "user": "", "password": "", "ssl": False}
    assert answer({"database": asked | {"pattern": ["%"]}}) == {
        "error": "sqlite cannot be read: unable to open database file"
    }
    assert not (tmp_path / "none.db").exists()
    (tmp_path / "text.db").write_text("this is no database at all, but it is long enough to be looked at")
    with pytest.raises(DatabaseFailed, match="file is not a database"):
        tables("sqlite", str(tmp_path / "text.db"), "", "", False, ["%"])


@pytest.mark.skipif(not PLACE, reason="LAKEMILL_TEST_POSTGRESQL names no server")
def test_tables_and_views_of_postgresql():
    engine = sqlalchemy.create_engine(f"postgresql+psycopg:{PLACE.replace('//', '//lake@')}")
    with engine.begin() as connection:
        for statement in (
            "DROP SCHEMA IF EXISTS crawled CASCADE",
            "CREATE SCHEMA crawled",
            'CREATE TABLE crawled."Orders" (id bigserial, price numeric(10, 2), at timestamptz, tags text[])',
            'CREATE VIEW crawled.cheap AS SELECT id FROM crawled."Orders"',
        ):
            connection.execute(sqlalchemy.text(statement))
    found = tables("postgresql", PLACE, "lake", "", False, ["crawl%", "%"])
    assert [(one.path, one.kind) for one in found] == [
        (["crawled", "Orders"], "table"),
        (["crawled", "cheap"], "view"),
    ]
    columns = [("id", "bigint"), ("price", "decimal(10,2)"), ("at", "timestamp"), ("tags", "array<string>")]
    assert found[0].columns == columns
    with pytest.raises(DatabaseFailed, match="SSL was required"):
        tables("postgresql", PLACE, "lake", "", True, ["%", "%"])
