"""Choices: NVL, DECODE, NULLIF, GREATEST and the like."""

from typing import TYPE_CHECKING

from sqlglot import exp

from lakemill.lakesql.dialects.functions.registry import unexpected
from lakemill.lakesql.dialects.redshift.coercion import coerce, common
from lakemill.lakesql.dialects.redshift.operators import both_sides
from lakemill.lakesql.dialects.typed import Typed, failed
from lakemill.lakesql.types import BOOLEAN, UNKNOWN, VARCHAR, Type

if TYPE_CHECKING:
    from lakemill.lakesql.dialects.compiler import Compiler


def one_type(c: "Compiler", what: str, values: list[Typed], nodes: list[exp.Expr]) -> Type:
    """The type that all can be taken for. Raises SqlFailed(42804)."""
    kind = UNKNOWN
    for value, node in zip(values, nodes, strict=True):
        both = common(kind, value.type)
        if both is None:
            shown = f"{c.dialect.shown(kind)} and {c.dialect.shown(value.type)}"
            raise failed("42804", f"{what} types {shown} cannot be matched", node)
        kind = both
    return VARCHAR if kind == UNKNOWN else kind


def _coalesce(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    values = [c.expression(a) for a in args]
    if not values:
        raise failed("42601", 'syntax error at or near ")"', node)
    kind = one_type(c, "COALESCE", values, args)
    return Typed(f"coalesce({', '.join(coerce(v, kind).sql for v in values)})", kind)


def _nvl2(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    values = [c.expression(a) for a in args]
    if len(values) != 3:
        raise unexpected("nvl2", [v.type for v in values], ["nvl2(any, any, any)"], node, c.dialect)
    kind = one_type(c, "NVL2", values[1:], args[1:])
    yes, no = (coerce(v, kind).sql for v in values[1:])
    return Typed(f"CASE WHEN {c.dialect.output(values[0]).sql} IS NOT NULL THEN {yes} ELSE {no} END", kind)


def _decode(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    """DECODE(x, search, result, ..., default): NULL is found by NULL."""
    values = [c.expression(a) for a in args]
    if len(values) < 3:
        raise unexpected("decode", [v.type for v in values], ["decode(any, any, any)"], node, c.dialect)
    pairs, rest = len(values[1:]) // 2, values[1:]
    results = [rest[2 * i + 1] for i in range(pairs)] + ([rest[-1]] if len(rest) % 2 else [])
    kind = one_type(c, "DECODE", results, args[: len(results)])
    branches = []
    for i in range(pairs):
        x, y = both_sides("=", values[0], rest[2 * i], node)
        branches.append(f"WHEN {x.sql} IS NOT DISTINCT FROM {y.sql} THEN {coerce(rest[2 * i + 1], kind).sql}")
    other = f" ELSE {coerce(rest[-1], kind).sql}" if len(rest) % 2 else ""
    return Typed(f"CASE {' '.join(branches)}{other} END", kind)


def _nullif(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    values = [c.expression(a) for a in args]
    if len(values) != 2:
        raise failed("42601", "NULLIF takes two arguments", node)
    x, y = both_sides("=", values[0], values[1], node)
    value = c.dialect.output(values[0])
    return Typed(f"CASE WHEN {x.sql} = {y.sql} THEN NULL ELSE {value.sql} END", value.type)


def _utmost(function: str):  # type: ignore[no-untyped-def]
    """greatest and least: NULLs are passed over."""

    def rule(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
        values = [c.expression(a) for a in args]
        if not values:
            raise failed("42601", 'syntax error at or near ")"', node)
        kind = one_type(c, function.upper(), values, args)
        return Typed(f"{function}({', '.join(coerce(v, kind).sql for v in values)})", kind)

    return rule


def _isnull(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    if len(args) != 1:
        return _coalesce(c, args, node)
    return Typed(f"({c.dialect.output(c.expression(args[0])).sql} IS NULL)", BOOLEAN)


def _convert_case(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    """collate(x, 'case_insensitive') is refused; 'case_sensitive' is what there is."""
    value = c.expression(args[0])
    if len(args) != 2 or str(c.expression(args[1]).value).lower() not in {"case_sensitive", "cs"}:
        raise failed("0A000", "COLLATE other than case_sensitive is not supported", node)
    return value


RULES = {
    "coalesce": _coalesce,
    "nvl": _coalesce,
    "ifnull": _coalesce,
    "isnull": _isnull,
    "nvl2": _nvl2,
    "decode": _decode,
    "nullif": _nullif,
    "greatest": _utmost("greatest"),
    "least": _utmost("least"),
    "collate": _convert_case,
}
