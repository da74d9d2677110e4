"""An expression of DuckDB with the type it has in Trino."""

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from lakemill.lakesql.errors import MARK, SqlFailed
from lakemill.lakesql.types import Type


@dataclass(frozen=True)
class Typed:
    """sql stands alone in any place; value: of a literal, as Python's, else None.

    narrow: of a decimal, the same value as DuckDB computes it in 64 bits; it fails where it does not fit (`wide` of a
    compiler). Empty where there is none.
    bound: of a double that is a number and finite, what its magnitude does not exceed; None where nothing is known.
    """

    sql: str
    type: Type
    value: Any = None
    narrow: str = ""
    bound: float | None = None


def text(value: str) -> str:
    """A string literal of DuckDB.

    >>> text("it's")
    "'it''s'"
    """
    return "'" + value.replace("'", "''") + "'"


def guard(bad: str, code: str, message: str, value: str) -> str:
    """value, unless the condition `bad` holds: then the statement fails.

    message: an expression of DuckDB. `try(...)` makes NULL of such a failure; only rows that come here can fail.
    """
    return f"guard({bad}, {text(MARK + code + MARK)} || {message} || {text(MARK)}, {value})"


def once(sql: str, body: Callable[[str], str]) -> str:
    """An expression in which `sql` occurs several times and is computed once, unless it is no more than a name.

    >>> once("r1.a", lambda x: f"f({x}, {x})")
    'f(r1.a, r1.a)'
    """
    if re.fullmatch(r"""[\w."]+|'[^']*'""", sql):
        return body(sql)
    # The same name for the same text: GROUP BY recognises expressions by their texts.
    name = f"o{zlib.crc32(sql.encode()):08x}"
    return f"list_extract(list_transform([{sql}], LAMBDA {name} : {body(name)}), 1)"


def place_of(node: exp.Expr | None) -> tuple[int | None, int | None]:
    """Line and column where the text of a node begins."""
    if node is None:
        return None, None
    places = [n.meta["place"] for n in node.walk() if "place" in n.meta]
    return min(places) if places else (None, None)


def failed(code: str, message: str, node: exp.Expr | None) -> SqlFailed:
    return SqlFailed(code, message, *place_of(node))


def not_supported(what: str, node: exp.Expr | None = None) -> SqlFailed:
    return failed("NOT_SUPPORTED", f"{what} is not supported", node)
