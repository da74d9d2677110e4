"""Functions of users in SQL: a call is the function's expression, with the call's values in the place of `$1` ..."""

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from lakemill.lakesql.dialects.redshift import casts, grammar
from lakemill.lakesql.dialects.redshift.model import Function
from lakemill.lakesql.dialects.scope import Scope
from lakemill.lakesql.dialects.typed import Typed, failed, once
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import Type

if TYPE_CHECKING:
    from lakemill.lakesql.dialects.compiler import Compiler

DEEP_MAX = 16


def call(c: "Compiler", parts: tuple[str, ...], node: exp.Anonymous) -> Typed | None:
    """The value of a call; None where there is no such function. Raises SqlFailed."""
    dialect: Any = c.dialect
    values = [c.expression(one) for one in node.expressions if not isinstance(one, exp.Star)]
    found = dialect.catalog.function(parts, [value.type for value in values])
    if found is None:
        return None
    if len(dialect.arguments) >= DEEP_MAX:
        raise failed("54001", f"functions can be nested at most {DEEP_MAX} deep", node)
    dialect.functions.append(found.tag)
    given = [dialect.coerce(value, _any_length(kind)) for value, kind in zip(values, found.arguments, strict=True)]
    return Typed(_with(c, found, given, []), found.returns)


def _any_length(kind: Type) -> Type:
    return Type("varchar") if kind.name == "varchar" else kind


def _with(c: "Compiler", function: Function, given: list[Typed], named: list[Typed]) -> str:
    """The expression, each value computed once."""
    if len(named) == len(given):
        return body(c, function, named).sql
    value = given[len(named)]
    if value.value is not None:
        return _with(c, function, given, [*named, value])
    return once(value.sql, lambda sql: _with(c, function, given, [*named, Typed(sql, value.type)]))


def body(c: "Compiler", function: Function, values: list[Typed]) -> Typed:
    """A function's expression for these values, as the type that it returns. Raises SqlFailed 42P13."""
    dialect: Any = c.dialect
    dialect.arguments.append(values)
    try:
        with c.within(scope=Scope(), groups=None, aggregates=None, windows_allowed=False):
            made = c.expression(expression(function.body))
    except SqlFailed as error:
        error.line = error.column = error.position = None  # Of the body, which is not the statement.
        raise
    finally:
        dialect.arguments.pop()
    if dialect.cost(made.type, function.returns) is None:
        shown = dialect.shown(function.returns)
        raise SqlFailed("42P13", f"return type mismatch in function declared to return {shown}")
    return casts.cast(made, function.returns)


def expression(text: str) -> exp.Expr:
    """The one expression that is selected. Raises SqlFailed 42P13 for a query that does more."""
    tree = grammar.parse(text)
    plain = isinstance(tree, exp.Select) and [part for part, found in tree.args.items() if found] == ["expressions"]
    if not plain or len(tree.expressions) != 1 or tree.find(exp.Table, exp.Subquery):
        raise SqlFailed("42P13", "a SQL function must be a SELECT of one expression, without FROM and other clauses")
    found = tree.expressions[0]
    return found.this if isinstance(found, exp.Alias) else found
