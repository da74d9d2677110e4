"""Rows that are deleted, updated and merged."""

import pytest

CREATE = """CREATE TABLE stock (id bigint, name string, n int)
    PARTITIONED BY (bucket(2, id)) LOCATION 's3://lake/stock/' TBLPROPERTIES ('table_type'='ICEBERG')"""


@pytest.fixture
def stock(done, rows):
    done(CREATE)
    done("INSERT INTO stock VALUES (1, 'pen', 10), (2, 'ink', 20), (3, 'pad', NULL)")
    return lambda: rows("SELECT * FROM stock ORDER BY id")


def test_rows_are_deleted(stock, done):
    assert done("DELETE FROM stock WHERE n > 100") == 0
    assert done("DELETE FROM stock WHERE n >= 20") == 1
    assert stock() == ['"1","pen","10"', '"3","pad",']
    assert done("DELETE FROM stock") == 2
    assert stock() == []


def test_rows_are_updated(stock, done):
    assert done("UPDATE stock SET n = n + 1, name = upper(name) WHERE id IN (SELECT max(id) - 1 FROM stock)") == 1
    assert stock() == ['"1","pen","10"', '"2","INK","21"', '"3","pad",']


def test_rows_are_merged(stock, done):
    text = """MERGE INTO stock AS t USING (VALUES (1, 'x', 1), (2, 'y', 2), (4, 'z', 4)) AS s (id, name, n)
        ON t.id = s.id WHEN MATCHED AND s.n = 2 THEN DELETE
        WHEN MATCHED THEN UPDATE SET n = t.n + s.n WHEN NOT MATCHED THEN INSERT (id, name) VALUES (s.id, s.name)"""
    assert done(text) == 3
    assert stock() == ['"1","pen","11"', '"3","pad",', '"4","z",']


def test_one_row_cannot_be_changed_twice(stock, failure):
    text = """MERGE INTO stock t USING (VALUES 1, 1) AS s (id) ON t.id = s.id WHEN MATCHED THEN UPDATE SET n = 0"""
    message = "MERGE_TARGET_ROW_MULTIPLE_MATCHES: One MERGE target table row matched more than one source row"
    assert failure(text) == message
    assert len(stock()) == 3
