"""WITH RECURSIVE: a query that names itself."""

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from lakemill.lakesql.dialects.scope import Field
from lakemill.lakesql.dialects.typed import Typed, failed

if TYPE_CHECKING:
    from lakemill.lakesql.dialects.compiler import Compiler


def refers(node: exp.Expr, name: str) -> bool:
    """Whether the query reads from this name."""
    return any(t.name.lower() == name and not t.db for t in node.find_all(exp.Table))


def query(c: "Compiler", cte: Any) -> tuple[str, list[Field]]:
    """anchor UNION ALL what is made of the rows of the round before. Its types are the anchor's."""
    node = cte.node.this if isinstance(cte.node, exp.Subquery) else cte.node
    if not isinstance(node, exp.Union) or node.args.get("distinct") or refers(node.this, cte.recursive):
        raise failed(
            "NOT_SUPPORTED",
            "recursive CTE must be a UNION ALL of a query that does not refer to it and one that does",
            node,
        )
    relation = c.name("w")
    anchor, columns = c.query(c, node.this, None)
    names = cte.columns or [f.name for f in columns]
    fields = [Field(n, f.type, f"c{i}") for i, (n, f) in enumerate(zip(names, columns, strict=False))]
    inner = type(cte)(node.expression, [], cte.visible, cte.database, relation=relation, fields=fields)
    with c.within(ctes=[*c.ctes, {cte.recursive: inner}]):
        step, made = c.query(c, node.expression, None)
    if len(made) != len(columns):
        raise failed("TYPE_MISMATCH", f"UNION query has different number of fields: {len(columns)}, {len(made)}", node)
    name = c.name("s")
    first = ", ".join(f"CAST({name}.c{i} AS {f.type.duckdb()}) AS c{i}" for i, f in enumerate(columns))
    shown = ", ".join(
        f"CAST({c.dialect.cast(Typed(f'{name}.c{i}', m.type), f.type).sql} AS {f.type.duckdb()}) AS c{i}"
        for i, (f, m) in enumerate(zip(columns, made, strict=True))
    )
    head = ", ".join(f"c{i}" for i in range(len(columns)))
    body = f"SELECT {first} FROM ({anchor}) AS {name} UNION ALL SELECT {shown} FROM ({step}) AS {name}"
    return f"WITH RECURSIVE {relation}({head}) AS ({body}) SELECT * FROM {relation}", columns
