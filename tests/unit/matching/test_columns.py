"""Columns are taken for what they hold, and values for the same where they are."""

import datetime
import decimal
import math

import numpy as np
import pyarrow as pa
import pytest

from lakemill.matching.columns import plain, prepare


@pytest.mark.parametrize("values,kind", [
    (["john smith", "mary", "o'neil"], "name"),
    (["a very long title of a paper", "on the use of many words in titles"], "text"),
    (["AB-123", "XY-99", "Q1"], "code"),
    ([19081209, 19990219], "date"),
    (["2020-01-31", "1999-12-01T10:00:00"], "date"),
    (["31/01/2020", "15.02.1999"], "date"),
    ([6988048, 7364009, 2635962], "code"),
    (["1.5", "-3", "2e5", "7.25"], "number"),
    ([1.5, 2.5], "number"),
    ([datetime.date(2020, 1, 1)], "date"),
    ([None, None], "name"),
    ([], "name"),
])  # fmt: skip
def test_kinds_are_recognised(values, kind):
    assert prepare("column", pa.array(values, None if any(v is not None for v in values) else pa.string())).kind == kind


def test_values_that_differ_in_form_only_are_one():
    column = prepare("name", pa.array(["O'Neil,  Zoë", "o neil zoe", None, " ", "--", "x"]))
    assert column.codes.tolist() == [0, 0, -1, -1, -1, 1]
    assert column.values.to_pylist() == ["o neil zoe", "x"]
    assert column.counts().tolist() == [2, 1]


def test_dates_are_days_in_whatever_form():
    texts = ["1980-02-01", "01.02.1980", "19800201", "1/2/1980", "2020-02-30", "soon", None]
    column = prepare("born", pa.array(texts), "date")
    assert column.codes.tolist() == [0, 0, 0, 0, 1, 2, -1]
    assert column.values.to_pylist() == ["19800201", "20200230", "soon"]
    assert column.numbers.tolist()[:1] == [3683.0]
    assert column.numbers[1] == 18322  # There is no 30 February; it is taken for the day after the 29th.
    assert np.isnan(column.numbers[2])


def test_months_come_first_where_days_would_not_do():
    column = prepare("when", pa.array(["02/25/2020", "03/31/2020", "04/05/2020"]))
    assert column.values.to_pylist() == ["20200225", "20200331", "20200405"]


def test_numbers_are_quantities():
    column = prepare("price", pa.array(["1,000", "1000.0", "n/a", "2.50"]), "number")
    assert column.codes.tolist() == [0, 0, -1, 1]
    assert column.numbers.tolist() == [1000.0, 2.5]


def test_text_of_other_scripts_is_kept():
    assert plain(pa.array(["Пётр", "山田-太郎", "ŁÓDŹ"])).to_pylist() == ["петр", "山田 太郎", "łodz"]


@pytest.mark.parametrize("values", [
    pa.array([datetime.timedelta(1), None]), pa.array([datetime.time(1, 2), None]), pa.array([{"a": 1}, None]),
    pa.array(["a", None], pa.large_string()), pa.array(["a", None], pa.string_view()),
    pa.array([2**63, None], pa.uint64()),
    pa.array([1.5, None], pa.float32()).cast(pa.float16()), pa.array([b"ab", None], pa.binary(2)),
    pa.array(["a", None]).dictionary_encode(), pa.chunked_array([["a"], [None]]), pa.array([True, None]),
    pa.array([pa.MonthDayNano([1, 2, 3]), None]), pa.array([decimal.Decimal("1.50"), None]), pa.array([2.0, math.nan]),
], ids=lambda values: str(values.type))  # fmt: skip
def test_columns_of_all_types_are_prepared(values):
    assert prepare("column", values).codes.tolist() == [0, -1]
