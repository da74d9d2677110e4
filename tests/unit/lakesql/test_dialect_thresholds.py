"""Decimals compared with constant doubles, as if they had become doubles."""

import random
from decimal import Decimal

import duckdb
import pytest

from lakemill.lakesql.dialects.thresholds import TURNED, compared
from lakemill.lakesql.dialects.typed import Typed
from lakemill.lakesql.types import decimal


@pytest.mark.parametrize("digits", [1, 4, 9, 15])
def test_each_comparison_is_that_of_doubles(digits):
    chance = random.Random(digits)
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        for scale in sorted({0, digits // 2, digits}):
            most = 10**digits - 1
            units = [0, most, -most, *(chance.randint(-most, most) for _ in range(20))]
            kind = decimal(digits, scale)
            rows = ", ".join(f"('{Decimal(one).scaleb(-scale):f}'::{kind.duckdb()})" for one in units)
            connection.execute(f"CREATE OR REPLACE TABLE t AS SELECT * FROM (VALUES {rows}, (NULL)) AS v (x)")
            near = [one / 10**scale for one in units]
            constants = [*near, *(one * (1 + 1e-16) for one in near), *(one + 0.3 / 10**scale for one in near), 1e-300]
            for constant in constants:
                for sign in TURNED:
                    ours = compared(sign, Typed("x", kind), constant)
                    if ours is None:
                        assert abs(constant) >= 10.0 ** (digits - scale)
                        continue
                    theirs = f"(CAST(x AS DOUBLE) {sign} CAST('{constant!r}' AS DOUBLE))"
                    differ = connection.execute(f"SELECT x FROM t WHERE {ours} IS DISTINCT FROM {theirs}").fetchall()
                    assert differ == [], (ours, theirs)


def test_what_has_too_many_digits_or_is_out_of_reach_stays_as_it_is():
    assert compared("<", Typed("x", decimal(16, 2)), 1.0) is None
    assert compared("<", Typed("x", decimal(3, 2)), 10.0) is None
    assert compared("<", Typed("x", decimal(3, 2)), float("nan")) is None
