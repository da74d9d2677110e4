"""Numbers: where DuckDB refuses (the root of -1, the logarithm of 0), Trino gives NaN or an infinity."""

from typing import TYPE_CHECKING

from sqlglot import exp

from lakemill.lakesql.dialects.coercion import INTEGERS, NUMBERS, coerce, common
from lakemill.lakesql.dialects.functions.registry import table, unexpected
from lakemill.lakesql.dialects.operators import arithmetic, moment
from lakemill.lakesql.dialects.typed import Typed, failed
from lakemill.lakesql.types import BIGINT, DOUBLE, UNKNOWN, Type, decimal

if TYPE_CHECKING:
    from lakemill.lakesql.dialects.compiler import Compiler

TABLE = table(
    """
cbrt(double) -> double : cube_root({0})
degrees(double) -> double : degrees({0})
radians(double) -> double : radians({0})
e() -> double : exp(CAST(1 AS DOUBLE))
pi() -> double : pi()
exp(double) -> double : exp({0})
ln(double) -> double : log_of(ln, {0})
log2(double) -> double : log_of(log2, {0})
log10(double) -> double : log_of(log10, {0})
log(double, double) -> double : (log_of(ln, {1}) / log_of(ln, {0}))
power(double, double) -> double : pow({0}, {1})
sqrt(double) -> double : CASE WHEN {0} < 0 THEN CAST('nan' AS DOUBLE) ELSE sqrt({0}) END
sin(double) -> double : sin({0})
cos(double) -> double : cos({0})
tan(double) -> double : tan({0})
sinh(double) -> double : sinh({0})
cosh(double) -> double : cosh({0})
tanh(double) -> double : tanh({0})
asin(double) -> double : CASE WHEN abs({0}) > 1 THEN CAST('nan' AS DOUBLE) ELSE asin({0}) END
acos(double) -> double : CASE WHEN abs({0}) > 1 THEN CAST('nan' AS DOUBLE) ELSE acos({0}) END
atan(double) -> double : atan({0})
atan2(double, double) -> double : atan2({0}, {1})
nan() -> double : CAST('nan' AS DOUBLE)
infinity() -> double : CAST('inf' AS DOUBLE)
is_nan(double) -> boolean : isnan({0})
is_finite(double) -> boolean : isfinite({0})
is_infinite(double) -> boolean : isinf({0})
random() -> double : random()
bitwise_and(bigint, bigint) -> bigint : ({0} & {1})
bitwise_or(bigint, bigint) -> bigint : ({0} | {1})
bitwise_xor(bigint, bigint) -> bigint : xor({0}, {1})
bitwise_not(bigint) -> bigint : (~{0})
bit_count(bigint, bigint) -> bigint : bits_counted({0}, {1})
to_base(bigint, bigint) -> varchar : base_text({0}, {1})
from_base(varchar, bigint) -> bigint : base_number({0}, {1})
width_bucket(double, double, double, bigint) -> bigint : bucket_of({0}, {1}, {2}, {3})
"""
)
TABLE["pow"] = TABLE["power"]
TABLE["rand"] = TABLE["random"]
for _name, _functions in {"ln": ("ln",), "log2": ("log2",), "log10": ("log10",), "log": ("ln",)}.items():
    # The logarithm of 0 is minus infinity, of less, not a number.
    for _overload in list(TABLE[_name]):
        _sql = _overload.sql
        for _function in _functions:
            for _i in (0, 1):
                _sql = _sql.replace(
                    f"log_of({_function}, {{{_i}}})",
                    f"(CASE WHEN {{{_i}}} > 0 THEN {_function}({{{_i}}}) WHEN {{{_i}}} = 0 THEN CAST('-inf' AS DOUBLE) "
                    f"WHEN {{{_i}}} IS NOT NULL THEN CAST('nan' AS DOUBLE) END)",
                )
        TABLE[_name] = [type(_overload)(_overload.params, _overload.returns, _sql, False)]


def _values(c: "Compiler", name: str, args: list[exp.Expr], node: exp.Expr, *counts: int) -> list[Typed]:
    values = [c.expression(a) for a in args]
    if len(values) not in counts or any(v.type.name not in NUMBERS | {"unknown"} for v in values):
        raise unexpected(
            name, [v.type for v in values], [f"{name}(double)", f"{name}(bigint)", f"{name}(decimal)"], node
        )
    return values


def _same_type(function: str):  # type: ignore[no-untyped-def]
    """abs and sign: of the type of the argument."""

    def rule(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
        (value,) = _values(c, function, args, node, 1)
        kind = value.type if value.type != UNKNOWN else DOUBLE
        if function == "sign" and kind.name == "decimal":
            kind = decimal(1, 0)
        sql = f"CAST({coerce(value, value.type).sql} AS {value.type.duckdb()})"
        return Typed(f"CAST({function}({sql}) AS {kind.duckdb()})", kind)

    return rule


def _whole(function: str):  # type: ignore[no-untyped-def]
    """ceil and floor."""

    def rule(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
        (value,) = _values(c, function, args, node, 1)
        kind = value.type
        if kind.name in INTEGERS:
            return value
        if kind.name == "decimal":
            kind = decimal(kind.args[0] - kind.args[1] + min(kind.args[1], 1), 0)
        elif kind == UNKNOWN:
            kind = DOUBLE
        return Typed(f"CAST({function}({value.sql}) AS {kind.duckdb()})", kind)

    return rule


def _round(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    """Half away from zero."""
    value, *digits = _values(c, "round", args, node, 1, 2)
    kind = value.type
    if kind == UNKNOWN:
        return coerce(value, DOUBLE)
    if digits and digits[0].type.name not in INTEGERS | {"unknown": 0}:
        raise unexpected("round", [value.type, digits[0].type], ["round(double, bigint)"], node)
    places = f"CAST({digits[0].sql} AS INTEGER)" if digits else "0"
    if kind.name == "decimal":
        precision, scale = kind.args
        if not digits:
            made = decimal(precision - scale + min(scale, 1), 0)
            return Typed(f"CAST({value.sql} AS {made.duckdb()})", made)
        if not isinstance(digits[0].value, int):
            raise failed(
                "NOT_SUPPORTED", "round of a decimal to a number of digits that is not a literal is not supported", node
            )
        made = decimal(precision + 1, scale)
        if digits[0].value >= scale:
            return coerce(value, made)
        if digits[0].value < 0:
            raise failed("NOT_SUPPORTED", "round of a decimal to tens is not supported", node)
        between = decimal(min(precision + 1, 38), digits[0].value)
        return Typed(f"CAST(CAST({value.sql} AS {between.duckdb()}) AS {made.duckdb()})", made)
    if kind.name in INTEGERS and not digits:
        return value
    return Typed(f"CAST(round({value.sql}, {places}) AS {kind.duckdb()})", kind)


def _truncate(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    value, *digits = _values(c, "truncate", args, node, 1, 2)
    kind = value.type if value.type.name in {"real", "decimal"} else DOUBLE
    if kind.name == "decimal":
        precision, scale = kind.args
        if not digits:
            made = decimal(max(precision - scale, 1), 0)
            return Typed(f"CAST(trunc({value.sql}) AS {made.duckdb()})", made)
        raise failed("NOT_SUPPORTED", "truncate of a decimal to a number of digits is not supported", node)
    sql = coerce(value, DOUBLE).sql
    if not digits:
        return Typed(f"CAST(trunc({sql}) AS {kind.duckdb()})", kind)
    power = f"pow(CAST(10 AS DOUBLE), {digits[0].sql})"
    return Typed(f"CAST(trunc({sql} * {power}) / {power} AS {kind.duckdb()})", kind)


def _mod(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    a, b = _values(c, "mod", args, node, 2)
    return arithmetic("%", a, b, node)


def _utmost(function: str):  # type: ignore[no-untyped-def]
    """greatest and least: NULL where one is NULL."""

    def rule(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
        values = [c.expression(a) for a in args]
        kind: Type | None = UNKNOWN
        for v in values:
            kind = common(kind or UNKNOWN, v.type)
            if kind is None or kind.name in {"map", "array", "row", "json", "timestamp with time zone"}:
                raise unexpected(function, [v.type for v in values], [f"{function}(E)"], node)
        if not values:
            raise unexpected(function, [], [f"{function}(E)"], node)
        sides = [coerce(v, kind or UNKNOWN) for v in values]
        nulls = " OR ".join(f"{s.sql} IS NULL" for s in sides)
        made = f"{function}({', '.join(moment(s) for s in sides)})"
        return Typed(f"CASE WHEN {nulls} THEN NULL ELSE {made} END", kind or UNKNOWN)

    return rule


def _random(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    if not args:
        return Typed("random()", DOUBLE)
    values = [c.expression(a) for a in args]
    if len(values) > 2 or any(v.type.name not in INTEGERS for v in values):
        raise unexpected("random", [v.type for v in values], ["random()", "random(n)", "random(m, n)"], node)
    low, high = ("0", values[0].sql) if len(values) == 1 else (values[0].sql, values[1].sql)
    kind = BIGINT if any(v.type == BIGINT for v in values) else values[0].type
    return Typed(f"CAST({low} + floor(random() * ({high} - {low})) AS {kind.duckdb()})", kind)


def _shift(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    """Bits that fall out at the top are lost; DuckDB would fail."""
    value, by = _values(c, "bitwise_left_shift", args, node, 2)
    width = {"tinyint": 8, "smallint": 16, "integer": 32, "bigint": 64}.get(value.type.name)
    if width is None:
        raise unexpected("bitwise_left_shift", [value.type, by.type], ["bitwise_left_shift(bigint, bigint)"], node)
    size = f"CAST('{2**width}' AS HUGEINT)"
    moved = f"signed(wrapped(CAST({value.sql} AS HUGEINT) * CAST(pow(2, {by.sql}) AS HUGEINT), {size}), {size})"
    made = f"CAST(CASE WHEN {by.sql} >= {width} THEN 0 ELSE {moved} END AS {value.type.duckdb()})"
    return Typed(made, value.type)


RULES = {
    "abs": _same_type("abs"),
    "sign": _same_type("sign"),
    "ceil": _whole("ceil"),
    "ceiling": _whole("ceil"),
    "floor": _whole("floor"),
    "round": _round,
    "truncate": _truncate,
    "mod": _mod,
    "greatest": _utmost("greatest"),
    "least": _utmost("least"),
    "random": _random,
    "rand": _random,
    "bitwise_left_shift": _shift,
}
