"""GROUP BY: what is grouped by, and the grouped rows."""

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from lakemill.lakesql.dialects.scope import Field
from lakemill.lakesql.dialects.typed import failed, not_supported

if TYPE_CHECKING:
    from lakemill.lakesql.dialects.compiler import Compiler


def grouped(c: "Compiler", parts: list[str], keys: list[str], grouping: str, condition: str) -> list[str]:
    """FROM the grouped rows: what is grouped by and the aggregates, each once, and HAVING as their condition."""
    shown = [f"{key} AS k{i}" for i, key in enumerate(keys)]
    shown += [f"{aggregate} AS a{i}" for i, aggregate in enumerate(c.collected)]
    if not c.collected:
        # Without an aggregate DuckDB would not group.
        shown.append("count(*) AS n")
    inner = " ".join([f"SELECT {', '.join(shown)}", *parts, *([f"GROUP BY {grouping}"] if grouping else [])])
    return [f"FROM ({inner}) AS {c.grouped}", *([f"WHERE {condition}"] if condition else [])]


def grouping_of(
    c: "Compiler", node: exp.Select, items: list[tuple[str | None, Any]]
) -> tuple[dict[str, str], list[str], str]:
    """The columns that expressions are grouped into, these expressions in order, and the GROUP BY clause."""
    group = node.args.get("group")
    if group is None:
        return {}, [], ""
    if any(v for k, v in group.args.items() if k not in {"expressions"}):
        raise not_supported(group.sql("trino"), node)
    known: dict[str, str] = {}
    keys: list[str] = []

    def one(e: exp.Expr) -> str:
        if isinstance(e, exp.GroupingSets | exp.Cube | exp.Rollup):
            word = {exp.GroupingSets: "GROUPING SETS", exp.Cube: "CUBE", exp.Rollup: "ROLLUP"}[type(e)]
            return f"{word} ({', '.join(one(i) for i in e.expressions)})"
        if isinstance(e, exp.Tuple):
            return f"({', '.join(one(i) for i in e.expressions)})"
        item: Any = e.this if isinstance(e, exp.Paren) else e
        if isinstance(item, exp.Literal) and not item.is_string:
            place = int(item.this) if item.this.isdigit() else 0
            if not 1 <= place <= len(items):
                raise failed("INVALID_COLUMN_REFERENCE", f"GROUP BY position {item.this} is not in select list", e)
            item = items[place - 1][1]
        elif c.dialect.names_of_output and isinstance(item, exp.Column) and len(item.parts) == 1:
            item = _output(c, item, items)
        before = len(c.aggregates or [])
        with c.within(groups=None, windows_allowed=False):
            value = item.take() if isinstance(item, Field) else c.expression(item)
        if len(c.aggregates or []) > before:
            what = "aggregations, window functions or grouping operations"
            message = f"GROUP BY clause cannot contain {what}: [{item.sql('trino')}]"
            raise failed("EXPRESSION_NOT_SCALAR", message, e)
        value = c.dialect.output(value)
        key = value.sql if value.value is None else f"CAST({value.sql} AS {value.type.duckdb()})"
        if key not in keys:
            keys.append(key)
        known[value.sql] = f"{c.grouped}.k{keys.index(key)}"
        return key

    clause = ", ".join(one(e) for e in group.expressions)
    return known, keys, clause


def _output(c: "Compiler", item: exp.Column, items: list[tuple[str | None, Any]]) -> Any:
    """What an output column is made of, if this names one and no column that is there."""
    name = item.name.lower()
    if any(f.name == name for f in c.scope.fields):
        return item
    return next((made for known, made in items if known and known.lower() == name), item)
