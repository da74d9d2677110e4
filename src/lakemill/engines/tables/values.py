"""Typed values: what an attribute of an item may hold.

A value is a dict of one entry, its type and its content:

    {"S": "text"}  {"N": "12.5"}  {"B": b"bytes"}  {"BOOL": True}  {"NULL": True}
    {"L": [value, ...]}  {"M": {"name": value, ...}}
    {"SS": ["a", "b"]}  {"NS": ["1", "2.5"]}  {"BS": [b"a", b"b"]}      sets

A number is the text of a decimal of up to 38 digits, between 1e-130 and 9.99..e125 in magnitude. `canonical` gives
every value its one form (numbers without needless zeros, sets in order), so that two are equal exactly if `==` says so.

An item is a dict of values by attribute name.
"""

import decimal
import re
from collections.abc import Callable
from typing import Any

from lakemill.engines.tables.errors import ValueInvalid

Value = dict[str, Any]
Item = dict[str, Value]

TYPES = ("S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL")
SETS = {"SS": "string", "NS": "number", "BS": "binary"}
ITEM_BYTES_MAX = 400 * 1024
DEPTH_MAX = 32
DIGITS_MAX = 38
EXPONENT_MAX, EXPONENT_MIN = 125, -130

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,9})?")
_INVALID = "One or more parameter values were invalid: "


def number(text: str) -> decimal.Decimal:
    """The decimal a text says. Raises ValueInvalid (no number, too many digits, too large, too small).

    >>> number("1.50e1")
    Decimal('15')
    """
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        raise ValueInvalid(
            f"The parameter cannot be converted to a numeric value: {text}"
            if text
            else "The parameter cannot be converted to a numeric value"
        )
    return bounded(decimal.Decimal(text))


def bounded(value: decimal.Decimal) -> decimal.Decimal:
    """The same number without trailing zeros, if it is within the limits. Raises ValueInvalid."""
    if not value:
        return decimal.Decimal(0)
    sign, digits, exponent = value.as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    short = text.rstrip("0")
    if len(short) > DIGITS_MAX:
        raise ValueInvalid("Attempting to store more than 38 significant digits in a Number")
    assert isinstance(exponent, int)
    magnitude = exponent + len(text) - 1
    if magnitude > EXPONENT_MAX:
        raise ValueInvalid("Number overflow. Attempting to store a number with magnitude larger than supported range")
    if magnitude < EXPONENT_MIN:
        raise ValueInvalid("Number underflow. Attempting to store a number with magnitude smaller than supported range")
    return decimal.Decimal((sign, tuple(map(int, short)), exponent + len(text) - len(short)))


def text_of(value: decimal.Decimal) -> str:
    """How a number is kept: plain digits, no exponent.

    >>> text_of(number("-1.20E+3"))
    '-1200'
    """
    return format(bounded(value), "f")


def add(left: str, right: str, sign: int = 1) -> str:
    """left + right, or left - right with sign -1. Raises ValueInvalid."""
    wide = decimal.Context(prec=4 * EXPONENT_MAX)  # Exact for every sum; `bounded` then judges its digits.
    sum_ = wide.add if sign > 0 else wide.subtract
    return text_of(sum_(number(left), number(right)))


def type_of(value: Value) -> str:
    """The type of a canonical value."""
    return next(iter(value))


def canonical(value: Value, depth: int = 1) -> Value:
    """The value in its one form. Raises ValueInvalid."""
    if len(value) != 1:
        many = "has more than one datatypes set" if value else "is empty"
        raise ValueInvalid(f"Supplied AttributeValue {many}, must contain exactly one of the supported datatypes")
    kind, content = next(iter(value.items()))
    if kind == "N":
        return {"N": text_of(number(content))}
    if kind == "L":
        _check_depth(depth)
        return {"L": [canonical(one, depth + 1) for one in content]}
    if kind == "M":
        _check_depth(depth)
        return {"M": {name: canonical(one, depth + 1) for name, one in content.items()}}
    if kind in SETS:
        return {kind: _canonical_set(kind, content)}
    if kind == "NULL" and content is not True:
        raise ValueInvalid(f"{_INVALID}Null attribute value types must have the value of true")
    return value


def _check_depth(depth: int) -> None:
    if depth > DEPTH_MAX:
        raise ValueInvalid("Nesting Levels have exceeded supported limits")


def _canonical_set(kind: str, content: list[Any]) -> list[Any]:
    if not content:
        raise ValueInvalid(f"{_INVALID}An {SETS[kind]} set  may not be empty")
    if kind == "NS":
        numbers = sorted(number(one) for one in content)
        if len(set(numbers)) < len(numbers):
            raise ValueInvalid("Input collection contains duplicates")
        return [text_of(one) for one in numbers]
    if len(set(content)) < len(content):
        shown = ", ".join(one if isinstance(one, str) else one.hex() for one in content)
        raise ValueInvalid(f"{_INVALID}Input collection [{shown}] contains duplicates.")
    return sorted(content)


def canonical_item(item: Item) -> Item:
    """Every value of an item in its one form. Raises ValueInvalid."""
    return {name: canonical(value) for name, value in item.items()}


def size(value: Value) -> int:
    """Bytes a value counts for against the limit of an item."""
    kind, content = next(iter(value.items()))
    if kind == "S":
        return len(content.encode())
    if kind == "B":
        return len(content)
    if kind == "N":
        return _number_bytes(content)
    if kind == "NS":
        return sum(map(_number_bytes, content))
    if kind == "SS":
        return sum(len(one.encode()) for one in content)
    if kind == "BS":
        return sum(map(len, content))
    if kind == "L":
        return 3 + sum(1 + size(one) for one in content)
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + size(one) for name, one in content.items())
    return 1


def _number_bytes(text: str) -> int:
    """About one byte for two digits, and one."""
    digits = len(text.lstrip("-").replace(".", "").strip("0"))
    return (digits + 1) // 2 + 1 + text.startswith("-")


def item_size(item: Item) -> int:
    """Bytes of an item: names and values."""
    return sum(len(name.encode()) + size(value) for name, value in item.items())


_ORDERED: dict[str, Callable[[Any], Any]] = {"S": lambda text: text, "N": decimal.Decimal, "B": lambda data: data}


def compare(left: Value, right: Value) -> int | None:
    """Negative, zero or positive as left is less than, equal to or greater than right; None if they have no order.

    Texts are ordered by their UTF-8 bytes, binaries by their unsigned bytes.
    """
    kind = type_of(left)
    if kind not in _ORDERED or kind != type_of(right):
        return None
    key = _ORDERED[kind]
    one, other = key(left[kind]), key(right[kind])
    return (one > other) - (one < other)
