"""Types, paths and what records have together."""

import datetime
import decimal

import pytest

from lakemill.glueetl import gluetypes, inference, paths
from lakemill.glueetl.gluetypes import (
    ArrayType,
    ChoiceType,
    DecimalType,
    DoubleType,
    Field,
    IntegerType,
    LongType,
    NullType,
    StringType,
    StructType,
)

NESTED = StructType(
    [
        Field("id", ChoiceType([IntegerType(), StringType()])),
        Field("links", ArrayType(StructType([Field("url", StringType())]))),
        Field("a.b", LongType()),
    ]
)


def test_a_schema_is_printed_as_glue_prints_it():
    assert gluetypes.tree(NESTED) == (
        "root\n|-- id: choice\n|    |-- int\n|    |-- string\n|-- links: array\n"
        "|    |-- element: struct\n|    |    |-- url: string\n|-- a.b: long"
    )


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("id", ("id",)),
        ("a.b", ("a.b",)),
        ("`a.b`", ("a.b",)),
        ("links[].url", ("links", "[]", "url")),
        ("links.url", None),
        ("nothing", None),
    ],
)
def test_a_path_is_found_or_not(text, wanted):
    assert paths.find(NESTED, text) == wanted


def test_a_path_that_leads_nowhere_names_the_fields():
    with pytest.raises(paths.FieldMissing, match=r"Field x does not exist; there are id, links, a\.b"):
        paths.of(NESTED, "x")


@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [
        (NullType(), LongType(), LongType()),
        (IntegerType(), LongType(), LongType()),
        (IntegerType(), DoubleType(), ChoiceType([IntegerType(), DoubleType()])),
        (ChoiceType([IntegerType(), StringType()]), LongType(), ChoiceType([LongType(), StringType()])),
        (ArrayType(IntegerType()), ArrayType(StringType()), ArrayType(ChoiceType([IntegerType(), StringType()]))),
        (DecimalType(5, 2), DecimalType(10, 0), DecimalType(12, 2)),
        (
            StructType([Field("a", IntegerType())]),
            StructType([Field("b", StringType())]),
            StructType([Field("a", IntegerType()), Field("b", StringType())]),
        ),
    ],
)
def test_types_of_two_records_become_one(first, second, wanted):
    assert inference.merged(first, second) == wanted


def test_a_value_of_a_choice_is_packed_and_unpacked():
    record = {"id": "x", "links": [{"url": "u"}], "a.b": None}
    packed = inference.packed(record, NESTED)
    assert packed == {"id": {"string": "x"}, "links": [{"url": "u"}], "a.b": None}
    whole = packed | {"id": {"int": None, "string": "x"}}
    assert inference.unpacked(whole, NESTED) == record


def test_values_of_python_have_types():
    record = {"d": datetime.date(2026, 1, 1), "m": decimal.Decimal("1.5"), "n": None, "b": True, "i": 2**40}
    assert [field.dataType.typeName() for field in inference.of_value(record)] == [
        *("date", "decimal", "null", "boolean", "long"),
    ]
    with pytest.raises(TypeError, match="A record cannot hold a object"):
        inference.of_value({"x": object()})
