"""UNION, INTERSECT, EXCEPT, and VALUES."""

from typing import TYPE_CHECKING

from sqlglot import exp

from lakemill.lakesql.dialects.scope import Field, Scope
from lakemill.lakesql.dialects.typed import Typed, failed, not_supported
from lakemill.lakesql.types import UNKNOWN, Type

if TYPE_CHECKING:
    from lakemill.lakesql.dialects.compiler import Compiler

Query = tuple[str, list[Field]]


def adorned(node: exp.Expr) -> bool:
    return any(node.args.get(k) for k in ("order", "limit", "offset", "with_"))


def set_operation(c: "Compiler", node: exp.SetOperation, outer: Scope | None) -> Query:
    """Long chains go down the left side, and are walked, not recursed into."""
    chain: list[tuple[str, exp.Expr]] = []
    left: exp.Expr = node
    while isinstance(left, exp.SetOperation) and (left is node or not adorned(left)):
        word = {exp.Union: "UNION", exp.Except: "EXCEPT", exp.Intersect: "INTERSECT"}[type(left)]
        if left.args.get("by_name"):
            raise not_supported("UNION BY NAME", node)
        chain.append((word + ("" if left.args.get("distinct") else " ALL"), left.expression))
        left = left.this
    sides = [c.query(c, left, outer)] + [c.query(c, right, outer) for _, right in reversed(chain)]
    words = [word for word, _ in reversed(chain)]
    width = len(sides[0][1])
    for _, fields in sides:
        if len(fields) != width:
            message = f"UNION query has different number of fields: {width}, {len(fields)}"
            raise failed("TYPE_MISMATCH", message.replace("UNION", words[0].split()[0]), node)
    kinds: list[Type] = []
    for i in range(width):
        kind: Type | None = UNKNOWN
        for _, fields in sides:
            both = c.dialect.common(kind or UNKNOWN, UNKNOWN if fields[i].literal else fields[i].type)
            if both is None:
                first, other = c.dialect.shown(kind or UNKNOWN), c.dialect.shown(fields[i].type)
                message = f"column {i + 1} in {words[0].split()[0]} query has incompatible types: {first}, {other}"
                raise failed("TYPE_MISMATCH", message, node)
            kind = both
        kinds.append(sides[0][1][i].type if kind == UNKNOWN and sides[0][1][i].literal else kind or UNKNOWN)
    texts = [_as_types(c, side, kinds) for side in sides]
    sql = texts[0]
    for word, text in zip(words, texts[1:], strict=True):
        sql = f"({sql}) {word} ({text})"
    return sql, [Field(f.name, k, f"c{i}") for i, (f, k) in enumerate(zip(sides[0][1], kinds, strict=True))]


def _as_types(c: "Compiler", side: Query, kinds: list[Type]) -> str:
    sql, fields = side
    if all(
        f.type.duckdb() == k.duckdb() and f.type != UNKNOWN and not f.literal
        for f, k in zip(fields, kinds, strict=True)
    ):
        return sql
    name = c.name("s")
    shown = [
        f"{c.dialect.coerce(f.literal or Typed(f'{name}.c{i}', f.type), k).sql} AS c{i}"
        for i, (f, k) in enumerate(zip(fields, kinds, strict=True))
    ]
    return f"SELECT {', '.join(shown)} FROM ({sql}) AS {name}"


def values(c: "Compiler", node: exp.Values) -> Query:
    tuples = [e.expressions if isinstance(e, exp.Tuple) else [e] for e in node.expressions]
    tuples = [t[0].expressions if len(t) == 1 and isinstance(t[0], exp.Struct) else t for t in tuples]
    rows = [[c.expression(i) for i in cells] for cells in tuples]
    width = len(rows[0])
    kinds: list[Type] = []
    for i in range(width):
        kind: Type = UNKNOWN
        for r, e in zip(rows, node.expressions, strict=True):
            if len(r) != width:
                raise failed("TYPE_MISMATCH", f"Values rows have mismatched sizes: {width} vs {len(r)}", e)
            both = c.dialect.common(kind, r[i].type)
            if both is None:
                message = f"Values rows have mismatched types: {kind.trino()} vs {r[i].type.trino()}"
                raise failed("TYPE_MISMATCH", message, e)
            kind = both
        kinds.append(kind)
    shown = ", ".join("(" + ", ".join(_exact(c, v, k) for v, k in zip(r, kinds, strict=True)) + ")" for r in rows)
    name, columns = c.name("r"), ", ".join(f"c{i}" for i in range(width))
    fields = [Field(None, k, f"c{i}") for i, k in enumerate(kinds)]
    return f"SELECT * FROM (VALUES {shown}) AS {name}({columns})", fields


def _exact(c: "Compiler", value: Typed, kind: Type) -> str:
    """With the type written out, so that DuckDB chooses no other for the column."""
    sql = c.dialect.coerce(value, kind).sql
    return f"CAST({sql} AS {kind.duckdb()})"
