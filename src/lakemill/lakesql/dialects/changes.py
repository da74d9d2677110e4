"""DELETE, UPDATE and MERGE, as one query: which rows of the target change, and what they become.

Each row of that query is a change: `file` and `position` of the row that it is about (null for one that is inserted),
`deed`, and c0, c1 ... with the values of the target's columns.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from lakemill.lakesql.dialects import pruning, relations
from lakemill.lakesql.dialects.coercion import coerce
from lakemill.lakesql.dialects.compiler import Compiler
from lakemill.lakesql.dialects.model import Schema, TableUse
from lakemill.lakesql.dialects.queries import query
from lakemill.lakesql.dialects.scope import Field, Scope
from lakemill.lakesql.dialects.typed import failed, not_supported
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.fits import fits
from lakemill.lakesql.types import Type, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

DELETE, UPDATE, INSERT = 1, 2, 3
"""A change's `deed`; null where a row that was matched stays as it is."""


@dataclass
class Changes:
    """target: the place where the table is read. sql: the changes, for DuckDB. tables: all that are read.

    columns: of the target, in order.
    """

    target: TableUse
    sql: str
    tables: list[TableUse]
    columns: list[tuple[str, Type]]


class _Target:
    """The table that is changed, as it is read. row_file, row_position: the columns that tell where a row stands."""

    def __init__(self, c: Compiler, node: exp.Expr, row_file: str, row_position: str) -> None:
        if not isinstance(node, exp.Table):
            raise failed("SYNTAX_ERROR", "mismatched input. Expecting: <table>", node)
        before = len(c.tables)
        self.relation, self.fields = relations.relation(c, node, None)
        if len(c.tables) != before + 1 or not any(field.origin for field in self.fields):
            raise not_supported("Changing the rows of a view", node)
        self.use = c.tables[before]
        assert self.use.columns is not None
        self.use.columns += [row_file, row_position]
        self.columns = [field for field in self.fields if not field.hidden]
        ours = self.relation.rpartition(" AS ")[2]
        self.file, self.position = f"{ours}.{quoted(row_file)}", f"{ours}.{quoted(row_position)}"

    def place(self, node: exp.Expr) -> int:
        """Of the column that a statement sets."""
        name = (node.name if isinstance(node, exp.Column | exp.Identifier) else node.sql("trino")).lower()
        found = [place for place, field in enumerate(self.columns) if field.name == name]
        if not found:
            raise failed("COLUMN_NOT_FOUND", f"The target table does not have a column named '{name}'", node)
        return found[0]

    def set(self, c: Compiler, assignments: "Sequence[exp.Expr]") -> list[str]:
        """The values of a row after some columns were set."""
        values = [field.take().sql for field in self.columns]
        known: set[int] = set()
        for one in assignments:
            place = self.place(one.this)
            if place in known:
                name = self.columns[place].name
                raise failed("SYNTAX_ERROR", f"Multiple assignments for the column '{name}'", one)
            known.add(place)
            values[place] = self.value(c, place, one.expression)
        return values

    def value(self, c: Compiler, place: int, node: exp.Expr) -> str:
        column, value = self.columns[place], c.expression(node)
        if not fits(value.type, column.type):
            message = f"Expected {column.type.trino()} for column '{column.name}', but got {value.type.trino()}"
            raise failed("TYPE_MISMATCH", message, node)
        return coerce(value, column.type).sql


def compile(tree: exp.Expr, schema: Schema, database: str, row_file: str, row_position: str) -> Changes:
    """Raises SqlFailed, with line and column.

    row_file, row_position: columns of the target's view that tell where a row stands.
    """
    c = Compiler(schema, database.lower(), query)
    try:
        if isinstance(tree, exp.Merge):
            return _merge(c, tree, row_file, row_position)
        target = _Target(c, tree.this, row_file, row_position)
        c.scope = Scope(target.fields)
        condition = ""
        if tree.args.get("where") is not None:
            where = tree.args["where"].this
            condition = f" WHERE {c.boolean(where, 'WHERE clause').sql}"
            pruning.collect(c.scope, where)
        if isinstance(tree, exp.Update):
            _only(tree, {"this", "expressions", "where"})
            deed, values = UPDATE, target.set(c, tree.expressions)
        elif isinstance(tree, exp.Delete):
            _only(tree, {"this", "where"})
            deed, values = DELETE, [f"CAST(NULL AS {field.type.duckdb()})" for field in target.columns]
        else:
            raise not_supported(type(tree).__name__.upper(), tree)
    except RecursionError:
        raise SqlFailed("STACK_OVERFLOW", "statement is too large (stack overflow during analysis)") from None
    shown = _shown(target.file, target.position, str(deed), values)
    return _changes(c, target, f"SELECT {shown} FROM {target.relation}{condition}")


def _merge(c: Compiler, tree: exp.Merge, row_file: str, row_position: str) -> Changes:
    _only(tree, {"this", "using", "on", "whens"})
    target = _Target(c, tree.this, row_file, row_position)
    source, more = relations.relation(c, tree.args["using"], None)
    c.scope = Scope([*target.fields, *more])
    on = c.boolean(tree.args["on"], "MERGE ON clause").sql
    pruning.collect(Scope(target.fields), _about(target, tree.args["on"], more))
    cases = [_case(c, target, more, when) for when in tree.args["whens"].expressions]
    deed = "CASE " + " ".join(f"WHEN {case.condition} THEN {case.deed}" for case in cases) + " END"
    values = []
    for place, field in enumerate(target.columns):
        kind = field.type.duckdb()
        whens = " ".join(f"WHEN {case.condition} THEN {case.values[place]}" for case in cases if case.values)
        values.append(f"CAST(CASE {whens} END AS {kind})" if whens else f"CAST(NULL AS {kind})")
    shown = _shown(target.file, target.position, deed, values)
    return _changes(c, target, f"SELECT {shown} FROM {target.relation} RIGHT JOIN {source} ON {on}")


@dataclass
class _Case:
    condition: str
    deed: int
    values: list[str]


def _case(c: Compiler, target: _Target, source: list[Field], when: exp.When) -> _Case:
    if when.args.get("source"):
        raise not_supported("WHEN NOT MATCHED BY SOURCE", when)
    matched = bool(when.args["matched"])
    scope = Scope([*target.fields, *source] if matched else source)
    with c.within(scope=scope):
        condition = f"{target.file} IS {'NOT ' if matched else ''}NULL"
        if when.args.get("condition") is not None:
            condition += f" AND {c.boolean(when.args['condition'], 'MERGE WHEN condition').sql}"
        then: Any = when.args["then"]
        if isinstance(then, exp.Update) and matched:
            return _Case(condition, UPDATE, target.set(c, then.expressions))
        if isinstance(then, exp.Insert) and not matched:
            return _Case(condition, INSERT, _inserted(c, target, then))
        if isinstance(then, exp.Var) and then.name.upper() == "DELETE" and matched:
            return _Case(condition, DELETE, [])
    raise failed("SYNTAX_ERROR", f"mismatched input '{then.sql('trino')[:40]}'", when)


def _inserted(c: Compiler, target: _Target, node: exp.Insert) -> list[str]:
    if not isinstance(node.expression, exp.Tuple):
        raise not_supported("INSERT without VALUES in MERGE", node)
    named = node.this.expressions if isinstance(node.this, exp.Tuple) else None
    places = list(range(len(target.columns))) if named is None else [target.place(one) for one in named]
    given = node.expression.expressions
    if len(given) != len(places) or len(set(places)) != len(places):
        message = f"MERGE INSERT has {len(places)} columns, but {len(given)} values"
        raise failed("INVALID_ARGUMENTS", message, node)
    values = [f"CAST(NULL AS {field.type.duckdb()})" for field in target.columns]
    for place, one in zip(places, given, strict=True):
        values[place] = target.value(c, place, one)
    return values


def _about(target: _Target, on: exp.Expr, source: list[Field]) -> exp.Expr:
    """The parts of a condition whose columns can only be the target's."""
    both = Scope([*target.fields, *source])
    parts = list(on.flatten()) if isinstance(on, exp.And) else [on.this if isinstance(on, exp.Paren) else on]
    kept = []
    for part in parts:
        found = [both.find([p.name.lower() for p in one.parts], one) for one in part.find_all(exp.Column)]
        if part.find(exp.Query) is None and all(one and any(one[0] is f for f in target.fields) for one in found):
            kept.append(part.copy())
    return exp.and_(*kept) if kept else exp.true()


def _only(tree: exp.Expr, known: set[str]) -> None:
    for key, value in tree.args.items():
        if value and key not in known:
            raise not_supported(f"{key.strip('_').upper()} in {type(tree).__name__.upper()}", tree)


def _shown(file: str, position: str, deed: str, values: list[str]) -> str:
    named = [f"{value} AS c{place}" for place, value in enumerate(values)]
    return ", ".join([f"{file} AS file", f"{position} AS position", f"{deed} AS deed", *named])


def _changes(c: Compiler, target: _Target, sql: str) -> Changes:
    columns = [(field.name or "", field.type) for field in target.columns]
    if c.information:
        raise not_supported("information_schema in a statement that changes rows")
    return Changes(target.use, sql, c.tables, columns)
