"""INTERVAL literals: days to seconds are milliseconds, years and months are months."""

import re
from collections.abc import Callable
from datetime import date

import pyarrow as pa
from sqlglot import exp

from lakemill.streamsql.expr import Expr, constant
from lakemill.streamsql.frame import by_row
from lakemill.streamsql.sqltypes import DURATION, NULL

UNIT_MS = {"DAY": 86_400_000, "HOUR": 3_600_000, "MINUTE": 60_000, "SECOND": 1000}
_FIELDS = ["DAY", "HOUR", "MINUTE", "SECOND"]


def interval(node: exp.Interval) -> Expr:
    """The value of `INTERVAL '1:30' MINUTE TO SECOND`; ValueError if the text does not fit its unit."""
    literal, unit = node.this, node.args.get("unit")
    if not isinstance(literal, exp.Literal) or unit is None:
        raise ValueError("An interval is written like INTERVAL '60' SECOND")
    if isinstance(unit, exp.IntervalSpan):
        first, last = unit.this.name.upper(), unit.expression.name.upper()
    else:
        first = last = re.sub(r"\(.*", "", unit.name.upper())
    text = literal.this.strip()
    if first in ("YEAR", "MONTH"):
        return Expr(NULL, constant(None, NULL).run, constant=True, months=_months(text, first, last))
    return constant(milliseconds(text, first, last), DURATION)


def _months(text: str, first: str, last: str) -> int:
    match = re.fullmatch(r"([+-]?)(\d+)(?:-(\d+))?", text)
    if match is None or (match.group(3) is None) != (first == last):
        raise ValueError(f"'{text}' is no interval from {first} to {last}")
    count = int(match.group(2)) * (12 if first == "YEAR" else 1) + int(match.group(3) or 0)
    return -count if match.group(1) == "-" else count


def milliseconds(text: str, first: str, last: str) -> int:
    """`'1 02:03:04.5'` from DAY to SECOND."""
    if first not in _FIELDS or last not in _FIELDS or _FIELDS.index(first) > _FIELDS.index(last):
        raise ValueError(f"There is no interval from {first} to {last}")
    fields = _FIELDS[_FIELDS.index(first) : _FIELDS.index(last) + 1]
    sign = -1 if text.startswith("-") else 1
    parts = re.split(r"[ :]", text.lstrip("+-"))
    if len(parts) != len(fields) or not all(re.fullmatch(r"\d+", part) for part in parts[:-1]):
        raise ValueError(f"'{text}' is no interval of {first if first == last else f'{first} to {last}'}")
    if not re.fullmatch(r"\d+(\.\d+)?" if last == "SECOND" else r"\d+", parts[-1]):
        raise ValueError(f"'{text}' is no interval of {first if first == last else f'{first} to {last}'}")
    return sign * sum(round(float(part) * UNIT_MS[field]) for part, field in zip(parts, fields, strict=True))


def moved_by_months(months: int, kind: pa.DataType) -> Callable:
    """A kernel that goes to the same day of another month, or to that month's last day."""

    def move(moment: date) -> date:
        month = moment.year * 12 + moment.month - 1 + months
        year, month = month // 12, month % 12 + 1
        for day in range(moment.day, 27, -1):
            try:
                return moment.replace(year=year, month=month, day=day)
            except ValueError:
                continue
        return moment.replace(year=year, month=month)

    return by_row(move, kind)
