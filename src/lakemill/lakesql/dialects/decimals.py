"""Arithmetic of decimals: types as Trino has them, values exact or refused."""

from lakemill.lakesql.dialects.coercion import as_decimal, coerce
from lakemill.lakesql.dialects.typed import Typed, failed, guard
from lakemill.lakesql.types import DECIMAL_MAX, Type, decimal

DIGITS_64 = 18
"""Of a decimal that DuckDB keeps in 64 bits."""


def arithmetic(sign: str, a: Typed, b: Typed, wide: bool) -> Typed:
    """a + b and the like, as the decimal that Trino makes of it. wide: see `operators.arithmetic`."""
    if sign == "*":
        return _product(a, b, wide)
    x, y = _both_decimals(a, b)
    (p1, s1), (p2, s2) = x.args, y.args
    left, right = coerce(a, x).sql, coerce(b, y).sql
    if sign in {"+", "-"}:
        scale = max(s1, s2)
        kind = decimal(max(p1 - s1, p2 - s2) + scale + 1, scale)
        return Typed(sum_of(sign, (left, x), (right, y), kind), kind)
    if sign == "/":
        kind = decimal(p1 + s2 + max(s2 - s1, 0), max(s1, s2))
        # The quotient in units of its scale, rounded half away from zero, as Trino does.
        shift = kind.args[1] + s2 - s1
        top = f"({units_of(left, s1)} * {10**shift}::HUGEINT)"
        made = of_units(f"half_up({top}, {units_of(right, s2)})", kind)
        return Typed(guard(f"{right} = 0", "DIVISION_BY_ZERO", "'Division by zero'", made), kind)
    scale = max(s1, s2)
    kind = decimal(min(p2 - s2, p1 - s1) + scale, scale)
    whole = decimal(max(p1 - s1, p2 - s2) + scale, scale).duckdb()
    made = f"CAST(CAST({left} AS {whole}) % CAST({right} AS {whole}) AS {kind.duckdb()})"
    return Typed(guard(f"{right} = 0", "DIVISION_BY_ZERO", "'Division by zero'", made), kind)


def _both_decimals(a: Typed, b: Typed) -> tuple[Type, Type]:
    x = as_decimal(a.type) if a.type.name != "unknown" else as_decimal(b.type)
    return x, as_decimal(b.type) if b.type.name != "unknown" else x


def _product(a: Typed, b: Typed, wide: bool) -> Typed:
    """DuckDB multiplies decimals of up to 18 digits in 64 bits, whatever the product needs."""
    x, y = _both_decimals(a, b)
    (p1, s1), (p2, s2) = x.args, y.args
    if s1 + s2 > DECIMAL_MAX:
        message = f"DECIMAL scale must be in range [0, precision (38)]: {s1 + s2}"
        raise failed("INVALID_FUNCTION_ARGUMENT", message, None)
    kind = decimal(p1 + p2, s1 + s2)
    left, right = coerce(a, x).sql, coerce(b, y).sql
    if wide and p1 <= DIGITS_64 and p2 <= DIGITS_64 < p1 + p2:
        left = f"CAST({left} AS {decimal(p1 + p2, s1).duckdb()})"
    made = f"CAST({left} * {right} AS {kind.duckdb()})"
    if wide or s1 + s2 > DIGITS_64:
        return Typed(made, kind)
    return Typed(made, kind, narrow=f"({a.narrow or left} * {b.narrow or right})")


def sum_of(sign: str, a: tuple[str, Type], b: tuple[str, Type], kind: Type) -> str:
    """a + b or a - b of decimals, as the decimal `kind`, which holds it or is as large as they get."""
    digits, scale = kind.args[0], max(a[1].args[1], b[1].args[1])
    # DuckDB's sum has a digit more than the terms, but in 64 bits no more than 18.
    exact = digits < DECIMAL_MAX and digits != DIGITS_64 + 1
    term = decimal(digits - 1 if exact else digits, scale)
    left, right = (text if of == term else f"CAST({text} AS {term.duckdb()})" for text, of in (a, b))
    return f"({left} {sign} {right})" if exact else f"CAST({left} {sign} {right} AS {kind.duckdb()})"


def units_of(text: str, scale: int) -> str:
    """How many units of its scale a decimal is, as a HUGEINT."""
    if not scale:
        return f"CAST({text} AS HUGEINT)"
    if scale > 19:  # A fraction times ten to that power would not fit.
        return f"units_read({text})"
    return f"units_of({text}, CAST({10**scale} AS DECIMAL({scale + 1},0)))"


def of_units(units: str, kind: Type) -> str:
    """A decimal of so many units of its scale."""
    scale = kind.args[1]
    unit = f" * CAST('{10.0**-scale:.{scale}f}' AS DECIMAL({scale},{scale}))" if scale else ""
    return f"CAST(CAST({units} AS DECIMAL(38,0)){unit} AS {kind.duckdb()})"
