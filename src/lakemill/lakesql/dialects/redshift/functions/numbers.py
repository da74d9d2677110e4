"""Numbers. Where a result is none (a root of -1, a logarithm of 0) the statement fails."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlglot import exp

from lakemill.lakesql.dialects.coercion import INTEGERS, NUMBERS
from lakemill.lakesql.dialects.functions.registry import table, unexpected
from lakemill.lakesql.dialects.redshift.coercion import coerce
from lakemill.lakesql.dialects.redshift.operators import arithmetic
from lakemill.lakesql.dialects.typed import Typed, guard, once
from lakemill.lakesql.types import DOUBLE, INTEGER, UNKNOWN, Type, decimal

if TYPE_CHECKING:
    from lakemill.lakesql.dialects.compiler import Compiler

Rule = Callable[["Compiler", list[exp.Expr], exp.Expr], Typed]
TABLE = table(
    """
cbrt(double) -> double : cube_root({0})
degrees(double) -> double : degrees({0})
radians(double) -> double : radians({0})
pi() -> double : pi()
exp(double) -> double : exp({0})
sin(double) -> double : sin({0})
cos(double) -> double : cos({0})
tan(double) -> double : tan({0})
cot(double) -> double : cot({0})
asin(double) -> double : asin({0})
acos(double) -> double : acos({0})
atan(double) -> double : atan({0})
atan2(double, double) -> double : atan2({0}, {1})
power(double, double) -> double : pow({0}, {1})
random() -> double : random()
width_bucket(double, double, double, bigint) -> integer : CAST(bucket_of({0}, {1}, {2}, {3}) AS INTEGER)
"""
)
TABLE["pow"], TABLE["dexp"] = TABLE["power"], TABLE["exp"]


def _values(c: "Compiler", name: str, args: list[exp.Expr], node: exp.Expr, *counts: int) -> list[Typed]:
    values = [c.expression(a) for a in args]
    values = [coerce(v, DOUBLE) if v.type == UNKNOWN else v for v in values]
    values = [Typed(f"super_number({v.sql})", DOUBLE) if v.type.name == "super" else v for v in values]
    if len(values) not in counts or any(v.type.name not in NUMBERS for v in values):
        raise unexpected(name, [v.type for v in values], [f"{name}(double)"], node, c.dialect)
    return values


def _root(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    (value,) = _values(c, "sqrt", args, node, 1)
    x = coerce(value, DOUBLE).sql
    message = "'cannot take square root of a negative number'"
    return Typed(once(x, lambda s: guard(f"{s} < 0", "2201F", message, f"sqrt({s})")), DOUBLE)


def _logarithm(function: str) -> Rule:
    def rule(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
        (value,) = _values(c, function, args, node, 1)

        def body(s: str) -> str:
            positive = guard(f"{s} < 0", "2201E", "'cannot take logarithm of a negative number'", f"{function}({s})")
            return guard(f"{s} = 0", "2201E", "'cannot take logarithm of zero'", positive)

        return Typed(once(coerce(value, DOUBLE).sql, body), DOUBLE)

    return rule


def _same_type(function: str) -> Rule:
    """abs: of the type of the argument. sign too."""

    def rule(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
        (value,) = _values(c, function, args, node, 1)
        kind = value.type
        sql = f"CAST({value.sql} AS {kind.duckdb()})"
        return Typed(f"CAST({function}({sql}) AS {kind.duckdb()})", kind)

    return rule


def _whole(function: str) -> Rule:
    """ceil and floor: integers stay, decimals lose their scale."""

    def rule(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
        (value,) = _values(c, function, args, node, 1)
        kind = value.type
        if kind.name in INTEGERS:
            return value
        if kind.name == "decimal":
            kind = decimal(min(kind.args[0] - kind.args[1] + 1, 38), 0)
        return Typed(f"CAST({function}({value.sql}) AS {kind.duckdb()})", kind)

    return rule


def _round(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    """Half away from zero; a decimal keeps its precision and scale."""
    value, *digits = _values(c, "round", args, node, 1, 2)
    kind = value.type
    places = f"CAST({digits[0].sql} AS INTEGER)" if digits else "0"
    if kind.name in INTEGERS:
        if not digits:
            return value
        return Typed(f"CAST(round({value.sql}, {places}) AS {kind.duckdb()})", kind)
    if kind.name == "decimal":
        if not digits:
            to = decimal(min(kind.args[0] - kind.args[1] + 1, 38), 0)
            return Typed(f"CAST({value.sql} AS {to.duckdb()})", to)
        if isinstance(digits[0].value, int) and 0 <= digits[0].value < kind.args[1]:
            between = decimal(min(kind.args[0] - kind.args[1] + digits[0].value + 1, 38), digits[0].value)
            to = decimal(min(kind.args[0] + 1, 38), kind.args[1])
            return Typed(f"CAST(CAST({value.sql} AS {between.duckdb()}) AS {to.duckdb()})", to)
        if isinstance(digits[0].value, int) and digits[0].value >= kind.args[1]:
            return value
        to = decimal(min(kind.args[0] + 1, 38), kind.args[1])
        return Typed(f"CAST(round(CAST({value.sql} AS DOUBLE), {places}) AS {to.duckdb()})", to)
    return Typed(f"CAST(round({value.sql}, {places}) AS {kind.duckdb()})", kind)


def _trunc(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    """Of a number towards zero; of a timestamp its date."""
    if len(args) == 1:
        found = c.expression(args[0])
        if found.type.name in {"timestamp", "timestamptz", "date"}:
            return Typed(f"CAST({found.sql} AS DATE)", Type("date"))
    value, *digits = _values(c, "trunc", args, node, 1, 2)
    kind = value.type
    if kind.name in INTEGERS and not digits:
        return value
    if kind.name == "decimal" and (not digits or isinstance(digits[0].value, int)):
        places = digits[0].value if digits else 0
        if places >= kind.args[1]:
            return value
        if places < 0:
            made = f"CAST(trunc({value.sql} / {10**-places}) AS DECIMAL(38,0)) * {10**-places}"
            return Typed(f"CAST({made} AS {kind.duckdb()})", kind)
        unit = f"CAST('{10.0**-places:.{places}f}' AS DECIMAL({places + 1},{places}))"
        whole = decimal(min(kind.args[0] - kind.args[1] + places + 1, 38), 0).duckdb()
        shifted = f"trunc({value.sql} * CAST({10**places} AS DECIMAL({places + 1},0)))"
        made = f"CAST({shifted} AS {whole}) * {unit}" if places else f"trunc({value.sql})"
        to = kind if digits else decimal(max(kind.args[0] - kind.args[1], 1), 0)
        return Typed(f"CAST({made} AS {to.duckdb()})", to)
    places = coerce(digits[0], INTEGER).sql if digits else "0"
    x = coerce(value, DOUBLE).sql
    to = DOUBLE if kind.name != "real" else kind
    return Typed(
        f"CAST(trunc({x} * pow(CAST(10 AS DOUBLE), {places})) / pow(CAST(10 AS DOUBLE), {places}) AS {to.duckdb()})", to
    )


def _mod(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    a, b = _values(c, "mod", args, node, 2)
    return arithmetic("%", a, b, node)


RULES: dict[str, Rule] = {
    "sqrt": _root,
    "ln": _logarithm("ln"),
    "dlog1": _logarithm("ln"),
    "log": _logarithm("log10"),
    "dlog10": _logarithm("log10"),
    "abs": _same_type("abs"),
    "sign": _same_type("sign"),
    "ceil": _whole("ceil"),
    "ceiling": _whole("ceil"),
    "floor": _whole("floor"),
    "round": _round,
    "dround": _round,
    "trunc": _trunc,
    "mod": _mod,
}
