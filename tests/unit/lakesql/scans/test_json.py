import datetime

import pytest

from lakemill.lakesql.errors import SqlFailed

OPENX = "ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'"
HIVE = "ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe'"


@pytest.fixture
def table(lake, rows):
    def create(columns, form, data):
        lake.put("s3://lake/j/1.json", data)
        rows(f"CREATE EXTERNAL TABLE j ({columns}) {form} LOCATION 's3://lake/j/'")

    return create


@pytest.mark.parametrize("form", [OPENX, HIVE])
def test_lines_are_objects_and_their_keys_columns(table, values, form):
    line = b'{"ID": 1, "s": {"x": 2, "l": ["a", null]}, "t": "2024-02-29 12:00:00", "other": 1}\n\n{"id": 2}\n'
    table("id int, s struct<x:int,l:array<string>>, t timestamp, absent string", form, line)
    assert values("SELECT id, s, t, absent FROM j") == [
        (1, {"x": 2, "l": ["a", None]}, datetime.datetime(2024, 2, 29, 12), None),
        (2, None, None, None),
    ]
    assert values("SELECT count(*) FROM j") == [(2,)]


def test_columns_may_have_other_keys(table, values):
    options = "'mapping.at' = 'TimeStamp', 'case.insensitive' = 'false', 'dots.in.keys' = 'true'"
    table("at string, a_b int", f"{OPENX} WITH SERDEPROPERTIES ({options})", b'{"TimeStamp": "x", "a.b": 1}\n')
    assert values("SELECT at, a_b FROM j") == [("x", 1)]


def test_a_line_that_is_no_json_is_bad_data_that_names_file_and_line(table, values):
    table("id int", OPENX, b'{"id": 1}\n\n\n{"id": \n')
    with pytest.raises(SqlFailed, match=r"HIVE_BAD_DATA: Error parsing line 4 of s3://lake/j/1.json"):
        values("SELECT id FROM j")


def test_malformed_lines_may_be_rows_of_nulls(table, values):
    table("id int", f"{OPENX} WITH SERDEPROPERTIES ('ignore.malformed.json' = 'true')", b'{"id": 1}\n{"id": \n')
    assert values("SELECT id FROM j ORDER BY id") == [(1,), (None,)]


def test_a_value_that_does_not_fit_is_bad_data_only_where_its_column_is_read(table, values):
    table("id int, n string", HIVE, b'{"id": "x", "n": "y"}\n')
    assert values("SELECT n FROM j") == [("y",)]
    with pytest.raises(SqlFailed, match=r"HIVE_BAD_DATA: .*Column id"):
        values("SELECT id FROM j")
