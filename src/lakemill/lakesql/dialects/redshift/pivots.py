"""PIVOT and UNPIVOT, as the queries that they stand for."""

from typing import TYPE_CHECKING

from sqlglot import exp

from lakemill.lakesql.dialects.scope import Field
from lakemill.lakesql.dialects.typed import failed, not_supported

if TYPE_CHECKING:
    from lakemill.lakesql.dialects.compiler import Compiler


def query_of(c: "Compiler", node: exp.Expr, fields: list[Field]) -> exp.Expr:
    """node: a table or sub-query with one PIVOT or UNPIVOT, whose columns are these."""
    pivots = node.args["pivots"]
    if len(pivots) != 1 or len(pivots[0].args.get("fields") or []) != 1:
        raise not_supported("More than one PIVOT", node)
    pivot, plain = pivots[0], node.copy()
    plain.set("pivots", None)
    names = [f.name or "?column?" for f in fields if not f.hidden]
    made = _unpivoted(pivot, plain, names) if pivot.args.get("unpivot") else _pivoted(pivot, plain, names)
    alias = pivot.args.get("alias") or node.args.get("alias")
    if alias is None and isinstance(node, exp.Table):
        alias = exp.TableAlias(this=exp.to_identifier(node.name))
    return exp.Subquery(this=made, alias=alias.copy() if alias is not None else None)


def _pivoted(pivot: exp.Expr, plain: exp.Expr, names: list[str]) -> exp.Expr:
    chosen = pivot.args["fields"][0]
    column, values = chosen.this.name.lower(), chosen.expressions
    calls = [
        (e.this if isinstance(e, exp.Alias) else e, e.alias if isinstance(e, exp.Alias) else "")
        for e in pivot.expressions
    ]
    used = {column} | {x.name.lower() for call, _ in calls for x in call.find_all(exp.Column)}
    keys = [n for n in names if n not in used]
    if column not in names:
        raise failed("42703", f'column "{column}" does not exist', chosen)
    items: list[exp.Expr] = [exp.column(k, quoted=True) for k in keys]
    for value in values:
        inner = value.this if isinstance(value, exp.PivotAlias | exp.Alias) else value
        name = value.args["alias"].name if isinstance(value, exp.PivotAlias | exp.Alias) else inner.name
        for call, suffix in calls:
            items.append(exp.alias_(_chosen(call, column, inner), f"{name}_{suffix}" if suffix else name, quoted=True))
    made = exp.select(*items).from_(plain)
    return made.group_by(*(exp.column(k, quoted=True) for k in keys)) if keys else made


def _chosen(call: exp.Expr, column: str, value: exp.Expr) -> exp.Expr:
    """The aggregate over the rows where the column has this value."""
    made = call.copy()
    if not isinstance(made, exp.Anonymous) or not made.expressions:
        raise failed("42601", "PIVOT needs an aggregate", call)
    first = made.expressions[0]
    argument = first.expressions[0] if isinstance(first, exp.Distinct) else first
    condition = exp.EQ(this=exp.column(column, quoted=True), expression=value.copy())
    result = exp.Literal.number(1) if isinstance(argument, exp.Star) else argument.copy()
    argument.replace(exp.Case(ifs=[exp.If(this=condition, true=result)]))
    return made


def _unpivoted(pivot: exp.Expr, plain: exp.Expr, names: list[str]) -> exp.Expr:
    chosen, value = pivot.args["fields"][0], pivot.expressions[0].name.lower()
    label = chosen.this.name.lower()
    columns = []
    for e in chosen.expressions:
        aliased = isinstance(e, exp.PivotAlias | exp.Alias)
        columns.append(((e.this if aliased else e).name.lower(), e.args["alias"].name if aliased else e.name.lower()))
    keys = [n for n in names if n not in {c for c, _ in columns}]
    made: exp.Expr | None = None
    for column, shown in columns:
        if column not in names:
            raise failed("42703", f'column "{column}" does not exist', chosen)
        one = exp.select(
            *(exp.column(k, quoted=True) for k in keys),
            exp.alias_(exp.Literal.string(shown), label, quoted=True),
            exp.alias_(exp.column(column, quoted=True), value, quoted=True),
        ).from_(plain.copy())
        if not pivot.args.get("include_nulls"):
            one = one.where(exp.Not(this=exp.Is(this=exp.column(column, quoted=True), expression=exp.Null())))
        made = one if made is None else exp.Union(this=made, expression=one, distinct=False)
    assert made is not None
    return made
