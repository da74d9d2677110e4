"""ORDER BY, LIMIT, OFFSET, FETCH."""

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from lakemill.lakesql.dialects.operators import moment
from lakemill.lakesql.dialects.scope import Scope, output_field
from lakemill.lakesql.dialects.typed import Typed, failed, not_supported
from lakemill.lakesql.types import UNKNOWN

if TYPE_CHECKING:
    from lakemill.lakesql.dialects.compiler import Compiler


def order_by(c: "Compiler", node: exp.Expr, columns: list[tuple[str | None, Typed]], items: list[Any]) -> list[str]:
    order = node.args.get("order")
    if order is None:
        return []
    outputs = [output_field(n, v) for n, v in columns]
    scope = Scope(c.scope.fields, c.scope.parent, first=outputs, keys=c.scope.keys)
    keys = []
    texts = [c.dialect.output(v).sql for _, v in columns]
    # Columns of the select list are found first, so the same field has to be known as the query's own.
    with c.within(scope=scope):
        for e in order.expressions:
            if isinstance(e.this, exp.Literal) and not e.this.is_string:
                place = int(e.this.this) if e.this.this.isdigit() else 0
                if not 1 <= place <= len(columns):
                    message = f"ORDER BY position {e.this.this} is not in select list"
                    raise failed("INVALID_COLUMN_REFERENCE", message, e)
                value = columns[place - 1][1]
            else:
                value = c.expression(e.this)
            if node.args.get("distinct"):
                if c.dialect.output(value).sql not in texts:
                    message = "For SELECT DISTINCT, ORDER BY expressions must appear in select list"
                    raise failed("EXPRESSION_NOT_IN_DISTINCT", message, e)
                value = Typed(f"c{texts.index(c.dialect.output(value).sql)}", value.type)
            value = c.dialect.output(value)
            if value.value is not None or value.type == UNKNOWN:
                value = Typed(f"CAST({value.sql} AS {value.type.duckdb()})", value.type)
            keys.append(c.dialect.sort_key(value, e))
    return keys


def sort_key(value: Typed, e: exp.Expr) -> str:
    """NULLs come last whichever way it is sorted, unless the statement says otherwise."""
    if value.type.name in {"map", "json"}:
        raise failed(
            "TYPE_MISMATCH", f"Type {value.type.trino()} is not orderable, and therefore cannot be used in ORDER BY", e
        )
    way = "DESC" if e.args.get("desc") else "ASC"
    return f"{moment(value)} {way} NULLS {'FIRST' if e.args.get('nulls_first') else 'LAST'}"


def _count(c: "Compiler", node: exp.Expr, what: str) -> int:
    if isinstance(node, exp.Literal) and not node.is_string and node.this.isdigit():
        return int(node.this)
    if (found := c.dialect.count(c, node)) is not None:
        return found
    raise failed("SYNTAX_ERROR", f"mismatched input '{node.sql('trino')}'. Expecting: a number after {what}", node)


def limits(c: "Compiler", node: exp.Expr, order: list[str], distinct: bool) -> tuple[list[str], list[str]]:
    """What stands at the end, and a QUALIFY clause for WITH TIES."""
    tail, limit, offset = [], node.args.get("limit"), node.args.get("offset")
    qualify: list[str] = []
    if isinstance(limit, exp.Fetch):
        options = limit.args.get("limit_options")
        count = _count(c, limit.args["count"], "FETCH FIRST") if limit.args.get("count") is not None else 1
        if options is not None and options.args.get("percent"):
            raise not_supported("FETCH FIRST PERCENT", limit)
        if options is not None and options.args.get("with_ties"):
            if not order:
                raise failed("MISSING_ORDER_BY", "FETCH FIRST WITH TIES clause requires ORDER BY", limit)
            if distinct or offset is not None:
                raise not_supported("FETCH FIRST WITH TIES with DISTINCT or OFFSET", limit)
            qualify = [f"QUALIFY rank() OVER (ORDER BY {', '.join(order)}) <= {count}"]
        else:
            tail.append(f"LIMIT {count}")
    elif limit is not None and not (isinstance(limit.expression, exp.Var) or limit.expression.name.upper() == "ALL"):
        tail.append(f"LIMIT {_count(c, limit.expression, 'LIMIT')}")
    if offset is not None:
        tail.append(f"OFFSET {_count(c, offset.expression, 'OFFSET')}")
    return tail, qualify
