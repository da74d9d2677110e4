"""What the values of a record become in a column.

| in the record | in the column |
| --- | --- |
| null, nothing | NULL |
| true, false | 1 and 0; TRUE and FALSE; `true` and `false` in VARCHAR |
| a number | the number, without its fraction if need be; its text in VARCHAR; milliseconds since 1970 in TIMESTAMP |
| a text | the text, cut at n characters; the number, the time it says |
| an object, a list | its JSON in VARCHAR |

A value that cannot become one of the column (a number out of range, a text that is no number) is a `ValueError`.
"""

import datetime
import decimal
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

EPOCH = datetime.datetime(1970, 1, 1)


def column(values: Sequence[Any], field: pa.Field) -> tuple[pa.Array, dict[int, str]]:
    """The values as an Arrow array, and why those at some places could not be taken (they are NULL there)."""
    kind = field.type
    length = int((field.metadata or {}).get(b"length", 0)) or None
    try:
        if _suits(values, kind):
            made = pa.array(values, kind)
            return (pc.utf8_slice_codeunits(made, 0, length) if length and pa.types.is_string(kind) else made), {}
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        pass  # Some value among them is of another kind: one by one.
    convert, taken, wrong = _converter(kind), [], {}
    for place, value in enumerate(values):
        try:
            taken.append(None if value is None else convert(value))
        except (ValueError, OverflowError, decimal.InvalidOperation, TypeError) as error:
            taken.append(None)
            wrong[place] = f'"{field.name}": {_shown(value)} cannot be taken: {error}'
    made = pa.array(taken, kind)
    return (pc.utf8_slice_codeunits(made, 0, length) if length and pa.types.is_string(kind) else made), wrong


def _suits(values: Sequence[Any], kind: pa.DataType) -> bool:
    """Whether Arrow would make of all values what we would."""
    if pa.types.is_string(kind):
        return all(value is None or type(value) is str for value in values)
    if pa.types.is_integer(kind):
        return all(value is None or type(value) is int for value in values)
    if pa.types.is_floating(kind):
        return all(value is None or type(value) in (int, float) for value in values)
    return pa.types.is_boolean(kind) and all(value is None or type(value) is bool for value in values)


def _converter(kind: pa.DataType) -> Callable[[Any], Any]:
    if pa.types.is_string(kind):
        return _text
    if pa.types.is_binary(kind):
        return lambda value: _text(value).encode()
    if pa.types.is_boolean(kind):
        return _boolean
    if pa.types.is_integer(kind):
        limit = 1 << (kind.bit_width - 1)
        return lambda value: _within(int(_number(value)), limit)
    if pa.types.is_floating(kind):
        return lambda value: float(_number(value))
    if pa.types.is_decimal(kind):
        return lambda value: _decimal(value, kind)
    if pa.types.is_timestamp(kind):
        return _timestamp
    if pa.types.is_date(kind):
        return lambda value: _timestamp(value).date()
    if pa.types.is_time(kind):
        return _time
    raise ValueError(f"no value can become {kind}")


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()


def _number(value: Any) -> int | float | decimal.Decimal:
    if isinstance(value, int | float):
        return value
    if isinstance(value, str):
        text = value.strip()
        try:
            return int(text)
        except ValueError:
            return float(text)
    raise ValueError("it is no number")


def _within(value: int, limit: int) -> int:
    if not -limit <= value < limit:
        raise ValueError("it is out of range")
    return value


def _decimal(value: Any, kind: pa.DataType) -> decimal.Decimal:
    number = decimal.Decimal(repr(value) if isinstance(value, float) else str(_number(value)))
    rounded = number.quantize(decimal.Decimal(1).scaleb(-kind.scale), decimal.ROUND_HALF_UP)
    if len(rounded.as_tuple().digits) > kind.precision:
        raise ValueError("it is out of range")
    return rounded


def _boolean(value: Any) -> bool:
    if isinstance(value, int | float):
        return bool(value)
    if isinstance(value, str) and (text := value.strip().lower()) in ("true", "false", "1", "0"):
        return text in ("true", "1")
    raise ValueError("it is no BOOLEAN")


def _timestamp(value: Any) -> datetime.datetime:
    if isinstance(value, bool):
        raise ValueError("it is no time")
    if isinstance(value, int | float):
        return EPOCH + datetime.timedelta(milliseconds=int(value))
    if not isinstance(value, str):
        raise ValueError("it is no time")
    found = datetime.datetime.fromisoformat(value.strip())
    return found.astimezone(datetime.UTC).replace(tzinfo=None) if found.tzinfo else found


def _time(value: Any) -> datetime.time:
    if isinstance(value, str) and "-" not in value:
        return datetime.time.fromisoformat(value.strip())
    return _timestamp(value).time()


def _shown(value: Any) -> str:
    text = _text(value)
    return text if len(text) <= 64 else text[:61] + "..."
