"""Aggregate functions as sums of parts.

Every aggregate has a state that can be made of one value (`of`) or of a block of values that Arrow has summed up
(`lift`), and two states can be merged, the earlier rows first. So one definition serves tumbling windows (block by
block), stagger windows and sliding windows (where a state is never taken back, only merged anew). None is the state
of no value at all.

Variances are merged by the rule of Chan, Golub and LeVeque (1979): counts, means and squared distances.
"""

import math
import operator
from collections.abc import Callable, Iterable
from decimal import Context, Decimal
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lakemill.streamsql.expr import Expr, cast_to
from lakemill.streamsql.sqltypes import NULL, SqlType, is_number, sql_name

Partial = tuple[str, Any]
# Python rounds sums of decimals to 28 digits unless told otherwise.
_EXACT = Context(prec=80)


class Aggregate:
    """`kind` is the result's type, `partials` what Arrow computes per group for `lift`; empty: value by value."""

    kind: pa.DataType
    partials: tuple[Partial, ...] = ()
    # What becomes of the states of earlier and of later rows.
    combine: Callable[[Any, Any], Any]

    def prepare(self, values: pa.Array) -> pa.Array:
        """The block of values in a type in which sums cannot overflow."""
        return values

    def of(self, value: Any) -> Any:
        raise NotImplementedError

    def lift(self, *partials: Any) -> Any:
        return self.of(partials[0])

    def lift_all(self, *partials: list) -> list:
        """`lift` for all groups of a block."""
        return [self.lift(*values) for values in zip(*partials, strict=True)]

    def merge(self, first: Any, second: Any) -> Any:
        if first is None:
            return second
        return first if second is None else self.combine(first, second)

    def final(self, state: Any) -> Any:
        return state

    def fold(self, values: Iterable[Any]) -> Any:
        return self.final(reduce(self.merge, map(self.of, values), None))


class Count(Aggregate):
    """COUNT(x): values that are not NULL."""

    kind = pa.int64()
    partials = (("count", pc.CountOptions(mode="only_valid")),)

    def of(self, value: Any) -> int:
        return int(value is not None)

    def lift_all(self, *partials: list) -> list:
        return partials[0]

    combine = staticmethod(operator.add)

    def final(self, state: int | None) -> int:
        return state or 0


class CountRows(Count):
    """COUNT(*)."""

    partials = (("count_all", None),)

    def of(self, value: Any) -> int:
        return 1


def _safe_sum(values: pa.Array) -> pa.Array:
    """Whole numbers whose sum could leave 64 bits become decimals, and long decimals longer ones: Arrow's sums wrap."""
    if pa.types.is_decimal(values.type) and values.type.precision > 28:
        return values.cast(pa.decimal256(76, values.type.scale))
    if pa.types.is_integer(values.type) and values.type.bit_width == 64:
        ends = pc.min_max(values).as_py()
        if ends["max"] is not None and max(abs(ends["min"]), abs(ends["max"])) * len(values) >= 2**63:
            return values.cast(pa.decimal128(38, 0))
    return values


def _plus(first: Any, second: Any) -> Any:
    return _EXACT.add(first, second) if isinstance(first, Decimal) else first + second


def _same_number(value: Any, whole: bool) -> Any:
    return int(value) if whole and value is not None else value


class Sum(Aggregate):
    """SUM(x): BIGINT for whole numbers, DECIMAL for exact ones, else DOUBLE."""

    partials = (("sum", pc.ScalarAggregateOptions(min_count=1)),)

    def __init__(self, kind: pa.DataType):
        self.whole = pa.types.is_integer(kind)
        self.exact = pa.types.is_decimal(kind)
        self.kind = pa.int64() if self.whole else pa.decimal128(38, kind.scale) if self.exact else pa.float64()
        self.combine = _EXACT.add if self.exact else operator.add

    def prepare(self, values: pa.Array) -> pa.Array:
        return _safe_sum(values)

    def of(self, value: Any) -> Any:
        return _same_number(value, self.whole)

    def lift_all(self, *partials: list) -> list:
        return super().lift_all(*partials) if self.whole else partials[0]


class Average(Aggregate):
    """AVG(x): of whole numbers a whole number, its fraction cut off; of exact numbers with six digits more."""

    partials = (*Sum.partials, *Count.partials)

    def __init__(self, kind: pa.DataType):
        self.whole = pa.types.is_integer(kind)
        self.exact = pa.types.is_decimal(kind)
        scale = min(kind.scale + 6, 37) if self.exact else 0
        self.kind = kind if self.whole else pa.decimal128(38, scale) if self.exact else pa.float64()
        self.quantum = Decimal(1).scaleb(-scale)

    def prepare(self, values: pa.Array) -> pa.Array:
        return _safe_sum(values)

    def of(self, value: Any) -> Any:
        return None if value is None else [value, 1]

    def lift(self, *partials: Any) -> Any:
        total, count = partials
        return [_same_number(total, self.whole), count] if count else None

    def combine(self, first: list, second: list) -> list:
        return [_plus(first[0], second[0]), first[1] + second[1]]

    def final(self, state: list | None) -> Any:
        if state is None:
            return None
        total, count = state
        if self.whole:
            return total // count if total >= 0 else -(-total // count)
        if self.exact:
            return _EXACT.quantize(_EXACT.divide(total, count), self.quantum)
        return total / count


class Extreme(Aggregate):
    """MIN(x) and MAX(x)."""

    def __init__(self, kind: pa.DataType, better: Callable):
        self.kind = kind
        self.combine = better
        self.partials = (("min" if better is min else "max", None),)

    def of(self, value: Any) -> Any:
        return value

    def lift_all(self, *partials: list) -> list:
        return partials[0]


class Spread(Aggregate):
    """VAR_POP, VAR_SAMP, STDDEV_POP and STDDEV_SAMP; those of a sample are NULL for one value."""

    kind = pa.float64()
    partials = (("count", pc.CountOptions(mode="only_valid")), ("mean", None), ("variance", pc.VarianceOptions(ddof=0)))

    def __init__(self, sample: bool, root: bool):
        self.sample = sample
        self.root = root

    def of(self, value: Any) -> Any:
        return None if value is None else [1, value, 0.0]

    def lift(self, *partials: Any) -> Any:
        count, mean, variance = partials
        return [count, mean, variance * count] if count else None

    def combine(self, first: list, second: list) -> list:
        count = first[0] + second[0]
        apart = second[1] - first[1]
        mean = first[1] + apart * second[0] / count
        return [count, mean, first[2] + second[2] + apart * apart * first[0] * second[0] / count]

    def final(self, state: list | None) -> float | None:
        if state is None or state[0] <= self.sample:
            return None
        variance = state[2] / (state[0] - self.sample)
        return math.sqrt(variance) if self.root else variance


class End(Aggregate):
    """FIRST_VALUE and LAST_VALUE in a group; a NULL counts as a value."""

    def __init__(self, kind: pa.DataType, last: bool):
        self.kind = kind
        self.last = last
        if not pa.types.is_decimal(kind):
            self.partials = (("last" if last else "first", pc.ScalarAggregateOptions(skip_nulls=False)),)

    def of(self, value: Any) -> list:
        return [value]

    def combine(self, first: list, second: list) -> list:
        return second if self.last else first

    def final(self, state: list | None) -> Any:
        return None if state is None else state[0]


class Distinct(Aggregate):
    """Another aggregate over the different values, in their order."""

    partials = (("distinct", pc.CountOptions(mode="only_valid")),)

    def __init__(self, inner: Aggregate):
        self.inner = inner
        self.kind = inner.kind

    def of(self, value: Any) -> Any:
        return None if value is None else {value: True}

    def lift(self, *partials: Any) -> Any:
        return dict.fromkeys(partials[0], True) or None

    def combine(self, first: dict, second: dict) -> dict:
        # The first is ours alone once it has been combined; growing it keeps long windows linear.
        first.update(second)
        return first

    def final(self, state: dict | None) -> Any:
        if isinstance(self.inner, Count):
            return len(state or ())
        return self.inner.fold(sorted(state or ()))


_SPREADS = {
    "STDDEV_POP": (False, True),
    "STDDEV_SAMP": (True, True),
    "STDDEV": (True, True),
    "VAR_POP": (False, False),
    "VAR_SAMP": (True, False),
}
NAMES = frozenset({"COUNT", "SUM", "AVG", "MIN", "MAX", "FIRST_VALUE", "LAST_VALUE", *_SPREADS})


def aggregate(name: str, argument: Expr | None, distinct: bool = False) -> tuple[Aggregate, Expr | None]:
    """The aggregate of this name, and its argument in the type it works on; TypeError if the type does not fit."""
    if argument is None:
        if name != "COUNT" or distinct:
            raise TypeError(f"{name}(*) is not possible")
        return CountRows(), None
    made, argument = _made(name, argument)
    return (Distinct(made), argument) if distinct and name not in ("MIN", "MAX") else (made, argument)


def _made(name: str, argument: Expr) -> tuple[Aggregate, Expr]:
    kind = argument.kind
    if pa.types.is_struct(kind):
        raise TypeError(f"{name} of a row is not possible")
    if kind == NULL:
        argument, kind = cast_to(argument, SqlType(pa.int32())), pa.int32()
    if name == "COUNT":
        return Count(), argument
    if name in ("FIRST_VALUE", "LAST_VALUE"):
        return End(kind, name == "LAST_VALUE"), argument
    if name in ("MIN", "MAX"):
        return Extreme(kind, min if name == "MIN" else max), argument
    if not is_number(kind):
        raise TypeError(f"{name} takes a number, not {sql_name(kind)}")
    if name in _SPREADS:
        return Spread(*_SPREADS[name]), cast_to(argument, SqlType(pa.float64()))
    if pa.types.is_floating(kind):
        argument, kind = cast_to(argument, SqlType(pa.float64())), pa.float64()
    return (Sum(kind) if name == "SUM" else Average(kind)), argument
