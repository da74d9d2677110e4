"""Hive's type strings."""

import pyarrow as pa
import pytest

from lakemill.formats import hive


@pytest.mark.parametrize(
    ("text", "arrow"),
    [
        ("boolean", pa.bool_()),
        ("TINYINT", pa.int8()),
        ("smallint", pa.int16()),
        ("integer", pa.int32()),
        ("bigint", pa.int64()),
        ("float", pa.float32()),
        ("double precision", pa.float64()),
        ("string", pa.string()),
        ("varchar(20)", pa.string()),
        ("char( 3 )", pa.string()),
        ("binary", pa.binary()),
        ("date", pa.date32()),
        ("timestamp", pa.timestamp("ns")),
        ("decimal", pa.decimal128(10, 0)),
        ("decimal(38, 18)", pa.decimal128(38, 18)),
        ("array<array<int>>", pa.list_(pa.list_(pa.int32()))),
        ("map<string,double>", pa.map_(pa.string(), pa.float64())),
        ("struct<A:int, `b c`:array<string>>", pa.struct({"a": pa.int32(), "b c": pa.list_(pa.string())})),
    ],
)
def test_a_type_has_its_arrow_type(text, arrow):
    assert hive.arrow(hive.parse(text)) == arrow


@pytest.mark.parametrize(
    "text", ["int", "decimal(5,2)", "varchar(9)", "map<string,array<struct<a:int,b:map<int,date>>>>"]
)
def test_a_type_is_written_as_it_was_read(text):
    assert str(hive.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "ends too early"),
        ("number", "'number', which is no type"),
        ("array<int", "must have '>'"),
        ("array<int>>", "after its end"),
        ("map<array<int>,int>", "primitive"),
        ("struct<int>", "must have ':'"),
        ("struct<a:int,A:int>", "two fields named 'a'"),
        ("struct<>", "without a name"),
        ("decimal(39,0)", "precision of 1 to 38"),
        ("decimal(5,6)", "scale"),
        ("decimal(5,)", "whole numbers"),
        ("varchar", "length of 1 to 65535"),
        ("char(256)", "length of 1 to 255"),
        ("uniontype<int,string>", "uniontype"),
        ("timestamp with local time zone", "time zone"),
        ("int;", "';'"),
    ],
)
def test_what_is_no_type_is_said(text, what):
    with pytest.raises(hive.TypeUnknown, match=what):
        hive.parse(text)
