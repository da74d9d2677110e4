"""Records as rows: mappings, coercions, several rows in a record, and what cannot be read."""

import datetime
import json
from decimal import Decimal

import pytest

from lakemill.streamsql import jsonpath
from lakemill.streamsql.records import RecordReader


def form(row_path="$", **columns):
    """JSON; name=(type, mapping) or a type alone."""
    told = []
    for name, one in columns.items():
        kind, mapping = one if isinstance(one, tuple) else (one, f"$.{name}")
        told.append({"name": name, "type": kind, "mapping": mapping})
    return {"format": "JSON", "row_path": row_path, "columns": told}


def csv_form(*kinds, row="\n", column=","):
    columns = [{"name": f"c{place}", "type": kind} for place, kind in enumerate(kinds)]
    return {"format": "CSV", "row_delimiter": row, "column_delimiter": column, "columns": columns}


def read(told, *records):
    return RecordReader(told).read([one if isinstance(one, bytes) else json.dumps(one).encode() for one in records])


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("INTEGER", None, None),
        ("INTEGER", True, 1),
        ("INTEGER", 7.9, 7),
        ("INTEGER", " 7 ", 7),
        ("BIGINT", 2**40, 2**40),
        ("DOUBLE", False, 0.0),
        ("DOUBLE", 3, 3.0),
        ("DOUBLE", "2.5", 2.5),
        ("DECIMAL(6, 2)", 1.255, Decimal("1.26")),
        ("DECIMAL(6, 2)", "1234.5", Decimal("1234.50")),
        ("BOOLEAN", 0, False),
        ("BOOLEAN", "TRUE", True),
        ("VARCHAR(8)", True, "true"),
        ("VARCHAR(8)", 1.5, "1.5"),
        ("VARCHAR(4)", "abcdefgh", "abcd"),
        ("VARCHAR(32)", {"a": [1, None]}, '{"a":[1,null]}'),
        ("VARCHAR(3)", [10, 20], "[10"),
        ("VARBINARY(8)", "abc", b"abc"),
        ("TIMESTAMP", "2026-01-31 12:00:00.5", datetime.datetime(2026, 1, 31, 12, 0, 0, 500_000)),
        ("TIMESTAMP", "2026-01-31T12:00:00+01:00", datetime.datetime(2026, 1, 31, 11)),
        ("TIMESTAMP", 1000, datetime.datetime(1970, 1, 1, 0, 0, 1)),
        ("DATE", "2026-01-31", datetime.date(2026, 1, 31)),
        ("TIME", "12:30:00", datetime.time(12, 30)),
    ],
)
def test_values_become_those_of_their_column(kind, value, expected):
    found = read(form(v=kind), {"v": value})
    assert found.faults == []
    assert found.batch.column("v").to_pylist() == [expected]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("TINYINT", 128),
        ("INTEGER", 2**31),
        ("BIGINT", 2**63),
        ("INTEGER", "many"),
        ("INTEGER", {"a": 1}),
        ("DECIMAL(4, 2)", 100),
        ("BOOLEAN", "perhaps"),
        ("TIMESTAMP", "yesterday"),
        ("TIMESTAMP", True),
        ("DATE", "2026-02-30"),
    ],
)
def test_a_value_that_cannot_be_one_of_the_column_is_a_fault_of_its_row_only(kind, value):
    found = read(form(v=kind, w="INTEGER"), {"v": None, "w": 1}, {"v": value, "w": 2}, {"v": None, "w": 3})
    assert found.batch.column("w").to_pylist() == [1, 3]
    assert found.origins == [0, 2]
    (fault,) = found.faults
    assert (fault.record, fault.name) == (1, "COERCION_ERROR")
    assert fault.message.startswith('"v": ')
    assert json.loads(fault.data) == {"v": value, "w": 2}


def test_a_row_path_makes_several_rows_of_a_record():
    told = form("$.records[0:]", a="INTEGER", b=("VARCHAR(4)", "$.records[0:].deep.b"))
    found = read(told, {"records": [{"a": 1, "deep": {"b": "x"}}, {"a": 2}]}, {"records": []}, {"records": [{"a": 3}]})
    assert found.batch.to_pydict() == {"a": [1, 2, 3], "b": ["x", None, None]}
    assert found.origins == [0, 0, 2]


def test_a_record_may_hold_several_documents():
    found = read(form(a="INTEGER"), b'{"a": 1}\n{"a": 2} {"a": 3}', b'[{"a": 4}, {"a": 5}]')
    assert found.batch.column("a").to_pylist() == [1, 2, 3, 4, 5]
    assert found.origins == [0, 0, 0, 1, 1]


@pytest.mark.parametrize("data", [b"", b"{", b"nonsense", b"17", b'"text"', b'{"a": 1} x', b"\xff"])
def test_what_is_no_json_object_is_a_fault(data):
    found = read(form(a="INTEGER"), data, {"a": 1})
    assert found.batch.column("a").to_pylist() == [1]
    assert [(fault.record, fault.name) for fault in found.faults] == [(0, "INVALID_RECORD")]


def test_csv_is_mapped_by_position_and_further_columns_are_left_out():
    told = csv_form("VARCHAR(4)", "INTEGER", "DOUBLE")
    found = read(told, b'a,1,2.5,rest\n"b,c",2,\n', b"d\n", b"e,x,1")
    assert found.batch.to_pydict() == {"c0": ["a", "b,c"], "c1": [1, 2], "c2": [2.5, None]}
    assert [fault.name for fault in found.faults] == ["INVALID_RECORD", "COERCION_ERROR"]
    assert "has 1 columns; the schema has 3" in found.faults[0].message


def test_delimiters_are_the_users():
    found = read(csv_form("VARCHAR(4)", "INTEGER", row="#", column="\\t"), b"a\t1#b\t2")
    assert found.batch.to_pydict() == {"c0": ["a", "b"], "c1": [1, 2]}


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (form(a="MONEY"), "There is no type MONEY"),
        (form(a="VARCHAR(0)"), "takes one length"),
        (form(a="INTEGER; DROP"), "is no SQL type"),
        (form(a=("INTEGER", "$..a")), "cannot be read as a JSONPath"),
        (form(a=("INTEGER", "a")), r"begins with \$"),
        (form(a=("INTEGER", None)), "needs a mapping"),
    ],
)
def test_a_form_that_cannot_be_is_refused(told, message):
    with pytest.raises(ValueError, match=message):
        RecordReader(told)


def test_no_two_columns_have_one_name():
    told = form(a="INTEGER")
    told["columns"] *= 2
    with pytest.raises(ValueError, match="same name"):
        RecordReader(told)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", {"a": {"b c": [1, {"d": 2}]}}),
        ("$.a['b c'][0]", 1),
        ("$.a['b c'][1].d", 2),
        ("$.a['b c'][5]", None),
        ("$.a['b c'][0:]", [1, {"d": 2}]),
        ("$.a.none.d", None),
    ],
)
def test_paths_lead_into_a_document(path, expected):
    assert jsonpath.picker(jsonpath.steps(path))({"a": {"b c": [1, {"d": 2}]}}) == expected
