"""Conditions that a table's rows must meet to matter, for leaving out whole partitions.

Only comparisons of a column with literals that all rows of the result must meet are kept, and only such as NULL does
not meet, so that they hold on either side of an outer join.
"""

from sqlglot import exp

from lakemill.lakesql.dialects.model import Comparison, TableUse
from lakemill.lakesql.dialects.scope import Scope
from lakemill.lakesql.dialects.thresholds import TURNED

_SIGNS: dict[type, str] = {exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">="}


def collect(scope: Scope, condition: exp.Expr) -> None:
    """Note the comparisons of a WHERE clause at the tables they are about."""
    while isinstance(condition, exp.Paren):
        condition = condition.this
    if isinstance(condition, exp.And):
        for part in condition.flatten():
            collect(scope, part)
        return
    if isinstance(condition, exp.Between):
        low, high = _literal(condition.args["low"]), _literal(condition.args["high"])
        if low is not None and high is not None and not condition.args.get("symmetric"):
            _note(scope, condition.this, ">=", [low])
            _note(scope, condition.this, "<=", [high])
        return
    if isinstance(condition, exp.In) and condition.expressions:
        values = [_literal(e) for e in condition.expressions]
        if None not in values:
            _note(scope, condition.this, "in", [v for v in values if v is not None])
        return
    sign = _SIGNS.get(type(condition))
    if sign is None:
        return
    left, right = condition.this, condition.expression
    if (value := _literal(right)) is not None:
        _note(scope, left, sign, [value])
    elif (value := _literal(left)) is not None:
        _note(scope, right, TURNED[sign], [value])


def _note(scope: Scope, node: exp.Expr, sign: str, values: list[str]) -> None:
    if not isinstance(node, exp.Column):
        return
    found = scope.find([p.name.lower() for p in node.parts], node)
    if found is None or found[1] or not scope.own(found[0]) or found[0].origin is None:
        return
    use, column = found[0].origin
    assert isinstance(use, TableUse)
    use.predicates.append(Comparison(column, sign, values))


def _literal(node: exp.Expr) -> str | None:
    """The text of a literal, as a partition's value would have it."""
    if isinstance(node, exp.Neg) and isinstance(node.this, exp.Literal) and not node.this.is_string:
        return "-" + node.this.this
    if isinstance(node, exp.Literal):
        return node.this
    if isinstance(node, exp.Cast) and isinstance(node.this, exp.Literal) and node.this.is_string:
        kind = node.args["to"].this
        if kind == exp.DataType.Type.DATE:
            return node.this.this
    return None
