"""Calls of aggregates and window functions, with DISTINCT, ORDER BY, FILTER and OVER."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from lakemill.lakesql.dialects.typed import Typed, failed, not_supported
from lakemill.lakesql.types import BIGINT, Type

if TYPE_CHECKING:
    from lakemill.lakesql.dialects.compiler import Compiler


@dataclass
class Call:
    """What a rule for an aggregate or a window function is given."""

    c: "Compiler"
    name: str
    nodes: list[exp.Expr]
    node: exp.Expr
    args: list[Typed]
    distinct: bool = False
    star: bool = False
    order: list[str] = field(default_factory=list)
    ordered: list[Typed] = field(default_factory=list)
    """The values of WITHIN GROUP (ORDER BY ...)."""
    condition: str = ""
    over: str = ""
    nulls: str = ""

    def sql(self, function: str, *args: str, where: str = "", distinct: bool | None = None, order: bool = True) -> str:
        """The call in DuckDB. where: a further condition on rows."""
        conditions = [w for w in (self.condition, where) if w]
        keep = f" FILTER (WHERE {' AND '.join(conditions)})" if conditions else ""
        use_distinct = self.distinct if distinct is None else distinct
        inside = ("DISTINCT " if use_distinct else "") + ", ".join(args)
        if order and self.order:
            inside += f" ORDER BY {', '.join(self.order)}"
        made = f"{function}({inside}{self.nulls}){keep}{self.over}"
        return made if self.over else self.c.collect(made)

    def arity(self, *counts: int) -> None:
        if len(self.args) not in counts:
            raise self.unexpected()

    def unexpected(self) -> Exception:
        from lakemill.lakesql.dialects.functions.registry import unexpected

        return unexpected(self.name, [a.type for a in self.args], [self.name], self.node, self.c.dialect)

    def arg(self, index: int, to: Type) -> str:
        if self.c.dialect.cost(self.args[index].type, to) is None:
            raise self.unexpected()
        return self.c.dialect.coerce(self.args[index], to).sql

    def constant(self, index: int) -> Any:
        value = self.args[index].value
        if value is None:
            raise not_supported(f"{self.name} with an argument {index + 1} that is not a literal", self.node)
        return value


def unwrap(c: "Compiler", node: exp.Expr, families: dict[str, Any]) -> Typed:
    """Take off OVER, FILTER and so on until the call itself is left."""
    window, where, nulls, within, core = None, None, "", None, node
    while not isinstance(core, exp.Anonymous):
        if isinstance(core, exp.Window):
            window = core
        elif isinstance(core, exp.Filter):
            where = core.expression
        elif isinstance(core, exp.IgnoreNulls):
            nulls = " IGNORE NULLS"
        elif isinstance(core, exp.WithinGroup):
            within = core.expression
        elif not isinstance(core, exp.RespectNulls):
            raise failed(
                "FUNCTION_NOT_FOUND", f"'{core.sql('trino')[:40]}' is not an aggregate or window function", node
            )
        core = core.this
    name = core.name.lower()
    aggregate = families["aggregates"].get(name)
    rule = aggregate if window is None else families["windows"].get(name) or aggregate
    if rule is None:
        if window is not None or where is not None:
            if name in families["table"] or name in families["rules"]:
                raise failed(
                    "FUNCTION_NOT_WINDOW", f"Cannot apply OVER or FILTER to non-aggregate function {name}", core
                )
            if name in families["windows"]:
                raise failed("MISSING_OVER", f"Window function {name} requires an OVER clause", core)
        from lakemill.lakesql.dialects.functions.registry import call as plain

        return plain(c, name, core.expressions, core)
    return _carried(c, node, core, rule, window, where, nulls, within, aggregate is not None)


def _carried(
    c: "Compiler",
    node: exp.Expr,
    core: exp.Anonymous,
    rule: Any,
    window: exp.Window | None,
    where: exp.Expr | None,
    nulls: str,
    within: exp.Expr | None,
    is_aggregate: bool,
) -> Typed:
    name, args = core.name.lower(), list(core.expressions)
    if window is None:
        if c.aggregates is None:
            message = f"Cannot nest aggregations inside aggregation or use '{core.sql('trino')}' here"
            code = "NESTED_AGGREGATION" if c.grouped else "EXPRESSION_NOT_SCALAR"
            raise failed(code, message, core)
        c.aggregates.append(core)
    elif not c.windows_allowed:
        raise failed("NESTED_WINDOW", "Window functions cannot be used here", core)
    order_node = within if within is not None else None
    distinct = False
    if args and isinstance(args[-1], exp.Order):
        order_node, args[-1] = args[-1], args[-1].this
    if len(args) == 1 and isinstance(args[0], exp.Distinct):
        distinct, args = True, list(args[0].expressions)
    if args and isinstance(args[0], exp.Distinct):
        distinct, args = True, [*args[0].expressions, *args[1:]]
    star = len(args) == 1 and isinstance(args[0], exp.Star)
    # An aggregate's arguments may name any column; those of a window function only what is grouped by.
    inner: dict[str, Any] = {"groups": None, "aggregates": None} if window is None else {}
    mark, keys = len(c.ungrouped), c.scope.keys
    if window is None:
        c.scope.keys = {}
    with c.within(windows_allowed=False, hoisted=None, **inner):
        values = (
            [] if star else [Typed("", Type("lambda")) if isinstance(a, exp.Lambda) else c.expression(a) for a in args]
        )
        call = Call(c, name, args, core, values, distinct, star)
        if where is not None:
            call.condition = c.boolean(where.this if isinstance(where, exp.Where) else where, "FILTER").sql
        if order_node is not None:
            call.order = [_key(c, e) for e in order_node.expressions]
        if within is not None:
            call.ordered = [c.expression(e.this if isinstance(e, exp.Ordered) else e) for e in within.expressions]
    c.scope.keys = keys
    if window is None:
        del c.ungrouped[mark:]
    else:
        with c.within(windows_allowed=False, hoisted=None):
            call.over = f" OVER ({_specification(c, window)})"
        call.nulls = nulls
    if nulls and window is None:
        raise failed("INVALID_WINDOW_FRAME", "IGNORE NULLS requires an OVER clause", core)
    return c.hoist(rule(call)) if window is not None else rule(call)


def _key(c: "Compiler", e: exp.Expr) -> str:
    if not isinstance(e, exp.Ordered):
        return f"{c.dialect.key(c.expression(e))} ASC NULLS LAST"
    return c.dialect.sort_key(c.expression(e.this), e)


def _specification(c: "Compiler", window: exp.Window) -> str:
    if window.alias:
        named = c.windows.get(window.alias.lower())
        if named is None:
            raise failed("INVALID_WINDOW_REFERENCE", f"Cannot resolve WINDOW name {window.alias}", window)
        if not any(window.args.get(k) for k in ("partition_by", "order", "spec")):
            return _specification_parts(c, named)
        raise not_supported("A window that extends a named one", window)
    if window.args.get("first") is not None and window.args.get("over") is None:
        raise not_supported(window.sql("trino"), window)
    return _specification_parts(c, window)


def _specification_parts(c: "Compiler", window: exp.Expr) -> str:
    parts = []
    if window.args.get("partition_by"):
        parts.append(
            "PARTITION BY "
            + ", ".join(c.dialect.key(c.dialect.output(c.expression(e))) for e in window.args["partition_by"])
        )
    if window.args.get("order"):
        parts.append("ORDER BY " + ", ".join(_key(c, e) for e in window.args["order"].expressions))
    spec = window.args.get("spec")
    if spec is not None:
        kind = (spec.args.get("kind") or "").upper()
        if spec.args.get("exclude"):
            raise not_supported("EXCLUDE in a window frame", window)
        start = _bound(c, spec.args.get("start"), spec.args.get("start_side"), kind)
        end = _bound(c, spec.args.get("end"), spec.args.get("end_side"), kind)
        parts.append(f"{kind} BETWEEN {start} AND {end or 'CURRENT ROW'}")
    return " ".join(parts)


def _bound(c: "Compiler", value: Any, side: str | None, kind: str) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value.upper() if value.upper() == "CURRENT ROW" else f"{value.upper()} {(side or '').upper()}"
    if isinstance(value, exp.Var) and value.name.upper() in {"UNBOUNDED", "CURRENT ROW"}:
        return (
            value.name.upper()
            if value.name.upper() == "CURRENT ROW"
            else f"{value.name.upper()} {(side or '').upper()}"
        )
    found = c.expression(value)
    if kind in {"ROWS", "GROUPS"}:
        found = c.dialect.coerce(found, BIGINT) if found.value is None else found
    return f"{found.sql} {(side or '').upper()}"
