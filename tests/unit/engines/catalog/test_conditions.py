"""Conditions on partition keys."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakemill.engines.catalog.conditions import parse
from lakemill.engines.catalog.entries import Column
from lakemill.engines.catalog.errors import ExpressionWrong

KEYS = [
    Column("s", "string"),
    Column("n", "int"),
    Column("d", "date"),
    Column("t", "timestamp"),
    Column("m", "decimal(5,2)"),
    Column("b", "boolean"),
]
ROW = ["eu-1", "10", "2024-02-29", "2024-02-29 12:00:00", "1.50", "true"]


@pytest.mark.parametrize(
    "text",
    [
        "s = 'eu-1'",
        "'eu-1' = S",
        "\"s\" == 'eu-1' and `n`=10",
        "n > 9",
        "9<n",
        "n = '010'",
        "n <> 1 AND n != 2",
        "n in (1, 10)",
        "n not in (1, 2)",
        "n between 5 and 15 and s >= 'eu'",
        "not n between 11 and 12",
        "s like 'eu%'",
        "s LIKE '__-1'",
        "s not like '%2'",
        "d = '2024-02-29'",
        "d > date '2024-01-31' or s = 'x'",
        "t < timestamp '2024-03-01 00:00:00'",
        "t >= '2024-02-29'",
        "m = 1.5",
        "b = true",
        "s is not null and not (n is null)",
        "(s = 'x' or s = 'eu-1') and ((n=10))",
    ],
)
def test_a_condition_holds(text):
    assert parse(text, KEYS).holds(ROW)
    assert not parse(f"NOT ({text})", KEYS).holds(ROW)


@pytest.mark.parametrize(
    "text", ["s = 'eu'", "n < 10", "d >= '2024-03-01'", "n in (1,2,3)", "s like 'eu'", "s like 'EU%'", "s is null"]
)
def test_a_condition_does_not_hold(text):
    assert not parse(text, KEYS).holds(ROW)


def test_a_value_that_is_none_of_its_type_is_null():
    row = ["__HIVE_DEFAULT_PARTITION__", "ten", *ROW[2:]]
    for text in ("n = 10", "n <> 10", "not n = 10", "s = 'x'", "s <> 'x'", "n in (1)", "n not in (1)"):
        assert not parse(text, KEYS).holds(row)
    assert parse("n is null and s is null", KEYS).holds(row)
    assert parse("n = 10 or b = true", KEYS).holds(row)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("x = 1", "'x' is no partition key"),
        ("n = 'ten'", "'ten' is not of type int"),
        ("d = '2024-02-30'", "is not of type date"),
        ("n =", "a value is missing at its end"),
        ("n", "an operator is missing"),
        ("n 5", "an operator is missing before '5'"),
        ("n = 1 extra", "'extra' stands after its end"),
        ("n in 1", "'(' is missing"),
        ("n between 1", "BETWEEN needs an AND"),
        ("n not 1", "NOT must be followed"),
        ("n is 1", "IS must be followed"),
        ("(n = 1", "')' is missing"),
        ("1 = 2", "needs a partition key"),
        ("n = 1 ; drop", "cannot be read"),
        ("s = 'open", "cannot be read"),
        ("(" * 200 + "n=1" + ")" * 200, "nested too deeply"),
        ("not " * 200 + "n=1", "nested too deeply"),
    ],
)
def test_what_cannot_be_read_is_said(text, what):
    with pytest.raises(ExpressionWrong) as caught:
        parse(text, KEYS)
    assert what in str(caught.value)


@pytest.mark.parametrize(
    ("text", "fixed"),
    [
        ("a = 'x' and b = 'y'", ("x", "y")),
        ("b = 'y'", ()),
        ("a = 'x' and b > 'y'", ("x",)),
        ("a = 'x' or b = 'y'", ()),
        ("not a = 'x'", ()),
        ("(a = 'x' or a = 'y') and b = 'z'", ()),
        ("a = 'x' and (b = 'y' or b = 'z')", ("x",)),
    ],
)
def test_values_that_must_be_are_known(text, fixed):
    assert parse(text, [Column("a", "string"), Column("b", "string")]).fixed == fixed


def test_no_pattern_takes_long():
    condition = parse(f"s like '{'%a' * 30}%b'", KEYS)
    began = time.perf_counter()
    assert not condition.holds(["a" * 1000, *ROW[1:]])
    assert time.perf_counter() - began < 10


WORDS = st.sampled_from(
    [*"sndtmb", *("=", "<>", "<=", "(", ")", ","), *("and", "or", "not", "in", "like", "between", "is", "null"),
     *("date", "timestamp", "true", "1", "-2.5", "'a'", "'2024-02-29'", "'%'", "'", '"', "`", "é", ";")]
)  # fmt: skip


@given(words=st.lists(WORDS, max_size=12), values=st.lists(st.text(max_size=4), min_size=6, max_size=6))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_condition_or_refused(words, values):
    try:
        condition = parse(" ".join(words), KEYS)
    except ExpressionWrong:
        return
    assert condition.holds(values) in (True, False)
    if condition.holds(values):
        assert tuple(values[: len(condition.fixed)]) == condition.fixed
