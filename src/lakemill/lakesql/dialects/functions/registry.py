"""All functions there are. What is not here cannot be called.

A family's table says a function on a line: `name(types) -> type : expression of DuckDB`, where {0} is the first
argument. Capital letters stand for any type, the same one everywhere in the line; `...` after the last type for any
number of such. What needs more than an expression has a rule in Python: `RULES`, `AGGREGATES`, `WINDOWS` of its family.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from lakemill.lakesql.dialects.typed import Typed, failed
from lakemill.lakesql.types import UNKNOWN, Type, array, mapping

if TYPE_CHECKING:
    from lakemill.lakesql.dialects.compiler import Compiler
    from lakemill.lakesql.dialects.dialect import Dialect

Rule = Callable[["Compiler", list[exp.Expr], exp.Expr], Typed]


@dataclass(frozen=True)
class Overload:
    """A line of a table."""

    params: tuple[str, ...]
    returns: str
    sql: str
    variadic: bool


_LINE = re.compile(r"(\w+)\((.*?)\) -> ([^:]+?) : (.*)")


def table(lines: str) -> dict[str, list[Overload]]:
    """The functions of a table, with their overloads in order."""
    found: dict[str, list[Overload]] = {}
    for line in lines.strip().splitlines():
        match = _LINE.fullmatch(line.strip())
        assert match, line
        params = _split(match[2])
        variadic = bool(params) and params[-1].endswith("...")
        params = [p.removesuffix("...") for p in params]
        found.setdefault(match[1], []).append(Overload(tuple(params), match[3].strip(), match[4], variadic))
    return found


def _split(text: str) -> list[str]:
    """At commas outside of parentheses."""
    parts, depth, start = [], 0, 0
    for i, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth == 0:
            parts.append(text[start:i].strip())
            start = i + 1
    return [*parts, text[start:].strip()] if text.strip() else []


def of_spec(spec: str, bound: dict[str, Type], dialect: "Dialect") -> Type:
    """The type that a table's word means."""
    if spec in bound:
        return bound[spec]
    if spec.startswith("array("):
        return array(of_spec(spec[6:-1], bound, dialect))
    if spec.startswith("map("):
        key, value = _split(spec[4:-1])
        return mapping(of_spec(key, bound, dialect), of_spec(value, bound, dialect))
    if spec.startswith("decimal"):
        found = re.fullmatch(r"decimal\((\d+),(\d+)\)", spec)
        return Type("decimal", (int(found[1]), int(found[2]))) if found else Type("decimal", (38, 0))
    if re.fullmatch(r"[A-Z]", spec):
        return UNKNOWN
    return dialect.of_word(spec)


def _bind(spec: str, kind: Type, bound: dict[str, Type], dialect: "Dialect") -> bool:
    """Find what the capital letters stand for. False where the type cannot be meant."""
    if re.fullmatch(r"[A-Z]", spec):
        both = dialect.common(bound.get(spec, UNKNOWN), kind)
        if both is None:
            return False
        bound[spec] = both
        return True
    if spec.startswith("array("):
        return kind == UNKNOWN or (kind.name == "array" and _bind(spec[6:-1], kind.element, bound, dialect))
    if spec.startswith("map("):
        key, value = _split(spec[4:-1])
        return kind == UNKNOWN or (
            kind.name == "map"
            and _bind(key, kind.args[0], bound, dialect)
            and _bind(value, kind.args[1], bound, dialect)
        )
    return True


def match(overload: Overload, kinds: list[Type], dialect: "Dialect") -> tuple[int, list[Type], dict[str, Type]] | None:
    """How far the arguments must be stretched, what they become, and what the letters stand for."""
    params = list(overload.params)
    if overload.variadic and len(kinds) >= len(params) - 1:
        params += [params[-1]] * (len(kinds) - len(params))
        params = params[: len(kinds)]
    if len(params) != len(kinds):
        return None
    bound: dict[str, Type] = {}
    if not all(_bind(p, k, bound, dialect) for p, k in zip(params, kinds, strict=True)):
        return None
    wanted, total = [], 0
    for param, kind in zip(params, kinds, strict=True):
        to = of_spec(param, bound, dialect)
        if param == "decimal" and kind.name == "decimal":
            to = kind
        stretch = dialect.cost(kind, to)
        if stretch is None:
            return None
        total += stretch
        wanted.append(to)
    return total, wanted, bound


def apply(name: str, overloads: list[Overload], args: list[Typed], node: exp.Expr, dialect: "Dialect") -> Typed:
    """The call by the overload that fits best. Raises SqlFailed(FUNCTION_NOT_FOUND)."""
    best: tuple[int, Overload, list[Type], dict[str, Type]] | None = None
    for overload in overloads:
        found = match(overload, [a.type for a in args], dialect)
        if found is not None and (best is None or found[0] < best[0]):
            best = (found[0], overload, found[1], found[2])
    if best is None:
        raise unexpected(
            name, [a.type for a in args], [f"{name}({', '.join(o.params)})" for o in overloads], node, dialect
        )
    _, overload, wanted, bound = best
    values = [dialect.coerce(a, w).sql for a, w in zip(args, wanted, strict=True)]
    sql = overload.sql.replace("{*}", ", ".join(values))
    for i, value in enumerate(values):
        sql = sql.replace(f"{{{i}}}", value) if f"{{{i}}}" in sql else sql
    kind = of_spec(overload.returns, bound, dialect)
    if overload.returns == "decimal":
        kind = next(w for w in wanted if w.name == "decimal")
    return Typed(f"({sql})" if not re.match(r"[\w.]+\(", sql) else sql, kind)


def unexpected(
    name: str, kinds: list[Type], expected: list[str], node: exp.Expr, dialect: "Dialect | None" = None
) -> Exception:
    shown = ", ".join(dialect.shown(k) if dialect else k.trino() for k in kinds)
    message = f"Unexpected parameters ({shown}) for function {name}. Expected: {', '.join(expected)}"
    return failed("FUNCTION_NOT_FOUND", message, node)


@cache
def families() -> dict[str, Any]:
    """Everything the families tell, put together."""
    from lakemill.lakesql.dialects.functions import (
        aggregates,
        arrays,
        binary,
        conversion,
        dates,
        json,
        maps,
        numbers,
        refused,
        regex,
        strings,
        url,
        windows,
    )

    made: dict[str, Any] = {"table": {}, "rules": {}, "aggregates": aggregates.AGGREGATES, "windows": windows.WINDOWS}
    made["refused"] = refused.REFUSED
    for family in (arrays, binary, conversion, dates, json, maps, numbers, regex, strings, url):
        for name, overloads in getattr(family, "TABLE", {}).items():
            made["table"].setdefault(name, []).extend(overloads)
        made["rules"] |= getattr(family, "RULES", {})
    return made


def names() -> set[str]:
    """Every function that can be called."""
    made = families()
    return set(made["table"]) | set(made["rules"]) | set(made["aggregates"]) | set(made["windows"])


def is_aggregate(name: str) -> bool:
    return name in families()["aggregates"]


def call(c: "Compiler", name: str, args: list[exp.Expr], node: exp.Expr, **options: Any) -> Typed:
    """A call of a function by its name. Raises SqlFailed(FUNCTION_NOT_FOUND, NOT_SUPPORTED)."""
    made = c.dialect.families()
    if name in made["rules"]:
        return made["rules"][name](c, args, node, **options)
    if name in made["table"]:
        for a in args:
            if isinstance(a, exp.Lambda):
                raise failed("TYPE_MISMATCH", f"Unexpected lambda for function {name}", a)
        return apply(name, made["table"][name], [c.expression(a) for a in args], node, c.dialect)
    if name in made["aggregates"]:
        return windowed(c, node)
    if name in made["windows"]:
        raise failed("MISSING_OVER", f"Window function {name} requires an OVER clause", node)
    if name in made["refused"]:
        raise failed("NOT_SUPPORTED", f"Function '{name}' is not supported: {made['refused'][name]}", node)
    raise failed("FUNCTION_NOT_FOUND", f"Function '{name}' not registered", node)


def windowed(c: "Compiler", node: exp.Expr) -> Typed:
    """An aggregate or a window function, with what is hung on it: FILTER, WITHIN GROUP, OVER."""
    from lakemill.lakesql.dialects.functions.calls import unwrap

    return unwrap(c, node, c.dialect.families())
