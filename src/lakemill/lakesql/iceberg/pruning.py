"""Conditions of a statement as PyIceberg takes them, for leaving out files. DuckDB sees all conditions again."""

import datetime
import decimal
from collections.abc import Sequence
from typing import Any

from pyiceberg import expressions as parts
from pyiceberg import types
from pyiceberg.expressions.visitors import bind
from pyiceberg.schema import Schema

from lakemill.lakesql.dialects.model import Comparison

_WHOLE: dict[Any, tuple[int, int]] = {
    types.IntegerType: (-(1 << 31), (1 << 31) - 1),
    types.LongType: (-(1 << 63), (1 << 63) - 1),
}


def expression(predicates: Sequence[Comparison], seen: Schema, current: Schema) -> parts.BooleanExpression:
    """What all rows that matter meet. seen: the columns that the statement names. current: those of the table now."""
    found: parts.BooleanExpression = parts.AlwaysTrue()
    for one in predicates:
        field = next((field for field in seen.fields if field.name.lower() == one.column), None)
        now = field and next((other for other in current.fields if other.field_id == field.field_id), None)
        if now is None:
            continue
        values = [_value(text, now.field_type) for text in one.values]
        if None not in values and values:
            term = _term(one.operator, now.name, values)
            found = parts.And(found, term) if _is_understood(term, current) else found
    return found


def _is_understood(term: parts.BooleanExpression, schema: Schema) -> bool:
    """Whether PyIceberg compares such a value with such a column."""
    try:
        bind(schema, term, case_sensitive=True)
    except (ValueError, TypeError):
        return False
    return True


def _term(operator: str, name: str, values: list[Any]) -> parts.BooleanExpression:
    if operator == "in":
        return _made(parts.In, name, values)
    kind: Any = {
        "=": parts.EqualTo,
        "<>": parts.NotEqualTo,
        "<": parts.LessThan,
        "<=": parts.LessThanOrEqual,
        ">": parts.GreaterThan,
        ">=": parts.GreaterThanOrEqual,
    }.get(operator)
    return _made(kind, name, values[0]) if kind else parts.AlwaysTrue()


def _made(kind: Any, *arguments: Any) -> parts.BooleanExpression:
    found: parts.BooleanExpression = kind(*arguments)
    return found


def _value(text: str, kind: Any) -> Any:
    """A literal as PyIceberg takes it; None where it is no value of the type, and nothing can be left out by it."""
    try:
        if type(kind) in _WHOLE:
            low, high = _WHOLE[type(kind)]
            value = int(text)
            return value if low <= value <= high else None
        if isinstance(kind, types.StringType):
            return text
        if isinstance(kind, types.BooleanType):
            return {"true": True, "false": False}.get(text.lower())
        if isinstance(kind, types.DateType):
            return datetime.date.fromisoformat(text).isoformat() if len(text) == 10 else None
        if isinstance(kind, types.TimestampType):
            return datetime.datetime.fromisoformat(text).isoformat() if "+" not in text and "Z" not in text else None
        if isinstance(kind, types.DoubleType):
            return float(text)
        if isinstance(kind, types.DecimalType):
            exact = decimal.Decimal(text)
            fitted = exact.quantize(decimal.Decimal(1).scaleb(-kind.scale))
            return fitted if fitted == exact else None
    except (ValueError, decimal.InvalidOperation):
        return None
    return None
