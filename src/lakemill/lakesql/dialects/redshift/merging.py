"""MERGE: rows of a source update or delete those of a table that they match, or are inserted."""

from typing import TYPE_CHECKING

from sqlglot import exp

from lakemill.lakesql.dialects import relations as shared
from lakemill.lakesql.dialects.redshift.model import Column, Compiled, Relation, Use
from lakemill.lakesql.dialects.scope import Field, Scope
from lakemill.lakesql.dialects.typed import Typed, failed, guard, text
from lakemill.lakesql.types import quoted

if TYPE_CHECKING:
    from lakemill.lakesql.dialects.compiler import Compiler
    from lakemill.lakesql.dialects.redshift.dialect import Redshift

SOURCE = "merge_source"


def compiled(c: "Compiler", dialect: "Redshift", node: exp.Expr, remove_duplicates: bool) -> Compiled:
    """Where a row of the table matches several of the source the statement fails."""
    from lakemill.lakesql.dialects.redshift.writing import placed, target

    table, use = target(dialect, node.this, "update")
    place, fields, _ = placed(c, dialect, node.this)
    source, more = shared.relation(c, node.args["using"], None)
    with c.within(scope=Scope(fields + more)):
        on = c.boolean(node.args["on"], "JOIN ON clause").sql
    if remove_duplicates:
        return _replaced(c, dialect, table, place, source, more, on, node)
    name = place.rsplit(" AS ", 1)[1]
    message = text("Found multiple matches to update the same tuple.")
    twice = f"EXISTS (SELECT 1 FROM {place} JOIN {source} ON {on} GROUP BY {name}.rowid HAVING count(*) > 1)"
    branches, seen = [], set()
    for when in node.args["whens"].expressions:
        matched = bool(when.args.get("matched"))
        if matched in seen:
            raise failed("0A000", "MERGE with more than one branch of a kind is not supported", when)
        if when.args.get("condition") is not None:
            raise failed("42601", 'syntax error at or near "and"', when)
        seen.add(matched)
        branches.append(_branch(c, dialect, table, use, when, matched, fields, more))
    if seen != {True, False}:
        raise failed("42601", "MERGE needs both WHEN MATCHED and WHEN NOT MATCHED", node)
    check = f"SELECT {guard(twice, '21000', message, '1')}"
    return Compiled([check, f"MERGE INTO {place} USING {source} ON ({on}) {' '.join(branches)}"])


def _branch(
    c: "Compiler",
    dialect: "Redshift",
    table: Relation,
    use: Use,
    when: exp.Expr,
    matched: bool,
    fields: list[Field],
    more: list[Field],
) -> str:
    from lakemill.lakesql.dialects.redshift import writing

    action = when.args["then"]
    if matched and isinstance(action, exp.Var) and action.name.upper() == "DELETE":
        use.action = "delete"
        return "WHEN MATCHED THEN DELETE"
    if matched and isinstance(action, exp.Update):
        with c.within(scope=Scope(fields + more)):
            made = writing.assignments(c, table, action.expressions, use)
        return f"WHEN MATCHED THEN UPDATE SET {', '.join(made)}"
    if matched or not isinstance(action, exp.Insert):
        raise failed("42601", "syntax error in MERGE", when)
    if not isinstance(action.expression, exp.Tuple):
        raise failed("42601", "syntax error in MERGE", when)
    named = action.this.expressions if isinstance(action.this, exp.Tuple | exp.Schema) else []
    chosen = [writing.column_of(table, e.name, e) for e in named] or list(table.columns)
    values = action.expression.expressions
    if len(values) != len(chosen):
        raise failed("42601", "INSERT has a different number of columns and expressions", when)
    dialect.uses.append(Use(table, "insert", [column.name for column in chosen]))
    made = []
    with c.within(scope=Scope(more)):
        for value, column in zip(values, chosen, strict=True):
            if writing.is_default(value):
                made.append(writing.default(c, column))
                continue
            writing.refuse_identity(column, value)
            made.append(writing.stored(c.expression(value), column, value))
    rest = [column for column in table.columns if column not in chosen]
    made += [writing.default(c, column) for column in rest]
    names = ", ".join(quoted(column.name) for column in [*chosen, *rest])
    return f"WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({', '.join(made)})"


def _replaced(
    c: "Compiler",
    dialect: "Redshift",
    table: Relation,
    place: str,
    source: str,
    more: list[Field],
    on: str,
    node: exp.Expr,
) -> Compiled:
    """REMOVE DUPLICATES: rows that match are deleted, then every row of the source is inserted once."""
    from lakemill.lakesql.dialects.redshift.writing import stored

    given = [f for f in more if not f.hidden]
    if len(given) != len(table.columns):
        raise failed(
            "42601", "the source and the target of MERGE ... REMOVE DUPLICATES must have the same columns", node
        )
    dialect.uses += [Use(table, "delete"), Use(table, "insert", [column.name for column in table.columns])]
    shown = ", ".join(f"{f.take().sql} AS c{i}" for i, f in enumerate(given))
    insert = ", ".join(_stored(stored, f, i, col) for i, (f, col) in enumerate(zip(given, table.columns, strict=True)))
    names = ", ".join(quoted(column.name) for column in table.columns)
    return Compiled(
        [
            f"CREATE OR REPLACE TEMP TABLE {SOURCE} AS SELECT DISTINCT {shown} FROM {source}",
            f"DELETE FROM {place} USING {source} WHERE {on}",
            f"INSERT INTO {table.sql} ({names}) SELECT {insert} FROM temp.{SOURCE} AS q",
        ]
    )


def _stored(stored: object, field: Field, index: int, column: Column) -> str:
    assert callable(stored)
    return str(stored(Typed(f"q.c{index}", field.type), column, None))
