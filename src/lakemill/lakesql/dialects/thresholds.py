"""Comparisons of decimals with a constant double, made between decimals.

Trino takes such a decimal for a double. DuckDB would do that for every row, and could leave out nothing by what a file
says of its column. Doubles of decimals are in the same order as the decimals: the least decimal whose double reaches
the constant tells those that are below it from the others.
"""

import math
from decimal import Decimal
from fractions import Fraction

from lakemill.lakesql.dialects.typed import Typed

DIGITS_MAX = 15
"""Decimals of so many digits have a double each: their units, which a double holds, divided by a power of ten."""
TURNED = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
"""The sign of a comparison whose sides change places."""


def compared(sign: str, value: Typed, constant: float) -> str | None:
    """`value sign constant` without doubles; None where there must be some. value: a decimal."""
    digits, scale = value.type.args
    if digits > DIGITS_MAX or not abs(constant) < 10.0 ** (digits - scale):
        return None
    reached, passed = units(constant, scale)
    if sign in {"=", "<>"} and reached == passed:  # It is no decimal of this scale.
        return f"CASE WHEN {value.sql} IS NOT NULL THEN {sign == '<>'} END"
    least = passed if sign in {">", "<="} else reached
    shown = {">": ">=", "<=": "<"}.get(sign, sign)
    fits = max(digits, len(str(abs(least))))
    return f"({value.sql} {shown} CAST('{Decimal(least).scaleb(-scale):f}' AS DECIMAL({fits},{scale})))"


def units(constant: float, scale: int) -> tuple[int, int]:
    """The fewest units of a scale whose double is not less than a number, and the fewest whose double is greater.

    >>> units(0.07, 2), units(0.075, 2)
    ((7, 8), (8, 8))
    """
    exact, unit = Fraction(constant) * 10**scale, 10**scale
    reached, passed = math.ceil(exact), math.floor(exact) + 1
    while (reached - 1) / unit >= constant:
        reached -= 1
    while passed / unit <= constant:
        passed += 1
    return reached, passed
