"""Aggregates give what NumPy and exact arithmetic give, however rows are cut into blocks."""

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakemill.streamsql.aggregates import Average, Distinct, Spread, Sum, aggregate
from lakemill.streamsql.expr import column
from lakemill.streamsql.operators.partials import Groups, Partials
from lakemill.streamsql.sqltypes import SqlType

NAMES = [*("COUNT", "SUM", "AVG", "MIN", "MAX", "FIRST_VALUE", "LAST_VALUE"), *("VAR_POP", "STDDEV_SAMP")]


def folded(made, values: list, kind: pa.DataType, sizes: list[int]):
    """The aggregate over values that come in blocks of these sizes."""
    groups = Groups(Partials([], [(made, 0)]))
    start = 0
    for size in [*sizes, len(values)]:
        block = values[start : start + size]
        start += size
        if block:
            batch = pa.RecordBatch.from_arrays([pa.array(block, kind)], ["x"])
            groups.add(*groups.partials.of(batch))
    return made.final(groups.columns[0][0])


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15, deadline=None)
@given(
    values=st.lists(st.one_of(st.none(), st.integers(-(2**40), 2**40)), min_size=1, max_size=90),
    sizes=st.lists(st.integers(1, 60), max_size=4),
)
def test_blocks_and_single_values_give_the_same(name, values, sizes):
    made, _ = aggregate(name, column(0, SqlType(pa.int64())))
    kind = pa.float64() if isinstance(made, Spread) else pa.int64()
    by_block = folded(made, values, kind, sizes)
    by_value = made.fold(values)
    assert by_block == (pytest.approx(by_value, rel=1e-9, abs=1e-6) if isinstance(by_value, float) else by_value)


def test_a_variance_far_from_zero_keeps_its_digits():
    values = [1e9 + step for step in (4.0, 7.0, 13.0, 16.0)] * 30
    made = Spread(sample=True, root=False)
    assert folded(made, values, pa.float64(), [50, 7]) == pytest.approx(np.var(values, ddof=1), rel=1e-8)


def test_whole_numbers_are_summed_without_overflow():
    values = [2**63 - 1] * 40 + [-(2**63)] * 40
    assert folded(Sum(pa.int64()), values, pa.int64(), [30]) == sum(values)


def test_decimals_are_summed_exactly():
    kind = pa.decimal128(38, 10)
    values = [Decimal("1234567890123456789012345678.0000000001")] * 50
    assert folded(Sum(kind), values, kind, [30]) == 50 * Fraction("1234567890123456789012345678.0000000001")


def test_the_average_of_whole_numbers_is_cut_toward_zero():
    assert Average(pa.int32()).fold([-7, 0]) == -3
    assert Average(pa.int32()).fold([7, 0]) == 3
    assert Average(pa.decimal128(5, 2)).fold([Decimal("1.00"), Decimal("2.01")]) == Decimal("1.505")


def test_different_values_are_summed_once():
    assert Distinct(Sum(pa.int64())).fold([3, 3, None, 4]) == 7
    assert Distinct(Sum(pa.int64())).fold([None]) is None


def test_a_sample_of_one_has_no_deviation():
    assert Spread(sample=True, root=True).fold([1.0]) is None
    assert Spread(sample=False, root=True).fold([1.0]) == 0
    assert math.isclose(Spread(sample=True, root=True).fold([1.0, 2.0]), math.sqrt(0.5))
