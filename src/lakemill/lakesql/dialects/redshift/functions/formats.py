"""TO_CHAR, TO_DATE, TO_TIMESTAMP, TO_NUMBER. Templates are literals."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlglot import exp

from lakemill.lakesql.dialects.coercion import NUMBERS
from lakemill.lakesql.dialects.functions.registry import apply, unexpected
from lakemill.lakesql.dialects.redshift import templates
from lakemill.lakesql.dialects.redshift.coercion import coerce
from lakemill.lakesql.dialects.redshift.functions import dates
from lakemill.lakesql.dialects.typed import Typed, failed, guard, once, text
from lakemill.lakesql.types import DATE, DOUBLE, TIMESTAMPTZ, UNKNOWN, VARCHAR, decimal

if TYPE_CHECKING:
    from lakemill.lakesql.dialects.compiler import Compiler

Rule = Callable[["Compiler", list[exp.Expr], exp.Expr], Typed]


def _template(c: "Compiler", name: str, args: list[exp.Expr], node: exp.Expr) -> str:
    if len(args) < 2:
        raise unexpected(name, [c.expression(a).type for a in args], [f"{name}(any, varchar)"], node, c.dialect)
    found = c.expression(args[1]).value
    if not isinstance(found, str):
        raise failed("0A000", f"{name} with a template that is not a literal is not supported", node)
    return found


def _to_char(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    template, value = _template(c, "to_char", args, node), c.expression(args[0])
    if value.type.name in NUMBERS or value.type == UNKNOWN:
        number = coerce(value, DOUBLE) if value.type.name in {"unknown", "real"} else value
        return Typed(once(number.sql, lambda s: templates.number_text(s, template, number.type, node)), VARCHAR)
    value = dates.moment(c, "to_char", args[0])
    local = f"CAST({value.sql} AS TIMESTAMP)"
    if value.type.name in {"time", "timetz"}:
        local = f"(DATE '2000-01-01' + CAST({value.sql} AS TIME))"
    elif value.type.name == "interval":
        local = f"(TIMESTAMP '2000-01-01' + {value.sql})"
    return Typed(once(local, lambda s: templates.moment_text(s, template, node)), VARCHAR)


def _read(c: "Compiler", name: str, args: list[exp.Expr], node: exp.Expr) -> str:
    template, value = _template(c, name, args, node), c.expression(args[0])
    if c.dialect.cost(value.type, VARCHAR) is None:
        raise unexpected(name, [value.type, VARCHAR], [f"{name}(varchar, varchar)"], node, c.dialect)
    forms = ", ".join(text(f) for f in templates.readers(template, node))

    def body(s: str) -> str:
        made = f"try_strptime(trim({s}), [{forms}])"
        message = f"'invalid value \"' || {s} || {text(chr(34) + ' for template ' + chr(34) + template + chr(34))}"
        return once(made, lambda m: guard(f"({s} IS NOT NULL AND {m} IS NULL)", "22007", message, m))

    return once(coerce(value, VARCHAR).sql, body)


def _to_date(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    return Typed(f"CAST({_read(c, 'to_date', args, node)} AS DATE)", DATE)


def _to_timestamp(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    """In the session's zone."""
    if len(args) == 1:
        return apply("to_timestamp", dates.TABLE["to_timestamp"], [c.expression(args[0])], node, c.dialect)
    made = f"CAST({_read(c, 'to_timestamp', args, node)} AS TIMESTAMP)"
    return Typed(f"CAST({made} AS TIMESTAMP WITH TIME ZONE)", TIMESTAMPTZ)


def _to_number(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    template, value = _template(c, "to_number", args, node), c.expression(args[0])
    kind = decimal(38, templates.scale_of(template, node))

    def body(s: str) -> str:
        digits = f"regexp_replace({s}, '[^0-9.]', '', 'g')"
        minus = f"(contains({s}, '-') OR contains({s}, '<'))"
        made = f"TRY_CAST(CASE WHEN {minus} THEN '-' ELSE '' END || {digits} AS {kind.duckdb()})"
        message = f"'invalid input syntax for type numeric: \"' || {s} || '\"'"
        return once(made, lambda m: guard(f"({s} IS NOT NULL AND {m} IS NULL)", "22P02", message, m))

    return Typed(once(coerce(value, VARCHAR).sql, body), kind)


RULES: dict[str, Rule] = {
    "to_char": _to_char,
    "to_date": _to_date,
    "to_timestamp": _to_timestamp,
    "to_number": _to_number,
}
