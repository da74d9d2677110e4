"""Schemas guessed from samples."""

import pytest

from lakemill.streamsql.sampling import Undetected, discover


def columns(form):
    return [(one["name"], one["type"], one.get("mapping")) for one in form["columns"]]


def test_types_take_all_values_of_the_sample():
    form, rows = discover(
        [b'{"a": 1, "b": "x", "c": true}', b'{"a": 2.5, "b": "seventeen", "c": null, "d": 5000000000}']
    )
    assert columns(form) == [
        ("a", "DOUBLE", "$.a"),
        ("b", "VARCHAR(16)", "$.b"),
        ("c", "BOOLEAN", "$.c"),
        ("d", "BIGINT", "$.d"),
    ]
    assert rows == [["1.0", "x", "True", ""], ["2.5", "seventeen", "", "5000000000"]]


def test_objects_are_flattened_and_names_stay_different():
    form, _ = discover([b'{"id": 1, "user": {"id": 2, "e-mail": "x"}}'])
    assert columns(form) == [
        ("id", "INTEGER", "$.id"),
        ("user_id", "INTEGER", "$.user.id"),
        ("e_mail", "VARCHAR(4)", "$.user.e-mail"),
    ]


def test_a_list_that_is_all_there_is_holds_the_rows():
    form, rows = discover([b'{"items": [{"a": 1}, {"a": 2}]}', b'{"items": [{"a": 3}]}'])
    assert form["row_path"] == "$.items[0:]"
    assert rows == [["1"], ["2"], ["3"]]


def test_lines_of_csv_are_told_by_their_delimiter():
    form, rows = discover([b"a|1|2026-01-31 10:00:00\n", b"b|2|2026-01-31 10:00:01\n"])
    assert form["column_delimiter"] == "|"
    assert [kind for _, kind, _ in columns(form)] == ["VARCHAR(4)", "INTEGER", "TIMESTAMP"]
    assert rows[1] == ["b", "2", "2026-01-31 10:00:01.000"]


@pytest.mark.parametrize("records", [[], [b""], [b"\xff\xfe"], [b"word"], [b"a,b\nc"], [b"17"], [b"{}"]])
def test_what_has_no_schema_is_said(records):
    with pytest.raises(Undetected):
        discover(records)
