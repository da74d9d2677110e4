"""Statements of SQL on Java that would change the Data Catalog."""

import pytest

from lakemill.glueetl.javatables import changes

CHANGES = {
    "INSERT INTO db.t SELECT 1": "INSERT",
    "INSERT OVERWRITE TABLE t PARTITION (day='1') SELECT 1": "INSERT",
    "CREATE TABLE t USING parquet AS SELECT 1 AS a": "CREATE TABLE",
    "CREATE DATABASE d": "CREATE DATABASE",
    "CREATE VIEW v AS SELECT 1": "CREATE VIEW",
    "DROP TABLE t": "DROP",
    "ALTER TABLE t ADD COLUMNS (a int)": "ALTER",
    "TRUNCATE TABLE t": "TRUNCATE",
}
KEEPS = [
    *("SELECT * FROM db.t", "CREATE OR REPLACE TEMPORARY VIEW v AS SELECT 1", "DROP VIEW v", "CACHE TABLE t"),
    *("SET spark.sql.shuffle.partitions=4", "SHOW TABLES", "EXPLAIN SELECT 1", "no SQL at all ("),
]


@pytest.mark.parametrize(("text", "what"), CHANGES.items())
def test_a_change_of_the_catalog_is_named(text, what):
    assert changes(text) == what


@pytest.mark.parametrize("text", KEEPS)
def test_what_changes_nothing_goes_to_spark(text):
    assert changes(text) is None
