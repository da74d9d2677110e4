import datetime
import json
from decimal import Decimal

import msgspec
import pyarrow as pa
import pytest

from lakemill.lakesql import types
from lakemill.lakesql.arrow import arrow_type
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.trino.client import Signature
from lakemill.lakesql.trino.rows import array, batch, of_signature
from lakemill.lakesql.types import Type


def signature(document):
    return of_signature(msgspec.json.decode(json.dumps(document), type=Signature))


def long(value):
    return {"kind": "LONG", "value": value}


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"rawType": "bigint"}, "bigint"),
        ({"rawType": "varchar", "arguments": [long(2147483647)]}, "varchar"),
        ({"rawType": "varchar", "arguments": [long(5)]}, "varchar(5)"),
        ({"rawType": "decimal", "arguments": [long(9), long(2)]}, "decimal(9,2)"),
        ({"rawType": "timestamp with time zone", "arguments": [long(6)]}, "timestamp(6) with time zone"),
        ({"rawType": "timestamp", "arguments": [long(9)]}, "timestamp(6)"),
        ({"rawType": "array", "arguments": [{"kind": "TYPE", "value": {"rawType": "date"}}]}, "array(date)"),
        (
            {
                "rawType": "row",
                "arguments": [
                    {"kind": "NAMED_TYPE", "value": {"fieldName": {"name": "x"}, "typeSignature": {"rawType": "real"}}},
                    {"kind": "NAMED_TYPE", "value": {"typeSignature": {"rawType": "uuid"}}},
                ],
            },
            "row(x real, uuid)",
        ),
    ],
)
def test_types_are_told_by_signatures(document, told):
    assert signature(document).trino() == told


MOMENT = datetime.datetime(2020, 1, 31, 8, 0, 0, 500_000)
ROW = types.row(("x", types.INTEGER), (None, types.array(types.DATE)))


@pytest.mark.parametrize(
    ("of", "values", "found"),
    [
        (types.BIGINT, [9007199254740993, None], [9007199254740993, None]),
        (types.DOUBLE, [1.5, "NaN", "-Infinity", None], [1.5, None, float("-inf"), None]),
        (types.decimal(38, 2), ["123456789012345678901234567890123456.78"], None),
        (types.VARBINARY, ["AP8=", None], [b"\x00\xff", None]),
        (types.TIMESTAMP, ["2020-01-31 08:00:00.5", None], [MOMENT, None]),
        (Type("timestamp", (9,)), ["2020-01-31 08:00:00.500000999"], [MOMENT]),
        (types.TIME, ["10:11:12.250"], [datetime.time(10, 11, 12, 250_000)]),
        (types.array(types.decimal(3, 1)), [["0.5", None], [], None], [[Decimal("0.5"), None], [], None]),
        (
            types.mapping(types.BIGINT, types.DATE),
            [{"7": "2020-01-01"}, None],
            [[(7, datetime.date(2020, 1, 1))], None],
        ),
        (ROW, [[1, ["2020-01-01"]], None], [{"x": 1, "field1": [datetime.date(2020, 1, 1)]}, None]),
        (types.array(ROW), [[[1, None]]], [[{"x": 1, "field1": None}]]),
        (types.INTERVAL_DAY, ["-1 02:03:04.005"], [(0, -1, -7_384_005_000_000)]),
        (types.INTERVAL_YEAR, ["1-2"], [(14, 0, 0)]),
        (Type("ipaddress"), ["10.0.0.1"], ["10.0.0.1"]),
        (types.UNKNOWN, [None], [None]),
    ],
)
def test_values_become_arrow(of, values, found):
    made = array(values, of)
    assert made.type == arrow_type(of) and len(made) == len(values)
    if of == types.DOUBLE:
        assert str(made[1]) == "nan"
        made = pa.array([1.5, None, float("-inf"), None])
    assert found is None or made.to_pylist() == found


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2020-01-31 08:00:00.500 UTC", MOMENT),
        ("2020-01-31 09:00:00.500 Europe/Zurich", MOMENT),
        ("2020-01-31 02:30:00.500 -05:30", MOMENT),
        ("2020-07-31 10:00:00.500 Europe/Zurich", MOMENT.replace(month=7)),
    ],
)
def test_moments_keep_their_zone(text, moment):
    assert array([None, text], types.TIMESTAMP_TZ).to_pylist()[1] == {"t": moment, "z": text.rsplit(" ", 1)[1]}


def test_rows_become_a_batch_and_wrong_ones_are_an_error():
    kinds = [types.INTEGER, types.VARCHAR]
    schema = pa.schema([("c0", pa.int32()), ("c1", pa.string())])
    assert batch(b'[[1,"a"],[null,null]]', kinds, schema).to_pydict() == {"c0": [1, None], "c1": ["a", None]}
    assert batch(b"[]", kinds, schema).num_rows == 0
    for wrong in (b"[[1]]", b'[["x","y"]]', b"[1]", b"[[99999999999,null]]"):
        with pytest.raises(SqlFailed, match="cannot be read"):
            batch(wrong, kinds, schema)
