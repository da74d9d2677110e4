"""INSERT, UPDATE, DELETE: values as their columns' types, defaults filled in, NOT NULL held."""

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from lakemill.lakesql.dialects import relations as shared
from lakemill.lakesql.dialects.redshift import merging
from lakemill.lakesql.dialects.redshift.casts import assigned, type_mismatch
from lakemill.lakesql.dialects.redshift.coercion import TEXTS, Mark
from lakemill.lakesql.dialects.redshift.model import Column, Compiled, External, Parsed, Relation, Use
from lakemill.lakesql.dialects.scope import Field, Scope
from lakemill.lakesql.dialects.typed import Typed, failed, guard, once, text
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import quoted

if TYPE_CHECKING:
    from lakemill.lakesql.dialects.compiler import Compiler
    from lakemill.lakesql.dialects.redshift.dialect import Redshift


def compiled(c: "Compiler", dialect: "Redshift", parsed: Parsed) -> Compiled:
    """The statement for DuckDB, which gives the number of rows."""
    tree = parsed.tree
    assert tree is not None
    c.ctes.append({})
    if tree.args.get("with_"):
        shared.declare_ctes(c, tree, c.query)
    if isinstance(tree, exp.Insert):
        return _insert(c, dialect, tree)
    if isinstance(tree, exp.Update):
        return _update(c, dialect, tree)
    if isinstance(tree, exp.Delete):
        return _delete(c, dialect, tree)
    return merging.compiled(c, dialect, tree, "remove_duplicates" in parsed.flags)


def target(dialect: "Redshift", node: Any, action: str) -> tuple[Relation, Use]:
    """The table that is written to. Raises SqlFailed where it cannot be."""
    if not isinstance(node, exp.Table) or not isinstance(node.this, exp.Identifier):
        raise failed("42601", f'syntax error at or near "{node.sql("redshift").split("(")[0].split(" ")[0]}"', node)
    parts = tuple(p.name.lower() for p in node.parts)
    try:
        found = dialect.catalog.relation(parts)
    except SqlFailed as error:
        raise failed(error.code, error.message, node) from None
    word = {"insert": "insert into", "update": "update", "delete": "delete from"}[action]
    if not isinstance(found, Relation):
        raise failed(
            "0A000", f"cannot {word} a {'view' if not isinstance(found, External) else 'external table'}", node
        )
    if found.materialized:
        raise failed("0A000", f"cannot {word} a materialized view", node)
    if not found.writable:
        raise failed("42501", f"permission denied for relation {parts[-1]}", node)
    use = Use(found, action)
    dialect.uses.append(use)
    return found, use


def stored(value: Typed, column: Column, node: exp.Expr | None) -> str:
    """DuckDB's expression for the value as the column keeps it."""
    of = value.type
    if of.name in TEXTS and column.type.name not in {*TEXTS, "super", "varbyte"}:
        raise failed("42804", type_mismatch(column.name, column.type, of).message, node)
    try:
        made = assigned(value, column.type, column.name)
    except SqlFailed as error:
        raise failed(error.code, error.message, node) if error.line is None else error from None
    known = value.value is not None and not isinstance(value.value, Mark)
    return made.sql if known else not_null(made.sql, column)


def not_null(sql: str, column: Column) -> str:
    if not column.not_null:
        return sql
    message = text(f"Cannot insert a NULL value into column {column.name}")
    return once(sql, lambda s: guard(f"{s} IS NULL", "23502", message, s))


def default(c: "Compiler", column: Column) -> str:
    """What a column gets that is given nothing."""
    from lakemill.lakesql.dialects.redshift import grammar

    if column.next:
        return column.next
    if column.default is None:
        return not_null(f"CAST(NULL AS {column.type.duckdb()})", column)
    tree = grammar.parse(f"SELECT {column.default}")
    assert isinstance(tree, exp.Select)
    with c.within(scope=Scope()):
        return stored(c.expression(tree.expressions[0]), column, None)


def column_of(table: Relation, name: str, node: exp.Expr) -> Column:
    for column in table.columns:
        if column.name == name.lower():
            return column
    raise failed("42703", f'column "{name}" of relation "{(table.parts or ("",))[-1]}" does not exist', node)


def is_default(node: exp.Expr) -> bool:
    return (
        isinstance(node, exp.Column)
        and len(node.parts) == 1
        and not node.this.args.get("quoted")
        and node.name.upper() == "DEFAULT"
    ) or (isinstance(node, exp.Var) and node.name.upper() == "DEFAULT")


def refuse_identity(column: Column, node: exp.Expr) -> None:
    if column.generated == "always":
        raise failed("0A000", "cannot set an identity column to a value", node)


def _insert(c: "Compiler", dialect: "Redshift", node: exp.Insert) -> Compiled:
    schema = node.this
    named = schema.expressions if isinstance(schema, exp.Schema) else []
    place = schema.this if isinstance(schema, exp.Schema) else schema
    if not isinstance(place, exp.Table):
        target(dialect, place, "insert")
    try:
        found = dialect.catalog.relation(tuple(p.name.lower() for p in place.parts))
    except SqlFailed as error:
        raise failed(error.code, error.message, place) from None
    if isinstance(found, External):
        return _into_external(c, dialect, node, found)
    return _into_table(c, dialect, node, place, named)


def _into_table(
    c: "Compiler", dialect: "Redshift", node: exp.Insert, place: exp.Table, named: list[exp.Expr]
) -> Compiled:
    """named: the columns that the statement lists, if any."""
    table, use = target(dialect, place, "insert")
    chosen = [column_of(table, e.name, e) for e in named] or list(table.columns)
    for i, column in enumerate(chosen):
        if column in chosen[:i]:
            raise failed("42701", f'column "{column.name}" specified more than once', named[i])
    use.columns = [column.name for column in chosen]
    rest = [column for column in table.columns if column not in chosen]
    head = f"INSERT INTO {table.sql} ({', '.join(quoted(column.name) for column in [*chosen, *rest])})"
    defaults = [default(c, column) for column in rest]
    source = node.expression
    if source is None and not node.args.get("default"):
        raise failed("42601", "syntax error at end of input", None)
    if node.args.get("default"):
        return Compiled([f"{head} VALUES ({', '.join(default(c, column) for column in table.columns)})"])
    rows = _rows(source)
    if rows is not None:
        made = [_row(c, cells, chosen, bool(named), table) for cells in rows]
        return Compiled([f"{head} VALUES {', '.join('(' + ', '.join([*cells, *defaults]) + ')' for cells in made)}"])
    sql, fields = c.query(c, source, None)
    if not named and len(fields) < len(chosen):
        # Columns behind those that are given have their defaults.
        defaults = [default(c, column) for column in chosen[len(fields) :]] + defaults
        chosen = chosen[: len(fields)]
    _check_count(len(fields), len(chosen), node)
    for column in chosen:
        refuse_identity(column, node)
    name = c.name("q")
    shown = [
        stored(f.literal or Typed(f"{name}.{f.sql}", f.type), col, node) for f, col in zip(fields, chosen, strict=True)
    ]
    return Compiled([f"{head} SELECT {', '.join([*shown, *defaults])} FROM ({sql}) AS {name}"])


def _check_count(given: int, wanted: int, node: exp.Expr) -> None:
    if given > wanted:
        raise failed("42601", "INSERT has more expressions than target columns", node)
    if given < wanted:
        raise failed("42601", "INSERT has more target columns than expressions", node)


def _rows(source: exp.Expr) -> list[list[exp.Expr]] | None:
    """The rows of VALUES; None for a query."""
    if isinstance(source, exp.Values):
        return [e.expressions if isinstance(e, exp.Tuple) else [e] for e in source.expressions]
    return None


def _row(c: "Compiler", cells: list[exp.Expr], chosen: list[Column], named: bool, table: Relation) -> list[str]:
    if not cells:
        raise failed("42601", 'syntax error at or near ")"', None)
    if len(cells) > len(chosen) or named:
        _check_count(len(cells), len(chosen), cells[0])
    made = []
    with c.within(scope=Scope()):
        for cell, column in zip(cells, chosen, strict=False):
            if is_default(cell):
                made.append(default(c, column))
                continue
            refuse_identity(column, cell)
            made.append(stored(c.expression(cell), column, cell))
    return made + [default(c, column) for column in chosen[len(cells) :]]


def _into_external(c: "Compiler", dialect: "Redshift", node: exp.Insert, found: External) -> Compiled:
    """The query alone: whoever writes files of the external table carries it out."""
    source = node.expression
    if isinstance(node.this, exp.Schema) or _rows(source) is not None or source is None:
        raise failed("0A000", "INSERT into an external table takes a SELECT without a column list", node)
    dialect.uses.append(Use(found, "insert"))
    sql, fields = c.query(c, source, None)
    _check_count(len(fields), len(found.columns), node)
    return Compiled([sql], [(name, f.type) for (name, _), f in zip(found.columns, fields, strict=True)])


def _update(c: "Compiler", dialect: "Redshift", node: exp.Update) -> Compiled:
    if not node.expressions:
        raise failed("42601", "syntax error in SET", node)
    table, use = target(dialect, node.this, "update")
    sql, fields, read = placed(c, dialect, node.this)
    source, more = _others(c, [node.args["from_"].this] if node.args.get("from_") else [])
    c.scope = Scope(fields + more)
    settings = assignments(c, table, node.expressions, use)
    where = f" WHERE {c.boolean(node.args['where'].this, 'WHERE clause').sql}" if node.args.get("where") else ""
    forget_unread(dialect, read)
    return Compiled([f"UPDATE {sql} SET {', '.join(settings)}{f' FROM {source}' if source else ''}{where}"])


def placed(c: "Compiler", dialect: "Redshift", node: exp.Expr) -> tuple[str, list[Field], Use]:
    """The table that is changed, as a relation whose columns can be named, and its use for reading."""
    sql, fields = shared.relation(c, node, None)
    return sql, fields, dialect.uses[-1]


def forget_unread(dialect: "Redshift", read: Use) -> None:
    """A table that is changed counts as read only where its columns are named."""
    if not read.columns:
        dialect.uses[:] = [use for use in dialect.uses if use is not read]


def assignments(c: "Compiler", table: Relation, nodes: list[exp.Expr], use: Use) -> list[str]:
    """a = 1, (b, c) = (2, 3)."""
    pairs: list[tuple[exp.Expr, exp.Expr]] = []
    for node in nodes:
        if not isinstance(node, exp.EQ):
            raise failed("42601", "syntax error in SET", node)
        if isinstance(node.this, exp.Tuple) and isinstance(node.expression, exp.Tuple):
            if len(node.this.expressions) != len(node.expression.expressions):
                raise failed("42601", "number of columns does not match number of values", node)
            pairs += zip(node.this.expressions, node.expression.expressions, strict=True)
        else:
            pairs.append((node.this, node.expression))
    made = []
    for place, value in pairs:
        column = column_of(table, place.name, place)
        if column.name in use.columns:
            raise failed("42601", f'multiple assignments to same column "{column.name}"', place)
        use.columns.append(column.name)
        if is_default(value):
            made.append(f"{quoted(column.name)} = {default(c, column)}")
            continue
        refuse_identity(column, value)
        made.append(f"{quoted(column.name)} = {stored(c.expression(value), column, value)}")
    return made


def _others(c: "Compiler", nodes: list[exp.Expr]) -> tuple[str, list[Field]]:
    """FROM of an UPDATE, USING of a DELETE."""
    parts, fields = [], []
    for node in nodes:
        sql, more = shared.from_clause(c, exp.select("1").from_(node, copy=False), None)
        parts.append(sql)
        fields += more
    return ", ".join(parts), fields


def _delete(c: "Compiler", dialect: "Redshift", node: exp.Delete) -> Compiled:
    place = node.this or (node.args.get("tables") or [None])[0]
    if place is None:
        raise failed("42601", 'syntax error at or near "delete"', node)
    target(dialect, place, "delete")
    sql, fields, read = placed(c, dialect, place)
    source, more = _others(c, list(node.args.get("using") or []))
    c.scope = Scope(fields + more)
    where = f" WHERE {c.boolean(node.args['where'].this, 'WHERE clause').sql}" if node.args.get("where") else ""
    forget_unread(dialect, read)
    return Compiled([f"DELETE FROM {sql}{f' USING {source}' if source else ''}{where}"])
