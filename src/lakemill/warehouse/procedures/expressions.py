"""SQL in a body: parsed when the procedure is made, kept as text."""

from lakemill.lakesql.dialects import redshift
from lakemill.lakesql.errors import SqlFailed
from lakemill.warehouse.procedures.nodes import Query
from lakemill.warehouse.tokens import Tokens


def query(text: str, change: bool = False) -> Query:
    """A query. change: whether it may be another statement. Raises SqlFailed 42601."""
    try:
        if redshift.parse(text).kind != "query" and not change:
            raise SqlFailed("42601", "a query must stand here")
    except SqlFailed as wrong:
        raise SqlFailed(wrong.code, wrong.message, detail=f"in: {text}") from None
    return Query(text)


def expression(text: str) -> Query:
    """An expression as a query. Raises SqlFailed 42601."""
    return query(f"SELECT {text}")


def values(tokens: Tokens) -> list[Query]:
    """( expression, ... )"""
    tokens.expect("(")
    found: list[Query] = []
    while tokens.peek() != ")":
        found.append(expression(tokens.until(",", ")")))
        if not tokens.take(","):
            break
    tokens.expect(")")
    return found
