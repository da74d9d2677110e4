"""Whether a partition's value is one for which a comparison can hold."""

import datetime
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from lakemill.lakesql.dialects.model import Comparison

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
_NUMBERS = ("tinyint", "smallint", "int", "integer", "bigint", "float", "double", "decimal")


def holds(comparison: Comparison, value: str, type: str) -> bool:
    """Whether it holds; where that cannot be said, it may.

    >>> holds(Comparison("n", ">", ["9"]), "10", "int")
    True
    """
    if comparison.operator == "is null":
        return False
    if comparison.operator == "is not null":
        return True
    one = _typed(value, type)
    others = [_typed(other, type) for other in comparison.values]
    if one is None or None in others:
        return True
    if comparison.operator == "in":
        return one in others
    compare = _OPERATORS.get(comparison.operator)
    return compare is None or compare(one, others[0])


def _typed(value: str, type: str) -> Any:
    name = type.lower().split("(")[0]
    try:
        if name in _NUMBERS:
            return Decimal(value)
        if name == "date":
            return datetime.date.fromisoformat(value)
        if name == "timestamp":
            return datetime.datetime.fromisoformat(value)
    except (InvalidOperation, ValueError):
        return None
    return value
