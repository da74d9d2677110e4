"""Conversions, value by value: what comes out, or what the row is told."""

import datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from lakemill.streamsql.casting import caster
from lakemill.streamsql.frame import Frame
from lakemill.streamsql.sqltypes import SqlType, named

NOON = datetime.datetime(2020, 1, 1, 12, 0, 0, 5000)

# Source type, value, target type, result; or the message behind "!".
CASES = [
    ("INTEGER", 300, "SMALLINT", 300),
    ("INTEGER", 300, "TINYINT", "! 300 is out of the range of TINYINT"),
    ("DOUBLE", -1.7, "INTEGER", -1),
    ("DOUBLE", 1e30, "BIGINT", "! 1000000000000000019884624838656 is out of the range of BIGINT"),
    ("DOUBLE", float("nan"), "INTEGER", "! nan is out of the range of INTEGER"),
    ("DOUBLE", 1.26, "DECIMAL(4, 1)", Decimal("1.3")),
    ("DOUBLE", 123456.0, "DECIMAL(5, 2)", "! 123456 is out of the range of DECIMAL(5, 2)"),
    ("DECIMAL(7, 3)", Decimal("-1.555"), "DECIMAL(5, 2)", Decimal("-1.56")),
    ("DECIMAL(7, 3)", Decimal("1.955"), "INTEGER", 1),
    ("DECIMAL(7, 3)", Decimal("9999.999"), "DECIMAL(5, 2)", "! The value is out of the range of DECIMAL(5, 2)"),
    ("BIGINT", 5, "DECIMAL(5, 2)", Decimal("5.00")),
    ("VARCHAR", " +12 ", "INTEGER", 12),
    ("VARCHAR", "12.7", "INTEGER", 12),
    ("VARCHAR", "1e3", "BIGINT", 1000),
    ("VARCHAR", "twelve", "INTEGER", "! 'twelve' is no number"),
    ("VARCHAR", "99999999999", "INTEGER", "! 99999999999 is out of the range of INTEGER"),
    ("VARCHAR", "5.25", "DECIMAL(6, 1)", Decimal("5.3")),
    ("VARCHAR", "x", "DECIMAL(6, 1)", "! 'x' is no number"),
    ("VARCHAR", "x", "DOUBLE", "! 'x' is no number"),
    ("VARCHAR", "2020-01-01 12:00:00.005", "TIMESTAMP", NOON),
    ("VARCHAR", "2020-01-01T12:00:00.005999Z", "TIMESTAMP", NOON),
    ("VARCHAR", "yesterday", "TIMESTAMP", "! 'yesterday' is no TIMESTAMP"),
    ("VARCHAR", "2020-02-30", "DATE", "! '2020-02-30' is no DATE"),
    ("VARCHAR", "12:00:00.005", "TIME", NOON.time()),
    ("VARCHAR", " true", "BOOLEAN", True),
    ("VARCHAR", "yes", "BOOLEAN", "! not a BOOLEAN"),
    ("VARCHAR", "héllo", "VARCHAR(2)", "hé"),
    ("BOOLEAN", True, "VARCHAR", "TRUE"),
    ("BOOLEAN", True, "INTEGER", 1),
    ("INTEGER", 2, "BOOLEAN", True),
    ("DOUBLE", 1.5, "VARCHAR", "1.5"),
    ("DECIMAL(5, 2)", Decimal("1.50"), "VARCHAR(3)", "1.5"),
    ("TIMESTAMP", NOON, "VARCHAR", "2020-01-01 12:00:00.005"),
    ("TIMESTAMP", NOON, "DATE", NOON.date()),
    ("TIMESTAMP", NOON, "TIME", NOON.time()),
    ("DATE", NOON.date(), "TIMESTAMP", datetime.datetime(2020, 1, 1)),
    ("TIME", datetime.time(10, 1), "VARCHAR", "10:01:00.000"),
    ("VARBINARY", b"abc", "VARBINARY(2)", b"ab"),
    ("INTERVAL", datetime.timedelta(seconds=1), "BIGINT", 1000),
]


def sql_type(text: str) -> SqlType:
    name, _, inside = text.partition("(")
    return named(name, [int(part) for part in inside.rstrip(")").split(",") if part])


@pytest.mark.parametrize(("source", "value", "target", "result"), CASES, ids=lambda part: str(part))
def test_a_value_is_converted_or_its_row_fails_alone(source, value, target, result):
    kernel = caster(sql_type(source).arrow, sql_type(target))
    frame = Frame([], 3)
    column = pa.array([None, value, None], sql_type(source).arrow)
    values = column if kernel is None else frame.attempt(kernel, sql_type(target).arrow, column)
    assert values.type == sql_type(target).arrow
    if isinstance(result, str) and result.startswith("! "):
        assert frame.failures == {1: result[2:]}
        assert values.to_pylist() == [None, None, None]
    else:
        assert frame.failures == {}
        assert values.to_pylist() == [None, result, None]


@pytest.mark.parametrize(("source", "target"), [("DATE", "INTEGER"), ("TIME", "DATE"), ("BOOLEAN", "TIMESTAMP")])
def test_what_cannot_be_converted_is_refused_before(source, target):
    with pytest.raises(TypeError, match=f"{source} cannot become {target}"):
        caster(sql_type(source).arrow, sql_type(target))


@pytest.mark.parametrize("text", ["DECIMAL(39, 0)", "DECIMAL(3, 5)", "VARCHAR(0)", "VARCHAR(1, 2)", "TEXT"])
def test_types_that_are_none(text):
    with pytest.raises(ValueError, match=r"possible|length|no type"):
        sql_type(text)
