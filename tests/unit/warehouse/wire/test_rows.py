"""Rows on the wire: each value in text and in binary, against what PostgreSQL writes."""

import datetime
import decimal
import struct

import pyarrow as pa
import pytest

from lakemill.lakesql.types import Type
from lakemill.warehouse.wire import encoding, numbers, rows
from lakemill.warehouse.wire.encoding import Style

D = decimal.Decimal
MOMENT = datetime.datetime(2020, 1, 31, 10, 0, 0, 500000)
CASES = [
    (Type("boolean"), pa.array([True, False]), [b"t", b"f"], [b"\1", b"\0"]),
    (Type("smallint"), pa.array([1, -2], pa.int16()), [b"1", b"-2"], [b"\0\1", b"\xff\xfe"]),
    (Type("integer"), pa.array([1, -2], pa.int32()), [b"1", b"-2"], [b"\0\0\0\1", b"\xff\xff\xff\xfe"]),
    (Type("bigint"), pa.array([1 << 40], pa.int64()), [b"1099511627776"], [struct.pack(">q", 1 << 40)]),
    (Type("real"), pa.array([0.1], pa.float32()), [b"0.1"], [struct.pack(">f", 0.1)]),
    (
        Type("double"),
        pa.array([0.1, 1e20, float("-inf"), float("nan")]),
        [b"0.1", b"1e+20", b"-Infinity", b"NaN"],
        [struct.pack(">d", value) for value in (0.1, 1e20, float("-inf"), float("nan"))],
    ),
    (
        Type("decimal", (20, 8)),
        pa.array([D("0.00000001"), D("-12345.678")], pa.decimal128(20, 8)),
        [b"0.00000001", b"-12345.67800000"],
        [numbers.packed("0.00000001"), numbers.packed("-12345.67800000")],
    ),
    (Type("varchar", (9,)), pa.array(["", "grün"]), [b"", "grün".encode()], [b"", "grün".encode()]),
    (Type("date"), pa.array([datetime.date(2000, 1, 2)]), [b"2000-01-02"], [b"\0\0\0\1"]),
    (
        Type("timestamp"),
        pa.array([MOMENT, datetime.datetime(2000, 1, 1)], pa.timestamp("us")),
        [b"2020-01-31 10:00:00.5", b"2000-01-01 00:00:00"],
        [struct.pack(">q", 633_780_000_500_000 + 0), struct.pack(">q", 0)],
    ),
    (
        Type("timestamptz"),
        pa.array([datetime.datetime(2000, 1, 1)], pa.timestamp("us", "UTC")),
        [b"2000-01-01 00:00:00+00"],
        [struct.pack(">q", 0)],
    ),
    (Type("time"), pa.array([datetime.time(1, 2, 3)]), [b"01:02:03"], [struct.pack(">q", 3_723_000_000)]),
    (Type("varbyte", (9,)), pa.array([b"\xab\x01"]), [b"ab01"], [b"\xab\x01"]),
]


def split(data, columns):
    """The values of DataRow messages."""
    found = []
    while data:
        assert data[:1] == b"D"
        size = struct.unpack_from(">I", data, 1)[0]
        body, data = data[5 : size + 1], data[size + 1 :]
        assert struct.unpack_from(">h", body)[0] == columns
        at, row = 2, []
        for _ in range(columns):
            length = struct.unpack_from(">i", body, at)[0]
            row.append(None if length < 0 else body[at + 4 : at + 4 + length])
            at += 4 + max(length, 0)
        assert at == len(body)
        found.append(row)
    return found


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
@pytest.mark.parametrize("kind, column, text, packed", CASES, ids=lambda v: v.name if isinstance(v, Type) else "")
def test_values_are_as_postgresql_writes_them(kind, column, text, packed, binary):
    with_null = pa.concat_arrays([column.slice(0, 1), pa.nulls(1, column.type), column.slice(1)])
    encoded = encoding.encode(with_null, kind, binary, Style())
    wanted = packed if binary else text
    found = split(rows.data_rows([encoded], len(with_null)), 1)
    assert [value for (value,) in found] == [wanted[0], None, *wanted[1:]]


def test_rows_of_several_columns_and_lengths():
    numbers_ = pa.array(range(1000), pa.int32())
    texts = pa.array([None if n % 7 == 0 else "x" * (n % 300) for n in range(1000)])
    columns = [encoding.encode(numbers_, Type("integer"), True, Style())]
    columns.append(encoding.encode(texts.slice(0), Type("varchar", (300,)), False, Style()))
    found = split(rows.data_rows(columns, 1000), 2)
    assert [struct.unpack(">i", number)[0] for number, _ in found] == list(range(1000))
    assert [None if text is None else text.decode() for _, text in found] == texts.to_pylist()


def test_a_part_of_an_array_is_only_that_part():
    texts = pa.array(["a", "bb", None, "dddd"])
    encoded = encoding.encode(texts.slice(1, 2), Type("varchar", (9,)), False, Style())
    assert split(rows.data_rows([encoded], 2), 1) == [[b"bb"], [None]]


def test_moments_are_shown_in_the_sessions_zone():
    moments = pa.array([datetime.datetime(2020, 7, 1), datetime.datetime(2020, 1, 1), None], pa.timestamp("us", "UTC"))
    shown = encoding.as_text(moments, Type("timestamptz"), Style("America/New_York"))
    assert shown.to_pylist() == ["2020-06-30 20:00:00-04", "2019-12-31 19:00:00-05", None]
